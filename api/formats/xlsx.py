"""The figures as a workbook: codes are text, numbers are numbers, and a second sheet tells about them.

xlsxwriter makes everything but the rows: cell by cell it takes ten seconds for as many as an answer may have.
"""

import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from xml.sax.saxutils import escape

from api.about import NAME, PUBLISHER
from api.formats.figures import NUMBERS, WHOLE, Column, columns_of
from api.formats.words import Words
from api.observations import Answered
from api.question import Question
from datasets.numbers import number_text
from datasets.statuses import LEGEND

_TITLES = {
    "sv": ("Adress", "Hänvisning", "Datamängd", "Indikator", "Anmärkning", "Varning", "Status och flaggor"),
    "en": ("Address", "Citation", "Dataset", "Indicator", "Note", "Warning", "Statuses and flags"),
}
_MUST = {"sv": "måste visas", "en": "must be shown"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WIDTH, _WIDTHS = 14, (26, 26, 26, 60, 60)
_SHEET = "xl/worksheets/sheet1.xml"
_NO_ROWS, _NO_SIZE = b"<sheetData/>", b'<dimension ref="A1"/>'
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_EMPTY = "<c/>"


def write(question: Question, answered: Answered) -> bytes:
    """Return the figures as a workbook of two sheets; the same question gives the same bytes."""
    from xlsxwriter.utility import xl_range  # noqa: PLC0415 as below

    columns = columns_of(question, answered)
    rows = zip(*(_cells(name, column) for name, column in columns.items()), strict=True)
    lines = ["".join(map(_text_cell, columns)), *map("".join, rows)]
    sheet = "".join([f"<row>{line}</row>" for line in lines])
    out = BytesIO()
    with (
        zipfile.ZipFile(BytesIO(_frame(question, answered, len(columns)))) as frame,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=5) as book,
    ):
        for part in frame.infolist():
            text = frame.read(part)
            if part.filename == _SHEET:
                # readers that stream take the size of the sheet from what it says of itself
                size = f'"{xl_range(0, 0, len(lines) - 1, max(len(columns) - 1, 0))}"'.encode()
                text = text.replace(_NO_SIZE, b"<dimension ref=" + size + b"/>")
                text = text.replace(_NO_ROWS, f"<sheetData>{sheet}</sheetData>".encode())
            book.writestr(part, text)
    return out.getvalue()


def _frame(question: Question, answered: Answered, columns: int) -> bytes:
    """Return the workbook without its figures."""
    from xlsxwriter import Workbook  # noqa: PLC0415 a twelfth of the time that a process takes to start

    out = BytesIO()
    with Workbook(out, {"in_memory": True}) as book:
        published = max((one.published_at for one in answered.meta.datasets), default=_EPOCH)
        book.set_properties(
            {
                "title": NAME,
                "company": PUBLISHER,
                "comments": answered.meta.citation,
                "created": published.replace(tzinfo=None, microsecond=0),
            }
        )
        figures = book.add_worksheet("observations")
        figures.freeze_panes(1, 0)
        figures.set_column(0, max(columns - 1, 0), _WIDTH)
        about = book.add_worksheet("om")
        for at, width in enumerate(_WIDTHS):
            about.set_column(at, at, width)
        for number, line in enumerate(_told(question, answered)):
            for at, text in enumerate(line):
                if text:
                    about.write_string(number, at, text)
    return out.getvalue()


def _cells(name: str, column: Column) -> list[str]:
    """Return a column as cells; an absent field is an empty one, which is no zero."""
    if name in NUMBERS:
        return [_EMPTY if one is None else f"<c><v>{number_text(one)}</v></c>" for one in column]
    if name in WHOLE:
        return [_EMPTY if one is None else f"<c><v>{one}</v></c>" for one in column]
    # a day is text too, as in the baked workbook: 2019-01-01 everywhere, and nothing to lose
    return [_text_cell(str(one)) if one else _EMPTY for one in column]


@lru_cache(maxsize=4096)
def _text_cell(text: str) -> str:
    """Return a cell of text: never a formula, a link or a number, whatever it begins with."""
    plain = escape(_ILLEGAL.sub("\ufffd", text))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{plain}</t></is></c>'


def _told(question: Question, answered: Answered) -> Iterator[Sequence[str]]:
    """Yield the lines of the second sheet; what each is stands first."""
    meta, words = answered.meta, Words(question.indicators, question.language)
    address, cited, dataset, indicator, note, warning, legend = _TITLES[question.language]
    yield address, answered.pinned_address
    yield cited, meta.citation
    for one in meta.datasets:
        yield dataset, one.id, one.version, f"{one.published_at:%Y-%m-%dT%H:%M:%SZ}", one.attribution
        yield "", "", one.processing, one.licence
    for own in meta.attributions:
        yield indicator, own.indicator, own.processing, own.attribution
    for state in question.indicators:
        known = state.definition
        title, unit = words.indicator(known.id), words.unit(known.id)
        yield indicator, known.id, unit, title, known.definition.spoken(question.language)
    for told in meta.notes:
        yield note, told.indicator, _MUST[question.language] if told.mandatory else "", told.text
    for warned in meta.warnings:
        yield warning, warned.indicator, "", warned.text
    for sign in LEGEND:
        yield legend, sign.code, words.sign(sign.code), sign.text.spoken(question.language)
