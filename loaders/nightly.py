"""The nightly run: source by source, each dataset on its own; one that fails holds nobody else up."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

from msgspec import Struct

from datasets.disclosure.guard import guarded
from datasets.errors import FaultyFileError, LansdataError
from datasets.ledger import FAILED, HELD, PUBLISHED, UNCHANGED, Attempt
from datasets.publish import HeldError, Outcome, publish, record
from datasets.settings import Settings
from datasets.store import Store
from loaders.catalogue import Listed
from loaders.fetch import Fetcher
from loaders.inbox import INBOX, Waiting, delivered, forget_loaded, keep_receipt, receipt_of, refuse_other
from loaders.judging import About, Judging
from loaders.kinds import read_described
from loaders.report import WAITING, Line
from loaders.snapshots import Snapshot, forget_old, read_snapshot
from loaders.source import Made, Source, StatedManners
from loaders.sources import base_of, source_of

DATASET_SECONDS = 1800.0
"""The longest that one dataset may take before the night goes on without it."""
SNAPSHOTS = "snapshots"
_NIGHT_TO_NIGHT = timedelta(days=1)
"""When a dataset of the catalogue is looked at again."""
_log = logging.getLogger(__name__)


class Night(Struct, frozen=True, kw_only=True):
    """What one run is told: where things are, what to leave unpublished, which findings a person accepted."""

    settings: Settings
    store: Store
    dry_run: bool = False
    accepted: Mapping[str, str] = {}
    """The reason that a person gave for each check whose findings are accepted this time."""

    @property
    def snapshots(self) -> Path:
        """Return the folder of the kept answers."""
        return self.settings.home_path / SNAPSHOTS


class Kept(Struct, frozen=True):
    """What came of publishing kept answers, and the indicators that they did not have."""

    outcome: Outcome
    left_out: tuple[str, ...]


async def load(night: Night, listed: Listed) -> Line:
    """Load one dataset and tell what came of it; whatever goes wrong is told, never raised."""
    started = datetime.now(UTC)
    if listed.source == INBOX:
        line = await _told(night, listed, publish_delivered(night, listed, started), started)
        _forget(night, listed, started)
        return line

    async def work() -> Kept:
        path = await fetch(night, listed, started)
        return await publish_kept(night, listed, path)

    line = await _told(night, listed, work(), started)
    _forget(night, listed, started)
    return line


def _forget(night: Night, listed: Listed, now: datetime) -> None:
    """Remove kept answers, and files of people, that are older than the settings say."""
    kept = timedelta(days=night.settings.keep_days)
    try:
        if listed.source == INBOX and not night.dry_run:
            forget_loaded(night.settings.home_path, listed, now, kept)
        elif listed.source != INBOX:
            forget_old(night.snapshots, now, kept)
    except OSError as error:
        _log.warning("what is old could not be removed: %s", error)


async def replay(night: Night, listed: Listed, path: Path) -> Line:
    """Make the figures of the answers kept at *path* again; told as `load` tells."""
    return await _told(night, listed, publish_kept(night, listed, path), datetime.now(UTC))


async def _told(
    night: Night, listed: Listed, work: Coroutine[None, None, Kept | Waiting], started: datetime
) -> Line:
    began, dataset = monotonic(), listed.plan.dataset
    line = Line(dataset=dataset.id, source=listed.source, outcome=FAILED, seconds=0.0)
    try:
        async with asyncio.timeout(DATASET_SECONDS):
            line = _line(line, await work)
    except HeldError as error:
        line = line.told(HELD, error.reasons)
    except FaultyFileError as error:
        line = line.told(HELD, [str(fault) for fault in error.faults])
    except TimeoutError:
        line = line.told(FAILED, [f"took longer than {DATASET_SECONDS:.0f} s"])
    except (LansdataError, OSError) as error:
        line = line.told(FAILED, str(error).splitlines() or [type(error).__name__])
    except Exception as error:  # noqa: BLE001 one dataset must never take the night down
        _log.exception("%s failed in a way that nobody foresaw", dataset.id)
        line = line.told(FAILED, [f"{type(error).__name__}: see the log"])
    line = line.lasting(monotonic() - began)
    await _record_failure(night, listed, line, started)
    return line


async def fetch(night: Night, listed: Listed, started: datetime) -> Path:
    """Ask the source everything that the plan needs; return where its answers are kept."""
    source = source_of(listed.source)
    base = base_of(listed.source, night.settings)
    with Snapshot(night.snapshots, listed.plan.dataset.id, started) as kept:
        async with Fetcher(base, source.manners(listed.plan), kept.keep) as fetcher:
            await ask_all(source, listed, fetcher)
    return kept.path


async def ask_all(source: Source, listed: Listed, fetcher: Fetcher) -> None:
    """Put the source's questions one after the other, each after the answer to the one before."""
    asks = source.asks(listed.plan)
    stated_manners: StatedManners | None = getattr(source, "manners_from", None)
    ask = next(asks, None)
    while ask is not None:
        if ask.body:
            fetched = await fetcher.post(ask.target, ask.body, accept=source.check_answer)
        else:
            fetched = await fetcher.get(ask.target, accept=source.check_answer, known=ask.known)
        stated = stated_manners(fetched) if stated_manners else None
        if stated:
            await fetcher.adopt(stated)
        try:
            ask = asks.send(fetched)
        except StopIteration:
            ask = None


async def publish_kept(night: Night, listed: Listed, path: Path) -> Kept:
    """Normalise the answers kept at *path* and publish them if they differ from what stands."""
    source, plan = source_of(listed.source), listed.plan
    time = source.source_time(plan, read_snapshot(path))
    made = source.normalise(plan, read_snapshot(path))
    draft = Judging(listed, night.accepted, made, About(plan.dataset, time))
    again = datetime.now(UTC) + _NIGHT_TO_NIGHT
    outcome = await publish(night.store, draft, judge=draft.judge, only_try=night.dry_run, next_at=again)
    return Kept(outcome, draft.left_out)


async def publish_delivered(night: Night, listed: Listed, now: datetime) -> Kept | Waiting:
    """Publish the newest file in the dataset's folder of the inbox, unless it is loaded already.

    Raises FaultyFileError with every fault of it.
    """
    home, dataset = night.settings.home_path, listed.plan.dataset.id
    async with night.store.session() as session:
        stands = any(release.dataset == dataset for release in await session.releases())
    told = delivered(home, listed, now, stands=stands)
    if isinstance(told, Waiting):
        return told
    receipt, raw = receipt_of(told), read_described(told)
    refuse_other(listed.plan.dataset, raw.dataset, told.name)
    handed_over = await guarded(night.store, raw, None if night.dry_run else home)
    made = (Made(definition, cube) for definition, cube in handed_over.made())
    about = About(
        handed_over.dataset,
        handed_over.source_time,
        note=handed_over.note,
        protected_by=handed_over.protected_by,
        stands_on=handed_over.stands_on,
    )
    draft = Judging(listed, night.accepted, made, about)
    outcome = await publish(night.store, draft, judge=draft.judge, only_try=night.dry_run)
    if not night.dry_run:
        keep_receipt(home, dataset, receipt)
    return Kept(outcome, draft.left_out)


def _line(line: Line, kept: Kept | Waiting) -> Line:
    if isinstance(kept, Waiting):
        return line.told(WAITING, [kept.reason])
    outcome, release = kept.outcome, kept.outcome.release
    line = line.told(line.outcome, kept.left_out)
    return line.counted(
        PUBLISHED if release else UNCHANGED,
        version=str(release.version) if release else "",
        release=release.number if release else None,
        counts=outcome.counts,
    )


def _publicly(line: Line) -> str:
    """Return why a dataset failed or was held, as the ledger keeps it for everybody.

    A file that was handed over may be confidential, and its faults quote it: they stand in the report alone.
    """
    if line.source == INBOX and line.outcome == HELD:
        return f"{len(line.detail)} reasons, in the report of the night"
    return "\n".join(line.detail[:50])


async def _record_failure(night: Night, listed: Listed, line: Line, started: datetime) -> None:
    if line.outcome not in {FAILED, HELD} or night.dry_run:
        return
    attempt = Attempt(
        dataset=line.dataset,
        source=listed.source,
        started_at=started,
        finished_at=datetime.now(UTC),
        outcome=line.outcome,
        detail=_publicly(line),
        next_at=started + _NIGHT_TO_NIGHT,
    )
    try:
        await record(night.store, attempt)
    except LansdataError as error:
        _log.warning("the attempt on %s could not be recorded: %s", line.dataset, error)
