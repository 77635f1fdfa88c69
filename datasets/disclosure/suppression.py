"""Which further cells to hide so that no small number can be worked out, with the least loss.

Cutting planes (Fischetti and Salazar): a set cover in the cells alone, and the attacker's linear programme,
whose duals are the cuts. Hiding more never helps an attacker, so every cut holds for good.
"""

import time

import numpy as np
from msgspec import Struct
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array, csr_array

from datasets.disclosure.cuts import Choice, Cut, Mask, Proofs, UnprotectableError
from datasets.disclosure.linked import Table

_NOISE = 1e-6
_NEAR = 0.1
"""How far above the least loss a choice may be, as a part of it, in a table of very many cells."""


class Effort(Struct, frozen=True, kw_only=True):
    """How long the least loss is looked for; beyond it the choice is as safe, and how good it is is told."""

    exact_cells: int = 600
    """Beyond so many the loss is within a tenth of the least."""
    exact_seconds: float = 60.0
    """After this cells are hidden one after the other."""
    longest_seconds: float = 900.0
    """After this nothing is published."""


class Suppression(Struct, frozen=True, kw_only=True):
    """The cells to hide, and how good the choice is."""

    hidden: Mask
    loss: float
    """The weights of what is hidden beyond what must be."""
    least: float
    """What no safe choice can go below; the loss itself where the choice is the best there is."""

    @property
    def is_exact(self) -> bool:
        """Tell whether nothing safe loses less."""
        return self.loss <= self.least + _NOISE


def suppress(table: Table, effort: Effort | None = None) -> Suppression:
    """Return which cells of *table* to hide so that every target is protected, with the least loss.

    Raises UnprotectableError where a target is known even if everything is hidden, or time runs out.
    """
    return _Search(table, effort or Effort()).run()


class _Search:
    """The rounds: choose, attack, cut, until no attack succeeds."""

    def __init__(self, table: Table, effort: Effort) -> None:
        self.table = table
        self.effort = effort
        self.columns = csc_array(table.rows)
        self.proofs = Proofs()
        self.cuts: list[Cut] = []
        self.free = ~table.hidden
        self.began = time.monotonic()

    def run(self) -> Suppression:
        least, hidden, is_solved = 0.0, self.table.hidden.copy(), True
        gap = 0.0 if int(self.free.sum()) <= self.effort.exact_cells else _NEAR
        while new := [*Choice(self.table, self.columns, hidden).cuts(self.proofs)]:
            self.cuts += new
            best = self._best(gap) if is_solved else None
            is_solved = best is not None
            if best is not None:
                hidden, least = best
            else:
                hidden = self._covered(hidden)
            if self._seconds() > self.effort.longest_seconds:
                message = f"{len(self.free)} cells could not be protected in {self._seconds():.0f} s"
                raise UnprotectableError(message)
        if gap or not is_solved:
            hidden = self._thinned(hidden)
        return Suppression(hidden=hidden, loss=self._loss(hidden), least=least)

    def _seconds(self) -> float:
        return time.monotonic() - self.began

    def _loss(self, hidden: Mask) -> float:
        return float(self.table.weights[hidden & self.free].sum())

    def _best(self, gap: float) -> tuple[Mask, float] | None:
        """Return a choice that keeps every cut and what none of them can go below; None where time ran out.

        The loss is the least there is, or by the *gap* above it at the most.
        """
        left = self.effort.exact_seconds - self._seconds()
        if left <= 0:
            return None
        found = milp(
            np.where(self.free, self.table.weights, 0.0),
            integrality=np.ones(len(self.free)),
            bounds=Bounds(self.table.hidden.astype(np.float64), 1.0),
            constraints=LinearConstraint(
                csr_array(np.array([cut.weights for cut in self.cuts])),
                np.array([cut.need for cut in self.cuts]) - _NOISE,
            ),
            options={"time_limit": left, "mip_rel_gap": gap},
        )
        if found.status != 0:
            return None
        hidden = np.asarray(found.x) > 1 / 2
        return hidden, self._loss(hidden) if gap == 0 else max(float(found.mip_dual_bound), 0.0)

    def _covered(self, hidden: Mask) -> Mask:
        """Return *hidden* and the cheapest cells for their worth that keep each cut, one after the other."""
        hidden = hidden.copy()
        for cut in self.cuts:
            while not cut.is_kept(hidden):
                worth = np.where(hidden, 0.0, cut.weights)
                price = self.table.weights / np.maximum(worth, _NOISE * _NOISE)
                hidden[np.argmin(price)] = True
        return hidden

    def _thinned(self, hidden: Mask) -> Mask:
        """Return *hidden* without the cells, dearest first, that protect nothing."""
        extra = np.flatnonzero(hidden & self.free)
        for cell in extra[np.argsort(-self.table.weights[extra], kind="stable")]:
            fewer = hidden.copy()
            fewer[cell] = False
            if next(Choice(self.table, self.columns, fewer).cuts(self.proofs), None) is None:
                hidden = fewer
        return hidden
