"""The ledger by hand: `python -m datasets versions | diff | verify | attack | withdraw | ...`."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pkgutil import resolve_name

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from datasets.backfill import backfill, unbaked
from datasets.closest import closest
from datasets.database import open_store
from datasets.diff import diff, versions_of
from datasets.errors import LansdataError, MisusedError, UnknownCodeError
from datasets.lean import leave_out
from datasets.migrate import migrate
from datasets.notices import Withdrawal
from datasets.restore import restore
from datasets.retract import Key, erase, withdraw
from datasets.settings import read_settings
from datasets.store import Store
from datasets.verify import to_verify, verify
from datasets.vocabulary import Breakdown, Sex

_WELL, _FAILED = 0, 1
_WIDE = 1000


async def _migrate(_: argparse.Namespace, store: Store, console: Console) -> int:
    await migrate(store)
    console.print("the database has the shape of this version")
    return _WELL


async def _versions(asked: argparse.Namespace, store: Store, console: Console) -> int:
    async with store.session() as session:
        line = await session.releases()
        notices = await session.notices()
    withdrawn = {one.release: one.reason for one in notices if isinstance(one, Withdrawal)}
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
        note = f"withdrawn: {withdrawn[one.number]}" if one.number in withdrawn else one.note
        published = f"{one.published_at:%Y-%m-%d %H:%M:%SZ}"
        table.add_row(str(one.number), one.dataset, str(one.version), published, *counts, note)
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
    aside = Console(stderr=True)
    with Progress(console=aside, transient=True, disable=not aside.is_terminal) as progress:
        task = progress.add_task("computing every hash again", total=await to_verify(store))
        async for one in verify(store):
            right, wrong = right + one.right, wrong + (not one.right)
            progress.advance(task)
            if not one.right:
                console.print(f"{one.what} {one.name} is not what was published")
    console.print(f"{right} right, {wrong} wrong")
    return _FAILED if wrong else _WELL


async def _withdraw(asked: argparse.Namespace, store: Store, console: Console) -> int:
    done = await withdraw(store, asked.dataset, asked.version, asked.reason)
    console.print(f"{done.dataset} {done.version} is withdrawn; it says so from now on")
    return _WELL


async def _erase(asked: argparse.Namespace, store: Store, console: Console) -> int:
    try:
        breakdown = Breakdown.parse(asked.breakdown)
        key = Key(asked.indicator, asked.municipality, Sex(asked.sex), asked.year, breakdown)
    except ValueError as error:
        raise MisusedError(str(error)) from error
    done = await erase(store, key, asked.reason)
    console.print(f"erased from {len(done.releases)} versions; they answer 410 with the reason")
    return _WELL


async def _restore(asked: argparse.Namespace, store: Store, console: Console) -> int:
    await migrate(store)
    count = await restore(store, asked.ledger)
    console.print(f"{count} releases are restored, every hash as it was")
    return _WELL


async def _bake(_: argparse.Namespace, store: Store, console: Console) -> int:
    aside = Console(stderr=True)
    with Progress(console=aside, transient=True, disable=not aside.is_terminal) as progress:
        task = progress.add_task("baking files", total=len(await unbaked(store)))
        async for release in backfill(store):
            progress.advance(task)
            console.print(f"{release.dataset} {release.version} has its files")
    console.print("every version has its files")
    return _WELL


async def _attack(asked: argparse.Namespace, store: Store, console: Console) -> int:
    # by name, since the solver takes longer to import than most commands take
    attack: Callable[..., Awaitable[int]] = resolve_name("datasets.disclosure.command:attack_dataset")
    return _FAILED if await attack(store, asked.dataset, console, asked.threshold) else _WELL


_COMMANDS: dict[str, Callable[[argparse.Namespace, Store, Console], Awaitable[int]]] = {
    "migrate": _migrate,
    "versions": _versions,
    "diff": _diff,
    "verify": _verify,
    "withdraw": _withdraw,
    "erase": _erase,
    "restore": _restore,
    "bake": _bake,
    "attack": _attack,
}


def _parser() -> argparse.ArgumentParser:
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
    back = commands.add_parser("withdraw", help="say of a version that it must not be used")
    back.add_argument("dataset")
    back.add_argument("version")
    back.add_argument("--reason", required=True, help="told to everyone who uses the version")
    gone = commands.add_parser("erase", help="erase a figure from every version and file, for good")
    gone.add_argument("indicator")
    gone.add_argument("municipality")
    gone.add_argument("sex")
    gone.add_argument("year", type=int)
    gone.add_argument("breakdown", nargs="?", default="", help="such as age:80-;reporter:polis")
    gone.add_argument("--reason", required=True, help="told to everyone who asks for it")
    again = commands.add_parser("restore", help="fill an empty database from the baked files")
    again.add_argument("ledger", nargs="?", default="", help="which, where the files are of several")
    commands.add_parser("bake", help="bake the files of versions that have none")
    stranger = commands.add_parser("attack", help="try to work out what is hidden, as a stranger would")
    stranger.add_argument("dataset")
    stranger.add_argument("--threshold", type=int, metavar="N", help="the dataset's own unless told")
    return parser


def main(words: Sequence[str]) -> int:
    """Run one command; return 0 all well, 1 something is wrong, 2 wrong use."""
    asked = _parser().parse_args(words)

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
    leave_out()
    sys.exit(main(sys.argv[1:]))
