"""An extract of a table: the codes that are selected of each variable, and the figures in their cells."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from cachetools import LRUCache
from msgspec import Struct
from msgspec.structs import replace

from api.formats.grid import (
    CONTENTS,
    MUNICIPALITY,
    SEX,
    UNDIVIDED,
    YEAR,
    Axis,
    Cells,
    Content,
    Grid,
    Source,
    filled,
    grid_of,
    places,
)
from api.formats.words import Words
from api.pxweb.asked import Placement, Selected, Selection
from api.pxweb.problems import (
    ILLEGAL_PLACEMENT,
    MISSING_SELECTION,
    NO_VARIABLE,
    TOO_MANY_CELLS,
    PxWebError,
)
from api.pxweb.selection import selected
from api.pxweb.tables import LABELS, NAMES, Table
from api.resident import Residents
from api.rows import ResidentCube
from api.snapshot import IndicatorState
from api.telling import ToldNote, notes_of
from datasets.closest import closest
from datasets.vocabulary import Sex

MOST_CELLS = 150_000
_GRIDS_KEPT = 64
_DEFAULT_AREAS = 1500
_grids: LRUCache[tuple[int, str, str], Grid] = LRUCache(_GRIDS_KEPT)


class Extract(Struct, frozen=True):
    """The variables of an answer in order, the names of those above the columns, and what to know of them."""

    axes: tuple[Axis, ...]
    heading: tuple[str, ...]
    contents: dict[str, Content]
    notes: tuple[ToldNote, ...]


def name_of(axis: Axis) -> str:
    """Return what an axis is called in PxWeb."""
    return NAMES.get(axis.name, axis.name)


def eliminated(axis: Axis) -> str | None:
    """Return the code that stands for leaving a variable out; None where it must be selected.

    That is what the source states of everybody, or did not divide; a sum of ours it is never.
    """
    if axis.name == SEX:
        return Sex.TOTAL if Sex.TOTAL in axis.codes else None
    return UNDIVIDED if UNDIVIDED in axis.codes else None


async def grid_in(table: Table, release: int, language: str, residents: Residents) -> Grid:
    """Return all variables of *table* with all their codes, as of a release."""
    key = (release, table.id, language)
    found = _grids.get(key)
    if found is None:
        cubes = await residents.cubes(table.states)
        found = _grids[key] = _titled(
            grid_of(_sources(table.states, cubes), Words(table.states, language)), language
        )
    return found


async def everything(table: Table, whole: Grid, language: str, residents: Residents) -> Extract:
    """Return all variables with all their codes."""
    cubes = await residents.cubes(table.states)
    notes = [
        note
        for (state, _, at), resident in zip(_sources(table.states, cubes), cubes, strict=True)
        for note in notes_of(state, resident, at, language)
    ]
    return Extract(whole.axes, tuple(placement_of(whole.axes).heading), whole.contents, tuple(notes))


async def extracted(
    table: Table, whole: Grid, selection: Selection, language: str, residents: Residents
) -> tuple[Extract, Cells]:
    """Return what *selection* means, the default selection where it is empty; raises PxWebError."""
    chosen = selection if selection.selection else default_selection(whole)
    axes, left_out = _selected_axes(whole, chosen.selection)
    contents = next(axis for axis in axes if axis.name == CONTENTS)
    grid = Grid(axes, {code: whole.contents[code] for code in contents.codes})
    if grid.cells > MOST_CELLS:
        size = " x ".join(map(str, grid.size))
        raise PxWebError(TOO_MANY_CELLS, f"{size} = {grid.cells} cells; the most is {MOST_CELLS}")
    wanted = {content.indicator for content in grid.contents.values()}
    states = [state for state in table.states if state.definition.id in wanted]
    cubes = await residents.cubes(states)
    sources = _sources(states, cubes)
    shown = [axis for axis in axes if axis.name not in left_out]
    order, heading = _placed(shown, selection.placement or Placement())
    notes = [
        note
        for source, resident in zip(sources, cubes, strict=True)
        for note in notes_of(source[0], resident, _inside(grid, source), language)
    ]
    cells = _turned(filled(grid, sources), grid, [axis.name for axis in order])
    return Extract(tuple(order), tuple(heading), grid.contents, tuple(notes)), cells


def default_selection(whole: Grid) -> Selection:
    """Return what an empty selection means: the first indicator, its areas, the latest year, undivided."""
    wanted = {axis.name: list(axis.codes) for axis in whole.axes}
    for axis in whole.axes:
        left_out = eliminated(axis)
        if axis.name in {CONTENTS, YEAR}:
            wanted[axis.name] = wanted[axis.name][:1] if axis.name == CONTENTS else wanted[axis.name][-1:]
        elif axis.name == MUNICIPALITY:
            wanted[axis.name] = wanted[axis.name][:_DEFAULT_AREAS]
        elif left_out is not None:
            wanted[axis.name] = [left_out]
        elif axis.name != SEX:
            wanted[axis.name] = wanted[axis.name][:1]
    chosen = [Selected(name_of(axis), wanted[axis.name]) for axis in whole.axes]
    return Selection(chosen, placement_of(whole.axes))


def placement_of(axes: Iterable[Axis]) -> Placement:
    """Return where variables stand unless told: indicators and years above the columns."""
    names = {True: list[str](), False: list[str]()}
    for axis in axes:
        names[axis.name in {CONTENTS, YEAR}].append(name_of(axis))
    return Placement(heading=names[True], stub=names[False])


def _titled(grid: Grid, language: str) -> Grid:
    """Return *grid* with the titles that the list of tables tells."""
    axes = [
        replace(axis, title=LABELS[axis.name].spoken(language)) if axis.name in LABELS else axis
        for axis in grid.axes
    ]
    return replace(grid, axes=tuple(axes))


def _sources(states: Sequence[IndicatorState], cubes: Sequence[ResidentCube]) -> list[Source]:
    return [
        (state, resident.cube, np.arange(len(resident.cube)))
        for state, resident in zip(states, cubes, strict=True)
    ]


def _selected_axes(whole: Grid, chosen: Sequence[Selected]) -> tuple[tuple[Axis, ...], set[str]]:
    """Return the axes with the codes that are selected, and the names of those that are left out."""
    wanted = _by_axis(whole, chosen)
    axes, left_out = [], set[str]()
    for axis in whole.axes:
        texts = wanted.get(axis.name, ())
        if texts:
            codes = selected(texts, list(axis.codes), is_time=axis.name == YEAR)
        else:
            code = eliminated(axis)
            if code is None:
                raise PxWebError(MISSING_SELECTION, f"{name_of(axis)} must be selected")
            codes = [code]
            left_out.add(axis.name)
        axes.append(replace(axis, codes={code: axis.codes[code] for code in codes}))
    return tuple(axes), left_out


def _by_axis(whole: Grid, chosen: Iterable[Selected]) -> dict[str, list[str]]:
    names = _names(whole.axes)
    wanted: dict[str, list[str]] = {}
    for one in chosen:
        name = names.get(one.variable_code.casefold())
        if name is None:
            near = closest(one.variable_code, [name_of(axis) for axis in whole.axes])
            hint = f"; closest: {', '.join(near)}" if near else ""
            raise PxWebError(NO_VARIABLE, f"{one.variable_code[:100]!r} is no variable{hint}")
        wanted.setdefault(name, []).extend(one.value_codes)
    return wanted


def _names(axes: Iterable[Axis]) -> Mapping[str, str]:
    """Return axes by whatever they may be called: PxWeb's names, ours, and `time` for the years."""
    names = {"time": YEAR}
    for axis in axes:
        names |= {axis.name.casefold(): axis.name, name_of(axis).casefold(): axis.name}
    return names


def _placed(shown: Sequence[Axis], placement: Placement) -> tuple[list[Axis], list[str]]:
    """Return the axes in the order that is asked for, those before the rows first, and which are above."""
    by_name = {axis.name: axis for axis in shown}
    names = _names(shown)
    heading = [names.get(name.casefold(), "") for name in placement.heading]
    stub = [names.get(name.casefold(), "") for name in placement.stub]
    if not heading and not stub:
        heading = [axis.name for axis in shown if axis.name in {CONTENTS, YEAR}]
    asked = [*stub, *heading]
    rest = [axis.name for axis in shown if axis.name not in asked]
    if len(set(asked)) != len(asked) or "" in asked or (rest and heading and stub):
        raise PxWebError(ILLEGAL_PLACEMENT, "each variable stands once, in heading or in stub")
    above = heading or rest
    before = stub or [name for name in rest if name not in above]
    return [by_name[name] for name in (*before, *above)], [name_of(by_name[name]) for name in above]


def _turned(cells: Cells, grid: Grid, order: Sequence[str]) -> Cells:
    """Return the cells with the axes in another *order*; those that are left out have one code."""
    names = [axis.name for axis in grid.axes]
    turned = [names.index(name) for name in order]
    turned += [at for at in range(len(names)) if at not in turned]
    values = cells.values.reshape(grid.size).transpose(turned).ravel()
    return replace(cells, values=values, signs=cells.signs.reshape(grid.size).transpose(turned).ravel())


def _inside(grid: Grid, source: Source) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return where the figures are that *grid* holds."""
    state = source[0]
    inside = np.zeros(len(source[2]), np.bool_)
    for content in grid.contents.values():
        if content.indicator == state.definition.id:
            inside |= places(grid, source, content) >= 0
    return np.flatnonzero(inside)
