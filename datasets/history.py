"""When each figure was what: its published states, from the cubes of one indicator one after the other."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from datasets.changes import Ranks, difference, keys_of
from datasets.cube import Cube, Floats, Positions, cube_from

_NOTHING = cube_from(())


@dataclass(frozen=True, eq=False, kw_only=True)
class States:
    """States of figures, one entry each, ordered by key and beginning.

    A state stands from the release `began` to before the release `ended`, which is 0 while it stands. The
    figure of a state is at `position` in the cube number `cube` of those that were added; where it is `gone`,
    that is the figure which was removed, and the state is that there is none.
    """

    key: NDArray[np.int64]
    """As `keys_of` numbers them, by the ranks of the timeline."""
    cube: NDArray[np.int64]
    position: Positions
    began: NDArray[np.int64]
    ended: NDArray[np.int64]
    gone: NDArray[np.bool_]
    value: Floats
    """NaN where there is none."""

    def __len__(self) -> int:
        return len(self.key)

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """Return the *chosen* states, by position or by mask."""
        return type(self)(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


class Timeline:
    """The cubes of one indicator, added in the order in which they stood; only the last is kept in memory."""

    def __init__(self, ranks: Ranks) -> None:
        """Begin with nothing; *ranks* must know every code of the cubes that will be added."""
        self._ranks = ranks
        self._cube, self._positions, self._number = _NOTHING, np.empty(0, np.int64), -1
        self._ended: int | None = None
        self._begun: list[States] = []

    def add(self, began: int, ended: int | None, cube: Cube, positions: Positions) -> None:
        """Add the figures at *positions* of a *cube* that stood from *began* to before *ended*."""
        if self._ended is not None and self._ended < began:
            self._end()
        part = Cube(cube.municipalities, cube.breakdowns, cube.columns.take(positions))
        changed = difference(self._cube, part)
        self._note(began, changed.removed, gone=True)
        self._cube, self._positions, self._number = part, positions, self._number + 1
        self._ended = ended
        self._note(began, np.concatenate([changed.added, changed.revised_after]))

    def follows(self, began: int) -> bool:
        """Tell whether a cube that stood from *began* comes right after the last one."""
        return self._ended == began

    def repeat(self, ended: int | None) -> None:
        """Add the last figures again, which stood on until before *ended*."""
        self._number += 1
        self._ended = ended

    def states(self) -> States:
        """Return every state that there was; nothing can be added afterwards."""
        if self._ended is not None:
            self._end()
        begun = _joined(self._begun)
        order = np.lexsort([begun.began, begun.key])
        states = begun.take(order)
        # every state of a figure ends when its next one begins
        follows = np.flatnonzero(states.key[1:] == states.key[:-1])
        states.ended[follows] = states.began[follows + 1]
        return states

    def _end(self) -> None:
        """Let the figures end with the cube that they are in."""
        self._note(self._ended or 0, np.arange(len(self._cube)), gone=True)
        self._cube, self._positions = _NOTHING, np.empty(0, np.int64)

    def _note(self, release: int, at: Positions, *, gone: bool = False) -> None:
        """Let states begin at *release*, of the figures at *at* in the last cube."""
        if not len(at):
            return
        self._begun.append(
            States(
                key=keys_of(self._cube, self._ranks)[at],
                cube=np.full(len(at), self._number),
                position=self._positions[at],
                began=np.full(len(at), release),
                ended=np.zeros(len(at), np.int64),
                gone=np.full(len(at), gone),
                value=np.full(len(at), np.nan) if gone else self._cube.columns.value[at],
            )
        )


def _joined(parts: list[States]) -> States:
    none = np.empty(0, np.int64)
    empty = States(
        key=none,
        cube=none,
        position=none,
        began=none,
        ended=none,
        gone=np.empty(0, np.bool_),
        value=np.empty(0),
    )
    return States(
        **{
            field.name: np.concatenate([getattr(one, field.name) for one in (empty, *parts)])
            for field in fields(States)
        }
    )
