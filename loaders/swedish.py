"""How Swedish tables write numbers, periods and words; each text read alone, nothing guessed."""

import re
from calendar import monthrange
from datetime import date

from datasets.numbers import number_of
from datasets.vocabulary import Period, Year

MONTHS = (
    "januari",
    "februari",
    "mars",
    "april",
    "maj",
    "juni",
    "juli",
    "augusti",
    "september",
    "oktober",
    "november",
    "december",
)
_SOFT_HYPHEN = "\N{SOFT HYPHEN}"
_MINUS = "\N{MINUS SIGN}"
# Socialstyrelsen writes `0-19` and `--` with soft hyphens, which no editor shows (export of 2022-02-18)
_SOFT_AS_HYPHEN = re.compile(rf"(?<=\d){_SOFT_HYPHEN}(?=\d)|^{_SOFT_HYPHEN}+$")
_NUMBER = re.compile(r"-?(?:\d{1,3}(?: \d{3})+|\d+)(?:([.,])\d+)?", re.ASCII)
_YEARS = re.compile(r"(\d{4})(?:-(\d{4}))?", re.ASCII)


def plain(text: str) -> str:
    """Return *text* as it is seen: hyphens for soft ones, one space for any blanks, none around it."""
    visible = _SOFT_AS_HYPHEN.sub(lambda found: "-" * len(found[0]), text.strip())
    return " ".join(visible.replace(_SOFT_HYPHEN, "").split())


def figure_of(text: str, decimal: str = ",") -> float:
    """Read a number such as `1 234,5`; a thousand mark may be any space.

    Raises ValueError for anything else, the other decimal mark included.
    """
    written = plain(text).replace(_MINUS, "-")
    found = _NUMBER.fullmatch(written)
    if not found or found[1] not in {None, decimal}:
        message = f"{text!r} is no number with the decimal mark {decimal!r}"
        raise ValueError(message)
    return number_of(written.replace(" ", "").replace(decimal, "."))


def period_of(text: str) -> tuple[Year, Period | None]:
    """Read `2020` or `1995-1997`: the last year, and the period where there are several."""
    found = _YEARS.fullmatch(plain(text))
    if not found:
        message = f"{text!r} is no year and no period of years"
        raise ValueError(message)
    first, last = Year(int(found[1])), Year(int(found[2] or found[1]))
    return last, Period(date(first, 1, 1), date(last, 12, 31)) if found[2] else None


def month_of(text: str) -> int:
    """Return the number of a month from its name or its number."""
    written = plain(text).casefold()
    if written in MONTHS:
        return MONTHS.index(written) + 1
    if written.isascii() and written.isdecimal() and 1 <= int(written) <= len(MONTHS):
        return int(written)
    message = f"{text!r} is no month"
    raise ValueError(message)


def days_of(year: Year, month: int) -> Period:
    """Return the days of one month."""
    return Period(date(year, month, 1), date(year, month, monthrange(year, month)[1]))
