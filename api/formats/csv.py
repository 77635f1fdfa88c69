"""The figures as CSV: the canonical form with the indicator in front, or with names beside the codes.

Comma, decimal point, LF and quotes only where needed, as in the baked files. Codes and numbers are ASCII, so
a program reads them in any encoding and without meeting a mark. Names are not: a file with names begins with
the byte order mark, without which Excel takes it for Windows-1252 and garbles å, ä and ö. The separator stays
a comma there too: a Swedish Excel then shows each line as it is, whereas behind a semicolon it would read
`0880` as 880, and points and hyphens as dates. Whoever wants cells in Excel takes `xlsx`.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from io import StringIO

from api.formats.figures import CODES, NUMBERS, STATES, Column, columns_of
from api.observations import Answered
from api.question import Question
from datasets.numbers import number_text
from datasets.tabular import CSV_HEADER, csv_rows, some_of

_MARK = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(question: Question, answered: Answered) -> bytes:
    """Return the figures as CSV."""
    if answered.found and not (question.sort or question.fields or question.labels):
        return b"".join((CSV_HEADER, *_lines(question, answered)))
    columns = columns_of(question, answered)
    out = StringIO(_MARK if question.labels else "", newline="")
    out.seek(0, 2)
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(_texts(name, column) for name, column in columns.items()), strict=True))
    return out.getvalue().encode()


def _lines(question: Question, answered: Answered) -> Iterator[memoryview]:
    """Yield the lines of the canonical form, straight from the cubes: whole columns at a time."""
    if question.page == 1:
        for state, cube, found in zip(question.indicators, answered.cubes, answered.found, strict=True):
            yield csv_rows(state.definition.id, some_of(cube.cube, found.positions))


def _texts(name: str, column: Column) -> Iterable[str]:
    if name in NUMBERS:
        return ["" if number is None else number_text(number) for number in column]
    if name in CODES or name in STATES:
        return [_text(entry) for entry in column]
    return map(harmless, column)


def _text(entry: object) -> str:
    if entry is None:
        return ""
    return entry.isoformat() if isinstance(entry, date) else str(entry)


def harmless(name: str) -> str:
    """Return a name that no spreadsheet takes for a formula; codes and numbers can never be one."""
    return f"'{name}" if name.startswith(_FORMULA) else name
