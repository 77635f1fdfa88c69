"""Questions that look back: every published state of a figure, or what was published after a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from api.links import Place
from api.observations import (
    MOST_LOOKED_THROUGH,
    Answered,
    ObservationsMeta,
    count_on_page,
    links_of,
    most_figures,
    refuse_too_much,
)
from api.question import MOST_INDICATORS, Question
from api.resident import Residents
from api.rows import ResidentCube
from api.selection import selected
from api.snapshot import IndicatorState
from api.telling import (
    attributions_told,
    citation_told,
    datasets_told,
    notes_told,
    unchanged_told,
    warnings_told,
)
from datasets.changes import Ranks, keys_of, parted_keys
from datasets.cube import Cube, Positions
from datasets.history import States, Timeline
from datasets.ledger import Stay
from datasets.rows import KEY, joined, row_pieces
from datasets.statuses import REMOVED
from datasets.vocabulary import Breakdown, MunicipalityCode

_READ_AT_ONCE = 20
_GONE = {"value": ',"value":null', "status": f',"status":"{REMOVED}"', "change": f',"change":"{REMOVED}"'}
"""What is told of a figure that was removed, beside its key."""


class Looked(NamedTuple):
    """One indicator that was looked back at: the states that are asked for, and its last cube."""

    state: IndicatorState
    states: States
    last: ResidentCube
    found: Positions
    """The figures of the last cube that the question means, whether they changed or not."""


async def look_back(question: Question, residents: Residents, place: Place) -> Answered:
    """Return the answer to a *question* that looks back, asked at *place*.

    Raises RefusalError when too much is asked, StoreUnavailableError when a cube is neither in memory nor
    to be had.
    """
    past = question.past
    moved = [state for state in question.indicators if state.definition.id in past.stays]
    asked = replace(question, indicators=tuple(moved))
    refuse_too_much(asked, "indicators", (len(moved), MOST_INDICATORS), place.base)
    looked_through = sum(
        past.coverages[stay.data_sha256].rows for state in moved for stay in past.stays[state.definition.id]
    )
    refuse_too_much(asked, "figures", (looked_through, MOST_LOOKED_THROUGH), place.base)
    ranks, looked, total = _ranks(question), list[Looked](), 0
    for state in moved:
        looked.append(await _looked_at(question, state, ranks, residents))
        total += len(looked[-1].states)
        refuse_too_much(asked, "figures", (total, most_figures(question)), place.base)
    shown = _page(question, looked, ranks)
    rows = await _rows(question, looked, shown, residents)
    told = links_of(question, place, -(-total // question.limit))
    meta = _meta(question, looked, total, told["bookmark"].href)
    return Answered(rows=partial(b",".join, list(rows)), meta=meta, links=told)


def _ranks(question: Question) -> Ranks:
    coverages = question.past.coverages.values()
    places = {code for coverage in coverages for code in coverage.municipalities}
    parts = {text for coverage in coverages for text in coverage.breakdowns}
    return Ranks.of(map(MunicipalityCode, places), map(Breakdown.parse, parts))


async def _looked_at(question: Question, state: IndicatorState, ranks: Ranks, residents: Residents) -> Looked:
    """Walk through the cubes of one indicator, a handful in memory at a time."""
    stays = question.past.stays[state.definition.id]
    (last,) = await residents.cubes([state])
    found = selected(question, last).positions
    series = keys_of(last.cube, ranks)[found] if question.latest else None
    timeline, before = Timeline(ranks), b""
    for start in range(0, len(stays), _READ_AT_ONCE):
        some = stays[start : start + _READ_AT_ONCE]
        for stay, resident in zip(some, await _cubes(residents, state, some), strict=True):
            if stay.data_sha256 == before and timeline.follows(stay.began):
                timeline.repeat(stay.ended)
                continue
            at = found if resident is last else _meant(question, resident, ranks, series)
            timeline.add(stay.began, stay.ended, resident.cube, at)
            before = stay.data_sha256
    return Looked(state, _asked_for(question, timeline.states()), last, found)


async def _cubes(residents: Residents, state: IndicatorState, stays: Sequence[Stay]) -> list[ResidentCube]:
    return await residents.cubes([state._replace(data_sha256=stay.data_sha256) for stay in stays], keep=False)


def _meant(
    question: Question, resident: ResidentCube, ranks: Ranks, series: NDArray[np.int64] | None
) -> Positions:
    """Return the figures of an earlier cube that *question* means; the latest year is judged in the last."""
    if series is None:
        return selected(question, resident).positions
    at = selected(replace(question, latest=False), resident).positions
    kept: Positions = at[np.isin(keys_of(resident.cube, ranks)[at], series)]
    return kept


def _asked_for(question: Question, states: States) -> States:
    """Keep the states that the question is for; states of before `updatedAfter` may have begun earlier."""
    if question.updated_after is None:
        return states.take(~states.gone)
    kept = states.began > question.snapshot.number_at(question.updated_after)
    if not question.include_history:
        kept &= states.ended == 0
    return states.take(kept)


class _Shown(NamedTuple):
    """The states on a page, in order: of which indicator, and which of its states."""

    which: NDArray[np.int64]
    at: Positions


def _page(question: Question, looked: Sequence[Looked], ranks: Ranks) -> _Shown:
    """Return the states on the page that is asked for, by key and beginning unless sorted otherwise."""
    which = np.repeat(np.arange(len(looked)), [len(one.states) for one in looked])
    at = np.concatenate([np.empty(0, np.int64), *(np.arange(len(one.states)) for one in looked)])
    if question.sort:
        keys = [np.arange(len(which), dtype=np.float64)]
        for name, descending in reversed(question.sort):
            key = _sort_key(name, which, looked, ranks)
            keys.append(-key if descending else key)
        order = np.lexsort(keys)
        which, at = which[order], at[order]
    skip = (question.page - 1) * question.limit
    page = slice(skip, skip + question.limit) if question.page else slice(0)
    return _Shown(which[page], at[page])


def _sort_key(
    name: str, which: NDArray[np.int64], looked: Sequence[Looked], ranks: Ranks
) -> NDArray[np.float64]:
    if name == "indicator":
        return which.astype(np.float64)
    columns = [
        one.states.value if name == "value" else parted_keys(one.states.key, ranks)[name] for one in looked
    ]
    return np.concatenate([np.empty(0), *columns])


async def _rows(
    question: Question, looked: Sequence[Looked], shown: _Shown, residents: Residents
) -> Iterable[bytes]:
    """Write the states on the page; their cubes are read again where they are not in memory."""
    line = question.snapshot.line if question.include_history else ()
    times = {one.number: msgspec.to_builtins(one.published_at) for one in line}
    rows: dict[int, bytes] = {}
    for number in np.unique(shown.which).tolist():
        one = looked[number]
        places = np.flatnonzero(shown.which == number)
        states = one.states.take(shown.at[places])
        stays = question.past.stays[one.state.definition.id]
        wanted = np.unique(states.cube).tolist()
        for start in range(0, len(wanted), _READ_AT_ONCE):
            some = wanted[start : start + _READ_AT_ONCE]
            cubes = await _cubes(residents, one.state, [stays[at] for at in some])
            for at, resident in zip(some, cubes, strict=True):
                here = np.flatnonzero(states.cube == at)
                texts = _written(question, (one.state.definition.id, resident.cube), states.take(here), times)
                rows.update(zip(places[here].tolist(), texts, strict=True))
    return (rows[place] for place in range(len(shown.at)))


def _written(
    question: Question, source: tuple[str, Cube], states: States, times: Mapping[int, str]
) -> Iterator[bytes]:
    """Yield *states* of one cube as JSON, all fields or those that are asked for."""
    name, cube = source
    gone = states.gone.tolist()
    pieces: dict[str, Sequence[str]] = {
        field: texts
        if field in KEY
        else [_GONE.get(field, "") if away else text for text, away in zip(texts, gone, strict=True)]
        for field, texts in row_pieces(name, cube, states.position).items()
    }
    pieces["change"] = [_GONE["change"] if away else "" for away in gone]
    if question.include_history:
        pieces["validFrom"] = [f',"validFrom":"{times[began]}"' for began in states.began.tolist()]
        pieces["validTo"] = [
            f',"validTo":"{times[ended]}"' if ended else ',"validTo":null' for ended in states.ended.tolist()
        ]
    fields = question.fields
    return iter(joined([pieces[f] for f in pieces if not fields or f in fields], len(states)))


def _meta(question: Question, looked: Sequence[Looked], total: int, address: str) -> ObservationsMeta:
    """Return what stands beside the states: what is told of the indicators that have any here."""
    asked = replace(question, indicators=tuple(one.state for one in looked))
    cubes = [one.last for one in looked]
    places = [one.found if len(one.states) else one.found[:0] for one in looked]
    if question.updated_after is None:
        warnings = warnings_told(asked, [one.states.position for one in looked])
    else:
        # that an indicator has nothing new is no fault of the question: told where there is nothing at all
        warnings = warnings_told(replace(question, indicators=()), [])
        warnings += [] if total else unchanged_told(question)
    datasets = datasets_told(question)
    cited = citation_told(datasets, attributions_told(question), address, question.language)
    return ObservationsMeta(
        total_records=total,
        page=question.page,
        limit=question.limit,
        count=count_on_page(question, total),
        datasets=datasets,
        attributions=attributions_told(asked),
        notes=notes_told(asked, cubes, places),
        warnings=warnings,
        citation=cited,
    )
