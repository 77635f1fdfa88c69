"""Tables that people hand over, read as text: CSV and XLSX become columns of distinct texts.

A column keeps each text once and every row's position in that list, since a judgement on a text is the same
wherever the text stands, and a file may have a million rows.
"""

import re
from codecs import lookup
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv
from python_calamine import CalamineError, CalamineWorkbook

from datasets.errors import Fault, FaultyFileError
from datasets.numbers import number_text
from loaders.cells import error_cells, percent_cells, shown

LARGEST_FILE = 1 << 30
_LARGEST_WORKBOOK = 64 << 20
_SEPARATORS = (",", ";", "\t")
_EXCEL_DIGITS = 15
_UNICODE = frozenset({"utf-8", "utf-8-sig"})
_READERS = 2


@dataclass(frozen=True, eq=False)
class Column:
    """One column of texts without blanks around them."""

    cells: Any
    """Arrow's texts, a row each."""

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Return its distinct texts, in the order in which they first stand."""
        return tuple(self._encoded.dictionary.to_pylist())

    @cached_property
    def at(self) -> NDArray[np.int64]:
        """Return for each row which of the texts stands there."""
        positions: NDArray[np.int64] = self._encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return positions

    @cached_property
    def filled(self) -> NDArray[np.bool_]:
        """Return which rows have any text."""
        told: NDArray[np.bool_] = pc.not_equal(self.cells, pa.scalar("", self.cells.type)).to_numpy(
            zero_copy_only=False
        )
        return told

    @cached_property
    def _encoded(self) -> Any:
        return self.cells.dictionary_encode()


@dataclass(frozen=True, eq=False)
class Sheet:
    """A table as it was handed over, without blank rows; `rows` are line numbers in the file, from 1."""

    name: str
    columns: dict[str, Column]
    rows: NDArray[np.int64]
    faults: tuple[Fault, ...] = ()


def read_sheet(path: Path, *, sheet: str = "", encoding: str = "utf-8-sig") -> Sheet:
    """Read the table in *path*; the ending tells which kind it is.

    Raises FaultyFileError where there is no table to speak of; rows that are out of shape are faults of the
    sheet and left out of its columns.
    """
    if not path.is_file():
        raise _whole(path, "there is no such file beside the TOML")
    size = path.stat().st_size
    if path.suffix.lower() == ".xlsx":
        if size > _LARGEST_WORKBOOK:
            raise _whole(path, f"the workbook is larger than {_LARGEST_WORKBOOK >> 20} MB; hand over CSV")
        return _from_workbook(path, sheet)
    if path.suffix.lower() not in {".csv", ".txt", ".tsv"}:
        raise _whole(path, "only .csv and .xlsx are read")
    if size > LARGEST_FILE:
        raise _whole(path, f"the file is larger than {LARGEST_FILE >> 20} MB")
    return _from_csv(path, encoding)


def _from_csv(path: Path, encoding: str) -> Sheet:
    raw = path.read_bytes()
    try:
        text = raw.decode(encoding.replace("\0", ""))
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        raise _whole(
            path, "the text is not UTF-8; save it as CSV UTF-8, or state its encoding", row
        ) from None
    body = raw if lookup(encoding).name in _UNICODE else text.encode()
    if "\n" not in text:
        text = text.replace("\r", "\n")
        body = text.encode()
    header_line = text[: text.find("\n")].rstrip("\r")
    if not header_line.strip():
        raise _whole(
            path, "the file is empty" if not text.strip() else "the first line must name the columns", 1
        )
    separator = max(_SEPARATORS, key=header_line.count)
    names = [name.strip().strip('"') for name in header_line.split(separator)]
    return _parsed(path, body, names, separator)


def _parsed(path: Path, body: bytes, names: Sequence[str], separator: str) -> Sheet:
    ragged: dict[int, tuple[str, int]] = {}
    # only a quoted field may hold a line break, and most files have none
    quoted = b'"' in body

    def keep_fault(row: csv.InvalidRow) -> Literal["skip"]:
        reason = f"has {row.actual_columns} fields, the header has {row.expected_columns}"
        ragged[row.number or 0] = reason, row.text.count("\n")
        return "skip"

    parsing: dict[str, Any] = {
        "delimiter": separator,
        "ignore_empty_lines": False,
        "newlines_in_values": quoted,
    }
    try:
        table = _table(body, len(names), csv.ParseOptions(**parsing), use_threads=True)
    except pa.ArrowInvalid:
        # once more, on one thread, so that the rows that are out of shape have numbers
        one_by_one = csv.ParseOptions(**parsing, invalid_row_handler=keep_fault)
        try:
            table = _table(body, len(names), one_by_one, use_threads=False)
        except pa.ArrowInvalid as error:
            raise _whole(path, str(error).split("\n")[0]) from None
    odd = {number: breaks for number, (_, breaks) in ragged.items()}
    rows, out_of_shape = _line_numbers(table, odd, table.columns if quoted else ())
    faults = [
        Fault(file=path.name, row=row, reason=reason)
        for row, (reason, _) in zip(out_of_shape, ragged.values(), strict=True)
    ]
    with ThreadPoolExecutor(_READERS) as readers:
        return _sheet(path, names, list(readers.map(_column, table.columns)), rows, faults)


def _table(body: bytes, width: int, parsing: csv.ParseOptions, *, use_threads: bool) -> pa.Table:
    names = [str(at) for at in range(width)]
    source: Any = pa.BufferReader(body)
    return csv.read_csv(
        source,
        read_options=csv.ReadOptions(use_threads=use_threads, column_names=names, skip_rows=1),
        parse_options=parsing,
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
        ),
    )


def _line_numbers(
    table: pa.Table, ragged: Mapping[int, int], broken: Sequence[Any]
) -> tuple[NDArray[np.int64], list[int]]:
    """Return on which line each row begins, and each row out of shape; *broken* columns hold line breaks.

    *ragged* are the rows out of shape, numbered as if no field did, with their line breaks.
    """
    numbers = np.arange(2, 2 + table.num_rows + len(ragged))
    if not ragged and not broken:
        return numbers, []
    odd = np.array([*ragged], np.int64) - 2
    breaks = np.zeros(len(numbers), np.int64)
    breaks[odd] = [*ragged.values()]
    in_shape = np.ones(len(numbers), np.bool_)
    in_shape[odd] = False
    for column in broken:
        breaks[in_shape] += pc.count_substring(column, "\n").to_numpy()
    lines = numbers + np.cumsum(breaks) - breaks
    return lines[in_shape], lines[odd].tolist()


def _sheet(
    path: Path,
    names: Sequence[str],
    columns: Sequence[Column],
    rows: NDArray[np.int64],
    faults: Sequence[Fault],
) -> Sheet:
    """Return the sheet of *columns* without its blank rows; nothing may stand in a column without a name."""
    twins = sorted({name for name in names if name and names.count(name) > 1})
    if twins:
        raise _whole(path, f"a column stands twice: {', '.join(twins)}", 1)
    nameless = [
        Fault(file=path.name, row=row, reason="has something in a column without a name")
        for name, column in zip(names, columns, strict=True)
        if not name
        for row in rows[column.filled].tolist()
    ]
    named = {name: column for name, column in zip(names, columns, strict=True) if name}
    # where a column has no empty cell there is no blank row, and nothing to leave out of a million
    if not any(column.filled.all() for column in columns):
        kept = np.flatnonzero(np.any([column.filled for column in columns], axis=0))
        named = {name: Column(column.cells.take(pa.array(kept))) for name, column in named.items()}
        rows = rows[kept]
    return Sheet(name=path.name, columns=named, rows=rows, faults=(*faults, *nameless))


def _column(texts: Any) -> Column:
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return Column(pc.utf8_trim_whitespace(whole))


def _from_workbook(path: Path, wanted: str) -> Sheet:
    try:
        book = CalamineWorkbook.from_path(str(path))
        if wanted and wanted not in book.sheet_names:
            raise _whole(path, f"there is no sheet {wanted!r}; there is {', '.join(book.sheet_names)}")
        sheet = wanted or book.sheet_names[0]
        table = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    except CalamineError as error:
        raise _whole(path, f"the workbook cannot be read: {error}") from None
    if not table or not any(table[0]):
        raise _whole(path, "the first line must name the columns", 1)
    names = [str(name).strip() for name in table[0]]
    faults = [
        Fault(
            file=path.name, row=row, column=name, value=repr(cell), reason=_NOISE, closest=(_rounded(cell),)
        )
        for row, cells in enumerate(table[1:], 2)
        for name, cell in zip(names, cells, strict=True)
        if isinstance(cell, float) and float(_rounded(cell)) != cell
    ]
    faults += [
        Fault(
            file=path.name,
            row=row + 1,
            column=(*names, *[""] * at)[at],
            reason="the formula here has an error",
        )
        for row, at in error_cells(path, book.sheet_names.index(sheet))
    ]
    faults += _shown_as_percent(path, book.sheet_names.index(sheet), table, names)
    columns = [
        _column(pa.array([_cell_text(cells[at]) for cells in table[1:]], pa.string()))
        for at in range(len(names))
    ]
    return _sheet(path, names, columns, np.arange(2, 1 + len(table)), faults)


def _shown_as_percent(
    path: Path, position: int, table: Sequence[Sequence[object]], names: Sequence[str]
) -> Iterator[Fault]:
    """Yield a fault for each number that a person sees as another one: 0.25 as 25 %."""
    for row, at in sorted(percent_cells(path, position)):
        cell = table[row][at] if 0 < row < len(table) and at < len(names) else None
        if isinstance(cell, float | int) and not isinstance(cell, bool):
            held, seen = number_text(float(cell)), shown(cell)
            yield Fault(
                file=path.name,
                row=row + 1,
                column=names[at],
                value=held,
                reason=f"is shown as {seen}: {_AS_NUMBER}",
                closest=(seen.removesuffix(" %"),),
            )


_AS_NUMBER = "write the figure in its indicator's unit, in a cell formatted as a number"
_NOISE = "has more digits than a workbook shows: round it in the sheet"


def _rounded(number: float) -> str:
    return number_text(float(f"{number:.{_EXCEL_DIGITS}g}"))


def _cell_text(cell: object) -> str:
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float | int):
        return number_text(float(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _whole(path: Path, reason: str, row: int = 0) -> FaultyFileError:
    return FaultyFileError([Fault(file=path.name, row=row, reason=re.sub(r"\s+", " ", reason))])
