"""How fresh each dataset is: said positively, plans told as plans, habits as habits, nothing leaked."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from datasets.checks import CHECKS, EXPLAINED
from datasets.ledger import FAILED, HELD, UNCHANGED, Attempt
from datasets.publish import publish, record
from datasets.store import Store
from tests import given as made
from tests.conftest import fresh_database, served
from tests.drafts import draft
from tests.test_live import until
from tests.test_refusals import faults

Row = dict[str, Any]
SECRET = "postgresql://lansdata:hemligt@db/x /srv/lansdata/snapshots SELECT * FROM cube Traceback"
NOW = datetime.now(UTC)
LATER = NOW + timedelta(hours=23)


def attempt(dataset: str, outcome: str, detail: str = "", **said: Any) -> Attempt:
    told = {"dataset": dataset, "source": "kolada", "outcome": outcome, "detail": detail}
    return Attempt(**(told | {"started_at": NOW, "finished_at": datetime.now(UTC)} | said))


async def fill(address: str) -> None:
    """Make a ledger with every kind of past."""
    store = Store.at(address)
    figures = {"x": ["0880 total 2020 1"]}
    for name in ("natt", "hallen", "fallen", "forsenad"):
        one = draft(name, {f"{name}-{key}": rows for key, rows in figures.items()})
        await publish(store, one, next_at=LATER)
    await publish(store, draft("natt", {"natt-x": figures["x"]}), next_at=LATER)
    for name, frequency in (("hand", "annual"), ("ibland", "irregular")):
        cubes = draft(name, {f"{name}-x": figures["x"]})
        told = made.dataset(name, update_frequency=frequency)
        await publish(store, made.draft(dataset=told, cubes=dict(cubes.cubes)))
    held = [
        "figures-lost: hallen-x: 12 of 20 figures are gone",
        f"jump: hallen-x: {SECRET}",
        f"nosuch: hallen-x: {SECRET}",
        SECRET,
        "few-people: ../../etc: 3 figures",
    ]
    await record(store, attempt("hallen", HELD, "\n".join(held), next_at=LATER))
    await record(store, attempt("fallen", FAILED, SECRET, next_at=LATER))
    await record(store, attempt("aldrig", FAILED, SECRET, next_at=LATER))
    await store.close()


async def make_late(address: str) -> None:
    """Let the plan for one dataset have passed."""
    store = Store.at(address)
    async with store.alone() as connection:
        past = NOW - timedelta(days=3)
        statement = f"UPDATE attempt SET next_at = '{past.isoformat()}' WHERE dataset = 'forsenad'"
        await connection.exec_driver_sql(statement)
    await store.close()


@pytest.fixture(scope="module")
def ledger(cluster: str) -> Iterator[str]:
    with fresh_database(cluster) as address:
        asyncio.run(fill(address))
        asyncio.run(make_late(address))
        yield address


@pytest.fixture(scope="module")
def api(ledger: str, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    environment = {"LANSDATA_DATABASE_URL": ledger, "LANSDATA_HOME": str(home)}
    with (
        served(environment, tmp_path_factory.mktemp("freshness") / "log") as running,
        httpx.Client(base_url=f"{running.url}/api/v1") as one,
    ):
        yield one


def told(api: httpx.Client, dataset: str, language: str = "en") -> Row:
    (row,) = api.get(f"/freshness?dataset={dataset}&lang={language}").raise_for_status().json()["freshness"]
    return dict(row)


def day(moment: str) -> str:
    return moment[:10]


def test_a_check_without_change_is_a_positive_statement(api: httpx.Client) -> None:
    row = told(api, "natt")

    assert row["outcome"] == "unchanged"
    assert row["statement"].startswith(f"Checked {day(row['lastAttempt'])}, no change. Checked again by ")
    assert told(api, "natt", "sv")["statement"].startswith(
        f"Kontrollerad {day(row['lastAttempt'])}, ingen förändring. Kontrolleras igen senast "
    )
    assert row["lastAttempt"] == row["lastSuccess"] > row["lastChange"]


def test_a_dataset_of_the_night_is_expected_when_the_night_means_to_come(api: httpx.Client) -> None:
    row = told(api, "natt")

    assert datetime.fromisoformat(row["nextExpected"]) == LATER
    assert (row["nextExpectedBasis"], row["overdue"]) == ("nightly", False)


def test_a_hand_over_is_expected_by_habit_and_said_to_be(api: httpx.Client) -> None:
    row = told(api, "hand")
    changed, expected = (datetime.fromisoformat(row[name]) for name in ("lastChange", "nextExpected"))

    assert row["nextExpectedBasis"] == "updateFrequency"
    assert (expected.year, expected.month) == (changed.year + 1, changed.month)
    assert (
        row["statement"] == f"Published {day(row['lastChange'])}, version 1.0.0. Usually updated every year"
    )
    assert row["overdue"] is False


def test_what_comes_now_and_then_is_expected_at_no_time(api: httpx.Client) -> None:
    row = told(api, "ibland")

    assert row["nextExpected"] is row["nextExpectedBasis"] is None
    assert row["statement"] == f"Published {day(row['lastChange'])}, version 1.0.0"


def test_a_night_that_did_not_come_is_told(api: httpx.Client) -> None:
    row = told(api, "forsenad")

    assert row["overdue"] is True
    assert "Should have been checked again by" in row["statement"]
    assert "Skulle ha kontrollerats igen senast" in told(api, "forsenad", "sv")["statement"]


def test_a_held_dataset_tells_why_in_words_for_the_public(api: httpx.Client) -> None:
    row = told(api, "hallen")

    assert row["outcome"] == "held"
    assert [(one["check"], one["indicator"]) for one in row["reasons"]] == [
        ("figures-lost", "hallen-x"),
        ("jump", "hallen-x"),
    ]
    assert row["reasons"][0]["text"] == "Unusually many figures are gone since the last version."
    assert f"version 1.0.0 of {day(row['lastChange'])} stands" in row["statement"]
    assert row["lastAttempt"] > row["lastSuccess"] >= row["lastChange"]


def test_a_failed_attempt_tells_what_stands_and_nothing_from_inside(api: httpx.Client) -> None:
    row, never = told(api, "fallen"), told(api, "aldrig")

    assert row["statement"].startswith(f"The attempt of {day(row['lastAttempt'])} failed; version 1.0.0 of ")
    assert row["reasons"] == never["reasons"] == []
    assert (never["lastSuccess"], never["lastChange"], never["version"], never["title"]) == (None,) * 4
    assert "nothing is published yet" in never["statement"]


def test_nothing_that_an_attempt_noted_is_ever_shown(api: httpx.Client) -> None:
    text = api.get("/freshness?limit=100").text

    assert not any(word in text for word in (*SECRET.split(), "12 of 20", "etc", "nosuch"))


def test_each_source_is_told_as_a_whole_by_its_worst(api: httpx.Client) -> None:
    sources = api.get("/freshness?lang=en").json()["_meta"]["sources"]

    assert [(one["source"], one["outcome"]) for one in sources] == [
        ("kolada", "failed"),
        ("region-kalmar", "failed"),
    ]
    assert sources[1]["statement"] == (
        "6 datasets: 1 without change, 3 with a new version, 1 held back, 1 failed"
    )


def test_the_list_is_by_source_and_dataset_and_can_be_narrowed(api: httpx.Client) -> None:
    rows = api.get("/freshness?limit=100").json()["freshness"]
    pairs = [(one["source"], one["dataset"]) for one in rows]

    assert pairs == sorted(pairs)
    assert len(pairs) == 7
    assert [one["dataset"] for one in api.get("/freshness?source=kolada").json()["freshness"]] == ["aldrig"]
    assert faults(api.get("/freshness?dataset=nat")) == [("dataset", "nat")]


def test_an_attempt_that_published_nothing_is_seen_at_once(api: httpx.Client, ledger: str) -> None:
    first = api.get("/freshness?dataset=natt")
    before = told(api, "natt")["lastAttempt"]

    async def again() -> None:
        store = Store.at(ledger)
        # the same outcome again, so that the other tests may come before or after
        await record(store, attempt("natt", UNCHANGED))
        await store.close()

    asyncio.run(again())
    until(lambda: told(api, "natt")["lastAttempt"] > before)
    same = api.get("/freshness?dataset=natt")

    assert first.headers["cache-control"] == same.headers["cache-control"] == "no-cache"
    assert first.headers["etag"] != same.headers["etag"]
    assert (
        api.get("/freshness?dataset=natt", headers={"If-None-Match": same.headers["etag"]}).status_code == 304
    )


def test_every_check_is_explained_to_the_public() -> None:
    assert EXPLAINED.keys() == CHECKS.keys()
    assert all(text.sv and text.en for text in EXPLAINED.values())
