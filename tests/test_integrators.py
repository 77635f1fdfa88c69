import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import msgspec
import pytest

from datasets.canonical import canonical_csv
from datasets.ledger import Draft
from datasets.vocabulary import Flag, Interval, Sex, Status
from tests.conftest import ROOT, Server, fresh_database, served
from tests.given import cube, draft, figure
from tests.kept import baked

EXAMPLES = ROOT / "docs" / "examples"
PUBLIC = "https://lansdata.regionkalmar.se"
BLOCK = re.compile(r"```bash\n(.*?)```", re.DOTALL)


def states(name: str) -> list[Draft]:
    same = cube(figure("0834", value=0.1))
    odd = figure(
        "0880", Sex.OTHER, 2020, "age:80-", value=2.5, flags=frozenset(Flag), interval=Interval(2, 3)
    )
    first = cube(figure(value=1), figure(year=2021, status=Status.SUPPRESSED), odd)
    second = cube(figure(value=1.25), figure(year=2019, value=1e-7, count=4), odd)
    third = cube(figure("08", value=3), odd)
    cubes = [
        {"A": first, "B": same, "C": same},
        {"A": second, "B": same, "C": same},
        {"A": third, "B": same, "D": cube(figure(value=7))},
    ]
    return [draft(name, {f"{name}-{one}": of for one, of in some.items()}) for some in cubes]


class Place(NamedTuple):
    """The API, how to publish under it, and a folder that is kept equal to it."""

    url: str
    ledger: str
    files: Path
    mirror: Path

    def publish(self, one: Draft) -> None:
        baked(self.ledger, self.files, one)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            got = httpx.get(f"{self.url}/datasets/{one.dataset.id}/versions")
            if got.status_code == 200 and got.json()["versions"][0]["note"] == one.note:
                return
            time.sleep(0.1)
        raise AssertionError("the release never came")

    def run(self, name: str, *datasets: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable] if name.endswith(".py") else ["sh"]
        return subprocess.run(
            [*command, str(EXAMPLES / name), self.url, str(self.mirror), *datasets],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def pull(self, name: str, *datasets: str) -> str:
        done = self.run(name, *datasets)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def holds(self, wanted: Draft) -> bool:
        there = {path.stem: path.read_bytes() for path in (self.mirror / wanted.dataset.id).glob("*.csv")}
        return there == {name: canonical_csv(one) for name, one in wanted.cubes.items()}


@pytest.fixture(scope="module")
def running(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("home")
    with fresh_database(cluster) as ledger:
        baked(ledger, home / "files", draft("annan", {"annan-Z": cube(figure(value=1))}))
        environment = {"LANSDATA_DATABASE_URL": ledger, "LANSDATA_HOME": str(home)}
        with served(environment, home / "log") as server:
            yield Place(f"{server.url}/api/v1", ledger, home / "files", home)


@pytest.fixture
def place(running: Place, tmp_path: Path) -> Place:
    return running._replace(mirror=tmp_path / "mirror")


def noted(drafts: list[Draft]) -> list[Draft]:
    return [msgspec.structs.replace(one, note=f"läge {at}") for at, one in enumerate(drafts)]


def test_the_script_downloads_once_and_then_applies_what_changed(place: Place) -> None:
    first, second, third = noted(states("p1"))
    place.publish(first)

    assert "p1 1.0.0: 3 cubes, 3 of them downloaded whole" in place.pull("nightly_pull.py", "p1")
    assert place.holds(first)
    assert place.pull("nightly_pull.py", "p1") == ""
    place.publish(second)
    assert place.pull("nightly_pull.py", "p1") == "p1 2.0.0: 3 cubes, 0 of them downloaded whole\n"
    assert place.holds(second)
    place.publish(first)
    place.publish(third)
    assert ": 3 cubes, 0 of them downloaded whole" in place.pull("nightly_pull.py", "p1")
    assert place.holds(third)


def test_an_interrupted_pull_goes_on(place: Place) -> None:
    first, second, _ = noted(states("p2"))
    place.publish(first)
    folder = place.mirror / "p2"
    folder.mkdir(parents=True)
    (folder / "p2-A.part").write_bytes(canonical_csv(first.cubes["p2-A"])[:50])
    (folder / "p2-B.part").write_bytes(canonical_csv(first.cubes["p2-B"]))
    place.pull("nightly_pull.py", "p2")
    assert place.holds(first)

    # killed while it wrote: a cube is damaged, and the folder says that the run did not end
    place.publish(second)
    (folder / "unfinished").touch()
    (folder / "p2-A.csv").write_bytes(b"dam")
    assert "1 of them downloaded whole" in place.pull("nightly_pull.py", "p2")
    assert place.holds(second)


def test_the_script_takes_no_file_that_is_not_what_its_version_says(place: Place) -> None:
    first = noted(states("p3"))[0]
    place.publish(first)
    folder = place.mirror / "p3"
    folder.mkdir(parents=True)
    (folder / "p3-A.part").write_bytes(b"x" * 50)
    done = place.run("nightly_pull.py", "p3")

    assert done.returncode == 1
    assert "is not what its version says" in done.stderr
    assert not (folder / "p3-A.csv").exists()
    place.pull("nightly_pull.py", "p3")
    assert place.holds(first)


def test_the_shell_does_the_same_in_twenty_lines(place: Place) -> None:
    first, _, third = noted(states("p4"))
    place.publish(first)
    place.pull("nightly_pull.sh")
    assert place.holds(first)
    (place.mirror / "p4" / "p4-A.csv").write_bytes(b"damaged")
    place.publish(third)
    place.pull("nightly_pull.sh")

    assert place.holds(third)
    assert len((EXAMPLES / "nightly_pull.sh").read_text().splitlines()) <= 20


def test_every_command_that_proves_a_figure_does(server: Server, tmp_path: Path) -> None:
    blocks = BLOCK.findall((ROOT / "docs" / "verify.md").read_text("utf-8"))
    said = []
    for block in blocks:
        for line in block.strip().splitlines():
            done = subprocess.run(
                ["sh", "-c", f"set -e; {line.replace(PUBLIC, server.url)}"],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            said.append(done.stdout)

    assert said[2:4] == ["scb-folkmangd.csv: OK\n", "manifest.txt: OK\n"]
    assert said[4].startswith("0880,women,2004,")
    assert said[-1].endswith(" scb-folkmangd\n")
