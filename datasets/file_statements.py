"""The statements about baked files and notices, as values; always in a stated order."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, Insert, LargeBinary, Select, Text, Update, any_, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from datasets.tables import cube, file, made, notice, pack


def packs(*, after: int = 0) -> Select[Any]:
    """Return the packs of the releases after number *after*, oldest first."""
    return select(pack).where(pack.c.release > after).order_by(pack.c.release)


def files(release: int) -> Select[Any]:
    """Return the files of one release."""
    return select(file).where(file.c.release == release).order_by(file.c.name)


def made_of(cubes: Collection[bytes], indicators: Collection[str]) -> Select[Any]:
    """Return what was made of the cubes among *cubes* for the indicators among *indicators*."""
    return (
        select(made)
        .where(made.c.data_sha256 == any_(literal(list(cubes), ARRAY(LargeBinary))))
        .where(made.c.indicator == any_(literal(list(indicators), ARRAY(Text))))
        .order_by(made.c.indicator, made.c.data_sha256)
    )


def notices() -> Select[Any]:
    """Return every notice, oldest first."""
    return select(notice).order_by(notice.c.id)


def add_pack() -> Insert:
    """Remember a pack."""
    return insert(pack)


def add_made() -> Insert:
    """Remember what was made of a cube; a cube may be made in further forms later."""
    statement = insert(made)
    key = [made.c.data_sha256, made.c.indicator]
    return statement.on_conflict_do_update(index_elements=key, set_={"body": statement.excluded.body})


def add_file() -> Insert:
    """Remember a file."""
    return insert(file)


def add_notice() -> Insert:
    """Put a notice on record."""
    return insert(notice)


def replace_pack(release: int, sha256: bytes) -> Update:
    """Let the pack of a release be known by another hash."""
    return update(pack).where(pack.c.release == release).values(sha256=sha256)


def erase_cubes(hashes: Collection[bytes], encoding: str, reason: bytes) -> Update:
    """Leave nothing of some cubes but the *reason*."""
    named = cube.c.sha256 == any_(literal(list(hashes), ARRAY(LargeBinary)))
    return update(cube).where(named).values(encoding=encoding, body=reason)
