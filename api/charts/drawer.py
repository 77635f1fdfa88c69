"""The process that draws, `python -m api.charts.drawer`: specifications in, pictures out, one by one.

Drawing takes the whole interpreter for a tenth of a second and more; here it holds up nobody else. The
process ends with its input, so it never outlives the one that started it.
"""

import os
import struct
import sys
from typing import Any, BinaryIO, Literal

import msgspec
import vl_convert
from msgspec import Struct

_NICE = 10
_SHARP = 2
"""Pixels of a PNG for each of its width, so that it is sharp on a good screen and on paper."""
_LENGTH = struct.Struct(">BI")
FAILED, DRAWN = 0, 1


class Order(Struct, frozen=True):
    """One picture to draw."""

    spec: dict[str, Any]
    form: Literal["svg", "png"]


def drawn(order: Order) -> bytes:
    """Return the picture; nothing outside the specification is read."""
    svg = vl_convert.vegalite_to_svg(order.spec, vl_version="6.4", allowed_base_urls=[])
    if order.form == "svg":
        return svg.encode()
    return vl_convert.svg_to_png(svg, scale=_SHARP)


def draw_all(orders: BinaryIO, pictures: BinaryIO) -> None:
    """Answer each line of *orders* with an outcome, a length and as many bytes, until there are no more."""
    decoder = msgspec.json.Decoder(Order)
    for line in orders:
        try:
            outcome, body = DRAWN, drawn(decoder.decode(line))
        except Exception as error:  # noqa: BLE001 one picture that fails must not take the next with it
            outcome, body = FAILED, str(error)[:2000].encode()
        pictures.write(_LENGTH.pack(outcome, len(body)) + body)
        pictures.flush()


if __name__ == "__main__":
    os.nice(_NICE)
    draw_all(sys.stdin.buffer, sys.stdout.buffer)
