"""Two versions of one dataset held against each other, one pair of cubes in memory at a time."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence

import msgspec
from msgspec import Struct

from datasets.catalogue import Dataset, dataset_of, indicator_of
from datasets.change_rows import NO_FIGURES, IndicatorChanges, Published, dataset_rows
from datasets.coverage import Coverage
from datasets.errors import LansdataError
from datasets.ledger import Entry, Release
from datasets.store import Session

_AT_ONCE = 100
"""So many indicators' definitions are read together; they are small."""
_LARGE = 50_000
"""A comparison of so many figures is done beside the event loop, so that others need not wait."""


class TooMuchToCompareError(LansdataError):
    """A comparison of more figures than the caller lets it be; `size` is how many."""

    def __init__(self, size: int) -> None:
        """Keep how many figures would be compared."""
        super().__init__(f"{size} figures would have to be compared")
        self.size = size


class Compared(Struct, frozen=True):
    """How many changes there are of each kind."""

    added: int = 0
    revised: int = 0
    removed: int = 0
    definitions: int = 0

    def __add__(self, other: "Compared") -> "Compared":
        mine, others = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        return Compared(*(left + right for left, right in zip(mine, others, strict=True)))

    def __len__(self) -> int:
        return sum(msgspec.structs.astuple(self))


class Part(Struct, frozen=True):
    """One indicator that differs, as it stood before and after; both None for the dataset itself."""

    before: Entry | None
    after: Entry | None
    counts: Compared


class Overview(Struct, frozen=True):
    """What differs between two versions of a dataset, counted: the dataset's own part, then by indicator."""

    before: Release | None
    """None is the time before the first version, from which all is new."""
    after: Release
    description: Dataset
    """The dataset as the later version describes it."""
    parts: tuple[Part, ...]

    @property
    def counts(self) -> Compared:
        """Return how many changes there are in all."""
        return sum((part.counts for part in self.parts), Compared())


async def overview(
    session: Session, before: Release | None, after: Release, most: int | None = None
) -> Overview:
    """Compare two versions of a dataset, one pair of cubes in memory at a time.

    Raises TooMuchToCompareError where the figures of the cubes to be compared are more than *most*.
    """
    pairs = _differing(
        await session.entries_at(before.number, before.dataset) if before else [],
        await session.entries_at(after.number, after.dataset),
    )
    coverages = await session.coverages({one.data_sha256 for pair in pairs for one in pair if one})
    size = sum(
        coverages[one.data_sha256].rows for pair in pairs if _is_to_be_read(pair) for one in pair if one
    )
    if most is not None and size > most:
        raise TooMuchToCompareError(size)
    descriptions = await _descriptions(session, before, after)
    own = len(dataset_rows(*descriptions))
    parts = [Part(None, None, Compared(definitions=own))] if own else []
    for start in range(0, len(pairs), _AT_ONCE):
        some = pairs[start : start + _AT_ONCE]
        bodies = await _bodies(session, some)
        parts += [Part(*pair, await _counted(session, bodies, pair, coverages)) for pair in some]
    return Overview(before, after, descriptions[1], tuple(parts))


async def change_rows(session: Session, found: Overview, start: int, stop: int) -> list[bytes]:
    """Return the changes from the one at *start* to before *stop*, each as a JSON object."""
    rows: list[bytes] = []
    for part in found.parts:
        size = len(part.counts)
        if start < size and stop > 0:
            rows += await _some_rows(session, found, part, slice(max(start, 0), stop))
        start, stop = start - size, stop - size
    return rows


async def changes_between(
    session: Session, before: Release | None, after: Release
) -> AsyncIterator[list[bytes]]:
    """Yield what differs between two versions of a dataset: the dataset's own changes, then each indicator's.

    Every list holds JSON objects, in order; the indicators come sorted by id.
    """
    own = dataset_rows(*await _descriptions(session, before, after))
    if own:
        yield own
    pairs = _differing(
        await session.entries_at(before.number, before.dataset) if before else [],
        await session.entries_at(after.number, after.dataset),
    )
    for start in range(0, len(pairs), _AT_ONCE):
        some = pairs[start : start + _AT_ONCE]
        bodies = await _bodies(session, some)
        for pair in some:
            for rows in (await _changes(session, bodies, pair)).batches():
                yield rows


_Pair = tuple[Entry | None, Entry | None]
"""What stood for one indicator, before and after."""


def _differing(before: Sequence[Entry], after: Sequence[Entry]) -> list[_Pair]:
    old, new = ({entry.indicator: entry for entry in entries} for entries in (before, after))
    return [
        (old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _is_to_be_read(pair: _Pair) -> bool:
    """Tell whether only the figures themselves tell how many differ."""
    old, new = pair
    return old is not None and new is not None and old.data_sha256 != new.data_sha256


async def _descriptions(
    session: Session, before: Release | None, after: Release
) -> tuple[Dataset | None, Dataset]:
    bodies = await session.metadata({one.dataset_sha256 for one in (before, after) if one})
    return (
        dataset_of(bodies[before.dataset_sha256]) if before else None,
        dataset_of(bodies[after.dataset_sha256]),
    )


async def _bodies(session: Session, pairs: Collection[_Pair]) -> dict[bytes, bytes]:
    return await session.metadata({entry.metadata_sha256 for pair in pairs for entry in pair if entry})


async def _counted(
    session: Session, bodies: dict[bytes, bytes], pair: _Pair, coverages: Mapping[bytes, Coverage]
) -> Compared:
    """Count the changes of one indicator; its cubes are read only where they alone can tell."""
    old, new = pair
    if not old or not new:
        return Compared(
            added=coverages[new.data_sha256].rows if new else 0,
            removed=coverages[old.data_sha256].rows if old else 0,
            definitions=1,
        )
    changes = await _changes(session, bodies, pair, figures=_is_to_be_read(pair))
    found = changes.figures
    return Compared(len(found.added), len(found.revised_after), len(found.removed), len(changes.definitions))


async def _some_rows(session: Session, found: Overview, part: Part, wanted: slice) -> list[bytes]:
    if not part.before and not part.after:
        return dataset_rows(*await _descriptions(session, found.before, found.after))[wanted]
    pair = (part.before, part.after)
    changes = await _changes(session, await _bodies(session, [pair]), pair)
    return changes.rows(wanted.start, wanted.stop)


async def _changes(
    session: Session, bodies: dict[bytes, bytes], pair: _Pair, *, figures: bool = True
) -> IndicatorChanges:
    """Compare one indicator; without *figures* only its definitions."""
    cubes = await session.cubes({entry.data_sha256 for entry in pair if entry and figures})
    before, after = (
        Published(indicator_of(bodies[one.metadata_sha256]), cubes.get(one.data_sha256, NO_FIGURES))
        if one
        else None
        for one in pair
    )
    changes = IndicatorChanges(before, after)
    if sum(map(len, cubes.values())) > _LARGE:
        await asyncio.to_thread(len, changes)
    return changes
