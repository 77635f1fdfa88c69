"""Interleaved rounds: every contender once a round, so that what slows the machine slows them all."""

from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple

Rates = Mapping[str, list[float]]
"""What was measured of each contender, a number a round."""


class Spread(NamedTuple):
    """The median of several rounds between their extremes."""

    median: float
    least: float
    most: float

    def told(self, digits: int = 2, unit: str = "") -> str:
        """Return it for people."""
        numbers = (f"{number:,.{digits}f}".replace(",", " ") for number in self)
        middle, least, most = numbers
        return f"{middle}{unit} ({least}-{most})"


def spread(numbers: list[float]) -> Spread:
    """Return the spread of *numbers*."""
    return Spread(median(numbers), min(numbers), max(numbers))


def interleaved(contenders: Mapping[str, Callable[[int], float]], rounds: int) -> dict[str, list[float]]:
    """Measure every contender once in each round; a contender is told the number of the round."""
    measured: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name, measure in contenders.items():
            measured[name].append(measure(number))
            print(f"  round {number + 1}: {name} {measured[name][-1]:.6g}", flush=True)
    return measured


def ratios(measured: Mapping[str, list[float]], ours: str, peer: str) -> Spread:
    """Return how many times *peer* the contender *ours* is, round by round."""
    return spread([own / other for own, other in zip(measured[ours], measured[peer], strict=True)])
