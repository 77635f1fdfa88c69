"""The recorded states of Kolada, published one after the other: what is told to have changed is true.

Held against a comparison of the recordings themselves, which uses none of our own differences.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from datasets.ledger import Draft
from datasets.publish import publish
from datasets.store import Store
from loaders.source import Made
from tests.conftest import fresh_database, served
from tests.recordings import (
    EVERYWHERE,
    Key,
    kolada_catalogue,
    kolada_plan,
    kolada_recorded,
    stated_units,
)
from tests.test_history import rows_of
from tests.test_kolada import loaded, standin

pytestmark = pytest.mark.shared
VINTAGES = ("2013-04-16", "2024-04-06", "2026-03-04")
BRP = {"N03702", "N03703"}
DATASET = "kolada-prov"
Row = dict[str, Any]
Figures = dict[Key, float | None]


class State(NamedTuple):
    """What a recording holds at one vintage."""

    figures: Figures
    titles: dict[str, str]
    definitions: dict[str, str]


def _chosen() -> list[str]:
    """Return the KPIs of the test: those revised, some dropped, some defined anew, some that stayed."""
    by_vintage = {vintage: kolada_recorded(vintage) for vintage in VINTAGES}
    with_figures = {key[0] for key in by_vintage["2013-04-16"]}
    dropped = sorted(with_figures - kolada_catalogue("2024-04-06").keys())[:6]
    stayed = sorted(with_figures & kolada_catalogue("2026-03-04").keys())
    old, new = kolada_catalogue("2024-04-06"), kolada_catalogue("2026-03-04")
    anew = [name for name in stayed if old[name].description != new[name].description]
    return sorted({*BRP, *dropped, *anew[:8], *stayed[:6], "N21704", "N15428"})


@pytest.fixture(scope="module")
def chosen() -> list[str]:
    return _chosen()


@pytest.fixture(scope="module")
def states(chosen: list[str]) -> list[State]:
    """What each vintage holds of the chosen KPIs, read from the recordings."""
    told = []
    for vintage in VINTAGES:
        kpis = kolada_catalogue(vintage)
        figures = {key: value for key, value in kolada_recorded(vintage).items() if key[0] in chosen}
        there = {key[0] for key in figures}
        told.append(
            State(
                figures,
                {name: " ".join(kpis[name].title.split()) for name in there},
                {name: " ".join((kpis[name].description or "").split()) for name in there},
            )
        )
    return told


@pytest.fixture(scope="module")
def api(
    cluster: str, home: Path, chosen: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """The service over a ledger in which every vintage is a version."""
    with fresh_database(cluster) as address:
        asyncio.run(_publish(address, chosen))
        environment = {"LANSDATA_DATABASE_URL": address, "LANSDATA_HOME": str(home)}
        with (
            served(environment, tmp_path_factory.mktemp("vintages") / "log") as running,
            httpx.Client(base_url=f"{running.url}/api/v1", timeout=120) as one,
        ):
            yield one


async def _publish(address: str, chosen: list[str]) -> None:
    store = Store.at(address)
    for vintage in VINTAGES:
        made = await asyncio.to_thread(_loaded, vintage, chosen)
        draft = Draft(
            dataset=kolada_plan({}, EVERYWHERE).dataset,
            indicators={name: one.indicator for name, one in made.items()},
            cubes={name: one.cube for name, one in made.items()},
            note=vintage,
        )
        await publish(store, draft)
    await store.close()


def _loaded(vintage: str, chosen: list[str]) -> dict[str, Made]:
    kpis = kolada_catalogue(vintage)
    with standin("--vintage", vintage) as base:
        return loaded(base, kolada_plan(stated_units({n: kpis[n] for n in chosen if n in kpis}), EVERYWHERE))


def versions(api: httpx.Client) -> list[str]:
    listed = api.get(f"/datasets/{DATASET}/versions").json()["versions"]
    return [one["version"] for one in reversed(listed)]


def changes(api: httpx.Client, version: str) -> list[Row]:
    rows, at = [], f"/datasets/{DATASET}/versions/{version}/changes?limit=10000"
    while at:
        body = api.get(at).raise_for_status().json()
        rows += body["changes"]
        at = body["_links"].get("next", {}).get("href", "")
    return rows


def key_of(row: Row) -> Key:
    return row["indicator"], row["municipality"], row["sex"], row["year"]


@pytest.mark.parametrize("number", range(1, len(VINTAGES)))
def test_the_changes_are_what_the_two_recordings_differ_in(
    number: int, api: httpx.Client, states: list[State]
) -> None:
    before, after = states[number - 1].figures, states[number].figures
    rows = [row for row in changes(api, versions(api)[number]) if row["change"] != "definition"]
    told = {
        word: {key_of(row): row for row in rows if row["change"] == word}
        for word in ("added", "revised", "removed")
    }

    assert len(rows) == sum(map(len, told.values()))
    assert told["added"].keys() == after.keys() - before.keys()
    assert told["removed"].keys() == before.keys() - after.keys()
    assert told["revised"].keys() == {
        key for key in before.keys() & after.keys() if before[key] != after[key]
    }
    for row in rows:
        for side, figures in (("before", before), ("after", after)):
            assert (row[side] is None) == (key_of(row) not in figures)
            assert row[side] is None or row[side]["value"] == figures[key_of(row)]


def test_the_real_revisions_of_the_gross_regional_product_of_2021_are_there(api: httpx.Client) -> None:
    rows = [
        row
        for row in changes(api, versions(api)[2])
        if row["change"] == "revised" and row["indicator"] in BRP
    ]

    assert {row["year"] for row in rows} == {2021}
    assert len(rows) == 10
    assert {
        (row["before"]["value"], row["after"]["value"])
        for row in rows
        if (row["indicator"], row["municipality"]) == ("N03702", "0562")
    } == {(537.347526, 507.469505)}
    assert all(row["fields"] == ["value"] for row in rows)


@pytest.mark.parametrize("number", range(1, len(VINTAGES)))
def test_a_kpi_that_was_dropped_is_a_tombstone_and_a_new_one_is_told_whole(
    number: int, api: httpx.Client, states: list[State]
) -> None:
    before, after = states[number - 1].titles, states[number].titles
    whole = {
        row["indicator"]: row
        for row in changes(api, versions(api)[number])
        if row["change"] == "definition" and row.get("field") == "indicator"
    }

    assert {name for name, row in whole.items() if row["after"] is None} == before.keys() - after.keys()
    assert {name for name, row in whole.items() if row["before"] is None} == after.keys() - before.keys()
    assert all(row["before"]["title"]["sv"] == before[n] for n, row in whole.items() if row["before"])
    assert all(row["after"]["title"]["sv"] == after[n] for n, row in whole.items() if row["after"])


@pytest.mark.parametrize("number", range(1, len(VINTAGES)))
@pytest.mark.parametrize("field", ["title", "definition"])
def test_a_definition_that_changed_under_the_same_id_is_told(
    field: str, number: int, api: httpx.Client, states: list[State]
) -> None:
    before, after = (
        one.titles if field == "title" else one.definitions for one in (states[number - 1], states[number])
    )
    expected = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    told = {
        row["indicator"]: row
        for row in changes(api, versions(api)[number])
        if row["change"] == "definition" and row.get("field") == field
    }

    assert told.keys() == expected
    assert all(row["before"]["sv"] != row["after"]["sv"] for row in told.values())


def test_kpis_were_dropped_defined_anew_and_stayed(states: list[State]) -> None:
    first, second, third = states
    anew = {
        name
        for name in second.titles.keys() & third.titles
        if second.definitions[name] != third.definitions[name]
    }

    assert len(first.titles.keys() - second.titles.keys()) >= 2
    assert len(anew) >= 2


def test_what_was_dropped_comes_as_removed_to_who_asks_for_what_is_new(
    api: httpx.Client, states: list[State]
) -> None:
    listed = api.get(f"/datasets/{DATASET}/versions").json()["versions"]
    since = {one["note"]: one["publishedAt"] for one in listed}["2013-04-16"]
    rows = rows_of(api, f"dataset={DATASET}&updatedAfter={since}", limit=10000)
    gone = {key_of(row) for row in rows if row.get("change") == "removed"}
    ever = {key for one in states for key in one.figures}

    assert gone == ever - states[-1].figures.keys()
    assert {key_of(row): row["value"] for row in rows if "change" not in row} == {
        key: value
        for key, value in states[-1].figures.items()
        if any(one.figures.get(key, "absent") != value for one in states)
    }


@pytest.mark.parametrize("number", range(len(VINTAGES)))
def test_as_of_each_release_the_recording_of_that_time_is_answered(
    number: int, api: httpx.Client, states: list[State]
) -> None:
    version = api.get(f"/datasets/{DATASET}/versions").json()["versions"][-1 - number]
    rows = rows_of(api, f"dataset={DATASET}&asOf={version['publishedAt']}", limit=10000)

    assert {key_of(row): row["value"] for row in rows} == states[number].figures
