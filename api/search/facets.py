"""What found indicators cover, counted: by source, theme, sex, area and year."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from api.snapshot import IndicatorState, Snapshot

MOST_AREAS = 500


class Facets(Struct, frozen=True):
    """How many of the found indicators there are of each source, theme, sex, area and year.

    Of the areas the 500 with the most indicators.
    """

    source: dict[str, int]
    theme: dict[str, int]
    sex: dict[str, int]
    municipality: dict[str, int]
    year: dict[str, int]


class Axis:
    """One thing that indicators may be counted and chosen by; each has one or several codes of it."""

    def __init__(self, held: Iterable[Sequence[Any]]) -> None:
        """Take the codes of every indicator, in the order of the rows."""
        places: dict[tuple[Any, ...], int] = {}
        # indicators of one source mostly cover the same areas and years: each such set is kept once
        self._set_of = np.array([places.setdefault(tuple(codes), len(places)) for codes in held], np.int32)
        self.codes = sorted({code for codes in places for code in codes})
        self._spoken = [str(code) for code in self.codes]
        at = {code: place for place, code in enumerate(self.codes)}
        self._sets = np.zeros((len(places), len(self.codes)), bool)
        for codes, place in places.items():
            self._sets[place, [at[code] for code in codes]] = True
        self._told = [[self._spoken[one] for one in np.flatnonzero(held)] for held in self._sets]

    def counts(self, rows: NDArray[np.intp]) -> dict[str, int]:
        """Return how many of *rows* have each code that any of them has."""
        of_set = np.bincount(self._set_of[rows], minlength=len(self._sets))
        used = of_set.nonzero()[0]
        if len(used) == 1:
            return dict.fromkeys(self._told[int(used[0])], len(rows))
        counts = (of_set[used, None] * self._sets[used]).sum(axis=0)
        return {code: count for code, count in zip(self._spoken, counts.tolist(), strict=True) if count}

    def having(self, code: Any) -> NDArray[np.bool_]:
        """Return for each row whether it has *code*."""
        if code not in self.codes:
            return np.zeros(len(self._set_of), bool)
        chosen: NDArray[np.bool_] = self._sets[:, self.codes.index(code)][self._set_of]
        return chosen


class Axes(Struct, frozen=True):
    """Everything that the indicators of one release are counted and chosen by."""

    dataset: Axis
    source: Axis
    theme: Axis
    sex: Axis
    municipality: Axis
    year: Axis
    rows: int

    def facets(self, rows: NDArray[np.intp]) -> Facets:
        """Count *rows*."""
        areas = self.municipality.counts(rows)
        if len(areas) > MOST_AREAS:
            most = sorted(areas, key=lambda code: (-areas[code], code))[:MOST_AREAS]
            areas = {code: areas[code] for code in sorted(most)}
        return Facets(
            source=self.source.counts(rows),
            theme=self.theme.counts(rows),
            sex=self.sex.counts(rows),
            municipality=areas,
            year=self.year.counts(rows),
        )


def axes_of(snapshot: Snapshot) -> Axes:
    """Return what the indicators of *snapshot* are counted and chosen by."""
    states = list(snapshot.indicators.values())

    def axis(codes: Callable[[IndicatorState], Sequence[Any]]) -> Axis:
        return Axis(map(codes, states))

    return Axes(
        dataset=axis(lambda state: (state.dataset,)),
        source=axis(lambda state: (str(snapshot.datasets[state.dataset].description.source),)),
        theme=axis(lambda state: (snapshot.datasets[state.dataset].description.theme,)),
        sex=axis(lambda state: tuple(map(str, state.coverage.sexes))),
        municipality=axis(lambda state: state.coverage.municipalities),
        year=axis(lambda state: state.coverage.years),
        rows=len(states),
    )
