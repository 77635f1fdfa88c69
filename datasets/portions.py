"""What baking writes of one indicator: its cube in every form, and what changed in it; pure."""

from collections.abc import Collection
from typing import Any, NamedTuple

from datasets import parquet, sheet
from datasets.canonical import HEADER
from datasets.change_rows import IndicatorChanges, Published, new_rows
from datasets.cube import Cube
from datasets.deflated import Plain, plain_of, segment
from datasets.files import CSV, JSON, NDJSON, PARQUET, XLSX
from datasets.lines import texts_of_numbers
from datasets.tabular import csv_rows, ndjson_rows

_BETWEEN = b",\n"
"""Between two rows of JSON."""


class Segment(NamedTuple):
    """Some bytes of a file, and what they say once they are inflated."""

    body: bytes
    plain: Plain


class Portion(NamedTuple):
    """What one indicator adds to a pack."""

    forms: dict[str, Segment]
    rows: int
    csv_size: int
    parquet_foot: bytes
    changes: Segment
    changed: int
    """How many lines of changes there are."""


def portion_of(before: Published | None, after: Published | None, forms: Collection[str]) -> Portion:
    """Return the figures of *after* in *forms*, and how it differs from *before*."""
    cube, size, foot = after.cube if after else None, 0, b""
    # revised rows write their own few values
    is_written = cube is not None and len(cube) and (forms or before is None)
    values = texts_of_numbers(cube.columns.value) if cube is not None and is_written else None
    changes, changed = _changes(before, after, values)
    made: dict[str, Segment] = {}
    if after and cube is not None and forms:
        made, size = _texts(after.definition.id, cube, forms, values)
        if PARQUET in forms and len(cube):
            group, foot = parquet.row_group(after.definition.id, cube)
            made[PARQUET] = Segment(group, Plain())
    return Portion(made, len(cube) if cube is not None else 0, size, foot, changes, changed)


def segment_of(text: bytes | memoryview) -> Segment:
    """Return *text* as a segment."""
    return Segment(segment(text), plain_of(text))


def _texts(indicator: str, cube: Cube, forms: Collection[str], values: Any) -> tuple[dict[str, Segment], int]:
    """Return the forms that are texts, and the size of the canonical form."""
    made: dict[str, Segment] = {}
    table = csv_rows(indicator, cube, values)
    size = len(HEADER) + 1 + len(table) - len(cube) * (len(indicator) + 1)
    if CSV in forms:
        made[CSV] = segment_of(table)
    if NDJSON in forms or JSON in forms:
        lines = ndjson_rows(indicator, cube, values)
        made[NDJSON] = segment_of(lines)
        made[JSON] = segment_of(bytes(lines[:-1]).replace(b"\n", _BETWEEN))
    if XLSX in forms:
        made[XLSX] = segment_of(sheet.sheet_rows(indicator, cube, values))
    return made, size


def _changes(before: Published | None, after: Published | None, values: Any) -> tuple[Segment, int]:
    if before is None and after is not None:
        text: bytes | memoryview = new_rows(after.definition, after.cube, values)
        return segment_of(text), len(after.cube) + 1
    told = IndicatorChanges(before, after)
    rows = [row for batch in told.batches() for row in batch]
    return segment_of(b"".join(row + b"\n" for row in rows)), len(rows)
