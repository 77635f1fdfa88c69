"""Baking the files of versions that were published before there were files."""

from collections.abc import AsyncIterator, Sequence

from datasets.baking import Version, bake, kept_parcels
from datasets.catalogue import dataset_of
from datasets.errors import MisusedError
from datasets.indexes import ledger_of, settle
from datasets.ledger import Release
from datasets.store import Session, Store


async def unbaked(store: Store) -> list[Release]:
    """Return the releases that have no files, oldest first."""
    async with store.session() as session:
        baked = {pack.release for pack in await session.packs()}
        return [release for release in await session.releases() if release.number not in baked]


async def backfill(store: Store) -> AsyncIterator[Release]:
    """Bake the files of every version that has none, oldest first; yield each release that has them now.

    Each in a transaction of its own, so that what is done is done. The files say what they would have said.
    Raises MisusedError where there is no place for files, ErasedError at a version of which a figure was
    erased before it had files.
    """
    if store.shelf is None:
        raise MisusedError("there is no place where files would lie")
    for release in await unbaked(store):
        async with store.publishing() as session:
            line = await session.releases()
            shelf = store.shelf.within(ledger_of(line[0].published_at))
            await session.add_files(await bake(session, shelf, await _version(session, line, release)))
        yield release
    await settle(store)


async def _version(session: Session, line: Sequence[Release], release: Release) -> Version:
    before = [one for one in line if one.dataset == release.dataset and one.number < release.number]
    stood = await session.entries_at(before[-1].number, release.dataset) if before else []
    bodies = await session.metadata({release.dataset_sha256})
    return Version(
        release=release,
        previous=before[-1] if before else None,
        about=dataset_of(bodies[release.dataset_sha256]),
        standing={entry.indicator: entry for entry in stood},
        parcels=await kept_parcels(session, await session.entries_at(release.number, release.dataset)),
    )
