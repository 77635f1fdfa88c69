"""What the texts of a tidy sheet may say: codes, years, days and numbers, each read alone."""

import math
import re
from datetime import date

from datasets.closest import closest
from datasets.cube import SEXES, STATUSES, day_number, flag_bits
from datasets.errors import UnknownCodeError
from datasets.numbers import LARGEST_COUNT, number_of, number_text
from datasets.vocabulary import SEX_WORDS, Flag, Sex, Status, Year

_STATUS_WORDS = {
    "missing": "saknas",
    "suppressed": "sekretess dold",
    "notApplicable": "ej tillämplig",
    "notYetPublished": "ännu inte publicerad",
}
_SPACE = re.compile(r"\s")
_MINUS = "\N{MINUS SIGN}"
_LONGEST_COUNT = len(str(LARGEST_COUNT))


def quick_of(text: str) -> float:
    """Read a number as fast as can be; whether every digit survived is looked at afterwards."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def decimal_point_of(text: str) -> tuple[str, ...]:
    """Return a number written with comma or thousand marks as it should be written, if that is clear."""
    try:
        return (number_text(number_of(_SPACE.sub("", text).replace(",", ".").replace(_MINUS, "-"))),)
    except ValueError:
        return ()


def sex_of(text: str) -> int:
    """Return the position of a sex; a Swedish word for it finds the right code."""
    if text not in SEXES:
        raise UnknownCodeError("sex", text, closest(text, SEX_WORDS))
    return [*SEXES].index(Sex(text))


def status_of(text: str) -> int:
    """Return the stored code of a status."""
    if text not in STATUSES:
        raise UnknownCodeError("status", text, closest(text, _STATUS_WORDS))
    return [*STATUSES].index(Status(text)) + 1


def flags_of(text: str) -> int:
    """Return the bits of flags joined by semicolons."""
    names = [name.strip() for name in text.split(";")]
    for name in names:
        if name not in [*Flag]:
            raise UnknownCodeError("flag", name, closest(name, [*Flag]))
    return flag_bits(frozenset(map(Flag, names)))


def year_of(text: str) -> int:
    """Return a year in four digits."""
    if not text.isascii() or not text.isdecimal():
        raise ValueError("is no year in four digits")
    return Year(int(text))


def day_of(text: str) -> int:
    """Return the number of a day written as 2021-12-31."""
    try:
        return day_number(date.fromisoformat(text))
    except ValueError:
        raise ValueError("is no date like 2021-12-31") from None


def count_of(text: str) -> int:
    """Return a whole number from 0."""
    if not text.isascii() or not text.isdecimal() or len(text) > _LONGEST_COUNT:
        raise ValueError("is no whole number from 0")
    return int(text)
