"""The ledger as it stood at one release, in memory: datasets, indicators, and the names of their cubes."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from datasets.catalogue import Dataset, Indicator, dataset_of, indicator_of
from datasets.coverage import Coverage
from datasets.ledger import Entry, Release, Stay
from datasets.notices import Withdrawal
from datasets.store import Session


class IndicatorState(NamedTuple):
    """One indicator as it stood: its definition, what its cube covers, and the cube's name."""

    dataset: str
    definition: Indicator
    coverage: Coverage
    data_sha256: bytes


class DatasetState(Struct, frozen=True):
    """One dataset as it stood: its description, the release that made it so, and its indicators' ids."""

    description: Dataset
    release: Release
    indicators: tuple[str, ...]


class Snapshot(Struct, frozen=True):
    """Everything but the figures, at release `number`; 0 is the time before the first."""

    number: int
    line: tuple[Release, ...]
    """Every release up to `number`, oldest first."""
    datasets: Mapping[str, DatasetState]
    indicators: Mapping[str, IndicatorState]
    withdrawn: Mapping[int, Withdrawal] = {}
    """What is on record against a release, by its number."""

    def versions(self, dataset: str) -> list[Release]:
        """Return the releases of *dataset*, oldest first."""
        return [release for release in self.line if release.dataset == dataset]

    def withdrawal_of(self, dataset: str) -> Withdrawal | None:
        """Return what is on record against the version of *dataset* that stands here."""
        state = self.datasets.get(dataset)
        return self.withdrawn.get(state.release.number) if state else None

    def successor(self, release: Release) -> Release | None:
        """Return the next version that is not withdrawn; None where there is none yet."""
        later = (one for one in self.versions(release.dataset) if one.number > release.number)
        return next((one for one in later if one.number not in self.withdrawn), None)

    def number_at(self, moment: datetime) -> int:
        """Return the number of the last release published by *moment*; 0 before the first."""
        at = bisect_right(self.line, moment, key=lambda release: release.published_at)
        return self.line[at - 1].number if at else 0


EMPTY = Snapshot(0, (), {}, {})


class Past(Struct, frozen=True):
    """What stood before: the stays of indicators, oldest first, and what the cubes in them cover."""

    stays: Mapping[str, tuple[Stay, ...]]
    last: Mapping[str, IndicatorState]
    """Each of those indicators as it stands, or as it last stood."""
    coverages: Mapping[bytes, Coverage]


NO_PAST = Past({}, {}, {})


class Library:
    """Definitions and coverages by their hashes: what one snapshot has read, the next need not."""

    def __init__(self) -> None:
        self._indicators: dict[bytes, Indicator] = {}
        self._datasets: dict[bytes, Dataset] = {}
        self._coverages: dict[bytes, Coverage] = {}

    async def snapshot(self, session: Session, line: Iterable[Release]) -> Snapshot:
        """Return what stood at the last release of *line*, the releases from the first on."""
        line = tuple(line)
        if not line:
            return EMPTY
        entries = await session.entries_at(line[-1].number)
        newest = {release.dataset: release for release in line}
        await self._read(session, entries, newest.values())
        indicators = {
            entry.indicator: IndicatorState(
                entry.dataset,
                self._indicators[entry.metadata_sha256],
                self._coverages[entry.data_sha256],
                entry.data_sha256,
            )
            for entry in sorted(entries, key=lambda entry: entry.indicator)
        }
        ids: dict[str, list[str]] = {name: [] for name in newest}
        for entry in entries:
            ids[entry.dataset].append(entry.indicator)
        datasets = {
            name: DatasetState(self._datasets[newest[name].dataset_sha256], newest[name], tuple(ids[name]))
            for name in sorted(newest)
        }
        return Snapshot(line[-1].number, line, datasets, indicators)

    async def past(self, session: Session, stays: Sequence[Stay]) -> Past:
        """Return what is known of *stays*, which come by indicator and beginning.

        Definitions stay in memory; what the many cubes of old cover does not.
        """
        chains: dict[str, list[Stay]] = {}
        for stay in stays:
            chains.setdefault(stay.indicator, []).append(stay)
        newest = [chain[-1] for chain in chains.values()]
        definitions = await self.definitions(session, {one.metadata_sha256 for one in newest})
        coverages = await session.coverages({stay.data_sha256 for stay in stays})
        last = {
            one.indicator: IndicatorState(
                one.dataset,
                definitions[one.metadata_sha256],
                coverages[one.data_sha256],
                one.data_sha256,
            )
            for one in newest
        }
        return Past({name: tuple(chain) for name, chain in chains.items()}, last, coverages)

    async def definitions(self, session: Session, hashes: Collection[bytes]) -> Mapping[bytes, Indicator]:
        """Return the definitions named by *hashes*; they stay in memory."""
        bodies = await session.metadata(set(hashes) - self._indicators.keys())
        self._indicators |= {name: indicator_of(body) for name, body in bodies.items()}
        return {name: self._indicators[name] for name in hashes}

    async def _read(self, session: Session, entries: Iterable[Entry], releases: Iterable[Release]) -> None:
        definitions = {entry.metadata_sha256 for entry in entries} - self._indicators.keys()
        descriptions = {release.dataset_sha256 for release in releases} - self._datasets.keys()
        bodies = await session.metadata(definitions | descriptions)
        self._indicators |= {name: indicator_of(bodies[name]) for name in definitions}
        self._datasets |= {name: dataset_of(bodies[name]) for name in descriptions}
        self._coverages |= await session.coverages(
            {entry.data_sha256 for entry in entries} - self._coverages.keys()
        )
