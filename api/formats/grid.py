"""Figures in a grid: every combination of the codes of its axes is a cell, the last axis the fastest.

This is the form of JSON-stat, and of what the PxWeb face answers with.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from api.formats.words import Words
from api.snapshot import IndicatorState
from datasets.canonical import flags_text
from datasets.cube import NO_COUNT, SEXES, STATUSES, Columns, Cube, Floats, Positions
from datasets.numbers import number_texts
from datasets.statuses import ABSENT

MUNICIPALITY, SEX, CONTENTS, YEAR = "municipality", "sex", "ContentsCode", "year"
UNDIVIDED = "~"
"""The code of a figure that a dimension does not divide; no category can have it, so nothing is mistaken."""
_RESERVED = frozenset({MUNICIPALITY, SEX, CONTENTS, YEAR})
_BESIDE = "breakdown."
_TITLES = {
    "sv": {MUNICIPALITY: "område", SEX: "kön", CONTENTS: "indikator", YEAR: "år"},
    "en": {MUNICIPALITY: "area", SEX: "sex", CONTENTS: "indicator", YEAR: "year"},
}
_UNDIVIDED = {"sv": "ej uppdelat", "en": "not divided"}
_PARTS = {
    "value": {"sv": "", "en": ""},
    "low": {"sv": ", intervallets undre gräns", "en": ", lower bound of the interval"},
    "high": {"sv": ", intervallets övre gräns", "en": ", upper bound of the interval"},
    "count": {
        "sv": ", antal svar eller personer bakom",
        "en": ", answers or persons behind it",
    },
}

Part = Literal["value", "low", "high", "count"]
Source = tuple[IndicatorState, Cube, Positions]
"""One indicator, its cube, and where in it the figures are that a grid is made of."""


class Content(Struct, frozen=True):
    """One content: an indicator's value, or one bound of its interval, or the count behind it."""

    indicator: str
    part: Part
    decimals: int

    @property
    def code(self) -> str:
        """Return its code; no id of an indicator holds a point."""
        return self.indicator if self.part == "value" else f"{self.indicator}.{self.part}"


class Axis(Struct, frozen=True):
    """One dimension: what it is called, and its codes with their names, in order."""

    name: str
    title: str
    codes: dict[str, str]


class Grid(Struct, frozen=True):
    """The axes in order, and what the codes of ContentsCode mean."""

    axes: tuple[Axis, ...]
    contents: dict[str, Content]

    @property
    def size(self) -> tuple[int, ...]:
        """Return how many codes each axis has."""
        return tuple(len(axis.codes) for axis in self.axes)

    @property
    def cells(self) -> int:
        """Return how many combinations there are."""
        product = 1
        for length in self.size:
            product *= length
        return product

    def axis(self, name: str) -> Axis:
        """Return the axis with a name."""
        return next(axis for axis in self.axes if axis.name == name)


class Cells(Struct, frozen=True):
    """The cells of a grid: their numbers, NaN for none, and what is to know of each; `""` for nothing."""

    values: Floats
    signs: NDArray[np.int64]
    words: tuple[str, ...]
    """What the numbers in `signs` stand for."""


def grid_of(sources: Sequence[Source], words: Words) -> Grid:
    """Return the grid that holds the figures of *sources*, intervals and counts too where there are any."""
    contents = [content for source in sources for content in _contents(source)]
    used = [(state, cube, cube.columns.take(at)) for state, cube, at in sources]
    areas = sorted({c for _, cube, rows in used for c in _codes(cube.municipalities, rows.municipality)})
    sexes = {at for _, _, rows in used for at in np.unique(rows.sex).tolist()}
    years = {year for _, _, rows in used for year in np.unique(rows.year).tolist()}
    titles = _TITLES[words.language]
    axes = (
        Axis(MUNICIPALITY, titles[MUNICIPALITY], {code: words.municipality(code) for code in areas}),
        Axis(SEX, titles[SEX], {SEXES[at]: words.sex(SEXES[at]) for at in sorted(sexes)}),
        *_breakdown_axes(used, words),
        Axis(CONTENTS, titles[CONTENTS], {one.code: _named(one, words) for one in contents}),
        Axis(YEAR, titles[YEAR], {str(year): str(year) for year in sorted(years)}),
    )
    return Grid(axes, {one.code: one for one in contents})


def filled(grid: Grid, sources: Sequence[Source]) -> Cells:
    """Return the cells of *grid* with the figures of *sources* that have a place in it."""
    values = np.full(grid.cells, np.nan)
    signs = np.zeros(grid.cells, np.int64)
    words: dict[str, int] = {ABSENT: 0, "": 1}
    for source in sources:
        state, cube, at = source
        rows = cube.columns.take(at)
        told = _signs(rows, words)
        for content in grid.contents.values():
            if content.indicator != state.definition.id:
                continue
            here = places(grid, source, content)
            inside = here >= 0
            numbers = _numbers(rows, content.part)
            # flags are told of the value; a figure may also be whole without an interval: none is there
            sign = told if content.part == "value" else np.where(rows.status == 0, ~np.isnan(numbers), told)
            values[here[inside]] = numbers[inside]
            signs[here[inside]] = sign[inside]
    return Cells(values, signs, tuple(words))


def places(grid: Grid, source: Source, content: Content) -> Positions:
    """Return in which cell of *grid* each figure of *source* is; -1 where one of its codes is no axis'."""
    _, cube, at = source
    rows = cube.columns.take(at)
    flat, outside = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.bool_)
    for axis in grid.axes:
        order = {code: position for position, code in enumerate(axis.codes)}
        here = _along(axis, order, cube, rows, content)
        outside |= here < 0
        flat = flat * len(order) + here
    flat[outside] = -1
    return flat


def _along(
    axis: Axis, order: Mapping[str, int], cube: Cube, rows: Columns, content: Content
) -> NDArray[np.int64]:
    """Return where on *axis* each figure is; -1 for nowhere."""
    if axis.name == CONTENTS:
        return np.full(len(rows), order.get(content.code, -1))
    at: NDArray[Any]
    if axis.name == YEAR:
        years, at = np.unique(rows.year, return_inverse=True)
        known = [order.get(str(year), -1) for year in years.tolist()]
    elif axis.name == MUNICIPALITY:
        known, at = [order.get(str(code), -1) for code in cube.municipalities], rows.municipality
    elif axis.name == SEX:
        known, at = [order.get(sex, -1) for sex in SEXES], rows.sex
    else:
        name = breakdown_name(axis.name)
        known = [order.get(dict(part.parts).get(name, UNDIVIDED), -1) for part in cube.breakdowns]
        at = rows.breakdown
    found: NDArray[np.int64] = np.array([*known, -1], np.int64)[at]
    return found


def _numbers(rows: Columns, part: Part) -> Floats:
    if part == "count":
        return np.where(rows.count == NO_COUNT, np.nan, rows.count.astype(np.float64))
    column: Floats = getattr(rows, part)
    return column


def _signs(rows: Columns, words: dict[str, int]) -> NDArray[np.int64]:
    """Return for each figure the number of its status, or of its flags; new ones are added to *words*."""
    kinds, at = np.unique(rows.status.astype(np.int64) << 8 | rows.flags, return_inverse=True)
    texts = [STATUSES[(kind >> 8) - 1] if kind >> 8 else flags_text(kind & 255) for kind in kinds.tolist()]
    found: NDArray[np.int64] = np.array([words.setdefault(str(t), len(words)) for t in texts] or [0])[at]
    return found


def decimals_of(state: IndicatorState, numbers: Floats) -> int:
    """Return how many decimals an indicator has: as its definition says, else as its figures show."""
    if state.definition.decimals is not None:
        return state.definition.decimals
    distinct = np.unique(numbers[~np.isnan(numbers)])
    return max((len(text.partition(".")[2]) for text in number_texts(distinct)), default=0)


def _contents(source: Source) -> Iterable[Content]:
    state, cube, at = source
    name, rows = state.definition.id, cube.columns.take(at)
    decimals = decimals_of(state, rows.value)
    yield Content(name, "value", decimals)
    if not np.isnan(rows.low).all():
        yield Content(name, "low", max(decimals, decimals_of(state, rows.low)))
        yield Content(name, "high", max(decimals, decimals_of(state, rows.high)))
    if (rows.count != NO_COUNT).any():
        yield Content(name, "count", 0)


def _named(content: Content, words: Words) -> str:
    return words.indicator(content.indicator) + _PARTS[content.part][words.language]


def _codes(codes: Sequence[str], column: NDArray[np.integer[Any]]) -> list[str]:
    return [str(codes[at]) for at in np.unique(column).tolist()]


def _breakdown_axes(used: Sequence[tuple[IndicatorState, Cube, Columns]], words: Words) -> Iterable[Axis]:
    """Yield an axis for each dimension that divides a figure, and a category for what it does not divide."""
    divisions = [
        (state, dict(cube.breakdowns[at].parts))
        for state, cube, rows in used
        for at in np.unique(rows.breakdown).tolist()
    ]
    taken = set(_TITLES[words.language].values())
    for name in sorted({name for _, parts in divisions for name in parts}):
        dividing = [(state, parts[name]) for state, parts in divisions if name in parts]
        codes = _categories(name, dividing, words)
        if len(dividing) < len(divisions):
            codes = {UNDIVIDED: _UNDIVIDED[words.language]} | codes
        known = dividing[0][0].definition.breakdowns.get(name)
        title = known.title.spoken(words.language) if known else name
        title = title if title not in taken else f"{title} ({name})"
        taken.add(title)
        yield Axis(axis_name(name), title, codes)


def _categories(name: str, dividing: Sequence[tuple[IndicatorState, str]], words: Words) -> dict[str, str]:
    """Return the categories of a dimension that figures have, in the order that its definition shows them."""
    used = {code: state for state, code in reversed(dividing)}
    shown = [
        code
        for state, _ in dividing
        if name in state.definition.breakdowns
        for code in state.definition.breakdowns[name].categories
    ]
    ordered = [code for code in dict.fromkeys((*shown, *sorted(used))) if code in used]
    return {code: words.category(used[code].definition.id, name, code) for code in ordered}


def axis_name(dimension: str) -> str:
    """Return the name of a dimension's axis; one that is called like another axis is told apart."""
    return f"{_BESIDE}{dimension}" if dimension in _RESERVED else dimension


def breakdown_name(axis: str) -> str:
    """Return the dimension of an axis."""
    return axis.removeprefix(_BESIDE)
