"""What differs between two states, figure by figure and definition by definition; the next version."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from datasets.catalogue import Dataset, Indicator, canonical_metadata
from datasets.cube import Columns, Cube, Positions, code_text, repeated
from datasets.vocabulary import Breakdown, MunicipalityCode

VERSION_PATTERN = "[1-9][0-9]{0,5}([.](0|[1-9][0-9]{0,8})){2}"
_VERSION = re.compile(VERSION_PATTERN)
_KEY = ("municipality", "sex", "year", "breakdown")
_CHANGES_MEANING = frozenset({"definition", "unit"})
_SEXES, _YEARS = 4, 4096
"""More than there can be of each, so that a key is one number."""


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
    order: Positions
    """The order by key of the added, the removed and the revised figures, written one after the other."""

    def __len__(self) -> int:
        return len(self.order)


class DefinitionChange(Struct, frozen=True):
    """One field of an indicator's or a dataset's definition that was changed; None where it was absent."""

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
    if _have_the_same_keys(before, after):
        everywhere = np.flatnonzero(_differs(before.columns, after.columns))
        nothing = np.empty(0, np.int64)
        return Difference(nothing, nothing, everywhere, everywhere, np.arange(len(everywhere)))
    ranks = Ranks.of((*before.municipalities, *after.municipalities), (*before.breakdowns, *after.breakdowns))
    old_keys, new_keys = keys_of(before, ranks), keys_of(after, ranks)
    old_common, new_common = _in_common(old_keys, new_keys)
    differs = _differs(before.columns.take(old_common), after.columns.take(new_common))
    added, removed = _without(len(after), new_common), _without(len(before), old_common)
    revised = new_common[differs]
    keys = np.concatenate([new_keys[added], old_keys[removed], new_keys[revised]])
    return Difference(
        added=added,
        removed=removed,
        revised_before=old_common[differs],
        revised_after=revised,
        order=np.argsort(keys, kind="stable"),
    )


def unequal(old: NDArray[Any], new: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell of each row whether two columns differ; no number equals no number."""
    if len(old) > 1 and not old.strides[0] and not new.strides[0]:
        # both say one thing in every row
        return repeated(unequal(old[:1], new[:1])[0], len(old))
    differs: NDArray[np.bool_] = old != new
    return differs & ~(np.isnan(old) & np.isnan(new)) if old.dtype.kind == "f" else differs


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


def definition_changes(
    before: Dataset | Indicator, after: Dataset | Indicator
) -> tuple[DefinitionChange, ...]:
    """Return the fields in which two definitions of one thing differ, in the order of the fields."""
    # judged by what is hashed, since there the order of categories counts; told as people read it
    old, new = (msgspec.json.decode(canonical_metadata(told)) for told in (before, after))
    shown_old, shown_new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    names = [field.encode_name for field in msgspec.structs.fields(type(after))]
    return tuple(
        DefinitionChange(name, shown_old.get(name), shown_new.get(name))
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


class Ranks(NamedTuple):
    """The place of every code in the order of an answer, over all the cubes that are compared."""

    places: Mapping[Any, int]
    parts: Mapping[Any, int]

    @classmethod
    def of(cls, places: Iterable[MunicipalityCode], parts: Iterable[Breakdown]) -> Self:
        """Return the ranks of areas and breakdowns, given in any order and as often as may be."""
        return cls(_ranked(places), _ranked(parts))


def keys_of(cube: Cube, ranks: Ranks) -> NDArray[np.int64]:
    """Return one number for each figure's key, in canonical order and the same in every cube of *ranks*.

    The ranks must know every code of *cube*.
    """
    if not len(cube):
        return np.empty(0, np.int64)
    place = np.array([ranks.places[code] for code in cube.municipalities], np.int64)
    part = np.array([ranks.parts[code] for code in cube.breakdowns], np.int64)
    columns = cube.columns
    key = place[columns.municipality] * _SEXES + columns.sex
    key = key * _YEARS + columns.year
    return key * (len(ranks.parts) + 1) + part[columns.breakdown]


def parted_keys(keys: NDArray[np.int64], ranks: Ranks) -> dict[str, NDArray[np.int64]]:
    """Return what *keys* are of: the rank of the municipality, the position of the sex, the year."""
    keys = keys // (len(ranks.parts) + 1)
    return {
        "municipality": keys // _YEARS // _SEXES,
        "sex": keys // _YEARS % _SEXES,
        "year": keys % _YEARS,
    }


def _ranked(codes: Iterable[MunicipalityCode | Breakdown]) -> dict[Any, int]:
    return {code: rank for rank, code in enumerate(sorted(set(codes), key=code_text))}


def _have_the_same_keys(before: Cube, after: Cube) -> bool:
    """Tell whether both are of the very same figures, as most revisions are."""
    if (before.municipalities, before.breakdowns) != (after.municipalities, after.breakdowns):
        return False
    return all(np.array_equal(getattr(before.columns, name), getattr(after.columns, name)) for name in _KEY)


def _differs(before: Columns, after: Columns) -> NDArray[np.bool_]:
    """Tell of each pair of figures of the same key whether anything else differs."""
    told = (field.name for field in fields(Columns) if field.name not in _KEY)
    differs = np.zeros(len(before), np.bool_)
    for name in told:
        differs |= unequal(getattr(before, name), getattr(after, name))
    return differs


def _in_common(old: NDArray[np.int64], new: NDArray[np.int64]) -> tuple[Positions, Positions]:
    """Return where the keys that both have are; both are sorted and without twins."""
    if len(old) == len(new) and np.array_equal(old, new):
        everywhere = np.arange(len(old))
        return everywhere, everywhere
    at = np.searchsorted(new, old)
    inside = np.flatnonzero(at < len(new))
    same = inside[new[at[inside]] == old[inside]]
    return same, at[same]


def _without(length: int, positions: Positions) -> Positions:
    """Return the positions below *length* that are not among *positions*."""
    others = np.ones(length, dtype=np.bool_)
    others[positions] = False
    return np.flatnonzero(others)
