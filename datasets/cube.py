"""A cube: all figures of one indicator in one version, in memory as columns in canonical order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from functools import cached_property
from math import isnan
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from datasets.numbers import LARGEST, LARGEST_COUNT, SMALLEST
from datasets.vocabulary import (
    Breakdown,
    Flag,
    Interval,
    MunicipalityCode,
    Observation,
    Period,
    Sex,
    Status,
    Year,
)

SEXES = tuple(Sex)
STATUSES = tuple(Status)
FLAGS = tuple(Flag)
NO_DAY = np.iinfo(np.int32).min
NO_COUNT = -1
_EPOCH = date(1970, 1, 1)
_NUMBERS = ("value", "low", "high")

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]
_Code = TypeVar("_Code", MunicipalityCode, Breakdown)


@dataclass(frozen=True, eq=False, kw_only=True)
class Columns:
    """The columns of a cube, one entry a figure, in any order.

    `municipality` and `breakdown` are positions in the code tuples that go with the columns; `sex` and
    `status` positions in SEXES and STATUSES (status from 1, 0 is none); `flags` bits in the order of FLAGS;
    days count from 1970-01-01 with NO_DAY for none; NaN and NO_COUNT stand for an absent number.
    """

    municipality: NDArray[np.uint16]
    sex: NDArray[np.uint8]
    year: NDArray[np.int16]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    breakdown: NDArray[np.uint32]
    value: Floats
    status: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    low: Floats
    high: Floats
    count: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.value)

    def take(self, positions: Positions) -> Self:
        """Return the figures at *positions*, in that order."""
        return type(self)(
            **{field.name: _taken(getattr(self, field.name), positions) for field in fields(self)}
        )

    def part(self, first: int, after: int) -> Self:
        """Return the figures from *first* to before *after*, in the same memory."""
        return type(self)(**{field.name: getattr(self, field.name)[first:after] for field in fields(self)})


def repeated(value: Any, rows: int) -> NDArray[Any]:
    """Return a column that says *value*, of one of numpy's types, in every row, and keeps it once."""
    # what `broadcast_to` does in ten times the time, which counts where many small cubes are read
    column = np.ndarray((rows,), value.dtype, np.array(value), strides=(0,))
    column.flags.writeable = False
    return column


def _taken(column: NDArray[Any], positions: Positions) -> NDArray[Any]:
    """Return the rows of *column* at *positions*; a column that says one thing still says it once."""
    if column.strides[0] or not len(positions):
        return column[positions]
    return repeated(column[0], len(positions))


@dataclass(frozen=True, eq=False)
class Cube:
    """All figures of one indicator, ordered by municipality, sex, year and breakdown; made by `cube_of`."""

    municipalities: tuple[MunicipalityCode, ...]
    breakdowns: tuple[Breakdown, ...]
    columns: Columns

    def __len__(self) -> int:
        return len(self.columns)

    def __iter__(self) -> Iterator[Observation]:
        return self.observations(np.arange(len(self)))

    def observation(self, position: int) -> Observation:
        """Return the figure at *position* as one value."""
        (one,) = self.observations(np.array([position]))
        return one

    def observations(self, positions: Positions) -> Iterator[Observation]:
        """Yield the figures at *positions* as values, in that order."""
        columns = self.columns.take(positions)
        each = (getattr(columns, field.name).tolist() for field in fields(Columns))
        return map(self._observation, *each)

    def _observation(self, *row: Any) -> Observation:
        municipality, sex, year, start, end, breakdown, value, status, flags, low, high, count = row
        return Observation(
            municipality=self.municipalities[municipality],
            sex=SEXES[sex],
            year=Year(year),
            period=None if start == NO_DAY else Period(day(start), day(end)),
            breakdown=self.breakdowns[breakdown],
            value=None if status else value,
            status=STATUSES[status - 1] if status else None,
            flags=frozenset(flag for bit, flag in enumerate(FLAGS) if flags >> bit & 1),
            interval=None if isnan(low) else Interval(low, high),
            count=None if count == NO_COUNT else count,
        )

    @cached_property
    def bytes_held(self) -> int:
        """Return how much memory the columns take; a column of one repeated value takes none."""
        arrays = (getattr(self.columns, field.name) for field in fields(Columns))
        return sum(array.nbytes if array.strides[0] else array.itemsize for array in arrays)


def day(number: int) -> date:
    """Return the date *number* days after 1970-01-01."""
    return _EPOCH + timedelta(days=int(number))


def day_number(when: date) -> int:
    """Return the days from 1970-01-01 to *when*."""
    return (when - _EPOCH).days


def cube_of(
    municipalities: Sequence[MunicipalityCode], breakdowns: Sequence[Breakdown], columns: Columns
) -> Cube:
    """Return the cube of *columns* in any order, without periods that are their calendar year.

    Raises ValueError for figures that cannot be, and for two figures with one key.
    """
    columns = _plain(columns)
    for name, rule, broken in broken_rules(columns):
        message = f"{name}: {rule} (figure {int(np.argmax(broken))} of those given)"
        raise ValueError(message)
    areas, columns = _sorted_codes(municipalities, columns, "municipality")
    divisions, columns = _sorted_codes(breakdowns, columns, "breakdown")
    steps = np.diff(_names(columns, len(divisions)))
    if (steps < 0).any():
        columns = columns.take(np.argsort(_names(columns, len(divisions)), kind="stable"))
        steps = np.diff(_names(columns, len(divisions)))
    _refuse_twins(areas, divisions, columns, steps == 0)
    return Cube(areas, divisions, _compact(columns))


def cube_from(observations: Sequence[Observation]) -> Cube:
    """Return the cube of *observations*, in any order; raises as `cube_of` does."""
    places = _numbered(figure.municipality for figure in observations)
    parts = _numbered(figure.breakdown for figure in observations)
    periods = [figure.period for figure in observations]
    intervals = [figure.interval for figure in observations]
    nan = float("nan")
    columns = Columns(
        municipality=np.array([places[figure.municipality] for figure in observations], np.uint16),
        sex=np.array([SEXES.index(figure.sex) for figure in observations], np.uint8),
        year=np.array([figure.year for figure in observations], np.int16),
        start=np.array([day_number(period.start) if period else NO_DAY for period in periods], np.int32),
        end=np.array([day_number(period.end) if period else NO_DAY for period in periods], np.int32),
        breakdown=np.array([parts[figure.breakdown] for figure in observations], np.uint32),
        value=np.array([nan if f.value is None else f.value for f in observations], np.float64),
        status=np.array([STATUSES.index(f.status) + 1 if f.status else 0 for f in observations], np.uint8),
        flags=np.array([flag_bits(figure.flags) for figure in observations], np.uint8),
        low=np.array([interval.low if interval else nan for interval in intervals], np.float64),
        high=np.array([interval.high if interval else nan for interval in intervals], np.float64),
        count=np.array([NO_COUNT if f.count is None else f.count for f in observations], np.int64),
    )
    return cube_of(tuple(places), tuple(parts), columns)


def _numbered(codes: Iterable[_Code]) -> dict[_Code, int]:
    return {code: at for at, code in enumerate(dict.fromkeys(codes))}


def flag_bits(flags: frozenset[Flag]) -> int:
    """Return *flags* as the bits of the stored form."""
    return sum(1 << FLAGS.index(flag) for flag in flags)


def _plain(columns: Columns) -> Columns:
    """Drop periods that say no more than their year, and the sign of zero."""
    start, end = columns.start, columns.end
    if (start != NO_DAY).any():
        year = columns.year.astype(np.int64)
        first = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
        last = (year - 1969).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) - 1
        whole_year = (start == first) & (end == last)
        start, end = (np.where(whole_year, np.int32(NO_DAY), days) for days in (start, end))
    numbers = {name: getattr(columns, name) + 0.0 for name in _NUMBERS}
    return replace(columns, start=start, end=end, **numbers)


def broken_rules(columns: Columns) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Yield each rule that some figures break: the column to look at, the rule, and which figures."""
    has_value, has_low = ~np.isnan(columns.value), ~np.isnan(columns.low)
    has_period = columns.start != NO_DAY
    years = columns.year.astype(np.int64)
    if has_period.any():
        years = columns.end.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    extras = (columns.flags != 0) | has_low | (columns.count != NO_COUNT)
    outside = ~((columns.low <= columns.value) & (columns.value <= columns.high))
    rules = [
        ("value", "a figure has a value, or a status that says why not", ~has_value & (columns.status == 0)),
        ("status", "a figure with a value has no status", has_value & (columns.status != 0)),
        ("status", "flags, interval and count go with a value", ~has_value & extras),
        ("low", "an interval has two bounds", has_low != ~np.isnan(columns.high)),
        ("low", "a value lies inside its interval", has_value & has_low & outside),
        ("periodStart", "a period has a start and an end", has_period != (columns.end != NO_DAY)),
        ("periodStart", "a period does not run backwards", has_period & (columns.start > columns.end)),
        ("year", "the year of a figure is its period's last", has_period & (years != columns.year)),
        ("count", "a count is a whole number from 0", columns.count < NO_COUNT),
        ("count", "a count is a whole number from 0", columns.count > LARGEST_COUNT),
        *((name, "no figure has such a number", _impossible(getattr(columns, name))) for name in _NUMBERS),
    ]
    return ((name, rule, broken) for name, rule, broken in rules if broken.any())


def _impossible(numbers: Floats) -> NDArray[np.bool_]:
    size = np.abs(numbers)
    return (size >= LARGEST) | ((size > 0) & (size < SMALLEST))


def _sorted_codes(codes: Sequence[_Code], columns: Columns, name: str) -> tuple[tuple[_Code, ...], Columns]:
    """Return the codes that *columns* use, sorted, and the columns pointing at them."""
    used = np.zeros(len(codes), np.bool_)
    used[getattr(columns, name)] = True
    texts = [code_text(code) for code in codes]
    order = sorted(np.flatnonzero(used).tolist(), key=texts.__getitem__)
    if order == list(range(len(codes))):
        return tuple(codes), columns
    moved = np.zeros(len(codes), dtype=getattr(columns, name).dtype)
    moved[order] = np.arange(len(order))
    return tuple(codes[at] for at in order), replace(columns, **{name: moved[getattr(columns, name)]})


def code_text(code: MunicipalityCode | Breakdown) -> str:
    """Return the canonical text of a code, by which figures are ordered."""
    return code.text if isinstance(code, Breakdown) else str(code)


def _names(columns: Columns, divisions: int) -> Positions:
    """Return the name of each figure as one whole number, in the order of a cube."""
    names = columns.municipality.astype(np.int64) * len(SEXES) + columns.sex
    names = names * (1 << 16) + columns.year + (1 << 15)
    return names * divisions + columns.breakdown


def _refuse_twins(
    areas: tuple[MunicipalityCode, ...],
    divisions: tuple[Breakdown, ...],
    columns: Columns,
    same: NDArray[np.bool_],
) -> None:
    """Refuse two figures under one name; *same* tells which have the name of the one after."""
    if same.any():
        at = int(np.argmax(same))
        message = (
            f"two figures for {areas[columns.municipality[at]]}, {SEXES[columns.sex[at]]},"
            f" {columns.year[at]} {divisions[columns.breakdown[at]].text}".rstrip()
        )
        raise ValueError(message)


def _compact(columns: Columns) -> Columns:
    """Let a column of one repeated value take no memory, and make every column read-only."""
    packed = {}
    for field in fields(Columns):
        array = getattr(columns, field.name)
        first = array[:1]
        constant = len(array) > 1 and (
            (array == first).all() or (array.dtype.kind == "f" and np.isnan(array).all())
        )
        packed[field.name] = repeated(first[0], len(array)) if constant else np.ascontiguousarray(array)
        packed[field.name].flags.writeable = False
    return Columns(**packed)
