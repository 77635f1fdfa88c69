"""The canonical form of a cube: its CSV, whose sha256 is the cube's identity.

UTF-8, LF, a field quoted only where needed (none of ours ever needs it), an absent field empty, rows in
canonical order, numbers as the shortest decimal that reads back equal.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from io import BytesIO
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from datasets.cube import (
    FLAGS,
    NO_COUNT,
    NO_DAY,
    SEXES,
    STATUSES,
    Columns,
    Cube,
    cube_of,
    day,
    day_number,
    flag_bits,
)
from datasets.lines import coded_texts, constant, each_text, joined_texts, texts_of_numbers
from datasets.numbers import number_of
from datasets.vocabulary import Breakdown, Flag, MunicipalityCode, Sex, Status, Year

HEADER = "municipality,sex,year,periodStart,periodEnd,breakdown,value,status,flags,low,high,count"
_FIRST_LINE = f"{HEADER}\n".encode()
_NAMES = HEADER.split(",")
_Read = TypeVar("_Read")


def canonical_csv(cube: Cube) -> bytes:
    """Return the canonical form of *cube*."""
    return b"".join((_FIRST_LINE, csv_lines(cube)))


def csv_lines(cube: Cube, before: str = "", values: Any = None) -> memoryview:
    """Return the lines of the canonical form without its header; *before* stands in front of each.

    *values* are the texts of the values, if they are written already.
    """
    if not len(cube):
        return memoryview(b"")
    texts = _column_texts(cube, texts_of_numbers(cube.columns.value) if values is None else values)
    first = (constant(before),) if before else ()
    return joined_texts([*first, *(texts[name] for name in _NAMES)], ",", len(cube))


def figures_hash(csv_bytes: bytes) -> bytes:
    """Return the sha256 of a canonical form: the identity of its cube."""
    return hashlib.sha256(csv_bytes).digest()


def _column_texts(cube: Cube, values: Any) -> Mapping[str, Any]:
    """Return every column of *cube* as texts, by the name in the header; the last ends the line."""
    columns = cube.columns
    return {
        "municipality": coded_texts(columns.municipality, cube.municipalities),
        "sex": coded_texts(columns.sex, SEXES),
        "year": each_text(columns.year, str),
        "periodStart": each_text(columns.start, _day_text),
        "periodEnd": each_text(columns.end, _day_text),
        "breakdown": coded_texts(columns.breakdown, [part.text for part in cube.breakdowns]),
        "value": values,
        "status": coded_texts(columns.status, ("", *STATUSES)),
        "flags": each_text(columns.flags, flags_text),
        "low": texts_of_numbers(columns.low),
        "high": texts_of_numbers(columns.high),
        "count": each_text(columns.count, lambda count: f"{_count_text(count)}\n"),
    }


def flags_text(bits: int) -> str:
    """Return flags as canonical text: names sorted, joined by semicolons."""
    return ";".join(sorted(flag for at, flag in enumerate(FLAGS) if bits >> at & 1))


def cube_of_csv(csv_bytes: bytes) -> Cube:
    """Read a canonical form back.

    Raises ValueError where the bytes are not one; that they are *the* canonical form is what the hash tells.
    """
    if not csv_bytes.startswith(_FIRST_LINE):
        raise ValueError("this is not the canonical form of a cube: the header differs")
    options = csv.ConvertOptions(column_types=dict.fromkeys(_NAMES, pa.string()), strings_can_be_null=False)
    table = csv.read_csv(BytesIO(csv_bytes), convert_options=options)
    municipality, municipalities = _distinct(table, "municipality", MunicipalityCode)
    breakdown, breakdowns = _distinct(table, "breakdown", Breakdown.parse)
    columns = Columns(
        municipality=municipality.astype(np.uint16),
        sex=_mapped(table, "sex", _sex_code).astype(np.uint8),
        year=_mapped(table, "year", _year_of).astype(np.int16),
        start=_mapped(table, "periodStart", _day_of).astype(np.int32),
        end=_mapped(table, "periodEnd", _day_of).astype(np.int32),
        breakdown=breakdown.astype(np.uint32),
        value=_mapped(table, "value", _number),
        status=_mapped(table, "status", _status_code).astype(np.uint8),
        flags=_mapped(table, "flags", _flag_bits).astype(np.uint8),
        low=_mapped(table, "low", _number),
        high=_mapped(table, "high", _number),
        count=_mapped(table, "count", _count_of).astype(np.int64),
    )
    return cube_of(municipalities, breakdowns, columns)


def _day_text(number: int) -> str:
    return "" if number == NO_DAY else day(number).isoformat()


def _count_text(count: int) -> str:
    return "" if count == NO_COUNT else str(count)


def _distinct(
    table: pa.Table, name: str, read: Callable[[str], _Read]
) -> tuple[NDArray[np.int64], list[_Read]]:
    column = table[name].combine_chunks().dictionary_encode()
    return column.indices.to_numpy().astype(np.int64), [
        read(str(text)) for text in column.dictionary.to_pylist()
    ]


def _mapped(table: pa.Table, name: str, read: Callable[[str], float]) -> NDArray[np.float64]:
    at, values = _distinct(table, name, read)
    return np.array(values, np.float64)[at] if values else np.empty(0)


def _year_of(text: str) -> int:
    return Year(int(text))


def _day_of(text: str) -> int:
    return day_number(date.fromisoformat(text)) if text else NO_DAY


def _number(text: str) -> float:
    return number_of(text) if text else float("nan")


def _count_of(text: str) -> int:
    return int(text) if text else NO_COUNT


def _sex_code(text: str) -> int:
    return SEXES.index(Sex(text))


def _status_code(text: str) -> int:
    return STATUSES.index(Status(text)) + 1 if text else 0


def _flag_bits(text: str) -> int:
    return flag_bits(frozenset(Flag(name) for name in text.split(";") if name))
