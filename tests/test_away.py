"""A service whose database goes away and comes back, and one that is told to stop."""

import asyncio
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from datasets.areas import municipalities_of
from datasets.embedded import lease
from datasets.vocabulary import Sex
from tests import given
from tests.conftest import Server, fresh_database, served
from tests.drafts import draft, published
from tests.test_live import until
from tests.test_refusals import ROUTES, problem

SECOND = draft("prov", {"prov-andel": ["0880 total 2020 2"]})
NEEDS_NO_LEDGER = (
    "/api-info",
    "/openapi.json",
    "/config",
    "/statuses",
    "/municipalities",
    "/health",
    "/problems",
)


class Cluster:
    """A PostgreSQL of these tests' own, which they may stop and start; `address` is one test's database."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.held = lease(home)
        self.owner = self.address = self.held.address("lansdata")

    def stop(self) -> None:
        note = self.home / "postgres" / "postmaster.pid"
        number = int(note.resolve().read_text("utf-8").split()[0])
        os.kill(number, signal.SIGINT)
        until(lambda: not psutil.pid_exists(number) or psutil.Process(number).status() == "zombie")

    def start(self) -> None:
        again = lease(self.home)
        assert again.address("lansdata") == self.owner
        self.held.release()
        self.held = again


@pytest.fixture(scope="module")
def another_cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="lansdata-own-"))
    folder.chmod(0o711)
    one = Cluster(folder)
    yield one
    one.held.release()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own(another_cluster: Cluster) -> Iterator[Cluster]:
    another_cluster.start()
    with fresh_database(another_cluster.owner) as address:
        first = draft("prov", {"prov-andel": ["0880 total 2020 1"]})
        keys = product(municipalities_of("08"), (Sex.WOMEN, Sex.MEN), range(1750, 2200))
        large = given.cube(*(given.figure(*key) for key in keys))
        published(address, first, SECOND, given.draft("stor", {"stor-andel": large}))
        another_cluster.address = address
        yield another_cluster
        another_cluster.start()


@pytest.fixture
def environment(own: Cluster) -> dict[str, str]:
    return {"LANSDATA_DATABASE_URL": own.address, "LANSDATA_HOME": str(own.home)}


@contextmanager
def blocked(address: str, table: str) -> Iterator[None]:
    """Let whoever reads *table* wait until the end of the block."""
    over, begun = threading.Event(), threading.Event()

    async def lock() -> None:
        connection = await asyncpg.connect(address)
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            begun.set()
            await asyncio.to_thread(over.wait)
        await connection.close()

    holder = threading.Thread(target=asyncio.run, args=(lock(),))
    holder.start()
    begun.wait(60)
    try:
        yield
    finally:
        over.set()
        holder.join()


def told(server: Server, path: str) -> httpx.Response:
    return httpx.get(f"{server.url}{path}", timeout=120)


def health(server: Server) -> dict[str, object]:
    with suppress(httpx.TransportError):
        return dict(told(server, "/health/ready").json())
    return {}


def earlier(server: Server) -> str:
    """Return the question for the figures as they stood at the first release, which is not in memory."""
    when = told(server, "/api/v1/datasets/prov/versions").json()["versions"][-1]["publishedAt"]
    return f"/api/v1/observations?dataset=prov&asOf={when}"


def test_what_is_in_memory_is_served_without_the_database_and_the_rest_is_told_to_come_back(
    own: Cluster, environment: dict[str, str], tmp_path: Path
) -> None:
    with served(environment | {"LANSDATA_CACHE_MB": "1"}, tmp_path / "log") as server:
        path = earlier(server)
        before = told(server, "/api/v1/observations?dataset=prov")
        own.stop()
        until(lambda: health(server)["database"] == "away")
        same, another = (
            told(server, "/api/v1/observations?dataset=prov"),
            told(server, "/api/v1/observations?indicator=prov-andel"),
        )
        lists = [
            told(server, f"/api/v1/{path}") for path in ("datasets", "indicators", "datasets/stor/versions")
        ]
        away = [told(server, path), told(server, "/api/v1/observations?dataset=stor")]
        wrong = told(server, "/api/v1/observations?indicator=prov-andl")
        whole = health(server)
        own.start()
        until(lambda: health(server)["database"] == "reachable")
        back = [told(server, path), told(server, "/api/v1/observations?dataset=stor")]

    assert same.content == before.content
    assert another.json()["observations"] == before.json()["observations"]
    assert [answer.status_code for answer in lists] == [200, 200, 200]
    assert wrong.json()["invalidParameters"][0]["closest"] == ["prov-andel", "stor-andel"]
    assert whole == {"status": "ready", "release": 3, "database": "away"}
    for answer in away:
        problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"].isdecimal()
    assert [answer.json()["observations"][0]["value"] for answer in back] == [1, 1.5]


def test_a_release_made_after_an_outage_is_seen_and_read_ahead(
    own: Cluster, environment: dict[str, str], tmp_path: Path
) -> None:
    with served(environment, tmp_path / "log") as server:
        own.stop()
        until(lambda: health(server)["database"] == "away")
        own.start()
        published(own.address, draft("prov", {"prov-andel": ["0880 total 2020 7"]}))
        until(lambda: health(server)["release"] == 4)
        time.sleep(0.5)
        own.stop()
        rows = told(server, "/api/v1/observations?dataset=prov").json()["observations"]

    # nobody had asked for them yet: they were read ahead
    assert [row["value"] for row in rows] == [7]


def test_a_service_started_while_the_database_is_away_is_ready_when_it_comes(
    own: Cluster, environment: dict[str, str], tmp_path: Path
) -> None:
    own.stop()
    server = Server(environment, tmp_path / "log")
    try:
        until(lambda: bool(health(server)))
        waiting, lives = told(server, "/health/ready"), told(server, "/health/live")
        answers = {path: told(server, path) for path in ROUTES}
        own.start()
        until(lambda: health(server) == {"status": "ready", "release": 3, "database": "reachable"})
        rows = told(server, "/api/v1/observations?dataset=prov").json()["observations"]
    finally:
        stopped = server.stop()

    assert (waiting.status_code, waiting.json()["status"]) == (503, "waiting")
    assert lives.status_code == 200
    for path, answer in answers.items():
        if (
            path.removeprefix("/api/v1").startswith(NEEDS_NO_LEDGER)
            and answer is not answers["/health/ready"]
        ):
            assert answer.status_code == 200, path
        elif path != "/health/ready":
            problem(answer, 503, "unavailable")
            assert int(answer.headers["retry-after"]) > 0
    assert [row["value"] for row in rows] == [2]
    assert stopped == 0


def test_told_to_stop_the_service_finishes_what_it_was_asked_and_is_gone(
    own: Cluster, environment: dict[str, str], tmp_path: Path
) -> None:
    answers: list[httpx.Response] = []
    with served(environment, tmp_path / "log") as server, httpx.Client() as idle:
        idle.get(f"{server.url}/health/live")
        path = earlier(server)
        asking = threading.Thread(target=lambda: answers.append(told(server, path)))
        with blocked(own.address, "cube_validity"):
            asking.start()
            time.sleep(0.5)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            unanswered = not answers
        status = server.process.wait(60)
        asking.join()

    assert unanswered
    assert [row["value"] for row in answers[0].json()["observations"]] == [1]
    assert status == 0


def test_a_question_that_never_ends_does_not_keep_the_service_from_stopping(
    own: Cluster, environment: dict[str, str], tmp_path: Path
) -> None:
    with served(environment, tmp_path / "log") as server:
        path = earlier(server)

        def ask() -> None:
            with suppress(httpx.TransportError):
                told(server, path)

        asking = threading.Thread(target=ask)
        with blocked(own.address, "cube_validity"):
            asking.start()
            time.sleep(0.5)
            server.process.send_signal(signal.SIGTERM)
            status = server.process.wait(60)
        asking.join()

    assert status == 0


def test_how_fresh_everything_is_is_told_from_memory_and_said_to_be(
    own: Cluster, environment: dict[str, str], tmp_path: Path
) -> None:
    with served(environment, tmp_path / "log") as server:
        until(lambda: told(server, "/api/v1/freshness").status_code == 200)
        before = told(server, "/api/v1/freshness?lang=en").json()
        own.stop()
        until(lambda: health(server)["database"] == "away")
        away = told(server, "/api/v1/freshness?lang=en").json()
        own.start()
        until(lambda: health(server)["database"] == "reachable")
        back = told(server, "/api/v1/freshness?lang=en").json()

    assert away["freshness"] == before["freshness"] == back["freshness"]
    assert "The database cannot be reached right now" in away["_meta"]["warnings"][0]
    assert away["_meta"]["knownAt"]
    assert before["_meta"]["knownAt"] is back["_meta"]["knownAt"] is None
