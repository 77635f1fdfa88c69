"""The records of baked files: pieces of packs, what was made of a cube, and what a file is composed of.

A release writes one pack. A file of a version is a list of pieces of packs, mostly of earlier ones: what did
not change is kept once. Composed files are a head, one piece for each indicator with figures, and a foot.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from datasets import parquet
from datasets.deflated import Plain

CSV, NDJSON, JSON, PARQUET, XLSX = "csv", "ndjson", "json", "parquet", "xlsx"
"""The forms in which each cube is kept."""
MANIFEST = "manifest.txt"


class Piece(Struct, frozen=True, array_like=True):
    """Some bytes of the pack of the release `pack`, and what they say once they are inflated."""

    pack: int
    start: int
    size: int
    plain: Plain = Plain()


class Made(Struct, frozen=True, kw_only=True, rename="camel"):
    """What was made of one cube: its piece in each form, and its part of a Parquet file's foot."""

    rows: int
    csv_size: int
    """The bytes of the canonical form."""
    pieces: dict[str, Piece]
    parquet_foot: bytes = b""


class File(Struct, frozen=True, kw_only=True, rename="camel"):
    """One file of a version; `each` is the form of the pieces between head and foot, if there are any."""

    name: str
    media_type: str
    byte_size: int
    rows: int | None
    sha256: bytes
    head: tuple[Piece, ...]
    each: str = ""
    between: Piece | None = None
    foot: tuple[Piece, ...] = ()


class Pack(Struct, frozen=True, kw_only=True, rename="camel"):
    """What one release put beside those before it."""

    release: int
    sha256: bytes
    byte_size: int

    @property
    def name(self) -> str:
        """Return its name where files are kept: no two publishers ever write under one name."""
        return f"packs/{self.release:08}-{self.sha256.hex()[:32]}.pack"


class Batch(Struct, frozen=True):
    """All that one release brings: its pack, what was made of its new cubes, and its files."""

    pack: Pack
    made: dict[tuple[bytes, str], Made]
    files: tuple[File, ...]


def parts_of(file: File, made: Sequence[Made]) -> Iterator[Piece | bytes]:
    """Yield the parts of *file* in order; *made* are those of its version, by indicator.

    A part is a piece of a pack, or bytes that are made here: the foot of a Parquet file tells where each row
    group begins, so that it would be written anew, and whole, every night.
    """
    yield from file.head
    is_first = True
    for one in made if file.each else ():
        if one.rows:
            if not is_first and file.between:
                yield file.between
            yield one.pieces[file.each]
            is_first = False
    yield from file.foot
    if file.each == PARQUET:
        yield parquet.foot([(one.pieces[PARQUET].size, one.parquet_foot) for one in made if one.rows])


def file_body(file: File) -> bytes:
    """Return the form in which the ledger keeps how a file is composed."""
    return msgspec.json.encode([file.head, file.each, file.between, file.foot])


def read_parts(body: bytes) -> tuple[tuple[Piece, ...], str, Piece | None, tuple[Piece, ...]]:
    """Read that form back."""
    return msgspec.json.decode(body, type=tuple[tuple[Piece, ...], str, Piece | None, tuple[Piece, ...]])


def merged(parts: Iterable[Piece | bytes]) -> Iterator[Piece | bytes]:
    """Yield *parts* with those pieces as one that stand one after the other in a pack."""
    last: Piece | None = None
    for piece in parts:
        if isinstance(piece, bytes):
            if last:
                yield last
            last = None
            yield piece
            continue
        if last and last.pack == piece.pack and last.start + last.size == piece.start:
            last = Piece(last.pack, last.start, last.size + piece.size)
            continue
        if last:
            yield last
        last = piece
    if last:
        yield last
