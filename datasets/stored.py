"""The stored form of a cube: an Arrow stream, compressed; read back in a fraction of a millisecond.

Columns of one repeated value stand once in the header, not in the stream.
"""

from dataclasses import fields
from functools import cache

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray
from pyarrow import ipc

from datasets.cube import Columns, Cube, repeated
from datasets.errors import ErasedError, LansdataError
from datasets.vocabulary import Breakdown, MunicipalityCode

ENCODING = "arrow-zstd-1"
ERASED = "erased"
"""The encoding of a cube of which nothing is left; its body is the reason."""
_HEADER = b"lansdata"
_TYPES = {
    "municipality": np.uint16,
    "sex": np.uint8,
    "year": np.int16,
    "start": np.int32,
    "end": np.int32,
    "breakdown": np.uint32,
    "value": np.float64,
    "status": np.uint8,
    "flags": np.uint8,
    "low": np.float64,
    "high": np.float64,
    "count": np.int64,
}


class UnknownEncodingError(LansdataError):
    """A cube stored by a newer Länsdata than this."""


class _Header(Struct, frozen=True):
    rows: int
    municipalities: tuple[str, ...]
    breakdowns: tuple[str, ...]
    constants: dict[str, float | None]
    """The value of each column that has but one; None for NaN."""


_decoder = msgspec.json.Decoder(_Header)
_municipality = cache(MunicipalityCode)
_breakdown = cache(Breakdown.parse)


def packed(cube: Cube) -> tuple[str, bytes]:
    """Return the name of the encoding and the stored bytes of *cube*."""
    columns = {field.name: getattr(cube.columns, field.name) for field in fields(Columns)}
    constants = {name: _constant(column) for name, column in columns.items() if _is_constant(column)}
    arrays = {name: pa.array(column) for name, column in columns.items() if name not in constants}
    header = _Header(
        rows=len(cube),
        municipalities=tuple(map(str, cube.municipalities)),
        breakdowns=tuple(part.text for part in cube.breakdowns),
        constants=constants,
    )
    schema = pa.schema(
        [(name, array.type) for name, array in arrays.items()],
        metadata={_HEADER: msgspec.json.encode(header)},
    )
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, schema, options=ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(pa.record_batch(list(arrays.values()), schema=schema))
    return ENCODING, sink.getvalue().to_pybytes()


def unpacked(encoding: str, body: bytes) -> Cube:
    """Read a stored cube.

    Raises ErasedError for one of which nothing is left, UnknownEncodingError for an encoding that this
    version does not know.
    """
    if encoding == ERASED:
        raise ErasedError(body.decode())
    if encoding != ENCODING:
        message = f"a cube is stored as {encoding}, this version reads {ENCODING}"
        raise UnknownEncodingError(message)
    with ipc.open_stream(body) as reader:
        batch = reader.read_next_batch()
    header = _decoder.decode(batch.schema.metadata[_HEADER])
    columns = {name: batch.column(at).to_numpy() for at, name in enumerate(batch.schema.names)}
    for name, constant in header.constants.items():
        columns[name] = repeated(
            np.array(np.nan if constant is None else constant, _TYPES[name]), header.rows
        )
    return Cube(
        municipalities=tuple(map(_municipality, header.municipalities)),
        breakdowns=tuple(map(_breakdown, header.breakdowns)),
        columns=Columns(**columns),
    )


def _is_constant(column: NDArray[np.generic]) -> bool:
    return len(column) > 1 and not column.strides[0]


def _constant(column: NDArray[np.generic]) -> float | None:
    only: float = column[0].item()
    return None if only != only else only  # noqa: PLR0124 NaN is what differs from itself
