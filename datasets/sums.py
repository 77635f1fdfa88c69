"""Totals held against their parts, where a source says that they add up; no sum of ours is ever shown."""

from collections.abc import Mapping, Sequence

import numpy as np

from datasets.areas import AreaType, area, areas, municipalities_of
from datasets.cube import SEXES, Cube
from datasets.vocabulary import Breakdown, Sex

SEX, MUNICIPALITY = "sex", "municipality"
_NOISE = 1e-9
Parts = Mapping[int, Sequence[int]]
"""The codes of the parts of each code that is a total, as positions in the cube."""


def totals_off(cube: Cube, dimension: str) -> int:
    """Return how many totals over *dimension* are not the sum of their parts.

    *dimension* is `sex`, `municipality` (a county of all its municipalities, the country of all counties), or
    the name of a breakdown (the figure that is not divided by it). A total without all of its parts proves
    nothing.
    """
    column = dimension if dimension in {SEX, MUNICIPALITY} else "breakdown"
    parts = _parts(cube, dimension)
    names = [name for name in (MUNICIPALITY, SEX, "year", "breakdown") if name != column]
    places = zip(*(getattr(cube.columns, name).tolist() for name in names), strict=True)
    codes, values = getattr(cube.columns, column).tolist(), cube.columns.value.tolist()
    figures = {(place, code): value for place, code, value in zip(places, codes, values, strict=True)}
    off = 0
    for (place, code), total in figures.items():
        if code in parts:
            gap = total - sum(figures.get((place, part), np.nan) for part in parts[code])
            off += abs(gap) > _NOISE * max(abs(total), 1)
    return off


def _parts(cube: Cube, dimension: str) -> Parts:
    match dimension:
        case "sex":
            total, women, men = (SEXES.index(sex) for sex in (Sex.TOTAL, Sex.WOMEN, Sex.MEN))
            return {total: (women, men)}
        case "municipality":
            return _areas(cube)
        case _:
            return _divisions(cube.breakdowns, dimension)


def _areas(cube: Cube) -> Parts:
    """Return the areas that are made of others, where the cube has all of those."""
    at = {code: position for position, code in enumerate(cube.municipalities)}
    counties = tuple(
        one.code for one in areas().values() if one.type is AreaType.COUNTY and one.valid_to is None
    )
    found: dict[int, list[int]] = {}
    for code, position in at.items():
        kind = area(code).type
        inside = counties if kind is AreaType.COUNTRY else ()
        inside = municipalities_of(code) if kind is AreaType.COUNTY else inside
        if inside and at.keys() >= set(inside):
            found[position] = [at[one] for one in inside]
    return found


def _divisions(breakdowns: Sequence[Breakdown], dimension: str) -> Parts:
    """Return the breakdowns that are not divided by *dimension*, each with those that only differ by it."""
    at = {part.text: position for position, part in enumerate(breakdowns)}
    found: dict[int, list[int]] = {}
    for position, breakdown in enumerate(breakdowns):
        pairs = dict(breakdown.parts)
        if pairs.pop(dimension, None) is not None:
            whole = at.get(Breakdown.of(pairs).text)
            if whole is not None:
                found.setdefault(whole, []).append(position)
    return found
