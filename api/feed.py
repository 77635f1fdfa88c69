"""Which releases a reader asks for: after one, of a dataset, or those that changed certain figures."""

from collections.abc import Sequence
from itertools import pairwise

from cachetools import LRUCache
from msgspec import Struct

from api.asked import Asked
from api.live import MOST_STAYS, Live, TooManyStaysError
from api.parameters import DATASET, INDICATOR, MUNICIPALITY, SINCE
from api.problems import InvalidParameter, InvalidParametersError, RefusalError
from api.question import municipalities_asked, titles_of
from api.resident import Residents
from api.snapshot import IndicatorState, Past, Snapshot
from datasets.changes import difference
from datasets.closest import closest
from datasets.cube import Cube
from datasets.ledger import Release, Stay

MOST_COMPARED = 10_000_000
"""The most figures that the cubes of one question about releases may hold."""
_AREAS_KEPT = 500_000


class ReleasesAsked(Struct, frozen=True):
    """What is asked of the line of releases; empty means all."""

    since: int
    dataset: str | None
    indicators: tuple[str, ...]
    municipalities: frozenset[str]


class Feed:
    """The line of releases, and the areas in which cubes differ that were compared lately."""

    def __init__(self, live: Live, residents: Residents) -> None:
        self._live = live
        self._residents = residents
        self._areas: LRUCache[tuple[bytes, bytes], frozenset[str]] = LRUCache(
            _AREAS_KEPT, getsizeof=lambda areas: 1 + len(areas)
        )

    async def releases(self, snapshot: Snapshot, asked: Asked) -> list[Release]:
        """Return the releases that are asked for of those up to *snapshot*, oldest first.

        Raises InvalidParametersError for codes that there are not, RefusalError when too much would have to
        be compared, StoreUnavailableError when the database is away and an indicator is asked about.
        """
        wanted = await self._wanted(snapshot, asked)
        line = [
            release
            for release in snapshot.line
            if release.number > wanted.since and wanted.dataset in {None, release.dataset}
        ]
        if not wanted.indicators:
            return line
        numbers = await self._moving(snapshot, wanted)
        return [release for release in line if release.number in numbers]

    async def _wanted(self, snapshot: Snapshot, asked: Asked) -> ReleasesAsked:
        """Judge the codes that are asked for; an indicator that ended is one too."""
        faults: list[InvalidParameter] = []
        dataset, names = asked[DATASET.name], asked[INDICATOR.name]
        if dataset is not None and dataset not in snapshot.datasets:
            near = closest(dataset, snapshot.datasets)
            faults.append(
                InvalidParameter(name=DATASET.name, reason="is no dataset", value=dataset, closest=near)
            )
        strange = [name for name in names if name not in snapshot.indicators]
        ended = (await self._past(snapshot, 0, strange)).stays if strange else {}
        for name in strange:
            if name not in ended:
                near = closest(name, titles_of(snapshot))
                faults.append(
                    InvalidParameter(name=INDICATOR.name, reason="is no indicator", value=name, closest=near)
                )
        municipalities = municipalities_asked(asked[MUNICIPALITY.name], faults)
        if municipalities and not names:
            reason = "needs an indicator beside it"
            value = asked[MUNICIPALITY.name][0]
            faults.append(InvalidParameter(name=MUNICIPALITY.name, reason=reason, value=value))
        if faults:
            raise InvalidParametersError(faults)
        return ReleasesAsked(asked[SINCE.name], dataset, names, frozenset(municipalities))

    async def _past(self, snapshot: Snapshot, since: int, names: Sequence[str]) -> Past:
        try:
            return await self._live.past(snapshot.number, after=since, indicators=names)
        except TooManyStaysError:
            raise _too_much("states of indicators", MOST_STAYS + 1, MOST_STAYS) from None

    async def _moving(self, snapshot: Snapshot, wanted: ReleasesAsked) -> set[int]:
        """Return the releases that changed the definition or the wanted figures of an indicator."""
        past = await self._past(snapshot, wanted.since, wanted.indicators)
        size = sum(past.coverages[one.data_sha256].rows for stays in past.stays.values() for one in stays)
        if wanted.municipalities and size > MOST_COMPARED:
            raise _too_much("figures", size, MOST_COMPARED)
        moving: set[int] = set()
        for name, stays in past.stays.items():
            moving.update(await self._moves(past.last[name], stays, wanted))
        return moving

    async def _moves(self, state: IndicatorState, stays: Sequence[Stay], wanted: ReleasesAsked) -> list[int]:
        """Return the releases in which one indicator came, changed where it is asked about, or ended."""
        moves = [stays[0].began]
        for before, after in pairwise(stays):
            if before.ended is not None and before.ended < after.began:
                moves += [before.ended, after.began]
            elif await self._differ(state, before, after, wanted):
                moves.append(after.began)
        end = stays[-1].ended
        return moves if end is None else [*moves, end]

    async def _differ(self, state: IndicatorState, before: Stay, after: Stay, wanted: ReleasesAsked) -> bool:
        """Tell whether the definition differs, or a figure for one of the areas that are asked about."""
        if not wanted.municipalities or before.metadata_sha256 != after.metadata_sha256:
            return True
        key = (before.data_sha256, after.data_sha256)
        areas = self._areas.get(key)
        if areas is None:
            states = [state._replace(data_sha256=one) for one in key]
            old, new = await self._residents.cubes(states, keep=False)
            areas = self._areas[key] = _areas_between(old.cube, new.cube)
        return not areas.isdisjoint(wanted.municipalities)


def _areas_between(before: Cube, after: Cube) -> frozenset[str]:
    """Return the areas for which two cubes hold other figures."""
    found = difference(before, after)
    old = before.columns.municipality[found.removed].tolist()
    new = [
        *after.columns.municipality[found.added].tolist(),
        *after.columns.municipality[found.revised_after].tolist(),
    ]
    return frozenset(
        str(code)
        for cube, places in ((before, set(old)), (after, set(new)))
        for code in map(cube.municipalities.__getitem__, places)
    )


def _too_much(what: str, size: int, most: int) -> RefusalError:
    detail = (
        f"{size} {what} or more would have to be compared; the most is {most}."
        " Ask for fewer indicators, or for a later since"
    )
    return RefusalError("too-much", detail, asked=size, limit=most)
