"""The application: the routes, their errors and their life, with the front before them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from litestar import Litestar, Request, Router
from litestar.datastructures import State
from litestar.types import ASGIApp

from api.asked import check_query
from api.front import Front
from api.lifecycle import tell_lifecycle
from api.links import PREFIX
from api.manners import Counted
from api.observations import PATH
from api.pxweb.routes import face
from api.ready import ReadyAnswers
from api.replies import refuse_other_media
from api.routes import (
    about,
    catalogue,
    changes,
    charts,
    datasets,
    files,
    freshness,
    guide,
    health,
    indicators,
    metrics,
    municipalities,
    observations,
    releases,
)
from api.service import ready_bytes, service_of
from api.web import refusals
from api.web.routes import pages
from datasets.settings import Settings
from datasets.store import Store

HANDLERS = (
    about.api_info,
    about.openapi_json,
    about.config,
    about.statuses,
    datasets.datasets,
    datasets.dataset,
    datasets.versions,
    datasets.version,
    files.file,
    changes.changes,
    indicators.indicators,
    indicators.indicator,
    municipalities.municipalities,
    observations.observations,
    releases.releases,
    freshness.freshness,
    releases.releases_atom,
)
GUIDE = (guide.guide, guide.trying, guide.asset, guide.llms)


def routes() -> Router:
    """Return the versioned API."""
    return Router(PREFIX, route_handlers=HANDLERS, before_request=_take_json)


def application(settings: Settings, store: Store) -> ASGIApp:
    """Return the service over *store* as an ASGI application."""
    service = service_of(settings, store)

    @asynccontextmanager
    async def life(_: Litestar) -> AsyncIterator[None]:
        await service.start()
        try:
            yield
        finally:
            await service.stop()
            await store.close()

    inner = Litestar(
        route_handlers=[
            routes(),
            charts.charts,
            pages,
            face(),
            *GUIDE,
            catalogue.catalog,
            health.live,
            metrics.metrics,
            health.ready,
            health.problem,
        ],
        guards=[check_query],
        exception_handlers={Exception: refusals.told},
        lifespan=[life],
        before_send=[tell_lifecycle],
        state=State({"service": service}),
        openapi_config=None,
    )
    shortcuts = {
        f"{PREFIX}{path}".encode(): partial(at_once, service)
        for path, at_once in ((PATH, observations.at_once), (indicators.PATH, indicators.at_once))
    }
    ready = ReadyAnswers(ready_bytes(settings))
    front = Front(inner, service.live, ready, public_url=settings.public_url, shortcuts=shortcuts)
    return Counted(front, settings.rate, settings.trusted_proxies) if settings.rate else front


async def _take_json(request: Request[Any, Any, Any]) -> None:
    if request.route_handler.opt.keys() & {"any_media", "formats"}:
        return  # there is more than JSON, and the handler chooses
    refuse_other_media(",".join(request.headers.getall("accept", [])))
