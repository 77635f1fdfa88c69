from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.canonical import canonical_csv
from datasets.coverage import coverage_body, coverage_of, read_coverage
from datasets.cube import (
    NO_COUNT,
    NO_DAY,
    SEXES,
    STATUSES,
    Columns,
    Cube,
    broken_rules,
    cube_from,
    day_number,
    flag_bits,
)
from datasets.stored import UnknownEncodingError, packed, unpacked
from datasets.vocabulary import Flag, Interval, Observation, Period, Sex, Status
from tests.given import cube, figure, observations, plain

KEY = ("municipality", "sex", "year", "breakdown")


def key(told: Observation) -> tuple[Any, ...]:
    return tuple(getattr(told, name) for name in KEY)


@given(observations())
def test_a_cube_holds_every_figure_it_was_given(given_figures: list[Observation]) -> None:
    made = cube_from(given_figures)

    assert {key(told): told for told in made} == {key(told): plain(told) for told in given_figures}
    assert len(made) == len(given_figures)


@given(observations(), st.randoms())
def test_the_order_of_the_figures_never_shows(given_figures: list[Observation], chance: Any) -> None:
    shuffled = list(given_figures)
    chance.shuffle(shuffled)

    assert canonical_csv(cube_from(shuffled)) == canonical_csv(cube_from(given_figures))
    assert packed(cube_from(shuffled)) == packed(cube_from(given_figures))


@given(observations())
def test_figures_stand_by_municipality_sex_year_and_breakdown(given_figures: list[Observation]) -> None:
    made = list(cube_from(given_figures))
    order = [(told.municipality, SEXES.index(told.sex), told.year, told.breakdown.text) for told in made]

    assert order == sorted(order)


@given(observations())
def test_a_stored_cube_reads_back_to_the_bit(given_figures: list[Observation]) -> None:
    made = cube_from(given_figures)
    back = unpacked(*packed(made))

    assert (back.municipalities, back.breakdowns) == (made.municipalities, made.breakdowns)
    for field in fields(Columns):
        kept, own = getattr(back.columns, field.name), getattr(made.columns, field.name)
        assert kept.dtype == own.dtype
        assert kept.tobytes() == own.tobytes()


def test_a_cube_stored_by_a_newer_version_is_not_guessed_at() -> None:
    with pytest.raises(UnknownEncodingError, match="arrow-zstd-9"):
        unpacked("arrow-zstd-9", packed(cube())[1])


@given(observations())
def test_coverage_tells_what_there_is(given_figures: list[Observation]) -> None:
    told = read_coverage(coverage_body(coverage_of(cube_from(given_figures))))

    assert told.rows == len(given_figures)
    assert list(told.municipalities) == sorted({one.municipality for one in given_figures})
    assert set(told.sexes) == {one.sex for one in given_figures}
    assert list(told.years) == sorted({one.year for one in given_figures})
    assert list(told.breakdowns) == sorted({one.breakdown.text for one in given_figures})


def test_two_figures_with_one_key_are_refused() -> None:
    with pytest.raises(ValueError, match="two figures for 0880, women, 2020 age:80-"):
        cube(*[figure(sex=Sex.WOMEN, breakdown="age:80-", value=value) for value in (1.0, 2.0)])


def test_a_period_that_is_its_calendar_year_says_nothing_more() -> None:
    year = Period(date(2020, 1, 1), date(2020, 12, 31))

    assert canonical_csv(cube(figure(period=year))) == canonical_csv(cube(figure()))


def test_minus_zero_is_zero() -> None:
    signed = figure(value=-0.0, interval=Interval(-0.0, 0.0))
    unsigned = figure(value=0.0, interval=Interval(0.0, 0.0))

    assert packed(cube(signed)) == packed(cube(unsigned))


def test_a_column_of_one_value_takes_no_memory_a_figure() -> None:
    few, many = (
        cube(*[figure(year=1800 + at, value=float(at)) for at in range(count)]) for count in (10, 110)
    )
    year_and_value = 2 + 8

    assert many.bytes_held - few.bytes_held == 100 * year_and_value


def test_what_a_cube_holds_cannot_be_changed() -> None:
    made = cube(figure(), figure(year=2021))

    for field in fields(Columns):
        with pytest.raises(ValueError, match="read-only"):
            getattr(made.columns, field.name)[0] = 0


def columns(said: dict[str, Any]) -> Columns:
    value, status, period = said["value"], said["status"], said["period"]
    low, high = said["bounds"] or (np.nan, np.nan)
    start, end = map(day_number, period) if period else (NO_DAY, NO_DAY)
    one: dict[str, Any] = {
        "municipality": np.uint16(0),
        "sex": np.uint8(0),
        "year": np.int16(said["year"]),
        "start": np.int32(start),
        "end": np.int32(end),
        "breakdown": np.uint32(0),
        "value": np.float64(np.nan if value is None else value),
        "status": np.uint8(STATUSES.index(status) + 1 if status else 0),
        "flags": np.uint8(flag_bits(said["flags"])),
        "low": np.float64(low),
        "high": np.float64(high),
        "count": np.int64(NO_COUNT if said["count"] is None else said["count"]),
    }
    return Columns(**{name: np.array([cell]) for name, cell in one.items()})


def is_a_figure(said: dict[str, Any]) -> bool:
    told = {name: said[name] for name in ("value", "status", "flags", "count")}
    try:
        figure(
            year=said["year"],
            interval=Interval(*said["bounds"]) if said["bounds"] else None,
            period=Period(*said["period"]) if said["period"] else None,
            **told,
        )
    except ValueError:
        return False
    return True


ODD_NUMBERS = st.sampled_from([0.0, 1.0, -2.0, 1e15, 9e14, 1e-15, 1e-16, 1e300, float("inf"), -float("inf")])
DAYS = st.sampled_from([date(2018, 1, 1), date(2019, 12, 31), date(2020, 1, 1), date(2020, 12, 31)])


@settings(max_examples=400)
@given(
    st.fixed_dictionaries(
        {
            "year": st.sampled_from([2019, 2020]),
            "value": st.none() | ODD_NUMBERS,
            "status": st.none() | st.sampled_from(Status),
            "flags": st.sampled_from([frozenset(), frozenset({Flag.ESTIMATED}), frozenset(Flag)]),
            "bounds": st.none() | st.tuples(ODD_NUMBERS, ODD_NUMBERS),
            "period": st.none() | st.tuples(DAYS, DAYS),
            "count": st.none() | st.sampled_from([-2, 0, 7, 2**53, 2**53 + 1]),
        }
    )
)
def test_a_column_of_figures_is_judged_as_each_figure_is(said: dict[str, Any]) -> None:
    broken = [rule for _, rule, _ in broken_rules(columns(said))]

    assert bool(broken) != is_a_figure(said)


@pytest.mark.parametrize("name", ["low", "high", "start", "end"])
def test_half_an_interval_and_half_a_period_are_nothing(name: str) -> None:
    whole = columns(
        {
            "year": 2020,
            "value": 1.0,
            "status": None,
            "flags": frozenset(),
            "bounds": (0.0, 2.0),
            "period": (date(2019, 1, 1), date(2020, 6, 30)),
            "count": None,
        }
    )
    absent: Any = np.nan if name in {"low", "high"} else NO_DAY
    half = replace(whole, **{name: np.full_like(getattr(whole, name), absent)})

    assert [rule for _, rule, _ in broken_rules(whole)] == []
    assert [rule for _, rule, _ in broken_rules(half)]


def broken_positions(several: Sequence[dict[str, Any]]) -> list[list[bool]]:
    parts = [columns(said) for said in several]
    names = [field.name for field in fields(Columns)]
    together = Columns(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
    return [which.tolist() for _, _, which in broken_rules(together)]


def test_a_broken_rule_points_at_the_figures_that_break_it() -> None:
    good: dict[str, Any] = {
        "year": 2020,
        "value": 1.0,
        "status": None,
        "flags": frozenset(),
        "bounds": None,
        "period": None,
        "count": None,
    }

    assert broken_positions([good, good | {"count": -2}, good]) == [[False, True, False]]


def test_an_empty_cube_is_a_cube() -> None:
    empty: Cube = cube_from([])

    assert list(unpacked(*packed(empty))) == []
