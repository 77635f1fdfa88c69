"""The indicators: `/indicators`, `/indicators/{indicatorId}`."""

import unicodedata
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from msgspec import Struct, field

from api.answers import Listing
from api.links import Link, address
from api.parameters import DATASET, LANGUAGE, LISTED, ONE_MUNICIPALITY, QUERY, SOURCE
from api.problems import InvalidParameter, InvalidParametersError, not_found
from api.question import indicator_in
from api.replies import listed, one
from api.service import asked_in, service_in
from api.snapshot import IndicatorState, Snapshot
from datasets.areas import area
from datasets.closest import closest
from datasets.errors import UnknownCodeError
from datasets.units import unit

_TAG = "indicators"


class ToldUnit(Struct, frozen=True):
    """A unit as people read it."""

    code: str
    title: str
    symbol: str


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


class ToldCategory(Struct, frozen=True):
    """One category of a breakdown."""

    code: str
    title: str


class ToldDimension(Struct, frozen=True):
    """One breakdown of an indicator, its categories in the order to show them."""

    id: str
    title: str
    categories: list[ToldCategory]


class ToldBreak(Struct, frozen=True):
    """A break: the first year that follows another definition, and what changed."""

    year: int
    text: str


class IndicatorNote(Struct, frozen=True, omit_defaults=True):
    """A note; `mandatory` ones must be shown with the figures that they concern."""

    text: str
    mandatory: bool
    years: tuple[int, ...] = ()
    sexes: tuple[str, ...] = ()
    municipalities: tuple[str, ...] = ()
    breakdown: dict[str, str] = {}


class IndicatorDetail(Struct, frozen=True, kw_only=True, rename="camel"):
    """One indicator: what is measured, for whom there are figures, and what a reader must know."""

    id: str
    title: str
    description: str | None
    definition: str
    unit: ToldUnit
    decimals: int | None
    polarity: str | None
    source: str
    source_code: str | None
    dataset: str
    version: str
    sexes: tuple[str, ...]
    years: tuple[int, ...]
    municipalities: tuple[str, ...]
    breakdowns: list[ToldDimension]
    breaks: list[ToldBreak]
    notes: list[IndicatorNote]
    licence: str | None
    attribution: str
    processing: str
    based_on: tuple[str, ...]
    replaced_by: str | None
    links: dict[str, Link] = field(name="_links")


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
    words = _folded(asked["q"] or "").split()
    rows = [
        _entry(snapshot, state, base, language)
        for state in snapshot.indicators.values()
        if asked["dataset"] in {None, state.dataset}
        and asked["source"] in {None, snapshot.datasets[state.dataset].description.source}
        and (asked["municipality"] is None or asked["municipality"] in state.coverage.municipalities)
        and all(word in text for text in [_searched(snapshot, state)] for word in words)
    ]
    return listed(request, "/indicators", "indicators", rows)


@get(
    "/indicators/{indicatorId:str}",
    operation_id="getIndicator",
    summary="En indikator / One indicator",
    tags=[_TAG],
    opt={"parameters": (LANGUAGE,), "answer": IndicatorDetail},
)
async def indicator(request: Request[Any, Any, Any], indicatorId: FromPath[str]) -> Response[bytes]:  # noqa: N803
    """Definition, enhet, täckning, brott, noter. / Definition, unit, coverage, breaks, notes."""
    snapshot = service_in(request).live.newest()
    try:
        state = indicator_in(snapshot, indicatorId)
    except UnknownCodeError as error:
        raise not_found("indicatorId", error) from None
    return one(_detail(snapshot, state, request.scope["state"]["base"], asked_in(request)[LANGUAGE.name]))


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
        unit=_unit(about.unit, language),
        dataset=state.dataset,
        source=snapshot.datasets[state.dataset].description.source,
        first_year=years[0] if years else None,
        last_year=years[-1] if years else None,
        links=_links(about.id, base),
    )


def _unit(code: str, language: str) -> ToldUnit:
    known = unit(code)
    return ToldUnit(known.code, known.title.spoken(language), known.symbol)


def _links(name: str, base: str) -> dict[str, Link]:
    return {
        "self": Link(address(base, f"/indicators/{name}"), "self"),
        "item": Link(address(base, "/observations", [("indicator", name)]), "item"),
    }


def _detail(snapshot: Snapshot, state: IndicatorState, base: str, language: str) -> IndicatorDetail:
    about, covered, dataset = state.definition, state.coverage, snapshot.datasets[state.dataset]
    return IndicatorDetail(
        id=about.id,
        title=about.title.spoken(language),
        description=about.description.spoken(language) if about.description else None,
        definition=about.definition.spoken(language),
        unit=_unit(about.unit, language),
        decimals=about.decimals,
        polarity=about.polarity,
        source=dataset.description.source,
        source_code=about.source_code or None,
        dataset=state.dataset,
        version=str(dataset.release.version),
        sexes=covered.sexes,
        years=covered.years,
        municipalities=covered.municipalities,
        breakdowns=_dimensions(state, language),
        breaks=[ToldBreak(known.year, known.text.spoken(language)) for known in about.breaks],
        notes=_notes(state, language),
        licence=dataset.description.licence or None,
        attribution=about.attribution or dataset.description.attribution,
        processing=about.processing or dataset.description.processing,
        based_on=about.based_on or dataset.description.based_on,
        replaced_by=about.replaced_by or None,
        links=_links(about.id, base),
    )


def _notes(state: IndicatorState, language: str) -> list[IndicatorNote]:
    return [
        IndicatorNote(
            text=note.text.spoken(language),
            mandatory=note.mandatory,
            years=note.years,
            sexes=note.sexes,
            municipalities=note.municipalities,
            breakdown=note.breakdown,
        )
        for note in state.definition.notes
    ]


def _dimensions(state: IndicatorState, language: str) -> list[ToldDimension]:
    return [
        ToldDimension(
            name,
            dimension.title.spoken(language),
            [ToldCategory(code, title.spoken(language)) for code, title in dimension.categories.items()],
        )
        for name, dimension in state.definition.breakdowns.items()
    ]
