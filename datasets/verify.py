"""The proof that what is kept is what was published: every hash computed again."""

from collections.abc import AsyncIterator

import pyarrow as pa
from msgspec import Struct

from datasets.canonical import canonical_csv, figures_hash
from datasets.catalogue import metadata_hash
from datasets.ledger import fingerprint
from datasets.store import Store
from datasets.stored import unpacked

_AT_ONCE = 50


class Verified(Struct, frozen=True):
    """One kept thing and whether it still is what its name says.

    `what` is cube, metadata, version, pack, file or index.
    """

    what: str
    name: str
    right: bool


async def verify(store: Store) -> AsyncIterator[Verified]:
    """Compute every hash of *store* again, a handful of cubes in memory at a time."""
    async with store.session() as session:
        hashes = await session.cube_hashes()
        for start in range(0, len(hashes), _AT_ONCE):
            stored = await session.stored_cubes(hashes[start : start + _AT_ONCE])
            for name, (encoding, body) in stored.items():
                yield Verified("cube", name.hex(), _holds(name, encoding, body))
        for name, body in (await session.metadata(await session.metadata_hashes())).items():
            yield Verified("metadata", name.hex(), metadata_hash(body) == name)
        for release in await session.releases():
            entries = await session.entries_at(release.number, release.dataset)
            version = f"{release.dataset} {release.version}"
            yield Verified("version", version, fingerprint(entries) == release.fingerprint)


def _holds(name: bytes, encoding: str, body: bytes) -> bool:
    try:
        return figures_hash(canonical_csv(unpacked(encoding, body))) == name
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError, StopIteration):
        # what was damaged need not even be readable
        return False
