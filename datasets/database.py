"""Where the ledger is: the database that a setting names, or the embedded one, started on demand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from datasets.embedded import lease
from datasets.settings import Settings
from datasets.shelf import shelf_of
from datasets.store import Store

_OWNER, _READER = "lansdata", "lansdata_api"


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """Lend the store that *settings* mean, as its owner; the embedded server runs as long as somebody has it.

    Raises DatabaseStartError when the embedded server cannot be started.
    """
    held = None if settings.database_url else lease(settings.home_path)
    address = held.address(_OWNER) if held else settings.database_url
    store = Store.at(address, shelf=shelf_of(settings))
    try:
        yield store
    finally:
        await store.close()
        if held:
            held.release()


def reading_store(settings: Settings) -> Store:
    """Return the store that may only be read, for the life of the process.

    Raises DatabaseStartError when the embedded server cannot be started.
    """
    address = settings.database_url or lease(settings.home_path).address(_READER)
    return Store.at(address, read_only=True, shelf=shelf_of(settings))
