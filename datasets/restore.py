"""Restoring: an empty database becomes what the baked files tell, every hash checked on the way."""

import zlib
from collections.abc import Callable, Sequence

from datasets.canonical import HEADER, cube_of_csv, figures_hash
from datasets.catalogue import indicator_of, metadata_hash
from datasets.coverage import coverage_of, read_coverage
from datasets.cube import Cube
from datasets.errors import LansdataError, MisusedError
from datasets.files import CSV, Batch, Made
from datasets.indexes import Index, indexes, kept_notices
from datasets.ledger import Entry, fingerprint
from datasets.notices import Erasure, Notice
from datasets.parcels import Parcel
from datasets.shelf import Shelf
from datasets.store import Session, Store
from datasets.stored import ERASED, packed

Told = Callable[[Index], None]
"""Is told of each release that was restored."""


class DamagedFilesError(LansdataError):
    """Files that are not what they were when they were baked; nothing was restored."""


async def restore(store: Store, ledger: str = "", told: Told = lambda _: None) -> int:
    """Publish every release that the files of *ledger* know once more, as it was; return how many.

    Raises MisusedError where the database is not empty or the files hold several ledgers and none is named,
    DamagedFilesError where a hash differs; the database stays empty then.
    """
    shelf = _chosen(store, ledger)
    line = indexes(shelf)
    async with store.publishing() as session:
        if await session.releases():
            raise MisusedError("the database holds releases already; restore needs an empty one")
        notices = kept_notices(shelf)
        restoring = _Restoring(session, shelf, notices)
        for at, index in enumerate(line, 1):
            if index.release.number != at:
                message = f"the index of release {at} is missing"
                raise DamagedFilesError(message)
            await restoring.one(index)
            told(index)
        for notice in notices:
            await session.add_notice(notice)
    return len(line)


def _chosen(store: Store, ledger: str) -> Shelf:
    if store.shelf is None:
        raise MisusedError("there is no place where files would lie")
    found = [name for name in store.shelf.folders() if name.startswith("ledger-")]
    if ledger not in {*found, ""}:
        message = f"{ledger} is not among the files; there are: {', '.join(found) or 'none'}"
        raise MisusedError(message)
    if not ledger and len(found) != 1:
        several = f"the files of {len(found)} ledgers, name one: {', '.join(found)}"
        raise MisusedError(several if found else "there are no baked files to restore from")
    return store.shelf.within(ledger or found[0])


class _Restoring:
    """A restore under way: what the indexes read so far have told."""

    def __init__(self, session: Session, shelf: Shelf, notices: Sequence[Notice]) -> None:
        self._session, self._shelf = session, shelf
        self._erased = {
            one.sha256: (one, notice.reason)
            for notice in notices
            if isinstance(notice, Erasure)
            for one in notice.cubes
        }
        self._packs: dict[int, str] = {}
        self._made: dict[tuple[bytes, str], Made] = {}
        self._bodies: dict[bytes, bytes] = {}

    async def one(self, index: Index) -> None:
        """Restore one release."""
        release = index.release
        self._packs[release.number] = index.pack.name
        new = {(one.data_sha256, one.indicator): one.made for one in index.made}
        self._made |= new
        self._bodies |= {metadata_hash(text.encode()): text.encode() for text in index.metadata}
        if release.dataset_sha256 not in self._bodies:
            message = f"the index of release {release.number} does not describe its dataset"
            raise DamagedFilesError(message)
        await self._session.keep_metadata({release.dataset_sha256: self._bodies[release.dataset_sha256]})
        await self._session.add_release(release, index.ended, [self._parcel(one) for one in index.begun])
        await self._session.add_files(Batch(index.pack, new, index.files))
        entries = await self._session.entries_at(release.number, release.dataset)
        if fingerprint(entries) != release.fingerprint:
            message = f"release {release.number} is not what was published: its fingerprint differs"
            raise DamagedFilesError(message)

    def _parcel(self, entry: Entry) -> Parcel:
        body = self._bodies.get(entry.metadata_sha256)
        made = self._made.get((entry.data_sha256, entry.indicator))
        if body is None or made is None:
            message = f"{entry.indicator}: its definition or its figures are not among the files"
            raise DamagedFilesError(message)
        if entry.data_sha256 in self._erased:
            return self._erased_parcel(entry, body)
        cube = self._cube(entry, made)
        encoding, stored = packed(cube)
        return Parcel(
            entry=entry,
            definition=indicator_of(body),
            definition_body=body,
            encoding=encoding,
            body=stored,
            coverage=coverage_of(cube),
        )

    def _erased_parcel(self, entry: Entry, body: bytes) -> Parcel:
        one, reason = self._erased[entry.data_sha256]
        return Parcel(
            entry=entry,
            definition=indicator_of(body),
            definition_body=body,
            encoding=ERASED,
            body=reason.encode(),
            coverage=read_coverage(one.coverage),
        )

    def _cube(self, entry: Entry, made: Made) -> Cube:
        piece = made.pieces[CSV]
        packed_text = self._shelf.read(self._packs[piece.pack], piece.start, piece.size)
        csv_bytes = canonical_of(entry.indicator, packed_text)
        if figures_hash(csv_bytes) != entry.data_sha256:
            message = f"{entry.indicator}: the figures in the files are not those that were published"
            raise DamagedFilesError(message)
        return cube_of_csv(csv_bytes)


def canonical_of(indicator: str, segment: bytes) -> bytes:
    """Return the canonical form of the cube whose lines, the indicator in front of each, are in *segment*.

    Raises DamagedFilesError where the segment cannot be inflated.
    """
    try:
        text = zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(segment) if segment else b""
    except zlib.error as error:
        message = f"{indicator}: the figures in the files cannot be read"
        raise DamagedFilesError(message) from error
    before = f"{indicator},".encode()
    lines: Sequence[bytes] = text.splitlines(keepends=True)
    return f"{HEADER}\n".encode() + b"".join([line.removeprefix(before) for line in lines])
