"""What stands beside the figures: sources, notes and breaks that must be shown, warnings."""

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

from api.answers import Moment
from api.citation import CitedVersion, citation
from api.question import Question
from api.rows import ResidentCube
from api.snapshot import IndicatorState
from datasets.catalogue import Note
from datasets.coverage import Coverage
from datasets.cube import SEXES, Positions

_WARNED_AT_MOST = 20


class ToldDataset(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One dataset that the figures are from, in the version that they are from."""

    id: str
    version: str
    published_at: Moment
    attribution: str
    processing: str
    licence: str = ""


class ToldNote(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One note; with a scope it concerns only those figures, with a break two sides of a year."""

    indicator: str
    mandatory: bool
    text: str
    series_break: int | None = None
    years: tuple[int, ...] = ()
    sexes: tuple[str, ...] = ()
    municipalities: tuple[str, ...] = ()
    breakdown: dict[str, str] = {}


class ToldAttribution(Struct, frozen=True, rename="camel"):
    """What must be shown for an indicator that is not attributed as its dataset is."""

    indicator: str
    attribution: str
    processing: str


class Warned(Struct, frozen=True):
    """Something that a reader of the answer should know about the question."""

    indicator: str
    text: str


def datasets_told(question: Question) -> list[ToldDataset]:
    """Return the datasets of the question's indicators, by id."""
    names = sorted({state.dataset for state in question.indicators})
    states = [question.snapshot.datasets[name] for name in names]
    return [
        ToldDataset(
            id=state.description.id,
            version=str(state.release.version),
            published_at=state.release.published_at,
            attribution=state.description.attribution,
            processing=state.description.processing,
            licence=state.description.licence,
        )
        for state in states
    ]


def attributions_told(question: Question) -> list[ToldAttribution]:
    """Return what must be shown for indicators that differ from their dataset."""
    told = []
    for state in question.indicators:
        dataset = question.snapshot.datasets[state.dataset].description
        attribution = state.definition.attribution or dataset.attribution
        processing = state.definition.processing or dataset.processing
        if (attribution, processing) != (dataset.attribution, dataset.processing):
            told.append(ToldAttribution(state.definition.id, attribution, processing))
    return told


def citation_told(
    datasets: Sequence[ToldDataset], own: Sequence[ToldAttribution], address: str, language: str
) -> str:
    """Return the ready citation of the answer that will always be at *address*."""
    versions = [CitedVersion(one.id, one.version, one.published_at) for one in datasets]
    whose = [*(one.attribution for one in datasets), *(one.attribution for one in own)]
    return citation(whose, versions, address, language)


def notes_told(
    question: Question, cubes: Sequence[ResidentCube], found: Sequence[Positions]
) -> list[ToldNote]:
    """Return the notes that concern at least one of the figures *found*, and the breaks they span."""
    told: list[ToldNote] = []
    for state, resident, at in zip(question.indicators, cubes, found, strict=True):
        told.extend(notes_of(state, resident, at, question.language))
    return told


def notes_of(
    state: IndicatorState, resident: ResidentCube, at: Positions, language: str
) -> Iterator[ToldNote]:
    """Yield the breaks and notes of one indicator that concern its figures *at* some positions."""
    if len(at):
        yield from _breaks(state, resident, at, language)
        yield from _notes(state, resident, at, language)


def warnings_told(question: Question, found: Sequence[Positions]) -> list[Warned]:
    """Return for each indicator without a figure in the answer what there is instead."""
    unborn = {
        "sv": "Indikatorn var inte publicerad i det läge som frågan gäller.",
        "en": "The indicator was not published in the state that is asked about.",
    }
    empty = [
        Warned(state.definition.id, _instead(state.coverage, question.language))
        for state, at in zip(question.indicators, found, strict=True)
        if not len(at)
    ]
    return [
        *withdrawals_told(question),
        *empty,
        *(Warned(state.definition.id, _where(state, question)) for state in question.elsewhere),
        *(Warned(name, unborn[question.language]) for name in question.unborn),
    ]


def withdrawals_told(question: Question) -> list[Warned]:
    """Return for each dataset whose version is withdrawn that it is, why, and what to use instead."""
    told = []
    for dataset in sorted({state.dataset for state in question.indicators}):
        notice = question.snapshot.withdrawal_of(dataset)
        if notice:
            name = next(one.definition.id for one in question.indicators if one.dataset == dataset)
            said = {
                "sv": f"{dataset} {notice.version} är återkallad och ska inte användas: {notice.reason}",
                "en": f"{dataset} {notice.version} is withdrawn and must not be used: {notice.reason}",
            }
            told.append(Warned(name, said[question.language]))
    return told


def unchanged_told(question: Question) -> list[Warned]:
    """Return for each indicator, a handful at most, that nothing was published after the time asked about."""
    moment = f"{question.updated_after:%Y-%m-%dT%H:%M:%SZ}"
    told = []
    for state in question.indicators[:_WARNED_AT_MOST]:
        release = question.snapshot.datasets[state.dataset].release
        version, day = release.version, f"{release.published_at:%Y-%m-%d}"
        text = f"Nothing that is asked about was published after {moment}; version {version} is from {day}."
        if question.language == "sv":
            text = f"Inget som frågan gäller har publicerats efter {moment}; version {version} är från {day}."
        told.append(Warned(state.definition.id, text))
    return told


def _where(state: IndicatorState, question: Question) -> str:
    """Say which dataset an indicator is in, when another one was asked for."""
    if question.language == "sv":
        return f"Indikatorn finns i datamängden {state.dataset}."
    return f"The indicator is in the dataset {state.dataset}."


def _breaks(
    state: IndicatorState, resident: ResidentCube, at: Positions, language: str
) -> Iterator[ToldNote]:
    if not state.definition.breaks:
        return
    years = resident.cube.columns.year[at]
    for known in state.definition.breaks:
        if years.min() < known.year <= years.max():
            yield ToldNote(
                indicator=state.definition.id,
                mandatory=True,
                text=known.text.spoken(language),
                series_break=known.year,
            )


def _notes(state: IndicatorState, resident: ResidentCube, at: Positions, language: str) -> Iterator[ToldNote]:
    for note in state.definition.notes:
        if _concerns(note, resident, at):
            yield ToldNote(
                indicator=state.definition.id,
                mandatory=note.mandatory,
                text=note.text.spoken(language),
                years=note.years,
                sexes=note.sexes,
                municipalities=note.municipalities,
                breakdown=note.breakdown,
            )


def _concerns(note: Note, resident: ResidentCube, at: Positions) -> bool:
    columns, cube = resident.cube.columns, resident.cube
    if note.years:
        at = at[np.isin(columns.year[at], note.years)]
    if note.sexes:
        at = at[np.isin(columns.sex[at], [SEXES.index(sex) for sex in note.sexes])]
    if note.municipalities:
        places = [resident.places[code] for code in note.municipalities if code in resident.places]
        at = at[np.isin(columns.municipality[at], places)]
    if note.breakdown:
        wanted = note.breakdown.items()
        parts = [place for place, part in enumerate(cube.breakdowns) if wanted <= dict(part.parts).items()]
        at = at[np.isin(columns.breakdown[at], parts)]
    return bool(len(at))


def _instead(coverage: Coverage, language: str) -> str:
    """Say what figures there are, in one sentence."""
    if not coverage.rows:
        return "Inga siffror finns." if language == "sv" else "There are no figures."
    years, areas = _spans(coverage.years), _few(coverage.municipalities)
    sexes = ", ".join(coverage.sexes)
    parts = _few([text.replace(";", ",") for text in coverage.breakdowns if text])
    if language == "sv":
        undivided = "odelade och " if "" in coverage.breakdowns else "bara "
        divided = f", {undivided}uppdelade siffror ({parts})" if parts else ""
        return f"Ingen siffra passar frågan. Det finns {years}, {sexes}, för {areas}{divided}."
    undivided = "undivided and " if "" in coverage.breakdowns else "only "
    divided = f", {undivided}divided figures ({parts})" if parts else ""
    return f"No figure fits the question. There is {years}, {sexes}, for {areas}{divided}."


def _spans(years: Sequence[int]) -> str:
    """Return sorted years as spans: `2001-2004, 2019`."""
    spans: list[list[int]] = []
    for year in years:
        if spans and spans[-1][-1] == year - 1:
            spans[-1].append(year)
        else:
            spans.append([year])
    return ", ".join(f"{span[0]}-{span[-1]}" if len(span) > 1 else str(span[0]) for span in spans)


def _few(codes: Sequence[str]) -> str:
    shown = 14
    more = len(codes) - shown
    return ", ".join(codes[:shown]) + (f" (+{more})" if more > 0 else "")
