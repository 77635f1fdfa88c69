"""The files that pages need, under names that hold their hash, so that they may be kept for ever."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from msgspec import Struct

_MEDIA = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_DIGITS = 16


class Asset(Struct, frozen=True):
    """One file: under which name it is served, and what proves it."""

    name: str
    body: bytes
    media_type: str
    integrity: str


@cache
def assets() -> Mapping[str, Asset]:
    """Return every file by its plain name."""
    found = (one for one in files("api").joinpath("web/static").iterdir() if one.is_file())
    return {one.name: _asset(one.name, one.read_bytes()) for one in found}


@cache
def served() -> Mapping[str, Asset]:
    """Return every file by the name that it is served under."""
    return {asset.name: asset for asset in assets().values()}


def _asset(name: str, body: bytes) -> Asset:
    stem, _, kind = name.rpartition(".")
    digest = hashlib.sha256(body).hexdigest()[:_DIGITS]
    proof = base64.b64encode(hashlib.sha384(body).digest()).decode()
    return Asset(f"{stem}.{digest}.{kind}", body, _MEDIA[kind], f"sha384-{proof}")
