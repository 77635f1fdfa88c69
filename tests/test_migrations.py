import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from datasets.migrate import differences, migrate
from datasets.store import Store
from tests.conftest import ROOT


def do(address: str, statement: str) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(address)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(work())


@pytest.fixture
def bare_database(cluster: str) -> Iterator[str]:
    name = f"bare_{time.monotonic_ns()}"
    do(cluster, f'CREATE DATABASE "{name}"')
    yield cluster.replace("/lansdata?", f"/{name}?")
    do(cluster, f'DROP DATABASE "{name}" WITH (FORCE)')


async def found(address: str, *, times: int = 0) -> list[object]:
    store = Store.at(address)
    for _ in range(times):
        await migrate(store)
    told = await differences(store)
    await store.close()
    return told


def test_a_migrated_database_has_the_shape_that_the_statements_ask_for(database: str) -> None:
    assert asyncio.run(found(database)) == []


def test_migrating_again_is_harmless(bare_database: str) -> None:
    assert asyncio.run(found(bare_database, times=2)) == []


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE attempt ADD COLUMN surprise text",
        "ALTER TABLE release DROP COLUMN note",
        "DROP INDEX cube_validity_now",
        "ALTER TABLE cube ALTER COLUMN encoding DROP NOT NULL",
    ],
)
def test_a_database_of_another_shape_is_told(database: str, statement: str) -> None:
    do(database, statement)

    assert len(asyncio.run(found(database))) == 1


def test_migrations_at_once_wait_for_each_other(bare_database: str) -> None:
    async def work() -> None:
        stores = [Store.at(bare_database) for _ in range(3)]
        await asyncio.gather(*map(migrate, stores))
        await asyncio.gather(*(store.close() for store in stores))

    asyncio.run(work())

    assert asyncio.run(found(bare_database)) == []


def test_processes_that_migrate_at_once_wait_for_each_other(bare_database: str, home: Path) -> None:
    async def work() -> list[tuple[int, bytes]]:
        environment = {"LANSDATA_DATABASE_URL": bare_database, "LANSDATA_HOME": str(home)}
        started = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "datasets", "migrate", cwd=ROOT, env=environment, stderr=-1, stdout=-3
            )
            for _ in range(2)
        ]
        complaints = [(await one.communicate())[1] for one in started]
        return [(one.returncode or 0, told) for one, told in zip(started, complaints, strict=True)]

    assert asyncio.run(work()) == [(0, b"")] * 2
    assert asyncio.run(found(bare_database)) == []
