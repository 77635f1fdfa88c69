"""Tables that people hand over, read as text: CSV and XLSX become columns of distinct texts.

A column keeps each text once and every row's position in that list, since a judgement on a text is the same
wherever the text stands, and a file may have a million rows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv
from python_calamine import CalamineError, CalamineWorkbook

from datasets.errors import Fault, FaultyFileError
from datasets.numbers import number_text

LARGEST_FILE = 1 << 30
_LARGEST_WORKBOOK = 64 << 20
_SEPARATORS = (",", ";", "\t")
_EXCEL_DIGITS = 15


@dataclass(frozen=True, eq=False)
class Column:
    """One column: its distinct texts, without blanks around them, and for each row which one stands there."""

    texts: tuple[str, ...]
    at: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sheet:
    """A table as it was handed over; `rows` are the line numbers in the file, 1 for the first line."""

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
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        raise _whole(
            path, "the text is not UTF-8; save it as CSV UTF-8, or state its encoding", row
        ) from None
    header_line = text.partition("\n")[0].rstrip("\r")
    if not header_line.strip():
        raise _whole(
            path, "the file is empty" if not text.strip() else "the first line must name the columns", 1
        )
    separator = max(_SEPARATORS, key=header_line.count)
    names = [name.strip().strip('"') for name in header_line.split(separator)]
    _refuse_twins(path, names)
    return _parsed(path, text.encode(), names, separator)


def _parsed(path: Path, body: bytes, names: Sequence[str], separator: str) -> Sheet:
    ragged: dict[int, Fault] = {}

    def keep_fault(row: csv.InvalidRow) -> Literal["skip"]:
        reason = f"has {row.actual_columns} fields, the header has {row.expected_columns}"
        line = row.number or 0
        ragged[line] = Fault(file=path.name, row=line, reason=reason)
        return "skip"

    try:
        table = csv.read_csv(
            BytesIO(body),
            # one thread, so that rows keep their numbers
            read_options=csv.ReadOptions(use_threads=False, column_names=list(names), skip_rows=1),
            parse_options=csv.ParseOptions(
                delimiter=separator, ignore_empty_lines=False, invalid_row_handler=keep_fault
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise _whole(path, str(error).split("\n")[0]) from None
    rows = np.setdiff1d(np.arange(2, 2 + table.num_rows + len(ragged)), np.array([*ragged], np.int64))
    columns = {name: _column(table[name].combine_chunks()) for name in names}
    return Sheet(path.name, columns, rows, tuple(ragged.values()))


def _column(array: Any) -> Column:
    encoded = array.dictionary_encode()
    return Column(
        tuple(text.strip() for text in encoded.dictionary.to_pylist()),
        encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64),
    )


def _from_workbook(path: Path, wanted: str) -> Sheet:
    try:
        book = CalamineWorkbook.from_path(str(path))
        if wanted and wanted not in book.sheet_names:
            raise _whole(path, f"there is no sheet {wanted!r}; there is {', '.join(book.sheet_names)}")
        table = book.get_sheet_by_name(wanted or book.sheet_names[0]).to_python(skip_empty_area=False)
    except CalamineError as error:
        raise _whole(path, f"the workbook cannot be read: {error}") from None
    if not table or not any(table[0]):
        raise _whole(path, "the first line must name the columns", 1)
    names = [str(name).strip() for name in table[0]]
    while names and not names[-1]:
        names.pop()
    _refuse_twins(path, names)
    numbered = [
        (row, cells[: len(names)]) for row, cells in enumerate(table[1:], 2) if any(c != "" for c in cells)
    ]
    faults = tuple(
        Fault(
            file=path.name, row=row, column=name, value=repr(cell), reason=_NOISE, closest=(_rounded(cell),)
        )
        for row, cells in numbered
        for name, cell in zip(names, cells, strict=True)
        if isinstance(cell, float) and float(_rounded(cell)) != cell
    )
    columns = {
        name: _column(pa.array([_cell_text(cells[at]) for _, cells in numbered], pa.string()))
        for at, name in enumerate(names)
    }
    return Sheet(path.name, columns, np.array([row for row, _ in numbered], np.int64), faults)


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


def _refuse_twins(path: Path, names: Sequence[str]) -> None:
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise _whole(path, f"a column stands twice: {', '.join(twins)}", 1)


def _whole(path: Path, reason: str, row: int = 0) -> FaultyFileError:
    return FaultyFileError([Fault(file=path.name, row=row, reason=re.sub(r"\s+", " ", reason))])
