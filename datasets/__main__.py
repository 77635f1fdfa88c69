"""The ledger by hand: `python -m datasets versions | verify | migrate`."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence

from rich.console import Console
from rich.table import Table

from datasets.database import open_store
from datasets.errors import LansdataError
from datasets.migrate import migrate
from datasets.settings import read_settings
from datasets.store import Store
from datasets.verify import verify

_WELL, _FAILED, _MISUSED = 0, 1, 2


async def _migrate(_: argparse.Namespace, store: Store, console: Console) -> int:
    await migrate(store)
    console.print("the database has the shape of this version")
    return _WELL


async def _versions(asked: argparse.Namespace, store: Store, console: Console) -> int:
    async with store.session() as session:
        line = [one for one in await session.releases() if asked.dataset in {None, one.dataset}]
    table = Table(
        "release", "dataset", "version", "published", "figures", "added", "revised", "removed", "note"
    )
    for one in line:
        counts = map(str, (one.counts.observations, one.counts.added, one.counts.revised, one.counts.removed))
        published = f"{one.published_at:%Y-%m-%d %H:%M:%SZ}"
        table.add_row(str(one.number), one.dataset, str(one.version), published, *counts, one.note)
    console.print(table)
    return _WELL


async def _verify(_: argparse.Namespace, store: Store, console: Console) -> int:
    right = wrong = 0
    with console.status("computing every hash again"):
        async for one in verify(store):
            right, wrong = right + one.right, wrong + (not one.right)
            if not one.right:
                console.print(f"{one.what} {one.name} is not what was published")
    console.print(f"{right} right, {wrong} wrong")
    return _FAILED if wrong else _WELL


_COMMANDS: dict[str, Callable[[argparse.Namespace, Store, Console], Awaitable[int]]] = {
    "migrate": _migrate,
    "versions": _versions,
    "verify": _verify,
}


def main(words: Sequence[str]) -> int:
    """Run one command; return 0 all well, 1 something is wrong, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="python -m datasets", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the database to the shape of this version")
    commands.add_parser("versions", help="list what was published").add_argument("dataset", nargs="?")
    commands.add_parser("verify", help="compute every hash again")
    asked = parser.parse_args(words)

    async def run() -> int:
        async with open_store(read_settings()) as store:
            return await _COMMANDS[asked.command](asked, store, Console())

    try:
        return asyncio.run(run())
    except LansdataError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False)
        return _FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
