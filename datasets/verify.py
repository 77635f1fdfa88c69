"""The proof that what is kept is what was published: every hash computed again, in database and files."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection, Sequence

import pyarrow as pa
from msgspec import Struct

from datasets.canonical import canonical_csv, figures_hash
from datasets.catalogue import metadata_hash
from datasets.compositions import measured
from datasets.errors import FilesUnavailableError
from datasets.file_records import whole_version
from datasets.files import File, Made, Pack, Piece
from datasets.indexes import UnreadableIndexError, index_of, ledger_of, name_of, read_index
from datasets.ledger import Release, fingerprint
from datasets.notices import Erasure, is_erased
from datasets.shelf import Shelf
from datasets.store import Session, Store
from datasets.stored import ERASED, unpacked

_AT_ONCE = 50
_CHUNK = 1 << 20


class Verified(Struct, frozen=True):
    """One kept thing and whether it still is what its name says.

    `what` is cube, metadata, version, pack, index or file.
    """

    what: str
    name: str
    right: bool


async def verify(store: Store) -> AsyncIterator[Verified]:
    """Compute every hash of *store* again, a handful of cubes in memory at a time."""
    async with store.session() as session:
        erasures = [one for one in await session.notices() if isinstance(one, Erasure)]
        erased = {cube.sha256 for one in erasures for cube in one.cubes}
        hashes = await session.cube_hashes()
        for start in range(0, len(hashes), _AT_ONCE):
            stored = await session.stored_cubes(hashes[start : start + _AT_ONCE])
            for name, (encoding, body) in stored.items():
                is_right = name in erased if encoding == ERASED else _holds(name, encoding, body)
                yield Verified("cube", name.hex(), is_right)
        for name, body in (await session.metadata(await session.metadata_hashes())).items():
            yield Verified("metadata", name.hex(), metadata_hash(body) == name)
        line = await session.releases()
        for release in line:
            entries = await session.entries_at(release.number, release.dataset)
            version = f"{release.dataset} {release.version}"
            yield Verified("version", version, fingerprint(entries) == release.fingerprint)
        if store.shelf and line:
            shelf = store.shelf.within(ledger_of(line[0].published_at))
            async for one in _files(session, shelf, line, erasures):
                yield one


async def to_verify(store: Store) -> int:
    """Return how many things there are to verify, about."""
    async with store.session() as session:
        cubes, metadata = await session.cube_hashes(), await session.metadata_hashes()
        packs = len(await session.packs()) if store.shelf else 0
        # a pack, an index and some eight files a release
        return len(cubes) + len(metadata) + len(await session.releases()) + packs * 10


async def _files(
    session: Session, shelf: Shelf, line: Sequence[Release], erasures: Collection[Erasure]
) -> AsyncIterator[Verified]:
    packs = {pack.release: pack for pack in await session.packs()}
    for release in line:
        pack = packs.get(release.number)
        if pack is None:
            continue
        yield Verified("pack", pack.name, await asyncio.to_thread(_pack_holds, shelf, pack))
        yield Verified("index", name_of(pack), await _index_holds(session, shelf, release, pack))
        entries = await session.entries_at(release.number, release.dataset)
        made = whole_version(await session.made_of(entries), entries)
        for file in await session.files(release.number):
            if not is_erased(file, release.number, erasures):
                is_right = await asyncio.to_thread(_file_holds, shelf, packs, file, made)
                yield Verified("file", f"{release.dataset} {release.version} {file.name}", is_right)


def _pack_holds(shelf: Shelf, pack: Pack) -> bool:
    digest = hashlib.sha256()
    try:
        for start in range(0, pack.byte_size, _CHUNK):
            digest.update(shelf.read(pack.name, start, min(_CHUNK, pack.byte_size - start)))
    except FilesUnavailableError:
        return False
    return digest.digest() == pack.sha256


async def _index_holds(session: Session, shelf: Shelf, release: Release, pack: Pack) -> bool:
    try:
        told = await asyncio.to_thread(read_index, shelf, name_of(pack))
    except (FilesUnavailableError, UnreadableIndexError):
        return False
    return told == await index_of(session, release, pack)


def _file_holds(shelf: Shelf, packs: dict[int, Pack], file: File, made: Sequence[Made]) -> bool:
    def read(piece: Piece) -> bytes:
        return shelf.read(packs[piece.pack].name, piece.start, piece.size)

    try:
        return measured(file, made, read) == (file.byte_size, file.sha256)
    except (FilesUnavailableError, KeyError):
        return False


def _holds(name: bytes, encoding: str, body: bytes) -> bool:
    try:
        return figures_hash(canonical_csv(unpacked(encoding, body))) == name
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError, StopIteration):
        # what was damaged need not even be readable
        return False
