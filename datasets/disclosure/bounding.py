"""Numbers of people that hang together by linear relations, and the range of each that they leave."""

from collections.abc import Hashable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

_NOISE = 1e-6
_INFEASIBLE, _UNBOUNDED = 2, 3
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
        self._prepared: _Prepared | None = None

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

    def range_of(self, terms: Terms) -> tuple[int, float] | None:
        """Return the least and the most, in whole numbers, that the sum of *terms* can be.

        None where the relations contradict each other.
        """
        if self._prepared is None:
            self._prepared = _Prepared(self._low, self._high, self._rows)
        return self._prepared.range_of({self._position(name): factor for name, factor in terms.items()})

    def _position(self, name: Hashable) -> int:
        if name not in self._at:
            self._prepared = None
            self._at[name] = len(self._low)
            self._low.append(0.0)
            self._high.append(np.inf)
        return self._at[name]


class _Prepared:
    """The system in parts that do not touch each other."""

    def __init__(
        self, low: list[float], high: list[float], rows: list[tuple[dict[int, float], float]]
    ) -> None:
        self.low, self.high = np.array(low), np.array(high)
        fixed = self.low >= self.high
        entries = [(number, at, factor) for number, (row, _) in enumerate(rows) for at, factor in row.items()]
        numbers, columns, factors = (
            (np.array(one) for one in zip(*entries, strict=True)) if entries else [[]] * 3
        )
        self.matrix = csr_array((factors, (numbers, columns)), shape=(len(rows), len(low)))
        self.least = np.array([least for _, least in rows])
        free = ~fixed[np.array(columns, np.int64)]
        size = len(low) + len(rows)
        links = (np.ones(int(free.sum())), (np.array(columns)[free], np.array(numbers)[free] + len(low)))
        self.parts = connected_components(csr_array(links, shape=(size, size)), directed=False)[1]
        self.of_rows, self.of_columns = self.parts[len(low) :], np.where(fixed, -1, self.parts[: len(low)])
        self.fixed = fixed
        self.contradicted = bool((self.low > self.high + _NOISE).any())

    def range_of(self, terms: Mapping[int, float]) -> tuple[int, float] | None:
        parts = {int(self.of_columns[at]) for at in terms} - {-1}
        sure = sum(factor * self.low[at] for at, factor in terms.items() if self.fixed[at])
        if self.contradicted:
            return None
        if not parts:
            return round(sure), float(round(sure))
        columns = np.flatnonzero(np.isin(self.of_columns, list(parts)))
        rows = np.flatnonzero(np.isin(self.of_rows, list(parts)))
        cost = np.array([terms.get(int(at), 0.0) for at in columns])
        least, most = self._least(cost, columns, rows), self._least(-cost, columns, rows)
        if least is None or most is None:
            return None
        return round(least + sure), float(np.rint(sure - most)) if np.isfinite(most) else np.inf

    def _least(self, cost: Floats, columns: NDArray[np.int64], rows: NDArray[np.int64]) -> float | None:
        """Return the least of *cost*: by linear programming, and in whole numbers where that is more."""
        part = self.matrix[rows]
        known = part[:, np.flatnonzero(self.fixed)] @ self.low[self.fixed]
        inner = part[:, columns]
        exact = np.isfinite(self.least[rows])
        bounds = np.column_stack([self.low[columns], self.high[columns]])
        found = linprog(
            cost,
            A_ub=inner[~exact] if (~exact).any() else None,
            b_ub=-known[~exact] if (~exact).any() else None,
            A_eq=inner[exact] if exact.any() else None,
            b_eq=-known[exact] if exact.any() else None,
            bounds=bounds,
            method="highs",
        )
        if found.status == _INFEASIBLE:
            return None
        if found.status == _UNBOUNDED:
            return -np.inf
        if np.abs(found.x - np.rint(found.x)).max(initial=0.0) <= _NOISE:
            return float(found.fun)
        whole = milp(
            cost,
            integrality=np.ones(len(columns)),
            bounds=Bounds(bounds[:, 0], bounds[:, 1]),
            constraints=LinearConstraint(inner, np.where(exact, -known, -np.inf), -known),
        )
        return float(whole.fun) if whole.status == 0 else None
