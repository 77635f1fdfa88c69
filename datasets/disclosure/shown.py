"""What was shown of a dataset by every version of it, withdrawn or not: it is known for good."""

from collections.abc import Collection, Mapping
from dataclasses import fields, replace

import numpy as np
from msgspec import Struct

from datasets.catalogue import Indicator, indicator_of
from datasets.cube import NO_COUNT, STATUSES, Columns, Cube, cube_of
from datasets.disclosure.published import Figure, Published
from datasets.disclosure.relations import Key
from datasets.notices import Erasure
from datasets.store import Session
from datasets.stored import ERASED, unpacked
from datasets.units import unit
from datasets.vocabulary import Breakdown, MunicipalityCode, Observation, Sex, Status, Year

_SUPPRESSED = STATUSES.index(Status.SUPPRESSED) + 1
Told = Mapping[str, Mapping[Key, Observation]]
"""The figures of one version, by indicator and key."""


class Version(Struct, frozen=True):
    """What one version told, of the indicators that are new or other than in the version before."""

    figures: Told
    definitions: Mapping[str, Indicator]


async def versions_of(session: Session, dataset: str) -> tuple[list[Version], int]:
    """Return what each version of *dataset* told, oldest first, and the number of the newest release.

    Withdrawn or not: what was shown is known. The cubes of the ledger are what every file was made of. Of a
    cube with an erased figure nothing is left: that figure comes last, as one that was hidden.
    """
    line = [one.number for one in await session.releases() if one.dataset == dataset]
    stays = await session.stays(line[-1], dataset=dataset) if line else []
    stored = await session.stored_cubes({one.data_sha256 for one in stays})
    cubes = {name: unpacked(*one) for name, one in stored.items() if one[0] != ERASED}
    bodies = await session.metadata({one.metadata_sha256 for one in stays})
    versions = []
    for number in line:
        begun = [one for one in stays if one.began == number and one.data_sha256 in cubes]
        figures = {one.indicator: by_key(cubes[one.data_sha256]) for one in begun}
        definitions = {one.indicator: indicator_of(bodies[one.metadata_sha256]) for one in begun}
        versions.append(Version(figures, definitions))
    known = {name: one for version in versions for name, one in version.definitions.items()}
    erased = [one for one in await session.notices() if isinstance(one, Erasure) and one.indicator in known]
    versions += [_erased(one, known) for one in erased if one.dataset == dataset]
    return versions, line[-1] if line else 0


def _erased(notice: Erasure, known: Mapping[str, Indicator]) -> Version:
    figure = Observation(
        municipality=MunicipalityCode(notice.municipality),
        sex=Sex(notice.sex),
        year=Year(notice.year),
        breakdown=Breakdown.parse(notice.breakdown),
        value=None,
        status=Status.SUPPRESSED,
    )
    key = notice.municipality, notice.sex, notice.year, notice.breakdown
    return Version({notice.indicator: {key: figure}}, {notice.indicator: known[notice.indicator]})


def by_key(cube: Cube) -> dict[Key, Observation]:
    """Return the figures of *cube* by their keys."""
    return {(str(f.municipality), f.sex.value, int(f.year), f.breakdown.text): f for f in cube}


def published(version: Version) -> Published:
    """Return *version* as a stranger reads it."""
    figures = {}
    for name, found in version.figures.items():
        measure = unit(version.definitions[name].unit)
        is_share = measure.code == "percent"
        figures[name] = {
            key: Figure(
                value=one.value if is_share or measure.persons or one.count is None else float(one.count),
                count=one.count,
                low=one.interval.low if one.interval else None,
                high=one.interval.high if one.interval else None,
                hidden=one.status is Status.SUPPRESSED,
                is_share=is_share,
            )
            for key, one in found.items()
            if is_share or measure.persons or one.count is not None or one.status is Status.SUPPRESSED
        }
    return Published(figures)


def without(cube: Cube, hidden: Collection[Key]) -> Cube:
    """Return *cube* with one and the same marker, and nothing else, in place of every *hidden* figure."""
    keys = by_key(cube)
    mask = np.array([key in hidden for key in keys], np.bool_)
    if not mask.any():
        return cube
    blank = {
        "value": np.nan,
        "low": np.nan,
        "high": np.nan,
        "flags": 0,
        "count": NO_COUNT,
        "status": _SUPPRESSED,
    }
    columns = {field.name: getattr(cube.columns, field.name) for field in fields(Columns)}
    columns |= {
        name: np.where(mask, nothing, columns[name]).astype(columns[name].dtype)
        for name, nothing in blank.items()
    }
    return cube_of(cube.municipalities, cube.breakdowns, replace(cube.columns, **columns))
