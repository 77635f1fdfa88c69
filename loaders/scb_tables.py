"""What the catalogue says of SCB's tables, what SCB says of them, and whether the two agree."""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import combinations
from typing import Annotated, Final

import numpy as np
from msgspec import Meta, Struct

from datasets.catalogue import Indicator, Note
from datasets.cube import flag_bits
from datasets.vocabulary import Flag, Text
from loaders.jsonstat import Table
from loaders.pxweb_figures import Bits, Positions, Words, notes_of
from loaders.pxweb_selection import (
    ELIMINATED,
    FIXED,
    YEAR,
    Calendar,
    Declared,
    Picked,
    When,
    broken,
    declared,
    refuse_undeclared,
    selection_of,
)
from loaders.source import Plan

_OPEN: Final = 9999
_DECEMBER: Final = 12
_NOISE: Final = re.compile(r"Cell Key Method|slumpmässig osäkerhet")
_NOISE_TEXT: Final = Text(
    "SCB har lagt en liten slumpmässig osäkerhet på varje tal, även på totalerna. Delar summerar därför inte"
    " till helheten, och en summa av dem är osäkrare än talet som SCB anger.",
    "SCB has added a small random uncertainty to every number, totals too. Parts therefore do not sum to the"
    " whole, and a sum of them is less certain than the number that SCB states.",
)


class Told(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the catalogue says of one table."""

    dimensions: Mapping[str, Declared]
    label: str = ""
    """Words that the table's label must hold, so that another table under the id is noticed."""
    unit: str = ""
    """The unit that the source must state for the contents."""
    perturbed: int | None = None
    """The first year whose figures carry SCB's noise."""
    preliminary: bool = False
    projection: bool = False
    """Whether the table says what the population will be, and is replaced by the next projection."""
    due: int | None = None
    """Months after the end of its last period by which the table should have a newer one."""


class Part(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"first": "from", "last": "to"}
):
    """The years that an indicator takes from one table; of a monthly table one month of each year."""

    table: str
    first: int = 0
    last: int = _OPEN
    month: Annotated[int, Meta(ge=1, le=12)] | None = None
    dimensions: Mapping[str, Declared] = {}


class Load(Words, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[load]` table of a dataset."""

    tables: Mapping[str, Told]


class Wanted(Struct, frozen=True):
    """One indicator and where its years come from."""

    indicator: Indicator
    parts: tuple[Part, ...]


class Entry(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the list of tables says of one."""

    id: str
    updated: datetime
    last_period: str
    discontinued: bool | None = None


class Known(Struct, frozen=True, kw_only=True):
    """What the source says of one table, and when it said so."""

    entry: Entry
    table: Table
    codelists: Mapping[str, Sequence[str]]
    at: datetime


class Slice(Struct, frozen=True, kw_only=True):
    """One part of an indicator, and what is asked of its table."""

    part: Part
    told: Told
    known: Known
    selection: tuple[Picked, ...]
    place: str

    @property
    def years(self) -> tuple[int, ...]:
        """Return the years that the part takes."""
        times = next(picked.taken for picked in self.selection if picked.role == YEAR)
        return tuple(one.when.year for one in times if one.when)

    def flags_of(self, years: Positions) -> Bits:
        """Return the flags that every value of *years* carries."""
        always = frozenset({Flag.PRELIMINARY} if self.told.preliminary else ())
        noisy = years >= (_OPEN if self.told.perturbed is None else self.told.perturbed)
        noise = np.where(noisy, flag_bits(frozenset({Flag.PERTURBED})), 0)
        return (noise | flag_bits(always)).astype(np.uint8)


class _Series(Struct, frozen=True, forbid_unknown_fields=True):
    tables: Annotated[tuple[Part, ...], Meta(min_length=1)]


def read_plan(plan: Plan) -> tuple[Load, tuple[Wanted, ...]]:
    """Return what the catalogue wants; raises BrokenSourceError where it contradicts itself."""
    place = plan.dataset.id
    load = declared(Load, plan.load, f"{place}, [load]")
    wanted = tuple(_wanted(table, place) for table in plan.indicators)
    used = {part.table for one in wanted for part in one.parts}
    if used != load.tables.keys():
        broken(place, f"tables declared or used, but not both: {sorted(used ^ load.tables.keys())}")
    return load, wanted


def _wanted(table: Mapping[str, object], place: str) -> Wanted:
    where = f"{place}, indicator {table.get('id', 'without id')}"
    indicator = declared(Indicator, {name: value for name, value in table.items() if name != "load"}, where)
    series = table.get("load")
    parts = declared(_Series, series if isinstance(series, Mapping) else {}, f"{where}, load").tables
    breaks = {one.year for one in indicator.breaks}
    for one, other in combinations(sorted(parts, key=lambda part: part.first), 2):
        if other.first <= one.last:
            broken(where, f"takes {other.first} from both {one.table} and {other.table}")
        if other.first not in breaks:
            broken(where, f"goes over to {other.table} in {other.first} without a declared break")
    return Wanted(indicator, parts)


def slices(wanted: Wanted, load: Load, known: Mapping[str, Known]) -> Iterator[Slice]:
    """Yield each part of an indicator with its selection; refuses what the table no longer says."""
    for part in wanted.parts:
        told, there = load.tables[part.table], known[part.table]
        place = f"SCB, {part.table} for {wanted.indicator.id}"
        dimensions = {**told.dimensions, **part.dimensions}
        selection = selection_of(there.table, dimensions, _calendar(part, place), there.codelists, place)
        refuse_undeclared(wanted.indicator, selection, place)
        each = Slice(part=part, told=told, known=there, selection=selection, place=place)
        _refuse_surprises(each, dimensions)
        yield each


def notes(each: Slice, *, alone: bool) -> Iterator[Note]:
    """Yield what must or may be known of a part; only its own years are meant unless it stands *alone*."""
    yield from notes_of(each.known.table, each.selection, () if alone else each.years)
    noisy = tuple(year for year in each.years if year >= (each.told.perturbed or _OPEN))
    if noisy:
        yield Note(text=_NOISE_TEXT, mandatory=True, years=noisy)
    entry, due = each.known.entry, _due(each)
    if each.told.projection:
        day = entry.updated.date()
        text = Text(
            f"Framskrivningen är den som SCB publicerade {day}. Den säger vad folkmängden blir om"
            " antagandena håller; den är ingen räkning. SCB ersätter den med nästa, och den här ligger då"
            " kvar i datamängdens tidigare version.",
            f"The projection is the one that SCB published on {day}. It says what the population will be if"
            " the assumptions hold; it is no count. SCB replaces it by the next one, and this one then stays"
            " in the earlier version of the dataset.",
        )
        yield Note(text=text, mandatory=True)
    if each.part.last == _OPEN and (entry.discontinued or (due and due < each.known.at.date())):
        until = f"; en ny väntades senast {due}" if due else ""
        until_en = f"; a newer one was due by {due}" if due else ""
        text = Text(
            f"SCB:s tabell {entry.id} har ingen nyare period än {entry.last_period}{until}.",
            f"SCB's table {entry.id} has no newer period than {entry.last_period}{until_en}.",
        )
        yield Note(text=text)


def _due(each: Slice) -> date | None:
    """Return by when a newer period should be there, where the catalogue says so."""
    if each.told.due is None:
        return None
    year, _, month = each.known.entry.last_period.partition("M")
    months = int(year[:4]) * 12 + (int(month) if month else _DECEMBER) - 1 + each.told.due
    return date(months // 12, months % 12 + 1, monthrange(months // 12, months % 12 + 1)[1])


def _calendar(part: Part, place: str) -> Calendar:
    """Return how the table's time codes are read: years, or the one declared month of each year."""

    def read(code: str, _label: str) -> When | None:
        if not re.fullmatch(r"\d{4}(M\d{2})?", code):
            broken(place, f"has a time that is neither a year nor a month: {code}")
        year, _, month = code.partition("M")
        if bool(month) != bool(part.month):
            kind = "months: state the month that is taken" if month else "years: no month can be taken"
            broken(place, f"has {kind}")
        if not part.first <= int(year) <= part.last or (month and int(month) != part.month):
            return None
        return _end_of_month(int(year), part.month or _DECEMBER)

    return read


def _end_of_month(year: int, month: int) -> When:
    """Return the time of a month; December's is its year's, since a stock is counted on the last day."""
    if month == _DECEMBER:
        return When(year)
    return When(year, date(year, month, 1), date(year, month, monthrange(year, month)[1]))


def _refuse_surprises(each: Slice, dimensions: Mapping[str, Declared]) -> None:
    """Refuse a table that is not, or no longer, what the catalogue takes it for."""
    table, told, place = each.known.table, each.told, each.place
    if told.label not in table.label:
        broken(place, f"is called {table.label!r}, not {told.label!r} any more")
    if "preliminär" in table.label.casefold() and not told.preliminary:
        broken(place, f"is preliminary by its label ({table.label!r}), and the catalogue does not say so")
    if told.perturbed is None and any(_NOISE.search(remark.text) for remark in table.remarks):
        broken(place, "says that it carries noise, and the catalogue does not say from which year")
    if told.perturbed is not None and ELIMINATED in {one.role for one in dimensions.values()}:
        broken(place, "carries noise: nothing may be left out, since that may sum")
    contents = {one.dimension: one.taken[0].code for one in each.selection if one.role == FIXED}
    for dimension in table.dimensions:
        unit = dimension.units.get(contents.get(dimension.id, ""))
        if told.unit and unit and unit.base != told.unit:
            broken(place, f"counts {unit.base!r}, not {told.unit!r} any more")
        measuring = dimension.measuring.get(contents.get(dimension.id, ""))
        if each.part.month and measuring not in {None, "Stock"}:
            broken(place, f"measures a {measuring}: one month does not stand for its year")
