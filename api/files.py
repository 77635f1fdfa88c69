"""The files of versions: which there are, and their bytes from any place on, read piece by piece."""

import asyncio
import hashlib
from bisect import bisect_right
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import accumulate

from cachetools import LRUCache
from msgspec import Struct

from api.live import Live
from datasets.canonical import canonical_csv
from datasets.closest import closest
from datasets.compositions import CUBE_TYPE
from datasets.errors import ErasedError, FilesUnavailableError, UnknownCodeError
from datasets.files import MANIFEST, File, Made, merged, parts_of
from datasets.indexes import ledger_of
from datasets.ledger import Entry, Release, manifest
from datasets.notices import Erasure, is_erased
from datasets.shelf import Shelf
from datasets.store import Store

_VERSIONS_KEPT = 16
_CHUNK = 1 << 18
MANIFEST_TYPE = "text/plain"


class Download(Struct, frozen=True, kw_only=True):
    """One file of a version as it is told."""

    name: str
    media_type: str
    byte_size: int
    rows: int | None
    sha256: bytes


class _Version(Struct, frozen=True):
    """What is known of a version's files."""

    downloads: Mapping[str, Download]
    files: Mapping[str, File]
    entries: Mapping[str, Entry]
    made: Sequence[Made]


class Files:
    """The baked files of every version."""

    def __init__(self, store: Store, live: Live) -> None:
        self._store, self._live = store, live
        self._versions: LRUCache[int, _Version] = LRUCache(_VERSIONS_KEPT)
        self._packs: dict[int, str] = {}

    def forget(self) -> None:
        """Forget which files there are: some may have been erased."""
        self._versions.clear()
        self._packs.clear()

    async def downloads(self, release: Release) -> list[Download]:
        """Return the files of a version: those of the whole, then one for each cube.

        Raises StoreUnavailableError when they are not in memory and the database is away.
        """
        return list((await self._version(release)).downloads.values())

    async def download(self, release: Release, name: str) -> Download:
        """Return one file.

        Raises UnknownCodeError with the closest where there is none, ErasedError for one that held a figure
        which was erased.
        """
        version = await self._version(release)
        if name not in version.downloads:
            raise UnknownCodeError("file of this version", name, closest(name, version.downloads))
        for notice in self._live.notices:
            if isinstance(notice, Erasure) and _held(version, release, name, notice):
                raise ErasedError(notice.reason)
        return version.downloads[name]

    async def bytes_of(self, release: Release, name: str, start: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes of a file from *start* to before *end*, a chunk at a time."""
        version = await self._version(release)
        file = version.files.get(name)
        if file is None:
            body = await self._small(version, name)
            yield body[start:end]
            return
        parts = list(merged(parts_of(file, version.made)))
        ends = list(accumulate(len(part) if isinstance(part, bytes) else part.size for part in parts))
        shelf = self._shelf()
        while start < end:
            at = bisect_right(ends, start)
            part = parts[at]
            begun = start - (ends[at - 1] if at else 0)
            size = min(ends[at] - start, end - start, _CHUNK)
            if isinstance(part, bytes):
                yield part[begun : begun + size]
            else:
                yield await asyncio.to_thread(shelf.read, self._packs[part.pack], part.start + begun, size)
            start += size

    def _shelf(self) -> Shelf:
        if self._store.shelf is None:
            raise FilesUnavailableError("no place for files is set")
        return self._store.shelf.within(ledger_of(self._live.newest().line[0].published_at))

    async def _small(self, version: _Version, name: str) -> bytes:
        """Return a file that is made of what the ledger holds: the manifest, or a cube's canonical form."""
        if name == MANIFEST:
            return manifest(version.entries.values())
        entry = version.entries[name.removesuffix(".csv")]
        async with self._store.session() as session:
            cubes = await session.cubes({entry.data_sha256})
        return await asyncio.to_thread(canonical_csv, cubes[entry.data_sha256])

    async def _version(self, release: Release) -> _Version:
        known = self._versions.get(release.number)
        if known is None:
            async with self._store.session() as session:
                entries = await session.entries_at(release.number, release.dataset)
                made = await session.made_of(entries)
                files = await session.files(release.number)
                for pack in await session.packs(after=max(self._packs, default=0)):
                    self._packs[pack.release] = pack.name
            known = self._versions[release.number] = _version(entries, made, files)
        return known


def _held(version: _Version, release: Release, name: str, notice: Erasure) -> bool:
    """Tell whether a file of a version held the figure that *notice* erased."""
    if name in version.files:
        return is_erased(version.files[name], release.number, [notice])
    entry = version.entries.get(name.removesuffix(".csv"))
    return entry is not None and entry.data_sha256 in {one.sha256 for one in notice.cubes}


def _version(
    entries: Sequence[Entry], made: Mapping[tuple[bytes, str], Made], files: Sequence[File]
) -> _Version:
    listed = manifest(entries)
    own = Download(
        name=MANIFEST,
        media_type=MANIFEST_TYPE,
        byte_size=len(listed),
        rows=None,
        sha256=hashlib.sha256(listed).digest(),
    )
    known = [(entry, made.get((entry.data_sha256, entry.indicator))) for entry in entries]
    cubes = [
        Download(
            name=f"{entry.indicator}.csv",
            media_type=CUBE_TYPE,
            byte_size=one.csv_size,
            rows=one.rows,
            sha256=entry.data_sha256,
        )
        for entry, one in known
        if one
    ]
    whole = [
        Download(
            name=file.name,
            media_type=file.media_type,
            byte_size=file.byte_size,
            rows=file.rows,
            sha256=file.sha256,
        )
        for file in files
    ]
    return _Version(
        {one.name: one for one in (*whole, own, *cubes)},
        {file.name: file for file in files},
        {entry.indicator: entry for entry in entries},
        [one for _, one in known if one],
    )
