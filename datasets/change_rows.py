"""The changes between two states as JSON objects: one way to tell them, for answers, files and commands.

A figure is added, revised or removed; its `before` and `after` hold every field that is not its key, null
where there is none, and a revised one names the `fields` that differ. A definition is told field by field;
a whole new or ended one has the field `indicator` or `dataset`, and null on one side.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
import numpy as np

from datasets.catalogue import Dataset, Indicator, canonical_metadata, dataset_of, indicator_of
from datasets.changes import DefinitionChange, Difference, definition_changes, difference, unequal
from datasets.cube import Columns, Cube, Positions, cube_from
from datasets.ledger import Release
from datasets.lines import Column, constant, each_text, joined_texts, wrapped_numbers
from datasets.tabular import key_texts, some_of, state_texts

ADDED, REVISED, REMOVED = "added", "revised", "removed"
"""What can happen to a figure."""
DEFINITION = "definition"
"""What is said of a change that is no figure's."""
NO_FIGURES = cube_from(())
_BATCH = 10_000
_TOLD = {
    "value": "value",
    "status": "status",
    "flags": "flags",
    "low": "low",
    "high": "high",
    "count": "count",
    "start": "periodStart",
    "end": "periodEnd",
}
"""The columns that are no key, and the fields that tell them, in the order of an answer."""


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
    lines = _figure_lines(definition.id, ADDED, None, cube, values) if len(cube) else b""
    return memoryview(b"".join((first, b"\n", lines)))


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
    if before and after and canonical_metadata(before) == canonical_metadata(after):
        return []
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
) -> Iterable[bytes]:
    """Return the *wanted* ones of the figures that differ, in the order of their keys."""
    before, after = cubes
    chosen = found.order[wanted]
    rows: dict[int, bytes] = {}
    spans = np.cumsum([0, len(found.added), len(found.removed), len(found.revised_after)]).tolist()
    for kind, first, end in zip((ADDED, REMOVED, REVISED), spans[:-1], spans[1:], strict=True):
        numbers = chosen[(chosen >= first) & (chosen < end)]
        if not len(numbers):
            continue
        at: Positions = numbers - first
        sides = {
            ADDED: (None, found.added),
            REMOVED: (found.removed, None),
            REVISED: (found.revised_before, found.revised_after),
        }[kind]
        old, new = (
            None if side is None else some_of(cube, side[at])
            for cube, side in zip((before, after), sides, strict=True)
        )
        lines = bytes(_figure_lines(indicator, kind, old, new)).split(b"\n")[:-1]
        if len(lines) == len(chosen):
            # all of one kind, as most are, stand in their order already
            return lines
        rows.update(zip(numbers.tolist(), lines, strict=True))
    return (rows[number] for number in chosen.tolist())


def _figure_lines(
    indicator: str, kind: str, before: Cube | None, after: Cube | None, values: Any = None
) -> memoryview:
    """Return a change of one *kind* for each figure, one on a line; two sides pair one to one.

    *values* are the texts of the values of an only side, if they are written already.
    """
    some = after or before or NO_FIGURES
    told = [
        constant(f'{{"change":"{kind}",'),
        *key_texts(indicator, some),
        constant(',"before":'),
        *_state(before, values),
        constant(',"after":'),
        *_state(after, values),
    ]
    if before is not None and after is not None:
        told += [constant(',"fields":['), _differing(before.columns, after.columns), constant("]")]
    return joined_texts([*told, constant("}\n")], "", len(some))


def _state(cube: Cube | None, values: Column) -> list[Column]:
    """Return the columns that write everything of a figure but its key."""
    if cube is None:
        return [constant("null")]
    value = wrapped_numbers(cube.columns.value, '{"value":', "", '{"value":null', values)
    return [*value, *state_texts(cube), constant("}")]


def _differing(before: Columns, after: Columns) -> Column:
    """Return the column that names, of each revised figure, the fields that differ."""
    bits = np.zeros(len(before), np.int32)
    for at, name in enumerate(_TOLD):
        bits |= unequal(getattr(before, name), getattr(after, name)).astype(np.int32) << at
    names = list(_TOLD.values())
    return each_text(
        bits, lambda one: ",".join(f'"{name}"' for at, name in enumerate(names) if one >> at & 1)
    )
