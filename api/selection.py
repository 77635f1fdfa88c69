"""Which figures of a cube a question means: runs of rows in canonical order, or positions sorted as asked."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from cachetools import LRUCache, cached
from numpy.typing import NDArray

from api.question import Question
from api.rows import Keys, ResidentCube, Runs
from api.texts import EVERY
from datasets.cube import SEXES, Cube, Positions
from datasets.vocabulary import Breakdown, Sex

_MOST_BYTES = 8 << 20
"""How much may be kept of which rows were wanted."""


class Wanted(NamedTuple):
    """What a question wants of the keys of a row; `parts` tells of each of a cube's breakdowns whether."""

    sexes: tuple[Sex, ...]
    years: tuple[int, ...]
    year_from: int | None
    year_to: int | None
    parts: tuple[bool, ...]


class Chosen(NamedTuple):
    """The rows of one area that are wanted, and how many they are."""

    runs: Runs
    rows: int


_NOTHING = Chosen((), 0)


class Found:
    """The figures of one cube that a question means, in canonical order."""

    def __init__(self, resident: ResidentCube, areas: Sequence[tuple[int, Chosen]]) -> None:
        self._resident = resident
        self._areas = areas
        self._rows = sum([chosen.rows for _, chosen in areas])

    def __len__(self) -> int:
        return self._rows

    @cached_property
    def positions(self) -> Positions:
        """Return where the figures are in the cube."""
        starts = self._resident.starts
        spans = [
            np.arange(starts[place] + first, starts[place] + after)
            for place, chosen in self._areas
            for first, after in chosen.runs
        ]
        return np.concatenate([np.empty(0, np.int64), *spans])

    def pieces(self, skip: int, room: int) -> list[bytes]:
        """Return the figures after the first *skip*, at most *room*, as few pieces of JSON."""
        areas: Iterable[tuple[int, Runs]] = [(place, chosen.runs) for place, chosen in self._areas]
        if skip or self._rows > room:
            areas = _on_page(areas, skip, room)
        return self._resident.pieces(areas)


def selected(question: Question, resident: ResidentCube) -> Found:
    """Return the figures that *question* means."""
    cube = resident.cube
    wanted = Wanted(
        sexes=question.sexes if len(question.sexes) < len(SEXES) else (),
        years=question.years,
        year_from=question.year_from,
        year_to=question.year_to,
        parts=tuple([question.every_breakdown or _is_wanted(question, part) for part in cube.breakdowns]),
    )
    areas, by_keys = list[tuple[int, Chosen]](), dict[Keys, Chosen]()
    last, chosen = None, _NOTHING
    for place in _places(question, resident):
        keys = resident.keys(place)
        # neighbours mostly have the very same keys
        if keys is not last:
            last, chosen = keys, by_keys.get(keys) or by_keys.setdefault(keys, _chosen(keys, wanted))
        areas.append((place, chosen))
    found = Found(resident, areas)
    return _found_at(resident, _latest(cube, found.positions)) if question.latest else found


def sorted_positions(
    question: Question, cubes: Sequence[Cube], found: Sequence[Positions]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which cube each figure *found* is in and where, sorted as asked; no value goes last."""
    which = np.repeat(np.arange(len(found)), [len(at) for at in found])
    at = np.concatenate([np.empty(0, np.int64), *found])
    keys: list[NDArray[np.float64]] = []
    for name, descending in reversed(question.sort):
        key = _sort_key(name, cubes, found, which)
        keys.append(-key if descending else key)
    # the last key of a lexsort is its first; NaN, signed or not, sorts last
    order = np.lexsort([np.arange(len(at)), *keys])
    return which[order], at[order]


def _sort_key(
    name: str, cubes: Sequence[Cube], found: Sequence[Positions], which: NDArray[np.int64]
) -> NDArray[np.float64]:
    if name == "indicator":
        return which.astype(np.float64)
    if name == "municipality":
        codes = sorted({code for cube in cubes for code in cube.municipalities})
        ranks = {code: rank for rank, code in enumerate(codes)}
        columns = [
            np.array([ranks[code] for code in cube.municipalities], np.float64)[cube.columns.municipality[at]]
            for cube, at in zip(cubes, found, strict=True)
        ]
    else:
        columns = [getattr(cube.columns, name)[at] for cube, at in zip(cubes, found, strict=True)]
    joined: NDArray[np.float64] = np.concatenate([np.empty(0), *columns])
    return joined


def _places(question: Question, resident: ResidentCube) -> Iterable[int]:
    known = resident.places
    if not question.municipalities:
        return range(len(known))
    return sorted([known[code] for code in question.municipalities if code in known])


@cached(LRUCache[Any, Chosen](_MOST_BYTES, getsizeof=lambda chosen: 2000 + 200 * len(chosen.runs)))
def _chosen(keys: Keys, wanted: Wanted) -> Chosen:
    """Return which rows of an area are wanted; kept, since most areas have the same keys."""
    years = np.frombuffer(keys.years, np.int16)
    inside = np.ones(len(years), np.bool_)
    if wanted.sexes:
        inside &= np.isin(np.frombuffer(keys.sexes, np.uint8), [SEXES.index(sex) for sex in wanted.sexes])
    if wanted.years:
        inside &= np.isin(years, wanted.years)
    if wanted.year_from is not None:
        inside &= years >= wanted.year_from
    if wanted.year_to is not None:
        inside &= years <= wanted.year_to
    if not all(wanted.parts):
        inside &= np.array(wanted.parts)[np.frombuffer(keys.breakdowns, np.uint32)]
    edges = np.flatnonzero(np.diff(inside, prepend=False, append=False)).tolist()
    return Chosen(tuple(zip(edges[::2], edges[1::2], strict=True)), int(inside.sum()))


def _found_at(resident: ResidentCube, positions: Positions) -> Found:
    """Return the figures at *positions*, in canonical order, as what is found."""
    places = resident.cube.columns.municipality[positions]
    areas = []
    for place in np.unique(places).tolist():
        rows = positions[places == place] - resident.starts[place]
        parted = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1)
        runs = tuple((int(part[0]), int(part[-1]) + 1) for part in parted)
        areas.append((place, Chosen(runs, len(rows))))
    return Found(resident, areas)


def _on_page(areas: Iterable[tuple[int, Runs]], skip: int, room: int) -> Iterator[tuple[int, Runs]]:
    """Yield what remains of the runs in *areas* without the first *skip* rows and beyond *room* rows."""
    for place, runs in areas:
        kept = []
        for first, after in runs:
            begin = min(first + skip, after)
            end = min(begin + room, after)
            skip, room = skip - (begin - first), room - (end - begin)
            if begin < end:
                kept.append((begin, end))
        yield place, kept


def _is_wanted(question: Question, part: Breakdown) -> bool:
    """Tell whether a breakdown has exactly the dimensions asked for, each in a category asked for."""
    if len(part.parts) != len(question.breakdown):
        return False
    return all(
        name in question.breakdown and not question.breakdown[name].isdisjoint({category, EVERY})
        for name, category in part.parts
    )


def _latest(cube: Cube, at: Positions) -> Positions:
    """Keep each series' latest year that has a value."""
    columns = cube.columns
    at = at[columns.status[at] == 0]
    series = columns.municipality[at].astype(np.int64) * len(SEXES) + columns.sex[at]
    series = series * max(len(cube.breakdowns), 1) + columns.breakdown[at]
    _, group = np.unique(series, return_inverse=True)
    newest = np.zeros(group.max(initial=-1) + 1, columns.year.dtype)
    np.maximum.at(newest, group, columns.year[at])
    kept: Positions = at[columns.year[at] == newest[group]]
    return kept
