"""What is on record against what was published: a version withdrawn, a figure erased."""

from collections.abc import Collection
from datetime import datetime

from msgspec import Struct

from datasets.files import File


class Withdrawal(Struct, frozen=True, kw_only=True, rename="camel", tag_field="notice", tag="withdrawal"):
    """A version that must not be used; it stays where it is, and says so."""

    number: int
    """Notices are numbered from 1, in the order in which they were made."""
    made_at: datetime
    dataset: str
    release: int
    version: str
    reason: str


class ErasedCube(Struct, frozen=True, rename="camel"):
    """A cube that held the figure: its name, the indicator, and what it covered."""

    sha256: bytes
    indicator: str
    coverage: bytes


class Erasure(Struct, frozen=True, kw_only=True, rename="camel", tag_field="notice", tag="erasure"):
    """A figure that should never have been public; told by its key, never by its value."""

    number: int
    made_at: datetime
    dataset: str
    indicator: str
    municipality: str
    sex: str
    year: int
    breakdown: str
    reason: str
    cubes: tuple[ErasedCube, ...]
    releases: tuple[int, ...]
    """The releases in which one of the cubes stood."""
    changes: tuple[int, ...]
    """The releases whose changes told the figure, before or after."""


Notice = Withdrawal | Erasure


def is_erased(file: File, release: int, erasures: Collection[Erasure]) -> bool:
    """Tell whether *file* of a release held a figure that was erased."""
    if file.each:
        return any(release in one.releases for one in erasures)
    return file.name == "changes.ndjson.gz" and any(release in one.changes for one in erasures)
