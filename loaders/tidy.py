"""From a tidy sheet to cubes: every row checked, all faults told at once, nothing guessed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from datasets.areas import area
from datasets.catalogue import Indicator
from datasets.closest import closest
from datasets.cube import (
    NO_COUNT,
    NO_DAY,
    Columns,
    Cube,
    broken_rules,
    cube_of,
)
from datasets.errors import Fault, UnknownCodeError
from datasets.vocabulary import UNDIVIDED, Breakdown, MunicipalityCode
from loaders.sheets import Column, Sheet
from loaders.texts import WrongNumber, count_of, day_of, flags_of, read_numbers, sex_of, status_of, year_of

REQUIRED = ("municipality", "sex", "year", "value")
OPTIONAL = ("indicator", "periodStart", "periodEnd", "status", "flags", "low", "high", "count")
NUMBERS = ("value", "low", "high")
MOST_FAULTS = 1000

_Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Reading:
    """What a sheet came to: a cube for each indicator that has figures, or the faults in the file's order."""

    cubes: Mapping[str, Cube]
    faults: tuple[Fault, ...]


class _Reader:
    """Reads one sheet column by column and collects what is wrong with it."""

    def __init__(self, sheet: Sheet, indicators: Mapping[str, Indicator | None]) -> None:
        self.sheet = sheet
        self.indicators = indicators
        self.dimensions = sorted(
            {name for known in indicators.values() if known for name in known.breakdowns}
        )
        self.faults: list[Fault] = list(sheet.faults[:MOST_FAULTS])
        self.told_rows = np.zeros(len(sheet.rows), dtype=np.bool_)
        self.untold = len(sheet.faults) - len(self.faults)
        self.ahead: dict[str, Future[tuple[NDArray[np.float64], list[WrongNumber]]]] = {}

    def tell(self, positions: _Rows, column: str, reason: str, hints: Sequence[str] = ()) -> None:
        """Note a fault for every row at *positions*, up to the most that a person could read."""
        room = max(MOST_FAULTS - len(self.faults), 0)
        self.untold += max(len(positions) - room, 0)
        self.told_rows[positions] = True
        values = self.sheet.columns.get(column)
        self.faults.extend(
            Fault(
                file=self.sheet.name,
                row=int(self.sheet.rows[at]),
                column=column,
                value=values.texts[values.at[at]] if values else "",
                reason=reason,
                closest=tuple(hints),
            )
            for at in positions[:room].tolist()
        )

    def mapped(self, name: str, read: Callable[[str], Any], absent: Any) -> NDArray[Any]:
        """Read each distinct text of column *name* once; *absent* stands for the empty and for the faulty."""
        column = self.sheet.columns.get(name)
        if column is None:
            return np.full(len(self.sheet.rows), absent)
        values = []
        for position, text in enumerate(column.texts):
            try:
                values.append(read(text) if text else absent)
            except (ValueError, UnknownCodeError) as error:
                hints = error.closest if isinstance(error, UnknownCodeError) else ()
                reason = f"is no {error.kind}" if isinstance(error, UnknownCodeError) else str(error)
                self.tell(np.flatnonzero(column.at == position), name, reason, hints)
                values.append(absent)
        return np.array(values)[column.at] if values else np.empty(0)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers, which are read while the other columns are."""
        if name not in self.ahead:
            return np.full(len(self.sheet.rows), np.nan)
        numbers, wrong = self.ahead[name].result()
        for one in wrong:
            self.tell(one.rows, name, one.reason, one.hints)
        return numbers

    def required(self, name: str) -> None:
        """Note the rows where a column that must be filled in is empty."""
        column = self.sheet.columns.get(name)
        if column is not None:
            self.tell(np.flatnonzero(~column.filled), name, "must be filled in")


def read_tidy(sheet: Sheet, indicators: Mapping[str, Indicator | None]) -> Reading:
    """Return the cubes of *sheet*; an indicator whose own metadata is faulty stands as None.

    Shape: one row a figure, columns named as in the canonical form, one column a breakdown dimension.
    """
    reader = _Reader(sheet, indicators)
    if not _check_header(reader):
        return Reading({}, _ordered(reader))
    with ThreadPoolExecutor(1) as aside:
        given = {name: sheet.columns[name].cells for name in NUMBERS if name in sheet.columns}
        reader.ahead = {name: aside.submit(read_numbers, cells) for name, cells in given.items()}
        which = _indicator_positions(reader)
        columns, areas = _columns(reader)
    columns, breakdowns = _with_breakdowns(reader, columns, which)
    for name, rule, broken in broken_rules(columns):
        self_evident = broken & ~reader.told_rows
        reader.tell(np.flatnonzero(self_evident), name, rule)
    _tell_twins(reader, columns, which)
    if reader.faults:
        return Reading({}, _ordered(reader))
    ids = list(indicators)
    cubes = {ids[at]: cube_of(areas, breakdowns, own) for at, own in _parted(columns, which)}
    return Reading(cubes, ())


def _parted(columns: Columns, which: _Rows) -> Iterator[tuple[int, Columns]]:
    """Yield the columns of each indicator; most files have one indicator after the other."""
    if (np.diff(which) < 0).any():
        order = np.argsort(which, kind="stable")
        columns, which = columns.take(order), which[order]
    edges = [0, *(np.flatnonzero(np.diff(which)) + 1).tolist(), len(which)]
    for first, after in pairwise(edges):
        yield int(which[first]), columns.part(first, after)


def _check_header(reader: _Reader) -> bool:
    allowed = (*REQUIRED, *OPTIONAL, *reader.dimensions)
    needed = (*REQUIRED, *(("indicator",) if len(reader.indicators) > 1 else ()))
    header = list(reader.sheet.columns)
    unknown = [name for name in header if name not in allowed]
    missing = [name for name in needed if name not in header]
    reader.faults += [
        Fault(
            file=reader.sheet.name,
            row=1,
            value=name,
            reason="is no column of the form",
            closest=closest(name, allowed),
        )
        for name in unknown
    ]
    reader.faults += [
        Fault(file=reader.sheet.name, row=1, column=name, reason="the column is missing") for name in missing
    ]
    if not len(reader.sheet.rows) and not reader.sheet.faults:
        reader.faults.append(Fault(file=reader.sheet.name, reason="there is no row with figures"))
    return not missing and bool(len(reader.sheet.rows))


def _indicator_positions(reader: _Reader) -> _Rows:
    ids = list(reader.indicators)
    if "indicator" not in reader.sheet.columns:
        return np.zeros(len(reader.sheet.rows), np.int64)
    reader.required("indicator")

    def position(text: str) -> int:
        if text not in reader.indicators:
            raise UnknownCodeError("indicator of the TOML", text, closest(text, ids))
        return ids.index(text)

    return reader.mapped("indicator", position, -1).astype(np.int64)


def _columns(reader: _Reader) -> tuple[Columns, tuple[MunicipalityCode, ...]]:
    for name in ("municipality", "sex", "year"):
        reader.required(name)
    places: dict[MunicipalityCode, int] = {}

    def place(text: str) -> int:
        return places.setdefault(area(text).code, len(places))

    columns = Columns(
        municipality=reader.mapped("municipality", place, 0).astype(np.uint16),
        sex=reader.mapped("sex", sex_of, 0).astype(np.uint8),
        year=reader.mapped("year", year_of, 0).astype(np.int16),
        start=reader.mapped("periodStart", day_of, NO_DAY).astype(np.int32),
        end=reader.mapped("periodEnd", day_of, NO_DAY).astype(np.int32),
        breakdown=np.zeros(len(reader.sheet.rows), np.uint32),
        value=reader.numbers("value"),
        status=reader.mapped("status", status_of, 0).astype(np.uint8),
        flags=reader.mapped("flags", flags_of, 0).astype(np.uint8),
        low=reader.numbers("low"),
        high=reader.numbers("high"),
        count=reader.mapped("count", count_of, NO_COUNT).astype(np.int64),
    )
    return columns, tuple(places)


def _with_breakdowns(
    reader: _Reader, columns: Columns, which: _Rows
) -> tuple[Columns, tuple[Breakdown, ...]]:
    """Join the dimension columns to breakdowns, each combination judged once by its indicator."""
    present = [name for name in reader.dimensions if name in reader.sheet.columns]
    combined = which + 1
    for name in present:
        column = reader.sheet.columns[name]
        combined = _numbered(combined * (len(column.texts) + 1) + column.at)
    at = _numbered(combined)
    first = np.flatnonzero(np.diff(np.maximum.accumulate(at), prepend=-1))
    parts: dict[Breakdown, int] = {}
    positions = np.zeros(len(first), np.uint32)
    for combination, row in enumerate(first.tolist()):
        cells = {name: _text(reader.sheet.columns[name], row) for name in present}
        given = {name: text for name, text in cells.items() if text}
        known = reader.indicators[list(reader.indicators)[which[row]]] if which[row] >= 0 else None
        wrong = _wrong_categories(known, given) if known else ()
        for name, reason, hints in wrong:
            reader.tell(np.flatnonzero(at == combination), name, reason, hints)
        if wrong:
            continue
        positions[combination] = parts.setdefault(Breakdown.of(given) if known else UNDIVIDED, len(parts))
    return replace(columns, breakdown=positions[at]), tuple(parts) or (UNDIVIDED,)


def _numbered(codes: _Rows) -> _Rows:
    """Return *codes* as numbers from 0 in the order in which they first stand."""
    return pa.array(codes).dictionary_encode().indices.to_numpy().astype(np.int64)


def _text(column: Column, row: int) -> str:
    return column.texts[int(column.at[row])]


def _wrong_categories(
    indicator: Indicator, given: Mapping[str, str]
) -> Sequence[tuple[str, str, tuple[str, ...]]]:
    """Return what *indicator* does not know of the categories *given*: column, reason and closest codes."""
    wrong: list[tuple[str, str, tuple[str, ...]]] = []
    for name, category in given.items():
        dimension = indicator.breakdowns.get(name)
        if dimension is None:
            wrong.append((name, f"is no dimension of {indicator.id}", ()))
        elif category not in dimension.categories:
            names = {code: title.sv for code, title in dimension.categories.items()}
            wrong.append((name, f"is no category of {name} for {indicator.id}", closest(category, names)))
    return wrong


def _tell_twins(reader: _Reader, columns: Columns, which: _Rows) -> None:
    """Note every figure whose key another row above it has already."""
    keys = (columns.breakdown, columns.year, columns.sex, columns.municipality, which)
    if _all_differ(keys[::-1]):
        return
    order = np.lexsort((np.arange(len(which)), *keys))
    same = np.ones(max(len(order) - 1, 0), dtype=np.bool_)
    for key in keys:
        same &= key[order][1:] == key[order][:-1]
    told = reader.told_rows.copy()
    for at in np.flatnonzero(same).tolist():
        first, second = order[at], order[at + 1]
        if not told[first] and not told[second]:
            reason = f"the same figure stands in row {reader.sheet.rows[first]} already"
            reader.tell(np.array([second]), "value", reason)


def _ordered(reader: _Reader) -> tuple[Fault, ...]:
    faults = sorted(reader.faults, key=lambda fault: (fault.row, fault.column))
    if reader.untold:
        reason = f"{reader.untold} more faults are not listed"
        faults.append(Fault(file=reader.sheet.name, reason=reason))
    return tuple(faults)


def _all_differ(keys: Sequence[NDArray[np.integer]]) -> bool:
    """Tell whether figures rise by their *keys*, the first that differs counts: no two are the same."""
    same = np.ones(max(len(keys[0]) - 1, 0), dtype=np.bool_)
    rises = ~same
    for key in keys:
        rises |= same & (key[1:] > key[:-1])
        same &= key[1:] == key[:-1]
    return bool(rises.all())
