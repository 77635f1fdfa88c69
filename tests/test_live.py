"""A service while figures are published under it: the new appears, the pinned stays byte for byte."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from datasets.catalogue import Note, SeriesBreak
from datasets.vocabulary import Text
from tests import given
from tests.conftest import Server, fresh_database, served
from tests.drafts import draft, published
from tests.test_refusals import faults

SECONDS = 60.0
"""How long a release may take to be seen, on a machine that is busy with other things."""


@pytest.fixture(scope="module")
def ledger(cluster: str) -> Iterator[str]:
    with fresh_database(cluster) as address:
        published(address, draft("forsta", {"forsta-andel": ["0880 total 2020 1"]}))
        yield address


@pytest.fixture(scope="module")
def live(ledger: str, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service over a ledger that tests add to, each a dataset of its own."""
    log = tmp_path_factory.mktemp("live") / "log"
    with served({"LANSDATA_DATABASE_URL": ledger, "LANSDATA_HOME": str(home)}, log) as running:
        yield running


@pytest.fixture
def client(live: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{live.url}/api/v1") as one:
        yield one


def until(told: Callable[[], bool]) -> None:
    """Wait until it is *told*."""
    end = time.monotonic() + SECONDS
    while not told():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def values(client: httpx.Client, query: str) -> list[Any]:
    body = client.get(f"/observations?{query}").json()
    return [row["value"] for row in body.get("observations", [])]


def release(client: httpx.Client) -> int:
    return int(client.get(f"{client.base_url.copy_with(path='/health/ready')}").json()["release"])


def publish_and_see(client: httpx.Client, ledger: str, *drafts: Any) -> None:
    newest = max(outcome.release.number for outcome in published(ledger, *drafts) if outcome.release)
    until(lambda: release(client) >= newest)


def test_new_figures_appear_without_a_restart(client: httpx.Client, ledger: str) -> None:
    publish_and_see(client, ledger, draft("ny", {"ny-andel": ["0880 total 2020 1"]}))
    before = client.get("/observations?dataset=ny")
    publish_and_see(client, ledger, draft("ny", {"ny-andel": ["0880 total 2020 2", "0880 total 2021 3"]}))
    after = client.get("/observations?dataset=ny", headers={"If-None-Match": before.headers["etag"]})

    assert [row["value"] for row in before.json()["observations"]] == [1]
    assert after.status_code == 200
    assert [row["value"] for row in after.json()["observations"]] == [2, 3]
    assert after.json()["_meta"]["datasets"][0]["version"] == "1.1.0"


def test_a_release_of_another_dataset_changes_no_figure_of_this_one(
    client: httpx.Client, ledger: str
) -> None:
    publish_and_see(client, ledger, draft("lugn", {"lugn-andel": ["0880 total 2020 1"]}))
    before = client.get("/observations?dataset=lugn").json()
    publish_and_see(client, ledger, draft("annan", {"annan-andel": ["0880 total 2020 1"]}))
    after = client.get("/observations?dataset=lugn").json()

    assert (after["observations"], after["_meta"]) == (before["observations"], before["_meta"])


def test_a_pinned_answer_stays_the_same_bytes_whatever_is_published(
    client: httpx.Client, ledger: str, home: Path, tmp_path: Path
) -> None:
    publish_and_see(client, ledger, draft("fast", {"fast-andel": ["0880 women 2020 1", "0880 men 2020 2"]}))
    by_version = "/observations?dataset=fast&version=1.0.0"
    by_time = client.get("/observations?dataset=fast").headers["content-location"].partition("/api/v1")[2]
    before = {path: client.get(path) for path in (by_version, by_time)}
    publish_and_see(
        client,
        ledger,
        draft("fast", {"fast-andel": ["0880 women 2020 8", "0880 men 2020 9"]}, title=Text("Ny titel")),
        draft("fast", {"fast-annat": ["0834 total 2020 5"]}),
    )
    environment = {"LANSDATA_DATABASE_URL": ledger, "LANSDATA_HOME": str(home)}
    with served(environment, tmp_path / "log") as younger:
        host = {"Host": client.base_url.netloc.decode()}
        there = {path: httpx.get(f"{younger.url}/api/v1{path}", headers=host) for path in before}

    assert values(client, "dataset=fast") == [5]
    for path, answer in before.items():
        assert [row["value"] for row in answer.json()["observations"]] == [1, 2]
        assert "immutable" in answer.headers["cache-control"]
        assert client.get(path).content == answer.content
        assert there[path].content == answer.content
        assert there[path].headers["etag"] == answer.headers["etag"]


def test_a_walk_that_began_before_a_release_ends_in_the_state_that_it_began_in(
    client: httpx.Client, ledger: str
) -> None:
    years = range(2000, 2020)
    old, new = ([f"0880 total {year} {value}" for year in years] for value in (1, 2))
    publish_and_see(client, ledger, draft("gang", {"gang-andel": old}))
    body = client.get("/observations?dataset=gang&limit=7").json()
    publish_and_see(client, ledger, draft("gang", {"gang-andel": [*new, "0821 total 2000 2"]}))
    walked = body["observations"]
    while "next" in body["_links"]:
        body = client.get(body["_links"]["next"]["href"]).json()
        walked += body["observations"]

    assert [(row["year"], row["value"]) for row in walked] == [(year, 1) for year in years]
    assert values(client, "dataset=gang&limit=100") == [2] * 21


def test_no_answer_and_no_walk_ever_mixes_two_releases(
    client: httpx.Client, ledger: str, live: Server
) -> None:
    def state(number: int) -> Any:
        texts = [f"0880 total {year} {number}" for year in range(2000, 2012)]
        return draft("rorlig", {"rorlig-ena": texts, "rorlig-andra": texts})

    publish_and_see(client, ledger, state(1))
    walks: list[set[int]] = []
    over = threading.Event()

    def walk() -> None:
        with httpx.Client() as walker:
            while not over.is_set():
                at, seen = f"{live.url}/api/v1/observations?dataset=rorlig&limit=5", []
                while at:
                    body = walker.get(at).json()
                    seen += [int(row["value"]) for row in body["observations"]]
                    at = body["_links"].get("next", {}).get("href", "")
                walks.append({*seen, 1000 * (len(seen) != 24)})

    walkers = [threading.Thread(target=walk) for _ in range(3)]
    for walker in walkers:
        walker.start()
    publish_and_see(client, ledger, *map(state, range(2, 17)))
    over.set()
    for walker in walkers:
        walker.join()

    assert all(len(seen - {0}) <= 1 for seen in walks)
    assert len({max(seen) for seen in walks}) > 1
    assert len(set().union(*walks)) > 3


def test_every_version_is_listed_newest_first_with_what_changed(client: httpx.Client, ledger: str) -> None:
    states = [
        ["0880 total 2020 1", "0880 total 2021 2"],
        ["0880 total 2020 1.5", "0880 total 2021 2"],
        ["0880 total 2020 1.5", "0880 total 2021 2", "0880 total 2022 3"],
        ["0880 total 2020 1.5", "0880 total 2022 3"],
    ]
    publish_and_see(client, ledger, *(draft("rad", {"rad-andel": state}) for state in states))
    listed = client.get("/datasets/rad/versions").json()["versions"]
    latest = client.get("/datasets/rad/versions/latest").headers["location"]

    assert [one["version"] for one in listed] == ["2.0.0", "1.1.0", "1.0.1", "1.0.0"]
    assert [tuple(one["counts"].values()) for one in listed] == [
        (2, 0, 0, 1),
        (3, 1, 0, 0),
        (2, 0, 1, 0),
        (2, 2, 0, 0),
    ]
    assert latest.endswith("/datasets/rad/versions/2.0.0")
    assert client.get("/datasets/rad").json()["counts"]["versions"] == 4
    for state, one in zip(states, reversed(listed), strict=True):
        told = values(client, f"dataset=rad&version={one['version']}")
        assert told == [float(text.split()[-1]) for text in state]
        assert values(client, f"dataset=rad&asOf={one['publishedAt']}") == told


def test_what_was_withdrawn_from_the_newest_version_is_still_in_the_old(
    client: httpx.Client, ledger: str
) -> None:
    publish_and_see(
        client,
        ledger,
        draft("kvar", {"kvar-andel": ["0880 total 2020 1"], "kvar-borta": ["0880 total 2020 2"]}),
        draft("kvar", {"kvar-andel": ["0880 total 2020 1"]}),
    )

    assert faults(client.get("/observations?indicator=kvar-borta")) == [("indicator", "kvar-borta")]
    assert values(client, "indicator=kvar-borta&dataset=kvar&version=1.0.0") == [2]
    assert values(client, "dataset=kvar&version=1.0.0") == [1, 2]


def test_an_indicator_is_told_as_it_was_defined_then(client: httpx.Client, ledger: str) -> None:
    def noted(text: str) -> Any:
        return draft(
            "ord", {"ord-andel": ["0880 total 2020 1"]}, notes=(Note(text=Text(text), mandatory=True),)
        )

    publish_and_see(client, ledger, noted("Gammal."), noted("Ny."))
    told = {
        version: client.get(f"/observations?dataset=ord&version={version}").json()["_meta"]["notes"][0][
            "text"
        ]
        for version in ("1.0.0", "1.0.1")
    }

    assert told == {"1.0.0": "Gammal.", "1.0.1": "Ny."}


def test_a_notice_that_was_lost_is_caught_up_with(client: httpx.Client, ledger: str) -> None:
    async def silence() -> int:
        connection = await asyncpg.connect(ledger)
        killed = await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.close()
        return len(killed)

    silenced = asyncio.run(silence())
    publish_and_see(client, ledger, draft("tyst", {"tyst-andel": ["0880 total 2020 1"]}))

    assert silenced > 0
    assert values(client, "dataset=tyst") == [1]


def test_zero_and_the_reasons_for_no_value_are_all_different(client: httpx.Client, ledger: str) -> None:
    texts = [
        "0880 total 2018 0",
        "0880 total 2019 missing",
        "0880 total 2020 suppressed",
        "0880 total 2021 notApplicable",
        "0880 total 2022 notYetPublished",
        "0880 total 2023 -0.0000001 - preliminary estimated",
        "0880 other 2023 7 age:80-",
    ]
    publish_and_see(client, ledger, draft("skal", {"skal-andel": texts}))
    rows = client.get("/observations?dataset=skal&fields=value,status,flags,sex&breakdown=*").json()[
        "observations"
    ]

    assert [{name: row[name] for name in row if name != "sex"} for row in rows] == [
        {"value": 0},
        {"value": None, "status": "missing"},
        {"value": None, "status": "suppressed"},
        {"value": None, "status": "notApplicable"},
        {"value": None, "status": "notYetPublished"},
        {"value": -0.0000001, "flags": ["estimated", "preliminary"]},
        {"value": 7},
    ]
    assert rows[-1]["sex"] == "other"
    assert b'"value":-0.0000001,' in client.get("/observations?dataset=skal").content


@pytest.mark.parametrize(
    ("years", "told"),
    [("yearFrom=2019", [2020]), ("year=2019,2020", [2020]), ("year=2020,2021", []), ("year=2019", [])],
)
def test_figures_on_both_sides_of_a_break_come_with_what_broke(
    years: str, told: list[int], client: httpx.Client, ledger: str
) -> None:
    name = "brott-" + years.replace("=", "-").replace(",", "-")
    texts = [f"0880 total {year} 1" for year in (2019, 2020, 2021)]
    broken = SeriesBreak(year=2020, text=Text("Ny definition från 2020."))
    publish_and_see(client, ledger, draft(name, {f"{name}-andel": texts}, breaks=(broken,)))
    notes = client.get(f"/observations?dataset={name}&{years}").json()["_meta"]["notes"]

    assert [note["seriesBreak"] for note in notes] == told
    assert all(note["mandatory"] and note["text"] == "Ny definition från 2020." for note in notes)


def test_a_wrong_code_is_told_the_right_one_as_soon_as_there_is_one(
    client: httpx.Client, ledger: str
) -> None:
    publish_and_see(client, ledger, given.draft("kolada-hemtjanst", {"N21704": given.cube()}))
    answer = client.get("/observations?indicator=N2170")

    assert faults(answer) == [("indicator", "N2170")]
    assert answer.json()["invalidParameters"][0]["closest"][0] == "N21704"
