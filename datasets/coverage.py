"""What a cube covers: kept beside it, so that lists can tell without reading the figures."""

from functools import cache
from typing import TypeVar

import msgspec
import numpy as np
from msgspec import Struct

from datasets.cube import SEXES, Cube
from datasets.vocabulary import Sex


class Coverage(Struct, frozen=True):
    """How many figures a cube has, and for which areas, sexes, years and breakdowns, each sorted."""

    rows: int
    municipalities: tuple[str, ...]
    sexes: tuple[Sex, ...]
    years: tuple[int, ...]
    breakdowns: tuple[str, ...]


_Code = TypeVar("_Code")
_decoder = msgspec.json.Decoder(Coverage)


def coverage_of(cube: Cube) -> Coverage:
    """Return what *cube* covers."""
    return Coverage(
        rows=len(cube),
        municipalities=tuple(map(str, cube.municipalities)),
        sexes=tuple(SEXES[at] for at in np.unique(cube.columns.sex).tolist()),
        years=tuple(np.unique(cube.columns.year).tolist()),
        breakdowns=tuple(part.text for part in cube.breakdowns),
    )


def coverage_body(coverage: Coverage) -> bytes:
    """Return the form that is kept."""
    return msgspec.json.encode(coverage)


def read_coverage(body: bytes) -> Coverage:
    """Read a coverage back; equal lists of areas and years are shared, since most cubes have the same."""
    found = _decoder.decode(body)
    return Coverage(
        rows=found.rows,
        municipalities=_shared(found.municipalities),
        sexes=_shared(found.sexes),
        years=_shared(found.years),
        breakdowns=_shared(found.breakdowns),
    )


@cache
def _shared(codes: tuple[_Code, ...]) -> tuple[_Code, ...]:
    return codes
