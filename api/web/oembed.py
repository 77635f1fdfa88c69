"""oEmbed: from the address of an indicator's page to the frame that shows it elsewhere."""

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from litestar import Request, Response, get
from msgspec import Struct

from api.about import NAME
from api.answers import encoded
from api.asked import asked_of
from api.charts.choice import CHOICE, chosen, question_for, refuse_crowded, with_values
from api.parameters import Parameter
from api.problems import InvalidParameter, RefusalError
from api.replies import FRESH
from api.service import asked_in, service_in
from api.texts import RefusedTextError, whole
from api.web.choosing import pairs_of, with_defaults
from api.web.examples import frame
from api.web.site import Site

_LONGEST = 2000
_PATH = re.compile(r"(?P<english>/en)?/(?:indikator|embed)/(?P<indicator>[^/]+)")
_WIDTH, _HEIGHT = 720, 640
_MOST = 10_000
_CACHED_SECONDS = 3600
_NOT_IMPLEMENTED = 501


def _address(text: str) -> str:
    if len(text) > _LONGEST or not text.isprintable():
        raise RefusedTextError("is no address")
    return text


def _form(text: str) -> str:
    return text


URL = Parameter(
    name="url",
    description="Sidans adress. / Address of the page.",
    read=_address,
    schema={"type": "string", "format": "uri"},
    example="https://lansdata.regionkalmar.se/indikator/N21704",
)
MOST_WIDE = Parameter(
    name="maxwidth",
    description="Största bredd. / Most width.",
    read=whole(1, _MOST),
    schema={"type": "integer", "minimum": 1},
    example="600",
)
MOST_HIGH = Parameter(
    name="maxheight",
    description="Största höjd. / Most height.",
    read=whole(1, _MOST),
    schema={"type": "integer", "minimum": 1},
    example="600",
)
FORM = Parameter(
    name="format",
    description="Svarets format. / Format of the answer.",
    read=_form,
    schema={"type": "string", "enum": ["json"]},
    example="json",
    default="json",
)


class Rich(Struct, frozen=True, kw_only=True):
    """An answer of oEmbed, in its own snake_case."""

    type: str
    version: str
    title: str
    provider_name: str
    provider_url: str
    cache_age: int
    html: str
    width: int
    height: int


@get("/oembed", include_in_schema=False, opt={"parameters": (URL, MOST_WIDE, MOST_HIGH, FORM)})
async def oembed(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return the frame that shows what is at an address of ours."""
    asked, base = asked_in(request), request.scope["state"]["base"]
    if asked["format"] != "json":
        raise RefusalError("bad-request", "only json is to be had here", status=_NOT_IMPLEMENTED)
    indicator, language, query = _ours(asked["url"] or "", base)
    inner = asked_of(query, CHOICE)
    inner = with_values(inner, lang=language or inner["lang"])
    service = service_in(request)
    state = (await question_for(service, indicator, inner)).indicators[0]
    whole_choice = with_defaults(inner, state)
    found = await chosen(service, indicator, whole_choice)
    refuse_crowded(found)
    site = Site(base, inner["lang"], f"/indikator/{indicator}", tuple(pairs_of(whole_choice)))
    width = min(_WIDTH, asked["maxwidth"] or _WIDTH)
    height = min(_HEIGHT, asked["maxheight"] or _HEIGHT)
    body = Rich(
        type="rich",
        version="1.0",
        title=found.told.title,
        provider_name=NAME,
        provider_url=base,
        cache_age=_CACHED_SECONDS,
        html=frame(site, indicator, found.told.title, str(width), height),
        width=width,
        height=height,
    )
    return Response(encoded(body), media_type="application/json", headers={"Cache-Control": FRESH})


def _ours(url: str, base: str) -> tuple[str, str, bytes]:
    """Return indicator, language and query of an address of ours; raises a 404 for any other."""
    own = urlsplit(base)
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    path = parts.path.removeprefix(own.path)
    found = _PATH.fullmatch(path)
    if found is None or parts.netloc != own.netloc or parts.scheme not in {"http", "https"}:
        fault = InvalidParameter(name="url", reason="is no page of an indicator here", value=url[:200])
        raise RefusalError("not-found", "there is no figure at that address", invalid_parameters=(fault,))
    query = "&".join(part for part in parts.query.split("&") if part.partition("=")[2])
    return unquote(found["indicator"]), "en" if found["english"] else "", query.encode("ascii", "ignore")
