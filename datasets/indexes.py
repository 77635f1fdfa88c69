"""The index of each release beside its pack: all that the ledger knows of it, so that files alone restore it.

An index is written after its release is public, so that no index ever tells of one that never was. What a
publisher that died could not write, the next one writes.
"""

import asyncio
from datetime import datetime

import msgspec
from msgspec import Struct

from datasets.errors import LansdataError
from datasets.files import File, Made, Pack
from datasets.ledger import Entry, Release
from datasets.notices import Notice
from datasets.shelf import Shelf
from datasets.store import Session, Store

_FOLDER, _NOTICES = "releases", "notices"


class UnreadableIndexError(LansdataError):
    """An index that is damaged, or of a newer Länsdata than this."""


class MadeCube(Struct, frozen=True, array_like=True):
    """What was made of the cube `data_sha256` of an indicator."""

    indicator: str
    data_sha256: bytes
    made: Made


class Index(Struct, frozen=True, kw_only=True, rename="camel", tag_field="format", tag="lansdata-1"):
    """One release: what ended and began with it, every text it needs, and where its figures are."""

    release: Release
    pack: Pack
    ended: tuple[str, ...]
    begun: tuple[Entry, ...]
    metadata: tuple[str, ...]
    made: tuple[MadeCube, ...]
    files: tuple[File, ...]


def ledger_of(first: datetime) -> str:
    """Return the name of a ledger whose first release was published at *first*: its folder among the files.

    Two databases may share a home; neither ever touches the files of the other.
    """
    return f"ledger-{first:%Y%m%dT%H%M%S%f}"


def name_of(pack: Pack) -> str:
    """Return the name of the index that goes with *pack*."""
    return f"{_FOLDER}/{pack.release:08}-{pack.sha256.hex()[:32]}.json"


def notice_name(number: int) -> str:
    """Return the name under which a notice is kept."""
    return f"{_NOTICES}/{number:06}.json"


async def settle(store: Store) -> list[int]:
    """Write every index that is missing, and return the numbers of their releases."""
    async with store.session() as session:
        packs = await session.packs()
        if not store.shelf or not packs:
            return []
        line = {release.number: release for release in await session.releases()}
        shelf = store.shelf.within(ledger_of(line[min(line)].published_at))
        there = set(await asyncio.to_thread(shelf.names, _FOLDER))
        missing = [pack for pack in packs if name_of(pack) not in there]
        for pack in missing:
            index = await index_of(session, line[pack.release], pack)
            await asyncio.to_thread(shelf.put, name_of(pack), msgspec.json.encode(index))
        for name in there - {name_of(pack) for pack in packs}:
            # of a pack that was written anew, when a figure in it was erased
            await asyncio.to_thread(shelf.delete, name)
        kept = set(await asyncio.to_thread(shelf.names, _NOTICES))
        for notice in await session.notices():
            if notice_name(notice.number) not in kept:
                body = msgspec.json.encode(notice)
                await asyncio.to_thread(shelf.put, notice_name(notice.number), body)
    return [pack.release for pack in missing]


async def index_of(session: Session, release: Release, pack: Pack) -> Index:
    """Return the index of *release*, from the ledger."""
    number = release.number
    stays = await session.stays(number, after=number - 1, dataset=release.dataset)
    begun = [
        Entry(stay.dataset, stay.indicator, stay.data_sha256, stay.metadata_sha256)
        for stay in stays
        if stay.began == number
    ]
    entries = await session.entries_at(number, release.dataset)
    made = await session.made_of(entries)
    bodies = await session.metadata({release.dataset_sha256, *(one.metadata_sha256 for one in begun)})
    return Index(
        release=release,
        pack=pack,
        ended=tuple(stay.indicator for stay in stays if stay.ended == number),
        begun=tuple(begun),
        metadata=tuple(body.decode() for body in bodies.values()),
        made=tuple(
            MadeCube(indicator, name, one)
            for (name, indicator), one in sorted(made.items())
            if any(piece.pack == number for piece in one.pieces.values())
        ),
        files=tuple(await session.files(number)),
    )


def indexes(shelf: Shelf) -> list[Index]:
    """Return every index, oldest first.

    Raises UnreadableIndexError for one that cannot be read, FilesUnavailableError for one that is missing.
    """
    names = [name for name in shelf.names(_FOLDER) if name.endswith(".json")]
    return [read_index(shelf, name) for name in names]


def kept_notices(shelf: Shelf) -> list[Notice]:
    """Return every notice that is kept beside the indexes, oldest first."""
    decoder: msgspec.json.Decoder[Notice] = msgspec.json.Decoder(Notice)
    return [decoder.decode(shelf.read(name)) for name in shelf.names(_NOTICES)]


def read_index(shelf: Shelf, name: str) -> Index:
    """Read one index."""
    try:
        return msgspec.json.decode(shelf.read(name), type=Index)
    except msgspec.DecodeError as error:
        message = f"{name} is no index of a release that this version can read: {error}"
        raise UnreadableIndexError(message) from error
