"""How fresh each dataset is: what came of the last attempts, told for the public and never guessed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Literal, NamedTuple

from msgspec import Struct

from api.answers import Moment
from api.freshness_words import Said, source_statement, statement
from api.live import Live
from api.snapshot import DatasetState, Snapshot
from datasets.checks import EXPLAINED
from datasets.errors import StoreUnavailableError
from datasets.ledger import FAILED, HELD, PUBLISHED, UNCHANGED, Attempt
from datasets.store import Store

NIGHTLY, HABIT = "nightly", "updateFrequency"
_WORST_FIRST = (FAILED, HELD, PUBLISHED, UNCHANGED)
_GRACE = timedelta(hours=6)
"""A night may begin later and last longer than the one before."""
_MONTHS = {"monthly": 1, "quarterly": 3, "annual": 12, "biennial": 24, "triennial": 36}
_DAYS = {"daily": 1, "weekly": 7}
_ASK_AGAIN_SECONDS = 1.0
_FINDING = re.compile(r"([a-z-]{1,40}): ([A-Za-z0-9-]{1,100}): ")
_MOST_REASONS = 20

Attempts = Mapping[str, Sequence[Attempt]]
"""The newest attempts of each dataset, one of every outcome that there was."""


class Reason(Struct, frozen=True):
    """Why the checks hold a dataset back: which check, for which indicator, and what it looks for."""

    check: str
    indicator: str
    text: str


class DatasetFreshness(Struct, frozen=True, kw_only=True, rename="camel"):
    """How fresh one dataset is; times are ours.

    `nextExpected` is the next check where one is planned (`nightly`); where a person hands over it is only
    when its `updateFrequency` would have the next one come: a habit, not a promise.
    """

    source: str
    dataset: str
    title: str | None
    version: str | None
    outcome: Literal["published", "unchanged", "held", "failed"]
    last_attempt: Moment
    last_success: Moment | None
    last_change: Moment | None
    next_expected: Moment | None
    next_expected_basis: Literal["nightly", "updateFrequency"] | None
    overdue: bool
    update_frequency: str | None
    reasons: list[Reason]
    statement: str


class SourceFreshness(Struct, frozen=True, kw_only=True, rename="camel"):
    """How fresh the datasets of one source are, taken together; `outcome` is the worst of them."""

    source: str
    outcome: str
    last_attempt: Moment
    last_success: Moment | None
    last_change: Moment | None
    statement: str


class Known(NamedTuple):
    """The attempts that are known, and since when where the ledger cannot be asked any more."""

    attempts: Attempts
    stale_since: Moment | None


class Freshness:
    """The newest attempts: asked for when somebody wants to know, kept for when the database is away."""

    def __init__(self, store: Store, live: Live) -> None:
        self._store = store
        self._live = live
        self._attempts: Attempts | None = None
        self._asked, self._asked_at = -_ASK_AGAIN_SECONDS, datetime.now(UTC)

    async def known(self) -> Known:
        """Return what is known; raises StoreUnavailableError as long as nothing could be read."""
        if self._attempts is not None and monotonic() - self._asked < _ASK_AGAIN_SECONDS:
            return Known(self._attempts, None)
        try:
            attempts = await self._read()
        except StoreUnavailableError:
            if self._attempts is None:
                raise
            return Known(self._attempts, self._asked_at)
        self._attempts, self._asked, self._asked_at = attempts, monotonic(), datetime.now(UTC)
        return Known(attempts, None)

    async def _read(self) -> Attempts:
        if not self._live.reachable:
            # nobody should wait for what was away a moment ago
            raise StoreUnavailableError("the database was away when it was last asked")
        async with self._store.session() as session:
            found = await session.newest_attempts()
        attempts: dict[str, list[Attempt]] = {}
        for attempt in found:
            attempts.setdefault(attempt.dataset, []).append(attempt)
        return attempts


def datasets_told(
    snapshot: Snapshot, attempts: Attempts, now: datetime, language: str
) -> list[DatasetFreshness]:
    """Return how fresh every dataset is that was published or tried, by source and id."""
    names = {*snapshot.datasets, *attempts}
    told = [_told(name, snapshot.datasets.get(name), attempts.get(name, ()), now, language) for name in names]
    return sorted(told, key=lambda one: (one.source, one.dataset))


def sources_told(datasets: Iterable[DatasetFreshness], language: str) -> list[SourceFreshness]:
    """Return how fresh the sources of *datasets* are, by source."""
    by_source: dict[str, list[DatasetFreshness]] = {}
    for one in datasets:
        by_source.setdefault(one.source, []).append(one)
    return [
        SourceFreshness(
            source=source,
            outcome=min((one.outcome for one in some), key=_WORST_FIRST.index),
            last_attempt=max(one.last_attempt for one in some),
            last_success=max((one.last_success for one in some if one.last_success), default=None),
            last_change=max((one.last_change for one in some if one.last_change), default=None),
            statement=source_statement([one.outcome for one in some], language),
        )
        for source, some in sorted(by_source.items())
    ]


def _told(
    name: str, state: DatasetState | None, attempts: Sequence[Attempt], now: datetime, language: str
) -> DatasetFreshness:
    change = state.release.published_at if state else None
    successes = [one.finished_at for one in attempts if one.outcome in {PUBLISHED, UNCHANGED}]
    last = max(attempts, key=lambda one: one.finished_at, default=None)
    # a ledger that was restored has its releases but not the attempts that made them
    success = max([*successes, *([change] if change else [])], default=None)
    frequency = state.description.update_frequency if state else None
    planned = max((one.next_at for one in attempts if one.next_at), default=None)
    expected = planned or _habit(change, frequency)
    outcome = last.outcome if last else PUBLISHED
    tried = last.finished_at if last else success or now
    overdue = planned is not None and now > planned + _GRACE
    said = Said(
        outcome=outcome,
        tried=tried,
        version=str(state.release.version) if state else None,
        changed=change,
        planned=planned,
        overdue=overdue,
        frequency=frequency,
        late=planned is None and expected is not None and now > expected,
    )
    return DatasetFreshness(
        source=state.description.source if state else attempts[0].source,
        dataset=name,
        title=state.description.title.spoken(language) if state else None,
        version=said.version,
        outcome=outcome,  # type: ignore[arg-type]
        last_attempt=tried,
        last_success=success,
        last_change=change,
        next_expected=expected,
        next_expected_basis=NIGHTLY if planned else HABIT if expected else None,  # type: ignore[arg-type]
        overdue=overdue,
        update_frequency=frequency,
        reasons=_reasons(last, language),
        statement=statement(said, language),
    )


def _habit(change: datetime | None, frequency: str | None) -> datetime | None:
    """Return the day on which a dataset that changed then would come again; None where nobody can say."""
    if change is None or frequency is None:
        return None
    day = change.replace(hour=0, minute=0, second=0, microsecond=0)
    if frequency in _DAYS:
        return day + timedelta(days=_DAYS[frequency])
    if frequency not in _MONTHS:
        return None
    months = day.month - 1 + _MONTHS[frequency]
    # the last days of a month have no counterpart in every other
    return day.replace(year=day.year + months // 12, month=months % 12 + 1, day=min(day.day, 28))


def _reasons(last: Attempt | None, language: str) -> list[Reason]:
    """Return why the checks held the last attempt.

    What an attempt notes may hold anything; so nothing of it is shown but the names of our own checks and
    of indicators, with the words that are written for the public.
    """
    if last is None or last.outcome != HELD:
        return []
    found = [_FINDING.match(line) for line in last.detail.splitlines()]
    named = dict.fromkeys((one[1], one[2]) for one in found if one and one[1] in EXPLAINED)
    return [
        Reason(check, indicator, EXPLAINED[check].spoken(language))
        for check, indicator in list(named)[:_MOST_REASONS]
    ]
