"""The linear relations of a linked table: what follows from what, in the people behind the figures.

A group of people is named by a key. Its members fall into kinds by what they answered; every number that is
published of a group is a sum over some of its kinds, and kinds add up over sexes, areas and breakdowns.
"""

from collections.abc import Callable, Collection, Iterator, Mapping

import numpy as np
from msgspec import Struct

from datasets.areas import AreaType, area
from datasets.disclosure.rules import Rules
from datasets.vocabulary import Breakdown, Sex

Key = tuple[str, str, int, str]
"""Municipality, sex, year, breakdown: the key of a figure within its indicator."""
People = tuple[int, ...]
"""How many of a group are of each kind."""
SEX, MUNICIPALITY = "sex", "municipality"
PEOPLE = "people"
"""The name of the sum over everybody in a group."""


class Question(Struct, frozen=True, kw_only=True):
    """What one question found, or one count of people: confidential, never stored, never served."""

    name: str
    indicators: tuple[str, ...]
    groups: Mapping[Key, People]
    chosen: tuple[frozenset[int], ...] = ()
    """For each indicator that is a share, the kinds that it counts; none for a plain count."""
    respondents: str = ""
    """Questions that the same people answered share this name; empty where nobody else's are."""

    @property
    def sums(self) -> dict[str, frozenset[int]]:
        """Return the kinds of each number of people: all, hits and others of each share, each kind."""
        everybody = frozenset(range(len(next(iter(self.groups.values()), (0,)))))
        named = {PEOPLE: everybody}
        for name, chosen in zip(self.indicators, self.chosen, strict=False):
            named |= {f"hits {name}": chosen, f"others {name}": everybody - chosen}
        several = everybody if len(self.chosen) > 1 else ()
        return named | {f"kind {one}": frozenset({one}) for one in several}


class Confidential(Struct, frozen=True):
    """The people behind the figures of a draft, and the rules that protect them; nothing of it is kept."""

    rules: Rules
    questions: tuple[Question, ...]


class Line(Struct, frozen=True):
    """A total and its parts, over one dimension."""

    dimension: str
    total: Key
    parts: tuple[Key, ...]


class Target(Struct, frozen=True, kw_only=True):
    """A number of people that nobody may work out; in a group, or in what is left of one (`rest`)."""

    question: str
    key: Key
    rest: str = ""
    """The dimension over which what is left of the group's total is meant."""
    sum: str
    value: int
    floor: int
    at: tuple[int, ...]
    """The quantities that it is the sum of."""

    @property
    def up(self) -> int:
        """Return how much more it must seem possible to be."""
        return self.floor - self.value

    @property
    def down(self) -> int:
        """Return how much less it must seem possible to be."""
        return min(self.value, 1)


def lines_of(keys: Collection[Key]) -> Iterator[Line]:
    """Yield the totals among *keys* with their parts; whether they add up is another question."""
    for dimension, whole in (
        (SEX, _whole_sex),
        (MUNICIPALITY, _whole_area),
        *((name, _without(name)) for name in _dimensions(keys)),
    ):
        parts: dict[Key, list[Key]] = {}
        for key in sorted(keys):
            total = whole(key)
            if total is not None and total in keys:
                parts.setdefault(total, []).append(key)
        yield from (Line(dimension, total, tuple(found)) for total, found in parts.items())


def islands(keys: Collection[Key]) -> list[frozenset[Key]]:
    """Return *keys* in sets between which nothing adds up."""
    at = {key: {key} for key in keys}
    for line in lines_of(keys):
        joined = set().union(at[line.total], *(at[part] for part in line.parts))
        for key in joined:
            at[key] = joined
    return sorted({frozenset(one) for one in at.values()}, key=min)


def rests_of(question: Question) -> Iterator[tuple[Line, People]]:
    """Yield the lines of *question* that add up, and who of each total is in none of its parts.

    A dimension adds up where no part exceeds what is left of its total, in any line.
    """
    lines = [*lines_of(question.groups)]
    for dimension in dict.fromkeys(line.dimension for line in lines):
        found = [(line, left_over(question, line)) for line in lines if line.dimension == dimension]
        if all(min(rest) >= 0 for _, rest in found):
            yield from found


def small_sums(question: Question, people: People, rules: Rules) -> Iterator[tuple[str, int, int]]:
    """Yield each sum over *people* that is too small to show: its name, its number, and the floor."""
    if not sum(people) and question.chosen:
        return
    met: set[frozenset[int]] = set()
    for name, kinds in question.sums.items():
        value = sum(people[kind] for kind in kinds)
        floor = rules.base if name == PEOPLE and question.chosen else rules.threshold
        if kinds and kinds not in met and rules.is_small(value, floor):
            yield name, value, floor
        met.add(kinds)


def primary(question: Question, rules: Rules) -> set[Key]:
    """Return the groups of *question* that are hidden for their own sake."""
    small = {key: [*small_sums(question, people, rules)] for key, people in question.groups.items()}
    found = {key for key, sums in small.items() if sums}
    if rules.sexes == "either":
        few = (key for key in found if any(name == PEOPLE for name, *_ in small[key]))
        found |= {other for key in few for other in _other_sex(key)} & question.groups.keys()
    return found


def _other_sex(key: Key) -> Iterator[Key]:
    municipality, sex, year, breakdown = key
    pair = {"women": "men", "men": "women"}
    if sex in pair:
        yield municipality, pair[sex], year, breakdown


def left_over(question: Question, line: Line) -> People:
    """Return who of the total of *line* is in none of its parts."""
    total = np.array(question.groups[line.total])
    return tuple((total - np.sum([question.groups[part] for part in line.parts], axis=0)).tolist())


def _dimensions(keys: Collection[Key]) -> list[str]:
    breakdowns = {key[3] for key in keys}
    return sorted({name for text in breakdowns for name, _ in Breakdown.parse(text).parts})


def _whole_sex(key: Key) -> Key | None:
    municipality, sex, year, breakdown = key
    return None if sex == Sex.TOTAL else (municipality, Sex.TOTAL.value, year, breakdown)


def _whole_area(key: Key) -> Key | None:
    code, sex, year, breakdown = key
    above = {AreaType.MUNICIPALITY: area(code).parent, AreaType.COUNTY: "00"}.get(area(code).type)
    return (above, sex, year, breakdown) if above else None


def _without(dimension: str) -> Callable[[Key], Key | None]:
    """Return what tells the key that is not divided by *dimension*; None for one that is not."""

    def whole(key: Key) -> Key | None:
        parts = dict(Breakdown.parse(key[3]).parts)
        if parts.pop(dimension, None) is None:
            return None
        return key[0], key[1], key[2], Breakdown.of(parts).text

    return whole
