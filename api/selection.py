"""Which figures of a cube a question means: positions in canonical order, or sorted as asked."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from api.question import Question
from api.rows import ResidentCube
from api.texts import EVERY
from datasets.cube import SEXES, Cube, Positions
from datasets.vocabulary import Breakdown


def selected(question: Question, resident: ResidentCube) -> Positions:
    """Return the positions of the figures that *question* means, in canonical order."""
    cube = resident.cube
    columns = cube.columns
    at = _in_municipalities(question, resident)
    if question.sexes and len(question.sexes) < len(SEXES):
        at = at[np.isin(columns.sex[at], [SEXES.index(sex) for sex in question.sexes])]
    if question.years:
        at = at[np.isin(columns.year[at], question.years)]
    if question.year_from is not None:
        at = at[columns.year[at] >= question.year_from]
    if question.year_to is not None:
        at = at[columns.year[at] <= question.year_to]
    if not question.every_breakdown:
        wanted = np.array([_is_wanted(question, part) for part in cube.breakdowns], np.bool_)
        if not wanted.all():
            at = at[wanted[columns.breakdown[at]]]
    return _latest(cube, at) if question.latest else at


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


def _in_municipalities(question: Question, resident: ResidentCube) -> Positions:
    if not question.municipalities:
        return np.arange(len(resident.cube))
    places = sorted(resident.places[code] for code in question.municipalities if code in resident.places)
    starts = resident.starts
    return np.concatenate([np.empty(0, np.int64), *(np.arange(starts[at], starts[at + 1]) for at in places)])


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
