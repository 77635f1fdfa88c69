"""The service's view of the ledger: moves to a new release at once, stays put while the database is away."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import suppress

from cachetools import LRUCache
from msgspec.structs import replace

from api.snapshot import EMPTY, Library, Past, Snapshot
from datasets.catalogue import Indicator
from datasets.errors import StoreUnavailableError
from datasets.notices import Notice, Withdrawal
from datasets.store import Store

_POLL_SECONDS = 2.0
_EARLIER_KEPT = 32
_log = logging.getLogger(__name__)
MOST_STAYS = 5_000
"""The most states of indicators that one question may look back through; each has a cube to be read."""


class TooManyStaysError(Exception):
    """A question that looks back through more states of indicators than one may."""


class Live:
    """The newest snapshot, and a few earlier ones that were asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._library = Library()
        self._earlier: LRUCache[int, Snapshot] = LRUCache(_EARLIER_KEPT)
        self._tasks: list[asyncio.Task[None]] = []
        self._stirred = asyncio.Event()
        self._moved = asyncio.Event()
        self.now = EMPTY
        self.notices: tuple[Notice, ...] = ()
        """What is on record against what was published, oldest first."""
        self.when_noticed: list[Callable[[], None]] = []
        """What is to be forgotten when a notice comes, before anybody is answered by it."""
        self.mark = 0
        """One number for the newest release and all that is on record against any."""
        self.reachable = False
        """Whether the database answered when it was last asked."""

    async def start(self) -> None:
        """Read the ledger if it can be read, then follow it until `stop`."""
        await self._refresh()
        self._tasks = [
            asyncio.create_task(self._store.listen(self._stirred.set)),
            asyncio.create_task(self._follow()),
        ]

    async def stop(self) -> None:
        """Stop following."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    def newest(self) -> Snapshot:
        """Return the newest snapshot.

        Raises StoreUnavailableError as long as nothing could be read: then nobody knows what there is.
        """
        if not self.now.number and not self.reachable:
            raise StoreUnavailableError("nothing has been read yet")
        return self.now

    async def releases(self) -> AsyncIterator[Snapshot]:
        """Yield the newest snapshot, and then each newer one that there is; for ever."""
        while True:
            moved = self._moved
            yield self.now
            await moved.wait()

    async def at(self, number: int) -> Snapshot:
        """Return the ledger as it stood at release *number*, at most the newest.

        Raises StoreUnavailableError when it is not in memory and the database is away.
        """
        if number == self.now.number:
            return self.now
        if number <= 0:
            return EMPTY
        kept = self._earlier.get(number)
        if kept is None:
            line = [release for release in self.now.line if release.number <= number]
            async with self._store.session() as session:
                snapshot = await self._library.snapshot(session, line)
            kept = self._earlier[number] = replace(snapshot, withdrawn=self.now.withdrawn)
        return kept

    async def past(
        self,
        until: int,
        *,
        after: int | None = None,
        dataset: str | None = None,
        indicators: Collection[str] | None = None,
    ) -> Past:
        """Return what stood by release *until*; with *after* only what began or ended after that release.

        What ends later than *until* is told as standing: at that release nobody knew better. Raises
        TooManyStaysError, and StoreUnavailableError when the database is away.
        """
        async with self._store.session() as session:
            stays = await session.stays(
                until, after=after, dataset=dataset, indicators=indicators, most=MOST_STAYS + 1
            )
            if len(stays) > MOST_STAYS:
                raise TooManyStaysError
            known = [
                replace(stay, ended=None) if stay.ended is not None and stay.ended > until else stay
                for stay in stays
            ]
            return await self._library.past(session, known)

    async def definitions(self, hashes: Collection[bytes]) -> Mapping[bytes, Indicator]:
        """Return the definitions named by *hashes*.

        Raises StoreUnavailableError when the database is away.
        """
        async with self._store.session() as session:
            return await self._library.definitions(session, hashes)

    async def _follow(self) -> None:
        while True:
            # a poll catches the notice that was lost
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stirred.wait(), _POLL_SECONDS)
            self._stirred.clear()
            await self._refresh()

    def _move(self, newest: Snapshot, notices: tuple[Notice, ...]) -> None:
        """Answer by *newest* and *notices* from now on."""
        withdrawn = {one.release: one for one in notices if isinstance(one, Withdrawal)}
        if len(notices) != len(self.notices):
            self._earlier.clear()
            for forget in self.when_noticed:
                forget()
        self.mark = newest.number << 20 | len(notices)
        self.notices, self.now = notices, replace(newest, withdrawn=withdrawn)
        self._moved.set()
        self._moved = asyncio.Event()

    async def _refresh(self) -> None:
        try:
            async with self._store.session() as session:
                newer = await session.releases(after=self.now.number)
                notices = tuple(await session.notices())
                if newer:
                    newest = await self._library.snapshot(session, (*self.now.line, *newer))
                else:
                    newest = self.now
                if newer or len(notices) != len(self.notices):
                    self._move(newest, notices)
        except StoreUnavailableError:
            if self.reachable:
                _log.warning("the database is away; release %d is served from memory", self.now.number)
            self.reachable = False
        except Exception:  # noqa: BLE001 whatever it is, the last release stays up and is looked at again
            _log.exception("the ledger could not be read")
            self.reachable = False
        else:
            self.reachable = True
