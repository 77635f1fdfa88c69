"""The figures of a cube as JSON rows: one way to write them, for answers and for baked files alike."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from datasets.cube import FLAGS, NO_DAY, SEXES, STATUSES, Cube, Positions, day
from datasets.numbers import number_texts
from datasets.vocabulary import Breakdown

KEY = ("indicator", "municipality", "sex", "year", "breakdown")
"""The fields that say which figure a row is of; all others tell it."""


def rendered(indicator: str, cube: Cube, positions: Positions, fields: Sequence[str] = ()) -> list[bytes]:
    """Return each figure at *positions* as a JSON object, with all its fields or only those in *fields*."""
    pieces = row_pieces(indicator, cube, positions)
    return joined([pieces[name] for name in pieces if not fields or name in fields], len(positions))


def joined(pieces: Sequence[Sequence[str]], rows: int) -> list[bytes]:
    """Return *rows* JSON objects, each made of its text in each of *pieces*."""
    if not pieces:
        return [b"{}"] * rows
    # every piece but an absent one begins with the comma that the first must lose
    return [f"{{{''.join(row)[1:]}}}".encode() for row in zip(*pieces, strict=True)]


def row_pieces(indicator: str, cube: Cube, positions: Positions) -> dict[str, Sequence[str]]:
    """Return for each field, in the order of an answer, its text in every row at *positions*.

    A text is a comma, the name and the value; empty where the field is absent.
    """
    columns = cube.columns.take(positions)
    rows = len(columns)
    has_value = (columns.status == 0).tolist()
    values = number_texts(columns.value)
    areas = [f',"municipality":"{code}"' for code in cube.municipalities]
    divisions = [_breakdown(part) for part in cube.breakdowns]
    sexes = [f',"sex":"{sex}"' for sex in SEXES]
    statuses = ["", *(f',"status":"{status}"' for status in STATUSES)]
    return {
        "indicator": [f',"indicator":"{indicator}"'] * rows,
        "municipality": [areas[at] for at in columns.municipality.tolist()],
        "sex": [sexes[at] for at in columns.sex.tolist()],
        "year": [f',"year":{year}' for year in columns.year.tolist()],
        "breakdown": [divisions[at] for at in columns.breakdown.tolist()],
        "value": [
            f',"value":{text}' if present else ',"value":null'
            for text, present in zip(values, has_value, strict=True)
        ],
        "status": [statuses[at] for at in columns.status.tolist()],
        "flags": _each(columns.flags, _flags),
        "low": [f',"low":{text}' if text else "" for text in number_texts(columns.low)],
        "high": [f',"high":{text}' if text else "" for text in number_texts(columns.high)],
        "count": _each(columns.count, lambda count: f',"count":{count}' if count >= 0 else ""),
        "periodStart": _each(columns.start, lambda number: _day("periodStart", number)),
        "periodEnd": _each(columns.end, lambda number: _day("periodEnd", number)),
    }


def _each(column: NDArray[Any], text: Callable[[int], str]) -> list[str]:
    distinct, at = np.unique(column, return_inverse=True)
    texts = [text(int(one)) for one in distinct]
    return [texts[position] for position in at.tolist()]


def _breakdown(part: Breakdown) -> str:
    return f',"breakdown":{msgspec.json.encode(dict(part.parts)).decode()}' if part.parts else ""


def _flags(bits: int) -> str:
    names = sorted(flag for at, flag in enumerate(FLAGS) if bits >> at & 1)
    return f',"flags":{msgspec.json.encode(names).decode()}' if names else ""


def _day(name: str, number: int) -> str:
    return "" if number == NO_DAY else f',"{name}":"{day(number).isoformat()}"'
