"""Numbers as people read them: decimal comma and thin space in Swedish, point and comma in English."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from datasets.numbers import number_text
from datasets.units import unit

THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
_POINT = {"sv": ",", "en": "."}
_GROUPS = {"sv": THIN, "en": ","}
_GROUPED_FROM = 4
LOCALES: Mapping[str, Mapping[str, Any]] = {
    language: {
        "decimal": _POINT[language],
        "thousands": _GROUPS[language],
        "grouping": [3],
        "currency": ["", ""],
    }
    for language in ("sv", "en")
}
"""The same for the numbers that the drawing library writes."""


def numeral(number: float, decimals: int | None, language: str) -> str:
    """Return *number* for reading, rounded where it has more digits than the stated *decimals*."""
    text = number_text(number)
    if decimals is not None and len(text.partition(".")[2]) > decimals:
        text = format(Decimal(text).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP), "f")
    whole, _, part = text.lstrip("-").partition(".")
    sign = MINUS if text.startswith("-") and text.strip("-0.") else ""
    return sign + _grouped(whole, _GROUPS[language]) + (_POINT[language] + part if part else "")


def measured(number: float, code: str, decimals: int | None, language: str) -> str:
    """Return *number* with the sign of its unit, where the unit has a short one."""
    symbol = unit(code).symbol
    short = (
        symbol if symbol in {"%", "kr", "tkr"} or (symbol and language == "sv" and " " not in symbol) else ""
    )
    space = "" if language == "en" and short == "%" else "\N{NO-BREAK SPACE}"
    return numeral(number, decimals, language) + (space + short if short else "")


def _grouped(whole: str, mark: str) -> str:
    if len(whole) < _GROUPED_FROM:
        return whole
    first = len(whole) % 3
    parts = [whole[:first]] if first else []
    return mark.join(parts + [whole[at : at + 3] for at in range(first, len(whole), 3)])
