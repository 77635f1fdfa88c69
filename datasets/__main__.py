"""The ledger by hand: `python -m datasets versions | diff | verify | attack | migrate`."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pkgutil import resolve_name

from rich.console import Console
from rich.table import Table

from datasets.closest import closest
from datasets.database import open_store
from datasets.diff import diff, versions_of
from datasets.errors import LansdataError, UnknownCodeError
from datasets.migrate import migrate
from datasets.settings import read_settings
from datasets.store import Store
from datasets.verify import verify

_WELL, _FAILED = 0, 1
_WIDE = 1000


async def _migrate(_: argparse.Namespace, store: Store, console: Console) -> int:
    await migrate(store)
    console.print("the database has the shape of this version")
    return _WELL


async def _versions(asked: argparse.Namespace, store: Store, console: Console) -> int:
    async with store.session() as session:
        line = await session.releases()
    datasets = {one.dataset for one in line}
    if asked.dataset and asked.dataset not in datasets:
        raise UnknownCodeError("published dataset", asked.dataset, closest(asked.dataset, sorted(datasets)))
    table = Table(
        "release", "dataset", "version", "published", "figures", "added", "revised", "removed", "note"
    )
    for one in line:
        if asked.dataset not in {None, one.dataset}:
            continue
        counts = map(str, (one.counts.observations, one.counts.added, one.counts.revised, one.counts.removed))
        published = f"{one.published_at:%Y-%m-%d %H:%M:%SZ}"
        table.add_row(str(one.number), one.dataset, str(one.version), published, *counts, one.note)
    console.print(table, markup=False)
    return _WELL


async def _diff(asked: argparse.Namespace, store: Store, console: Console) -> int:
    async with store.session() as session:
        line = await session.releases()
    versions = versions_of(line, asked.dataset, asked.before, asked.after)
    await diff(store, versions, console, most=asked.rows)
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


async def _attack(asked: argparse.Namespace, store: Store, console: Console) -> int:
    # by name, since the solver takes longer to import than most commands take
    attack: Callable[..., Awaitable[int]] = resolve_name("datasets.disclosure.command:attack_dataset")
    return _FAILED if await attack(store, asked.dataset, console, asked.threshold) else _WELL


_COMMANDS: dict[str, Callable[[argparse.Namespace, Store, Console], Awaitable[int]]] = {
    "migrate": _migrate,
    "versions": _versions,
    "diff": _diff,
    "verify": _verify,
    "attack": _attack,
}


def main(words: Sequence[str]) -> int:
    """Run one command; return 0 all well, 1 something is wrong, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="python -m datasets", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate", help="bring the database to the shape of this version")
    commands.add_parser("versions", help="list what was published").add_argument("dataset", nargs="?")
    compare = commands.add_parser("diff", help="show what differs between two versions")
    compare.add_argument("dataset")
    compare.add_argument("before", nargs="?", metavar="FROM", help="the version before TO unless told")
    compare.add_argument("after", nargs="?", metavar="TO", help="the newest unless told")
    compare.add_argument("--rows", type=int, metavar="N", help="so many changes at most")
    commands.add_parser("verify", help="compute every hash again")
    stranger = commands.add_parser("attack", help="try to work out what is hidden, as a stranger would")
    stranger.add_argument("dataset")
    stranger.add_argument("--threshold", type=int, metavar="N", help="the dataset's own unless told")
    asked = parser.parse_args(words)

    async def run() -> int:
        async with open_store(read_settings()) as store:
            # a file or another program has no width that a table would have to fit
            console = Console() if sys.stdout.isatty() else Console(width=_WIDE)
            return await _COMMANDS[asked.command](asked, store, console)

    try:
        return asyncio.run(run())
    except LansdataError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return _FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
