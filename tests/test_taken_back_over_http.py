import gzip
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.conftest import fresh_database, served
from tests.given import cube, draft, figure, run
from tests.kept import baked

VERSIONS = "/datasets/prov/versions"
SECRET = 77.125


class Taken(NamedTuple):
    api: httpx.Client
    command: Callable[..., Any]


@pytest.fixture(scope="module")
def taken(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taken]:
    """The API over versions of which one was withdrawn and a figure was erased while it ran."""
    home = tmp_path_factory.mktemp("home")
    other = cube(figure("0834", value=1))
    cubes = [cube(figure(value=5)), cube(figure(value=SECRET)), cube(figure(value=SECRET), figure("0834"))]
    with fresh_database(cluster) as ledger:
        baked(ledger, home / "files", *(draft(cubes={"A": one, "B": other}) for one in cubes[:1]))
        baked(ledger, home / "files", *(draft(cubes={"A": one, "B": other}) for one in cubes[1:]))
        environment = {"LANSDATA_DATABASE_URL": ledger, "LANSDATA_HOME": str(home)}
        with (
            served(environment, home / "log") as running,
            httpx.Client(base_url=f"{running.url}/api/v1") as api,
        ):
            for path in ("", "?version=1.0.1&dataset=prov", "?includeHistory=true&dataset=prov"):
                api.get(f"/observations{path}")
            api.get("/datasets/prov/versions")
            yield Taken(api, lambda *words: run("datasets", *words, **environment))


@pytest.fixture(scope="module", name="api")
def _api(taken: Taken) -> httpx.Client:
    withdrawn = taken.command("withdraw", "prov", "1.0.0", "--reason", "Fel källa")
    assert withdrawn.returncode == 0, withdrawn.stderr
    erased = taken.command("erase", "A", "0880", "total", "2020", "--reason", "Röjer en person")
    assert erased.returncode == 0, erased.stderr
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if taken.api.get(f"{VERSIONS}").json()["versions"][0]["version"] == "2.0.0":
            break
        time.sleep(0.05)
    return taken.api


def test_a_withdrawn_version_says_so_in_every_list(api: httpx.Client) -> None:
    listed = {one["version"]: one for one in api.get(VERSIONS).json()["versions"]}
    fed = {one["version"]: one for one in api.get("/releases").json()["releases"]}
    told = api.get(f"{VERSIONS}/1.0.0").json()["withdrawn"]

    assert listed["1.0.0"]["withdrawn"] == fed["1.0.0"]["withdrawn"] == told
    assert (told["reason"], told["successor"]) == ("Fel källa", "1.0.1")
    assert told["href"].endswith(f"{VERSIONS}/1.0.1")
    assert listed["2.0.0"]["withdrawn"] is None


def test_figures_of_a_withdrawn_version_come_with_a_warning_and_are_looked_at_again(
    api: httpx.Client,
) -> None:
    pinned = {"dataset": "prov", "version": "1.0.0", "indicator": "B"}
    got = api.get("/observations", params=pinned)
    in_english = api.get("/observations", params=pinned | {"lang": "en"}).json()

    assert "återkallad" in got.json()["_meta"]["warnings"][0]["text"]
    assert "Fel källa" in got.json()["_meta"]["warnings"][0]["text"]
    assert "must not be used" in in_english["_meta"]["warnings"][0]["text"]
    assert "immutable" not in got.headers["cache-control"]
    assert "immutable" not in api.get(f"{VERSIONS}/1.0.0/files/B.csv").headers["cache-control"]
    assert "immutable" in api.get(f"{VERSIONS}/1.1.0/files/B.csv").headers["cache-control"]


def test_pictures_and_embeds_say_what_is_withdrawn_and_hold_nothing_erased(api: httpx.Client) -> None:
    root = api.base_url
    drawn = httpx.get(root.join("/charts/B.vl.json?version=1.0.0"))
    embedded = httpx.get(root.join("/embed/B/figure.json?version=1.0.0"))
    page = httpx.get(root.join("/indikator/B?version=1.0.0"), headers={"Accept": "text/html"})

    for one in (drawn, embedded, page):
        assert "återkallad och ska inte användas: Fel källa" in one.text
        assert "immutable" not in one.headers["cache-control"]
    for path in ("/charts/A.svg", "/charts/A.vl.json", "/embed/A", "/embed/A/figure.json", "/indikator/A"):
        erased = httpx.get(root.join(f"{path}?version=1.0.1"), headers={"Accept": "text/html"})
        assert erased.status_code == 410
        assert "Röjer en person" in erased.text
        assert str(SECRET) not in erased.text


@pytest.mark.parametrize(
    "path",
    [
        "/observations?dataset=prov&version=1.0.1",
        "/observations?indicator=A&includeHistory=true",
        f"{VERSIONS}/1.0.1/changes",
        f"{VERSIONS}/1.0.1/files/observations.csv.gz",
        f"{VERSIONS}/1.1.0/files/observations.parquet",
        f"{VERSIONS}/1.1.0/files/changes.ndjson.gz",
        f"{VERSIONS}/1.0.1/files/A.csv",
    ],
)
def test_what_held_an_erased_figure_is_gone_with_the_reason(api: httpx.Client, path: str) -> None:
    got = api.get(path)

    assert (got.status_code, got.json()["type"]) == (410, "/problems/erased")
    assert "Röjer en person" in got.json()["detail"]
    assert str(SECRET) not in got.text
    assert api.head(path).status_code == 410


def test_what_never_held_the_figure_is_still_there(api: httpx.Client) -> None:
    for path in (
        "/observations?indicator=B&dataset=prov&version=1.0.1",
        f"{VERSIONS}/1.0.1",
        f"{VERSIONS}/1.0.1/files/B.csv",
        f"{VERSIONS}/1.0.1/files/manifest.txt",
        f"{VERSIONS}/1.0.1/files/indicators.json",
        f"{VERSIONS}/2.0.0/files/changes.ndjson.gz",
    ):
        assert api.get(path).status_code == 200, path


def test_the_version_without_the_figure_is_whole(api: httpx.Client) -> None:
    rows = api.get("/observations", params={"indicator": "A"}).json()["observations"]
    files = {one["name"]: one for one in api.get(f"{VERSIONS}/2.0.0").json()["files"]}
    body = api.get(files["observations.json.gz"]["href"]).content

    assert [row["municipality"] for row in rows] == ["0834"]
    assert hashlib.sha256(body).hexdigest() == files["observations.json.gz"]["sha256"]
    assert [one["indicator"] for one in json.loads(gzip.decompress(body))["observations"]] == ["A", "B"]


@pytest.mark.usefixtures("api")
def test_the_service_is_well_after_both(taken: Taken) -> None:
    done = taken.command("verify")
    listed = taken.command("versions", "prov")

    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("0 wrong\n")
    assert "withdrawn: Fel källa" in listed.stdout


def test_wrong_use_is_told_in_one_line(taken: Taken) -> None:
    for words, said in (
        (("withdraw", "prov", "9.9.9", "--reason", "x"), "'9.9.9' is no version of prov"),
        (("erase", "A", "0880", "female", "2020", "--reason", "x"), "'female' is not a valid Sex"),
        (("erase", "A", "0880", "men", "2020", "--reason", "x"), "no version holds a figure of A"),
        (("restore",), "needs an empty one"),
    ):
        done = taken.command(*words)
        assert done.returncode == 1
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
