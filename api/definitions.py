"""One indicator as it is told: its definition, what it covers, and how its definition stood before."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import replace

from api.answers import Moment
from api.citation import Cited, CitedVersion, citation
from api.links import Link, Place, address
from api.snapshot import IndicatorState, Snapshot
from datasets.catalogue import Indicator
from datasets.ledger import Release, Stay
from datasets.units import unit


class ToldUnit(Struct, frozen=True):
    """A unit as people read it."""

    code: str
    title: str
    symbol: str


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


class _Defined(Struct, frozen=True, kw_only=True, rename="camel"):
    """What is told of an indicator by its definition alone."""

    title: str
    description: str | None
    definition: str
    unit: ToldUnit
    decimals: int | None
    polarity: str | None
    source_code: str | None
    breakdowns: list[ToldDimension]
    breaks: list[ToldBreak]
    notes: list[IndicatorNote]
    replaced_by: str | None


class DefinitionState(_Defined, frozen=True, kw_only=True, rename="camel"):
    """A definition as it was published: from when, until when (null while it stands), in which version.

    What it leaves to the dataset (attribution, processing) is null.
    """

    valid_from: Moment
    valid_to: Moment | None
    release: int
    version: str
    attribution: str | None
    processing: str | None
    based_on: tuple[str, ...]


class IndicatorDetail(_Defined, frozen=True, kw_only=True, rename="camel"):
    """One indicator: what is measured, for whom there are figures, and what a reader must know."""

    id: str
    source: str
    dataset: str
    version: str
    sexes: tuple[str, ...]
    years: tuple[int, ...]
    municipalities: tuple[str, ...]
    licence: str | None
    attribution: str
    processing: str
    based_on: tuple[str, ...]
    history: list[DefinitionState] | UnsetType = UNSET
    """With `includeHistory` or `updatedAfter`: the definition's states, oldest first."""
    meta: Cited = field(name="_meta")
    links: dict[str, Link] = field(name="_links")


def told_unit(code: str, language: str) -> ToldUnit:
    """Return a unit as people read it."""
    known = unit(code)
    return ToldUnit(known.code, known.title.spoken(language), known.symbol)


def indicator_links(name: str, base: str) -> dict[str, Link]:
    """Return where an indicator and its figures are."""
    return {
        "self": Link(address(base, f"/indicators/{name}"), "self"),
        "item": Link(address(base, "/observations", [("indicator", name)]), "item"),
    }


class Telling(NamedTuple):
    """How an indicator is asked for: where, in which language, pinned or not, with which history."""

    place: Place
    language: str
    pinned: bool
    history: list[DefinitionState] | UnsetType = UNSET


def detail(snapshot: Snapshot, state: IndicatorState, telling: Telling) -> IndicatorDetail:
    """Return one indicator as it stands in *snapshot*."""
    about, covered, dataset = state.definition, state.coverage, snapshot.datasets[state.dataset]
    described, release = dataset.description, dataset.release
    attribution, place = about.attribution or described.attribution, telling.place
    pin = {} if telling.pinned else {"asOf": msgspec.to_builtins(release.published_at)}
    bookmark = place.link("bookmark", **pin)
    pins = [(name, text) for name, text in place.pairs if name == "asOf"]
    version = CitedVersion(state.dataset, str(release.version), release.published_at)
    return IndicatorDetail(
        **_defined(about, telling.language),
        id=about.id,
        source=described.source,
        dataset=state.dataset,
        version=str(release.version),
        sexes=covered.sexes,
        years=covered.years,
        municipalities=covered.municipalities,
        licence=described.licence or None,
        attribution=attribution,
        processing=about.processing or described.processing,
        based_on=about.based_on or described.based_on,
        history=telling.history,
        meta=Cited(citation([attribution], [version], bookmark.href, telling.language)),
        links={
            "self": place.link("self"),
            "bookmark": bookmark,
            "item": Link(address(place.base, "/observations", [("indicator", about.id), *pins]), "item"),
        },
    )


def definition_states(
    stays: Sequence[Stay],
    definitions: Mapping[bytes, Indicator],
    line: Iterable[Release],
    language: str,
) -> list[DefinitionState]:
    """Return the states of one indicator's definition, oldest first; *stays* are of that indicator."""
    releases = {release.number: release for release in line}
    runs: list[Stay] = []
    for stay in stays:
        if runs and runs[-1].metadata_sha256 == stay.metadata_sha256 and runs[-1].ended == stay.began:
            runs[-1] = replace(runs[-1], ended=stay.ended)
        else:
            runs.append(stay)
    return [
        DefinitionState(
            **_defined(definitions[run.metadata_sha256], language),
            valid_from=releases[run.began].published_at,
            valid_to=releases[run.ended].published_at if run.ended is not None else None,
            release=run.began,
            version=str(releases[run.began].version),
            attribution=definitions[run.metadata_sha256].attribution or None,
            processing=definitions[run.metadata_sha256].processing,
            based_on=definitions[run.metadata_sha256].based_on,
        )
        for run in runs
    ]


def _defined(about: Indicator, language: str) -> dict[str, Any]:
    return {
        "title": about.title.spoken(language),
        "description": about.description.spoken(language) if about.description else None,
        "definition": about.definition.spoken(language),
        "unit": told_unit(about.unit, language),
        "decimals": about.decimals,
        "polarity": about.polarity,
        "source_code": about.source_code or None,
        "breakdowns": _dimensions(about, language),
        "breaks": [ToldBreak(known.year, known.text.spoken(language)) for known in about.breaks],
        "notes": _notes(about, language),
        "replaced_by": about.replaced_by or None,
    }


def _notes(about: Indicator, language: str) -> list[IndicatorNote]:
    return [
        IndicatorNote(
            text=note.text.spoken(language),
            mandatory=note.mandatory,
            years=note.years,
            sexes=note.sexes,
            municipalities=note.municipalities,
            breakdown=note.breakdown,
        )
        for note in about.notes
    ]


def _dimensions(about: Indicator, language: str) -> list[ToldDimension]:
    return [
        ToldDimension(
            name,
            dimension.title.spoken(language),
            [ToldCategory(code, title.spoken(language)) for code, title in dimension.categories.items()],
        )
        for name, dimension in about.breakdowns.items()
    ]
