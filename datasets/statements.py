"""Every statement the ledger is asked with, as a value; always in a stated order."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Insert,
    LargeBinary,
    Select,
    Text,
    Update,
    and_,
    any_,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.expression import text

from datasets.tables import attempt, cube, cube_validity, metadata, release, revision

_PUBLISHER_LOCK = 0x4C_44_50_55_42  # "LDPUB": one publisher at a time, over all processes
_SHAPE_LOCK = 0x4C_44_53_48_50
CHANNEL = "lansdata_release"


def releases(*, after: int = 0) -> Select[Any]:
    """Return the releases after number *after*, oldest first."""
    return select(release).where(release.c.number > after).order_by(release.c.number)


def entries_at(number: int, dataset: str | None = None) -> Select[Any]:
    """Return what stood at release *number*, of one dataset or of all, by dataset and indicator."""
    valid = cube_validity.c
    stood = func.int8range(valid.from_release, valid.until_release).op("@>")(literal(number, BigInteger))
    statement = select(valid.dataset, valid.indicator, valid.data_sha256, valid.metadata_sha256).where(stood)
    if dataset is not None:
        statement = statement.where(valid.dataset == dataset)
    return statement.order_by(valid.dataset, valid.indicator)


def stays(
    until: int, *, after: int | None, dataset: str | None, indicators: Collection[str] | None
) -> Select[Any]:
    """Return the stays begun by release *until*, by dataset, indicator and beginning.

    With *after* only those that began after that release, or ended after it and by *until*.
    """
    valid = cube_validity.c
    statement = select(
        valid.dataset,
        valid.indicator,
        valid.data_sha256,
        valid.metadata_sha256,
        valid.from_release,
        valid.until_release,
    ).where(valid.from_release <= until)
    if after is not None:
        ended = and_(valid.until_release > after, valid.until_release <= until)
        statement = statement.where(or_(valid.from_release > after, ended))
    if dataset is not None:
        statement = statement.where(valid.dataset == dataset)
    if indicators is not None:
        statement = statement.where(valid.indicator == any_(literal(list(indicators), ARRAY(Text))))
    return statement.order_by(valid.dataset, valid.indicator, valid.from_release)


def strangers(dataset: str, indicators: Collection[str]) -> Select[Any]:
    """Return the indicators among *indicators* that another dataset than *dataset* has or once had."""
    valid = cube_validity.c
    return (
        select(valid.indicator, valid.dataset)
        .distinct()
        .where(valid.dataset != dataset, valid.indicator == any_(literal(list(indicators), ARRAY(Text))))
        .order_by(valid.indicator, valid.dataset)
    )


def cubes(hashes: Collection[bytes]) -> Select[Any]:
    """Return the stored cubes named by *hashes*."""
    return (
        select(cube.c.sha256, cube.c.encoding, cube.c.body)
        .where(_named(cube.c.sha256, hashes))
        .order_by(cube.c.sha256)
    )


def coverages(hashes: Collection[bytes]) -> Select[Any]:
    """Return what the cubes named by *hashes* cover."""
    return select(cube.c.sha256, cube.c.coverage).where(_named(cube.c.sha256, hashes)).order_by(cube.c.sha256)


def metadata_bodies(hashes: Collection[bytes]) -> Select[Any]:
    """Return the metadata named by *hashes*."""
    return (
        select(metadata.c.sha256, metadata.c.body)
        .where(_named(metadata.c.sha256, hashes))
        .order_by(metadata.c.sha256)
    )


def cube_hashes() -> Select[Any]:
    """Return the name of every stored cube."""
    return select(cube.c.sha256).order_by(cube.c.sha256)


def metadata_hashes() -> Select[Any]:
    """Return the name of every stored piece of metadata."""
    return select(metadata.c.sha256).order_by(metadata.c.sha256)


def try_publisher_lock() -> Select[Any]:
    """Ask for the right to publish until the end of the transaction; false when somebody else has it."""
    return select(func.pg_try_advisory_xact_lock(_PUBLISHER_LOCK))


def shape_lock() -> Select[Any]:
    """Wait for the right to change the database's shape, until the end of the transaction."""
    return select(func.pg_advisory_xact_lock(_SHAPE_LOCK))


def was_migrated() -> Select[Any]:
    """Ask whether the database has seen any revision of its shape."""
    return select(func.to_regclass(revision.name).is_not(None))


def revisions() -> Select[Any]:
    """Return the newest revisions of its shape that the database has seen."""
    return select(revision.c.version_num).order_by(revision.c.version_num)


def keep_cubes() -> Insert:
    """Keep cubes that are not kept yet."""
    return insert(cube).on_conflict_do_nothing()


def keep_metadata() -> Insert:
    """Keep metadata that is not kept yet."""
    return insert(metadata).on_conflict_do_nothing()


def end_validity(dataset: str, indicators: Collection[str], number: int) -> Update:
    """Let what is now valid for *indicators* end at release *number*."""
    valid = cube_validity.c
    return (
        update(cube_validity)
        .where(valid.dataset == dataset, valid.indicator.in_(indicators), valid.until_release.is_(None))
        .values(until_release=number)
    )


def begin_validity() -> Insert:
    """Let new states of indicators begin."""
    return insert(cube_validity)


def add_release() -> Insert:
    """Put one release on the line."""
    return insert(release)


def _named(column: Column[bytes], hashes: Collection[bytes]) -> ColumnElement[bool]:
    # one array, not one parameter a hash: a night may ask for more than a statement has room for
    return column == any_(literal(list(hashes), ARRAY(LargeBinary)))


def newest_attempts() -> Select[Any]:
    """Return each dataset's newest attempt of every outcome."""
    tried = attempt.c
    return (
        select(attempt)
        .distinct(tried.dataset, tried.outcome)
        .order_by(tried.dataset, tried.outcome, tried.finished_at.desc())
    )


def add_attempt() -> Insert:
    """Record an attempt."""
    return insert(attempt)


def database_time() -> Select[tuple[datetime]]:
    """Return the database's clock now, not at the start of the transaction."""
    return select(func.clock_timestamp())


def announce(number: int) -> Select[Any]:
    """Tell every listener of release *number*, once the transaction is committed."""
    return select(func.pg_notify(CHANNEL, str(number)))


def may_write() -> Select[Any]:
    """Ask whether the role in use could change the ledger."""
    return select(func.has_table_privilege("release", "INSERT"))


def become_reader() -> Executable:
    """Give up every right but reading, for the rest of the connection."""
    return text("SET ROLE lansdata_api")
