"""How far a small number can be moved while some cells are hidden, and what that says of every choice."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csc_array, csr_array
from scipy.sparse.csgraph import connected_components

from datasets.disclosure.relations import Table, Target
from datasets.errors import LansdataError

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
_NOISE = 1e-6
_NO_PRICE = 1e-7
_FAR = 1e5
"""No bound: far beyond every floor."""


class UnprotectableError(LansdataError):
    """A small number that is known whatever is hidden, or that could not be protected in time."""


class Cut(Struct, frozen=True):
    """What every safe choice keeps: the weighted sum over its hidden cells is at least `need`."""

    weights: Floats
    """One for each cell of the table."""
    need: float

    def is_kept(self, hidden: Mask) -> bool:
        """Tell whether the choice *hidden* keeps it."""
        return float(self.weights[hidden].sum()) >= self.need - _NOISE


class Move(Struct, frozen=True):
    """The farthest that a target can be moved one way: how far, by what, and the prices of the relations."""

    reach: float
    change: Floats
    prices: Floats


@dataclass
class Proofs:
    """Moves in whole people that were found once; good wherever the cells that they need are hidden."""

    found: dict[tuple[int, int], list[tuple[float, NDArray[np.int64]]]] = field(default_factory=dict)

    def reach(self, target: int, way: int, hidden: Mask) -> float:
        """Return how far *target* is proved to move that *way* where *hidden* is hidden."""
        moves = self.found.get((target, way), [])
        return max((reach for reach, cells in moves if hidden[cells].all()), default=0.0)

    def keep(self, target: int, way: int, reach: float, cells: NDArray[np.int64]) -> None:
        """Remember a move that needs *cells*."""
        self.found.setdefault((target, way), []).append((reach, cells))


def is_protected(target: Target, up: float, down: float) -> bool:
    """Tell whether a *target* that can be so much more or so much less is safe."""
    return up >= target.up - _NOISE and down >= target.down - _NOISE and up + down >= target.floor - _NOISE


class Choice:
    """One choice of hidden cells, and the attacks on it."""

    def __init__(self, table: Table, columns: csc_array, hidden: Mask) -> None:
        """Take *columns*, the rows of *table* by column."""
        self.table = table
        self.hidden = hidden
        self._columns = columns
        owned = table.owner >= 0
        self._open = ~table.known & (~owned | hidden[np.where(owned, table.owner, 0)])
        at = np.flatnonzero(self._open)
        rows, open_columns = self._columns[:, at].tocoo().coords
        size = len(at) + self._columns.shape[0]
        graph = csr_array((np.ones(len(rows)), (open_columns, rows + len(at))), shape=(size, size))
        self._parts = np.full(len(table.values), -1)
        self._parts[at] = connected_components(graph, directed=False)[1][: len(at)]

    def cuts(self, proofs: Proofs) -> Iterator[Cut]:
        """Yield what every safe choice keeps and this one does not; nothing where it is safe."""
        for at, target in enumerate(self.table.targets):
            up, down = (proofs.reach(at, way, self.hidden) for way in (1, -1))
            if is_protected(target, up, down):
                continue
            moves = {way: self._move(target, way) for way in (1, -1)}
            up, down = moves[1].reach, moves[-1].reach
            if is_protected(target, up, down):
                if not self._holds_in_people(at, target, moves, proofs):
                    yield self._another_cell()
            elif up < target.up - _NOISE:
                yield self._cut(target.up, (target, 1, moves[1]))
            elif down < target.down - _NOISE:
                yield self._cut(target.down, (target, -1, moves[-1]))
            else:
                yield self._cut(target.floor, (target, 1, moves[1]), (target, -1, moves[-1]))

    def _holds_in_people(self, at: int, target: Target, moves: dict[int, Move], proofs: Proofs) -> bool:
        """Tell whether a target that is safe in numbers is so in whole people, and remember the proof."""
        reaches = []
        for way, move in moves.items():
            whole = np.rint(move.change)
            if (
                np.abs(whole - move.change).max(initial=0.0) > _NOISE
                or abs(move.reach - round(move.reach)) > _NOISE
            ):
                whole = self._whole_move(target, way)
            reach = float(way * whole[list(target.at)].sum())
            cells = np.unique(self.table.owner[np.flatnonzero(whole)])
            proofs.keep(at, way, reach, cells[cells >= 0])
            reaches.append(reach)
        return is_protected(target, *reaches)

    def _programme(self, target: Target, way: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        """Return the quantities that can move with *target*, the relations among them, and its costs."""
        own = np.array(target.at)
        parts = np.unique(self._parts[own[self._open[own]]])
        at = np.flatnonzero(np.isin(self._parts, parts[parts >= 0]))
        rows = np.unique(self._columns[:, at].tocoo().coords[0])
        cost = np.where(np.isin(at, own), -float(way), 0.0)
        return at, rows, cost

    def _move(self, target: Target, way: int) -> Move:
        at, rows, cost = self._programme(target, way)
        change, prices = np.zeros(len(self.table.values)), np.zeros(self._columns.shape[0])
        if len(at):
            found = linprog(
                cost,
                A_ub=cost[np.newaxis] * -1.0,
                b_ub=[float(target.floor)],
                A_eq=self._columns[:, at].tocsr()[rows] if len(rows) else None,
                b_eq=np.zeros(len(rows)) if len(rows) else None,
                bounds=np.column_stack([-self.table.values[at], np.full(len(at), _FAR)]),
                method="highs",
            )
            _check(found.status)
            change[at] = found.x
            if len(rows):
                prices[rows] = found.eqlin.marginals
        return Move(float(way * change[list(target.at)].sum()), change, prices)

    def _whole_move(self, target: Target, way: int) -> Floats:
        at, rows, cost = self._programme(target, way)
        found = milp(
            cost,
            integrality=np.ones(len(at)),
            bounds=Bounds(-self.table.values[at], np.full(len(at), _FAR)),
            constraints=[
                LinearConstraint(cost[np.newaxis] * -1.0, -np.inf, float(target.floor)),
                LinearConstraint(self._columns[:, at].tocsr()[rows], 0.0, 0.0),
            ],
        )
        _check(found.status)
        change = np.zeros(len(self.table.values))
        change[at] = np.rint(found.x)
        return change

    def _cut(self, need: float, *attacks: tuple[Target, int, Move]) -> Cut:
        """Return the cut that the prices of *attacks* make: by duality it holds for every safe choice."""
        table, weights, sure = self.table, np.zeros(len(self.table.weights)), 0.0
        for target, way, move in attacks:
            gain = np.asarray(self._columns.T @ move.prices)
            gain[list(target.at)] += way
            gain[np.abs(gain) < _NO_PRICE] = 0.0
            worth = np.where(gain > 0, gain * _FAR, -gain * table.values)
            worth[table.known] = 0.0
            owned = table.owner >= 0
            sure += float(worth[~owned].sum())
            np.add.at(weights, table.owner[owned], worth[owned])
        need -= sure
        weights = np.minimum(weights, need)
        if weights.sum() < need - _NOISE:
            raise UnprotectableError("a small number is known whatever is hidden")
        return Cut(weights, need)

    def _another_cell(self) -> Cut:
        """Return the cut that some further cell is hidden: what is not enough stays so with less."""
        weights = (~self.hidden).astype(np.float64)
        if not weights.any():
            raise UnprotectableError("a small number is known in whole people whatever is hidden")
        return Cut(weights, 1.0)


def _check(status: int) -> None:
    if status != 0:
        message = f"the solver gave up with status {status}"
        raise UnprotectableError(message)
