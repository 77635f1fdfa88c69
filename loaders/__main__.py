"""The loaders by hand: `python -m loaders handover FILE.toml | starter`."""

import argparse
import asyncio
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from datasets.database import open_store
from datasets.errors import FaultyFileError, LansdataError
from datasets.ledger import Draft
from datasets.migrate import migrate
from datasets.publish import Outcome, publish
from datasets.settings import Settings, read_settings
from loaders.handover import read_handover
from loaders.starter import starter_drafts, starter_files

_WELL, _FAILED = 0, 1


def main(words: Sequence[str]) -> int:
    """Run one command; return 0 all well, 1 something was refused, 2 wrong use."""
    parser = argparse.ArgumentParser(prog="python -m loaders", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    handover = commands.add_parser("handover", help="check and publish a file that a person handed over")
    handover.add_argument("file", type=Path, help="the TOML beside the table")
    handover.add_argument("--dry-run", action="store_true", help="check only, publish nothing")
    commands.add_parser("starter", help="publish the starter collection if nothing is published yet")
    asked = parser.parse_args(words)
    console = Console()
    try:
        if asked.command == "starter":
            return asyncio.run(_starter(read_settings(), console))
        with console.status(f"checking {asked.file.name}"):
            draft = read_handover(asked.file)
        if asked.dry_run:
            figures = sum(map(len, draft.cubes.values()))
            console.print(f"{draft.dataset.id}: {figures} figures, no fault; nothing was published")
            return _WELL
        return asyncio.run(_publish_all(read_settings(), [draft], console))
    except FaultyFileError as error:
        _show_faults(error, Console(stderr=True))
    except LansdataError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
    return _FAILED


async def _starter(settings: Settings, console: Console) -> int:
    async with open_store(settings) as store:
        await migrate(store)
        async with store.session() as session:
            published = await session.releases()
        if published:
            console.print(f"{len(published)} releases are published already")
            return _WELL
    size = len(starter_files())
    drafts = track(starter_drafts(), "publishing the starter collection", total=size, console=console)
    return await _publish_all(settings, drafts, console)


async def _publish_all(settings: Settings, drafts: Iterable[Draft], console: Console) -> int:
    async with open_store(settings) as store:
        await migrate(store)
        outcomes = [await publish(store, draft) for draft in drafts]
    console.print(_table(outcomes))
    return _WELL


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table("dataset", "version", "release", "figures", "added", "revised", "removed")
    for outcome in outcomes:
        counts = outcome.counts
        numbers = map(str, (counts.observations, counts.added, counts.revised, counts.removed))
        release = outcome.release
        if release:
            table.add_row(outcome.dataset, str(release.version), str(release.number), *numbers)
        else:
            table.add_row(outcome.dataset, "checked, no change", "", *numbers)
    return table


def _show_faults(error: FaultyFileError, console: Console) -> None:
    table = Table("file", "row", "column", "value", "what is wrong", "closest", title="nothing was published")
    for fault in error.faults:
        row = str(fault.row) if fault.row else ""
        table.add_row(fault.file, row, fault.column, fault.value, fault.reason, ", ".join(fault.closest))
    if console.is_terminal:
        console.print(table, markup=False)
    else:
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(error.faults)} faults; nothing was published")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
