"""An indicator's figures as rows of a table: CSV, NDJSON and Arrow, for answers and baked files alike.

One cube at a time, so that a dataset larger than memory streams through. The rows of `observations.csv` are
the lines of the canonical form with the indicator in front; those of NDJSON are the rows of an answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from datasets.canonical import HEADER, csv_lines, flags_text
from datasets.cube import FLAGS, NO_COUNT, NO_DAY, SEXES, STATUSES, Cube, Positions, day
from datasets.lines import Column, coded_texts, constant, each_text, joined_texts, wrapped_numbers

CSV_HEADER = f"indicator,{HEADER}\n".encode()
_CODED = pa.dictionary(pa.int32(), pa.string())
SCHEMA: pa.Schema = pa.schema(
    [
        pa.field("indicator", _CODED, nullable=False),
        pa.field("municipality", _CODED, nullable=False),
        pa.field("sex", _CODED, nullable=False),
        pa.field("year", pa.int16(), nullable=False),
        pa.field("periodStart", pa.date32()),
        pa.field("periodEnd", pa.date32()),
        pa.field("breakdown", _CODED),
        pa.field("value", pa.float64()),
        pa.field("status", _CODED),
        pa.field("flags", _CODED),
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("count", pa.int64()),
    ]
)
"""The columns of the CSV with their types: what is empty there is null here."""


def some_of(cube: Cube, positions: Positions) -> Cube:
    """Return the figures of *cube* at *positions* as a cube; it may know codes that it does not use."""
    return replace(cube, columns=cube.columns.take(positions))


def csv_rows(indicator: str, cube: Cube, values: Any = None) -> memoryview:
    """Return the lines below CSV_HEADER, each with its end.

    *values* here and below: the texts of the values as `datasets.lines` writes them, if they are at hand.
    """
    return csv_lines(cube, indicator, values)


def ndjson_rows(indicator: str, cube: Cube, values: Any = None) -> memoryview:
    """Return each figure as a JSON object on a line, byte for byte as `datasets.rows` writes it."""
    if not len(cube):
        return memoryview(b"")
    value = wrapped_numbers(cube.columns.value, ',"value":', "", ',"value":null', values)
    told = (constant("{"), *key_texts(indicator, cube), *value, *state_texts(cube), constant("}\n"))
    return joined_texts(told, "", len(cube))


def key_texts(indicator: str, cube: Cube) -> list[Column]:
    """Return the columns that say in JSON which figure a row is of; side by side, commas between."""
    columns = cube.columns
    divisions = [_json_breakdown(dict(part.parts)) for part in cube.breakdowns]
    return [
        constant(f'"indicator":"{indicator}"'),
        coded_texts(columns.municipality, [f',"municipality":"{code}"' for code in cube.municipalities]),
        coded_texts(columns.sex, [f',"sex":"{sex}"' for sex in SEXES]),
        each_text(columns.year, lambda year: f',"year":{year}'),
        coded_texts(columns.breakdown, divisions),
    ]


def state_texts(cube: Cube) -> list[Column]:
    """Return the columns that say in JSON what is told of a figure beside its value, each behind a comma.

    A field that is absent says nothing.
    """
    columns = cube.columns
    return [
        coded_texts(columns.status, ["", *(f',"status":"{status}"' for status in STATUSES)]),
        each_text(columns.flags, _json_flags),
        *wrapped_numbers(columns.low, ',"low":', "", ""),
        *wrapped_numbers(columns.high, ',"high":', "", ""),
        each_text(columns.count, _json_count),
        each_text(columns.start, lambda number: _json_day("periodStart", number)),
        each_text(columns.end, lambda number: _json_day("periodEnd", number)),
    ]


def record_batch(indicator: str, cube: Cube) -> pa.RecordBatch:
    """Return the figures as an Arrow record batch of SCHEMA."""
    columns = cube.columns
    rows = len(cube)
    statuses = [None, *STATUSES]
    flags = [flags_text(bits) or None for bits in range(1 << len(FLAGS))]
    arrays = [
        _dictionary(np.zeros(rows, np.int32), [indicator]),
        _dictionary(columns.municipality, cube.municipalities),
        _dictionary(columns.sex, SEXES),
        pa.array(columns.year),
        pa.array(columns.start, pa.int32(), mask=columns.start == NO_DAY).cast(pa.date32()),
        pa.array(columns.end, pa.int32(), mask=columns.end == NO_DAY).cast(pa.date32()),
        _dictionary(columns.breakdown, [part.text or None for part in cube.breakdowns]),
        *(_numbers(columns.value), _dictionary(columns.status, statuses), _dictionary(columns.flags, flags)),
        *(_numbers(columns.low), _numbers(columns.high)),
        pa.array(columns.count, mask=columns.count == NO_COUNT),
    ]
    return pa.record_batch(arrays, schema=SCHEMA)


def _dictionary(positions: NDArray[np.integer[Any]], codes: Sequence[str | None]) -> Any:
    """Return codes by their positions; a code that is None is null."""
    known = [str(code) for code in codes if code is not None]
    is_null = np.array([code is None for code in codes], np.bool_)
    at = np.asarray(positions, np.int64)
    moved = (np.cumsum(~is_null, dtype=np.int32) - 1)[at]
    # the stubs take a masked array for one of bools
    indices: Any = pa.array(moved, pa.int32(), mask=is_null[at])
    return pa.DictionaryArray.from_arrays(indices, pa.array(known, pa.string()))


def _numbers(numbers: NDArray[np.float64]) -> Any:
    return pa.array(numbers, mask=np.isnan(numbers))


def _json_breakdown(parts: Mapping[str, str]) -> str:
    return f',"breakdown":{msgspec.json.encode(parts).decode()}' if parts else ""


def _json_flags(bits: int) -> str:
    names = flags_text(bits)
    return f',"flags":{msgspec.json.encode(names.split(";")).decode()}' if names else ""


def _json_count(count: int) -> str:
    return "" if count == NO_COUNT else f',"count":{count}'


def _json_day(name: str, number: int) -> str:
    return "" if number == NO_DAY else f',"{name}":"{day(number).isoformat()}"'
