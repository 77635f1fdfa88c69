from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.changes import (
    Counts,
    DefinitionChange,
    Version,
    counts_of,
    definition_changes,
    difference,
    next_version,
)
from datasets.cube import cube_from
from datasets.vocabulary import Flag, Interval, Observation, Status, Text
from tests.given import cube, figure, indicator, observations, observed
from tests.test_cube import key

Figures = list[Observation]
PREVIOUS = Version(2, 3, 4)


@st.composite
def two_states(draw: st.DrawFn) -> tuple[Figures, Figures]:
    """Two lists of figures that share some keys, and at some of those the figure too."""
    before, after = draw(observations()), {key(told): told for told in draw(observations())}
    for told in before:
        fate = draw(st.sampled_from(["same", "revised", "gone"]))
        if fate != "gone":
            after[key(told)] = told if fate == "same" else draw(observed(key(told)))
    return before, list(after.values())


@given(two_states())
def test_the_difference_is_what_a_comparison_one_by_one_finds(states: tuple[Figures, Figures]) -> None:
    old, new = map(cube_from, states)
    before, after = ({key(told): told for told in state} for state in (old, new))
    found = difference(old, new)

    assert {key(new.observation(at)) for at in found.added} == after.keys() - before.keys()
    assert {key(old.observation(at)) for at in found.removed} == before.keys() - after.keys()
    assert [
        (old.observation(left), new.observation(right))
        for left, right in zip(found.revised_before, found.revised_after, strict=True)
    ] == [(told, after[key(told)]) for told in old if after.get(key(told), told) != told]


@given(two_states())
def test_the_changes_applied_to_the_old_figures_give_the_new(states: tuple[Figures, Figures]) -> None:
    old, new = map(cube_from, states)
    found = difference(old, new)
    kept = {key(told): told for told in old}
    for at in found.removed:
        del kept[key(old.observation(at))]
    for at in (*found.added, *found.revised_after):
        kept[key(new.observation(at))] = new.observation(at)

    assert list(cube_from(list(kept.values()))) == list(new)


@given(two_states())
def test_counts_are_the_sizes_of_the_difference(states: tuple[Figures, Figures]) -> None:
    old, new = map(cube_from, states)
    counts = counts_of(old, new)

    assert counts.observations == len(new) == len(old) + counts.added - counts.removed
    assert counts.revised == len(difference(old, new).revised_before)


@pytest.mark.parametrize(
    "said",
    [
        {"value": 1.6},
        {"status": Status.MISSING},
        {"flags": frozenset({Flag.PRELIMINARY})},
        {"interval": Interval(1.0, 2.0)},
        {"count": 100},
    ],
)
def test_whatever_is_told_of_a_figure_can_be_revised(said: dict[str, Any]) -> None:
    assert counts_of(cube(figure()), cube(figure(**said))) == Counts(1, revised=1)


def test_an_indicator_that_comes_or_goes_takes_its_figures_with_it() -> None:
    assert counts_of(None, cube(figure(), figure(year=2021))) == Counts(2, added=2)
    assert counts_of(cube(figure(), figure(year=2021)), None) == Counts(0, removed=2)


def test_counts_add_up_over_indicators() -> None:
    assert Counts(1, 2, 3, 4) + Counts(10, 20, 30, 40) == Counts(11, 22, 33, 44)


NEW_TITLE = DefinitionChange("title", {"sv": "Andel"}, {"sv": "Andel äldre"})
NEW_DEFINITION = DefinitionChange("definition", {"sv": "a"}, {"sv": "b"})
NEW_UNIT = DefinitionChange("unit", "percent", "persons")


@pytest.mark.parametrize(
    ("counts", "definitions", "removed", "version"),
    [
        (Counts(9, added=1, revised=1, removed=1), [], set(), "3.0.0"),
        (Counts(9), [], {"prov-andel"}, "3.0.0"),
        (Counts(9), [NEW_DEFINITION], set(), "3.0.0"),
        (Counts(9, added=1), [NEW_TITLE, NEW_UNIT], set(), "3.0.0"),
        (Counts(9, added=1, revised=1), [NEW_TITLE], set(), "2.4.0"),
        (Counts(9, revised=1), [], set(), "2.3.5"),
        (Counts(9), [NEW_TITLE], set(), "2.3.5"),
        (Counts(9), [], set(), "2.3.5"),
    ],
)
def test_the_version_follows_from_what_changed(
    counts: Counts, definitions: list[DefinitionChange], removed: set[str], version: str
) -> None:
    assert str(next_version(PREVIOUS, counts, definitions, indicators_removed=bool(removed))) == version


def test_a_changed_definition_is_told_field_by_field() -> None:
    old = indicator()
    new = msgspec.structs.replace(old, title=Text("Andel äldre"), source_code="N1")

    assert definition_changes(old, old) == ()
    assert definition_changes(old, new) == (
        DefinitionChange("title", {"sv": "Andel"}, {"sv": "Andel äldre"}),
        DefinitionChange("sourceCode", None, "N1"),
    )


@pytest.mark.parametrize("text", ["1.0.0", "2.10.3", "999999.0.0"])
def test_a_version_reads_back_as_it_is_written(text: str) -> None:
    assert str(Version.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "1", "1.0", "1.0.0.0", "1.0.a", "1.0.-1", "1.0. 1", "1.0.01", "1.0.1_0", "v1.0.0", "0.1.0", "1.0.٢"],
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a version like"):
        Version.parse(text)


def test_versions_stand_in_the_order_of_their_numbers() -> None:
    assert Version.parse("1.9.9") < Version.parse("1.10.0") < Version.parse("2.0.0")
