"""What calamine does not tell of a workbook's cells: which hold an error, and which are shown as percent.

It reads a cell with an error as empty, and 0.25 where a person sees 25 %; the workbook's own parts tell.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import reduce
from pathlib import Path
from zipfile import ZipFile

from datasets.numbers import number_text

_BUILT_IN = frozenset({9, 10})
"""The numbers of `0%` and `0.00%`, which stand in no list of formats (ECMA-376, 18.8.30)."""
_DIGITS = 15
_FORMAT = re.compile(rb"<(?:\w+:)?numFmt\s([^>]*)>")
_STYLES = re.compile(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.DOTALL)
_STYLE = re.compile(rb"<(?:\w+:)?xf\s([^>]*)>")
# what stands in quotes, after a backslash, or as a name of a colour or a condition is no part of the format
_SPOKEN = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_ERROR_CELL = re.compile(rb'<(?:\w+:)?c\s(?=[^>]*\bt="e")[^>]*\br="([A-Z]+)([0-9]+)"')
_ROW_OR_CELL = re.compile(rb"<(?:\w+:)?(row|c)\b([^>]*)>")
_PLACE = re.compile(rb"([A-Z]+)([0-9]+)")
_SHEET = re.compile(rb'<(?:\w+:)?sheet\s[^>]*?\w+:id="([^"]+)"')
_PART = re.compile(rb'<Relationship\s(?=[^>]*\bId="([^"]+)")[^>]*\bTarget="/?(?:xl/)?([^"]+)"')


def error_cells(path: Path, position: int) -> list[tuple[int, int]]:
    """Return row and column, from 0, of each cell of the sheet at *position* with an error."""
    with ZipFile(path) as parts, suppress(LookupError):
        cells = _ERROR_CELL.findall(_sheet_part(parts, position))
        return [(int(row) - 1, _position(letters)) for letters, row in cells]
    return []


def percent_cells(path: Path, position: int) -> set[tuple[int, int]]:
    """Return row and column, from 0, of each cell of the sheet at *position* that is shown as percent."""
    with ZipFile(path) as parts, suppress(LookupError):
        styles = _percent_styles(parts.read("xl/styles.xml"))
        return set(_cells(_sheet_part(parts, position), styles)) if styles else set()
    return set()


def shown(held: float) -> str:
    """Return what a person sees of what a cell shown as percent holds, with all its digits."""
    return f"{number_text(float(f'{held * 100:.{_DIGITS}g}'))} %"


def _percent_styles(xml: bytes) -> set[int]:
    """Return the numbers of the styles that show a number as percent."""
    formats = set(_BUILT_IN)
    for told in _FORMAT.findall(xml):
        code = _SPOKEN.sub("", _attribute(told, b"formatCode").decode().replace("&quot;", '"'))
        number = int(_attribute(told, b"numFmtId") or 0)
        (formats.add if "%" in code else formats.discard)(number)
    found = _STYLES.search(xml)
    styles = _STYLE.findall(found[0]) if found else ()
    return {at for at, told in enumerate(styles) if int(_attribute(told, b"numFmtId") or 0) in formats}


def _cells(xml: bytes, styles: set[int]) -> Iterator[tuple[int, int]]:
    """Yield the place of each cell with one of *styles*; one that tells none is the one after the last."""
    row, column = -1, -1
    for kind, told in _ROW_OR_CELL.findall(xml):
        if kind == b"row":
            row, column = int(_attribute(told, b"r") or row + 2) - 1, -1
            continue
        place = _PLACE.fullmatch(_attribute(told, b"r"))
        column = _position(place[1]) if place else column + 1
        row = int(place[2]) - 1 if place else row
        if int(_attribute(told, b"s") or 0) in styles:
            yield row, column


def _sheet_part(parts: ZipFile, position: int) -> bytes:
    """Return the XML of the sheet at *position*; raises LookupError where the workbook names none."""
    sheets = _SHEET.findall(parts.read("xl/workbook.xml"))
    names = dict(_PART.findall(parts.read("xl/_rels/workbook.xml.rels")))
    return parts.read(f"xl/{names[sheets[position]].decode()}")


def _position(letters: bytes) -> int:
    return reduce(lambda at, letter: at * 26 + letter - 64, letters, 0) - 1


def _attribute(told: bytes, name: bytes) -> bytes:
    found = re.search(rb"\b" + name + rb"=[\"\']([^\"\']*)", told)
    return found[1] if found else b""
