"""What the command line does with the night: runs it, replays kept answers, tells a person and a machine."""

import asyncio
import logging
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from datasets.checks import CHECKS
from datasets.closest import closest
from datasets.database import open_store
from datasets.errors import FaultyFileError, LansdataError, MisusedError
from datasets.locks import opened, try_lock
from datasets.migrate import migrate
from datasets.settings import Settings
from loaders.catalogue import Listed, catalogue_files, read_listed
from loaders.inbox import INBOX, strays
from loaders.metrics import write_metrics
from loaders.nightly import Night, load, replay
from loaders.report import Line, Report, log_line, report_bytes, report_table

_WIDE = 1000
_LOCK = "nightly.lock"
_log = logging.getLogger(__name__)


def nightly(asked: Namespace, settings: Settings) -> int:
    """Load what the catalogue says; 0 all well, 1 something failed or was held."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for talkative in ("httpx", "alembic"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    listed, broken = _wanted(asked.only)
    if not asked.only:
        broken += _misplaced(settings, listed)
    if bool(asked.accept) != bool(asked.reason):
        raise MisusedError("--accept and --reason go together")
    _refuse_unknown(asked.accept or (), CHECKS, "check")
    if asked.metrics and asked.dry_run:
        raise MisusedError("--metrics tells of a real night, and --dry-run is none")
    for file, what in ((asked.report, "report"), (asked.metrics, "metrics")):
        if file and not file.parent.is_dir():
            message = f"there is no folder {file.parent} for the {what}"
            raise MisusedError(message)
    settings.home_path.mkdir(parents=True, exist_ok=True)
    with opened(settings.home_path / _LOCK) as lock:
        if not try_lock(lock):
            raise LansdataError("another nightly run is at work; this one did nothing")
        report = asyncio.run(_run(asked, settings, listed, broken))
    if asked.metrics:
        write_metrics(report, asked.metrics)
    return _told(report, asked.report)


def replayed(asked: Namespace, settings: Settings) -> int:
    """Normalise kept answers again, and publish if the outcome differs."""
    dataset = asked.snapshot.name.partition("@")[0]
    listed, broken = _wanted([dataset])
    if not asked.snapshot.is_file():
        message = f"there is no snapshot {asked.snapshot}"
        raise MisusedError(message)

    async def run() -> Line:
        if broken:
            return broken[0]
        async with open_store(settings) as store:
            await migrate(store)
            return await replay(Night(settings=settings, store=store), listed[0], asked.snapshot)

    began = datetime.now(UTC)
    line = asyncio.run(run())
    finished = datetime.now(UTC)
    return _told(Report(started_at=began, finished_at=finished, dry_run=False, datasets=(line,)), None)


def _wanted(only: Sequence[str] | None) -> tuple[list[Listed], list[Line]]:
    """Return the datasets to load, and a line for each whose file cannot be read."""
    names = {path.stem: path for path in catalogue_files()}
    _refuse_unknown(only or (), names, "dataset of the catalogue")
    listed, broken = [], []
    for name in dict.fromkeys(only or names):
        try:
            listed.append(read_listed(names[name]))
        except FaultyFileError as error:
            line = Line(dataset=name, source="catalogue", outcome="failed", seconds=0.0)
            broken.append(line.told("failed", [str(fault) for fault in error.faults]))
    return listed, broken


def _misplaced(settings: Settings, listed: Sequence[Listed]) -> list[Line]:
    """Return a line for everything in the inbox that no dataset would ever be loaded from."""
    known = [one.plan.dataset.id for one in listed if one.source == INBOX]
    lines: list[Line] = []
    try:
        found = [*strays(settings.home_path, known)]
    except OSError as error:
        return [Line(dataset=INBOX, source=INBOX, outcome="failed", seconds=0.0).told("failed", [str(error)])]
    for name in found:
        hints = ", ".join(closest(name, known) or known)
        line = Line(dataset=name, source=INBOX, outcome="failed", seconds=0.0)
        why = f"{INBOX}/{name} is no folder of a dataset that is loaded from files; closest: {hints}"
        lines.append(line.told("failed", [why]))
    return lines


def _refuse_unknown(asked: Iterable[str], known: Iterable[str], kind: str) -> None:
    names = list(known)
    for name in asked:
        if name not in names:
            message = f"{name} is no {kind}; closest: {', '.join(closest(name, names) or names)}"
            raise MisusedError(message)


async def _run(
    asked: Namespace, settings: Settings, listed: Sequence[Listed], broken: Sequence[Line]
) -> Report:
    began = datetime.now(UTC)
    lines = list(broken)
    accepted = dict.fromkeys(asked.accept or (), asked.reason or "")
    async with open_store(settings) as store:
        await migrate(store)
        night = Night(settings=settings, store=store, dry_run=asked.dry_run, accepted=accepted)
        with _progress() as progress:
            task = progress.add_task("", total=len(listed))
            for one in listed:
                progress.update(task, description=one.plan.dataset.id)
                line = await load(night, one)
                _log.info("%s", log_line(line))
                lines.append(line)
                progress.advance(task)
    finished = datetime.now(UTC)
    return Report(started_at=began, finished_at=finished, dry_run=asked.dry_run, datasets=tuple(lines))


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def _told(report: Report, file: Path | None) -> int:
    console = Console() if sys.stdout.isatty() else Console(width=_WIDE)
    console.print(report_table(report), markup=False)
    if report.dry_run:
        console.print("a trial: nothing was published")
    if file:
        file.write_bytes(report_bytes(report))
    return 0 if report.is_well else 1
