"""The figures as a workbook: cells of their own types, and a sheet that tells what stands beside them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from io import BytesIO

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from api.about import NAME, PUBLISHER
from api.formats.figures import Column, columns_of
from api.formats.words import Words
from api.observations import Answered
from api.question import Question
from datasets.numbers import number_text
from datasets.statuses import LEGEND

_SHEETS = {"sv": ("Siffror", "Om siffrorna"), "en": ("Figures", "About the figures")}
_TITLES = {
    "sv": ("Adress", "Hänvisning", "Datamängd", "Indikator", "Anmärkning", "Varning", "Status och flaggor"),
    "en": ("Address", "Citation", "Dataset", "Indicator", "Note", "Warning", "Statuses and flags"),
}
_MUST = {"sv": "måste visas", "en": "must be shown"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OPTIONS = {
    # a row is written and forgotten, so that memory does not grow with the answer
    "constant_memory": True,
    "default_date_format": "yyyy-mm-dd",
}
_WIDTHS = (26, 26, 26, 60)


def write(question: Question, answered: Answered) -> bytes:
    """Return the figures as a workbook of two sheets; the same question gives the same bytes."""
    out = BytesIO()
    first, second = _SHEETS[question.language]
    with Workbook(out, _OPTIONS) as book:
        published = max((one.published_at for one in answered.meta.datasets), default=_EPOCH)
        book.set_properties(
            {
                "title": NAME,
                "company": PUBLISHER,
                "comments": answered.meta.citation,
                "created": published.replace(tzinfo=None, microsecond=0),
            }
        )
        bold = book.add_format({"bold": True})
        _figures(book.add_worksheet(first), columns_of(question, answered), bold)
        _about(book.add_worksheet(second), _told(question, answered), bold)
    return out.getvalue()


def _figures(sheet: Worksheet, columns: dict[str, Column], bold: Format) -> None:
    sheet.freeze_panes(1, 0)
    sheet.set_column(0, max(len(columns) - 1, 0), 14)
    for at, name in enumerate(columns):
        sheet.write_string(0, at, name, bold)
    for number, row in enumerate(zip(*columns.values(), strict=True), 1):
        for at, entry in enumerate(row):
            _cell(sheet, number, at, entry)


def _cell(sheet: Worksheet, row: int, at: int, entry: object) -> None:
    """Write one cell; an absent field is an empty one, which is no zero."""
    if isinstance(entry, str):
        if entry:
            sheet.write_string(row, at, entry)
    elif isinstance(entry, date):
        sheet.write_datetime(row, at, datetime(entry.year, entry.month, entry.day))  # noqa: DTZ001 a day
    elif isinstance(entry, float):
        _number(sheet, row, at, entry)
    elif isinstance(entry, int):
        sheet.write_number(row, at, entry)


def _number(sheet: Worksheet, row: int, at: int, number: float) -> None:
    """Write a number; one with more digits than a workbook keeps stands as text, whole."""
    if float(f"{number:.16G}") == number:
        sheet.write_number(row, at, number)
    else:
        sheet.write_string(row, at, number_text(number))


def _about(sheet: Worksheet, lines: Iterable[Sequence[str]], bold: Format) -> None:
    for at, width in enumerate(_WIDTHS):
        sheet.set_column(at, at, width)
    for number, line in enumerate(lines):
        for at, text in enumerate(line):
            if text:
                sheet.write_string(number, at, text, None if at else bold)


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
