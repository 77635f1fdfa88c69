"""A workbook composed of parts: its sheet is a stream of segments of rows, one segment an indicator.

xlsxwriter makes everything but the rows. A row says nothing of its number, which the format leaves open, so
that it is kept once and stands in every version that has it; writing a million rows cell by cell would also
take a minute.
"""

import struct
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from typing import Any, NamedTuple

from datasets.canonical import flags_text
from datasets.cube import NO_COUNT, NO_DAY, SEXES, STATUSES, Cube, day
from datasets.deflated import LAST_BLOCK, Plain, plain_of, segment
from datasets.lines import coded_texts, constant, each_text, joined_texts, says_only, wrapped_numbers
from datasets.tabular import SCHEMA

MOST_ROWS = 1_048_575
"""So many rows a sheet has below its header."""
_SHEET = "xl/worksheets/sheet1.xml"
_EMPTY = "<c/>"
_CREATED = datetime(2000, 1, 1, tzinfo=UTC)
# PKZIP's records: a file's own header, its line in the directory, and the directory's end
_LOCAL, _LISTED, _END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
_NEEDS, _IS_UTF8, _DEFLATED = 20, 0x800, 8
_MIDNIGHT, _DAY_ONE = 0, 1 << 5 | 1
_WIDTHS = (26, 14, 8, 7, 12, 12, 26, 12, 16, 18, 10, 10, 10)


class _Entry(NamedTuple):
    name: bytes
    plain: Plain
    size: int
    at: int


def sheet_rows(indicator: str, cube: Cube, values: Any = None) -> memoryview:
    """Return the figures as rows of a sheet, without numbers of rows.

    *values* are the texts of the values, if they are written already.
    """
    if not len(cube):
        return memoryview(b"")
    columns = cube.columns
    told = [
        constant("<row>" + _cell(indicator)),
        coded_texts(columns.municipality, [_cell(code) for code in cube.municipalities]),
        coded_texts(columns.sex, [_cell(sex) for sex in SEXES]),
        each_text(columns.year, lambda year: f"<c><v>{year}</v></c>"),
        *(each_text(column, _day_cell) for column in (columns.start, columns.end)),
        coded_texts(columns.breakdown, [_cell(part.text) for part in cube.breakdowns]),
        *wrapped_numbers(columns.value, "<c><v>", "</v></c>", _EMPTY, values),
        coded_texts(columns.status, [_EMPTY, *map(_cell, STATUSES)]),
        each_text(columns.flags, lambda bits: _cell(flags_text(bits))),
        *wrapped_numbers(columns.low, "<c><v>", "</v></c>", _EMPTY),
        *wrapped_numbers(columns.high, "<c><v>", "</v></c>", _EMPTY),
        each_text(columns.count, lambda count: _EMPTY if count == NO_COUNT else f"<c><v>{count}</v></c>"),
    ]
    while says_only(told[-1], _EMPTY):
        # a row may end before the sheet does
        told.pop()
    return joined_texts([*told, constant("</row>")], "", len(cube))


def frame(
    about: Sequence[tuple[str, str]], rows: int, parts: Sequence[tuple[int, Plain]]
) -> tuple[bytes, bytes]:
    """Return what stands before and after the *rows* of a workbook that tells *about* its figures.

    The rows are *parts*: the size of each segment and what it says.
    """
    head, entries = bytearray(), []
    contents = _skeleton(tuple(about))
    begin, end = contents[_SHEET].split(b"<sheetData/>")
    # readers that stream take the size of the sheet from here
    size_told = f'"A1:{chr(ord("A") + len(SCHEMA) - 1)}{rows + 1}"'.encode()
    begin = begin.replace(b'<dimension ref="A1"/>', b"<dimension ref=" + size_told + b"/>")
    for name, text in contents.items():
        if name != _SHEET:
            body = segment(text) + LAST_BLOCK
            entry = _Entry(name.encode(), plain_of(text), len(body), len(head))
            head += _local(entry) + body
            entries.append(entry)
    header = "".join(_cell(name) for name in SCHEMA.names)
    begin += f"<sheetData><row>{header}</row>".encode()
    end = b"</sheetData>" + end
    plain = sum((one for _, one in parts), plain_of(begin)) + plain_of(end)
    first, last = segment(begin), segment(end) + LAST_BLOCK
    size = len(first) + sum(size for size, _ in parts) + len(last)
    entry = _Entry(_SHEET.encode(), plain, size, len(head))
    head += _local(entry) + first
    entries.append(entry)
    directory = b"".join(map(_listed, entries))
    place = entry.at + len(_local(entry)) + size
    closing = _END.pack(b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), place, 0)
    return bytes(head), last + directory + closing


@cache
def _skeleton(about: tuple[tuple[str, str], ...]) -> dict[str, bytes]:
    """Return a workbook's files by name: an empty sheet for the figures, and one that tells about them."""
    import xlsxwriter  # noqa: PLC0415 what only reads versions needs none of it, and it takes long to import

    sink = BytesIO()
    with xlsxwriter.Workbook(sink, {"in_memory": True}) as book:
        book.set_properties({"created": _CREATED.replace(tzinfo=None)})
        sheet = book.add_worksheet("observations")
        sheet.freeze_panes(1, 0)
        for at, width in enumerate(_WIDTHS):
            sheet.set_column(at, at, width)
        other = book.add_worksheet("om")
        other.set_column(0, 0, 26)
        other.set_column(1, 1, 90)
        for row, (name, text) in enumerate(about):
            other.write_string(row, 0, name)
            other.write_string(row, 1, text)
    with zipfile.ZipFile(sink) as made:
        return {name: made.read(name) for name in made.namelist()}


def _cell(text: str) -> str:
    # codes and ids only, which hold nothing that XML would read otherwise
    return f'<c t="str"><v>{text}</v></c>' if text else _EMPTY


def _day_cell(number: int) -> str:
    return _EMPTY if number == NO_DAY else _cell(day(number).isoformat())


def _local(entry: _Entry) -> bytes:
    facts = (entry.plain.crc, entry.size, entry.plain.size, len(entry.name), 0)
    head = _LOCAL.pack(b"PK\3\4", _NEEDS, _IS_UTF8, _DEFLATED, _MIDNIGHT, _DAY_ONE, *facts)
    return head + entry.name


def _listed(entry: _Entry) -> bytes:
    facts = (entry.plain.crc, entry.size, entry.plain.size, len(entry.name), 0, 0, 0, 0, 0, entry.at)
    head = _LISTED.pack(b"PK\1\2", _NEEDS, _NEEDS, _IS_UTF8, _DEFLATED, _MIDNIGHT, _DAY_ONE, *facts)
    return head + entry.name
