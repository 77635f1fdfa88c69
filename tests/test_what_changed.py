"""What changed from one version to another: held against what each version itself answers."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from datasets.vocabulary import Text
from tests.conftest import ROOT, fresh_database, served
from tests.drafts import draft, published
from tests.given import run
from tests.test_change_rows import place
from tests.test_history import KEY, chance_drafts, figures_of, rows_of
from tests.test_refusals import faults, problem

Row = dict[str, Any]


@pytest.fixture(scope="module")
def ledger(cluster: str) -> Iterator[str]:
    with fresh_database(cluster) as address:
        published(address, *chance_drafts(3, 14))
        published(
            address,
            draft("fast", {"fast-a": ["0880 total 2020 1", "0880 total 2021 2 - preliminary"]}),
            draft(
                "fast", {"fast-a": ["0880 total 2020 1.5", "0880 total 2021 2"], "fast-b": ["08 men 2020 0"]}
            ),
            draft("fast", {"fast-b": ["08 men 2020 0"]}, title=Text("Andel äldre")),
        )
        yield address


@pytest.fixture(scope="module")
def environment(ledger: str, home: Path) -> dict[str, str]:
    return {"LANSDATA_DATABASE_URL": ledger, "LANSDATA_HOME": str(home)}


@pytest.fixture(scope="module")
def api(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    log = tmp_path_factory.mktemp("changed") / "log"
    with (
        served(environment, log) as running,
        httpx.Client(base_url=f"{running.url}/api/v1", timeout=120) as one,
    ):
        yield one


def versions_of(api: httpx.Client, dataset: str) -> list[str]:
    """Return the versions of a dataset, oldest first."""
    listed = api.get(f"/datasets/{dataset}/versions?limit=100").json()["versions"]
    return [one["version"] for one in reversed(listed)]


def changes_of(api: httpx.Client, dataset: str, version: str, query: str = "limit=1000") -> list[Row]:
    rows, at = [], f"/datasets/{dataset}/versions/{version}/changes?{query}"
    while at:
        body = api.get(at).raise_for_status().json()
        rows += body["changes"]
        at = body["_links"].get("next", {}).get("href", "")
    assert len(rows) == body["_meta"]["totalRecords"]
    return rows


def parted(row: Row | None) -> Row | None:
    return row and {name: told for name, told in row.items() if name not in KEY}


def compared(before: dict[str, Row], after: dict[str, Row]) -> list[Row]:
    """Return how two answers differ, figure by figure, in the order of an answer."""
    told = []
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old != new:
            one = new or old or {}
            word = "added" if old is None else "removed" if new is None else "revised"
            change = {"change": word} | {name: one[name] for name in KEY if name in one}
            told.append(change | {"before": parted(old), "after": parted(new)})
    return sorted(told, key=lambda row: (row["indicator"], place(row)))


def without_fields(rows: list[Row]) -> list[Row]:
    return [
        {name: told for name, told in row.items() if name != "fields"}
        for row in rows
        if row["change"] != "definition"
    ]


def figures(api: httpx.Client, dataset: str, version: str | None) -> dict[str, Row]:
    return {} if version is None else figures_of(rows_of(api, f"dataset={dataset}&version={version}"))


@pytest.mark.parametrize("dataset", ["ett", "tva", "fast"])
def test_the_changes_of_a_version_are_how_its_figures_differ_from_those_before(
    dataset: str, api: httpx.Client
) -> None:
    pairs = [*pairwise([None, *versions_of(api, dataset)])]
    for before, after in pairs:
        assert after
        rows = changes_of(api, dataset, after)
        expected = compared(figures(api, dataset, before), figures(api, dataset, after))

        assert without_fields(rows) == expected
        assert changes_of(api, dataset, after, "limit=7") == rows
    assert len(pairs) > 2


def test_any_two_versions_can_be_compared(api: httpx.Client) -> None:
    known = versions_of(api, "ett")
    for before in known[:3]:
        rows = changes_of(api, "ett", known[-1], f"from={before}&limit=500")

        assert without_fields(rows) == compared(figures(api, "ett", before), figures(api, "ett", known[-1]))


@pytest.mark.parametrize("dataset", ["ett", "tva", "fast"])
def test_the_counts_of_a_version_are_those_of_its_changes(dataset: str, api: httpx.Client) -> None:
    for version in versions_of(api, dataset):
        told = api.get(f"/datasets/{dataset}/versions/{version}").json()["counts"]
        body = api.get(f"/datasets/{dataset}/versions/{version}/changes?page=0").json()
        counts = body["_meta"]["counts"]

        assert body["changes"] == []
        assert {name: counts[name] for name in ("added", "revised", "removed")} == {
            name: told[name] for name in ("added", "revised", "removed")
        }
        assert sum(counts.values()) == body["_meta"]["totalRecords"]


def test_every_kind_of_change_is_told_with_before_and_after(api: httpx.Client) -> None:
    key = {"indicator": "fast-a", "municipality": "0880", "sex": "total"}
    first, second, new = changes_of(api, "fast", "1.1.0")[:3]
    *_, title = changes_of(api, "fast", "2.0.0")

    assert first == {
        "change": "revised",
        **key,
        "year": 2020,
        "before": {"value": 1},
        "after": {"value": 1.5},
        "fields": ["value"],
    }
    assert second == {
        "change": "revised",
        **key,
        "year": 2021,
        "before": {"value": 2, "flags": ["preliminary"]},
        "after": {"value": 2},
        "fields": ["flags"],
    }
    assert (new["change"], new["indicator"], new["field"], new["before"]) == (
        *("definition", "fast-b", "indicator"),
        None,
    )
    assert title == {
        "change": "definition",
        "indicator": "fast-b",
        "field": "title",
        "before": {"sv": "Andel"},
        "after": {"sv": "Andel äldre"},
    }


def test_what_is_compared_is_told_and_pinned_for_good(api: httpx.Client) -> None:
    answer = api.get("/datasets/fast/versions/1.1.0/changes?lang=en")
    meta = answer.json()["_meta"]
    again = api.get(str(answer.url), headers={"If-None-Match": answer.headers["etag"]})

    assert (meta["dataset"], meta["version"], meta["previous"]) == ("fast", "1.1.0", "1.0.0")
    assert "immutable" in answer.headers["cache-control"]
    assert again.status_code == 304
    assert meta["citation"].startswith("Källa: Region Kalmar län. Länsdata, Region Kalmar län. fast version")
    assert meta["citation"].endswith("/api/v1/datasets/fast/versions/1.1.0/changes?from=1.0.0")
    assert api.get(meta["citation"].split()[-1]).json()["changes"] == answer.json()["changes"]


def test_the_latest_changes_lead_to_those_of_the_number(api: httpx.Client) -> None:
    answer = api.get("/datasets/fast/versions/latest/changes?from=1.0.0&limit=3")

    assert answer.status_code == 307
    assert answer.headers["location"].endswith(
        "/api/v1/datasets/fast/versions/2.0.0/changes?from=1.0.0&limit=3"
    )


@pytest.mark.parametrize(
    ("query", "closest"), [("from=1.0.9", ["1.0.0", "1.1.0"]), ("from=2.0.0", ["1.1.0"])]
)
def test_a_version_to_compare_with_that_is_none_or_later_is_refused(
    query: str, closest: list[str], api: httpx.Client
) -> None:
    answer = api.get(f"/datasets/fast/versions/1.1.0/changes?{query}")

    assert faults(answer) == [("from", query.removeprefix("from="))]
    assert answer.json()["invalidParameters"][0]["closest"] == closest


def test_a_version_that_is_none_is_a_404_with_the_closest(api: httpx.Client) -> None:
    told = problem(api.get("/datasets/fast/versions/1.0.1/changes"), 404, "not-found")

    assert told["invalidParameters"][0]["closest"][0] in {"1.0.0", "1.1.0"}


def told_by(environment: dict[str, str], *words: str) -> tuple[list[list[str]], str]:
    """Return what the command writes: the cells of its lines, and what it says beside them."""
    done = run("datasets", "diff", *words, **environment)
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()], done.stderr.strip()


def test_the_command_tells_the_changes_one_a_line_in_a_pipe(environment: dict[str, str]) -> None:
    (header, *lines), said = told_by(environment, "fast", "1.0.0", "1.1.0")

    assert header == ["change", "indicator", "municipality", "sex", "year", "breakdown", "before", "after"]
    assert [line[:6] for line in lines] == [
        ["revised", "fast-a", "0880", "total", "2020", ""],
        ["re-flagged", "fast-a", "0880", "total", "2021", ""],
        ["definition", "fast-b", "", "", "", "indicator"],
        ["added", "fast-b", "08", "men", "2020", ""],
    ]
    assert [line[6:] for line in lines[:2]] == [["1", "1.5"], ["2 flags=preliminary", "2"]]
    assert said == "fast 1.0.0 -> 1.1.0: 1 revised, 1 re-flagged, 1 definition, 1 added"


def test_the_command_compares_the_newest_with_the_one_before_unless_told(
    environment: dict[str, str], api: httpx.Client
) -> None:
    (_, *lines), said = told_by(environment, "fast")
    (_, *some), _ = told_by(environment, "ett", versions_of(api, "ett")[0], "--rows", "3")

    assert [line[0] for line in lines] == ["definition", "removed", "removed", "definition"]
    assert said.startswith("fast 1.1.0 -> 2.0.0: ")
    assert len(some) == 3


@pytest.mark.parametrize(
    ("words", "hint"),
    [(["fst"], "fast"), (["fast", "1.0.1"], "1.0.0"), (["fast", "1.0.0", "2.1.0"], "2.0.0")],
)
def test_the_command_names_the_closest_where_there_is_no_such_version(
    words: list[str], hint: str, environment: dict[str, str]
) -> None:
    done = run("datasets", "diff", *words, **environment)

    assert done.returncode == 1
    assert "closest" in done.stderr
    assert hint in done.stderr


def test_the_command_shows_a_table_on_a_terminal(environment: dict[str, str]) -> None:
    words = [sys.executable, "-m", "datasets", "diff", "fast", "1.0.0", "1.1.0", "--rows", "2"]
    shown = on_a_terminal(words, {**os.environ, **environment, "COLUMNS": "160", "TERM": "xterm"})

    assert "municipality" in shown
    assert "re-flagged" in shown
    assert "the first 2 of 4" in shown


def on_a_terminal(words: list[str], environment: dict[str, str]) -> str:
    """Return everything that a command shows to a person."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=theirs, stderr=theirs, stdin=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # how a closed terminal ends
            while part := os.read(ours, 4096):
                shown += part
        os.close(ours)
        assert process.wait(60) == 0, shown
    return shown.decode()
