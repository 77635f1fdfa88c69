"""The figures as JSON-stat 2.0, in the form that every client reads: dense values, codes and names always.

Each cell that has no number says why in `status`: a status, or `absent` where there is no figure at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np

from api.answers import encoded
from api.formats import JSONSTAT, MOST_CELLS
from api.formats.grid import (
    CONTENTS,
    MUNICIPALITY,
    YEAR,
    Axis,
    Cells,
    Grid,
    Source,
    filled,
    grid_of,
    places,
)
from api.formats.words import Words
from api.observations import Answered
from api.problems import InvalidParameter, InvalidParametersError, RefusalError
from api.question import Question
from api.telling import ToldNote
from datasets.cube import NO_DAY, day
from datasets.numbers import number_texts

_NO_RELEASE = datetime(1970, 1, 1, tzinfo=UTC)


def refuse_what_it_lacks(question: Question) -> None:
    """Refuse parameters that a grid has no room for; raises InvalidParametersError."""
    asked = {
        "sort": ",".join(("-" if down else "") + name for name, down in question.sort),
        "fields": ",".join(question.fields),
        "updatedAfter": question.updated_after.isoformat() if question.updated_after else "",
        "includeHistory": "true" if question.include_history else "",
    }
    reason = "cannot stand beside format=jsonstat, which has one cell for each combination of codes"
    faults = [
        InvalidParameter(name=name, reason=reason, value=value) for name, value in asked.items() if value
    ]
    if faults:
        raise InvalidParametersError(faults)


def write(question: Question, answered: Answered) -> bytes:
    """Return the figures as a JSON-stat dataset; raises RefusalError where the grid would be too large."""
    page = question.page == 1
    sources: list[Source] = [
        (state, resident.cube, found.positions if page else found.positions[:0])
        for state, resident, found in zip(question.indicators, answered.cubes, answered.found, strict=True)
    ]
    words = Words(question.indicators, question.language)
    grid = grid_of(sources, words)
    if grid.cells > MOST_CELLS:
        size = " x ".join(map(str, grid.size))
        detail = (
            f"the combinations of the codes are {size} = {grid.cells} cells; the most is {MOST_CELLS} in"
            f" {JSONSTAT.name}. Ask for indicators with the same breakdowns, or for another format"
        )
        raise RefusalError("too-large", detail, asked=grid.cells, limit=MOST_CELLS)
    told = {
        **_head(question, answered, words),
        **shape(grid, words),
        "extension": _beside(grid, sources, answered),
    }
    return with_cells(told, filled(grid, sources))


def shape(grid: Grid, words: Words) -> dict[str, Any]:
    """Return what tells the axes of *grid*."""
    axes = grid.axes
    names = [axis.name for axis in axes]
    roles = (("time", YEAR), ("geo", MUNICIPALITY), ("metric", CONTENTS))
    return {
        "role": {role: [name] for role, name in roles if name in names},
        "id": names,
        "size": [len(axis.codes) for axis in axes],
        "dimension": {axis.name: dimension_of(axis, grid, words) for axis in axes},
    }


def with_cells(told: Mapping[str, Any], cells: Cells) -> bytes:
    """Return a dataset as bytes: values as they were published, and a status where there is one."""
    values = ",".join([text or "null" for text in number_texts(cells.values)])
    signed = np.flatnonzero(cells.signs != cells.words.index("")).tolist()
    signs = ",".join([f'"{at}":"{cells.words[cells.signs[at]]}"' for at in signed])
    status = f',"status":{{{signs}}}' if signs else ""
    return encoded(told)[:-1] + f',"value":[{values}]{status}}}'.encode()


def notes_in(notes: Sequence[ToldNote], words: Words) -> dict[str, Any]:
    """Return notes as JSON-stat tells them: texts, and which of them must be shown."""
    several = len(words.definitions) > 1
    texts = [f"{words.indicator(one.indicator)}: {one.text}" if several else one.text for one in notes]
    return {"note": texts} if texts else {}


def mandatory(notes: Sequence[ToldNote]) -> dict[str, Any]:
    """Return which of *notes* must be shown, by their place."""
    must = {str(at): True for at, one in enumerate(notes) if one.mandatory}
    return {"noteMandatory": must} if must else {}


def _head(question: Question, answered: Answered, words: Words) -> dict[str, Any]:
    meta = answered.meta
    titles = [words.indicator(state.definition.id) for state in question.indicators]
    own = [one.attribution for one in meta.attributions]
    sources = dict.fromkeys((*(one.attribution for one in meta.datasets), *own))
    published = max((one.published_at for one in meta.datasets), default=_NO_RELEASE)
    return {
        "version": "2.0",
        "class": "dataset",
        "label": "; ".join(titles[:5]) + (f" (+{len(titles) - 5})" if len(titles) > 5 else ""),  # noqa: PLR2004
        "source": "; ".join(sources) or "-",
        "updated": f"{published:%Y-%m-%dT%H:%M:%SZ}",
        "href": answered.pinned_address,
        **notes_in(meta.notes, words),
    }


def _beside(grid: Grid, sources: Sequence[Source], answered: Answered) -> dict[str, Any]:
    """Return what has no place in JSON-stat: periods that are no calendar year, and `_meta` of our JSON."""
    periods = {str(cell): period for source in sources for cell, period in _periods(grid, source)}
    return {
        **mandatory(answered.meta.notes),
        **({"period": periods} if periods else {}),
        "lansdata": msgspec.Raw(encoded(answered.meta)),
    }


def _periods(grid: Grid, source: Source) -> Iterator[tuple[int, str]]:
    """Yield the cells of values whose period is no calendar year, and the period as an ISO 8601 interval."""
    state, cube, at = source
    rows = cube.columns.take(at)
    told = np.flatnonzero(rows.start != NO_DAY)
    if len(told):
        cells = places(grid, source, grid.contents[state.definition.id])
        for one in told.tolist():
            yield int(cells[one]), f"{day(rows.start[one])}/{day(rows.end[one])}"


def dimension_of(axis: Axis, grid: Grid, words: Words) -> dict[str, Any]:
    """Return one dimension with its categories."""
    category: dict[str, Any] = {
        "index": {code: at for at, code in enumerate(axis.codes)},
        "label": axis.codes,
    }
    if axis.name == CONTENTS:
        category["unit"] = {code: _unit(grid, code, words) for code in axis.codes}
    show = {MUNICIPALITY: "code_value", YEAR: "code"}.get(axis.name, "value")
    return {"label": axis.title, "category": category, "extension": {"show": show}}


def _unit(grid: Grid, code: str, words: Words) -> dict[str, Any]:
    content = grid.contents[code]
    counted = {"sv": "antal", "en": "number"}[words.language]
    base = counted if content.part == "count" else words.unit(content.indicator)
    return {"base": base, "decimals": content.decimals}
