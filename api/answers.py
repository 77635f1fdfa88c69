"""The shape of every answer: a list under its resource's name, beside `_meta` and `_links`."""

from collections.abc import Iterable, Mapping
from typing import Any

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


def answer_bytes(name: str, rows: Iterable[bytes], meta: Meta, links: Mapping[str, Link]) -> bytes:
    """Return the answer whose list *name* holds *rows*, pieces of JSON between which there is a comma."""
    head = b'{"%b":[' % name.encode()
    tail = b'],"_meta":%b,"_links":%b}' % (encoded(meta), encoded(links))
    pieces = list(rows) or [b""]
    pieces[0] = head + pieces[0]
    pieces[-1] += tail
    # the figures are joined once: a copy of them costs as much as a link
    return b",".join(pieces)
