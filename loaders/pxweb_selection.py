"""What the catalogue takes of a PxWeb table, and the figures of an answer; the same for SCB and FoHM.

Codes are named or matched by patterns of our own against the table's metadata, never by the source's
wildcards: one that meets nothing there quietly leaves the variable out.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from math import prod
from typing import Any, Final, NoReturn, TypeVar

import msgspec
from msgspec import Struct

from datasets.areas import area
from datasets.catalogue import Indicator
from datasets.closest import closest
from datasets.errors import UnknownCodeError
from datasets.vocabulary import Sex
from loaders.jsonstat import Dimension, Table
from loaders.source import BrokenSourceError

MUNICIPALITY: Final = "municipality"
SEX: Final = "sex"
YEAR: Final = "year"
FIXED: Final = "fixed"
ELIMINATED: Final = "eliminated"
MEASURE: Final = "measure"
_ROLES: Final = frozenset({MUNICIPALITY, SEX, YEAR, FIXED, ELIMINATED, MEASURE})
MEASURES: Final = ("value", "low", "high", "count")
ZERO: Final = "zero"
_LONGEST_AGO, _FARTHEST = 0, 9999
_Declared = TypeVar("_Declared", bound=Struct)


class Choice(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}
):
    """Codes to take: as they are (`codes`), with our word for each (`means`), or all that fit a `pattern`.

    `from` and `to` are the years in which the codes hold, where a table has codes of several divisions.
    """

    codes: tuple[str, ...] = ()
    means: dict[str, str] = {}
    pattern: str = ""
    strip: str = ""
    """What a code that fits the pattern ends in and ours does not: `_RegSO2025`."""
    first: int = _LONGEST_AGO
    last: int = _FARTHEST

    def __post_init__(self) -> None:
        """Refuse a choice that says nothing, or two things."""
        if [bool(self.codes), bool(self.means), bool(self.pattern)].count(True) != 1:
            raise ValueError("a choice has one of codes, means and pattern")
        if self.strip and not self.pattern:
            raise ValueError("strip goes with a pattern")
        try:
            re.compile(self.pattern)
        except re.error as error:
            message = f"{self.pattern} is no pattern: {error}"
            raise ValueError(message) from None


class Declared(Struct, frozen=True, forbid_unknown_fields=True):
    """What one dimension of a table is to us; a role that is none of ours names a breakdown."""

    role: str
    take: tuple[Choice, ...] = ()
    codelist: str = ""


class When(Struct, frozen=True):
    """The year of a code, and its days where they are not that calendar year's or its last one."""

    year: int
    start: date | None = None
    end: date | None = None


class Taken(Struct, frozen=True):
    """One code that is asked for: what it means to us, and the years in which it holds."""

    code: str
    ours: str
    first: int = _LONGEST_AGO
    last: int = _FARTHEST
    when: When | None = None


class Picked(Struct, frozen=True):
    """What is asked of one dimension, in the order of the table."""

    dimension: str
    role: str
    codelist: str
    taken: tuple[Taken, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the codes that are asked for."""
        return tuple(one.code for one in self.taken)


Calendar = Callable[[str, str], When | None]
"""Reads a code of time and its label; None for a time that is not taken."""
Extract = Mapping[str, Sequence[str]]
"""The codes of one question by dimension."""


def broken(place: str, reason: str) -> NoReturn:
    """Raise BrokenSourceError for *place*."""
    message = f"{place}: {reason}"
    raise BrokenSourceError(message)


def declared(kind: type[_Declared], table: Mapping[str, Any], place: str) -> _Declared:
    """Return what the catalogue says as a *kind*; raises BrokenSourceError with the field that is wrong."""
    try:
        return msgspec.convert(table, kind)
    except (msgspec.ValidationError, ValueError) as error:
        message = f"{place}: {error}"
        raise BrokenSourceError(message) from error


def selection_of(
    table: Table,
    dimensions: Mapping[str, Declared],
    calendar: Calendar,
    codelists: Mapping[str, Sequence[str]],
    place: str,
) -> tuple[Picked, ...]:
    """Return what is asked of each dimension of *table*, in its order, eliminated ones left out."""
    there = {dimension.id: dimension for dimension in table.dimensions}
    for name, known in dimensions.items():
        if name not in there and known.role != ELIMINATED:
            broken(place, f"has no dimension {name}; it has {', '.join(there)}")
    picked = []
    for name, dimension in there.items():
        known = dimensions.get(name) or broken(place, f"has a dimension that nobody declared: {name}")
        if known.role == ELIMINATED:
            _refuse_elimination(dimension, place)
        elif known.role == YEAR:
            picked.append(Picked(name, YEAR, "", _times(dimension, calendar, f"{place}, {name}")))
        else:
            picked.append(_picked(dimension, known, codelists, f"{place}, {name}"))
    roles = [one.role for one in picked if one.role != FIXED]
    if len(set(roles)) != len(roles) or not {MUNICIPALITY, YEAR} <= set(roles):
        broken(place, f"needs one municipality, one year and no role twice: {', '.join(roles)}")
    return tuple(picked)


def cells_of(extract: Extract) -> int:
    """Return how many cells a question asks for."""
    return prod(map(len, extract.values()))


def split(selection: Sequence[Picked], most_cells: int, place: str) -> Iterator[Extract]:
    """Yield questions of at most *most_cells* cells (0 for no limit) that together ask all of *selection*.

    The largest dimension is cut, time only when nothing else is left, and what makes one observation never.
    """
    whole = {one.dimension: one.codes for one in selection}
    roles = {one.dimension: one.role for one in selection}
    return _split(whole, roles, most_cells, place)


def _split(
    extract: Mapping[str, tuple[str, ...]], roles: Mapping[str, str], most_cells: int, place: str
) -> Iterator[Extract]:
    cells = cells_of(extract)
    if not most_cells or cells <= most_cells:
        yield extract
        return
    cut = [name for name, codes in extract.items() if len(codes) > 1 and roles[name] != MEASURE]
    if not cut:
        broken(place, f"allows {most_cells} cells, which is less than one observation")
    largest = max(cut, key=lambda name: (roles[name] != YEAR, len(extract[name])))
    codes = extract[largest]
    step = max(1, most_cells * len(codes) // cells)
    for start in range(0, len(codes), step):
        yield from _split({**extract, largest: codes[start : start + step]}, roles, most_cells, place)


def refuse_other_answer(answer: Table, asked: Extract, place: str) -> None:
    """Refuse an answer that is not what was asked: a dimension more or less, codes more or less.

    A dimension more with a single category says nothing and is what PxWeb 1 adds for the contents.
    """
    found = {dimension.id: dimension.codes for dimension in answer.dimensions}
    more = [name for name in found.keys() - asked.keys() if len(found[name]) > 1]
    if asked.keys() - found.keys() or more:
        broken(place, f"was asked for {', '.join(asked)} and answers {', '.join(found)}")
    for name, codes in asked.items():
        if sorted(found[name]) != sorted(codes):
            odd = sorted(set(found[name]) ^ set(codes))
            broken(place, f"was asked for {len(codes)} codes of {name}; more or less: {', '.join(odd[:5])}")


def refuse_undeclared(indicator: Indicator, selection: Sequence[Picked], place: str) -> None:
    """Refuse categories that the indicator does not describe, and a new division without its break."""
    breaks = {one.year for one in indicator.breaks}
    for picked in selection:
        known = indicator.breakdowns.get(picked.role)
        if picked.role not in _ROLES:
            odd = {one.ours for one in picked.taken if one.ours} - {*(known.categories if known else ())}
            if odd or known is None:
                broken(place, f"{picked.role} has categories that nobody declared: {sorted(odd)[:5]}")
        twice = Counter(one.ours for one in picked.taken)
        starts = {one.first for one in picked.taken if picked.role == MUNICIPALITY and twice[one.ours] > 1}
        if starts - {_LONGEST_AGO} - breaks:
            broken(place, f"areas follow another division from {max(starts)}: declare the break")


def _refuse_elimination(dimension: Dimension, place: str) -> None:
    """Refuse to leave out what must be chosen, and sex: a table's missing total is not made."""
    if not dimension.eliminable:
        broken(place, f"{dimension.id} cannot be left out any more")
    if dimension.label.casefold() in {"kön", "sex"}:
        broken(place, f"{dimension.id} must not be left out: the sum of the sexes is no stated total")


def _times(dimension: Dimension, calendar: Calendar, place: str) -> tuple[Taken, ...]:
    read = ((code, calendar(code, dimension.labels.get(code, ""))) for code in dimension.codes)
    taken = tuple(Taken(code, str(when.year), when=when) for code, when in read if when)
    return taken or broken(place, "has none of the years that are asked for")


def _picked(
    dimension: Dimension, known: Declared, codelists: Mapping[str, Sequence[str]], place: str
) -> Picked:
    available: Sequence[str] = dimension.codes
    if known.codelist:
        if known.codelist not in dimension.codelists:
            broken(place, f"offers no code list {known.codelist}, but {', '.join(dimension.codelists)}")
        available = codelists[known.codelist]
    taken = _taken(known.take, available, place)
    if known.role == FIXED and len(taken) != 1:
        broken(place, f"is to be one code, and takes {len(taken)}")
    _refuse_unknown(known.role, taken, place)
    return Picked(dimension.id, known.role, known.codelist, taken)


def _taken(choices: Sequence[Choice], available: Sequence[str], place: str) -> tuple[Taken, ...]:
    """Return the codes that *choices* take, in the order of *available*; a code twice breaks the source."""
    found: dict[str, Taken] = {}
    for choice in choices:
        for code, ours in _chosen(choice, available, place).items():
            if code in found:
                broken(place, f"takes {code} twice")
            found[code] = Taken(code, ours, choice.first, choice.last)
    if len({code.casefold() for code in found}) != len(found):
        broken(place, "has codes that the source cannot tell apart, as it does not mind case")
    return tuple(found[code] for code in available if code in found) or broken(place, "takes no code")


def _chosen(choice: Choice, available: Sequence[str], place: str) -> dict[str, str]:
    if choice.pattern:
        fits = [code for code in available if re.fullmatch(choice.pattern, code)]
        if not fits:
            broken(place, f"has no code like {choice.pattern}")
        return {code: code.removesuffix(choice.strip) for code in fits}
    wanted = choice.means or {code: code for code in choice.codes}
    for code in wanted:
        if code not in available:
            hint = ", ".join(closest(code, available))
            broken(place, f"has no code {code} any more (closest: {hint})")
    return wanted


def _refuse_unknown(role: str, taken: Sequence[Taken], place: str) -> None:
    """Refuse words of the catalogue that mean nothing here: no sex, no area, no part of an observation."""
    try:
        for one in taken:
            if role == SEX:
                Sex(one.ours)
            elif role == MUNICIPALITY:
                area(one.ours)
    except (ValueError, UnknownCodeError) as error:
        broken(place, str(error))
    parts = sorted(one.ours for one in taken)
    if role == MEASURE and not ({"value"} <= {*parts} <= {*MEASURES} and len({*parts}) == len(parts)):
        broken(place, f"makes an observation of {', '.join(parts)}")
