"""The figures of an answer as columns, for the formats that are tables: codes first, then their names."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from msgspec import Struct

from api.formats.words import Words
from api.observations import Answered
from api.question import Question
from api.telling import ToldNote
from datasets.canonical import HEADER

CODES = ("indicator", *HEADER.split(","))
"""The columns of the canonical form, after the indicator that its file is named by."""
STATES = ("change", "validFrom", "validTo")
"""The columns of a question that looks back."""
NUMBERS = frozenset({"value", "low", "high"})
WHOLE = frozenset({"year", "count"})
DAYS = frozenset({"periodStart", "periodEnd"})
MOMENTS = frozenset({"validFrom", "validTo"})
_JOINED = "; "

Column = Sequence[Any]


class Figure(Struct, frozen=True, kw_only=True, rename="camel"):
    """One row of JSON as it was written, its absent fields empty."""

    indicator: str = ""
    municipality: str = ""
    sex: str = ""
    year: int | None = None
    period_start: date | None = None
    period_end: date | None = None
    breakdown: dict[str, str] = {}
    value: float | None = None
    status: str = ""
    flags: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    count: int | None = None
    change: str = ""
    valid_from: str = ""
    valid_to: str | None = None


_FIELDS: Mapping[str, Callable[[Figure], Any]] = {
    "indicator": lambda figure: figure.indicator,
    "municipality": lambda figure: figure.municipality,
    "sex": lambda figure: figure.sex,
    "year": lambda figure: figure.year,
    "periodStart": lambda figure: figure.period_start,
    "periodEnd": lambda figure: figure.period_end,
    "breakdown": lambda figure: ";".join(f"{name}:{code}" for name, code in sorted(figure.breakdown.items())),
    "value": lambda figure: figure.value,
    "status": lambda figure: figure.status,
    "flags": lambda figure: ";".join(figure.flags),
    "low": lambda figure: figure.low,
    "high": lambda figure: figure.high,
    "count": lambda figure: figure.count,
    "change": lambda figure: figure.change,
    "validFrom": lambda figure: figure.valid_from,
    "validTo": lambda figure: figure.valid_to or "",
}
_decoder = msgspec.json.Decoder(list[Figure])


def figures_of(answered: Answered) -> list[Figure]:
    """Return the rows of an answer; they are read from its JSON, so that no format can differ from it."""
    return _decoder.decode(b"".join((b"[", answered.rows(), b"]")))


def columns_of(question: Question, answered: Answered) -> dict[str, Column]:
    """Return the columns that *question* asks for, by name, in the order of the canonical form."""
    figures = figures_of(answered)
    known = (*CODES, *STATES) if question.looks_back else CODES
    names = [name for name in known if not question.fields or name in question.fields]
    columns: dict[str, Column] = {name: list(map(_FIELDS[name], figures)) for name in names}
    if question.labels:
        words = Words(question.indicators, question.language)
        columns |= {name: list(map(label, figures)) for name, label in _labels(words, answered).items()}
    return columns


def _labels(words: Words, answered: Answered) -> Mapping[str, Callable[[Figure], str]]:
    notes = [note for note in answered.meta.notes if note.mandatory]
    return {
        "indicatorTitle": lambda figure: words.indicator(figure.indicator),
        "unit": lambda figure: words.unit(figure.indicator),
        "municipalityName": lambda figure: words.municipality(figure.municipality),
        "sexName": lambda figure: words.sex(figure.sex),
        "breakdownTitle": lambda figure: _JOINED.join(
            words.category(figure.indicator, name, code) for name, code in sorted(figure.breakdown.items())
        ),
        "statusTitle": lambda figure: words.sign(figure.status),
        "flagsTitle": lambda figure: _JOINED.join(map(words.sign, figure.flags)),
        "notes": lambda figure: " ".join(_concerning(notes, figure)),
    }


def _concerning(notes: Iterable[ToldNote], figure: Figure) -> Iterable[str]:
    """Yield the notes of *notes* that a reader of *figure* must see."""
    for note in notes:
        told = (
            (not note.years or figure.year in note.years)
            and (not note.sexes or figure.sex in note.sexes)
            and (not note.municipalities or figure.municipality in note.municipalities)
            and note.breakdown.items() <= figure.breakdown.items()
            and (note.series_break is None or (figure.year or 0) >= note.series_break)
        )
        if told and note.indicator == figure.indicator:
            yield note.text
