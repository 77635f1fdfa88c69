"""The indicators: `/indicators`, `/indicators/{indicatorId}`."""

import unicodedata
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from msgspec import Struct, field

from api.answers import Listing, encoded
from api.definitions import IndicatorDetail, Telling, ToldUnit, detail, indicator_links, told_unit
from api.links import Link
from api.parameters import (
    AS_OF,
    DATASET,
    INCLUDE_HISTORY,
    LANGUAGE,
    LISTED,
    ONE_MUNICIPALITY,
    QUERY,
    SOURCE,
    UPDATED_AFTER,
)
from api.past import history_of, not_there
from api.problems import InvalidParameter, InvalidParametersError
from api.question import is_settled
from api.replies import FRESH, PINNED, listed, reply
from api.service import asked_in, place_in, service_in
from api.snapshot import IndicatorState, Snapshot
from datasets.areas import area
from datasets.closest import closest
from datasets.errors import UnknownCodeError

_TAG = "indicators"


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


class IndicatorList(Listing, frozen=True, kw_only=True):
    """A page of indicators, by id."""

    indicators: list[IndicatorEntry]


@get(
    "/indicators",
    operation_id="listIndicators",
    summary="Indikatorer / Indicators",
    tags=[_TAG],
    opt={"parameters": (QUERY, DATASET, SOURCE, ONE_MUNICIPALITY, *LISTED), "answer": IndicatorList},
)
async def indicators(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Sök och lista indikatorer. / Search and list indicators."""
    asked, snapshot = asked_in(request), service_in(request).live.newest()
    _check_codes(snapshot, asked["dataset"], asked["municipality"])
    base, language = request.scope["state"]["base"], asked[LANGUAGE.name]
    rows = [
        _entry(snapshot, state, base, language)
        for state in found_indicators(snapshot, asked["q"] or "")
        if asked["dataset"] in {None, state.dataset}
        and asked["source"] in {None, snapshot.datasets[state.dataset].description.source}
        and (asked["municipality"] is None or asked["municipality"] in state.coverage.municipalities)
    ]
    return listed(request, "/indicators", "indicators", rows)


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


def found_indicators(snapshot: Snapshot, query: str) -> list[IndicatorState]:
    """Return the indicators in which every word of *query* is found; all where it is empty."""
    words = _folded(query).split()
    return [
        state
        for state in snapshot.indicators.values()
        if all(word in text for text in [_searched(snapshot, state)] for word in words)
    ]


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


def _searched(snapshot: Snapshot, state: IndicatorState) -> str:
    about, dataset = state.definition, snapshot.datasets[state.dataset].description
    texts = [
        about.id,
        about.source_code,
        about.title.sv,
        about.title.en,
        about.definition.sv,
        about.definition.en,
    ]
    return _folded(" ".join((*texts, dataset.title.sv, dataset.title.en, *dataset.keywords)))


def _folded(text: str) -> str:
    """Return *text* for comparison: without case, and with å ä ö as people type them without."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


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
