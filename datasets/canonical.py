"""The canonical form of a cube: its CSV, whose sha256 is the cube's identity.

UTF-8, LF, a field quoted only where needed (none of ours ever needs it), an absent field empty, rows in
canonical order, numbers as the shortest decimal that reads back equal.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from io import BytesIO
from itertools import groupby
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
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
from datasets.numbers import number_of, number_texts
from datasets.vocabulary import Breakdown, Flag, MunicipalityCode, Sex, Status, Year

HEADER = "municipality,sex,year,periodStart,periodEnd,breakdown,value,status,flags,low,high,count"
_FIRST_LINE = f"{HEADER}\n".encode()
_NAMES = HEADER.split(",")
_Read = TypeVar("_Read")


def canonical_csv(cube: Cube) -> bytes:
    """Return the canonical form of *cube*."""
    return b"".join((_FIRST_LINE, csv_lines(cube)))


def csv_lines(cube: Cube, before: str = "") -> memoryview:
    """Return the lines of the canonical form without its header; *before* stands in front of each."""
    if not len(cube):
        return memoryview(b"")
    texts = column_texts(cube, end="\n")
    first = (pa.scalar(before, pa.large_string()),) if before else ()
    return joined_texts([*first, *(texts[name] for name in _NAMES)], ",", len(cube))


def joined_texts(columns: Sequence[Any], separator: str, rows: int) -> memoryview:
    """Return Arrow's texts of *rows* rows joined column by column, one row right after the other."""
    lines = pc.binary_join_element_wise(*_folded(columns, separator), pa.scalar(separator, pa.large_string()))
    if isinstance(lines, pa.Scalar):
        return memoryview(lines.as_py().encode() * rows)
    # Arrow keeps the texts of a column one after the other: the lines stand in its memory as in the file
    _, ends, body = lines.buffers()
    return memoryview(body)[: int(np.frombuffer(ends, np.int64)[rows])]


def figures_hash(csv_bytes: bytes) -> bytes:
    """Return the sha256 of a canonical form: the identity of its cube."""
    return hashlib.sha256(csv_bytes).digest()


def _folded(columns: Sequence[Any], separator: str) -> Iterator[Any]:
    """Yield *columns* with neighbours of one text each as one, which is joined in less time."""
    for is_constant, group in groupby(columns, lambda column: isinstance(column, pa.Scalar)):
        if is_constant:
            yield pa.scalar(separator.join(str(one) for one in group), pa.large_string())
        else:
            yield from group


def column_texts(cube: Cube, end: str = "") -> Mapping[str, Any]:
    """Return every column of *cube* as Arrow's texts, by the name in the header; one text for equal ones.

    The last column's texts have *end* after them.
    """
    columns = cube.columns
    return {
        "municipality": coded_texts(columns.municipality, cube.municipalities),
        "sex": coded_texts(columns.sex, SEXES),
        "year": each_text(columns.year, str),
        "periodStart": each_text(columns.start, _day_text),
        "periodEnd": each_text(columns.end, _day_text),
        "breakdown": coded_texts(columns.breakdown, [part.text for part in cube.breakdowns]),
        "value": texts_of_numbers(columns.value),
        "status": coded_texts(columns.status, ("", *STATUSES)),
        "flags": each_text(columns.flags, flags_text),
        "low": texts_of_numbers(columns.low),
        "high": texts_of_numbers(columns.high),
        "count": each_text(columns.count, lambda count: f"{_count_text(count)}{end}"),
    }


def texts_of_numbers(numbers: NDArray[np.float64]) -> Any:
    """Return as Arrow's texts what `number_texts` writes, and sooner: the shortest digits are the same."""
    if not numbers.strides[0]:
        return pa.scalar(number_texts(numbers[:1])[0], pa.large_string())
    texts: Any = pa.array(numbers + 0.0, mask=~np.isfinite(numbers)).cast(pa.large_string()).fill_null("")
    has_exponent = pc.match_substring(texts, "e")
    odd = numbers[has_exponent.to_numpy(zero_copy_only=False)]
    if not len(odd):
        return texts
    return pc.replace_with_mask(texts, has_exponent, pa.array(number_texts(odd), pa.large_string()))


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


def coded_texts(positions: NDArray[np.integer[Any]], texts: Sequence[str]) -> Any:
    """Return the text at each of *positions* as Arrow's texts."""
    known = pa.array(map(str, texts), pa.large_string())
    return known[int(positions[0])] if not positions.strides[0] else known.take(pa.array(positions))


def each_text(column: NDArray[np.integer[Any]], text: Callable[[int], str]) -> Any:
    """Write a column whose values mostly repeat as Arrow's texts: each distinct one once."""
    if not column.strides[0]:
        return pa.scalar(text(int(column[0])), pa.large_string())
    distinct = pa.array(column).dictionary_encode()
    return coded_texts(distinct.indices.to_numpy(), [text(one) for one in distinct.dictionary.to_pylist()])


def wrapped_numbers(numbers: NDArray[np.float64], before: str, after: str, absent: str) -> Any:
    """Write a column of numbers as Arrow's texts, each between two others; NaN as *absent*."""
    texts = texts_of_numbers(numbers)
    left, right = (pa.scalar(text, pa.large_string()) for text in (before, after))
    if isinstance(texts, pa.Scalar):
        return pa.scalar(f"{before}{texts}{after}" if str(texts) else absent, pa.large_string())
    told = pc.binary_join_element_wise(left, texts, right, pa.scalar("", pa.large_string()))
    is_absent = pa.array(np.isnan(numbers))
    return pc.if_else(is_absent, pa.scalar(absent, pa.large_string()), told)


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
