"""Tables as their makers draw them, read cell by cell: titles, merged cells, footers and all.

Where the separator and the encoding are not promised, every reading that is possible is offered; the header,
looked for by its names, tells which one is right.
"""

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from io import StringIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from datasets.closest import closest
from datasets.errors import Fault, FaultyFileError
from datasets.numbers import number_text
from loaders.cells import percent_cells, shown
from loaders.swedish import plain

LARGEST_FILE = 64 << 20
_LARGEST_UNPACKED = 1 << 30
_SEPARATORS = (";", ",", "\t")
_ENCODINGS = ("utf-8-sig", "cp1252")
_HEADER_WITHIN = 40
_EXCEL_DIGITS = 15
Cell = str | float


@dataclass(frozen=True, eq=False)
class Grid:
    """The cells of a table; `lines` are the numbers of its rows in the file, from 1."""

    rows: Sequence[Sequence[Cell]]
    lines: Sequence[int]
    repeated: Collection[tuple[int, int]] = ()
    """Which cells only repeat the text of the merged cell that they are part of, by row and column."""


@dataclass(frozen=True, eq=False)
class Header:
    """Where the names of the columns stand: in which grid, from which row the figures follow, and where."""

    grid: Grid
    body: int
    columns: Mapping[str, int]


def read_grids(path: Path, sheet: str = "") -> Iterator[Grid]:
    """Yield every way to read the table in *path*; raises FaultyFileError where there is none."""
    if not path.is_file():
        raise refused(path, "there is no such file beside the TOML")
    if path.stat().st_size > LARGEST_FILE:
        raise refused(path, f"the file is larger than {LARGEST_FILE >> 20} MB")
    if path.suffix.lower() == ".xlsx":
        yield _workbook(path, sheet)
    elif path.suffix.lower() in {".csv", ".txt", ".tsv"}:
        yield from _separated(path)
    else:
        raise refused(path, "only .csv and .xlsx are read")


def header_of(path: Path, grids: Iterable[Grid], names: Collection[str], height: int = 1) -> Header:
    """Find the header in which every one of *names* stands exactly once; raises FaultyFileError without one.

    A header of several rows is read downwards: `Kvinnor` over `antal` is `Kvinnor, antal`.
    """
    nearest: list[str] = []
    for grid in grids:
        for row in range(min(len(grid.rows) - height + 1, _HEADER_WITHIN)):
            headings = _headings(grid.rows[row : row + height])
            if all(headings.count(name) == 1 for name in names):
                return Header(grid, row + height, {name: headings.index(name) for name in names})
            if _hits(headings, names) > _hits(nearest, names):
                nearest = headings
    raise FaultyFileError(
        [
            Fault(
                file=path.name,
                column=name,
                reason="stands twice in the header" if name in nearest else "is no column of the table",
                closest=() if name in nearest else closest(name, [text for text in nearest if text]),
            )
            for name in names
            if nearest.count(name) != 1
        ]
    )


def text_of(cell: Cell) -> str:
    """Return what a reader sees in *cell*."""
    return plain(cell) if isinstance(cell, str) else number_text(cell)


def refused(path: Path, reason: str) -> FaultyFileError:
    """Return the error of a file that is refused as a whole."""
    return FaultyFileError([Fault(file=path.name, reason=reason)])


def _hits(headings: Sequence[str], names: Collection[str]) -> int:
    return sum(name in headings for name in names)


def _headings(rows: Sequence[Sequence[Cell]]) -> list[str]:
    width = max(map(len, rows))
    stacked = [[text_of(row[at]) if at < len(row) else "" for row in rows] for at in range(width)]
    return [", ".join(dict.fromkeys(filter(None, texts))) for texts in stacked]


def _separated(path: Path) -> Iterator[Grid]:
    raw = path.read_bytes()
    for encoding in _ENCODINGS:
        with suppress(UnicodeDecodeError):
            text = raw.decode(encoding)
            break
    else:
        raise refused(path, "the text is neither UTF-8 nor Windows-1252 (latin-1)")
    if "\0" in text:
        raise refused(path, "the text is neither UTF-8 nor Windows-1252 (latin-1)")
    for separator in _SEPARATORS:
        yield from _parsed(text, separator)


def _parsed(text: str, separator: str) -> Iterator[Grid]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, lines, line = [], [], 1
    with suppress(csv.Error):
        for row in reader:
            rows.append(row)
            lines.append(line)
            line = reader.line_num + 1
        yield Grid(rows, lines)


def _workbook(path: Path, wanted: str) -> Grid:
    try:
        with ZipFile(path) as packed:
            parts = packed.infolist()
    except BadZipFile:
        raise refused(path, "is no workbook") from None
    # unit records may hide in a pivot table's cache, which no sheet shows
    if any(part.filename.startswith("xl/pivotCache/") for part in parts):
        raise refused(
            path, "holds a pivot table's hidden records (xl/pivotCache); hand over a copy without it"
        )
    if sum(part.file_size for part in parts) > _LARGEST_UNPACKED:
        raise refused(path, "unpacks to more than 1 GB")
    try:
        book = CalamineWorkbook.from_path(str(path))
        name = _sheet_name(path, book.sheet_names, wanted)
        return _grid(book.get_sheet_by_name(name), percent_cells(path, book.sheet_names.index(name)))
    except CalamineError as error:
        raise refused(path, f"the workbook cannot be read: {error}") from None


def _sheet_name(path: Path, names: Sequence[str], wanted: str) -> str:
    if wanted and wanted not in names:
        raise refused(path, f"there is no sheet {wanted!r}; there is {', '.join(names)}")
    if not wanted and len(names) > 1:
        raise refused(path, f"has several sheets, name one: {', '.join(names)}")
    return wanted or names[0]


def _grid(sheet: CalamineSheet, percent: Collection[tuple[int, int]]) -> Grid:
    rows = [[_cell(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]
    for row, column in percent:
        if row < len(rows) and column < len(rows[row]):
            held = rows[row][column]
            # what a person sees is no number of ours: whoever reads it as one is told
            rows[row][column] = shown(held) if isinstance(held, float) else held
    repeated = set()
    for (top, left), (bottom, right) in sheet.merged_cell_ranges or ():
        for row in range(top, min(bottom + 1, len(rows))):
            for column in range(left, min(right + 1, len(rows[row]))):
                if (row, column) != (top, left):
                    rows[row][column] = rows[top][left]
                    repeated.add((row, column))
    return Grid(rows, range(1, len(rows) + 1), repeated)


def _cell(value: object) -> Cell:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float | int):
        # a workbook shows fifteen digits at most; the sixteenth is the machine's
        return float(f"{value:.{_EXCEL_DIGITS}g}")
    if isinstance(value, datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)
