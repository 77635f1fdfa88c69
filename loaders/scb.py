"""SCB's PxWebApi 2 (https://statistikdatabasen.scb.se/api/v2): what to ask for, and what the answers mean.

Limits are read from /config at every run. Nothing is left to the source's defaults: the metadata of each
table is read first, and every code that is wanted is asked for by name.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from loaders.fetch import BrokenAnswerError, Fetched, Manners
from loaders.jsonstat import read_table, without_mark
from loaders.pxweb_figures import Gathered
from loaders.pxweb_selection import Extract, Picked, broken, refuse_other_answer, split
from loaders.scb_tables import Entry, Known, Load, Slice, Told, Wanted, notes, read_plan, slices
from loaders.source import Ask, BrokenSourceError, Made, Plan

_CONFIG: Final = "config"
_LANGUAGE: Final = "lang=sv"
_MARGIN: Final = 1.1
"""How much longer than the source's window we take it to be: its clock is not ours."""
_Read = TypeVar("_Read", bound=Struct)


class Limits(Struct, frozen=True, kw_only=True, rename="camel"):
    """What /config says that may be asked; 0 means that the limit is not in use."""

    max_data_cells: Annotated[int, Meta(ge=0)]
    max_calls_per_time_window: Annotated[int, Meta(ge=0)]
    time_window: Annotated[int, Meta(ge=0)]


class _Value(Struct, frozen=True):
    code: str


class _Codelist(Struct, frozen=True):
    id: str
    type: str
    values: tuple[_Value, ...]


class _Anything(Struct, frozen=True):
    """Any JSON object."""


class _Variable(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    variable_code: str
    codelist: str = ""
    value_codes: Sequence[str]


class _Selection(Struct, frozen=True):
    selection: Sequence[_Variable]


def manners(plan: Plan) -> Manners:  # noqa: ARG001 the same for every plan
    """Return what fits every limit that SCB has been seen to state, until /config tells today's."""
    return Manners(calls=1, seconds=1.0)


def manners_from(fetched: Fetched) -> Manners | None:
    """Return how /config wants to be asked from now on; None for any other answer."""
    if not fetched.address.endswith("/config"):
        return None
    limits = decoded(Limits, fetched)
    if not (limits.max_calls_per_time_window and limits.time_window):
        return Manners()
    return Manners(calls=limits.max_calls_per_time_window, seconds=limits.time_window * _MARGIN)


def check_answer(fetched: Fetched) -> None:
    """Raise BrokenAnswerError for what is no whole JSON object: a page of HTML, half an answer."""
    try:
        msgspec.json.decode(without_mark(fetched.body), type=_Anything)
    except msgspec.DecodeError as error:
        message = f"{fetched.address}: is no JSON object: {error}"
        raise BrokenAnswerError(message) from error


def asks(plan: Plan) -> Generator[Ask, Fetched, None]:
    """Yield /config, each table's entry, metadata and code lists, then the figures in questions that fit."""
    load, wanted = read_plan(plan)
    heads = {}
    for ask in _heads(load, wanted):
        heads[ask.target] = yield ask
    limits, known = _known(load, wanted, heads)
    for one in wanted:
        for each in slices(one, load, known):
            for ask, _ in _questions(each, limits):
                yield ask


def normalise(plan: Plan, answers: Iterable[Fetched]) -> Iterator[Made]:
    """Yield every indicator with its figures; the answers must be exactly those that `asks` asked for."""
    load, wanted = read_plan(plan)
    replies = iter(answers)
    heads = {ask.target: reply_to(ask, replies) for ask in _heads(load, wanted)}
    limits, known = _known(load, wanted, heads)
    for one in wanted:
        gathered, told = Gathered(load), list(one.indicator.notes)
        for each in slices(one, load, known):
            _gather(each, limits, replies, gathered)
            told += notes(each, alone=len(one.parts) == 1)
        yield Made(replace(one.indicator, notes=tuple(told)), gathered.cube(one.indicator.id))
    if next(replies, None) is not None:
        broken(plan.dataset.id, "there are more answers than questions")


def source_time(plan: Plan, answers: Iterable[Fetched]) -> datetime | None:
    """Return when the table that changed last did so."""
    load, _ = read_plan(plan)
    targets = tuple(f"/{_entry(table)}" for table in load.tables)
    entries = [fetched for fetched in answers if fetched.address.endswith(targets)]
    times = [decoded(Entry, fetched).updated for fetched in entries]
    return max((one if one.tzinfo else one.replace(tzinfo=UTC) for one in times), default=None)


def reply_to(ask: Ask, replies: Iterator[Fetched]) -> Fetched:
    """Return the next answer, which must be the one to *ask*."""
    fetched = next(replies, None)
    if fetched is None:
        broken(ask.target, "the answers end before this one")
    if not fetched.address.endswith(f"/{ask.target}") or fetched.asked != ask.body:
        broken(ask.target, f"the answer here is to another question: {fetched.address}")
    return fetched


def decoded(kind: type[_Read], fetched: Fetched) -> _Read:
    """Return an answer as a *kind*; raises BrokenSourceError naming the address."""
    try:
        return msgspec.json.decode(without_mark(fetched.body), type=kind)
    except msgspec.DecodeError as error:
        message = f"{fetched.address}: {error}"
        raise BrokenSourceError(message) from error


def _entry(table: str) -> str:
    return f"tables/{quote(table)}?{_LANGUAGE}"


def _metadata(table: str) -> str:
    return f"tables/{quote(table)}/metadata?{_LANGUAGE}"


def _codelist(name: str) -> str:
    return f"codelists/{quote(name)}?{_LANGUAGE}"


def _heads(load: Load, wanted: Sequence[Wanted]) -> Iterator[Ask]:
    """Yield what is asked whatever the answers are."""
    yield Ask(target=_CONFIG)
    for table in load.tables:
        yield Ask(target=_entry(table))
        yield Ask(target=_metadata(table))
        for name in _codelists_of(table, load, wanted):
            yield Ask(target=_codelist(name))


def _codelists_of(table: str, load: Load, wanted: Sequence[Wanted]) -> list[str]:
    parts = [part.dimensions for one in wanted for part in one.parts if part.table == table]
    every = [one for dimensions in (load.tables[table].dimensions, *parts) for one in dimensions.values()]
    return sorted({one.codelist for one in every if one.codelist})


def _known(
    load: Load, wanted: Sequence[Wanted], heads: Mapping[str, Fetched]
) -> tuple[Limits, dict[str, Known]]:
    """Return the limits, and what the source says of each table."""
    limits = decoded(Limits, heads[_CONFIG])
    known = {}
    for table in load.tables:
        entry = decoded(Entry, heads[_entry(table)])
        described = read_table(heads[_metadata(table)].body, f"SCB, {table}, metadata", described_only=True)
        if not entry.id.casefold() == described.id.casefold() == table.casefold():
            broken(f"SCB, {table}", f"is answered by {entry.id} and by the metadata of {described.id}")
        codelists = {
            name: _members(decoded(_Codelist, heads[_codelist(name)]), load.tables[table], f"SCB, {table}")
            for name in _codelists_of(table, load, wanted)
        }
        known[table] = Known(entry=entry, table=described, codelists=codelists, at=heads[_CONFIG].at)
    return limits, known


def _members(codelist: _Codelist, told: Told, place: str) -> tuple[str, ...]:
    """Return the codes of a code list; one that sums must not be used where every number carries noise."""
    if told.perturbed is not None and codelist.type != "Valueset":
        broken(place, f"carries noise, and the code list {codelist.id} sums")
    return tuple(value.code for value in codelist.values)


def _questions(each: Slice, limits: Limits) -> Iterator[tuple[Ask, Extract]]:
    """Yield each question with the codes that it asks for."""
    target = f"tables/{quote(each.part.table)}/data?{_LANGUAGE}&outputFormat=json-stat2"
    for extract in split(each.selection, limits.max_data_cells, each.place):
        yield Ask(target=target, body=_body(each.selection, extract)), extract


def _body(selection: Sequence[Picked], extract: Extract) -> bytes:
    variables = [
        _Variable(variable_code=one.dimension, codelist=one.codelist, value_codes=extract[one.dimension])
        for one in selection
    ]
    return msgspec.json.encode(_Selection(variables))


def _gather(each: Slice, limits: Limits, replies: Iterator[Fetched], gathered: Gathered) -> None:
    """Take the figures of one part; refuses a table that changed between two answers."""
    moments = set()
    for ask, extract in _questions(each, limits):
        answer = read_table(reply_to(ask, replies).body, each.place)
        if answer.id.casefold() != each.part.table.casefold():
            broken(each.place, f"is answered by another table: {answer.id}")
        refuse_other_answer(answer, extract, each.place)
        gathered.add(answer, each.selection, each.flags_of, each.place)
        moments.add(answer.updated)
    if len(moments) > 1:
        broken(each.place, f"changed while it was read: {', '.join(sorted(moments))}")
