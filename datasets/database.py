"""Where the ledger is: the database that a setting names, or the embedded one, started on demand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from datasets.embedded import lease
from datasets.settings import Settings
from datasets.store import Store

_OWNER, _READER = "lansdata", "lansdata_api"


@asynccontextmanager
async def open_store(settings: Settings, *, read_only: bool = False) -> AsyncIterator[Store]:
    """Lend the store that *settings* mean; the embedded server runs as long as somebody has it.

    Raises DatabaseStartError when the embedded server cannot be started.
    """
    held = None if settings.database_url else lease(settings.home_path)
    try:
        address = held.address(_READER if read_only else _OWNER) if held else settings.database_url
        store = Store.at(address, read_only=read_only)
        try:
            yield store
        finally:
            await store.close()
    finally:
        if held:
            held.release()
