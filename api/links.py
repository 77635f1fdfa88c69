"""Links as everybody gets them: absolute, right behind a proxy, with every parameter that was asked."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from msgspec import Struct

PREFIX = "/api/v1"
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9a-fA-F:.]{2,45}\](:\d{1,5})?")
_FORWARDED = re.compile(r'(?i)\b(host|proto)="?([^";,\s]+)')
_SAFE = ",:*"
_PLAIN = re.compile(r"[A-Za-z0-9_.~,:*-]*")
"""What an address says as it is."""


class Link(Struct, frozen=True):
    """One link, in the form of the national profile."""

    href: str
    rel: str
    method: str = "GET"


def base_of(headers: Mapping[bytes, bytes], scheme: str, public_url: str) -> str:
    """Return the address in front of every path: the one that is set, else what the caller used.

    `Forwarded` goes before `X-Forwarded-*` and those before `Host`; what is no host name is not echoed.
    """
    if public_url:
        return public_url.rstrip("/")
    # of several proxies the first in the list is the one the caller met
    forwarded = headers.get(b"forwarded", b"").decode("latin-1").split(",")[0]
    said = {name.lower(): text for name, text in _FORWARDED.findall(forwarded)}
    host = said.get("host") or _first(headers, b"x-forwarded-host") or _first(headers, b"host")
    proto = said.get("proto") or _first(headers, b"x-forwarded-proto") or scheme
    prefix = _first(headers, b"x-forwarded-prefix").rstrip("/")
    if not _HOST.fullmatch(host):
        host = "localhost"
    if proto not in {"http", "https"}:
        proto = scheme
    return f"{proto}://{host}{prefix if re.fullmatch(r'(/[A-Za-z0-9._~-]+)*', prefix) else ''}"


def address(base: str, path: str, pairs: Iterable[tuple[str, str]] = ()) -> str:
    """Return the absolute address of *path* under the versioned API."""
    query = "&".join([_encoded(name, text) for name, text in pairs])
    return f"{base}{PREFIX}{_quoted(path)}" + (f"?{query}" if query else "")


@lru_cache(maxsize=1024)
def _quoted(path: str) -> str:
    return quote(path, safe="/~")


@lru_cache(maxsize=1024)
def _encoded(name: str, text: str) -> str:
    """Return one parameter of an address; the links of an answer repeat most of theirs."""
    if _PLAIN.fullmatch(name) and _PLAIN.fullmatch(text):
        return f"{name}={text}"
    return urlencode([(name, text)], safe=_SAFE)


def with_changed(pairs: Iterable[tuple[str, str]], **changed: object) -> list[tuple[str, str]]:
    """Return *pairs* with the *changed* ones replaced or added at the end; all others stay as asked."""
    kept = [(name, text) for name, text in pairs if name not in changed]
    return [*kept, *((name, str(text)) for name, text in changed.items())]


class Place(Struct, frozen=True):
    """Where a list is asked for: the address in front, the path, and the parameters as they came."""

    base: str
    path: str
    pairs: tuple[tuple[str, str], ...]

    def link(self, rel: str, **changed: object) -> Link:
        """Return the link to this list with the *changed* parameters."""
        return Link(address(self.base, self.path, with_changed(self.pairs, **changed)), rel)


def paging(place: Place, page: int, pages: int, pin: Mapping[str, Any]) -> dict[str, Link]:
    """Return the links of a page of a list: `self` as asked, the others with *pin* among their parameters."""
    last = max(pages, 1)
    turned = {"first": 1, "last": last}
    if page > 1:
        turned["prev"] = min(page - 1, last)
    if 0 < page < last:
        turned["next"] = page + 1
    own = place.link("self")
    pinned = place.link("bookmark", **pin) if pin else own
    whole = pinned.href
    if any(name == "page" for name, _ in place.pairs):
        pairs = [(name, text) for name, text in place.pairs if name != "page"]
        whole = address(place.base, place.path, with_changed(pairs, **pin))
    whole += "&" if "?" in whole else "?"
    turns = {rel: Link(f"{whole}page={number}", rel) for rel, number in sorted(turned.items())}
    return {"self": own} | turns | ({"bookmark": pinned} if pin else {})


def _first(headers: Mapping[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1").split(",")[0].strip()
