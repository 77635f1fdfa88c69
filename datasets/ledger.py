"""The ledger's records as values: releases, what stood at a release, attempts."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from datasets.catalogue import Dataset, Indicator
from datasets.changes import Counts, Version
from datasets.cube import Cube
from datasets.disclosure.relations import Confidential
from datasets.disclosure.rules import Rules
from datasets.errors import PublishRefusedError

PUBLISHED, UNCHANGED, HELD, FAILED = "published", "unchanged", "held", "failed"
"""What can come of an attempt."""


class Release(Struct, frozen=True, kw_only=True):
    """The publishing of one version; releases of all datasets stand on one line, numbered from 1."""

    number: int
    dataset: str
    version: Version
    published_at: datetime
    source_time: datetime | None
    note: str
    fingerprint: bytes
    dataset_sha256: bytes
    counts: Counts


class Entry(Struct, frozen=True):
    """One indicator as it stood at a release: the names of its cube and of its metadata."""

    dataset: str
    indicator: str
    data_sha256: bytes
    metadata_sha256: bytes

    @property
    def manifest_line(self) -> str:
        """Return the line that stands for this indicator in the manifest of its version."""
        return f"{self.data_sha256.hex()} {self.metadata_sha256.hex()} {self.indicator}\n"


class Stay(Struct, frozen=True):
    """One indicator from the release `began` to before the release `ended`; None while it stands."""

    dataset: str
    indicator: str
    data_sha256: bytes
    metadata_sha256: bytes
    began: int
    ended: int | None


class Publishable(Protocol):
    """A dataset as a loader would publish it; becomes a version only if it differs from the last."""

    @property
    def dataset(self) -> Dataset:
        """What the dataset is."""

    @property
    def note(self) -> str:
        """What is told of the release."""

    @property
    def source_time(self) -> datetime | None:
        """Return the source's own time of the figures, where it states one."""

    @property
    def stands_on(self) -> int | None:
        """Return the newest release of the dataset that this was made against; None if it does not matter."""

    def made(self) -> Iterator[tuple[Indicator, Cube]]:
        """Yield each indicator with its figures, once."""


class Draft(Struct, frozen=True, kw_only=True):
    """A dataset that is all in memory."""

    dataset: Dataset
    indicators: Mapping[str, Indicator]
    cubes: Mapping[str, Cube]
    note: str = ""
    source_time: datetime | None = None
    confidential: Confidential | None = None
    """The people behind figures that are not protected yet; such a draft gives its figures to nobody."""
    protected_by: Rules | None = None
    stands_on: int | None = None
    """The newest release of the dataset that the protection reckoned with; 0 for none before."""

    def __post_init__(self) -> None:
        """Refuse figures without a definition and definitions without a cube."""
        if self.indicators.keys() != self.cubes.keys():
            odd = sorted(self.indicators.keys() ^ self.cubes.keys())
            message = f"{self.dataset.id}: both figures and a definition are needed for {', '.join(odd)}"
            raise ValueError(message)

    def made(self) -> Iterator[tuple[Indicator, Cube]]:
        """Yield each indicator with its figures; refused while the people behind them are not protected."""
        if self.confidential:
            message = f"{self.dataset.id}: the people behind the figures are not protected yet"
            raise PublishRefusedError(message)
        return ((definition, self.cubes[name]) for name, definition in self.indicators.items())


class Attempt(Struct, frozen=True, kw_only=True):
    """One try to load a dataset and what came of it: published, unchanged, held or failed."""

    dataset: str
    source: str
    started_at: datetime
    finished_at: datetime
    outcome: str
    release: int | None = None
    detail: str = ""
    next_at: datetime | None = None
    """When the one who tried means to try again; None where nobody planned it."""


def manifest(entries: Iterable[Entry]) -> bytes:
    """Return the manifest of a version: the sorted lines `figures metadata indicatorId`."""
    return "".join(sorted(entry.manifest_line for entry in entries)).encode()


def fingerprint(entries: Iterable[Entry]) -> bytes:
    """Return the sha256 of the manifest: the identity of a version."""
    return hashlib.sha256(manifest(entries)).digest()
