"""What differs between two states, figure by figure and definition by definition; the next version."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from datasets.catalogue import Indicator
from datasets.cube import Columns, Cube, Positions, code_text

_VERSION = re.compile(r"[1-9][0-9]{0,5}(\.(0|[1-9][0-9]{0,8})){2}")
_KEY = ("municipality", "sex", "year", "breakdown")
_CHANGES_MEANING = frozenset({"definition", "unit"})


class Version(NamedTuple):
    """The number of a state of a dataset; never typed by hand, always derived from what changed."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `2.1.0`; raises ValueError for anything else."""
        if not _VERSION.fullmatch(text):
            message = f"{text!r} is not a version like 2.1.0"
            raise ValueError(message)
        return cls(*map(int, text.split(".")))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


FIRST_VERSION = Version(1, 0, 0)


@dataclass(frozen=True, eq=False)
class Difference:
    """The figures that differ between two cubes, as positions; `revised` pairs both sides one to one."""

    added: Positions
    """Positions in the later cube."""
    removed: Positions
    """Positions in the earlier cube."""
    revised_before: Positions
    revised_after: Positions


class DefinitionChange(Struct, frozen=True):
    """One field of an indicator's definition that was changed."""

    field: str
    before: Any
    after: Any


class Counts(Struct, frozen=True):
    """How many figures a version holds, and how many differ from the version before."""

    observations: int
    added: int = 0
    revised: int = 0
    removed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        mine, others = msgspec.structs.astuple(self), msgspec.structs.astuple(other)
        return Counts(*(left + right for left, right in zip(mine, others, strict=True)))


def difference(before: Cube, after: Cube) -> Difference:
    """Return what a reader of *before* must change to hold *after*."""
    old_keys, new_keys = _keys(before, after)
    _, old_common, new_common = np.intersect1d(old_keys, new_keys, assume_unique=True, return_indices=True)
    differs = np.zeros(len(old_common), dtype=np.bool_)
    for field in fields(Columns):
        if field.name not in _KEY:
            old = getattr(before.columns, field.name)[old_common]
            new = getattr(after.columns, field.name)[new_common]
            differs |= (
                (old != new) & ~(np.isnan(old) & np.isnan(new)) if old.dtype.kind == "f" else old != new
            )
    return Difference(
        added=np.setdiff1d(np.arange(len(after)), new_common, assume_unique=True),
        removed=np.setdiff1d(np.arange(len(before)), old_common, assume_unique=True),
        revised_before=old_common[differs],
        revised_after=new_common[differs],
    )


def counts_of(before: Cube | None, after: Cube | None) -> Counts:
    """Count the differences; a cube that is not there has no figures."""
    if before is None or after is None:
        return Counts(
            observations=len(after) if after else 0,
            added=len(after) if after else 0,
            removed=len(before) if before else 0,
        )
    changed = difference(before, after)
    return Counts(len(after), len(changed.added), len(changed.revised_after), len(changed.removed))


def definition_changes(before: Indicator, after: Indicator) -> tuple[DefinitionChange, ...]:
    """Return the fields in which two definitions of one indicator differ, in the order of the fields."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    names = [field.encode_name for field in msgspec.structs.fields(Indicator)]
    return tuple(
        DefinitionChange(name, old.get(name), new.get(name))
        for name in names
        if old.get(name) != new.get(name)
    )


def next_version(
    previous: Version,
    counts: Counts,
    definitions: Iterable[DefinitionChange],
    *,
    indicators_added: bool = False,
    indicators_removed: bool = False,
) -> Version:
    """Return the number that follows *previous*.

    MAJOR: something was removed or changed its meaning. MINOR: something was added. PATCH: anything else.
    """
    new_meaning = any(change.field in _CHANGES_MEANING for change in definitions)
    if counts.removed or indicators_removed or new_meaning:
        return Version(previous.major + 1, 0, 0)
    if counts.added or indicators_added:
        return Version(previous.major, previous.minor + 1, 0)
    return Version(previous.major, previous.minor, previous.patch + 1)


def _keys(before: Cube, after: Cube) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return one number for each figure's key, comparable between the two cubes and in canonical order."""
    places = _ranks(before.municipalities, after.municipalities)
    parts = _ranks(before.breakdowns, after.breakdowns)
    old, new = (_key(cube, places, parts) for cube in (before, after))
    return old, new


def _ranks(*codes: Iterable[Any]) -> dict[Any, int]:
    together = {code for several in codes for code in several}
    return {code: rank for rank, code in enumerate(sorted(together, key=code_text))}


def _key(cube: Cube, places: dict[Any, int], parts: dict[Any, int]) -> NDArray[np.int64]:
    place = np.array([places[code] for code in cube.municipalities], np.int64)
    part = np.array([parts[code] for code in cube.breakdowns], np.int64)
    columns = cube.columns
    if not len(cube):
        return np.empty(0, np.int64)
    key = place[columns.municipality] * 4 + columns.sex
    key = key * 4096 + columns.year
    return key * (len(parts) + 1) + part[columns.breakdown]
