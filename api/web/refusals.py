"""Refusals as pages, in the look of all pages; what is not a page keeps its problem+json."""

from typing import Any

from litestar import Request, Response
from msgspec import Struct

from api import problems
from api.links import PREFIX
from api.problems import RETRY_SECONDS, RefusalError, refusal_of
from api.web.pages import sent, written
from api.web.site import Site, site_of

_KINDS = {"indicatorId": "/indikator/", "datasetId": "/datamangd/", "code": "/kommun/"}
"""The page that a part of an address is on."""
_TITLES = {"not-found": "not_found", "internal": "failed", "unavailable": "failed"}
_NEVER_PAGES = (PREFIX, "/charts/", "/health/", "/problems/", "/oembed", "/static/")


class Hint(Struct, frozen=True):
    """Something that may have been meant, and where it is."""

    text: str
    href: str = ""


def told(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer *error* as a page to whoever asked for one, else as a problem."""
    path = request.scope["path"]
    wants_page = "text/html" in ",".join(request.headers.getall("accept", [])).lower()
    if path.startswith(_NEVER_PAGES) or not wants_page:
        return problems.told(request, error)
    refusal = refusal_of(error)
    if refusal.kind.slug == "internal":
        problems.told(request, error)  # it keeps the record
    return _page(request, refusal)


def _page(request: Request[Any, Any, Any], refusal: RefusalError) -> Response[str]:
    site = site_of(request)
    kind = refusal.kind
    page = written(
        "refusal.html",
        site,
        title=site.said(_TITLES.get(kind.slug, "refused")),
        words=(kind.en if site.language == "en" else kind.sv).replace("`", ""),
        detail=refusal.detail,
        hints=list(_hints(refusal, site)),
    )
    headers = {"Retry-After": str(RETRY_SECONDS)} if refusal.status in {429, 503} else {}
    # a frame on another page must be able to say what is wrong with it
    ancestors = "*" if request.scope["path"].startswith("/embed/") else "'none'"
    return sent(page, status=refusal.status, caching="no-store", ancestors=ancestors, headers=headers)


def _hints(refusal: RefusalError, site: Site) -> list[Hint]:
    faults = refusal.extra.get("invalid_parameters", ())
    return [
        Hint(one, site.page(_KINDS[fault.name] + one) if fault.name in _KINDS else "")
        for fault in faults
        for one in fault.closest
    ]
