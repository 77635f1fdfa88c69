"""What was shown of a dataset by every version of it, withdrawn or not: it is known for good."""

from collections.abc import Mapping

from msgspec import Struct

from datasets.catalogue import Indicator, indicator_of
from datasets.cube import Cube
from datasets.disclosure.published import Figure, Published
from datasets.disclosure.relations import Key
from datasets.store import Session
from datasets.units import unit
from datasets.vocabulary import Observation, Status

Told = Mapping[str, Mapping[Key, Observation]]
"""The figures of one version, by indicator and key."""


class Version(Struct, frozen=True):
    """What one version told, of the indicators that are new or other than in the version before."""

    figures: Told
    definitions: Mapping[str, Indicator]


async def versions_of(session: Session, dataset: str) -> tuple[list[Version], int]:
    """Return what each version of *dataset* told, oldest first, and the number of the newest release.

    Withdrawn or not: what was shown is known. The cubes of the ledger are what every file was made of.
    """
    line = [one.number for one in await session.releases() if one.dataset == dataset]
    stays = await session.stays(line[-1], dataset=dataset) if line else []
    cubes = await session.cubes({one.data_sha256 for one in stays})
    bodies = await session.metadata({one.metadata_sha256 for one in stays})
    versions = []
    for number in line:
        begun = [one for one in stays if one.began == number]
        figures = {one.indicator: by_key(cubes[one.data_sha256]) for one in begun}
        definitions = {one.indicator: indicator_of(bodies[one.metadata_sha256]) for one in begun}
        versions.append(Version(figures, definitions))
    return versions, line[-1] if line else 0


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
