"""Socialstyrelsen's codes: what the catalogue names, found among what a subject has today.

Ids differ from subject to subject and are renumbered, texts are reworded: each value is named by its id, its
text or both, and whatever is said of it must hold for exactly one value.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from datasets.areas import COUNTRY, area
from datasets.errors import Fault, FaultyFileError, UnknownCodeError
from datasets.vocabulary import MunicipalityCode, Sex, Status
from loaders.source import BrokenSourceError, Plan
from loaders.swedish import plain

AREA, SEX, YEAR, MEASURE = "region", "kon", "ar", "matt"
_SEXES = {
    "1": (Sex.MEN, ("män", "pojkar")),
    "2": (Sex.WOMEN, ("kvinnor", "flickor")),
    "3": (Sex.TOTAL, ("båda", "totalt")),
}
"""The ids of the sexes, in the reverse of most others' order, and how their texts begin."""

_T = TypeVar("_T")


class Choice(Struct, frozen=True, forbid_unknown_fields=True):
    """One value of a variable, named by its id, its text or both."""

    id: str | int = ""
    text: str = ""


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A breakdown dimension: the variable behind it, its categories, and the value that stands for all."""

    variable: str
    categories: dict[str, Choice]
    undivided: Choice | None = None


class Measure(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What one indicator is at the source: `fixed` are the variables that have one value in all of it."""

    measure: Choice
    fixed: dict[str, Choice] = {}
    parts: dict[str, Part] = {}
    marks: dict[str, Status] = {}
    """What stands in place of a figure; X is always suppressed, `..` is whatever this says."""
    absent_is_zero: bool = False
    """Whether a row that is not there is a count of zero; only in the years that Riket has."""


class Subject(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The `[load]` table: the subject, the areas by our codes (all if none), and how it bears to be asked."""

    subject: str
    areas: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    """Variables of which it takes one value a question (`diagnos` in the external causes, seen 2026-08)."""
    unasked: tuple[str, ...] = ()
    """Variables by which it cannot be asked at all (`region` and `ar` in the injuries, seen 2026-06)."""
    page_size: int = 5000


class Value(Struct, frozen=True):
    """One value of a variable as the source lists it; `kod` is an area's official code."""

    id: str | int
    kod: str = ""
    text: str | None = None


class Chosen(Struct, frozen=True):
    """What to ask for one indicator: ids by variable, and what each id means here."""

    measure: Measure
    ids: dict[str, tuple[str, ...]]
    may_come: dict[str, tuple[str, ...]]
    """The ids that rows may have: those of `ids`, and all of a variable by which nothing can be asked."""
    areas: dict[str, MunicipalityCode]
    sexes: dict[str, Sex]
    parts: dict[str, dict[str, tuple[tuple[str, str], ...]]]
    """By variable and id: the dimension with its category, nothing for the undivided figure."""


Values = Mapping[str, Mapping[str, Value]]
"""The values of every variable of a subject, by variable and id."""


def told(table: object, kind: type[_T], plan: Plan, column: str) -> _T:
    """Read a table of the catalogue as a *kind*; raises FaultyFileError for what it cannot say."""
    try:
        return msgspec.convert(table, kind)
    except (msgspec.ValidationError, ValueError) as error:
        fault = Fault(file=f"{plan.dataset.id}.toml", column=column, reason=str(error))
        raise FaultyFileError([fault]) from None


def chosen(plan: Plan, subject: Subject, table: Mapping[str, Any], values: Values) -> Chosen:
    """Find what the catalogue names among *values*; raises BrokenSourceError for what is not there."""
    measure = told(table.get("load", {}), Measure, plan, f"indicator {table.get('id')}.load")
    behind = {part.variable: (name, part) for name, part in measure.parts.items()}
    stated = {AREA, SEX, YEAR, MEASURE, *measure.fixed, *behind}
    if values.keys() != stated:
        odd = ", ".join(sorted(values.keys() ^ stated))
        message = f"Socialstyrelsen, {subject.subject}: the catalogue and the source differ in: {odd}"
        raise BrokenSourceError(message)
    parts = {name: _categories(values[name], *told) for name, told in behind.items()}
    areas = _areas(subject, values[AREA])
    if measure.absent_is_zero and COUNTRY not in areas.values():
        reason = "absentIsZero takes its years from Riket: list 00 among the areas"
        raise FaultyFileError([Fault(file=f"{plan.dataset.id}.toml", column="load.areas", reason=reason)])
    sexes = {name: _sex(name, value) for name, value in values[SEX].items()}
    ids = {
        MEASURE: (_id(measure.measure, values[MEASURE]),),
        **{name: (_id(choice, values[name]),) for name, choice in measure.fixed.items()},
        **{name: tuple(categories) for name, categories in parts.items()},
        AREA: tuple(areas),
        SEX: tuple(sexes),
        YEAR: tuple(values[YEAR]),
    }
    may_come = {name: tuple(values[name]) if name in subject.unasked else ids[name] for name in ids}
    return Chosen(measure, ids, may_come, areas, sexes, parts)


def _categories(
    values: Mapping[str, Value], dimension: str, part: Part
) -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, tuple[tuple[str, str], ...]] = {
        _id(choice, values): ((dimension, category),) for category, choice in part.categories.items()
    }
    if part.undivided:
        found[_id(part.undivided, values)] = ()
    return found


def _id(choice: Choice, values: Mapping[str, Value]) -> str:
    """Return the id of the one value that is meant, compared by all that the catalogue says of it."""
    matching = [
        name
        for name, value in values.items()
        if str(choice.id) in {"", name} and plain(choice.text) in {"", plain(value.text or "")}
    ]
    if len(matching) != 1:
        said = " ".join(str(part) for part in (choice.id, choice.text) if part != "")
        message = f"Socialstyrelsen: {said!r} is {len(matching)} of the values there, not one"
        raise BrokenSourceError(message)
    return matching[0]


def _areas(subject: Subject, values: Mapping[str, Value]) -> dict[str, MunicipalityCode]:
    """Return our codes by the source's ids, which are 8, "08" or "00110" for the code of the same county."""
    ids = {value.kod: name for name, value in values.items()}
    if len(ids) != len(values) or "" in ids:
        message = f"Socialstyrelsen, {subject.subject}: an area without a code of its own"
        raise BrokenSourceError(message)
    missing = [code for code in subject.areas if code not in ids]
    if missing:
        message = f"Socialstyrelsen, {subject.subject}: has no area {', '.join(missing)}"
        raise BrokenSourceError(message)
    try:
        return {ids[code]: area(code).code for code in subject.areas or ids}
    except UnknownCodeError as error:
        message = f"Socialstyrelsen, {subject.subject}: {error}"
        raise BrokenSourceError(message) from None


def _sex(name: str, value: Value) -> Sex:
    sex, beginnings = _SEXES.get(name, (None, ()))
    if sex is None or not plain(value.text or "").casefold().startswith(beginnings):
        message = f"Socialstyrelsen: sex {name} is {value.text!r}, which it never was"
        raise BrokenSourceError(message)
    return sex
