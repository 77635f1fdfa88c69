"""Tables of people that the tests make up, published naively or with our suppression, and attacked."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from datasets.areas import municipalities_of
from datasets.disclosure.attacker import Bound, attack
from datasets.disclosure.gate import breaches
from datasets.disclosure.linked import Asked, Earlier, table_of
from datasets.disclosure.published import Figure, Published
from datasets.disclosure.relations import Key, Question, Target, primary
from datasets.disclosure.rules import Rules
from datasets.disclosure.suppression import Suppression, suppress

AREAS = tuple(municipalities_of("08"))
YEAR = 2021
Pairs = Sequence[tuple[int, ...]]


def rules(threshold: int = 5, **said: Any) -> Rules:
    told = {"zeros": "shown", "sexes": "each", "decided_by": "Prov", "decided_on": date(2026, 1, 1)}
    return Rules(threshold=threshold, **(told | said))


def key(area: str, sex: str = "total", breakdown: str = "") -> Key:
    return area, sex, YEAR, breakdown


def county(*pairs: tuple[int, ...], sexes: Sequence[str] = ("women", "men"), rest: int = 0) -> Question:
    """A count of people by area and sex, with county and totals; the last *rest* sexes are not shown."""
    groups: dict[Key, tuple[int, ...]] = {}
    areas = dict(zip(AREAS, pairs, strict=False))
    areas["08"] = tuple(map(sum, zip(*pairs, strict=True)))
    for area, numbers in areas.items():
        shown = zip(sexes, numbers[: len(numbers) - rest], strict=True)
        groups |= {key(area, sex): (number,) for sex, number in shown}
        groups[key(area)] = (sum(numbers),)
    return Question(name="antal", indicators=("antal",), groups=groups)


def published(question: Question, hidden: Collection[Key] = (), decimals: int = 1) -> Published:
    """What a version shows of *question* where *hidden* is hidden."""
    figures: dict[str, dict[Key, Figure]] = {}
    for at, indicator in enumerate(question.indicators):
        for where, people in question.groups.items():
            told: dict[str, Any] = {"is_share": bool(question.chosen)}
            if where in hidden:
                told["hidden"] = True
            elif question.chosen:
                hits = sum(people[kind] for kind in question.chosen[at])
                told |= {"value": round(100 * hits / sum(people) + 1e-9, decimals), "count": sum(people)}
            else:
                told["value"] = float(sum(people))
            figures.setdefault(indicator, {})[where] = Figure(**told)
    return Published(figures)


def naively(question: Question, by: Rules) -> Published:
    """What is shown where only what is small is hidden."""
    return published(question, primary(question, by))


def protected(question: Question, by: Rules, earlier: Sequence[Earlier] = ()) -> tuple[set[Key], Suppression]:
    table, keys = table_of([Asked(question, earlier)], by)
    found = suppress(table)
    return {one for one, hidden in zip(keys, found.hidden, strict=True) if hidden}, found


def targets(question: Question, by: Rules) -> tuple[Target, ...]:
    return table_of([Asked(question)], by)[0].targets


def found_out(question: Question, by: Rules, *versions: Published) -> set[tuple[Key, str]]:
    """The small numbers that the attacker comes too close to: their keys, and the rest where one is meant."""
    met = breaches(targets(question, by), {question.name: question}, attack(versions))
    return {(one.target.key, one.target.rest) for one in met}


def ranges(*versions: Published, what: str = "people") -> Mapping[Key, tuple[int, float]]:
    """What the attacker makes of each hidden number, under the last assumption that holds."""
    return {one.key: (one.low, one.high) for one in attack(versions) if one.what == what and not one.rest}


def exactly(bounds: Sequence[Bound]) -> set[Key]:
    return {one.key for one in bounds if one.low == one.high}
