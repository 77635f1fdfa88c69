"""The indicators: `/indicators`, `/indicators/{indicatorId}`."""

from typing import Any

import numpy as np
from litestar import Request, Response, get
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType, field
from numpy.typing import NDArray

from api.answers import Listing, Meta, encoded
from api.asked import Asked, asked_of
from api.definitions import IndicatorDetail, Telling, ToldUnit, detail, indicator_links, told_unit
from api.formats import JSON
from api.links import Link, Place
from api.parameters import (
    AS_OF,
    INCLUDE_HISTORY,
    LANGUAGE,
    UPDATED_AFTER,
)
from api.past import history_of, not_there
from api.problems import InvalidParameter, InvalidParametersError
from api.question import is_settled
from api.replies import FRESH, PINNED, on_page, paged_bytes, reply
from api.search.engine import Searchable
from api.search.facets import Axes, Facets
from api.search.parameters import INDICATORS
from api.search.query import Match
from api.search.suggestions import suggested
from api.service import Service, asked_in, place_in, service_in
from api.snapshot import IndicatorState, Snapshot
from datasets.areas import area
from datasets.closest import closest
from datasets.errors import UnknownCodeError

PATH = "/indicators"
_TAG = "indicators"
_CHOSEN_BY = ("dataset", "source", "theme", "municipality", "sex", "year")


class IndicatorEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """One indicator in a list."""

    id: str
    title: str
    unit: ToldUnit
    dataset: str
    source: str
    first_year: int | None
    last_year: int | None
    links: dict[str, Link] = field(name="_links")


class Searched(Struct, frozen=True, kw_only=True, rename="camel"):
    """How a search went: whether all words were found together, which were nowhere, what to ask instead."""

    match: Match
    unmatched: tuple[str, ...]
    suggestions: tuple[str, ...]


class IndicatorMeta(Meta, frozen=True, kw_only=True, rename="camel"):
    """How much was found, what it covers, and how the search went where there was one."""

    facets: Facets
    search: Searched | UnsetType = UNSET


class IndicatorList(Listing, frozen=True, kw_only=True):
    """A page of indicators: by id, or best first when words were searched for."""

    indicators: list[IndicatorEntry]
    meta: IndicatorMeta = field(name="_meta")


@get(
    PATH,
    operation_id="listIndicators",
    summary="Indikatorer / Indicators",
    tags=[_TAG],
    opt={"parameters": INDICATORS, "answer": IndicatorList},
)
async def indicators(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Sök och lista indikatorer. / Search and list indicators.

    `_meta.facets` räknar dem efter källa, tema, kön, område och år; hittas inget föreslår `_meta.search`
    annat.
    `_meta.facets` counts them by source, theme, sex, area and year; where nothing is found `_meta.search`
    suggests what to ask instead.
    """
    body, told = await _answered(service_in(request), asked_in(request), place_in(request, PATH))
    return Response(body, media_type=JSON.media, headers=told)


async def at_once(service: Service, query: bytes, base: str) -> tuple[bytes, dict[str, str]]:
    """Return what the handler above returns, without the framework; raises for all that is not well."""
    asked = asked_of(query, INDICATORS)
    return await _answered(service, asked, Place(base, PATH, asked.pairs))


async def _answered(service: Service, asked: Asked, place: Place) -> tuple[bytes, dict[str, str]]:
    """Return the answer and the headers of its own."""
    snapshot = service.live.newest()
    _check_codes(snapshot, asked["dataset"], asked["municipality"])
    ready = await service.search.over(snapshot)
    rows, searched = _found(ready, asked)
    page, limit, language = asked["page"], asked["limit"], asked[LANGUAGE.name]
    listed = on_page(rows.tolist(), page, limit)
    shown = [_shown(snapshot, ready, row, place.base, language) for row in listed]
    meta = IndicatorMeta(
        total_records=len(rows),
        page=page,
        limit=limit,
        count=len(shown),
        facets=ready.axes.facets(rows),
        search=searched,
    )
    return paged_bytes(place, "indicators", b",".join(shown), meta)


@get(
    "/indicators/{indicatorId:str}",
    operation_id="getIndicator",
    summary="En indikator / One indicator",
    tags=[_TAG],
    opt={"parameters": (AS_OF, UPDATED_AFTER, INCLUDE_HISTORY, LANGUAGE), "answer": IndicatorDetail},
)
async def indicator(request: Request[Any, Any, Any], indicatorId: FromPath[str]) -> Response[bytes]:  # noqa: N803
    """Definition, enhet, täckning, brott, noter. / Definition, unit, coverage, breaks, notes.

    `includeHistory=true` ger också varje publicerat tillstånd av definitionen; med `updatedAfter` de som kom
    efter den tiden.
    `includeHistory=true` also gives every published state of the definition; with `updatedAfter` those that
    came after that time.
    """
    asked, live = asked_in(request), service_in(request).live
    newest, as_of = live.newest(), asked[AS_OF.name]
    snapshot = newest if as_of is None else await live.at(newest.number_at(as_of))
    state = snapshot.indicators.get(indicatorId)
    if state is None:
        raise await not_there(live, newest, indicatorId, as_of)
    place = place_in(request, f"/indicators/{indicatorId}")
    pinned = as_of is not None and is_settled(as_of, newest)
    history = await history_of(live, snapshot, indicatorId, asked)
    told = detail(snapshot, state, Telling(place, asked[LANGUAGE.name], pinned, history))
    location = "" if pinned else told.links["bookmark"].href
    return reply(encoded(told), PINNED if pinned else FRESH, location=location)


def _check_codes(snapshot: Snapshot, dataset: str | None, municipality: str | None) -> None:
    faults = []
    if dataset is not None and dataset not in snapshot.datasets:
        hints = closest(dataset, snapshot.datasets)
        faults.append(InvalidParameter(name="dataset", reason="is no dataset", value=dataset, closest=hints))
    try:
        area(municipality or "00")
    except UnknownCodeError as error:
        faults.append(
            InvalidParameter(
                name="municipality", reason="is no municipality", value=error.value, closest=error.closest
            )
        )
    if faults:
        raise InvalidParametersError(faults)


def _found(ready: Searchable, asked: Asked) -> tuple[NDArray[np.intp], Searched | UnsetType]:
    """Return the rows that *asked* means, and how the search for words went if there was one."""
    chosen = _chosen(ready.axes, asked)
    if asked["q"] is None:
        return np.flatnonzero(chosen), UNSET
    found = ready.searcher.search(asked["q"], chosen)
    instead = () if len(found.rows) else suggested(ready.searcher, asked["q"], chosen)
    return found.rows, Searched(match=found.match, unmatched=found.unmatched, suggestions=instead)


def _chosen(axes: Axes, asked: Asked) -> NDArray[np.bool_]:
    chosen = np.ones(axes.rows, bool)
    for name in _CHOSEN_BY:
        if asked[name] is not None:
            chosen &= getattr(axes, name).having(asked[name])
    return chosen


def _shown(snapshot: Snapshot, ready: Searchable, row: int, base: str, language: str) -> bytes:
    kept = ready.shown.get((row, base, language))
    if kept is None:
        state = ready.searcher.index.states[row]
        kept = ready.shown[row, base, language] = encoded(_entry(snapshot, state, base, language))
    return kept


def _entry(snapshot: Snapshot, state: IndicatorState, base: str, language: str) -> IndicatorEntry:
    about, years = state.definition, state.coverage.years
    return IndicatorEntry(
        id=about.id,
        title=about.title.spoken(language),
        unit=told_unit(about.unit, language),
        dataset=state.dataset,
        source=snapshot.datasets[state.dataset].description.source,
        first_year=years[0] if years else None,
        last_year=years[-1] if years else None,
        links=indicator_links(about.id, base),
    )
