"""The files that pages need, under names that hold their hash, so that they may be kept for ever.

What other pages have pasted, or cached with a pinned figure, must be there for as long as they are: those
files lie in `released`, each under the name that its bytes give it, and are never changed or taken away. A
change is a further file, named below.
"""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from msgspec import Struct

_MEDIA = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_DIGITS = 16
RELEASED: Mapping[str, str] = {
    "lansdata-figure.js": "lansdata-figure.3e571ee02581a07a.js",
    "frame.js": "frame.57d67b3c84e3c223.js",
    "frame.css": "frame.1fa11a5b0ebffdb4.css",
}
"""The newest of the released files by their plain names."""


class Asset(Struct, frozen=True):
    """One file: under which name it is served, and what proves it."""

    name: str
    body: bytes
    media_type: str
    integrity: str


@cache
def assets() -> Mapping[str, Asset]:
    """Return every file by its plain name."""
    own = {name: _asset(name, body) for name, body in _in("static").items()}
    return own | {plain: served()[name] for plain, name in RELEASED.items()}


@cache
def served() -> Mapping[str, Asset]:
    """Return every file, older released ones included, by the name that it is served under."""
    released = [_asset(_plain(name), body) for name, body in _in("released").items()]
    own = [_asset(name, body) for name, body in _in("static").items()]
    return {asset.name: asset for asset in (*own, *released)}


def _in(folder: str) -> dict[str, bytes]:
    found = (one for one in files("api").joinpath(f"web/{folder}").iterdir() if one.is_file())
    return {one.name: one.read_bytes() for one in found}


def _plain(name: str) -> str:
    stem, _, kind = name.split(".")
    return f"{stem}.{kind}"


def _asset(name: str, body: bytes) -> Asset:
    stem, _, kind = name.rpartition(".")
    digest = hashlib.sha256(body).hexdigest()[:_DIGITS]
    proof = base64.b64encode(hashlib.sha384(body).digest()).decode()
    return Asset(f"{stem}.{digest}.{kind}", body, _MEDIA[kind], f"sha384-{proof}")
