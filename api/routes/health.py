"""What a scheduler and a reader of an error need: `/health/live`, `/health/ready`, `/problems/{slug}`."""

from html import escape
from typing import Any

from litestar import Request, Response, get
from litestar.enums import MediaType
from litestar.params import FromPath

from api.answers import encoded
from api.problems import BY_SLUG, not_found
from api.replies import FRESH, UNCACHED
from api.service import service_in
from datasets.closest import closest
from datasets.errors import UnknownCodeError

_STYLE = "font: 1.1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem"


@get("/health/live", include_in_schema=False)
async def live() -> Response[bytes]:
    """Tell that the process answers."""
    return _health({"status": "live"}, 200)


@get("/health/ready", include_in_schema=False)
async def ready(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Tell whether there is something to serve; a database that is away is told, and is no reason to stop."""
    known = service_in(request).live
    database = "reachable" if known.reachable else "away"
    body = {
        "status": "ready" if known.now.number else "waiting",
        "release": known.now.number,
        "database": database,
    }
    return _health(body, 200 if known.now.number else 503)


@get("/problems/{slug:str}", include_in_schema=False)
async def problem(slug: FromPath[str]) -> Response[str]:
    """Explain one kind of problem to a person."""
    kind = BY_SLUG.get(slug)
    if kind is None:
        raise not_found("slug", UnknownCodeError("kind of problem", slug, closest(slug, BY_SLUG)))
    page = (
        f'<!doctype html><html lang="sv"><meta charset="utf-8"><title>{escape(kind.title)}</title>'
        f'<meta name="viewport" content="width=device-width"><body style="{_STYLE}">'
        f"<main><h1>{escape(kind.title)} ({kind.status})</h1><p>{escape(kind.sv)}</p>"
        f'<p lang="en">{escape(kind.en)}</p><p><code>{escape(kind.type)}</code></p></main>'
    )
    headers = {
        "Cache-Control": FRESH,
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    return Response(page, media_type=MediaType.HTML, headers=headers)


def _health(body: dict[str, str | int], status: int) -> Response[bytes]:
    return Response(
        encoded(body), status_code=status, media_type=MediaType.JSON, headers={"Cache-Control": UNCACHED}
    )
