"""How the text of a query parameter is read: strictly, and with a reason where it is refused."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, date, datetime, time

from datasets.changes import Version
from datasets.closest import closest
from datasets.vocabulary import Year

LONGEST_TEXT = 200
LATEST = "latest"
EVERY = "*"
SORTABLE = ("indicator", "municipality", "sex", "year", "value")
_DATE_LENGTH = 10
_DAY, _CLOCK = "[0-9]{4}-[0-9]{2}-[0-9]{2}", "[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?"
_ZONE = "([Zz]|[+-][0-9]{2}:[0-9]{2})"
MOMENT_PATTERN = f"{_DAY}({_CLOCK}{_ZONE})?"
"""A date, or a time as RFC 3339 has it."""
# without a zone too, of which the refusal tells more
_MOMENT = re.compile(f"{_DAY}({_CLOCK}{_ZONE}?)?")


class RefusedTextError(ValueError):
    """A text that a parameter cannot have; `closest` are those it could."""

    def __init__(self, reason: str, hints: Sequence[str] = ()) -> None:
        """Keep *reason*, a sentence without its end."""
        super().__init__(reason)
        self.closest = tuple(hints)


def words(text: str) -> str:
    """Return text for people or a code, bounded and printable."""
    if len(text) > LONGEST_TEXT:
        reason = f"is longer than {LONGEST_TEXT} characters"
        raise RefusedTextError(reason)
    if not text.isprintable():
        raise RefusedTextError("holds characters that cannot be printed")
    return text


def whole(least: int, most: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from *least* to *most*."""

    def read(text: str) -> int:
        plain = text.isascii() and text.isdecimal()
        number = int(text) if plain else 0
        if not plain or not least <= number <= most:
            reason = f"is not a whole number from {least} to {most}"
            raise RefusedTextError(reason, [str(min(max(number, least), most))] if plain else [])
        return number

    return read


def one_of(codes: Collection[str], kind: str) -> Callable[[str], str]:
    """Return a reader of the *codes* of a *kind*."""

    def read(text: str) -> str:
        if text not in codes:
            reason = f"is no {kind}; there is {', '.join(codes)}"
            raise RefusedTextError(reason, closest(text, codes))
        return text

    return read


def year(text: str) -> int:
    """Return a year in four digits."""
    if not text.isascii() or not text.isdecimal():
        raise RefusedTextError("is not a year in four digits", [LATEST] if text[:1].isalpha() else [])
    try:
        return Year(int(text))
    except ValueError as error:
        raise RefusedTextError(str(error)) from None


def year_or_latest(text: str) -> int | str:
    """Return a year, or the word for the latest."""
    return LATEST if text == LATEST else year(text)


def sort_key(text: str) -> tuple[str, bool]:
    """Return a field to sort by and whether it descends."""
    name = text.removeprefix("-")
    sign = text[: len(text) - len(name)]
    try:
        return one_of(SORTABLE, "field to sort by")(name), bool(sign)
    except RefusedTextError as error:
        raise RefusedTextError(str(error), [sign + hint for hint in error.closest]) from None


def version(text: str) -> str:
    """Return a version as it is written."""
    if text == LATEST:
        raise RefusedTextError("must be a number; leave it out for the latest")
    try:
        return str(Version.parse(text))
    except ValueError:
        raise RefusedTextError("is not a version like 2.1.0") from None


def moment(text: str) -> datetime:
    """Return a moment in UTC; a date alone means the end of that day: what was published by then."""
    return _moment(text, time.max)


def moment_before(text: str) -> datetime:
    """Return a moment in UTC; a date alone means the beginning of that day, so that nothing is missed."""
    return _moment(text, time.min)


def yes_or_no(text: str) -> bool:
    """Return whether it is so."""
    return one_of(("true", "false"), "truth value")(text) == "true"


def _moment(text: str, of_a_day: time) -> datetime:
    if not _MOMENT.fullmatch(text):
        raise RefusedTextError("is not a date or an RFC 3339 time like 2026-11-21T02:10:00Z")
    try:
        if len(text) == _DATE_LENGTH:
            return datetime.combine(date.fromisoformat(text), of_a_day, UTC)
        when = datetime.fromisoformat(text.upper())
        in_utc = when.astimezone(UTC)
    except (ValueError, OverflowError):
        raise RefusedTextError("is no moment of the calendar") from None
    if when.tzinfo is None:
        raise RefusedTextError("is a time without its zone; add Z for UTC")
    return in_utc


def category(text: str) -> tuple[str, str]:
    """Return a dimension and its category; a star stands for all."""
    if text == EVERY:
        return EVERY, EVERY
    name, colon, code = words(text).partition(":")
    if not colon or not name or not code:
        raise RefusedTextError("is not a dimension and its category like age:80-")
    return name, code
