"""Real parts for every test: a PostgreSQL of its own, a server process over a socket."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
import pytest
from pytest_socket import socket_allow_hosts

from datasets.embedded import lease
from datasets.migrate import migrate
from datasets.store import Store

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"
_Result = TypeVar("_Result")


def pytest_runtest_setup() -> None:
    socket_allow_hosts(["127.0.0.1", "::1"], allow_unix_socket=True)


def pytest_xdist_auto_num_workers() -> int:
    # the tests wait for servers and for polite loaders about as much as they work
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SHARED.is_dir():
        return
    missing = pytest.mark.skip(reason="the shared recordings are not beside the project")
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(missing)


@pytest.fixture(scope="session")
def shared() -> Path:
    return SHARED


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A LANSDATA_HOME of this run, reachable for the account that the database runs as."""
    folder = Path(tempfile.mkdtemp(prefix="lansdata-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(home: Path) -> Iterator[str]:
    """The address of this run's PostgreSQL, for its owner; its databases are made by `database`."""
    held = lease(home)
    address = held.address("lansdata")
    # no test pulls the machine's plug, and waiting for the disk is a third of what the tests wait for
    for statement in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"):
        _in_cluster(address, statement)
    yield address
    held.release()


@pytest.fixture
def database(cluster: str) -> Iterator[str]:
    """The address of an empty, migrated database that only this test uses."""
    with fresh_database(cluster) as address:
        yield address


@contextmanager
def fresh_database(cluster: str) -> Iterator[str]:
    """Make a database with the ledger in it, and drop it afterwards."""
    name = f"test_{time.monotonic_ns()}"
    _in_cluster(cluster, f'CREATE DATABASE "{name}" TEMPLATE "{_migrated(cluster)}"')
    yield _named(cluster, name)
    _in_cluster(cluster, f'DROP DATABASE "{name}" WITH (FORCE)')


def _migrated(cluster: str) -> str:
    """Return the name of a database that the migrations have shaped; a copy takes a tenth of their time."""
    name = "migrated"
    try:
        _in_cluster(cluster, f'CREATE DATABASE "{name}"')
    except asyncpg.DuplicateDatabaseError:
        return name

    async def shape() -> None:
        store = Store.at(_named(cluster, name))
        await migrate(store)
        await store.close()

    asyncio.run(shape())
    return name


def _named(cluster: str, database: str) -> str:
    return cluster.replace("/lansdata?", f"/{database}?")


def _in_cluster(cluster: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(cluster)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.fixture
def in_store(database: str) -> Callable[[Callable[[Store], Coroutine[Any, Any, _Result]]], _Result]:
    """Run a coroutine with a store over this test's database."""

    def run(work: Callable[[Store], Coroutine[Any, Any, _Result]]) -> _Result:
        async def lend() -> _Result:
            store = Store.at(database)
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(lend())

    return run


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A real server process, its address, and how to stop it."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api"],
                cwd=ROOT,
                env={**os.environ, "LANSDATA_PORT": str(self.port), **environment},
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/health/ready").status_code == 200:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(60)


@contextmanager
def served(environment: dict[str, str], log: Path) -> Iterator[Server]:
    """Run a server until the block ends; ready when the block begins."""
    server = Server(environment, log)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def starter_database(cluster: str, home: Path) -> Iterator[str]:
    """A database with the starter collection, published by the command that `make serve` uses."""
    with fresh_database(cluster) as address:
        subprocess.run(
            [sys.executable, "-m", "loaders", "starter"],
            cwd=ROOT,
            env={**os.environ, "LANSDATA_DATABASE_URL": address, "LANSDATA_HOME": str(home)},
            check=True,
            capture_output=True,
        )
        yield address


@pytest.fixture(scope="session")
def server(starter_database: str, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service over the starter collection, for tests that only read."""
    log = tmp_path_factory.mktemp("server") / "log"
    with served({"LANSDATA_DATABASE_URL": starter_database, "LANSDATA_HOME": str(home)}, log) as running:
        yield running


@pytest.fixture(scope="session")
def pictured(cluster: str, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service over invented figures that are hard to draw, for tests that only read."""
    # these are made of what this module offers
    from tests.drafts import published  # noqa: PLC0415
    from tests.pictured import drafts  # noqa: PLC0415

    with fresh_database(cluster) as address:
        published(address, *drafts())
        log = tmp_path_factory.mktemp("pictured") / "log"
        with served({"LANSDATA_DATABASE_URL": address, "LANSDATA_HOME": str(home)}, log) as running:
            yield running


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    """A client of the starter collection's API, at its versioned root."""
    with httpx.Client(base_url=f"{server.url}/api/v1") as one:
        yield one
