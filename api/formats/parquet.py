"""The figures as Parquet, typed; what stands beside them is in the file's own metadata."""

from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from api.answers import encoded
from api.formats.figures import DAYS, MOMENTS, NUMBERS, WHOLE, Column, columns_of
from api.observations import Answered
from api.question import Question

_TYPES: Mapping[str, Any] = {
    **dict.fromkeys(NUMBERS, pa.float64()),
    **dict.fromkeys(DAYS, pa.date32()),
    **dict.fromkeys(MOMENTS, pa.timestamp("us", "UTC")),
    "year": pa.int16(),
    "count": pa.int64(),
}
"""The types of the columns that are no text."""


def write(question: Question, answered: Answered) -> bytes:
    """Return the figures as one Parquet file; an absent field is null."""
    columns = columns_of(question, answered)
    table = pa.table({name: _typed(name, column) for name, column in columns.items()})
    out = BytesIO()
    parquet.write_table(table.replace_schema_metadata(_beside(answered)), out, compression="zstd")
    return out.getvalue()


def _typed(name: str, column: Column) -> Any:
    if name in MOMENTS:
        column = [datetime.fromisoformat(text) if text else None for text in column]
    elif name not in NUMBERS | WHOLE | DAYS:
        column = [text or None for text in column]
    return pa.array(column, _TYPES.get(name, pa.string()))


def _beside(answered: Answered) -> dict[str, bytes]:
    """Return what stands beside the figures, by key: `_meta` of the JSON answer, and parts of it."""
    meta = answered.meta
    return {
        "lansdata": encoded(meta),
        "notes": encoded(meta.notes),
        "citation": meta.citation.encode(),
        "address": answered.pinned_address.encode(),
    }
