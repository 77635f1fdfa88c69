"""Parquet composed of parts: one row group an indicator, and a foot that tells where each begins.

The bytes of a row group say nothing of their place in the file, so that they are kept once and stand in
every version that has them; only the foot is made anew.
"""

import struct
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pyarrow as pa
from pyarrow import parquet as pq

from datasets.cube import Cube
from datasets.tabular import SCHEMA, record_batch
from datasets.thrift import Reader, Record, changed, value_of, written

HEAD = b"PAR1"
_NUMBER = struct.Struct("<I")
# fields of Parquet's own records, by their numbers in parquet.thrift
_ROWS, _GROUPS, _CREATED_BY = 3, 4, 6
_COLUMNS = 1
# the stubs know no list
_REPEATING: Any = [name for name in SCHEMA.names if name not in {"value", "low", "high", "count"}]
"""A dictionary of numbers that mostly differ makes files a tenth larger, and takes longer."""
_OFFSETS = ("_9", "_11")  # of the data pages, and of the dictionary's


def row_group(indicator: str, cube: Cube) -> tuple[bytes, bytes]:
    """Return the row group of one indicator, and the foot of a file that would hold it alone."""
    sink = BytesIO()
    table = pa.Table.from_batches([record_batch(indicator, cube)], SCHEMA)
    # without the Arrow schema every reader gets plain texts, days and whole numbers
    with pq.ParquetWriter(
        sink,
        SCHEMA,
        compression="zstd",
        store_schema=False,
        use_dictionary=_REPEATING,
        write_statistics=["year", "municipality"],
    ) as writer:
        writer.write_table(table, row_group_size=max(len(cube), 1))
    whole = sink.getvalue()
    (size,) = _NUMBER.unpack(whole[-8:-4])
    end = len(whole) - 8 - size
    return whole[len(HEAD) : end], whole[end:-8]


def foot(parts: Iterable[tuple[int, bytes]]) -> bytes:
    """Return the foot of a file with row groups of some *parts*: the size of each and its own foot.

    Its bytes must never change for the same parts: files that were published are made with it.
    """
    groups: list[Record] = []
    first: Record = []
    rows, begins = 0, len(HEAD)
    for size, own in parts:
        record = Reader(own).record()
        first = first or record
        rows += value_of(record, _ROWS)
        for group in value_of(record, _GROUPS)[1]:
            groups.append(_moved(group, begins - len(HEAD), len(groups)))
        begins += size
    if not first:
        return _empty()
    kind = 12
    body = written(changed(first, _3=rows, _4=(kind, groups)))
    return body + _NUMBER.pack(len(body)) + HEAD


def _moved(group: Record, by: int, number: int) -> Record:
    """Return the record of a row group that begins *by* bytes later, as the one with *number*."""
    of, columns = value_of(group, _COLUMNS)
    placed = [_moved_column(column, by) for column in columns]
    return changed(group, _1=(of, placed), _5=(value_of(group, 5) or 0) + by, _7=number)


def _moved_column(column: Record, by: int) -> Record:
    about = value_of(column, 3)
    offsets = {name: at + by for name in _OFFSETS if (at := value_of(about, int(name[1:]))) is not None}
    own = value_of(column, 2)
    return changed(column, _2=own + by if own else own, _3=changed(about, **offsets))


def _empty() -> bytes:
    """Return the foot of a file without any figure."""
    sink = BytesIO()
    pq.write_table(SCHEMA.empty_table(), sink, compression="zstd", store_schema=False)
    return sink.getvalue()[len(HEAD) :]
