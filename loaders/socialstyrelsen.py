"""Socialstyrelsen's statistics database: one measure a question, every id checked, no figure guessed.

A filter that the source does not know is ignored with status 200; an empty slice is a 404; an absent row is
a zero in some measures and nothing in others; a page may say that it is the last although there is more.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product
from math import prod
from typing import TypeVar
from urllib.parse import quote, unquote, urlsplit

import msgspec
from msgspec import Struct

from datasets.areas import COUNTRY
from datasets.catalogue import Indicator
from datasets.cube import cube_from
from datasets.vocabulary import Breakdown, Observation, Status
from loaders.fetch import BrokenAnswerError, Fetched, Manners
from loaders.socialstyrelsen_codes import (
    AREA,
    SEX,
    YEAR,
    Chosen,
    Subject,
    Value,
    Values,
    chosen,
    told,
)
from loaders.source import Ask, BrokenSourceError, Made, Plan
from loaders.swedish import figure_of, period_of, plain

_FIGURE = "varde"
_SUPPRESSED = {"X": Status.SUPPRESSED}
_GONE = 404
_MAYBE_EMPTY = frozenset({200, _GONE})

_T = TypeVar("_T")
_Asking = Generator[Ask, Fetched, _T]
_Row = dict[str, str | int]
_Ids = Mapping[str, tuple[str, ...]]
_Key = tuple[str, ...]


class _Variable(Struct, frozen=True):
    namn: str


class _Page(Struct, frozen=True):
    data: list[_Row]
    nasta_sida: str | None
    sida: int
    per_sida: int
    sidor: int


def manners(plan: Plan) -> Manners:  # noqa: ARG001 the same for every subject
    """Return how the source wants to be asked; it states no limit, so slowly."""
    return Manners(calls=3)


def check_answer(fetched: Fetched) -> None:
    """Raise BrokenAnswerError for anything but JSON; a 404 has no body of interest."""
    if fetched.status == _GONE:
        return
    try:
        msgspec.json.decode(fetched.body)
    except msgspec.DecodeError as error:
        message = f"{fetched.address}: no JSON ({error}), begins {fetched.body[:60]!r}"
        raise BrokenAnswerError(message) from None


def asks(plan: Plan) -> Generator[Ask, Fetched, None]:
    """Yield the questions: the variables, the values of each, then the pages of each indicator."""
    subject = told(plan.load, Subject, plan, "load")
    values = yield from _values(subject)
    for table in plan.indicators:
        yield from _rows(subject, chosen(plan, subject, table, values))


def normalise(plan: Plan, answers: Iterable[Fetched]) -> Iterator[Made]:
    """Yield every indicator with its cube, by putting the same questions to the kept *answers*."""
    subject = told(plan.load, Subject, plan, "load")
    kept = iter(answers)
    values = _replayed(_values(subject), kept)
    for table in plan.indicators:
        metadata = {name: value for name, value in table.items() if name != "load"}
        indicator = told(metadata, Indicator, plan, f"indicator {table.get('id')}")
        asked = chosen(plan, subject, table, values)
        figures = _figures(subject, asked, _replayed(_rows(subject, asked), kept))
        if not figures:
            message = f"Socialstyrelsen, {subject.subject}: no figure at all for {indicator.id}"
            raise BrokenSourceError(message)
        yield Made(indicator, cube_from(figures))
    for extra in kept:
        message = f"{extra.address}: this answer is to no question of {plan.dataset.id}"
        raise BrokenSourceError(message)


def source_time(plan: Plan, answers: Iterable[Fetched]) -> datetime | None:  # noqa: ARG001 it states none
    """Return None: the database does not say when its figures are from."""
    return None


def _values(subject: Subject) -> _Asking[Values]:
    """Ask which variables the subject has, and which values each of them."""
    listing = yield Ask(target=subject.subject, known=_MAYBE_EMPTY)
    if listing.status == _GONE:
        message = f"Socialstyrelsen has no subject {subject.subject!r} today; subjects come and go"
        raise BrokenSourceError(message)
    found: dict[str, dict[str, Value]] = {}
    for variable in _decoded(listing, list[_Variable]):
        answer = yield Ask(target=f"{subject.subject}/{variable.namn}")
        found[variable.namn] = {str(one.id): one for one in _decoded(answer, list[Value])}
    return found


def _rows(subject: Subject, asked: Chosen) -> _Asking[list[_Row]]:
    """Ask for the figures of one indicator; what came unasked because nothing else can be had is left out."""
    rows: list[_Row] = []
    for ids in _slices(subject, asked.may_come):
        rows += yield from _slice(subject, ids)
    wanted = {_column(name): frozenset(values) for name, values in asked.ids.items()}
    return [row for row in rows if all(str(row[column]) in values for column, values in wanted.items())]


def _slices(subject: Subject, ids: _Ids) -> Iterator[_Ids]:
    """Cut a question so small that its answer fits a page wherever the source lets itself be asked so.

    Pages were seen to end early with some rows in a hundred lost (lakemedel, told by a reader 2026).
    """
    empty = [name for name, values in ids.items() if not values]
    if empty:
        message = f"{subject.subject}: the source has no value of {', '.join(empty)} that is asked for"
        raise BrokenSourceError(message)
    alone = [name for name in ids if name in subject.alone]
    for picked in product(*(ids[name] for name in alone)):
        one = {**ids, **{name: (value,) for name, value in zip(alone, picked, strict=True)}}
        cells = prod(len(values) for name, values in one.items() if name != YEAR)
        years = one[YEAR]
        room = len(years) if YEAR in subject.unasked else max(subject.page_size // cells, 1)
        for first in range(0, len(years), room):
            yield {**one, YEAR: years[first : first + room]}


def _slice(subject: Subject, ids: _Ids) -> _Asking[list[_Row]]:
    """Ask for one slice page by page, and after a full last page for one more, which must not be there."""
    filters = [
        f"{name}/{quote(','.join(ids[name]), safe=',')}" for name in ids if name not in subject.unasked
    ]
    target = f"{subject.subject}/resultat/{'/'.join(filters)}?per_sida={subject.page_size}&sida="
    answer = yield Ask(target=f"{target}1", known=_MAYBE_EMPTY)
    if answer.status == _GONE:
        return []
    page = _page(answer, 1, ids)
    rows = list(page.data)
    for number in range(2, page.sidor + 1):
        answer = yield Ask(target=page.nasta_sida or f"{target}{number}")
        page = _page(answer, number, ids)
        rows += page.data
    if page.nasta_sida or len(page.data) >= page.per_sida:
        answer = yield Ask(target=page.nasta_sida or f"{target}{page.sida + 1}", known=_MAYBE_EMPTY)
        if answer.status != _GONE and _decoded(answer, _Page).data:
            message = f"{answer.address}: there is more after page {page.sida}, the last of {page.sidor}"
            raise BrokenSourceError(message)
    return rows


def _page(answer: Fetched, number: int, ids: _Ids) -> _Page:
    """Read page *number*; its rows must be of *ids* alone, since an ignored filter lets others through."""
    page = _decoded(answer, _Page)
    if page.sida != number or not page.data:
        message = f"{answer.address}: asked for page {number}, is page {page.sida} with {len(page.data)} rows"
        raise BrokenSourceError(message)
    columns = {_column(name): frozenset(values) for name, values in ids.items()}
    for row in page.data:
        if row.keys() != {*columns, _FIGURE}:
            message = f"{answer.address}: a row has {', '.join(row)}"
            raise BrokenSourceError(message)
        for column, values in columns.items():
            if str(row[column]) not in values:
                message = f"{answer.address}: a row has {column} {row[column]!r}, which was not asked for"
                raise BrokenSourceError(message)
    return page


def _figures(subject: Subject, asked: Chosen, rows: Sequence[_Row]) -> list[Observation]:
    """Return the figures of *rows*, and zeros for absent rows where the catalogue says that they are."""
    names = (AREA, SEX, YEAR, *asked.parts)
    found: dict[_Key, str] = {}
    for row in rows:
        key = tuple(str(row[_column(name)]) for name in names)
        if key in found:
            message = f"Socialstyrelsen, {subject.subject}: two rows for {' '.join(key)}"
            raise BrokenSourceError(message)
        found[key] = str(row[_FIGURE])
    if asked.measure.absent_is_zero:
        country = next(name for name, code in asked.areas.items() if code == COUNTRY)
        years = dict.fromkeys(key[2] for key in found if key[0] == country)
        for key in product(asked.areas, asked.sexes, years, *asked.parts.values()):
            found.setdefault(key, "0")
    try:
        return [_observation(asked, key, text) for key, text in found.items()]
    except ValueError as error:
        message = f"Socialstyrelsen, {subject.subject}: {error}"
        raise BrokenSourceError(message) from None


def _observation(asked: Chosen, key: _Key, text: str) -> Observation:
    place, sex, years, *parts = key
    year, period = period_of(years)
    status = ({**asked.measure.marks, **_SUPPRESSED}).get(plain(text))
    categories = [
        part for name, value in zip(asked.parts, parts, strict=True) for part in asked.parts[name][value]
    ]
    return Observation(
        municipality=asked.areas[place],
        sex=asked.sexes[sex],
        year=year,
        period=period,
        breakdown=Breakdown.of(categories),
        value=None if status else figure_of(text),
        status=status,
    )


def _column(variable: str) -> str:
    return variable if variable == YEAR else f"{variable}Id"


def _decoded(answer: Fetched, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.DecodeError as error:
        message = f"{answer.address}: {error}"
        raise BrokenSourceError(message) from None


def _replayed(asking: _Asking[_T], kept: Iterator[Fetched]) -> _T:
    """Return what *asking* comes to when each question meets the answer that was kept for it."""
    try:
        ask = next(asking)
        while True:
            answer = next(kept, None)
            if answer is None or not _is_answer(answer, ask):
                found = answer.address if answer else "nothing"
                message = f"for {ask.target} there is {found}: the answers are to other questions"
                raise BrokenSourceError(message)
            ask = asking.send(answer)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def _is_answer(answer: Fetched, ask: Ask) -> bool:
    asked, got = urlsplit(ask.target), urlsplit(answer.address)
    same_path = unquote(got.path).endswith("/" + unquote(asked.path).lstrip("/"))
    return same_path and unquote(asked.query) == unquote(got.query)
