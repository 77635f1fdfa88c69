"""Where a page stands: its language, and the addresses of other pages, right behind a proxy."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from litestar import Request
from msgspec import Struct

from api import links
from api.web.assets import assets
from api.web.phrases import phrases

Pairs = Iterable[tuple[str, str]]
_ENGLISH = "/en"


class Site(Struct, frozen=True):
    """The pages as one caller meets them."""

    base: str
    language: str
    path: str
    """The path of the page itself, without its language."""
    pairs: tuple[tuple[str, str], ...] = ()

    def page(self, path: str, pairs: Pairs = (), language: str = "") -> str:
        """Return the address of a page, from the root, in this page's language unless told."""
        before = _ENGLISH if (language or self.language) == "en" else ""
        return self.plain((before + path).rstrip("/") or "/", pairs)

    def plain(self, path: str, pairs: Pairs = ()) -> str:
        """Return the address of what has no language, from the root."""
        return urlsplit(self.base).path + _with_query(path, pairs)

    def absolute(self, path: str, pairs: Pairs = ()) -> str:
        """Return the whole address of what has no language."""
        return self.base + _with_query(path, pairs)

    def itself(self, language: str = "") -> str:
        """Return the whole address of this page, in another language if told."""
        before = _ENGLISH if (language or self.language) == "en" else ""
        return self.base + _with_query((before + self.path).rstrip("/") or "/", self.pairs)

    def api(self, path: str, pairs: Pairs = ()) -> str:
        """Return the whole address of a resource of the API."""
        return links.address(self.base, path, pairs)

    def said(self, name: str) -> str:
        """Return one of the pages' words."""
        return phrases(self.language)[name]

    def asset(self, name: str) -> str:
        """Return the address of a file that pages need."""
        return self.plain(f"/static/{assets()[name].name}")


def site_of(request: Request[Any, Any, Any], pairs: Pairs = ()) -> Site:
    """Return where the page stands that *request* asks for."""
    path = request.scope["path"]
    english = path == _ENGLISH or path.startswith(f"{_ENGLISH}/")
    own = path.removeprefix(_ENGLISH) if english else path
    return Site(request.scope["state"]["base"], "en" if english else "sv", own or "/", tuple(pairs))


def _with_query(path: str, pairs: Pairs) -> str:
    query = urlencode(list(pairs), safe=",:*")
    return quote(path, safe="/~.-_") + (f"?{query}" if query else "")
