import json
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings

from datasets.catalogue import Dimension
from datasets.change_rows import IndicatorChanges, Published
from datasets.compare import changes_between
from datasets.cube import Cube, cube_from
from datasets.ledger import Draft, Release
from datasets.publish import publish
from datasets.rows import rendered
from datasets.store import Store
from datasets.vocabulary import Flag, Status, Text
from tests.given import cube, dataset, draft, figure, indicator
from tests.test_changes import Figures, two_states

Row = dict[str, Any]
InStore = Callable[[Callable[[Store], Coroutine[Any, Any, Any]]], Any]
KEY = ("indicator", "municipality", "sex", "year", "breakdown")
SEXES = ["total", "women", "men", "other"]


def changes(before: Cube | None, after: Cube | None) -> list[Row]:
    states = (None if cube is None else Published(indicator(), cube) for cube in (before, after))
    return [json.loads(row) for row in IndicatorChanges(*states).rows()]


def figures(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["change"] != "definition"]


def parted(row: Row) -> tuple[str, Row]:
    """Return the key of a figure in an answer, and everything else that is told of it."""
    return json.dumps([row.get(name) for name in KEY]), {k: v for k, v in row.items() if k not in KEY}


def by_key(cube: Cube) -> dict[str, Row]:
    rows = rendered("prov-andel", cube, np.arange(len(cube)))
    return dict(parted(json.loads(row)) for row in rows)


def place(row: Row) -> tuple[Any, ...]:
    parts = ";".join(f"{name}:{code}" for name, code in row.get("breakdown", {}).items())
    return row["municipality"], SEXES.index(row["sex"]), row["year"], parts


@given(two_states())
def test_the_changes_and_no_more_than_they_lead_from_one_state_to_the_other(
    states: tuple[Figures, Figures],
) -> None:
    old, new = map(cube_from, states)
    kept, wanted = by_key(old), by_key(new)
    rows = figures(changes(old, new))
    for row in rows:
        key, told = parted(row)
        assert told["before"] == kept.get(key)
        assert told["change"] == {(True, False): "removed", (False, True): "added"}.get(
            (told["after"] is None, told["before"] is None), "revised"
        )
        kept.pop(key, None)
        if told["after"] is not None:
            kept[key] = told["after"]

    assert kept == wanted
    assert all(row["before"] != row["after"] for row in rows)
    assert [place(row) for row in rows] == sorted({place(row) for row in rows})


@given(two_states())
@settings(max_examples=15)
def test_a_page_of_changes_is_that_part_of_all_of_them(states: tuple[Figures, Figures]) -> None:
    old, new = map(cube_from, states)
    found = IndicatorChanges(Published(indicator(), old), Published(indicator(title=Text("Ny")), new))
    paged = [row for start in range(0, len(found), 2) for row in found.rows(start, start + 2)]

    assert paged == found.rows()
    assert len(paged) == len(found)
    assert [row for rows in found.batches() for row in rows] == paged


def test_a_revised_figure_names_the_fields_that_differ() -> None:
    before = cube(figure(flags=frozenset({Flag.PRELIMINARY})), figure(year=2021), figure(year=2022))
    after = cube(figure(), figure(year=2021, value=7.5, count=3), figure(year=2022, status=Status.MISSING))

    assert [(row["fields"], row["before"], row["after"]) for row in changes(before, after)] == [
        (["flags"], {"value": 1.5, "flags": ["preliminary"]}, {"value": 1.5}),
        (["value", "count"], {"value": 1.5}, {"value": 7.5, "count": 3}),
        (["value", "status"], {"value": 1.5}, {"value": None, "status": "missing"}),
    ]


def test_a_new_indicator_brings_its_definition_and_an_ended_one_takes_it_along() -> None:
    (told, row), (ended, gone) = changes(None, cube(figure())), changes(cube(figure()), None)

    assert (told["change"], told["indicator"], told["field"]) == ("definition", "prov-andel", "indicator")
    assert told["before"] is ended["after"] is None
    assert told["after"] == ended["before"] == msgspec.to_builtins(indicator())
    assert (row["change"], row["before"], row["after"]) == ("added", None, {"value": 1.5})
    assert (gone["change"], gone["before"], gone["after"]) == ("removed", {"value": 1.5}, None)


def test_another_order_of_categories_is_a_change_of_the_definition() -> None:
    codes = {"a": Text("A"), "b": Text("B")}
    ages = {"age": Dimension(Text("Ålder"), codes)}
    turned = {"age": Dimension(Text("Ålder"), dict(reversed(codes.items())))}
    states = (
        Published(msgspec.structs.replace(indicator(), breakdowns=some), cube(figure()))
        for some in (ages, turned)
    )
    (row,) = [json.loads(row) for row in IndicatorChanges(*states).rows()]

    assert row["field"] == "breakdowns"
    assert [*row["before"]["age"]["categories"]] == ["a", "b"]
    assert [*row["after"]["age"]["categories"]] == ["b", "a"]


def test_two_versions_are_compared_dataset_first_then_indicator_by_indicator(in_store: InStore) -> None:
    first = draft(cubes={name: cube(figure()) for name in ("prov-a", "prov-b", "prov-c")})
    cubes = {"prov-a": cube(figure(value=2.0)), "prov-b": cube(figure()), "prov-d": cube(figure())}
    then = draft(cubes=cubes, dataset=dataset(attribution="Källa: Regionen"))
    named = {"prov-b": indicator("prov-b", title=Text("Andel äldre"))}
    then = msgspec.structs.replace(then, indicators=then.indicators | named)
    fresh, later = in_store(lambda store: compared(store, first, then))

    assert [one.get("dataset") or one["indicator"] for one in later] == [
        *("prov", "prov-a", "prov-b", "prov-c", "prov-c", "prov-d", "prov-d")
    ]
    assert [(one["change"], one.get("field", "")) for one in later] == [
        ("definition", "attribution"),
        ("revised", ""),
        ("definition", "title"),
        ("definition", "indicator"),
        ("removed", ""),
        ("definition", "indicator"),
        ("added", ""),
    ]
    assert (later[0]["before"], later[0]["after"]) == ("Källa: Region Kalmar län", "Källa: Regionen")
    assert [one.get("field") or one["change"] for one in fresh] == ["dataset", *["indicator", "added"] * 3]


async def compared(store: Store, *drafts: Draft) -> list[list[Row]]:
    """Publish *drafts*; return what differs from nothing to the first, and from each to the next."""
    releases: list[Release | None] = [None]
    releases += [(await publish(store, one)).release for one in drafts]
    told = []
    async with store.session() as session:
        for before, after in pairwise(releases):
            assert after
            batches = [rows async for rows in changes_between(session, before, after)]
            told.append([json.loads(row) for rows in batches for row in rows])
    return told
