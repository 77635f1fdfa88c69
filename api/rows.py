"""A cube in memory and its rows as JSON, rendered once for each municipality; answers join slices of them."""

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from datasets.cube import Cube
from datasets.rows import rendered

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

    def pieces(self, areas: Iterable[tuple[int, Runs]]) -> list[bytes]:
        """Return runs of rows of each area, by its place, as JSON, without the commas between runs."""
        found: list[bytes] = []
        rendered_already = self._rendered.get
        for place, runs in areas:
            text, begins = rendered_already(place) or self._rows(place)
            found += [text[begins[first] : begins[after] - 1] for first, after in runs]
        return found

    def _rows(self, place: int) -> tuple[bytes, "array[int]"]:
        """Render the rows of one municipality, each followed by one byte; tell where each begins."""
        rows = rendered(self._indicator, self.cube, np.arange(*self.starts[place : place + 2]))
        begins = array("L", accumulate((len(row) + 1 for row in rows), initial=0))
        found = self._rendered[place] = (b",".join(rows) + b",", begins)
        return found
