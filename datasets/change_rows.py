"""The changes between two states as JSON objects: one way to tell them, for answers, files and commands.

A figure is added, revised or removed; its `before` and `after` hold every field that is not its key, null
where there is none, and a revised one names the `fields` that differ. A definition is told field by field;
a whole new or ended one has the field `indicator` or `dataset`, and null on one side.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
import numpy as np

from datasets.catalogue import Dataset, Indicator, canonical_metadata, dataset_of, indicator_of
from datasets.changes import DefinitionChange, Difference, definition_changes, difference
from datasets.cube import Cube, Positions, cube_from
from datasets.ledger import Release
from datasets.lines import constant, joined_texts, wrapped_numbers
from datasets.rows import KEY, joined, row_pieces
from datasets.tabular import json_pieces

ADDED, REVISED, REMOVED = "added", "revised", "removed"
"""What can happen to a figure."""
DEFINITION = "definition"
"""What is said of a change that is no figure's."""
NO_FIGURES = cube_from(())
_BATCH = 10_000


class Published(NamedTuple):
    """One indicator as it was published: what is told of it, and its figures."""

    definition: Indicator
    cube: Cube


class IndicatorChanges:
    """What differs between two states of one indicator: its definition first, then figures by their key."""

    def __init__(self, before: Published | None, after: Published | None) -> None:
        """Compare two states, of which one may be absent; nothing is written yet."""
        self._before, self._after = before, after
        self.definitions = _definitions("indicator", before and before.definition, after and after.definition)

    @cached_property
    def figures(self) -> Difference:
        """Return where the figures are that differ."""
        return difference(*self._cubes)

    def __len__(self) -> int:
        return len(self.definitions) + len(self.figures)

    def rows(self, start: int = 0, stop: int | None = None) -> list[bytes]:
        """Return the changes from the one at *start* to before *stop*, each as one JSON object."""
        name = self._name
        first = [_definition_row("indicator", name, change) for change in self.definitions[start:stop]]
        skip = len(self.definitions)
        left = max(start - skip, 0)
        right = None if stop is None else max(stop - skip, 0)
        return [*first, *_figure_rows(name, self._cubes, self.figures, slice(left, right))]

    def batches(self) -> Iterator[list[bytes]]:
        """Yield all changes as `rows` does, so many at a time that memory stays small."""
        return (self.rows(start, start + _BATCH) for start in range(0, len(self), _BATCH))

    @property
    def _name(self) -> str:
        some = self._after or self._before
        return some.definition.id if some else ""

    @property
    def _cubes(self) -> tuple[Cube, Cube]:
        before = self._before.cube if self._before else NO_FIGURES
        return before, self._after.cube if self._after else NO_FIGURES


def dataset_rows(before: Dataset | None, after: Dataset) -> list[bytes]:
    """Return what differs between two descriptions of a dataset, each field as one JSON object."""
    return [_definition_row("dataset", after.id, change) for change in dataset_changes(before, after)]


def dataset_changes(before: Dataset | None, after: Dataset) -> list[DefinitionChange]:
    """Return the fields in which two descriptions of a dataset differ."""
    return _definitions("dataset", before, after)


def new_rows(definition: Indicator, cube: Cube, values: Any = None) -> memoryview:
    """Return the changes that bring a new indicator, one on a line; as `IndicatorChanges`, and sooner.

    *values* are the texts of the values as `datasets.lines` writes them, if they are written already.
    """
    first = _definition_row("indicator", definition.id, _definitions("indicator", None, definition)[0])
    if not len(cube):
        return memoryview(first + b"\n")
    pieces = json_pieces(definition.id, cube, values)
    pieces["value"] = wrapped_numbers(cube.columns.value, '"value":', "", '"value":null', values)
    keys = [column for name in KEY for column in pieces.pop(name)]
    state = [column for piece in pieces.values() for column in piece]
    begin, middle = constant(f'{{"change":"{ADDED}",'), constant(',"before":null,"after":{')
    told = joined_texts([begin, *keys, middle, *state, constant("}}\n")], "", len(cube))
    return memoryview(b"".join((first, b"\n", told)))


def release_row(release: Release, previous: Release | None) -> bytes:
    """Return the release that the changes after this row lead to, as one JSON object."""
    told = {
        "change": "release",
        "dataset": release.dataset,
        "version": str(release.version),
        "release": release.number,
        "publishedAt": release.published_at,
        "retrievedAt": release.source_time,
        "note": release.note,
        "fingerprint": release.fingerprint.hex(),
        "counts": release.counts,
        "previous": str(previous.version) if previous else None,
    }
    return msgspec.json.encode(told)


def _definitions(
    kind: str, before: Dataset | Indicator | None, after: Dataset | Indicator | None
) -> list[DefinitionChange]:
    """Compare what was read back from its canonical form, so that the same change is told alike anywhere."""
    old, new = map(_read_back, (before, after))
    if old is None or new is None:
        return [DefinitionChange(kind, *(told and msgspec.to_builtins(told) for told in (old, new)))]
    return list(definition_changes(old, new))


def _read_back(told: Dataset | Indicator | None) -> Dataset | Indicator | None:
    if told is None:
        return None
    read = dataset_of if isinstance(told, Dataset) else indicator_of
    return read(canonical_metadata(told))


def _definition_row(kind: str, name: str, change: DefinitionChange) -> bytes:
    told = {"change": DEFINITION, kind: name, "field": change.field}
    return msgspec.json.encode(told | {"before": change.before, "after": change.after})


def _figure_rows(
    indicator: str, cubes: tuple[Cube, Cube], found: Difference, wanted: slice
) -> Iterator[bytes]:
    """Yield the *wanted* ones of the figures that differ, in the order of their keys."""
    before, after = cubes
    chosen = found.order[wanted]
    rows: dict[int, bytes] = {}
    spans = np.cumsum([0, len(found.added), len(found.removed), len(found.revised_after)]).tolist()
    for kind, first, end in zip((ADDED, REMOVED, REVISED), spans[:-1], spans[1:], strict=True):
        numbers = chosen[(chosen >= first) & (chosen < end)]
        at: Positions = numbers - first
        sides = {
            ADDED: (None, found.added),
            REMOVED: (found.removed, None),
            REVISED: (found.revised_before, found.revised_after),
        }[kind]
        pieces = [
            None if side is None else row_pieces(indicator, cube, side[at])
            for cube, side in zip((before, after), sides, strict=True)
        ]
        rows.update(zip(numbers.tolist(), _told(kind, pieces, len(at)), strict=True))
    return (rows[number] for number in chosen.tolist())


def _told(kind: str, sides: Sequence[dict[str, Sequence[str]] | None], rows: int) -> list[bytes]:
    """Return *rows* changes of one *kind*, given the pieces of both sides."""
    before, after = sides
    keys = after or before or {}
    pieces: list[Sequence[str]] = [[f',"change":"{kind}"'] * rows, *(keys[name] for name in KEY)]
    for name, side in (("before", before), ("after", after)):
        states = ["null"] * rows if side is None else [text.decode() for text in _states(side, rows)]
        pieces.append([f',"{name}":{state}' for state in states])
    if before and after:
        pieces.append(_differing(before, after, rows))
    return joined(pieces, rows)


def _states(side: dict[str, Sequence[str]], rows: int) -> list[bytes]:
    return joined([texts for name, texts in side.items() if name not in KEY], rows)


def _differing(before: dict[str, Sequence[str]], after: dict[str, Sequence[str]], rows: int) -> list[str]:
    """Return for each revised figure the names of the fields that differ."""
    names: list[list[str]] = [[] for _ in range(rows)]
    for name in (name for name in before if name not in KEY):
        for at, (old, new) in enumerate(zip(before[name], after[name], strict=True)):
            if old != new:
                names[at].append(f'"{name}"')
    return [f',"fields":[{",".join(some)}]' for some in names]
