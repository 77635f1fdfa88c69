"""Publishing: a draft becomes a version on the line of releases, or nothing happens."""

from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct

from datasets.canonical import canonical_csv, figures_hash
from datasets.catalogue import canonical_metadata, indicator_of, metadata_hash
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
from datasets.ledger import Attempt, Draft, Entry, Release, fingerprint
from datasets.store import Session, Store

PUBLISHED, UNCHANGED = "published", "unchanged"


class Outcome(Struct, frozen=True):
    """What came of publishing a draft: the new release, or none because nothing differs."""

    dataset: str
    release: Release | None
    counts: Counts


class _Prepared(Struct, frozen=True):
    """A draft by the names of its parts: what is hashed before the database is asked anything."""

    draft: Draft
    entries: dict[str, Entry]
    bodies: dict[bytes, bytes]
    cubes: dict[bytes, Cube]
    dataset_sha256: bytes


async def publish(store: Store, draft: Draft) -> Outcome:
    """Publish *draft* as the next version of its dataset, in one transaction.

    The same figures and definitions again publish nothing; the attempt is recorded either way.
    Raises PublishRefusedError when another publisher is at work, StoreUnavailableError when the database
    is lost; nothing is written then.
    """
    prepared = _prepare(draft)
    async with store.publishing() as session:
        started = await session.now()
        line = await session.releases()
        before = [release for release in line if release.dataset == draft.dataset.id]
        release = await _next_release(session, prepared, line, before)
        finished = await session.now()
        attempt = Attempt(
            dataset=draft.dataset.id,
            source=draft.dataset.source,
            started_at=started,
            finished_at=finished,
            outcome=PUBLISHED if release else UNCHANGED,
            release=release.number if release else None,
        )
        await session.add_attempt(attempt)
    counts = release.counts if release else Counts(sum(map(len, draft.cubes.values())))
    return Outcome(draft.dataset.id, release, counts)


def _prepare(draft: Draft) -> _Prepared:
    dataset_body = canonical_metadata(draft.dataset)
    bodies = {metadata_hash(dataset_body): dataset_body}
    entries, cubes = {}, {}
    for name, indicator in draft.indicators.items():
        body, cube = canonical_metadata(indicator), draft.cubes[name]
        data_sha256, metadata_sha256 = figures_hash(canonical_csv(cube)), metadata_hash(body)
        bodies[metadata_sha256] = body
        cubes[data_sha256] = cube
        entries[name] = Entry(draft.dataset.id, name, data_sha256, metadata_sha256)
    return _Prepared(draft, entries, bodies, cubes, metadata_hash(dataset_body))


async def _next_release(
    session: Session, prepared: _Prepared, line: list[Release], before: list[Release]
) -> Release | None:
    """Write the version that follows, and return its release; None when it would be the same again."""
    draft = prepared.draft
    number = line[-1].number + 1 if line else 1
    standing = {entry.indicator: entry for entry in await session.entries_at(number, draft.dataset.id)}
    same_dataset = bool(before) and before[-1].dataset_sha256 == prepared.dataset_sha256
    if standing == prepared.entries and same_dataset:
        return None
    old_cubes = await _standing_cubes(session, standing, prepared.entries)
    counts = _counts(prepared, standing, old_cubes)
    version = FIRST_VERSION
    if before:
        definitions = await _definitions(session, prepared, standing)
        gone = bool(standing.keys() - prepared.entries.keys())
        version = next_version(before[-1].version, counts, definitions, indicator_removed=gone)
    begun = [entry for name, entry in prepared.entries.items() if standing.get(name) != entry]
    ended = [name for name, entry in standing.items() if prepared.entries.get(name) != entry]
    await session.keep_metadata(prepared.bodies)
    await session.keep_cubes({entry.data_sha256: prepared.cubes[entry.data_sha256] for entry in begun})
    release = await _release(session, prepared, (number, version, counts), line)
    await session.add_release(release, ended, begun)
    return release


async def _release(
    session: Session, prepared: _Prepared, derived: tuple[int, Version, Counts], line: list[Release]
) -> Release:
    number, version, counts = derived
    # as late as can be, and never at or before the last one: as-of questions count on the order
    published_at = await session.now()
    if line:
        published_at = max(published_at, line[-1].published_at + timedelta(microseconds=1))
    return Release(
        number=number,
        dataset=prepared.draft.dataset.id,
        version=version,
        published_at=published_at,
        source_time=prepared.draft.source_time,
        note=prepared.draft.note,
        fingerprint=fingerprint(prepared.entries.values()),
        dataset_sha256=prepared.dataset_sha256,
        counts=counts,
    )


async def _standing_cubes(
    session: Session, standing: Mapping[str, Entry], entries: Mapping[str, Entry]
) -> dict[bytes, Cube]:
    """Return the cubes now standing whose figures are about to differ."""
    differing = {
        entry.data_sha256
        for name, entry in standing.items()
        if name not in entries or entries[name].data_sha256 != entry.data_sha256
    }
    return await session.cubes(differing)


def _counts(prepared: _Prepared, standing: Mapping[str, Entry], old_cubes: Mapping[bytes, Cube]) -> Counts:
    total = Counts(0)
    for name in sorted(prepared.entries.keys() | standing.keys()):
        new, old = prepared.entries.get(name), standing.get(name)
        after = prepared.cubes[new.data_sha256] if new else None
        if new and old and new.data_sha256 == old.data_sha256:
            total += Counts(len(prepared.cubes[new.data_sha256]))
        else:
            total += counts_of(old_cubes[old.data_sha256] if old else None, after)
    return total


async def _definitions(
    session: Session, prepared: _Prepared, standing: Mapping[str, Entry]
) -> list[DefinitionChange]:
    """Return every field of a definition that is about to change, over all indicators that stay."""
    changed = {
        name: entry
        for name, entry in standing.items()
        if name in prepared.entries and prepared.entries[name].metadata_sha256 != entry.metadata_sha256
    }
    bodies = await session.metadata({entry.metadata_sha256 for entry in changed.values()})
    return [
        change
        for name, entry in sorted(changed.items())
        for change in definition_changes(
            indicator_of(bodies[entry.metadata_sha256]), prepared.draft.indicators[name]
        )
    ]
