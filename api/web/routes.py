"""Every page, and the files that pages need."""

from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from api.problems import not_found
from api.replies import PINNED
from api.web import assets, dataset, embed, indicator, lists, municipality, oembed, refusals
from datasets.closest import closest
from datasets.errors import UnknownCodeError


@get("/static/{name:str}", include_in_schema=False)
async def static(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:  # noqa: ARG001
    """Return a file that pages need; its name holds its hash."""
    found = assets.served().get(name)
    if found is None:
        raise not_found("name", UnknownCodeError("file", name, closest(name, assets.served())))
    return Response(found.body, media_type=found.media_type, headers={"Cache-Control": PINNED})


pages = Router(
    "/",
    route_handlers=[
        lists.start,
        lists.indicators,
        lists.datasets,
        lists.municipalities,
        lists.statement,
        indicator.indicator,
        dataset.dataset,
        municipality.municipality,
        embed.frame,
        embed.figure,
        embed.newer,
        oembed.oembed,
        static,
    ],
    exception_handlers={Exception: refusals.told},
)
