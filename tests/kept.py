"""What the tests read of baked files: whole files as they are composed, and several versions to bake."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from datasets.file_records import whole_version
from datasets.files import File, Made, parts_of
from datasets.indexes import ledger_of
from datasets.ledger import Draft, Release
from datasets.publish import Outcome, publish
from datasets.shelf import Folder, Shelf
from datasets.store import Session, Store

_Result = TypeVar("_Result")


def with_files(address: str, folder: Path, work: Callable[[Store], Coroutine[Any, Any, _Result]]) -> _Result:
    """Run *work* with a store over *address* whose files lie in *folder*."""

    async def lend() -> _Result:
        store = Store.at(address, shelf=Folder(folder))
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(lend())


def baked(address: str, folder: Path, *drafts: Draft) -> list[Outcome]:
    """Publish *drafts* one after the other, with their files in *folder*."""

    async def work(store: Store) -> list[Outcome]:
        return [await publish(store, one) for one in drafts]

    return with_files(address, folder, work)


async def whole_files(store: Store, release: Release) -> dict[str, bytes]:
    """Return every composed file of a release."""
    async with store.session() as session:
        files, made, names, shelf = await _facts(store, session, release)
    return {
        file.name: b"".join(
            one if isinstance(one, bytes) else shelf.read(names[one.pack], one.start, one.size)
            for one in parts_of(file, made)
        )
        for file in files
    }


async def _facts(
    store: Store, session: Session, release: Release
) -> tuple[Sequence[File], list[Made], dict[int, str], Shelf]:
    line = await session.releases()
    entries = await session.entries_at(release.number, release.dataset)
    assert store.shelf
    return (
        await session.files(release.number),
        whole_version(await session.made_of(entries), entries),
        {pack.release: pack.name for pack in await session.packs()},
        store.shelf.within(ledger_of(line[0].published_at)),
    )
