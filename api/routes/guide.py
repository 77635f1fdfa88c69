"""The documentation that people use: `/docs`, the interactive contract, `/llms.txt`."""

from functools import cache
from importlib.resources import files
from typing import Any

from litestar import Request, Response, get
from litestar.enums import MediaType
from litestar.params import FromPath

from api import about
from api.guide import pages
from api.problems import not_found
from api.replies import FRESH
from datasets.closest import closest
from datasets.errors import UnknownCodeError

_SWAGGER = "swagger-ui-"
_OURS = "try.js"
_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    _OURS: "text/javascript",
}
_TRYING = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)


@get(["/docs", "/docs/{name:str}", "/docs/{kind:str}/{name:str}"], include_in_schema=False)
async def guide(request: Request[Any, Any, Any], name: str = "index", kind: str = "") -> Response[str]:
    """Return a page of the documentation."""
    path = f"{kind}/{name}" if kind else name
    made = pages.made()
    if path in pages.PAGES:
        text = pages.source(path)
    elif path in made:
        text = made[path]
    else:
        raise not_found("page", UnknownCodeError("page", path, closest(path, [*pages.PAGES, *made])))
    return _page(pages.page(text, _base(request)), pages.POLICY)


@get("/docs/api", include_in_schema=False)
async def trying(request: Request[Any, Any, Any]) -> Response[str]:
    """Return the page where the contract can be tried; everything that it loads is ours."""
    body = files("api.guide").joinpath("try.html").read_text("utf-8")
    return _page(body.replace("BASE", _base(request)), _TRYING)


@get("/docs/assets/{name:str}", include_in_schema=False)
async def asset(name: FromPath[str]) -> Response[bytes]:
    """Return a file that the interactive page loads."""
    if name not in _ASSETS:
        raise not_found("asset", UnknownCodeError("asset", name, closest(name, _ASSETS)))
    return Response(_asset(name), media_type=_ASSETS[name], headers={"Cache-Control": FRESH})


@get("/llms.txt", include_in_schema=False)
async def llms(request: Request[Any, Any, Any]) -> Response[str]:
    """Tell a language model what there is and how to tell a figure."""
    text = files("api.guide").joinpath("llms.txt").read_text("utf-8")
    body = text.replace(about.ADDRESS, _base(request))
    return Response(body, media_type=MediaType.TEXT, headers={"Cache-Control": FRESH})


@cache
def _asset(name: str) -> bytes:
    if name == _OURS:
        return files("api.guide").joinpath(name).read_bytes()
    vendor = files("swagger_ui_bundle").joinpath("vendor")
    folder = next(one for one in vendor.iterdir() if one.name.startswith(_SWAGGER))
    return folder.joinpath(name).read_bytes()


def _base(request: Request[Any, Any, Any]) -> str:
    base: str = request.scope["state"]["base"]
    return base


def _page(body: str, policy: str) -> Response[str]:
    headers = {"Cache-Control": FRESH, "Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
    return Response(body, media_type=MediaType.HTML, headers=headers)
