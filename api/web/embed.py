"""Figures on other pages: as data for the component, as a frame, and whether there are newer ones."""

import re
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from msgspec import Struct

from api.answers import encoded
from api.charts.choice import CHOICE, Chosen, chosen, question_for, refuse_crowded
from api.parameters import Parameter
from api.replies import FRESH, PINNED, one
from api.service import asked_in, service_in
from api.texts import RefusedTextError
from api.web.choosing import pairs_of, with_defaults
from api.web.examples import frame_address, pairs_with_language
from api.web.pages import sent, written
from api.web.site import Site
from api.web.tables import Table, table_of


def _sha256(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise RefusedTextError("is not a sha256 in hexadecimal digits")
    return text


FIGURES = Parameter(
    name="figures",
    description="Siffrornas sha256, som de visas. / The sha256 of the figures as shown.",
    read=_sha256,
    schema={"type": "string", "pattern": "^[0-9a-f]{64}$"},
    example="0" * 64,
)


class Embedded(Struct, frozen=True, kw_only=True):
    """Everything that the component shows; the addresses are whole."""

    language: str
    title: str
    subtitle: str
    summary: str
    alternative: str
    breaks: tuple[str, ...]
    absent: tuple[str, ...]
    notes: tuple[str, ...]
    source: str
    table: Table
    chart: str
    page: str
    newer: str
    """Where to ask whether there are newer figures; empty where these are the latest anyway."""


class Newer(Struct, frozen=True):
    """Whether an indicator has other figures now than those that are shown."""

    newer: bool
    version: str


@get("/embed/{indicatorId:str}/figure.json", include_in_schema=False, opt={"parameters": CHOICE})
async def figure(request: Request[Any, Any, Any], indicatorId: FromPath[str]) -> Response[bytes]:  # noqa: N803
    """Return what the component shows."""
    found, site = await _found(request, indicatorId)
    told = found.told
    body = Embedded(
        language=site.language,
        title=told.title,
        subtitle=told.subtitle,
        summary=told.summary,
        alternative=told.alternative,
        breaks=told.breaks,
        absent=told.absent,
        notes=told.notes,
        source=told.source,
        table=table_of(found.figure),
        chart=site.absolute(f"/charts/{indicatorId}.svg", pairs_with_language(site)),
        page=_page(site, indicatorId),
        newer=_newer(found, site, indicatorId),
    )
    return one_of(encoded(body), found)


@get("/embed/{indicatorId:str}", include_in_schema=False, opt={"parameters": CHOICE})
async def frame(request: Request[Any, Any, Any], indicatorId: FromPath[str]) -> Response[str]:  # noqa: N803
    """Return a page that stands in a frame on another page."""
    found, site = await _found(request, indicatorId)
    text = written(
        "frame.html",
        site,
        title=found.told.title,
        told=found.told,
        table=table_of(found.figure),
        chart=site.plain(f"/charts/{indicatorId}.svg", pairs_with_language(site)),
        chart_narrow=site.plain(f"/charts/{indicatorId}.svg", [*pairs_with_language(site), ("width", "340")]),
        page=_page(site, indicatorId),
        newer=_newer(found, site, indicatorId),
        oembed=site.absolute("/oembed", [("url", frame_address(site, indicatorId)), ("format", "json")]),
    )
    return sent(text, caching=PINNED if found.lasting else FRESH, ancestors="*")


@get("/embed/{indicatorId:str}/newer.json", include_in_schema=False, opt={"parameters": (FIGURES,)})
async def newer(request: Request[Any, Any, Any], indicatorId: FromPath[str]) -> Response[bytes]:  # noqa: N803
    """Tell whether an indicator has other figures now."""
    snapshot, shown = service_in(request).live.newest(), asked_in(request)["figures"]
    state = snapshot.indicators.get(indicatorId)
    if state is None:
        return one(Newer(newer=False, version=""))
    version = str(snapshot.datasets[state.dataset].release.version)
    return one(Newer(newer=state.data_sha256.hex() != shown, version=version))


def one_of(body: bytes, found: Chosen) -> Response[bytes]:
    """Return *body* with the caching that its question allows."""
    headers = {"Cache-Control": PINNED if found.lasting else FRESH}
    return Response(body, media_type="application/json", headers=headers)


async def _found(request: Request[Any, Any, Any], indicator: str) -> tuple[Chosen, Site]:
    """Return what is asked for; where nothing is chosen it is what the indicator's page would show."""
    service, asked = service_in(request), asked_in(request)
    # of the state that is asked for, not of today's: a pinned figure must choose the same for ever
    state = (await question_for(service, indicator, asked)).indicators[0]
    whole = with_defaults(asked, state)
    base = request.scope["state"]["base"]
    site = Site(base, asked["lang"], f"/indikator/{indicator}", tuple(pairs_of(whole)))
    found = await chosen(service, indicator, whole)
    refuse_crowded(found)
    return found, site


def _page(site: Site, indicator: str) -> str:
    """Return the page that tells all of it, as the figures are now."""
    kept = [(name, text) for name, text in site.pairs if name not in {"version", "asOf"}]
    before = "/en" if site.language == "en" else ""
    return site.absolute(f"{before}/indikator/{indicator}", kept)


def _newer(found: Chosen, site: Site, indicator: str) -> str:
    if not found.question.pinned:
        return ""
    shown = found.question.indicators[0].data_sha256.hex()
    return site.absolute(f"/embed/{indicator}/newer.json", [("figures", shown)])
