"""Search over the newest release: its index is built once, beside the event loop."""

import asyncio
from typing import NamedTuple

from cachetools import LRUCache

from api.search.facets import Axes, axes_of
from api.search.index import index_of
from api.search.query import Searcher
from api.snapshot import Snapshot

_SHOWN_KEPT = 8192


class Searchable(NamedTuple):
    """One release, ready to be searched."""

    number: int
    searcher: Searcher
    axes: Axes
    shown: LRUCache[tuple[int, str, str], bytes]
    """Indicators as a list shows them, by row, address in front and language."""


class Engine:
    """Keeps the newest release that was asked for ready to be searched."""

    def __init__(self) -> None:
        self._ready: Searchable | None = None
        self._building = asyncio.Lock()

    async def over(self, snapshot: Snapshot) -> Searchable:
        """Return *snapshot* ready to be searched; whoever comes while it is made waits for it."""
        ready = self._ready
        if ready is None or ready.number != snapshot.number:
            async with self._building:
                ready = self._ready
                if ready is None or ready.number != snapshot.number:
                    ready = await asyncio.to_thread(_searchable, snapshot)
                    # who still asks for an older release must not throw the newer one out
                    if self._ready is None or self._ready.number < ready.number:
                        self._ready = ready
        return ready


def _searchable(snapshot: Snapshot) -> Searchable:
    return Searchable(snapshot.number, Searcher(index_of(snapshot)), axes_of(snapshot), LRUCache(_SHOWN_KEPT))
