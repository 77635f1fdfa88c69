"""What a handler may use: the ledger's state, the cubes in memory, the settings."""

import asyncio
from contextlib import suppress
from typing import Any

from litestar import Request
from msgspec import Struct

from api.asked import Asked
from api.charts.drawing import Drawing
from api.comparisons import Comparisons
from api.feed import Feed
from api.files import Files
from api.freshness import Freshness
from api.links import Place
from api.live import Live
from api.resident import Residents
from api.search.engine import Engine
from datasets.errors import StoreUnavailableError
from datasets.settings import Settings
from datasets.store import Store

_MEGABYTE = 1 << 20
_COLD_SHARE = 0.75
"""How much of the cache is for cubes; the rest is for ready answers."""


class Service(Struct):
    """One process's service; made once, shared by all requests."""

    settings: Settings
    store: Store
    live: Live
    residents: Residents
    comparisons: Comparisons
    feed: Feed
    freshness: Freshness
    files: Files
    search: Engine
    drawing: Drawing
    warming: "asyncio.Task[None] | None" = None

    async def start(self) -> None:
        """Begin to follow the ledger, and read cubes ahead of questions."""
        await self.live.start()
        self.warming = asyncio.create_task(self._keep_warm())

    async def stop(self) -> None:
        """Stop everything that runs beside the requests."""
        if self.warming:
            self.warming.cancel()
            with suppress(asyncio.CancelledError):
                await self.warming
        await self.drawing.stop()
        await self.live.stop()

    async def _keep_warm(self) -> None:
        async for snapshot in self.live.releases():
            with suppress(StoreUnavailableError):
                await self.freshness.known()
            await self.search.over(snapshot)
            await self.residents.warm(list(snapshot.indicators.values()))


def service_of(settings: Settings, store: Store) -> Service:
    """Return the service over *store*; nothing is read yet."""
    most = int(settings.cache_mb * _MEGABYTE * _COLD_SHARE)
    live, residents = Live(store), Residents(store, most)
    files = Files(store, live)
    drawing = Drawing()
    live.when_noticed += [residents.forget, files.forget, drawing.forget]
    return Service(
        settings=settings,
        store=store,
        live=live,
        residents=residents,
        comparisons=Comparisons(store),
        feed=Feed(live, residents),
        freshness=Freshness(store, live),
        files=files,
        search=Engine(),
        drawing=drawing,
    )


def ready_bytes(settings: Settings) -> int:
    """Return how many bytes of ready answers may be kept."""
    return int(settings.cache_mb * _MEGABYTE * (1 - _COLD_SHARE))


def service_in(request: Request[Any, Any, Any]) -> Service:
    """Return the service that answers *request*."""
    service: Service = request.app.state.service
    return service


def asked_in(request: Request[Any, Any, Any]) -> Asked:
    """Return what *request* asks; its guard has read it."""
    asked: Asked = request.state.asked
    return asked


def place_in(request: Request[Any, Any, Any], path: str) -> Place:
    """Return where *request* asks for the list at *path*."""
    return Place(request.scope["state"]["base"], path, asked_in(request).pairs)
