import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from datasets.embedded import lease
from datasets.migrate import differences, migrate, newest_revision
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


def test_the_newest_revision_is_the_one_that_alembic_runs_last() -> None:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "datasets" / "migrations"))

    assert ScriptDirectory.from_config(config).get_heads() == [newest_revision()]


def test_a_role_that_another_databases_migration_makes_meanwhile_is_taken(tmp_path: Path) -> None:
    # a server of its own, since the role that may only read is the whole server's
    tmp_path.chmod(0o711)
    held = lease(tmp_path)
    address = held.address("lansdata")

    async def work() -> list[object]:
        other = await asyncpg.connect(address.replace("/lansdata?", "/postgres?"))
        making = other.transaction()
        await making.start()
        await other.execute("CREATE ROLE lansdata_api LOGIN")
        ours = asyncio.create_task(found(address, times=1))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not ours.done() and not await other.fetchval(waiting):  # noqa: ASYNC110 it tells nobody
            await asyncio.sleep(0.02)
        await making.commit()
        await other.close()
        return await ours

    told = asyncio.run(work())
    held.release()

    assert told == []


def test_what_is_migrated_already_is_seen_without_importing_alembic(database: str, home: Path) -> None:
    script = (
        "import sys; from datasets.__main__ import main; main(['migrate']); print('alembic' in sys.modules)"
    )
    environment = {"LANSDATA_DATABASE_URL": database, "LANSDATA_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.split()[-1] == "False"
