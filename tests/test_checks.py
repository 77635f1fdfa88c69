"""Each check holds what it is for and lets everything else through."""

from collections.abc import Sequence
from typing import Any

import pytest

from datasets.checks import CHECKS, Bounds, Judged, findings
from datasets.cube import Cube, cube_from
from datasets.vocabulary import Observation, Sex, Status, Text
from tests.given import cube, figure, indicator

NONE = cube_from(())
TEN = cube(*(figure(year=year, value=10.0) for year in range(2010, 2020)))
PERSONS = {"unit": "persons", "title": Text("Antal")}


def found(
    after: Cube, before: Cube | None = None, *, bounds: Bounds | None = None, **definition: Any
) -> list[str]:
    """Return the checks that have something against *after*."""
    judged = Judged(
        definition=indicator(**definition),
        cube=after,
        before=before,
        bounds=bounds or Bounds(),
        this_year=2026,
    )
    return [one.check for one in findings(judged)]


def ten(*others: Observation, without: int = 0) -> Cube:
    """Return TEN with *others* in the place of its first figures, less the last *without*."""
    figures = [*others, *list(TEN)[len(others) :]]
    return cube(*figures[: len(figures) - without])


def sexes(total: float, women: float, men: float, *more: Observation) -> Cube:
    values = {Sex.TOTAL: total, Sex.WOMEN: women, Sex.MEN: men}
    return cube(*(figure(sex=sex, value=value) for sex, value in values.items()), *more)


@pytest.mark.parametrize(
    ("check", "after"),
    [
        ("future-year", cube(figure(year=2027))),
        ("share-outside", cube(figure(value=100.1))),
        ("share-outside", cube(figure(value=-0.1), figure("0834", value=50))),
    ],
)
def test_a_first_version_is_held_for_what_no_version_may_have(check: str, after: Cube) -> None:
    assert found(after) == [check]


@pytest.mark.parametrize(
    "after",
    [
        cube(figure(year=2026)),
        cube(figure(value=0), figure("0834", value=100)),
        cube(figure(status=Status.SUPPRESSED)),
        cube(figure(value=50), figure("0834", status=Status.MISSING)),
    ],
)
def test_what_is_usual_passes_every_check(after: Cube) -> None:
    assert found(after) == []
    assert found(after, after) == []


def test_an_indicator_without_figures_is_held_only_where_it_had_some_before() -> None:
    assert found(NONE) == []
    assert "nothing-there" in found(NONE, TEN)


def test_only_a_share_is_bound_to_0_and_100() -> None:
    assert found(cube(figure(value=-3000)), unit="index", title=Text("Index")) == []


def test_a_change_in_percent_is_bound_to_nothing_where_the_catalogue_says_that_it_is_no_share() -> None:
    shrinking = cube(figure(value=-3))

    assert found(shrinking, bounds=Bounds(not_shares=("prov-andel",))) == []
    assert found(shrinking, bounds=Bounds(not_shares=("prov-annat",))) == ["share-outside"]


def test_a_count_of_people_below_zero_is_held_unless_it_is_a_change() -> None:
    fewer = cube(figure(value=-3), figure("0834", value=2))

    assert found(fewer, **PERSONS) == ["negative-count"]
    assert found(fewer, unit="persons", title=Text("Förändring av antalet invånare")) == []
    assert found(cube(figure(value=0)), **PERSONS) == []


@pytest.mark.parametrize(
    ("after", "checks"),
    [
        (ten(without=1), []),
        (ten(without=2), ["figures-lost"]),
        (ten(figure(year=2010, status=Status.MISSING)), []),
        (
            ten(figure(year=2010, status=Status.MISSING), figure(year=2011, status=Status.MISSING)),
            ["figures-lost"],
        ),
        (ten(figure(year=2010, status=Status.MISSING), without=1), ["figures-lost"]),
        (cube(*TEN, figure(year=2020, status=Status.MISSING), figure("0834", status=Status.MISSING)), []),
        (NONE, ["nothing-there", "figures-lost", "areas-lost"]),
    ],
    ids=["a tenth", "two rows", "one emptied", "two emptied", "a row and one emptied", "more", "all"],
)
def test_more_than_the_usual_loss_is_held_whether_rows_go_or_are_emptied(
    after: Cube, checks: Sequence[str]
) -> None:
    assert found(after, TEN) == checks


def test_the_usual_loss_is_what_the_catalogue_declares() -> None:
    assert found(ten(without=5), TEN, bounds=Bounds(largest_loss=0.5)) == []
    assert found(ten(without=1), TEN, bounds=Bounds(largest_loss=0)) == ["figures-lost"]


def test_figures_that_had_no_value_before_are_not_missed_when_they_still_have_none() -> None:
    empty = cube(*(figure(year=year, status=Status.MISSING) for year in range(2010, 2020)))
    suppressed = cube(*(figure(year=year, status=Status.SUPPRESSED) for year in range(2010, 2020)))

    assert found(suppressed, empty) == []


def test_an_area_that_disappears_is_held_however_many_figures_stay() -> None:
    before = cube(*TEN, figure("0834", year=2019))

    assert found(TEN, before) == ["areas-lost"]
    assert found(before, TEN) == []


def test_a_jump_is_held_only_where_a_bound_is_declared() -> None:
    jumped = ten(figure(year=2010, value=16.0))
    half = Bounds(largest_jump=0.5)

    assert found(jumped, TEN) == []
    assert found(jumped, TEN, bounds=half) == ["jump"]
    assert found(ten(figure(year=2010, value=15.0)), TEN, bounds=half) == []
    assert found(ten(figure(year=2010, value=4.0)), TEN, bounds=half) == ["jump"]
    assert found(jumped, None, bounds=half) == []


def test_a_jump_is_measured_between_values_only() -> None:
    half = Bounds(largest_jump=0.5)
    zero, one = cube(figure(value=0)), cube(figure(value=1))

    assert found(ten(figure(year=2010, status=Status.MISSING)), TEN, bounds=half) == []
    assert found(TEN, ten(figure(year=2010, status=Status.MISSING)), bounds=half) == []
    assert found(one, zero, bounds=half) == ["jump"]
    assert found(zero, zero, bounds=half) == []


def test_a_jump_is_told_with_the_place_where_it_is() -> None:
    jumped = ten(figure(year=2010, value=10.5), figure(year=2011, value=99.0))
    judged = Judged(
        definition=indicator(), cube=jumped, before=TEN, bounds=Bounds(largest_jump=0.5), this_year=2026
    )

    assert [one.reason for one in findings(judged)] == [
        "1 figures jump by more than 50%, the first for 0880, total, 2011"
    ]


def test_totals_are_held_against_their_parts_only_where_the_source_says_that_they_add_up() -> None:
    adds_up = Bounds(adds_up=("sex",))
    wrong, right = sexes(4, 1, 2), sexes(0.3, 0.1, 0.2)

    assert found(wrong) == []
    assert found(wrong, bounds=adds_up) == ["totals-add-up"]
    assert found(right, bounds=adds_up) == []


def test_a_total_without_both_of_its_parts_proves_nothing() -> None:
    adds_up = Bounds(adds_up=("sex",))
    hidden = cube(
        figure(value=3),
        figure(sex=Sex.WOMEN, value=1),
        figure(sex=Sex.MEN, status=Status.SUPPRESSED),
        figure(sex=Sex.OTHER, value=1),
    )

    assert found(hidden, bounds=adds_up) == []
    assert found(cube(figure(value=3)), bounds=adds_up) == []


def test_parts_of_another_year_area_or_age_are_not_added_to_a_total() -> None:
    adds_up = Bounds(adds_up=("sex",))
    others = [figure("0834", value=9), figure(year=2021, value=9), figure(breakdown="age:80-", value=9)]

    assert found(sexes(3, 1, 2, *others), bounds=adds_up) == []


HOME = ("0821", "0834", "0840", "0860", "0861", "0862", "0880", "0881", "0882", "0883", "0884", "0885")


def test_a_county_is_held_against_all_its_municipalities_or_none() -> None:
    adds_up, parts = Bounds(adds_up=("municipality",)), [figure(code, value=2) for code in HOME]
    right, wrong = figure("08", value=24), figure("08", value=25)

    assert found(cube(right, *parts), bounds=adds_up) == []
    assert found(cube(wrong, *parts)) == []
    assert found(cube(wrong, *parts), bounds=adds_up) == ["totals-add-up"]
    assert found(cube(wrong, *parts[1:]), bounds=adds_up) == []
    assert found(cube(wrong, *parts[1:], figure("0821", status=Status.MISSING)), bounds=adds_up) == []


def test_an_undivided_figure_is_held_against_what_it_is_divided_into_by_that_one_dimension() -> None:
    adds_up = Bounds(adds_up=("age",))
    ages = [figure(breakdown="age:0-79", value=3), figure(breakdown="age:80-", value=1)]
    crossed = figure(breakdown="age:80-;reporter:polis", value=9)

    assert found(cube(figure(value=4), *ages, crossed), bounds=adds_up) == []
    assert found(cube(figure(value=5), *ages, crossed), bounds=adds_up) == ["totals-add-up"]
    assert found(cube(figure(value=5), *ages), bounds=Bounds(adds_up=("reporter",))) == []


def test_every_finding_names_the_indicator_and_its_check_is_one_that_can_be_accepted() -> None:
    judged = Judged(definition=indicator(), cube=NONE, before=TEN, bounds=Bounds(), this_year=2026)

    assert {one.indicator for one in findings(judged)} == {"prov-andel"}
    assert {one.check for one in findings(judged)} <= CHECKS.keys()
