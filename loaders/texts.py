"""What the texts of a tidy sheet may say: codes, years, days and numbers, each read alone."""

import re
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from datasets.closest import closest
from datasets.cube import SEXES, STATUSES, day_number, flag_bits
from datasets.errors import UnknownCodeError
from datasets.lines import arrow_numbers
from datasets.numbers import LARGEST_COUNT, number_of, number_text
from datasets.vocabulary import SEX_WORDS, Flag, Sex, Status, Year

_STATUS_WORDS = {
    "missing": "saknas",
    "suppressed": "sekretess dold",
    "notApplicable": "ej tillämplig",
    "notYetPublished": "ännu inte publicerad",
}
_PLAIN = r"^-?[0-9]+(\.[0-9]+)?$"
_SPACE = re.compile(r"\s")
_MINUS = "\N{MINUS SIGN}"
_LONGEST_COUNT = len(str(LARGEST_COUNT))


class WrongNumber(NamedTuple):
    """A text that is no number of ours: in which rows it stands, why not, and what may be meant."""

    rows: NDArray[np.int64]
    reason: str
    hints: tuple[str, ...]


def read_numbers(texts: Any) -> tuple[NDArray[np.float64], list[WrongNumber]]:
    """Read Arrow's *texts*: those written as we would write them all at once, the others singly.

    NaN stands for an empty text and for a wrong one. Most of the time other threads may run meanwhile.
    """
    numbers = _quick(texts)
    written = pc.equal(texts.cast(pa.large_string()), arrow_numbers(numbers))
    odd = np.flatnonzero(~written.to_numpy(zero_copy_only=False))
    if not len(odd):
        return numbers, []
    numbers, wrong = numbers.copy(), []
    others = texts.take(pa.array(odd)).dictionary_encode()
    which = others.indices.to_numpy()
    rows_of = np.split(odd[np.argsort(which, kind="stable")], np.cumsum(np.bincount(which))[:-1])
    for text, rows in zip(others.dictionary.to_pylist(), rows_of, strict=True):
        try:
            numbers[rows] = number_of(text)
        except ValueError as error:
            numbers[rows] = np.nan
            wrong.append(WrongNumber(rows, str(error), decimal_point_of(text)))
    return numbers, wrong


def _quick(texts: Any) -> NDArray[np.float64]:
    """Read what looks like numbers at once; whether every digit survived is looked at afterwards."""
    empty, nothing = (pa.scalar(text, texts.type) for text in ("", None))
    filled = pc.if_else(pc.equal(texts, empty), nothing, texts)
    try:
        read = filled.cast(pa.float64())
    except pa.ArrowInvalid:
        plain = pc.match_substring_regex(filled, _PLAIN)
        read = pc.if_else(plain, filled, nothing).cast(pa.float64())
    numbers: NDArray[np.float64] = read.to_numpy(zero_copy_only=False)
    return numbers


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
