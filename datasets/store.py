"""The store: the only module that talks to PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from typing import Any, Self

import asyncpg
import msgspec
from sqlalchemy import Executable
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from datasets import statements
from datasets.changes import Counts, Version
from datasets.coverage import Coverage, coverage_body, read_coverage
from datasets.cube import Cube
from datasets.errors import PublishRefusedError, StoreUnavailableError
from datasets.file_records import FileRecords
from datasets.ledger import Attempt, Entry, Release, Stay
from datasets.parcels import Parcel
from datasets.shelf import Shelf
from datasets.stored import unpacked

_CONNECT_SECONDS = 5
_COMMAND_SECONDS = 60
_RECONNECT_SECONDS = 1
_POOL = 8
_AWAY = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)


class Session(FileRecords):
    """One connection's questions and, for a publisher, its changes; each method is one statement."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def _rows(self, statement: Executable) -> Sequence[Any]:
        return (await self._connection.execute(statement)).all()

    async def releases(self, *, after: int = 0) -> list[Release]:
        """Return the releases after number *after*, oldest first."""
        return [_release(row) for row in await self._rows(statements.releases(after=after))]

    async def entries_at(self, number: int, dataset: str | None = None) -> list[Entry]:
        """Return what stood at release *number*, by dataset and indicator."""
        return [Entry(*row) for row in await self._rows(statements.entries_at(number, dataset))]

    async def stays(
        self,
        until: int,
        *,
        after: int | None = None,
        dataset: str | None = None,
        indicators: Collection[str] | None = None,
        most: int | None = None,
    ) -> list[Stay]:
        """Return the stays begun by release *until*, by dataset, indicator and beginning; at most *most*.

        With *after* only those that began after that release, or ended after it and by *until*.
        """
        asked = statements.stays(until, after=after, dataset=dataset, indicators=indicators).limit(most)
        return [Stay(*row) for row in await self._rows(asked)]

    async def newest_attempts(self) -> list[Attempt]:
        """Return each dataset's newest attempt of every outcome, by dataset."""
        rows = await self._rows(statements.newest_attempts())
        return [Attempt(**{name: getattr(row, name) for name in Attempt.__struct_fields__}) for row in rows]

    async def strangers(self, dataset: str, indicators: Collection[str]) -> list[tuple[str, str]]:
        """Return the indicators that belong to another dataset than *dataset*, with that dataset."""
        rows = await self._rows(statements.strangers(dataset, indicators))
        return [(row.indicator, row.dataset) for row in rows]

    async def stored_cubes(self, hashes: Collection[bytes]) -> dict[bytes, tuple[str, bytes]]:
        """Return encoding and body of the cubes named by *hashes*."""
        rows = await self._rows(statements.cubes(hashes)) if hashes else []
        return {row.sha256: (row.encoding, row.body) for row in rows}

    async def cubes(self, hashes: Collection[bytes]) -> dict[bytes, Cube]:
        """Return the cubes named by *hashes*."""
        return {name: unpacked(*stored) for name, stored in (await self.stored_cubes(hashes)).items()}

    async def coverages(self, hashes: Collection[bytes]) -> dict[bytes, Coverage]:
        """Return what the cubes named by *hashes* cover."""
        rows = await self._rows(statements.coverages(hashes)) if hashes else []
        return {row.sha256: read_coverage(row.coverage) for row in rows}

    async def metadata(self, hashes: Collection[bytes]) -> dict[bytes, bytes]:
        """Return the metadata named by *hashes*."""
        rows = await self._rows(statements.metadata_bodies(hashes)) if hashes else []
        return {row.sha256: row.body for row in rows}

    async def cube_hashes(self) -> list[bytes]:
        """Return the names of all stored cubes."""
        return [row.sha256 for row in await self._rows(statements.cube_hashes())]

    async def metadata_hashes(self) -> list[bytes]:
        """Return the names of all stored metadata."""
        return [row.sha256 for row in await self._rows(statements.metadata_hashes())]

    async def may_write(self) -> bool:
        """Tell whether this connection could change the ledger."""
        return bool((await self._rows(statements.may_write()))[0][0])

    async def holds_publisher_lock(self) -> bool:
        """Ask for the right to publish, until the end of this session."""
        return bool((await self._rows(statements.try_publisher_lock()))[0][0])

    async def now(self) -> datetime:
        """Return the database's clock."""
        when: datetime = (await self._rows(statements.database_time()))[0][0]
        return when

    async def keep_parcels(self, parcels: Iterable[Parcel]) -> None:
        """Keep the figures and definitions of *parcels* under their names."""
        many = sorted(parcels, key=lambda one: one.entry.data_sha256)
        cubes = [(one.entry.data_sha256, one.encoding, one.body, coverage_body(one.coverage)) for one in many]
        await self._keep(statements.keep_cubes(), ("sha256", "encoding", "body", "coverage"), cubes)
        await self.keep_metadata({one.entry.metadata_sha256: one.definition_body for one in many})

    async def keep_metadata(self, bodies: Mapping[bytes, bytes]) -> None:
        """Keep metadata *bodies* under their names."""
        await self._keep(statements.keep_metadata(), ("sha256", "body"), sorted(bodies.items()))

    async def add_release(self, release: Release, ended: Collection[str], begun: Sequence[Parcel]) -> None:
        """Put *release* on the line: what is valid for *ended* ends, *begun* begins; listeners are told."""
        await self.keep_parcels(begun)
        row = {name: getattr(release, name) for name in Release.__struct_fields__ if name != "counts"}
        row |= {"version": str(release.version)} | msgspec.structs.asdict(release.counts)
        await self._connection.execute(statements.add_release(), row)
        await self._connection.execute(statements.end_validity(release.dataset, ended, release.number))
        names = (*Entry.__struct_fields__, "from_release")
        rows = [(*msgspec.structs.astuple(one.entry), release.number) for one in begun]
        await self._keep(statements.begin_validity(), names, rows)
        await self._connection.execute(statements.announce(release.number))

    async def add_attempt(self, attempt: Attempt) -> None:
        """Record what came of an attempt."""
        await self._connection.execute(statements.add_attempt(), msgspec.structs.asdict(attempt))

    async def _keep(self, statement: Executable, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        many = [dict(zip(names, row, strict=True)) for row in rows]
        if many:
            await self._connection.execute(statement, many)


class Store:
    """A pool of connections to the ledger; lends sessions, since a question may never need one."""

    def __init__(self, engine: AsyncEngine, address: str, shelf: Shelf | None = None) -> None:
        self._engine = engine
        self._address = address
        self.shelf = shelf
        """Where the baked files lie; without one no files are baked."""

    @classmethod
    def at(cls, address: str, *, read_only: bool = False, shelf: Shelf | None = None) -> Self:
        """Return the store at *address*; nothing is connected yet.

        A read-only store gives up its right to write on every connection, whoever it logs in as.
        """
        settings = {"application_name": "lansdata", "jit": "off", "timezone": "UTC"}
        if read_only:
            settings["default_transaction_read_only"] = "on"

        async def connect() -> "asyncpg.Connection[asyncpg.Record]":
            connection = await asyncpg.connect(
                address,
                server_settings=settings,
                timeout=_CONNECT_SECONDS,
                command_timeout=_COMMAND_SECONDS,
            )
            if read_only:
                await connection.execute(str(statements.become_reader()))
            return connection

        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=connect,
            pool_size=_POOL,
            max_overflow=0,
            pool_pre_ping=True,
        )
        return cls(engine, address, shelf)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Lend a session for questions.

        Raises StoreUnavailableError when the database cannot be reached or is lost under way.
        """
        with _told_as_ours():
            async with self._engine.begin() as connection:
                yield Session(connection)

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[Session]:
        """Lend a session that may change the ledger; all of it is committed at the end, or nothing.

        Raises PublishRefusedError when another publisher is at work.
        """
        async with self.session() as session:
            if not await session.holds_publisher_lock():
                raise PublishRefusedError(
                    "another publisher is at work; nothing was written, try again later"
                )
            yield session

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[AsyncConnection]:
        """Lend the bare connection for changes of the database's shape; one at a time, others wait."""
        with _told_as_ours():
            async with self._engine.begin() as connection:
                await connection.execute(statements.shape_lock())
                yield connection

    async def listen(self, heard: Callable[[], None]) -> None:
        """Call *heard* at every release that is announced and whenever the line is back; for ever."""
        while True:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await self._listen_once(heard)
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen_once(self, heard: Callable[[], None]) -> None:
        lost = asyncio.Event()
        connection = await asyncpg.connect(self._address, timeout=_CONNECT_SECONDS)
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(statements.CHANNEL, lambda *_: heard())
            heard()
            await lost.wait()
        finally:
            connection.terminate()


@contextmanager
def _told_as_ours() -> Iterator[None]:
    """Tell a database that is away in our own words; anything else stays what it is."""
    try:
        yield
    except _AWAY as error:
        raise _unavailable(error) from error
    except DBAPIError as error:
        told = error.orig.__cause__ if error.orig else None
        if isinstance(told, asyncpg.UndefinedTableError):
            raise StoreUnavailableError("the database holds no ledger: python -m datasets migrate") from error
        is_away = error.connection_invalidated or isinstance(error, InterfaceError | OperationalError)
        if is_away or isinstance(told, _AWAY):
            raise _unavailable(told or error.orig) from error
        raise
    except PoolTimeoutError as error:
        raise StoreUnavailableError("no connection to the database was free") from error


def _unavailable(error: BaseException | None) -> StoreUnavailableError:
    # the kind only: the words of the driver may hold the address, and with it the password
    return StoreUnavailableError(f"the database cannot be used: {type(error).__name__}")


def _release(row: Any) -> Release:
    names = [name for name in Release.__struct_fields__ if name not in {"counts", "version"}]
    return Release(
        version=Version.parse(row.version),
        counts=Counts(row.observations, row.added, row.revised, row.removed),
        **{name: getattr(row, name) for name in names},
    )
