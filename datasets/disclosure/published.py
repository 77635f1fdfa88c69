"""Published figures as a stranger reads them, and what can be inferred of how they hang together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cached_property
from itertools import combinations
from math import ceil, floor, sqrt

from msgspec import Struct

from datasets.areas import AreaType, area

Key = tuple[str, str, int, str]
"""Municipality, sex, year, breakdown."""
_ENOUGH = 3
"""So many groups in common make two equal numbers of people no accident."""
_SLACK = 1e-9
_Z95 = 1.959963984540054


class Additive(Enum):
    """How parts make a total: exactly, or with somebody left over."""

    EXACTLY = "exactly"
    WITH_REST = "with rest"


class Figure(Struct, frozen=True, kw_only=True):
    """One figure as it is published; a share has a count, a number of people is its own."""

    value: float | None = None
    count: int | None = None
    low: float | None = None
    high: float | None = None
    hidden: bool = False
    is_share: bool = True

    @property
    def people(self) -> int | None:
        """Return how many people it is about; None where that is not told."""
        if self.is_share:
            return self.count
        return None if self.value is None else round(self.value)


@dataclass(frozen=True, eq=False)
class Published:
    """Every figure of one version, by indicator and key, of the indicators that tell of people."""

    figures: Mapping[str, Mapping[Key, Figure]]

    @cached_property
    def shares(self) -> frozenset[str]:
        """Return the indicators that are shares."""
        return frozenset(
            name for name, found in self.figures.items() if any(one.is_share for one in found.values())
        )

    @cached_property
    def steps(self) -> Mapping[str, float]:
        """Return the unit of the last decimal that each indicator is published with."""
        return {name: _step(found.values()) for name, found in self.figures.items()}


def people_of(figure: Figure) -> tuple[float, float]:
    """Return the least and the most people that a shown *figure* is about."""
    people = float(figure.people or 0)
    return people, people


def hits_of(figure: Figure, step: float) -> tuple[float, float]:
    """Return the least and the most people that a shown share counts: those whose share is rounded to it."""
    value, people = figure.value or 0.0, figure.people or 0
    low = ceil((value - step / 2) * people / 100 - _SLACK)
    high = floor((value + step / 2) * people / 100 + _SLACK)
    fitting = [one for one in range(max(low, 0), min(high, people) + 1) if _fits(one, figure, step)]
    if not fitting:
        return float(max(low, 0)), float(min(high, people))
    return float(fitting[0]), float(fitting[-1])


def same_bases(published: Published) -> dict[str, str]:
    """Return for each share the one whose numbers of people are its own too, where they always agree."""
    shares = sorted(published.shares)
    found = {name: name for name in shares}
    for first, second in combinations(shares, 2):
        figures = published.figures[first], published.figures[second]
        common = [key for key in figures[0].keys() & figures[1].keys() if not _hidden(figures, key)]
        if len(common) >= _ENOUGH and all(figures[0][key].count == figures[1][key].count for key in common):
            old, new = found[second], found[first]
            found = {name: new if other == old else other for name, other in found.items()}
    return found


def additive_dimensions(published: Published, indicator: str, *, is_exact: bool) -> dict[str, Additive]:
    """Return the dimensions over which the people of *indicator* add up, as far as the figures show.

    Where parts are left over nowhere, they may be so everywhere (*is_exact*), or only where it shows.
    """
    figures = published.figures[indicator]
    dimensions = ["sex", "municipality", *sorted({name for key in figures for name in _parts(key[3])})]
    found = {}
    for dimension in dimensions:
        lines = [*totals(figures, dimension)]
        people = {key: one.people for key, one in figures.items() if one.people is not None}
        left = [
            people[total] - sum(people[part] for part in parts)
            for total, parts in lines
            if people.keys() >= {total, *parts}
        ]
        if lines and min(left, default=0) >= 0:
            exact = not any(left) and (is_exact or dimension == "municipality")
            found[dimension] = Additive.EXACTLY if exact else Additive.WITH_REST
    return found


def totals(figures: Iterable[Key], dimension: str) -> Iterator[tuple[Key, Sequence[Key]]]:
    """Yield each key that is a total over *dimension*, with its parts."""
    keys = set(figures)
    parts: dict[Key, list[Key]] = {}
    for key in sorted(keys):
        total = _total_of(key, dimension)
        if total in keys:
            parts.setdefault(total, []).append(key)
    yield from parts.items()


def _total_of(key: Key, dimension: str) -> Key:
    code, sex, year, breakdown = key
    if dimension == "sex":
        return (code, "total", year, breakdown) if sex != "total" else ("", "", 0, "")
    if dimension == "municipality":
        above = {AreaType.MUNICIPALITY: area(code).parent or "", AreaType.COUNTY: "00"}
        return above.get(area(code).type, ""), sex, year, breakdown
    pairs = _parts(breakdown)
    if dimension not in pairs:
        return "", "", 0, ""
    rest = ";".join(f"{name}:{category}" for name, category in pairs.items() if name != dimension)
    return code, sex, year, rest


def _parts(breakdown: str) -> dict[str, str]:
    pairs = (one.partition(":") for one in breakdown.split(";") if one)
    return {name: category for name, _, category in pairs}


def _hidden(figures: Sequence[Mapping[Key, Figure]], key: Key) -> bool:
    return any(one[key].hidden or one[key].count is None for one in figures)


def _step(figures: Iterable[Figure]) -> float:
    decimals = [
        -int(Decimal(repr(one.value)).normalize().as_tuple().exponent)
        for one in figures
        if one.value is not None and one.is_share
    ]
    return 10.0 ** -max([0, *decimals])


def _fits(hits: int, figure: Figure, step: float) -> bool:
    """Tell whether *hits* would be published with the interval of *figure*, if it is Wilson's at 95 %."""
    if figure.low is None or figure.high is None or not figure.people:
        return True
    people = figure.people
    share, spread = hits / people, _Z95 * _Z95 / people
    middle, half = share + spread / 2, sqrt(spread * share * (1 - share) + spread * spread / 4)
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    margin = step / 2 + _SLACK
    return (
        abs(100 * max(low, 0.0) - figure.low) <= margin and abs(100 * min(high, 1.0) - figure.high) <= margin
    )
