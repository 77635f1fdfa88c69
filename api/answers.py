"""The shape of every answer: a list under its resource's name, beside `_meta` and `_links`."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from api.links import Link

_encoder = msgspec.json.Encoder()


class Meta(Struct, frozen=True, kw_only=True, rename="camel"):
    """How much there is, and which part of it this is."""

    total_records: int
    page: int
    limit: int
    count: int


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
