"""A version as every list tells it: our time and the source's, what it counts, whether it is withdrawn."""

from msgspec import Struct

from api.answers import Moment
from api.links import address
from api.snapshot import Snapshot
from datasets.changes import Counts
from datasets.ledger import Release


class ToldWithdrawal(Struct, frozen=True, kw_only=True, rename="camel"):
    """That a version must not be used, why, and the version to use instead."""

    withdrawn_at: Moment
    reason: str
    successor: str | None
    href: str | None


class VersionEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """One version: our time and the source's, and how it differs from the version before."""

    version: str
    release: int
    published_at: Moment
    retrieved_at: Moment | None
    note: str
    fingerprint: str
    counts: Counts
    withdrawn: ToldWithdrawal | None


def told_version(release: Release, newest: Snapshot, base: str) -> VersionEntry:
    """Return one version as a list tells it, by what is known of it now."""
    notice, successor = newest.withdrawn.get(release.number), newest.successor(release)
    withdrawn = None
    if notice:
        withdrawn = ToldWithdrawal(
            withdrawn_at=notice.made_at,
            reason=notice.reason,
            successor=str(successor.version) if successor else None,
            href=address(base, path_of(successor)) if successor else None,
        )
    return VersionEntry(
        version=str(release.version),
        release=release.number,
        published_at=release.published_at,
        retrieved_at=release.source_time,
        note=release.note,
        fingerprint=release.fingerprint.hex(),
        counts=release.counts,
        withdrawn=withdrawn,
    )


def path_of(release: Release) -> str:
    """Return the path of a version."""
    return f"/datasets/{release.dataset}/versions/{release.version}"
