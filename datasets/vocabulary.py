"""The words of the figures as types that refuse what cannot be."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Self

from msgspec import Meta, Struct

from datasets.numbers import LARGEST_COUNT, checked_number

_MUNICIPALITY_CODE = re.compile(
    r"\d{2}|\d{4}|\d{4}R\d{3}|\d{4}[ABC]\d{4}|G\d{1,9}|\d{4}-[a-z0-9-]{1,40}", re.ASCII
)
_DIMENSION = re.compile(r"[a-z][a-zA-Z]{0,39}")
_CATEGORY = re.compile(r"[A-Za-z0-9._-]{1,60}")
_ID = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
_LONGEST_ID = 100
FIRST_YEAR, LAST_YEAR = 1749, 2200


class Sex(StrEnum):
    """Whose figure it is, in the order of an answer; `total` is what the source states, never our sum."""

    TOTAL = "total"
    WOMEN = "women"
    MEN = "men"
    OTHER = "other"


SEX_WORDS = {
    Sex.TOTAL: "totalt alla båda könen all both",
    Sex.WOMEN: "kvinnor kvinna flickor tjej female woman girls",
    Sex.MEN: "män man pojkar kille male man boys",
    Sex.OTHER: "annat annan könstillhörighet other",
}
"""What people write for a sex; never read as one, only told as the closest."""


class Status(StrEnum):
    """Why there is no value; the order is that of the stored code and only ever grows."""

    MISSING = "missing"
    SUPPRESSED = "suppressed"
    NOT_APPLICABLE = "notApplicable"
    NOT_YET_PUBLISHED = "notYetPublished"


class Flag(StrEnum):
    """What a reader must know of a value; the order is that of the stored bits and only ever grows."""

    PRELIMINARY = "preliminary"
    ESTIMATED = "estimated"
    LOW_RELIABILITY = "lowReliability"
    SERIES_BREAK = "seriesBreak"
    PERTURBED = "perturbed"


class Source(StrEnum):
    """Who made the figures."""

    KOLADA = "kolada"
    SCB = "scb"
    LUPP = "lupp"
    SOCIALSTYRELSEN = "socialstyrelsen"
    REGION_KALMAR = "region-kalmar"
    FOLKHALSOMYNDIGHETEN = "folkhalsomyndigheten"
    SKOLVERKET = "skolverket"


class MunicipalityCode(str):
    """The code of an area: `00`, `08`, `0880`, `0880R001`, `G33618`; right in form, maybe unknown."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Refuse what no Swedish area code looks like."""
        if not _MUNICIPALITY_CODE.fullmatch(text):
            message = f"{text!r} does not look like an area code"
            raise ValueError(message)
        return super().__new__(cls, text)


class Year(int):
    """A calendar year; Swedish population statistics begin in 1749."""

    __slots__ = ()

    def __new__(cls, number: int) -> Self:
        """Refuse a number that is no year of any figure."""
        if not FIRST_YEAR <= number <= LAST_YEAR:
            message = f"{number} is not a year from {FIRST_YEAR} to {LAST_YEAR}"
            raise ValueError(message)
        return super().__new__(cls, number)


class Period(Struct, frozen=True, order=True):
    """The days a figure speaks of, both included; only where that is not exactly one calendar year."""

    start: date
    end: date

    def __post_init__(self) -> None:
        """Refuse a period that runs backwards."""
        if self.start > self.end:
            message = f"period runs backwards: {self.start} to {self.end}"
            raise ValueError(message)

    @property
    def is_calendar_year(self) -> bool:
        """Tell whether the year alone says it all."""
        return self.start == date(self.end.year, 1, 1) and self.end == date(self.end.year, 12, 31)


class Interval(Struct, frozen=True):
    """A confidence interval in the unit of its value."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse bounds in the wrong order, and what is no number."""
        checked_number(self.low)
        checked_number(self.high)
        if self.low > self.high:
            message = f"interval runs backwards: {self.low} > {self.high}"
            raise ValueError(message)


class Breakdown(Struct, frozen=True, order=True):
    """Further dimensions of a figure, sorted by name: `age:80-;reporter:polis`; empty for the undivided."""

    parts: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Refuse names and categories that the canonical form could not hold, and any other order."""
        for name, category in self.parts:
            if not _DIMENSION.fullmatch(name) or not _CATEGORY.fullmatch(category):
                message = f"{name}:{category} is not a dimension and its category"
                raise ValueError(message)
        names = [name for name, _ in self.parts]
        if names != sorted(set(names)):
            message = f"dimensions must be sorted and stand once: {names}"
            raise ValueError(message)

    @classmethod
    def of(cls, parts: Mapping[str, str] | Iterable[tuple[str, str]]) -> Self:
        """Return the breakdown by *parts* in any order."""
        return cls(tuple(sorted(parts.items() if isinstance(parts, Mapping) else parts)))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the canonical form back; the empty text is the undivided figure."""
        pairs = (part.partition(":") for part in text.split(";") if part)
        return cls(tuple((name, category) for name, _, category in pairs))

    @property
    def text(self) -> str:
        """Return the canonical form."""
        return ";".join(f"{name}:{category}" for name, category in self.parts)


UNDIVIDED = Breakdown()


class Text(Struct, frozen=True, omit_defaults=True):
    """Words for people: Swedish always, English where somebody has written it."""

    sv: Annotated[str, Meta(min_length=1)]
    en: str = ""

    def spoken(self, language: str) -> str:
        """Return the words in *language* (`sv` or `en`), in Swedish where there are no others."""
        return self.en if language == "en" and self.en else self.sv


class Unit(Struct, frozen=True):
    """What a value counts or measures; `persons` where it counts people one by one."""

    code: str
    title: Text
    symbol: str = ""
    persons: bool = False


class Observation(Struct, frozen=True, kw_only=True):
    """One figure: who, where and when -> a value, or the reason why there is none."""

    municipality: MunicipalityCode
    sex: Sex
    year: Year
    period: Period | None = None
    breakdown: Breakdown = UNDIVIDED
    value: float | None = None
    status: Status | None = None
    flags: frozenset[Flag] = frozenset()
    interval: Interval | None = None
    count: int | None = None

    def __post_init__(self) -> None:
        """Refuse a figure that says two things at once, or nothing."""
        if (self.value is None) == (self.status is None):
            raise ValueError("a figure has either a value or a status that says why not")
        if self.value is None and (self.flags or self.interval or self.count is not None):
            raise ValueError("flags, interval and count go with a value")
        if self.value is not None:
            checked_number(self.value)
        if self.interval and self.value is not None:
            _refuse_outside(self.value, self.interval)
        if self.count is not None and not 0 <= self.count <= LARGEST_COUNT:
            raise ValueError("a count is a whole number from 0")
        if self.period and self.period.end.year != self.year:
            message = f"the year of a figure is its period's last: {self.year}, {self.period.end}"
            raise ValueError(message)


def _refuse_outside(value: float, interval: Interval) -> None:
    if not interval.low <= value <= interval.high:
        message = f"{value} lies outside its interval {interval.low} to {interval.high}"
        raise ValueError(message)


def checked_id(text: str) -> str:
    """Return *text* if it can name a dataset or an indicator for good: letters, digits, single hyphens."""
    if len(text) > _LONGEST_ID or not _ID.fullmatch(text):
        message = f"{text!r} is not an id of letters, digits and single hyphens"
        raise ValueError(message)
    return text
