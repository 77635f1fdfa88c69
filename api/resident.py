"""The cubes in memory: a cache bounded in bytes, filled by hash on a miss and warmed ahead of questions."""

import asyncio
import logging
from collections.abc import Collection, Sequence

from cachetools import LRUCache

from api.rows import ResidentCube
from api.snapshot import IndicatorState
from datasets.errors import StoreUnavailableError
from datasets.store import Store

_log = logging.getLogger(__name__)
_WARM_AT_ONCE = 20


class Residents:
    """Cubes by the hash of their figures, so that a cube in the cache can never be stale."""

    def __init__(self, store: Store, most_bytes: int) -> None:
        self._store = store
        self._cubes: LRUCache[tuple[bytes, str], ResidentCube] = LRUCache(
            most_bytes, getsizeof=lambda cube: cube.bytes_held
        )
        self._reading = asyncio.Lock()

    @property
    def bytes_held(self) -> int:
        """Return how much of the cache is taken."""
        return int(self._cubes.currsize)

    async def cubes(self, states: Sequence[IndicatorState], *, keep: bool = True) -> list[ResidentCube]:
        """Return the cubes of *states*, in their order; the database is asked for those not in memory.

        They are kept for the next question unless told otherwise: states long gone would drive out the
        newest.
        Raises StoreUnavailableError when one is not in memory and the database is away.
        """
        names = [_key(state) for state in states]
        found = {name: cube for name in names if (cube := self._cubes.get(name)) is not None}
        if len(found) < len(names):
            async with self._reading:
                # somebody else may have read them while this waited
                found |= {name: cube for name in names if (cube := self._cubes.get(name)) is not None}
                found |= await self._read(set(names) - found.keys(), keep=keep)
        return [found[name] for name in names]

    def forget(self) -> None:
        """Forget every cube: one of them may have been erased."""
        self._cubes.clear()

    async def warm(self, states: Sequence[IndicatorState]) -> None:
        """Read the cubes of *states* ahead of questions, until half of the cache is taken."""
        waiting = [state for state in states if _key(state) not in self._cubes]
        for start in range(0, len(waiting), _WARM_AT_ONCE):
            if self._cubes.currsize * 2 > self._cubes.maxsize:
                break
            try:
                await self.cubes(waiting[start : start + _WARM_AT_ONCE])
            except StoreUnavailableError:
                _log.info("the database went away while cubes were read ahead")
                break

    async def _read(
        self, names: Collection[tuple[bytes, str]], *, keep: bool
    ) -> dict[tuple[bytes, str], ResidentCube]:
        if not names:
            return {}
        async with self._store.session() as session:
            cubes = await session.cubes({data_sha256 for data_sha256, _ in names})
        read = {name: ResidentCube(name[1], cubes[name[0]]) for name in names}
        for name, cube in read.items():
            if keep and cube.bytes_held <= self._cubes.maxsize:
                self._cubes[name] = cube
        return read


def _key(state: IndicatorState) -> tuple[bytes, str]:
    # two indicators may have the same figures, but their rows name the indicator
    return state.data_sha256, state.definition.id
