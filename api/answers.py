"""The shape of every answer: a list under its resource's name, beside `_meta` and `_links`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Struct, field

from api.links import Link


def _plain(code: object) -> object:
    """Return our own kinds of text and number as what they are at heart."""
    if isinstance(code, str):
        return str(code)
    if isinstance(code, int):
        return int(code)
    raise NotImplementedError  # how the encoder is told that it must refuse


_encoder = msgspec.json.Encoder(enc_hook=_plain)


Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time in UTC; the contract tells its format."""


class Meta(Struct, frozen=True, kw_only=True, rename="camel"):
    """How much there is, and which part of it this is."""

    total_records: int
    page: int
    limit: int
    count: int


class Listing(Struct, frozen=True, kw_only=True):
    """What stands beside every list; the list itself has its resource's name."""

    meta: Meta = field(name="_meta")
    links: dict[str, Link] = field(name="_links")


def encoded(body: Any) -> bytes:
    """Return *body* as JSON."""
    return _encoder.encode(body)


def answer_bytes(name: str, rows: bytes, meta: Meta, links: Mapping[str, Link]) -> bytes:
    """Return the answer whose list *name* holds *rows*, JSON already and joined by commas."""
    return b"".join(
        (
            b'{"',
            name.encode(),
            b'":[',
            rows,
            b'],"_meta":',
            encoded(meta),
            b',"_links":',
            encoded(links),
            b"}",
        )
    )
