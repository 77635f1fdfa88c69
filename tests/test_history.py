"""Every published state of a figure: as a walk through its cubes finds it, and as the API tells it."""

import asyncio
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.changes import Ranks
from datasets.cube import cube_from
from datasets.history import Timeline
from datasets.ledger import Draft
from datasets.store import Store
from datasets.vocabulary import Observation, Text
from tests import given as made
from tests.conftest import fresh_database, served
from tests.drafts import draft, published
from tests.given import observations, observed
from tests.test_change_rows import place
from tests.test_cube import key as key_of
from tests.test_refusals import faults

Figures = list[Observation]
Row = dict[str, Any]
KEY = ("indicator", "municipality", "sex", "year", "breakdown")


@st.composite
def sequences(draw: st.DrawFn) -> list[Figures | None]:
    """States of one indicator, one after each release; None where the indicator is not there."""
    states: list[Figures | None] = []
    pool = draw(observations(least=1))
    for _ in range(draw(st.integers(1, 6))):
        fates = [draw(st.sampled_from(["same", "same", "other", "gone"])) for _ in pool]
        pool = [
            draw(observed(key_of(one))) if fate == "other" else one
            for one, fate in zip(pool, fates, strict=True)
        ]
        standing = [one for one, fate in zip(pool, fates, strict=True) if fate != "gone"]
        states.append(draw(st.sampled_from([standing, standing, standing, None])))
    return states


@given(sequences())
@settings(max_examples=30)
def test_a_walk_through_the_cubes_finds_each_state_as_it_stood(states: list[Figures | None]) -> None:
    cubes = [None if state is None else cube_from(state) for state in states]
    there = [cube for cube in cubes if cube is not None]
    ranks = Ranks.of(
        [code for cube in there for code in cube.municipalities],
        [part for cube in there for part in cube.breakdowns],
    )
    timeline, numbers = Timeline(ranks), range(1, len(cubes) + 1)
    for number, cube in zip(numbers, cubes, strict=True):
        ended = number + 1 if number < len(cubes) else None
        if cube is not None:
            timeline.add(number, ended, cube, np.arange(len(cube)))
    found = timeline.states()
    standing = found.take(~found.gone)
    told = [
        (there[cube].observation(position), began, ended)
        for cube, position, began, ended in zip(
            standing.cube, standing.position, standing.began, standing.ended, strict=True
        )
    ]
    by_release = [{key_of(one): one for one in state or ()} for state in [*cubes, cubes[-1]]]

    for number in numbers:
        assert {
            key_of(one): one for one, began, ended in told if began <= number < (ended or 99)
        } == by_release[number - 1]
    for one, began, ended in told:
        assert began == 1 or by_release[began - 2].get(key_of(one)) != one
        assert not ended or by_release[ended - 1].get(key_of(one)) != one


AREAS, YEARS = ("0834", "0880", "08"), range(2019, 2022)
VALUES = ("1", "2", "2.5", "missing", "suppressed", "3 - preliminary", "4 age:80-")


def chance_drafts(seed: int, releases: int) -> Iterator[Draft]:
    """Yield drafts of two datasets whose figures, definitions and indicators come and go by chance."""
    chance = random.Random(seed)
    figures: dict[str, dict[tuple[str, int], str]] = {
        f"{dataset}-{name}": {} for dataset in ("ett", "tva") for name in "abc"
    }
    titles = dict.fromkeys(figures, "Andel")
    for _ in range(releases):
        dataset = chance.choice(("ett", "ett", "tva"))
        for name in (name for name in figures if name.startswith(dataset)):
            for area in AREAS:
                for year in YEARS:
                    if chance.random() < 0.4:
                        figures[name][area, year] = chance.choice(VALUES)
                    elif chance.random() < 0.2:
                        figures[name].pop((area, year), None)
            titles[name] = chance.choice((titles[name], titles[name], "Andel äldre"))
        there = [n for n in figures if n.startswith(dataset) and figures[n] and chance.random() < 0.8]
        told = {
            name: [f"{area} total {year} {said}" for (area, year), said in figures[name].items()]
            for name in there
        }
        made_up = draft(dataset, told)
        named = {name: made.indicator(name, title=Text(titles[name])) for name in there}
        yield Draft(dataset=made_up.dataset, indicators=named, cubes=made_up.cubes)


HISTORIES = int(os.environ.get("HISTORIES", "1"))
"""How many lines of thirty releases are tried; more by hand."""


@pytest.fixture(scope="module", params=range(7, 7 + HISTORIES))
def ledger(cluster: str, request: pytest.FixtureRequest) -> Iterator[str]:
    with fresh_database(cluster) as address:
        published(address, *chance_drafts(request.param, 30))
        yield address


@pytest.fixture(scope="module")
def api(ledger: str, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    log = tmp_path_factory.mktemp("history") / "log"
    with (
        served({"LANSDATA_DATABASE_URL": ledger, "LANSDATA_HOME": str(home)}, log) as running,
        httpx.Client(base_url=f"{running.url}/api/v1", timeout=120) as one,
    ):
        yield one


@pytest.fixture(scope="module")
def times(ledger: str) -> list[str]:
    """When each release was published."""

    async def read() -> list[str]:
        store = Store.at(ledger)
        async with store.session() as session:
            line = await session.releases()
        await store.close()
        return [one.published_at.isoformat().replace("+00:00", "Z") for one in line]

    return asyncio.run(read())


@pytest.fixture(scope="module")
def stood(api: httpx.Client, times: list[str]) -> list[dict[str, Row]]:
    """What the API says there was after each release: the figures by their keys."""
    return [figures_of(rows_of(api, f"asOf={time}")) for time in times]


def rows_of(api: httpx.Client, query: str, limit: int = 1000) -> list[Row]:
    """Return all rows of an answer, page by page."""
    rows, at = [], f"/observations?breakdown=*&{query}&limit={limit}"
    while at:
        body = api.get(at).raise_for_status().json()
        rows += body["observations"]
        at = body["_links"].get("next", {}).get("href", "")
    return rows


def figures_of(rows: list[Row]) -> dict[str, Row]:
    return {str([row.get(name) for name in KEY]): row for row in rows}


def states_of(stood: list[dict[str, Row]], times: list[str]) -> list[Row]:
    """Return every state that a figure had, from what stood after each release, by key and beginning."""
    states: list[Row] = []
    open_ones: dict[str, Row] = {}
    for time, now in zip(times, stood, strict=True):
        for key, state in list(open_ones.items()):
            if now.get(key) != {k: v for k, v in state.items() if not k.startswith("valid")}:
                state["validTo"] = time
                del open_ones[key]
        for key, row in now.items():
            if key not in open_ones:
                open_ones[key] = row | {"validFrom": time, "validTo": None}
                states.append(open_ones[key])
    return sorted(states, key=lambda row: (row["indicator"], place(row), row["validFrom"]))


def test_the_history_is_the_list_of_what_as_of_answers_over_all_releases(
    api: httpx.Client, stood: list[dict[str, Row]], times: list[str]
) -> None:
    expected = states_of(stood, times)

    assert len(expected) > 200
    assert rows_of(api, "includeHistory=true") == expected
    assert rows_of(api, "includeHistory=true", limit=37) == expected


@pytest.mark.parametrize("back", [1, 4, 11, 20])
def test_the_history_as_of_a_release_knows_nothing_later(
    back: int, api: httpx.Client, stood: list[dict[str, Row]], times: list[str]
) -> None:
    told = rows_of(api, f"includeHistory=true&asOf={times[-back - 1]}")

    assert told == states_of(stood[:-back], times[:-back])


def test_what_was_published_after_a_time_is_every_figure_whose_state_began_since(
    api: httpx.Client, stood: list[dict[str, Row]], times: list[str]
) -> None:
    every = states_of(stood, times)
    for since, time in enumerate(times):
        present = {key: row for key, row in figures_of(every).items() if row["validTo"] is None}
        begun = [key for key, row in present.items() if row["validFrom"] > time]
        gone = {
            key for number in range(since, len(stood) - 1) for key in stood[number].keys() - stood[-1].keys()
        }
        rows = rows_of(api, f"updatedAfter={time}")
        told = figures_of(rows)

        assert {key for key, row in told.items() if "change" not in row} == {*begun}
        assert {key for key, row in told.items() if "change" in row} == gone
        assert all(told[key] == stood[-1][key] for key in begun)
        assert [(row["indicator"], place(row)) for row in rows] == sorted(
            (row["indicator"], place(row)) for row in rows
        )


def test_a_reader_who_applies_what_was_published_since_holds_what_there_is(
    api: httpx.Client, stood: list[dict[str, Row]], times: list[str]
) -> None:
    for time, held in zip(times, stood, strict=True):
        mine = dict(held)
        for key, row in figures_of(rows_of(api, f"updatedAfter={time}")).items():
            if row.get("change") == "removed":
                assert (row["value"], row["status"]) == (None, "removed")
                mine.pop(key, None)
            else:
                mine[key] = row

        assert mine == stood[-1]


def test_the_history_of_what_was_published_since_has_true_times_and_the_removals(
    api: httpx.Client, stood: list[dict[str, Row]], times: list[str]
) -> None:
    since = times[9]
    rows = rows_of(api, f"updatedAfter={since}&includeHistory=true")
    kept = [row for row in rows if "change" not in row]
    gone = [row for row in rows if "change" in row]
    every = states_of(stood, times)

    assert kept == [row for row in every if row["validFrom"] > since]
    assert {(*map(str, map(row.get, KEY)), row["validFrom"]) for row in gone} == {
        (*map(str, map(row.get, KEY)), row["validTo"])
        for row in every
        if row["validTo"]
        and row["validTo"] > since
        and not any(
            other["validFrom"] == row["validTo"] and place(other) == place(row)
            for other in every
            if other["indicator"] == row["indicator"]
        )
    }


@pytest.mark.parametrize(
    "query",
    [
        "indicator=ett-a&municipality=0880",
        "dataset=tva&yearFrom=2020&sex=total",
        "indicator=ett-b,tva-a&breakdown=age:80-&year=2019,2021",
    ],
)
def test_the_history_of_some_figures_is_theirs_in_the_whole(query: str, api: httpx.Client) -> None:
    asked = dict(part.split("=") for part in query.split("&"))

    def is_meant(row: Row) -> bool:
        return (
            (row["indicator"] in asked.get("indicator", row["indicator"]).split(","))
            and row["indicator"].startswith(asked.get("dataset", ""))
            and row["municipality"] == asked.get("municipality", row["municipality"])
            and str(row["year"]) in asked.get("year", str(row["year"])).split(",")
            and row["year"] >= int(asked.get("yearFrom", 0))
            and ("breakdown" not in asked or row.get("breakdown") == {"age": "80-"})
        )

    whole = [row for row in rows_of(api, "includeHistory=true") if is_meant(row)]
    at = f"/observations?{query}&includeHistory=true" + ("" if "breakdown" in query else "&breakdown=*")

    assert whole
    assert api.get(at).json()["observations"] == whole


def test_sorting_and_fields_work_on_a_history_as_on_figures(api: httpx.Client) -> None:
    rows = rows_of(api, "indicator=ett-a&includeHistory=true")
    by_value = rows_of(api, "indicator=ett-a&includeHistory=true&sort=-value,year", limit=10)
    few = rows_of(api, "indicator=ett-a&includeHistory=true&fields=year,validFrom,validTo")
    values = [row["value"] for row in by_value if row["value"] is not None]

    assert sorted(map(str, by_value)) == sorted(map(str, rows))
    assert values == sorted(values, reverse=True)
    assert all(row["value"] is None for row in by_value[len(values) :])
    assert few == [{name: row[name] for name in ("year", "validFrom", "validTo")} for row in rows]


def test_the_latest_year_of_a_history_is_the_latest_that_stands(api: httpx.Client) -> None:
    latest = figures_of(api.get("/observations?dataset=ett&year=latest").json()["observations"])
    rows = api.get("/observations?dataset=ett&year=latest&includeHistory=true").json()["observations"]
    ended = {row["indicator"] for row in rows} - {row["indicator"] for row in latest.values()}
    told = [row for row in rows if row["indicator"] not in ended]

    assert latest
    assert figures_of(told).keys() == latest.keys()


def test_an_address_that_looks_back_is_pinned_tagged_and_linked_like_any_other(
    api: httpx.Client, times: list[str]
) -> None:
    answer = api.get(f"/observations?dataset=ett&breakdown=*&updatedAfter={times[3]}&limit=5")
    pinned = api.get(answer.headers["content-location"])
    again = api.get(str(answer.url), headers={"If-None-Match": answer.headers["etag"]})
    newest = api.get("/datasets/ett/versions").json()["versions"][0]["publishedAt"]

    assert "max-age=60" in answer.headers["cache-control"]
    assert "immutable" in pinned.headers["cache-control"]
    assert pinned.json()["observations"] == answer.json()["observations"]
    assert again.status_code == 304
    assert f"asOf={newest}" in answer.json()["_links"]["next"]["href"]
    assert f"updatedAfter={times[3]}" in answer.json()["_links"]["next"]["href"]


def test_a_version_pins_a_history_as_its_release_does(api: httpx.Client) -> None:
    first = api.get("/datasets/ett/versions?limit=100").json()["versions"][-2]
    by_version = rows_of(api, f"dataset=ett&version={first['version']}&includeHistory=true")

    assert by_version == rows_of(api, f"dataset=ett&asOf={first['publishedAt']}&includeHistory=true")
    assert by_version


def test_nothing_new_is_told_as_such_and_is_no_error(api: httpx.Client, times: list[str]) -> None:
    name = rows_of(api, "dataset=ett")[0]["indicator"]
    body = api.get(f"/observations?indicator={name}&updatedAfter={times[-1]}&lang=en").json()

    assert body["observations"] == []
    assert [one["indicator"] for one in body["_meta"]["warnings"]] == [name]
    assert "Nothing that is asked about was published after" in body["_meta"]["warnings"][0]["text"]


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("updatedAfter=igar", ("updatedAfter", "igar")),
        ("includeHistory=ja", ("includeHistory", "ja")),
        ("includeHistory=true&indicator=ett-ä", ("indicator", "ett-ä")),
        ("updatedAfter=2026-01-01T00:00:00", ("updatedAfter", "2026-01-01T00:00:00")),
    ],
)
def test_a_wrong_look_back_is_refused_by_name(query: str, fault: tuple[str, str], api: httpx.Client) -> None:
    assert faults(api.get(f"/observations?{query}")) == [fault]


def test_a_day_alone_is_its_beginning_so_that_nothing_published_on_it_is_missed(
    api: httpx.Client, times: list[str]
) -> None:
    assert rows_of(api, f"updatedAfter={times[0][:10]}") == rows_of(
        api, f"updatedAfter={times[0][:10]}T00:00:00Z"
    )
