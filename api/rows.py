"""The figures of a cube as JSON rows, rendered once for each municipality; an answer joins slices of them."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from datasets.cube import FLAGS, NO_DAY, SEXES, STATUSES, Columns, Cube, Positions, day
from datasets.numbers import number_texts
from datasets.vocabulary import Breakdown

ROW_BYTES = 130
"""About what one row takes rendered, its place in the offsets included; for the account of the cache."""

Runs = Sequence[tuple[int, int]]
"""Rows of one area that stand together: the number of the first, and of the one after the last."""


class Keys(NamedTuple):
    """What the rows of one area are of, in their order; most areas of a cube have the same."""

    sexes: bytes
    years: bytes
    breakdowns: bytes


class ResidentCube:
    """A cube held in memory, with the rows that have been rendered so far."""

    def __init__(self, indicator: str, cube: Cube) -> None:
        self.cube = cube
        self._indicator = indicator
        columns = cube.columns
        self.starts: list[int] = np.searchsorted(
            columns.municipality, np.arange(len(cube.municipalities) + 1)
        ).tolist()
        """Where each municipality's rows begin; they stand together."""
        self.places: dict[str, int] = {code: at for at, code in enumerate(cube.municipalities)}
        self._keys: dict[int, Keys] = {}
        self._distinct: dict[Keys, Keys] = {}
        self._rendered: dict[int, tuple[bytes, array[int]]] = {}

    @property
    def bytes_held(self) -> int:
        """Return the memory it takes, or will take once everything is rendered."""
        return self.cube.bytes_held + len(self.cube) * ROW_BYTES

    def keys(self, place: int) -> Keys:
        """Return what the rows of the municipality at *place* are of; the same object for equal ones."""
        found = self._keys.get(place)
        if found is None:
            span, columns = slice(*self.starts[place : place + 2]), self.cube.columns
            own = Keys(*(one[span].tobytes() for one in (columns.sex, columns.year, columns.breakdown)))
            found = self._keys[place] = self._distinct.setdefault(own, own)
        return found

    def pieces(self, place: int, runs: Runs) -> list[bytes]:
        """Return *runs* of rows of the municipality at *place* as JSON, without the commas between runs."""
        text, begins = self._rows(place)
        return [text[begins[first] : begins[after] - 1] for first, after in runs]

    def _rows(self, place: int) -> tuple[bytes, "array[int]"]:
        """Return the rows of one municipality, each followed by one byte, and where each begins."""
        found = self._rendered.get(place)
        if found is None:
            rows = rendered(self._indicator, self.cube, np.arange(*self.starts[place : place + 2]))
            begins = array("L", accumulate((len(row) + 1 for row in rows), initial=0))
            found = self._rendered[place] = (b",".join(rows) + b",", begins)
        return found


def rendered(indicator: str, cube: Cube, positions: Positions, fields: Sequence[str] = ()) -> list[bytes]:
    """Return each figure at *positions* as a JSON object, with all its fields or only those in *fields*."""
    columns = cube.columns.take(positions)
    pieces = _pieces(indicator, cube, columns)
    chosen = [pieces[name] for name in pieces if not fields or name in fields]
    if not chosen:
        return [b"{}"] * len(columns)
    # every piece but an absent one begins with the comma that the first must lose
    return [f"{{{''.join(row)[1:]}}}".encode() for row in zip(*chosen, strict=True)]


def _pieces(indicator: str, cube: Cube, columns: Columns) -> Mapping[str, Sequence[str]]:
    """Return for each field, in the order of an answer, its text in every row; empty where it is absent."""
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
