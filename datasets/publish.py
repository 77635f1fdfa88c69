"""Publishing: a draft becomes a version on the line of releases, or nothing happens."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

from msgspec import Struct

from datasets.baking import Version as BakedVersion
from datasets.baking import bake
from datasets.catalogue import Indicator, canonical_metadata, indicator_of, metadata_hash
from datasets.changes import (
    FIRST_VERSION,
    Counts,
    DefinitionChange,
    Version,
    counts_of,
    definition_changes,
    next_version,
)
from datasets.cube import Cube
from datasets.errors import PublishRefusedError
from datasets.indexes import ledger_of, settle
from datasets.ledger import PUBLISHED, UNCHANGED, Attempt, Entry, Publishable, Release, fingerprint
from datasets.parcels import Parcel, parcel_of
from datasets.shelf import Shelf
from datasets.store import Session, Store

_PACKERS = 2
Judge = Callable[[Indicator, Cube, Cube | None], Sequence[str]]
"""Says what speaks against an indicator's new figures, given those that stand."""


class HeldError(PublishRefusedError):
    """A draft that the checks hold back: the last version stays up; `reasons` say why."""

    def __init__(self, dataset: str, reasons: Sequence[str]) -> None:
        """Keep *reasons*, at least one."""
        super().__init__(f"{dataset} is held: " + "; ".join(reasons))
        self.reasons = tuple(reasons)


class _TakenBackError(Exception):
    """Takes back a publish that was only tried."""


class Outcome(Struct, frozen=True):
    """What came of publishing a draft: the new release, or none because nothing differs."""

    dataset: str
    release: Release | None
    counts: Counts


class _Comparison(Struct):
    """What is found while a draft is held against what stands."""

    counts: Counts
    definitions: list[DefinitionChange]
    reasons: list[str]


async def publish(
    store: Store,
    draft: Publishable,
    *,
    judge: Judge | None = None,
    only_try: bool = False,
    next_at: datetime | None = None,
) -> Outcome:
    """Publish *draft* as the next version of its dataset, in one transaction.

    The same figures and definitions again publish nothing; the attempt is recorded either way. With
    *only_try* all is done and then taken back, so that the outcome tells what would have come of it;
    *next_at* is when the caller means to try again.
    Raises HeldError where *judge* has something against it, PublishRefusedError when another publisher is at
    work or an indicator belongs to another dataset, StoreUnavailableError when the database is lost; nothing
    is written then.
    """
    dataset = draft.dataset.id
    parcels = _parcels(draft)
    release = None
    with suppress(_TakenBackError):
        async with store.publishing() as session:
            started = await session.now()
            line = await session.releases()
            _refuse_moved_on(draft, line)
            release = await _next_release(session, draft, parcels, line, judge)
            if release and store.shelf and not only_try:
                await _bake(session, store.shelf, draft, parcels, (line, release))
            await session.add_attempt(_attempt(draft, started, await session.now(), release, next_at))
            if only_try:
                raise _TakenBackError
    if not only_try:
        await settle(store)
    counts = release.counts if release else Counts(sum(one.coverage.rows for one in parcels.values()))
    return Outcome(dataset, release, counts)


def _refuse_moved_on(draft: Publishable, line: Sequence[Release]) -> None:
    """Refuse a draft that was made against a release which is not the newest of its dataset any more."""
    newest = max((one.number for one in line if one.dataset == draft.dataset.id), default=0)
    if draft.stands_on not in {None, newest}:
        message = (
            f"{draft.dataset.id}: another version was published meanwhile; nothing was written, try again"
        )
        raise PublishRefusedError(message)


def _parcels(draft: Publishable) -> dict[str, Parcel]:
    parcels: dict[str, Parcel] = {}
    for parcel in _each_parcel(draft):
        name = parcel.definition.id
        if name in parcels:
            message = f"{draft.dataset.id}: the indicator {name} stands twice"
            raise PublishRefusedError(message)
        parcels[name] = parcel
    return parcels


def _each_parcel(draft: Publishable) -> Iterator[Parcel]:
    """Yield the parcels in order; some are packed at once, work that needs no lock of Python's."""
    waiting: deque[Future[Parcel]] = deque()
    with ThreadPoolExecutor(_PACKERS) as packers:
        for definition, cube in draft.made():
            if len(waiting) > _PACKERS:
                yield waiting.popleft().result()
            waiting.append(packers.submit(parcel_of, draft.dataset.id, definition, cube))
        while waiting:
            yield waiting.popleft().result()


def _attempt(
    draft: Publishable,
    started: datetime,
    finished: datetime,
    release: Release | None,
    next_at: datetime | None,
) -> Attempt:
    return Attempt(
        dataset=draft.dataset.id,
        source=draft.dataset.source,
        started_at=started,
        finished_at=finished,
        outcome=PUBLISHED if release else UNCHANGED,
        release=release.number if release else None,
        next_at=next_at,
    )


async def record(store: Store, attempt: Attempt) -> None:
    """Record an attempt that published nothing."""
    async with store.session() as session:
        await session.add_attempt(attempt)


async def _next_release(
    session: Session,
    draft: Publishable,
    parcels: Mapping[str, Parcel],
    line: Sequence[Release],
    judge: Judge | None,
) -> Release | None:
    """Write the version that follows, and return its release; None when it would be the same again."""
    dataset = draft.dataset.id
    await _refuse_strangers(session, dataset, parcels)
    number = line[-1].number + 1 if line else 1
    before = [release for release in line if release.dataset == dataset]
    standing = {entry.indicator: entry for entry in await session.entries_at(number, dataset)}
    # an indicator that never had a figure is nothing to publish
    parcels = {name: one for name, one in parcels.items() if one.coverage.rows or name in standing}
    dataset_body = canonical_metadata(draft.dataset)
    same_dataset = bool(before) and before[-1].dataset_sha256 == metadata_hash(dataset_body)
    if not parcels and not before:
        return None
    if same_dataset and standing == {name: one.entry for name, one in parcels.items()}:
        return None
    compared = await _compare(session, parcels, standing, judge)
    if compared.reasons:
        raise HeldError(dataset, compared.reasons)
    version = FIRST_VERSION
    if before:
        version = next_version(
            before[-1].version,
            compared.counts,
            compared.definitions,
            indicators_added=bool(parcels.keys() - standing.keys()),
            indicators_removed=bool(standing.keys() - parcels.keys()),
        )
    await session.keep_metadata({metadata_hash(dataset_body): dataset_body})
    release = await _release(session, draft, parcels, line, (number, version, compared.counts))
    begun = [one for name, one in parcels.items() if standing.get(name) != one.entry]
    ended = [name for name, entry in standing.items() if name not in parcels or parcels[name].entry != entry]
    await session.add_release(release, ended, begun)
    return release


async def _bake(
    session: Session,
    shelf: Shelf,
    draft: Publishable,
    parcels: Mapping[str, Parcel],
    told: tuple[Sequence[Release], Release],
) -> None:
    """Write the files of a release behind its *line*, and let the ledger know them."""
    line, release = told
    previous = next((one for one in reversed(line) if one.dataset == release.dataset), None)
    stood = await session.entries_at(previous.number, release.dataset) if previous else []
    standing = {entry.indicator: entry for entry in stood}
    version = BakedVersion(
        release=release,
        previous=previous,
        about=draft.dataset,
        standing=standing,
        parcels={name: one for name, one in parcels.items() if one.coverage.rows or name in standing},
    )
    own = shelf.within(ledger_of((*line, release)[0].published_at))
    await session.add_files(await bake(session, own, version))


async def _release(
    session: Session,
    draft: Publishable,
    parcels: Mapping[str, Parcel],
    line: Sequence[Release],
    derived: tuple[int, Version, Counts],
) -> Release:
    number, version, counts = derived
    # as late as can be, and never at or before the last one: as-of questions count on the order
    published_at = await session.now()
    if line:
        published_at = max(published_at, line[-1].published_at + timedelta(microseconds=1))
    return Release(
        number=number,
        dataset=draft.dataset.id,
        version=version,
        published_at=published_at,
        source_time=draft.source_time,
        note=draft.note,
        fingerprint=fingerprint(one.entry for one in parcels.values()),
        dataset_sha256=metadata_hash(canonical_metadata(draft.dataset)),
        counts=counts,
    )


async def _refuse_strangers(session: Session, dataset: str, parcels: Mapping[str, Parcel]) -> None:
    for indicator, other in await session.strangers(dataset, list(parcels)):
        message = f"{dataset}: the indicator {indicator} belongs to {other}, now or once; ids never move"
        raise PublishRefusedError(message)


async def _compare(
    session: Session, parcels: Mapping[str, Parcel], standing: Mapping[str, Entry], judge: Judge | None
) -> _Comparison:
    """Hold every indicator against what stands, one pair of cubes in memory at a time."""
    compared = _Comparison(Counts(0), [], [])
    for name in sorted(parcels.keys() | standing.keys()):
        new, old = parcels.get(name), standing.get(name)
        if new and old and new.entry == old:
            compared.counts += Counts(new.coverage.rows)
            continue
        before = await _standing_cube(session, old) if old else None
        after = new.cube if new else None
        compared.counts += counts_of(before, after)
        if new and old:
            compared.definitions += await _definition_changes(session, new, old)
        if judge and new and after is not None:
            compared.reasons += judge(new.definition, after, before)
    return compared


async def _standing_cube(session: Session, entry: Entry) -> Cube:
    return (await session.cubes({entry.data_sha256}))[entry.data_sha256]


async def _definition_changes(session: Session, new: Parcel, old: Entry) -> tuple[DefinitionChange, ...]:
    bodies = await session.metadata({old.metadata_sha256})
    return definition_changes(indicator_of(bodies[old.metadata_sha256]), new.definition)
