"""Replies of handlers: bytes of JSON with the caching that the address allows, visible where it is chosen."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from litestar import Request, Response
from litestar.enums import MediaType

from api import links
from api.answers import Meta, answer_bytes, encoded
from api.formats import weights_of
from api.links import Link, Place
from api.problems import RefusalError
from api.service import asked_in, place_in

PINNED = "public, max-age=31536000, immutable"
FRESH = "public, max-age=60, stale-while-revalidate=600, stale-if-error=86400"
REVALIDATED = "no-cache"
UNCACHED = "no-store"
_JSON = ("application/json", "application/*", "*/*")
"""What means JSON in an `Accept`, the most exact first: that one's weight counts."""
_Row = TypeVar("_Row")


def reply(
    body: bytes, caching: str, told: Mapping[str, Link] | None = None, location: str = ""
) -> Response[bytes]:
    """Return *body* with its caching; `next` and `prev` of the links *told* stand in a Link header too."""
    return Response(body, media_type=MediaType.JSON, headers=headers_of(caching, told, location))


def headers_of(caching: str, told: Mapping[str, Link] | None, location: str) -> dict[str, str]:
    """Return the headers of a reply, but for those that every reply has."""
    headers = {"Cache-Control": caching}
    turns = [f'<{told[rel].href}>; rel="{rel}"' for rel in ("next", "prev") if told and rel in told]
    if turns:
        headers["Link"] = ", ".join(turns)
    if location:
        headers["Content-Location"] = location
    return headers


def one(body: Any, caching: str = FRESH) -> Response[bytes]:
    """Return one resource."""
    return reply(encoded(body), caching)


def listed(
    request: Request[Any, Any, Any], path: str, name: str, rows: Sequence[Any], caching: str = FRESH
) -> Response[bytes]:
    """Return the page of *rows* that *request* asks for, under *name*."""
    asked, place = asked_in(request), place_in(request, path)
    page, limit = asked["page"], asked["limit"]
    shown = on_page(rows, page, limit)
    meta = Meta(total_records=len(rows), page=page, limit=limit, count=len(shown))
    return paged(place, name, encoded(shown)[1:-1], meta, caching)


def on_page(rows: Sequence[_Row], page: int, limit: int) -> Sequence[_Row]:
    """Return the part of *rows* that stands on a page; page 0 is outside the range and so empty."""
    return rows[(page - 1) * limit : page * limit] if page else rows[:0]


def paged(place: Place, name: str, rows: bytes, meta: Meta, caching: str = FRESH) -> Response[bytes]:
    """Return one page of a list, its *rows* as JSON already and joined by commas."""
    body, headers = paged_bytes(place, name, rows, meta, caching)
    return Response(body, media_type=MediaType.JSON, headers=headers)


def paged_bytes(
    place: Place, name: str, rows: bytes, meta: Meta, caching: str = FRESH
) -> tuple[bytes, dict[str, str]]:
    """Return the body of such a page, and the headers of its own."""
    told = links.paging(place, meta.page, -(-meta.total_records // meta.limit), {})
    return answer_bytes(name, rows, meta, told), headers_of(caching, told, "")


def refuse_other_media(accept: str, taken: Sequence[str] = _JSON) -> None:
    """Refuse a request that takes nothing of what is *taken* for what we send; raises RefusalError."""
    weights = weights_of(accept)
    weight = next((weights[kind] for kind in taken if kind in weights), 0.0 if weights else 1.0)
    if not weight:
        raise RefusalError("not-acceptable", f"only {taken[0]} is to be had here")
