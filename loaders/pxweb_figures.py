"""From a PxWeb answer to figures and notes; the same for SCB and FoHM."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from itertools import product

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from datasets.catalogue import Note
from datasets.cube import NO_COUNT, NO_DAY, SEXES, STATUSES, Columns, Cube, cube_of, day_number, flag_bits
from datasets.vocabulary import Breakdown, Flag, MunicipalityCode, Sex, Status, Text
from loaders.jsonstat import Table
from loaders.pxweb_selection import (
    FIXED,
    MEASURE,
    MUNICIPALITY,
    SEX,
    YEAR,
    ZERO,
    Picked,
    Taken,
    When,
    broken,
)

Floats = NDArray[np.float64]
Positions = NDArray[np.int64]
Bits = NDArray[np.uint8]
FlagsOf = Callable[[Positions], Bits]
"""The flags of figures by their years, as the catalogue states them for the whole table."""


class Words(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the source's symbols mean, as the catalogue states it; an unknown one stops the load.

    `symbols` stand where there is no value: a status, or `zero` where the source means nothing to count.
    `marks` stand beside a value: a flag, or the empty text for what says nothing of the figure itself.
    """

    symbols: Mapping[str, str] = {}
    marks: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        """Refuse words that are none of ours."""
        for word in self.symbols.values():
            if word != ZERO:
                Status(word)
        for word in self.marks.values():
            if word:
                Flag(word)


class Gathered:
    """The figures of one indicator, answer by answer."""

    def __init__(self, words: Words) -> None:
        """Read symbols by *words*."""
        self._words = words
        self._places: dict[MunicipalityCode, int] = {}
        self._divisions: dict[Breakdown, int] = {}
        self._columns: list[Columns] = []

    def add(self, answer: Table, selection: Sequence[Picked], flags_of: FlagsOf, place: str) -> None:
        """Take the figures of *answer*, in the order of the categories that it states itself."""
        at = _spread(answer)
        taken = _in_order(answer, selection)
        roles = {one.role: one.dimension for one in selection}
        numbers, times = _numbers(answer, place), taken[roles[YEAR]]
        layers = _layers(answer, taken, at, roles)
        base = layers["value"]
        when = at[roles[YEAR]][base]
        year = _each(times, _year)[when]
        status, value, marked = _judged(answer.statuses, numbers, base, self._words, place)
        low, high, count = _beside(numbers, layers, value, place)
        sexes = taken[roles[SEX]] if SEX in roles else ()
        columns = Columns(
            municipality=self._areas(taken[roles[MUNICIPALITY]])[at[roles[MUNICIPALITY]][base]],
            sex=_each(sexes, _sex)[at[roles[SEX]][base]].astype(np.uint8) if sexes else _totals(base),
            year=year.astype(np.int16),
            start=_each(times, _start)[when].astype(np.int32),
            end=_each(times, _end)[when].astype(np.int32),
            breakdown=self._parts(taken, at, roles, base),
            value=value,
            status=status,
            flags=np.where(np.isnan(value), np.uint8(0), flags_of(year) | marked),
            low=low,
            high=high,
            count=count,
        )
        self._columns.append(columns)

    def cube(self, place: str) -> Cube:
        """Return the cube of everything taken; raises BrokenSourceError for figures that cannot be."""
        if not self._columns:
            broken(place, "has no figure")
        joined = {
            field.name: np.concatenate([getattr(columns, field.name) for columns in self._columns])
            for field in fields(Columns)
        }
        try:
            return cube_of(tuple(self._places), tuple(self._divisions), Columns(**joined))
        except ValueError as error:
            broken(place, str(error))

    def _areas(self, taken: Sequence[Taken]) -> NDArray[np.uint16]:
        codes = (MunicipalityCode(one.ours) for one in taken)
        return np.array([self._places.setdefault(code, len(self._places)) for code in codes], np.uint16)

    def _parts(
        self,
        taken: Mapping[str, Sequence[Taken]],
        at: Mapping[str, Positions],
        roles: Mapping[str, str],
        base: Positions,
    ) -> NDArray[np.uint32]:
        """Return the breakdown of each cell; a category that is the empty text is the undivided one."""
        known = {MUNICIPALITY, SEX, YEAR, FIXED, MEASURE}
        names = {role: dimension for role, dimension in roles.items() if role not in known}
        numbers = []
        for parts in product(*(taken[dimension] for dimension in names.values())):
            pairs = ((name, one.ours) for name, one in zip(names, parts, strict=True) if one.ours)
            breakdown = Breakdown.of(pairs)
            numbers.append(self._divisions.setdefault(breakdown, len(self._divisions)))
        if not names:
            return np.full(len(base), numbers[0], np.uint32)
        where = tuple(at[dimension][base] for dimension in names.values())
        shape = tuple(len(taken[dimension]) for dimension in names.values())
        return np.array(numbers, np.uint32)[np.ravel_multi_index(where, shape)]


def notes_of(table: Table, selection: Sequence[Picked], years: Sequence[int] = ()) -> list[Note]:
    """Return the source's own notes, each with the figures that it concerns; *years* where not all."""
    asked = {picked.dimension: picked for picked in selection}
    notes = []
    for remark in table.remarks:
        picked = asked.get(remark.dimension)
        mine = [one for one in picked.taken if one.code == remark.code] if picked else []
        text = " ".join(remark.text.split())
        if not text or (remark.code and not mine):
            continue
        note = Note(text=Text(text), mandatory=remark.mandatory, years=tuple(years))
        notes.append(_scoped(note, picked.role, mine[0]) if picked and mine else note)
    return notes


def _scoped(note: Note, role: str, one: Taken) -> Note:
    """Return *note* for the figures of one code only."""
    if role == MUNICIPALITY:
        return replace(note, municipalities=(one.ours,))
    if role == SEX:
        return replace(note, sexes=(Sex(one.ours),))
    if role == YEAR:
        return replace(note, years=(_year(one),))
    if role in {FIXED, MEASURE} or not one.ours:
        return note
    return replace(note, breakdown={role: one.ours})


def _in_order(answer: Table, selection: Sequence[Picked]) -> dict[str, list[Taken]]:
    asked = {picked.dimension: {one.code: one for one in picked.taken} for picked in selection}
    return {
        dimension.id: [asked[dimension.id][code] for code in dimension.codes]
        for dimension in answer.dimensions
        if dimension.id in asked
    }


def _numbers(answer: Table, place: str) -> Floats:
    if str in {*map(type, answer.values)}:
        broken(place, "has a text where a number should stand")
    return np.array(answer.values, np.float64)  # None becomes NaN


def _spread(answer: Table) -> dict[str, Positions]:
    """Return, for every cell, its place in each dimension."""
    at = np.unravel_index(np.arange(len(answer.values)), answer.size)
    return {dimension.id: one for dimension, one in zip(answer.dimensions, at, strict=True)}


def _layers(
    answer: Table,
    taken: Mapping[str, Sequence[Taken]],
    at: Mapping[str, Positions],
    roles: Mapping[str, str],
) -> dict[str, Positions]:
    """Return the cells of each part of an observation, all parts in one order; most tables have one part.

    Cells of a year in which one of their codes does not hold are none of ours.
    """
    holding = np.ones(len(answer.values), np.bool_)
    year = _each(taken[roles[YEAR]], _year)[at[roles[YEAR]]]
    for dimension, codes in taken.items():
        first, last = _each(codes, _first)[at[dimension]], _each(codes, _last)[at[dimension]]
        holding &= (first <= year) & (year <= last)
    if MEASURE not in roles:
        return {"value": np.flatnonzero(holding)}
    where = at[roles[MEASURE]]
    parts = enumerate(taken[roles[MEASURE]])
    return {one.ours: np.flatnonzero(holding & (where == number)) for number, one in parts}


def _judged(
    statuses: Mapping[int, str], numbers: Floats, base: Positions, words: Words, place: str
) -> tuple[Bits, Floats, Bits]:
    """Return the status, the value and the flags of the cells at *base*, by what *words* say of symbols."""
    known: dict[str, int] = {"": 0}
    symbols = np.zeros(len(numbers), np.int64)
    for cell, symbol in statuses.items():
        symbols[cell] = known.setdefault(symbol, len(known))
    symbols, value = symbols[base], numbers[base]
    absent = np.isnan(value)
    status, flags = np.zeros(len(base), np.uint8), np.zeros(len(base), np.uint8)
    for symbol, number in known.items():
        mine = symbols == number
        without, beside = absent & mine, ~absent & mine
        if without.any():
            word = words.symbols.get(symbol) or _unstated(place, symbol, without, "without a value")
            if word == ZERO:
                value[without] = 0
            else:
                status[without] = STATUSES.index(Status(word)) + 1
        if symbol and beside.any():
            mark = words.marks.get(symbol)
            if mark is None:
                _unstated(place, symbol, beside, "with a value")
            elif mark:
                flags[beside] |= flag_bits(frozenset({Flag(mark)}))
    return status, value, flags


def _unstated(place: str, symbol: str, cells: NDArray[np.bool_], kind: str) -> str:
    broken(place, f"marks {int(cells.sum())} cells {kind} by {symbol!r}, and the catalogue does not say why")


def _beside(
    numbers: Floats, layers: Mapping[str, Positions], value: Floats, place: str
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Return the bounds and the count beside each value; nothing stays beside a value that is hidden."""
    nothing = np.full(len(value), np.nan)
    parts = (layers.get(name) for name in ("low", "high", "count"))
    low, high, count = (nothing if part is None else numbers[part] for part in parts)
    hidden = np.isnan(value)
    if (hidden & ~(np.isnan(low) & np.isnan(high))).any():
        broken(place, "has an interval whose share it hides")
    count = np.where(hidden | np.isnan(count), NO_COUNT, count)
    if (count != np.rint(count)).any():
        broken(place, "has a count that is not whole")
    return low, high, count.astype(np.int64)


def _each(taken: Sequence[Taken], number: Callable[[Taken], int]) -> Positions:
    return np.array([number(one) for one in taken], np.int64)


def _totals(base: Positions) -> Bits:
    return np.full(len(base), SEXES.index(Sex.TOTAL), np.uint8)


def _sex(one: Taken) -> int:
    return SEXES.index(Sex(one.ours))


def _when(one: Taken) -> When:
    return one.when or When(int(one.ours))


def _year(one: Taken) -> int:
    return _when(one).year


def _start(one: Taken) -> int:
    start = _when(one).start
    return day_number(start) if start else NO_DAY


def _end(one: Taken) -> int:
    end = _when(one).end
    return day_number(end) if end else NO_DAY


def _first(one: Taken) -> int:
    return one.first


def _last(one: Taken) -> int:
    return one.last
