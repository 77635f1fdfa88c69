"""A draft of figures of people becomes one in which nobody can be found, or is held."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import structs

from datasets.cube import Cube
from datasets.disclosure.attacker import attack
from datasets.disclosure.cuts import UnprotectableError
from datasets.disclosure.gate import Breach, breaches
from datasets.disclosure.hiding import Hidden, hide
from datasets.disclosure.linked import Earlier
from datasets.disclosure.relations import Confidential, Key, Question, islands, lines_of
from datasets.disclosure.report import keep_report, report_of
from datasets.disclosure.shown import Told, Version, by_key, published, without
from datasets.ledger import Draft
from datasets.publish import HeldError
from datasets.vocabulary import Observation, Status


def protected(
    draft: Draft, people: Confidential, versions: Sequence[Version], home: Path | None = None
) -> Draft:
    """Return *draft* with what must be hidden given what *versions* told; the report is kept under *home*.

    Raises HeldError where something cannot be protected, or the attacker comes too close to it.
    """
    now = {name: by_key(cube) for name, cube in draft.cubes.items()}
    earlier = {one.name: [*_earlier(one, now, versions)] for one in people.questions}
    also: dict[str, set[Key]] = {one.name: set() for one in people.questions}
    for spread in _SPREADS:
        try:
            found = hide(people, earlier, also=also)
        except UnprotectableError as error:
            raise HeldError(draft.dataset.id, [f"disclosure: {error}"]) from error
        cubes = _hiding(draft, people, found)
        met = _met(draft, cubes, people, found, versions)
        if not met:
            break
        for breach in met:
            question = next(one for one in people.questions if one.name == breach.target.question)
            also[question.name] |= spread(question, breach.target.key)
    else:
        reason = f"disclosure: {len(met)} numbers of people could be worked out too closely"
        raise HeldError(draft.dataset.id, [reason])
    if home is not None:
        keep_report(home, report_of(draft, people, found, sum(map(len, also.values()))))
    return structs.replace(draft, cubes=cubes, confidential=None, protected_by=people.rules)


def _lines_through(question: Question, key: Key) -> set[Key]:
    lines = (line for line in lines_of(question.groups) if key in {line.total, *line.parts})
    return {one for line in lines for one in (line.total, *line.parts)}


def _island_of(question: Question, key: Key) -> set[Key]:
    return {one for island in islands(question.groups) if key in island for one in island}


_SPREADS = (_lines_through, _island_of, _island_of)
"""What is hidden too, for each number that the attacker still comes too close to: more each time."""


def _hiding(draft: Draft, people: Confidential, found: Hidden) -> dict[str, Cube]:
    by_indicator = {
        name: found.keys.get(question.name, frozenset())
        for question in people.questions
        for name in question.indicators
    }
    return {name: without(cube, by_indicator.get(name, frozenset())) for name, cube in draft.cubes.items()}


def _met(
    draft: Draft,
    cubes: Mapping[str, Cube],
    people: Confidential,
    found: Hidden,
    versions: Sequence[Version],
) -> list[Breach]:
    """Return what the attacker comes too close to, given *cubes* and everything before."""
    newest = Version({name: by_key(cube) for name, cube in cubes.items()}, draft.indicators)
    bounds = attack([published(one) for one in (*versions, newest)])
    return [*breaches(found.targets, {one.name: one for one in people.questions}, bounds)]


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
