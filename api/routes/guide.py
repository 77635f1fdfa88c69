"""The documentation that people use: `/docs`, the interactive contract, `/llms.txt`."""

from functools import cache
from importlib.resources import files
from typing import Any

from litestar import Request, Response, get
from litestar.enums import MediaType
from litestar.params import FromPath
from markupsafe import Markup

from api import about
from api.guide import pages
from api.problems import not_found
from api.replies import FRESH
from api.web.pages import sent, written
from api.web.site import site_of
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


@get(
    [
        f"{before}/docs{after}"
        for before in ("", "/en")
        for after in ("", "/{name:str}", "/{kind:str}/{name:str}")
    ],
    include_in_schema=False,
)
async def guide(request: Request[Any, Any, Any], name: str = "index", kind: str = "") -> Response[str]:
    """Return a page of the documentation; its text is in both languages."""
    path = f"{kind}/{name}" if kind else name
    made = pages.made()
    if path in pages.PAGES:
        text = pages.source(path)
    elif path in made:
        text = made[path]
    else:
        raise not_found("page", UnknownCodeError("page", path, closest(path, [*pages.PAGES, *made])))
    site = site_of(request)
    # the text is our own, and Markdown that lets no HTML through
    body = Markup(pages.page(text, site.base))  # noqa: S704
    return sent(written("guide.html", site, title=pages.title_of(text), body=body))


@get(["/docs/api", "/en/docs/api"], include_in_schema=False)
async def trying(request: Request[Any, Any, Any]) -> Response[str]:
    """Return the page where the contract can be tried; everything that it loads is ours."""
    page = written("trying.html", site_of(request), title="Prova API:et / Try the API")
    return sent(page, headers={"Content-Security-Policy": _TRYING})


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
    body = text.replace(about.ADDRESS, site_of(request).base)
    return Response(body, media_type=MediaType.TEXT, headers={"Cache-Control": FRESH})


@cache
def _asset(name: str) -> bytes:
    if name == _OURS:
        return files("api.guide").joinpath(name).read_bytes()
    vendor = files("swagger_ui_bundle").joinpath("vendor")
    folder = next(one for one in vendor.iterdir() if one.name.startswith(_SWAGGER))
    return folder.joinpath(name).read_bytes()
