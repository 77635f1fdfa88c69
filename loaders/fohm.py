"""Folkhälsomyndigheten's PxWeb 1: shares of a survey, each with its interval and its number of answers.

The figures are of several years taken together, and one observation is four cells: the share, its bounds and
the number of answers.
"""

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import combinations
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
import numpy as np
from msgspec import Meta, Struct
from msgspec.structs import replace

from datasets.catalogue import Indicator, Note
from datasets.vocabulary import Text
from loaders.fetch import Fetched, Manners
from loaders.jsonstat import Dimension, Table, read_table
from loaders.pxweb_figures import Bits, Gathered, Positions, Words, notes_of
from loaders.pxweb_selection import (
    YEAR,
    Declared,
    Extract,
    Picked,
    When,
    broken,
    declared,
    refuse_other_answer,
    refuse_undeclared,
    selection_of,
    split,
)
from loaders.scb import check_answer, decoded, reply_to
from loaders.source import Ask, Made, Plan

__all__ = ["asks", "check_answer", "manners", "manners_from", "normalise", "source_time"]

_CONFIG: Final = "?config"
_MARGIN: Final = 1.1
_WINDOW: Final = re.compile(r"(\d{4})(?:-(\d{4}))?")
_TOGETHER: Final = Text(
    "Siffrorna avser flera år sammantaget och ska inte läsas som enskilda år.",
    "The figures are for several years taken together and must not be read as single years.",
)
_OVERLAPPING: Final = Text(
    "Perioderna överlappar varandra: samma svar ingår i flera av dem, så de är inte oberoende av varandra.",
    "The periods overlap: the same answers are part of several of them, so they are not independent.",
)


class Limits(Struct, frozen=True, kw_only=True, rename="camel"):
    """What ?config says that may be asked; 0 means that the limit is not in use."""

    max_values: Annotated[int, Meta(ge=0)]
    max_cells: Annotated[int, Meta(ge=0)]
    max_calls: Annotated[int, Meta(ge=0)]
    time_window: Annotated[int, Meta(ge=0)]


class _Variable(Struct, frozen=True, kw_only=True, rename="camel"):
    code: str
    text: str
    values: tuple[str, ...]
    value_texts: tuple[str, ...]
    elimination: bool = False


class _Metadata(Struct, frozen=True):
    title: str
    variables: tuple[_Variable, ...]


class _Told(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the catalogue says of one table; `label` are words that its title must hold."""

    dimensions: Mapping[str, Declared]
    label: str = ""


class _Load(Words, frozen=True, kw_only=True, forbid_unknown_fields=True):
    tables: Mapping[str, _Told]


class _Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table of an indicator; two series of a question are two indicators, never one."""

    table: str
    dimensions: Mapping[str, Declared] = {}


class _Wanted(Struct, frozen=True):
    indicator: Indicator
    wish: _Wish


class _Filter(Struct, frozen=True):
    values: Sequence[str]
    filter: str = "item"


class _Query(Struct, frozen=True):
    code: str
    selection: _Filter


class _Response(Struct, frozen=True):
    format: str = "json-stat2"


class _Question(Struct, frozen=True):
    query: Sequence[_Query]
    response: _Response = _Response()


def manners(plan: Plan) -> Manners:  # noqa: ARG001 the same for every plan
    """Return a pace that any PxWeb bears, until ?config tells this one's."""
    return Manners(calls=1, seconds=1.0)


def manners_from(fetched: Fetched) -> Manners | None:
    """Return how ?config wants to be asked from now on; None for any other answer."""
    if not fetched.address.endswith(f"/{_CONFIG}"):
        return None
    limits = decoded(Limits, fetched)
    # far more calls than this are allowed (1 000 in 10 s, 2026-09); a night needs no more
    calls = min(limits.max_calls or 5, 5 * max(limits.time_window, 1))
    return Manners(calls=calls, seconds=max(limits.time_window, 1) * _MARGIN)


def asks(plan: Plan) -> Generator[Ask, Fetched, None]:
    """Yield ?config, each table's metadata, then the figures in questions that fit."""
    load, wanted = _read_plan(plan)
    heads = {}
    for ask in _heads(load):
        heads[ask.target] = yield ask
    for one in wanted:
        selection = _selection(one, load, heads)
        for ask, _ in _questions(one, selection, heads):
            yield ask


def normalise(plan: Plan, answers: Iterable[Fetched]) -> Iterator[Made]:
    """Yield every indicator with its figures; the answers must be exactly those that `asks` asked for."""
    load, wanted = _read_plan(plan)
    replies = iter(answers)
    heads = {ask.target: reply_to(ask, replies) for ask in _heads(load)}
    for one in wanted:
        selection, place = _selection(one, load, heads), f"FoHM, {one.wish.table}"
        gathered, notes = Gathered(load), [*one.indicator.notes, *_windows(selection)]
        for ask, extract in _questions(one, selection, heads):
            answer = read_table(reply_to(ask, replies).body, place)
            refuse_other_answer(answer, extract, place)
            gathered.add(answer, selection, _no_flags, place)
            notes += [note for note in notes_of(answer, selection) if note not in notes]
        yield Made(replace(one.indicator, notes=tuple(notes)), gathered.cube(one.indicator.id))
    if next(replies, None) is not None:
        broken(plan.dataset.id, "there are more answers than questions")


def source_time(plan: Plan, answers: Iterable[Fetched]) -> datetime | None:  # noqa: ARG001 the interface's
    """Return when the table that changed last did so; only answers with figures tell it."""
    stated = (read_table(one.body, one.address).updated for one in answers if one.asked)
    times = [datetime.fromisoformat(text) for text in stated if text]
    return max((one if one.tzinfo else one.replace(tzinfo=UTC) for one in times), default=None)


def _read_plan(plan: Plan) -> tuple[_Load, tuple[_Wanted, ...]]:
    place = plan.dataset.id
    load = declared(_Load, plan.load, f"{place}, [load]")
    wanted = []
    for table in plan.indicators:
        where = f"{place}, indicator {table.get('id', 'without id')}"
        metadata = {name: value for name, value in table.items() if name != "load"}
        wish = declared(_Wish, table.get("load", {}), f"{where}, load")
        wanted.append(_Wanted(declared(Indicator, metadata, where), wish))
    used = {one.wish.table for one in wanted}
    if used != load.tables.keys():
        broken(place, f"tables declared or used, but not both: {sorted(used ^ load.tables.keys())}")
    return load, tuple(wanted)


def _heads(load: _Load) -> Iterator[Ask]:
    yield Ask(target=_CONFIG)
    for table in load.tables:
        yield Ask(target=quote(table))


def _selection(one: _Wanted, load: _Load, heads: Mapping[str, Fetched]) -> tuple[Picked, ...]:
    told, place = load.tables[one.wish.table], f"FoHM, {one.wish.table}"
    metadata = decoded(_Metadata, heads[quote(one.wish.table)])
    if told.label not in metadata.title:
        broken(place, f"is called {metadata.title!r}, not {told.label!r} any more")
    dimensions = {**told.dimensions, **one.wish.dimensions}
    selection = selection_of(_described(metadata, place), dimensions, _window, {}, place)
    refuse_undeclared(one.indicator, selection, place)
    return selection


def _described(metadata: _Metadata, place: str) -> Table:
    dimensions = []
    for variable in metadata.variables:
        if len(variable.values) != len(variable.value_texts):
            broken(place, f"has {len(variable.values)} codes of {variable.code} and other texts")
        labels = dict(zip(variable.values, variable.value_texts, strict=True))
        dimensions.append(
            Dimension(
                id=variable.code,
                label=variable.text,
                codes=variable.values,
                labels=labels,
                eliminable=variable.elimination,
            )
        )
    return Table(label=metadata.title, dimensions=tuple(dimensions))


def _window(code: str, label: str) -> When:
    """Return the years of a code such as 2019-2022; labels carry stars, and a code may be a mere number."""
    found = {match.groups() for text in (code, label) if (match := _WINDOW.fullmatch(text.strip("* ")))}
    if len(found) != 1:
        broken("FoHM", f"the time {code!r} called {label!r} is not one year or one window of years")
    first, last = found.pop()
    if last is None:
        return When(int(first))
    return When(int(last), date(int(first), 1, 1), date(int(last), 12, 31))


def _windows(selection: Sequence[Picked]) -> Iterator[Note]:
    """Yield what a reader must know of figures of several years."""
    times = [one.when for picked in selection if picked.role == YEAR for one in picked.taken if one.when]
    spans = [(when.start, when.end) for when in times if when.start and when.end]
    if spans:
        yield Note(text=_TOGETHER, mandatory=True)
    if any(one[0] <= other[1] and other[0] <= one[1] for one, other in combinations(spans, 2)):
        yield Note(text=_OVERLAPPING, mandatory=True)


def _questions(
    one: _Wanted, selection: Sequence[Picked], heads: Mapping[str, Fetched]
) -> Iterator[tuple[Ask, Extract]]:
    limits = decoded(Limits, heads[_CONFIG])
    stated = [limit for limit in (limits.max_values, limits.max_cells) if limit]
    for extract in split(selection, min(stated, default=0), f"FoHM, {one.wish.table}"):
        query = [_Query(code, _Filter(values)) for code, values in extract.items()]
        yield Ask(target=quote(one.wish.table), body=msgspec.json.encode(_Question(query))), extract


def _no_flags(years: Positions) -> Bits:
    return np.zeros(len(years), np.uint8)
