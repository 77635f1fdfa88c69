"""Declared corrections: a figure that is known to be wrong at the source, put right in the open.

A correction states what the source says and why that is wrong; once the source says anything else, the
correction no longer matches and the load stops, so that it is looked at again.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from msgspec import Struct

from datasets.catalogue import Indicator, Note
from datasets.cube import Cube, cube_from
from datasets.errors import LansdataError
from datasets.vocabulary import Breakdown, Observation, Sex, Status, Text
from loaders.source import Made


class StaleCorrectionError(LansdataError):
    """A correction that no longer meets the figure that it was written for."""


class Correction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One figure as the source has it (`was`), and what is published instead: a value or a status."""

    indicator: str
    municipality: str
    sex: Sex
    year: int
    breakdown: dict[str, str] = {}
    was: float | None
    value: float | None = None
    status: Status | None = None
    reason: Text

    def __post_init__(self) -> None:
        """Refuse a correction that says two things at once, or nothing."""
        if (self.value is None) == (self.status is None):
            raise ValueError("a correction publishes either a value or a status")

    @property
    def said(self) -> str:
        """Return the correction in one line, for the note of a release."""
        key = (self.indicator, self.municipality, self.sex, str(self.year), Breakdown.of(self.breakdown).text)
        return f"Rättad: {' '.join(filter(None, key))} ({self.reason.sv})"

    def meets(self, figure: Observation) -> bool:
        """Tell whether *figure* is the one that is meant."""
        key = (figure.municipality, figure.sex, figure.year, figure.breakdown)
        return key == (self.municipality, self.sex, self.year, Breakdown.of(self.breakdown))


def corrected(made: Made, corrections: Sequence[Correction], publisher: str) -> Made:
    """Return *made* with its corrections, each told in a mandatory note.

    Sources forbid that they are named as the source of what somebody else has worked on: the attribution says
    that we did, with data from *publisher*. Raises StaleCorrectionError where a correction no longer matches.
    """
    mine = [one for one in corrections if one.indicator == made.indicator.id]
    if not mine:
        return made
    figures = list(made.cube)
    for one in mine:
        at = _position(one, made.cube)
        flags = figures[at].flags if one.status is None else frozenset()
        figures[at] = msgspec.structs.replace(
            figures[at], value=one.value, status=one.status, flags=flags, interval=None, count=None
        )
    return Made(_told(made.indicator, mine, publisher), cube_from(figures))


def _position(one: Correction, cube: Cube) -> int:
    """Return where the figure stands that *one* corrects, if it still says what it said."""
    years = np.flatnonzero(cube.columns.year == one.year)
    at = next((at for at in years.tolist() if one.meets(cube.observation(at))), None)
    if at is None or cube.observation(at).value != one.was:
        said = "there is no such figure" if at is None else f"it is {cube.observation(at).value}"
        place = f"{one.indicator}, {one.municipality}, {one.sex}, {one.year}"
        message = f"the correction of {place} was written for {one.was}, but {said}"
        raise StaleCorrectionError(message)
    return int(at)


def _told(indicator: Indicator, corrections: Sequence[Correction], publisher: str) -> Indicator:
    notes = [
        Note(
            text=Text(
                f"Rättad av Länsdata: {one.reason.sv}", f"Corrected by Länsdata: {one.reason.spoken('en')}"
            ),
            mandatory=True,
            years=(one.year,),
            sexes=(one.sex,),
            municipalities=(one.municipality,),
            breakdown=one.breakdown,
        )
        for one in corrections
    ]
    return msgspec.structs.replace(
        indicator,
        notes=(*indicator.notes, *notes),
        processing="derived",
        attribution=f"Egen bearbetning av data från {publisher}",
    )
