"""The nightly run: source by source, each dataset on its own; one that fails holds nobody else up."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

from msgspec import Struct

from datasets.catalogue import Indicator
from datasets.checks import FEW_PEOPLE, NOTHING_THERE, Judged, findings
from datasets.cube import Cube
from datasets.errors import LansdataError
from datasets.ledger import FAILED, HELD, PUBLISHED, UNCHANGED, Attempt
from datasets.publish import HeldError, Outcome, publish, record
from datasets.settings import Settings
from datasets.store import Store
from loaders.catalogue import Listed
from loaders.corrections import StaleCorrectionError, corrected
from loaders.fetch import Fetcher
from loaders.report import Line
from loaders.snapshots import Snapshot, forget_old, read_snapshot
from loaders.source import Source, StatedManners
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

    async def work() -> Kept:
        path = await fetch(night, listed, started)
        return await publish_kept(night, listed, path)

    line = await _told(night, listed, work(), started)
    try:
        forget_old(night.snapshots, started, timedelta(days=night.settings.keep_days))
    except OSError as error:
        _log.warning("old snapshots could not be removed: %s", error)
    return line


async def replay(night: Night, listed: Listed, path: Path) -> Line:
    """Make the figures of the answers kept at *path* again; told as `load` tells."""
    return await _told(night, listed, publish_kept(night, listed, path), datetime.now(UTC))


async def _told(night: Night, listed: Listed, work: Coroutine[None, None, Kept], started: datetime) -> Line:
    began, dataset = monotonic(), listed.plan.dataset
    line = Line(dataset=dataset.id, source=listed.source, outcome=FAILED, seconds=0.0)
    try:
        async with asyncio.timeout(DATASET_SECONDS):
            line = _line(line, await work)
    except HeldError as error:
        line = line.told(HELD, error.reasons)
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
    base = base_of(listed.source, listed.plan, night.settings)
    with Snapshot(night.snapshots, listed.plan.dataset.id, started) as kept:
        async with Fetcher(base, source.manners(listed.plan), kept.keep) as fetcher:
            await ask_all(source, listed, fetcher, started)
    return kept.path


async def ask_all(source: Source, listed: Listed, fetcher: Fetcher, today: datetime) -> None:
    """Put the source's questions one after the other, each after the answer to the one before."""
    asks = source.asks(listed.plan, today)
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
    draft = _Judged(night, listed, path)
    again = datetime.now(UTC) + _NIGHT_TO_NIGHT
    outcome = await publish(night.store, draft, judge=draft.judge, only_try=night.dry_run, next_at=again)
    return Kept(outcome, draft.left_out)


class _Judged:
    """A dataset made of kept answers, which remembers what the checks and the source said on the way."""

    def __init__(self, night: Night, listed: Listed, path: Path) -> None:
        source, plan = source_of(listed.source), listed.plan
        self.dataset = plan.dataset
        self.source_time = source.source_time(plan, read_snapshot(path))
        self._listed = listed
        self._accepted = night.accepted
        self._met: set[str] = set()
        self._made: set[str] = set()
        self._empty: set[str] = set()
        self._answers = source.normalise(plan, read_snapshot(path))

    @property
    def note(self) -> str:
        """Return why findings were accepted; only for checks that had any."""
        return "; ".join(f"{check} accepted: {self._accepted[check]}" for check in sorted(self._met))

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return a sentence for each indicator of the catalogue that the source had no figure for."""
        tables = (str(table.get("id")) for table in self._listed.plan.indicators)
        named = dict.fromkeys((*tables, *map(str, self._listed.plan.load.get("kpis", ()))))
        gone = [f"{name}: the source does not have it" for name in named if name not in self._made]
        return (*gone, *(f"{name}: the source has no figure for our areas" for name in sorted(self._empty)))

    def made(self) -> Iterator[tuple[Indicator, Cube]]:
        """Yield each indicator with its corrections; every correction must have met its figure by the end."""
        corrections = self._listed.corrections
        for one in self._answers:
            right = corrected(one, corrections)
            self._made.add(right.indicator.id)
            if not len(right.cube):
                self._empty.add(right.indicator.id)
            yield right.indicator, right.cube
        waiting = {one.indicator for one in corrections} - self._made
        if waiting:
            names = ", ".join(sorted(waiting))
            message = f"corrections are declared for {names}, which the source does not have"
            raise StaleCorrectionError(message)
        if self._made == self._empty and not self._is_accepted(NOTHING_THERE):
            raise HeldError(self.dataset.id, [f"{NOTHING_THERE}: {text}" for text in self.left_out])

    def judge(self, definition: Indicator, cube: Cube, before: Cube | None) -> list[str]:
        """Return what the checks say of an indicator, less what a person accepted."""
        this_year = datetime.now(UTC).year
        judged = Judged(
            definition=definition,
            cube=cube,
            before=before,
            bounds=self._listed.bounds,
            this_year=this_year,
            floor=self.dataset.threshold if self.dataset.person_based else None,
        )
        return [
            f"{one.check}: {one.indicator}: {one.reason}"
            for one in findings(judged)
            if not self._is_accepted(one.check)
        ]

    def _is_accepted(self, check: str) -> bool:
        if check not in self._accepted or check == FEW_PEOPLE:
            return False
        self._met.add(check)
        return True


def _line(line: Line, kept: Kept) -> Line:
    outcome, release = kept.outcome, kept.outcome.release
    line = line.told(line.outcome, kept.left_out)
    return line.counted(
        PUBLISHED if release else UNCHANGED,
        version=str(release.version) if release else "",
        release=release.number if release else None,
        counts=outcome.counts,
    )


async def _record_failure(night: Night, listed: Listed, line: Line, started: datetime) -> None:
    if line.outcome not in {FAILED, HELD} or night.dry_run:
        return
    attempt = Attempt(
        dataset=line.dataset,
        source=listed.source,
        started_at=started,
        finished_at=datetime.now(UTC),
        outcome=line.outcome,
        detail="\n".join(line.detail[:50]),
        next_at=started + _NIGHT_TO_NIGHT,
    )
    try:
        await record(night.store, attempt)
    except LansdataError as error:
        _log.warning("the attempt on %s could not be recorded: %s", line.dataset, error)
