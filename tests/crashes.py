"""A publisher as a process of its own, to be killed: `python -m tests.crashes ADDRESS FOLDER VALUE`."""

import asyncio
import sys
from pathlib import Path

from datasets.publish import publish
from datasets.shelf import Folder
from datasets.store import Store
from tests.given import cube, draft, figure


async def main(address: str, folder: str, value: str) -> None:
    """Publish a version of many figures that all have one *value*, and say when it begins."""
    years = range(1900, 2020)
    cubes = {
        f"I{number}": cube(*(figure(year=year, value=float(value)) for year in years)) for number in range(8)
    }
    store = Store.at(address, shelf=Folder(Path(folder)))
    sys.stdout.write("begins\n")
    sys.stdout.flush()
    try:
        outcome = await publish(store, draft(cubes=cubes))
        sys.stdout.write(f"{outcome.release}\n")
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
