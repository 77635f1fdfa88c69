"""Two versions of one dataset held against each other, one pair of cubes in memory at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec
from msgspec import Struct

from datasets.catalogue import Dataset, Indicator, dataset_of, indicator_of
from datasets.change_rows import NO_FIGURES, IndicatorChanges, Published, dataset_rows
from datasets.coverage import Coverage
from datasets.errors import LansdataError
from datasets.ledger import Entry, Release
from datasets.store import Session
from datasets.stored import unpacked

_AT_ONCE = 50
"""So many indicators are read together; what is stored of one takes some kilobytes."""
_LARGE = 100_000
"""Cubes that take so many bytes are compared beside the event loop, so that others need not wait."""


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
    async for pair, changes in _compared(session, pairs, figures=_is_to_be_read):
        parts.append(Part(*pair, _counted(pair, changes, coverages)))
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
    async for _, changes in _compared(session, pairs):
        for rows in changes.batches():
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


def _counted(pair: _Pair, changes: IndicatorChanges, coverages: Mapping[bytes, Coverage]) -> Compared:
    """Count the changes of one indicator; its cubes are read only where they alone can tell."""
    old, new = pair
    if not old or not new:
        return Compared(
            added=coverages[new.data_sha256].rows if new else 0,
            removed=coverages[old.data_sha256].rows if old else 0,
            definitions=1,
        )
    found = changes.figures
    return Compared(len(found.added), len(found.revised_after), len(found.removed), len(changes.definitions))


async def _some_rows(session: Session, found: Overview, part: Part, wanted: slice) -> list[bytes]:
    if not part.before and not part.after:
        return dataset_rows(*await _descriptions(session, found.before, found.after))[wanted]
    compared = _compared(session, [(part.before, part.after)])
    return [row async for _, changes in compared for row in changes.rows(wanted.start, wanted.stop)]


def _any(_: _Pair) -> bool:
    return True


async def _compared(
    session: Session, pairs: Sequence[_Pair], figures: Callable[[_Pair], bool] = _any
) -> AsyncIterator[tuple[_Pair, IndicatorChanges]]:
    """Yield the changes of each of *pairs*; of those that are not wanted by *figures* only their definitions.

    What is stored is read for many at once, and unpacked for one pair after the other.
    """
    for start in range(0, len(pairs), _AT_ONCE):
        some = pairs[start : start + _AT_ONCE]
        bodies = await session.metadata({one.metadata_sha256 for pair in some for one in pair if one})
        definitions = {name: indicator_of(body) for name, body in bodies.items()}
        read = {one.data_sha256 for pair in some if figures(pair) for one in pair if one}
        stored = await session.stored_cubes(read)
        for pair in some:
            mine = [stored.get(one.data_sha256) if one else None for one in pair]
            size = sum(len(body) for _, body in filter(None, mine))
            told = [definitions[one.metadata_sha256] if one else None for one in pair]
            if size > _LARGE:
                changes = await asyncio.to_thread(_changes, told, mine)
            else:
                changes = _changes(told, mine)
                await asyncio.sleep(0)
            yield pair, changes


def _changes(
    definitions: Sequence[Indicator | None], stored: Sequence[tuple[str, bytes] | None]
) -> IndicatorChanges:
    """Compare one indicator before and after; without what is stored only its definitions."""
    before, after = (
        None if told is None else Published(told, unpacked(*packed) if packed else NO_FIGURES)
        for told, packed in zip(definitions, stored, strict=True)
    )
    changes = IndicatorChanges(before, after)
    len(changes)  # worked out here, where it may take its time
    return changes
