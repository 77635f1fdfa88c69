"""The figures as pictures: `/charts/{indicatorId}.svg`, `.png` and `.vl.json`."""

from typing import Any
from urllib.parse import quote, urlencode

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from api.answers import encoded
from api.charts.choice import CHART, WIDTH, Chosen, chosen, refuse_crowded
from api.charts.spec import specification
from api.links import with_changed
from api.observations import pin_of
from api.problems import not_found
from api.replies import FRESH, PINNED
from api.service import asked_in, service_in
from datasets.errors import UnknownCodeError

PATH = "/charts"
_MEDIA = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".vl.json": "application/vnd.vegalite.v6+json",
}
# a picture opened by itself may load and run nothing
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@get("/{file:str}", include_in_schema=False, opt={"parameters": CHART})
async def chart(request: Request[Any, Any, Any], file: FromPath[str]) -> Response[bytes]:
    """Return the picture of an indicator's figures, or the specification that it is drawn from."""
    indicator, form = _parted(file)
    service, asked = service_in(request), asked_in(request)
    found = await chosen(service, indicator, asked)
    refuse_crowded(found)
    spec = specification(found.figure, found.told, asked[WIDTH.name])
    if form == ".svg":
        body = await service.drawing.picture(spec, "svg")
    elif form == ".png":
        body = await service.drawing.picture(spec, "png")
    else:
        body = encoded(spec)
    return Response(body, media_type=_MEDIA[form], headers=_headers(request, found, file))


def _parted(file: str) -> tuple[str, str]:
    for form in _MEDIA:
        if file.endswith(form) and len(file) > len(form):
            return file.removesuffix(form), form
    hints = [file.partition(".")[0] + form for form in _MEDIA]
    raise not_found("file", UnknownCodeError("picture", file, hints))


def _headers(request: Request[Any, Any, Any], found: Chosen, file: str) -> dict[str, str]:
    headers = {
        "Cache-Control": PINNED if found.lasting else FRESH,
        "Content-Security-Policy": _POLICY,
    }
    if not found.question.pinned:
        pairs = with_changed(asked_in(request).pairs, **pin_of(found.question))
        base = request.scope["state"]["base"]
        headers["Content-Location"] = f"{base}{PATH}/{quote(file)}?{urlencode(pairs, safe=',:*')}"
    return headers


charts = Router(PATH, route_handlers=[chart])
