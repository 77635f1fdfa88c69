"""Versions compared: what differs is counted once for any two, and each page read where it stands."""

from typing import NamedTuple

from cachetools import LRUCache

from datasets.compare import Overview, change_rows, overview
from datasets.ledger import Release
from datasets.store import Store

MOST_COMPARED = 10_000_000
"""The most figures that the cubes of one comparison may hold."""
_MOST_PARTS = 100_000


class Page(NamedTuple):
    """A page of changes, each a JSON object, and what was compared."""

    rows: list[bytes]
    found: Overview


class Comparisons:
    """The overviews of the versions that were compared lately; two versions never differ otherwise."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._overviews: LRUCache[tuple[int, int], Overview] = LRUCache(
            _MOST_PARTS, getsizeof=lambda found: 1 + len(found.parts)
        )

    async def page(self, before: Release | None, after: Release, start: int, stop: int) -> Page:
        """Return the changes from the one at *start* to before *stop*.

        Raises TooMuchToCompareError, and StoreUnavailableError when the database is away.
        """
        key = (before.number if before else 0, after.number)
        async with self._store.session() as session:
            found = self._overviews.get(key)
            if found is None:
                found = await overview(session, before, after, MOST_COMPARED)
                if len(found.parts) < _MOST_PARTS:
                    self._overviews[key] = found
            return Page(await change_rows(session, found, start, stop), found)
