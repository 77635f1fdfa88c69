"""The attacker: what a stranger can work out of the hidden figures from all that was ever published.

Shares no code with the suppression and knows nothing of the people: only published figures, of every version,
and public geography. What adds up is inferred from the figures themselves. Each hidden number of people is
bounded by linear programming, then in whole people.
"""

from collections.abc import Hashable, Iterator, Sequence

import numpy as np
from msgspec import Struct

from datasets.disclosure.bounding import System
from datasets.disclosure.published import (
    Additive,
    Figure,
    Key,
    Published,
    additive_dimensions,
    hits_of,
    people_of,
    same_bases,
    totals,
)

NEWEST, ALL = "newest", "all"
_ENDLESS = np.inf
Name = tuple[Hashable, ...]


class Bound(Struct, frozen=True, kw_only=True):
    """The least and the most people that a hidden number can be, as far as a stranger can tell."""

    indicator: str
    key: Key
    rest: str = ""
    """The dimension over which what is left of the total's figure is meant."""
    what: str
    """`people` for all in the group, `hits` for those that a share counts, `others` for the rest of them."""
    low: int
    high: float
    """Infinite where nothing bounds it."""
    nobody_left_over: bool
    """Whether it is assumed that the parts shown make their totals; not contradicted by any figure."""
    assumed: str
    """Under which assumption: from the newest version alone, or from all, taking the hidden as unchanged."""


def attack(versions: Sequence[Published]) -> list[Bound]:
    """Return bounds for every number of people hidden in the newest of *versions*, oldest first.

    Each assumption that does not contradict the figures gives its own bounds: from the newest version alone;
    from all, taking what is hidden as unchanged; and so with all that was hidden last taken as changed, or
    one figure of it with the totals that change with it.
    """
    newest, *others = [_Stranger(versions[-1:], NEWEST, is_exact=exact) for exact in (False, True)]
    if len(versions) > 1:
        others += [_Stranger(versions, ALL, is_exact=exact) for exact in (False, True)]
        gone = _newly_hidden(versions)
        for key in (None, *gone) if gone else ():
            changed = frozenset(gone if key is None else (one for one in gone if _are_near(one, key)))
            others += [
                _Stranger(versions, ALL, is_exact=exact, changed=changed, only=key) for exact in (False, True)
            ]
    return [bound for one in (newest, *others) for bound in one.bounds()]


def _newly_hidden(versions: Sequence[Published]) -> list[Key]:
    """Return the keys where the newest version hides a figure that an earlier one shows."""
    newest, found = versions[-1], set()
    for version in versions[:-1]:
        for indicator, figures in version.figures.items():
            now = newest.figures.get(indicator, {})
            found |= {
                key for key, one in figures.items() if not one.hidden and key in now and now[key].hidden
            }
    return sorted(found)


def _are_near(one: Key, other: Key) -> bool:
    """Tell whether two keys differ in one thing at most, as a figure and its totals do."""
    return sum(left != right for left, right in zip(one, other, strict=True)) <= 1


class _Stranger:
    """One assumption, and everything that follows from it."""

    def __init__(
        self,
        versions: Sequence[Published],
        assumed: str,
        *,
        is_exact: bool,
        changed: frozenset[Key] = frozenset(),
        only: Key | None = None,
    ) -> None:
        self.newest = versions[-1]
        self.versions = versions
        self.assumed = assumed + (", nobody left over" if is_exact else "")
        self.changed = changed
        self.only = only
        self.is_exact = is_exact
        self.bases = same_bases(self.newest)
        self.additive, careful = (
            {name: additive_dimensions(self.newest, name, is_exact=exact) for name in self.newest.figures}
            for exact in (is_exact, False)
        )
        self.says_nothing_new = is_exact and self.additive == careful
        self.system = System()
        self.asked: dict[tuple[str, Key, str], None] = {}

    def bounds(self) -> Iterator[Bound]:
        """Yield the bounds of everything hidden, and of whoever is left over in a total."""
        if self.says_nothing_new:
            return
        for version in reversed(self.versions):
            for indicator in version.figures.keys() & self.newest.figures.keys():
                self._read(version, indicator)
        wanted = [*self._wanted()]
        told = self.system.ranges([terms for *_, terms in wanted])
        for (indicator, key, rest, what, _), found in zip(wanted, told, strict=True):
            if found is not None:
                yield Bound(
                    indicator=indicator,
                    key=key,
                    rest=rest,
                    what=what,
                    low=found[0],
                    high=found[1],
                    nobody_left_over=self.is_exact,
                    assumed=self.assumed,
                )

    def _wanted(self) -> Iterator[tuple[str, Key, str, str, dict[Hashable, float]]]:
        """Yield the numbers of people to bound, as sums of what is known or not."""
        for indicator, key, rest in self.asked:
            if self.only not in {None, key}:
                continue
            people = self._name("people", indicator, key, rest)
            yield indicator, key, rest, "people", {people: 1}
            if indicator in self.newest.shares:
                hits = self._name("hits", indicator, key, rest)
                yield indicator, key, rest, "hits", {hits: 1}
                yield indicator, key, rest, "others", {people: 1, hits: -1}

    def _read(self, version: Published, indicator: str) -> None:
        """Take in what *version* tells of *indicator*: its figures, and what they add up to."""
        figures = version.figures[indicator]
        for key, figure in figures.items():
            if figure.hidden and version is self.newest:
                self.asked[indicator, key, ""] = None
            if figure.hidden or figure.people is not None:
                self._variables(version, indicator, key)
        for dimension, kind in self.additive[indicator].items():
            for total, parts in totals(figures, dimension):
                if any(not figures[one].hidden and figures[one].people is None for one in (total, *parts)):
                    continue
                self._add_up(version, indicator, dimension, kind, (total, parts))

    def _add_up(
        self,
        version: Published,
        indicator: str,
        dimension: str,
        kind: Additive,
        line: tuple[Key, Sequence[Key]],
    ) -> None:
        total, parts = line
        with_rest = kind is Additive.WITH_REST
        if with_rest and version is self.newest:
            self.asked[indicator, total, dimension] = None
        if with_rest:
            self._hold_together(indicator, total, dimension)
        for what in ("people", "hits") if indicator in version.shares else ("people",):
            terms: dict[Hashable, float] = {self._variable(version, what, indicator, total): 1}
            terms |= {self._variable(version, what, indicator, part): -1 for part in parts}
            if with_rest:
                terms[self._name(what, indicator, total, dimension)] = -1
            self.system.equal(terms)

    def _variables(self, version: Published, indicator: str, key: Key) -> None:
        """Let the figure at *key* be known as far as it is."""
        figure = version.figures[indicator][key]
        told = self._shown([*self._mates(indicator)], key) if figure.hidden else figure
        people = self._variable(version, "people", indicator, key)
        self.system.within(people, *(people_of(told) if told else (0, _ENDLESS)))
        if indicator in version.shares:
            told = self._shown([indicator], key) if figure.hidden else figure
            hits = self._variable(version, "hits", indicator, key)
            self.system.within(hits, *(hits_of(told, version.steps[indicator]) if told else (0, _ENDLESS)))
            self.system.at_most(hits, people)

    def _hold_together(self, indicator: str, key: Key, rest: str) -> None:
        people = self._name("people", indicator, key, rest)
        self.system.within(people, 0, _ENDLESS)
        if indicator in self.newest.shares:
            hits = self._name("hits", indicator, key, rest)
            self.system.within(hits, 0, _ENDLESS)
            self.system.at_most(hits, people)

    def _shown(self, indicators: Sequence[str], key: Key) -> Figure | None:
        """Return the newest figure at *key* that any version shows for any of *indicators*."""
        for version in reversed(self.versions[-1:] if key in self.changed else self.versions):
            for indicator in indicators:
                figure = version.figures.get(indicator, {}).get(key)
                if figure and not figure.hidden and figure.people is not None:
                    return figure
        return None

    def _mates(self, indicator: str) -> Iterator[str]:
        """Yield the indicators whose numbers of people are those of *indicator*, itself first."""
        yield indicator
        base = self.bases.get(indicator)
        yield from (name for name, other in self.bases.items() if other == base and name != indicator)

    def _variable(self, version: Published, what: str, indicator: str, key: Key) -> Name:
        """Return the name of a number: the same in every version while nobody can tell it has changed."""
        figure = version.figures[indicator][key]
        name = self._name(what, indicator, key)
        told = figure.people if what == "people" else (figure.value, figure.count)
        return name if figure.hidden else (*name, told)

    def _name(self, what: str, indicator: str, key: Key, rest: str = "") -> Name:
        owner = self.bases.get(indicator, indicator) if what == "people" else indicator
        return what, owner, key, rest
