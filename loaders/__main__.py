"""The loaders by hand: `python -m loaders nightly | handover FILE.toml | replay SNAPSHOT | starter`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from pkgutil import resolve_name

from rich.console import Console

from datasets.errors import FaultyFileError, LansdataError, MisusedError
from datasets.lean import leave_out
from datasets.settings import Settings, read_settings

_FAILED, _MISUSED = 1, 2
# by name, since what fetches takes longer to import than most tables take to publish
_COMMANDS = {
    "nightly": "loaders.commands:nightly",
    "replay": "loaders.commands:replayed",
    "handover": "loaders.by_hand:handover",
    "starter": "loaders.by_hand:starter",
}


def main(words: Sequence[str]) -> int:
    """Run one command; return 0 all well, 1 something was refused, 2 wrong use."""
    asked = _parser().parse_args(words)
    try:
        run: Callable[[argparse.Namespace, Settings], int] = resolve_name(_COMMANDS[asked.command])
        return run(asked, read_settings())
    except FaultyFileError as error:
        _show_faults(error, Console(stderr=True))
    except MisusedError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return _MISUSED
    except LansdataError as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
    return _FAILED


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


def _show_faults(error: FaultyFileError, console: Console) -> None:
    from rich.table import Table  # noqa: PLC0415 most files have no fault

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
    leave_out()
    sys.exit(main(sys.argv[1:]))
