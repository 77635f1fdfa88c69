"""Baking: the files of a version, made when it is published, from pieces that are mostly there already.

Only indicators that changed are written anew, one cube in memory at a time; two are worked on at once, since
compressing and joining need no lock of Python's.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor

from msgspec import Struct

from datasets.catalogue import Dataset, dataset_of, indicator_of
from datasets.change_rows import NO_FIGURES, Published, dataset_rows, release_row
from datasets.compositions import Told, composed_files
from datasets.files import CSV, JSON, NDJSON, PARQUET, XLSX, Batch, Made, Piece
from datasets.ledger import Entry, Release
from datasets.parcels import Parcel
from datasets.portions import Portion, portion_of, segment_of
from datasets.sheet import MOST_ROWS
from datasets.shelf import PackWriter, Shelf, new_pack, sweep
from datasets.store import Session

_BAKERS = 2
_FORMS = (CSV, NDJSON, JSON, PARQUET)


class Version(Struct, frozen=True, kw_only=True):
    """What is to be baked: a release, the one before it, and what stands before and after."""

    release: Release
    previous: Release | None
    about: Dataset
    standing: Mapping[str, Entry]
    parcels: Mapping[str, Parcel]

    @property
    def forms(self) -> tuple[str, ...]:
        """Return the forms in which its cubes are needed."""
        return (*_FORMS, XLSX) if self.release.counts.observations <= MOST_ROWS else _FORMS


async def bake(session: Session, shelf: Shelf, version: Version) -> Batch:
    """Write the pack of *version*, and return what the ledger must know of it.

    Raises FilesUnavailableError where it cannot be written; nothing is left then.
    """
    packs = {pack.release: pack.name for pack in await session.packs()}
    # whoever bakes holds the publisher's lock: what is left over here is of publishers that died
    await asyncio.to_thread(sweep, shelf, set(packs.values()))
    made = await session.made_of([parcel.entry for parcel in version.parcels.values()])
    before = await session.files(version.previous.number) if version.previous else []
    with new_pack(shelf, version.release.number) as pack:
        first = segment_of(b"".join(row + b"\n" for row in await _first_changes(session, version)))
        changes = [pack.add(*first)]
        anew: dict[tuple[bytes, str], Made] = {}
        async for name, portion in _portions(session, version, made):
            if portion.forms:
                key = (version.parcels[name].entry.data_sha256, name)
                anew[key] = made[key] = _kept(pack, portion, made.get(key))
            if portion.changed:
                changes.append(pack.add(*portion.changes))
        told = Told(
            release=version.release,
            about=version.about,
            definitions=[one.definition_body for _, one in sorted(version.parcels.items())],
            made=[made[one.entry.data_sha256, name] for name, one in sorted(version.parcels.items())],
            changes=changes,
            has_sheet=XLSX in version.forms,
            previous={file.name: file for file in before},
        )

        def read(piece: Piece) -> bytes:
            if piece.pack == pack.number:
                return pack.read(piece)
            return shelf.read(packs[piece.pack], piece.start, piece.size)

        files = await asyncio.to_thread(composed_files, pack, read, told)
        return Batch(await asyncio.to_thread(pack.seal), anew, files)


async def kept_parcels(session: Session, entries: Collection[Entry]) -> dict[str, Parcel]:
    """Return what is kept of *entries* as the parcels in which it came, by indicator."""
    bodies = await session.metadata({entry.metadata_sha256 for entry in entries})
    names = {entry.data_sha256 for entry in entries}
    stored, coverages = await session.stored_cubes(names), await session.coverages(names)
    return {
        entry.indicator: Parcel(
            entry=entry,
            definition=indicator_of(bodies[entry.metadata_sha256]),
            definition_body=bodies[entry.metadata_sha256],
            encoding=stored[entry.data_sha256][0],
            body=stored[entry.data_sha256][1],
            coverage=coverages[entry.data_sha256],
        )
        for entry in entries
    }


async def _first_changes(session: Session, version: Version) -> list[bytes]:
    """Return the lines before those of indicators: the release, and what is new of the dataset itself."""
    previous, before = version.previous, None
    if previous:
        bodies = await session.metadata({previous.dataset_sha256})
        before = dataset_of(bodies[previous.dataset_sha256])
    return [release_row(version.release, previous), *dataset_rows(before, version.about)]


async def _portions(
    session: Session, version: Version, made: Mapping[tuple[bytes, str], Made]
) -> AsyncIterator[tuple[str, Portion]]:
    """Yield what is to be written of each indicator that changed or was never baked, in order."""
    waiting: deque[tuple[str, Future[Portion]]] = deque()
    with ThreadPoolExecutor(_BAKERS) as bakers:
        for name in sorted(version.standing.keys() | version.parcels.keys()):
            old, new = version.standing.get(name), version.parcels.get(name)
            known = made.get((new.entry.data_sha256, name)) if new else None
            forms = [form for form in version.forms if new and (not known or form not in known.pieces)]
            if not forms and new and new.entry == old:
                continue
            if len(waiting) > _BAKERS:
                yield await _done(waiting)
            before = await _published(session, old, new) if old else None
            waiting.append((name, bakers.submit(_portion, before, old, new, forms)))
        while waiting:
            yield await _done(waiting)


async def _done(waiting: deque[tuple[str, Future[Portion]]]) -> tuple[str, Portion]:
    name, future = waiting.popleft()
    return name, await asyncio.wrap_future(future)


async def _published(session: Session, old: Entry, new: Parcel | None) -> Published:
    """Return what stood; without its figures where they are the same as the new ones."""
    bodies = await session.metadata({old.metadata_sha256})
    definition = indicator_of(bodies[old.metadata_sha256])
    if new and new.entry.data_sha256 == old.data_sha256:
        return Published(definition, NO_FIGURES)
    return Published(definition, (await session.cubes({old.data_sha256}))[old.data_sha256])


def _portion(
    before: Published | None, old: Entry | None, new: Parcel | None, forms: Collection[str]
) -> Portion:
    same = old is not None and new is not None and old.data_sha256 == new.entry.data_sha256
    after = None if new is None else Published(new.definition, NO_FIGURES if same and not forms else new.cube)
    if same and after and before:
        # the figures did not change, but they are not baked yet
        before = Published(before.definition, after.cube)
    return portion_of(before, after, forms)


def _kept(pack: PackWriter, portion: Portion, known: Made | None) -> Made:
    pieces = {form: pack.add(*one) for form, one in portion.forms.items()}
    return Made(
        rows=portion.rows,
        csv_size=portion.csv_size,
        pieces={**known.pieces, **pieces} if known else pieces,
        parquet_foot=portion.parquet_foot or (known.parquet_foot if known else b""),
    )
