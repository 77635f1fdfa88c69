"""How far a small number can be moved while some cells are hidden, and what that says of every choice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import block_diag, csc_array, csr_array
from scipy.sparse.csgraph import connected_components

from datasets.disclosure.linked import Table
from datasets.disclosure.relations import Target
from datasets.errors import LansdataError

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
_NOISE = 1e-6
_NO_PRICE = 1e-7
_FAR = 1e5
"""No bound: far beyond every floor."""
_AT_ONCE = 20_000
"""So many quantities go into one linear programme: a small one costs more to set up than to solve."""


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


@dataclass(frozen=True, eq=False)
class _Programme:
    """How far a target moves one way, as a linear programme in the quantities that can move with it."""

    target: int
    way: int
    columns: NDArray[np.int64]
    rows: NDArray[np.int64]
    matrix: csr_array
    cost: Floats


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
        targets = self.table.targets
        unproved = [
            at
            for at, target in enumerate(targets)
            if not is_protected(target, *(proofs.reach(at, way, self.hidden) for way in (1, -1)))
        ]
        for at, ways in self._moves(unproved):
            target = targets[at]
            up, down = ways[1].reach, ways[-1].reach
            if is_protected(target, up, down):
                if not self._holds_in_people(at, target, ways, proofs):
                    yield self._another_cell()
            elif up < target.up - _NOISE:
                yield self._cut(target.up, (target, 1, ways[1]))
            elif down < target.down - _NOISE:
                yield self._cut(target.down, (target, -1, ways[-1]))
            else:
                yield self._cut(target.floor, (target, 1, ways[1]), (target, -1, ways[-1]))

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

    def _part(self, target: Target) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the quantities that can move with *target*, and the relations among them."""
        own = np.array(target.at)
        parts = np.unique(self._parts[own[self._open[own]]])
        at = np.flatnonzero(np.isin(self._parts, parts))
        return at, np.unique(self._columns[:, at].tocoo().coords[0])

    def _moves(self, wanted: Sequence[int]) -> Iterator[tuple[int, dict[int, Move]]]:
        """Yield the farthest moves of the *wanted* targets; many small programmes are solved as one."""
        batch: list[_Programme] = []
        for number, at in enumerate(wanted):
            target = self.table.targets[at]
            columns, rows = self._part(target)
            matrix = self._columns[:, columns].tocsr()[rows]
            for way in (1, -1):
                cost = np.where(np.isin(columns, target.at), -float(way), 0.0)
                batch.append(_Programme(at, way, columns, rows, matrix, cost))
            is_last = number == len(wanted) - 1
            if is_last or sum(len(one.columns) for one in batch) > _AT_ONCE:
                solved = self._solved(batch)
                yield from ((one.target, {1: up, -1: down}) for one, up, down in solved)
                batch = []

    def _solved(self, batch: Sequence[_Programme]) -> Iterator[tuple[_Programme, Move, Move]]:
        blocks = [one for one in batch if len(one.columns)]
        moves = {id(one): Move(0.0, *self._nothing()) for one in batch}
        if blocks:
            found = linprog(
                np.concatenate([one.cost for one in blocks]),
                A_ub=block_diag([-one.cost[np.newaxis] for one in blocks], format="csr"),
                b_ub=[float(self.table.targets[one.target].floor) for one in blocks],
                A_eq=block_diag([one.matrix for one in blocks], format="csr"),
                b_eq=np.zeros(sum(len(one.rows) for one in blocks)),
                bounds=np.column_stack(self._reaches(np.concatenate([one.columns for one in blocks]))),
                method="highs",
            )
            _check(found.status)
            changes = np.split(found.x, np.cumsum([len(one.columns) for one in blocks])[:-1])
            prices = np.split(found.eqlin.marginals, np.cumsum([len(one.rows) for one in blocks])[:-1])
            for one, change, price in zip(blocks, changes, prices, strict=True):
                whole, priced = self._nothing()
                whole[one.columns], priced[one.rows] = change, price
                moves[id(one)] = Move(float(-(one.cost @ change)), whole, priced)
        for up, down in zip(batch[::2], batch[1::2], strict=True):
            yield up, moves[id(up)], moves[id(down)]

    def _reaches(self, columns: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Return by how much the quantities in *columns* can be less, and more."""
        return -self.table.values[columns], np.full(len(columns), _FAR)

    def _nothing(self) -> tuple[Floats, Floats]:
        return np.zeros(len(self.table.values)), np.zeros(self._columns.shape[0])

    def _whole_move(self, target: Target, way: int) -> Floats:
        at, rows = self._part(target)
        cost = np.where(np.isin(at, target.at), -float(way), 0.0)
        found = milp(
            cost,
            integrality=np.ones(len(at)),
            bounds=Bounds(*self._reaches(at)),
            constraints=[
                LinearConstraint(-cost[np.newaxis], -np.inf, float(target.floor)),
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
