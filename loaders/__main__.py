"""The loaders by hand: `python -m loaders nightly | handover FILE.toml | replay SNAPSHOT | starter`."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from pkgutil import resolve_name

from rich.console import Console
from rich.progress import track
from rich.table import Table

from datasets.database import open_store
from datasets.disclosure.guard import guarded
from datasets.errors import FaultyFileError, LansdataError, MisusedError
from datasets.ledger import Draft
from datasets.migrate import migrate
from datasets.publish import Outcome, publish
from datasets.settings import Settings, read_settings
from loaders.kinds import read_file
from loaders.starter import starter_files

WELL, FAILED, MISUSED = 0, 1, 2
_OF_THE_NIGHT = {"nightly": "loaders.commands:nightly", "replay": "loaders.commands:replayed"}


def main(words: Sequence[str]) -> int:
    """Run one command; return 0 all well, 1 something was refused, 2 wrong use."""
    asked = _parser().parse_args(words)
    try:
        settings = read_settings()
        if asked.command in _OF_THE_NIGHT:
            # by name, since what fetches takes longer to import than most tables take to publish
            run: Callable[[argparse.Namespace, Settings], int] = resolve_name(_OF_THE_NIGHT[asked.command])
            return run(asked, settings)
        if asked.command == "starter":
            return asyncio.run(_starter(settings, Console()))
        return _handover(asked, settings, Console())
    except FaultyFileError as error:
        _show_faults(error, Console(stderr=True))
    except MisusedError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return MISUSED
    except LansdataError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
    return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loaders", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    night = commands.add_parser("nightly", help="load what the catalogue says, source by source")
    night.add_argument("--only", nargs="+", metavar="DATASET", help="only these datasets")
    night.add_argument("--dry-run", action="store_true", help="do everything but publish")
    night.add_argument("--report", type=Path, metavar="FILE.json", help="write the report as JSON too")
    night.add_argument(
        "--metrics", type=Path, metavar="FILE.prom", help="write metrics for Prometheus's node exporter"
    )
    night.add_argument("--accept", action="append", metavar="CHECK", help="publish despite this check")
    night.add_argument("--reason", help="why, for --accept; stands in the release's note")
    handover = commands.add_parser("handover", help="check and publish a file that a person handed over")
    handover.add_argument("file", type=Path, help="the TOML beside the table")
    handover.add_argument("--dry-run", action="store_true", help="check only, publish nothing")
    again = commands.add_parser("replay", help="normalise kept answers again, publish if they differ")
    again.add_argument("snapshot", type=Path)
    commands.add_parser("starter", help="publish the starter collection if nothing is published yet")
    return parser


def _handover(asked: argparse.Namespace, settings: Settings, console: Console) -> int:
    with console.status(f"checking {asked.file.name}"):
        draft = read_file(asked.file)
    if asked.dry_run:
        figures = sum(map(len, draft.cubes.values()))
        console.print(f"{draft.dataset.id}: {figures} figures, no fault; nothing was published")
        return WELL
    return asyncio.run(_publish_all(settings, [draft], console))


async def _starter(settings: Settings, console: Console) -> int:
    """Publish what of the starter collection is not there yet, unless anything else was ever published."""
    async with open_store(settings) as store:
        await migrate(store)
        async with store.session() as session:
            published = {release.dataset for release in await session.releases()}
    files = {path.stem: path for path in starter_files()}
    waiting = [path for name, path in files.items() if name not in published]
    if not waiting or published - files.keys():
        console.print(f"{len(published)} datasets are published already")
        return WELL
    drafts = map(read_file, track(waiting, "publishing the starter collection", console=console))
    return await _publish_all(settings, drafts, console)


async def _publish_all(settings: Settings, drafts: Iterable[Draft], console: Console) -> int:
    async with open_store(settings) as store:
        await migrate(store)
        outcomes = []
        for draft in drafts:
            safe = await guarded(store, draft, settings.home_path)
            outcomes.append(await publish(store, safe))
    console.print(_table(outcomes))
    return WELL


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
