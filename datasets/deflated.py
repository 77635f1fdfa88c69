"""Deflated text in segments that may stand one after the other: what gzip files and sheets are composed of.

A segment ends on a byte and refers to nothing before it, so that a file of many segments is one ordinary
stream: readers that stop after the first member of a gzip file read it whole. The same on the same machine.
"""

import struct
from collections.abc import Iterable
from functools import cache

from isal import isal_zlib
from msgspec import Struct

LEVEL = 1
"""A fifth of the time of zlib's level 1, and a twentieth smaller (measured on NDJSON, 2026-11)."""
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""No time and no name; the system that made it is unknown."""
LAST_BLOCK = b"\x03\x00"
_POLYNOMIAL = 0xEDB88320
_TOP = 1 << 31


class Plain(Struct, frozen=True, array_like=True):
    """What a segment says when it is inflated: the CRC-32 and how many bytes."""

    crc: int = 0
    size: int = 0

    def __add__(self, other: "Plain") -> "Plain":
        """Return what both say, one after the other."""
        moved = _multiplied(_power_of_x(other.size << 3), self.crc)
        return Plain(moved ^ other.crc, self.size + other.size)


def plain_of(text: bytes | memoryview) -> Plain:
    """Return the facts of *text*."""
    return Plain(isal_zlib.crc32(text), len(text))


def segment(text: bytes | memoryview) -> bytes:
    """Return *text* as one segment; nothing for no text."""
    if not len(text):
        return b""
    packer = isal_zlib.compressobj(LEVEL, wbits=-isal_zlib.MAX_WBITS)
    return packer.compress(text) + packer.flush(isal_zlib.Z_FULL_FLUSH)


def gzip_foot(parts: Iterable[Plain]) -> bytes:
    """Return what ends a gzip file whose segments say *parts*."""
    whole = sum(parts, Plain())
    return LAST_BLOCK + struct.pack("<II", whole.crc, whole.size & 0xFFFFFFFF)


def _multiplied(left: int, right: int) -> int:
    """Multiply two polynomials modulo that of CRC-32, bits reflected as it has them."""
    product, bit = 0, _TOP
    while bit:
        if left & bit:
            product ^= right
        right = right >> 1 ^ _POLYNOMIAL if right & 1 else right >> 1
        bit >>= 1
    return product


@cache
def _squares() -> tuple[int, ...]:
    """Return x to the powers 1, 2, 4, 8 and so on."""
    powers = [1 << 30]
    while len(powers) < 64:  # noqa: PLR2004 more bits than a length has
        powers.append(_multiplied(powers[-1], powers[-1]))
    return tuple(powers)


def _power_of_x(exponent: int) -> int:
    power, at = _TOP, 0
    while exponent >> at:
        if exponent >> at & 1:
            power = _multiplied(_squares()[at], power)
        at += 1
    return power
