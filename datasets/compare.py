"""Two versions of one dataset held against each other, one pair of cubes in memory at a time."""

from collections.abc import AsyncIterator, Mapping, Sequence

from datasets.catalogue import dataset_of, indicator_of
from datasets.change_rows import IndicatorChanges, Published, dataset_rows
from datasets.ledger import Entry, Release
from datasets.store import Session

_AT_ONCE = 100
"""So many indicators' definitions are read together; they are small."""


async def changes_between(
    session: Session, before: Release | None, after: Release
) -> AsyncIterator[list[bytes]]:
    """Yield what differs between two versions of a dataset: the dataset's own changes, then each indicator's.

    Every list holds JSON objects, in order; the indicators come sorted by id. None is the time before the
    first version, from which all is new.
    """
    descriptions = await session.metadata({one.dataset_sha256 for one in (before, after) if one})
    old = dataset_of(descriptions[before.dataset_sha256]) if before else None
    if before is None or before.dataset_sha256 != after.dataset_sha256:
        yield dataset_rows(old, dataset_of(descriptions[after.dataset_sha256]))
    pairs = differing(
        await session.entries_at(before.number, before.dataset) if before else [],
        await session.entries_at(after.number, after.dataset),
    )
    for start in range(0, len(pairs), _AT_ONCE):
        some = pairs[start : start + _AT_ONCE]
        bodies = await session.metadata({entry.metadata_sha256 for pair in some for entry in pair if entry})
        for pair in some:
            for rows in (await _compared(session, bodies, pair)).batches():
                yield rows


Pair = tuple[Entry | None, Entry | None]
"""What stood for one indicator, before and after."""


def differing(before: Sequence[Entry], after: Sequence[Entry]) -> list[Pair]:
    """Return the indicators of a dataset whose entries differ, by id."""
    old, new = ({entry.indicator: entry for entry in entries} for entries in (before, after))
    return [
        (old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


async def _compared(session: Session, bodies: Mapping[bytes, bytes], pair: Pair) -> IndicatorChanges:
    cubes = await session.cubes({entry.data_sha256 for entry in pair if entry})

    before, after = (
        Published(indicator_of(bodies[entry.metadata_sha256]), cubes[entry.data_sha256]) if entry else None
        for entry in pair
    )
    return IndicatorChanges(before, after)
