"""Numbers of people that hang together by linear relations, and the range of each that they leave."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csc_array, csr_array, eye_array, kron
from scipy.sparse.csgraph import connected_components

_NOISE = 1e-6
_FAR = 1e6
"""No bound: far beyond everybody there is in a municipality."""
_AT_ONCE = 20_000
"""So many numbers go into one linear programme, since a small one costs more to set up than to solve."""
_SECONDS = 20.0
Terms = Mapping[Hashable, float]
Floats = NDArray[np.float64]


class System:
    """Unknown whole numbers from 0, each within its bounds, and the relations among them."""

    def __init__(self) -> None:
        self._at: dict[Hashable, int] = {}
        self._low: list[float] = []
        self._high: list[float] = []
        self._rows: list[tuple[dict[int, float], float]] = []
        """Each with the least that it may be; the most is 0."""

    def within(self, name: Hashable, low: float, high: float) -> None:
        """Hold *name* between *low* and *high*, beside what holds it already."""
        at = self._position(name)
        self._low[at], self._high[at] = max(self._low[at], low), min(self._high[at], high)

    def equal(self, terms: Terms) -> None:
        """Hold the sum of *terms* at 0."""
        self._rows.append(({self._position(name): factor for name, factor in terms.items()}, 0.0))

    def at_most(self, name: Hashable, most: Hashable) -> None:
        """Hold *name* at or under *most*."""
        self._rows.append(({self._position(name): 1.0, self._position(most): -1.0}, -np.inf))

    def ranges(self, wanted: Sequence[Terms]) -> list[tuple[int, float] | None]:
        """Return the least and the most, in whole numbers, that each sum of *wanted* terms can be.

        None where the relations contradict each other.
        """
        asked = [{self._position(name): factor for name, factor in terms.items()} for terms in wanted]
        return _Parts(self._low, self._high, self._rows).ranges(asked)

    def _position(self, name: Hashable) -> int:
        if name not in self._at:
            self._at[name] = len(self._low)
            self._low.append(0.0)
            self._high.append(np.inf)
        return self._at[name]


class _Parts:
    """The system in parts that do not touch each other, once what is known is known."""

    def __init__(
        self, low: list[float], high: list[float], rows: list[tuple[dict[int, float], float]]
    ) -> None:
        self.low, self.high = np.array(low), np.array(high)
        self.fixed = self.low >= self.high
        self.contradicted = bool((self.low > self.high + _NOISE).any())
        entries = np.array(
            [(number, at, factor) for number, (row, _) in enumerate(rows) for at, factor in row.items()]
        ).reshape(-1, 3)
        numbers, columns = entries[:, 0].astype(np.int64), entries[:, 1].astype(np.int64)
        self.matrix = csc_array((entries[:, 2], (numbers, columns)), shape=(len(rows), len(low)))
        least = np.array([least for _, least in rows])
        known = self.matrix[:, np.flatnonzero(self.fixed)] @ self.low[self.fixed]
        self.row_low, self.row_high = least - known, -known
        free = ~self.fixed[columns]
        size = len(low) + len(rows)
        links = (np.ones(int(free.sum())), (columns[free], numbers[free] + len(low)))
        labels = connected_components(csr_array(links, shape=(size, size)), directed=False)[1]
        self.of_columns, self.of_rows = np.where(self.fixed, -1, labels[: len(low)]), labels[len(low) :]

    def ranges(self, wanted: Sequence[dict[int, float]]) -> list[tuple[int, float] | None]:
        """Return the range of each sum; those within the same parts are worked out together."""
        found: list[tuple[int, float] | None] = [None] * len(wanted)
        if self.contradicted:
            return found
        together: dict[frozenset[int], list[int]] = {}
        for number, terms in enumerate(wanted):
            together.setdefault(frozenset(int(self.of_columns[at]) for at in terms) - {-1}, []).append(number)
        for parts, numbers in together.items():
            sure = [
                sum(factor * self.low[at] for at, factor in wanted[one].items() if self.fixed[at])
                for one in numbers
            ]
            ends = (
                _Part(self, parts).ends([wanted[one] for one in numbers])
                if parts
                else np.zeros((len(numbers), 2))
            )
            if ends is not None:
                for one, base, (low, high) in zip(numbers, sure, ends, strict=True):
                    found[one] = (round(base + low), np.inf if high > _FAR / 2 else float(round(base + high)))
        return found


class _Part:
    """The unknown numbers of some parts, and what holds them."""

    def __init__(self, whole: _Parts, parts: Collection[int]) -> None:
        self.columns = np.flatnonzero(np.isin(whole.of_columns, list(parts)))
        rows = np.flatnonzero(np.isin(whole.of_rows, list(parts)))
        self.matrix = whole.matrix[:, self.columns].tocsr()[rows]
        self.row_low, self.row_high = whole.row_low[rows], whole.row_high[rows]
        self.low, self.high = whole.low[self.columns], np.minimum(whole.high[self.columns], _FAR)

    def ends(self, wanted: Sequence[dict[int, float]]) -> Floats | None:
        """Return the least and the most of each sum, or None where the relations contradict each other."""
        costs = np.array([[terms.get(int(at), 0.0) for at in self.columns] for terms in wanted])
        both = np.concatenate([costs, -costs])
        least: list[float] = []
        for some in np.array_split(both, ceil(both.size / _AT_ONCE)):
            told = self._least(some)
            if told is None:
                return None
            least += told
        return np.column_stack([least[: len(costs)], -np.array(least[len(costs) :])])

    def _least(self, costs: Floats) -> list[float] | None:
        """Return the least of each of *costs*: copies of the part side by side are one linear programme."""
        exact = np.isfinite(self.row_low)
        copies = eye_array(len(costs))
        found = linprog(
            costs.ravel(),
            A_ub=kron(copies, self.matrix[~exact]) if (~exact).any() else None,
            b_ub=np.tile(self.row_high[~exact], len(costs)) if (~exact).any() else None,
            A_eq=kron(copies, self.matrix[exact]) if exact.any() else None,
            b_eq=np.tile(self.row_high[exact], len(costs)) if exact.any() else None,
            bounds=np.tile(np.column_stack([self.low, self.high]), (len(costs), 1)),
            method="highs",
        )
        if found.status != 0:
            return None
        points = found.x.reshape(len(costs), -1)
        whole = np.abs(points - np.rint(points)).max(axis=1) <= _NOISE
        ends = (points * costs).sum(axis=1)
        return [
            float(end) if is_whole else self._whole(cost, end)
            for cost, end, is_whole in zip(costs, ends, whole, strict=True)
        ]

    def _whole(self, cost: Floats, bound: float) -> float:
        """Return the least of *cost* in whole numbers; *bound*, which is sure, where none is found."""
        found = milp(
            cost,
            integrality=np.ones(len(cost)),
            bounds=Bounds(self.low, self.high),
            constraints=LinearConstraint(self.matrix, self.row_low, self.row_high),
            options={"time_limit": _SECONDS},
        )
        return float(np.rint(found.fun)) if found.status == 0 else float(np.ceil(bound - _NOISE))
