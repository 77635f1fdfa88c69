"""Before figures of people are published: suppression, given all that was ever shown, and the gate."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from msgspec import Struct, structs

from datasets.catalogue import Indicator, indicator_of
from datasets.cube import NO_COUNT, STATUSES, Columns, Cube, cube_of
from datasets.disclosure.attacker import attack
from datasets.disclosure.cuts import UnprotectableError
from datasets.disclosure.gate import breaches
from datasets.disclosure.hiding import Hidden, hide
from datasets.disclosure.linked import Earlier
from datasets.disclosure.published import Figure, Published
from datasets.disclosure.relations import Confidential, Key, Question
from datasets.disclosure.report import keep_report, report_of
from datasets.disclosure.rules import rules_for
from datasets.ledger import Draft
from datasets.publish import HeldError
from datasets.store import Session, Store
from datasets.units import unit
from datasets.vocabulary import Observation, Status

_SUPPRESSED = STATUSES.index(Status.SUPPRESSED) + 1
Told = Mapping[str, Mapping[Key, Observation]]
"""The figures of one version, by indicator and key."""


class Version(Struct, frozen=True):
    """What one version told, of the indicators that are new or other than in the version before."""

    figures: Told
    definitions: Mapping[str, Indicator]


async def guarded(store: Store, draft: Draft, home: Path | None = None) -> Draft:
    """Return *draft* with everything hidden that must be; as it is where nobody is behind its figures.

    A report for the publisher alone is kept under *home*. Raises HeldError where someone could be found.
    """
    if draft.confidential is None:
        return draft
    rules_for(draft.dataset, draft.confidential.rules)
    async with store.session() as session:
        versions, newest = await versions_of(session, draft.dataset.id)
    protected, found = await asyncio.to_thread(_protected, draft, draft.confidential, versions)
    if home is not None:
        keep_report(home, report_of(draft, draft.confidential, found))
    return structs.replace(protected, stands_on=newest)


async def versions_of(session: Session, dataset: str) -> tuple[list[Version], int]:
    """Return what each version of *dataset* told, oldest first, and the number of the newest release.

    Withdrawn or not: what was shown is known. The cubes of the ledger are what every file was made of.
    """
    line = [one.number for one in await session.releases() if one.dataset == dataset]
    stays = await session.stays(line[-1], dataset=dataset) if line else []
    cubes = await session.cubes({one.data_sha256 for one in stays})
    bodies = await session.metadata({one.metadata_sha256 for one in stays})
    versions = []
    for number in line:
        begun = [one for one in stays if one.began == number]
        figures = {one.indicator: by_key(cubes[one.data_sha256]) for one in begun}
        definitions = {one.indicator: indicator_of(bodies[one.metadata_sha256]) for one in begun}
        versions.append(Version(figures, definitions))
    return versions, line[-1] if line else 0


def by_key(cube: Cube) -> dict[Key, Observation]:
    """Return the figures of *cube* by their keys."""
    return {(str(f.municipality), f.sex.value, int(f.year), f.breakdown.text): f for f in cube}


def published(version: Version) -> Published:
    """Return *version* as a stranger reads it."""
    figures = {}
    for name, found in version.figures.items():
        measure = unit(version.definitions[name].unit)
        is_share = measure.code == "percent"
        figures[name] = {
            key: Figure(
                value=one.value if is_share or measure.persons or one.count is None else float(one.count),
                count=one.count,
                low=one.interval.low if one.interval else None,
                high=one.interval.high if one.interval else None,
                hidden=one.status is Status.SUPPRESSED,
                is_share=is_share,
            )
            for key, one in found.items()
            if is_share or measure.persons or one.count is not None or one.status is Status.SUPPRESSED
        }
    return Published(figures)


def _protected(draft: Draft, people: Confidential, versions: Sequence[Version]) -> tuple[Draft, Hidden]:
    now = {name: by_key(cube) for name, cube in draft.cubes.items()}
    earlier = {one.name: [*_earlier(one, now, versions)] for one in people.questions}
    try:
        found = hide(people, earlier)
    except UnprotectableError as error:
        raise HeldError(draft.dataset.id, [f"disclosure: {error}"]) from error
    by_indicator = {
        name: found.keys.get(question.name, frozenset())
        for question in people.questions
        for name in question.indicators
    }
    cubes = {name: without(cube, by_indicator.get(name, frozenset())) for name, cube in draft.cubes.items()}
    newest = Version({name: by_key(cube) for name, cube in cubes.items()}, draft.indicators)
    bounds = attack([published(one) for one in (*versions, newest)])
    met = [*breaches(found.targets, {one.name: one for one in people.questions}, bounds)]
    if met:
        reason = f"disclosure: {len(met)} numbers of people could be worked out too closely"
        raise HeldError(draft.dataset.id, [reason])
    return structs.replace(draft, cubes=cubes, confidential=None, protected_by=people.rules), found


def _earlier(question: Question, now: Told, versions: Sequence[Version]) -> Iterator[Earlier]:
    """Yield what each version told of *question*; an unchanged figure tells what is behind it exactly."""
    standing: dict[str, Mapping[Key, Observation]] = {}
    for version in versions:
        told = {name: version.figures[name] for name in question.indicators if name in version.figures}
        if not told:
            continue
        standing |= told
        hidden = {
            key
            for figures in standing.values()
            for key, one in figures.items()
            if one.status is Status.SUPPRESSED and key in question.groups
        }
        shown: dict[Key, dict[str, int]] = {}
        for name, figures in standing.items():
            for key, one in figures.items():
                if one.value is not None and key not in hidden:
                    shown.setdefault(key, {}).update(_sums(question, name, one, now[name].get(key)))
        yield Earlier(frozenset(hidden), shown)


def _sums(question: Question, name: str, told: Observation, now: Observation | None) -> dict[str, int]:
    """Return the numbers of people that a figure *told* of an indicator."""
    value = told.value or 0.0
    if not question.chosen:
        return {"people": round(value)}
    if told.count is None:
        return {}
    key = str(told.municipality), told.sex.value, int(told.year), told.breakdown.text
    hits = round(value * told.count / 100)
    if now is not None and (now.value, now.count) == (told.value, told.count):
        kinds = question.sums[f"hits {name}"]
        hits = sum(question.groups[key][kind] for kind in kinds) if key in question.groups else hits
    return {"people": told.count, f"hits {name}": hits, f"others {name}": told.count - hits}


def without(cube: Cube, hidden: frozenset[Key]) -> Cube:
    """Return *cube* with one and the same marker, and nothing else, in place of every *hidden* figure."""
    keys = by_key(cube)
    mask = np.array([key in hidden for key in keys], np.bool_)
    if not mask.any():
        return cube
    blank = {
        "value": np.nan,
        "low": np.nan,
        "high": np.nan,
        "flags": 0,
        "count": NO_COUNT,
        "status": _SUPPRESSED,
    }
    columns = {field.name: getattr(cube.columns, field.name) for field in fields(Columns)}
    columns |= {
        name: np.where(mask, nothing, columns[name]).astype(columns[name].dtype)
        for name, nothing in blank.items()
    }
    return cube_of(cube.municipalities, cube.breakdowns, replace(cube.columns, **columns))
