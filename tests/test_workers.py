"""A service of several workers: one to its callers, and whole again when a worker dies."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.conftest import Server, fresh_database, served
from tests.drafts import draft, published
from tests.test_live import until


@pytest.fixture
def workers(cluster: str, home: Path, tmp_path: Path) -> Iterator[tuple[Server, str]]:
    with fresh_database(cluster) as address:
        published(address, draft("prov", {"prov-andel": ["0880 total 2020 2"]}))
        environment = {"LANSDATA_DATABASE_URL": address, "LANSDATA_HOME": str(home), "LANSDATA_WORKERS": "2"}
        with served(environment, tmp_path / "log") as server:
            until(lambda: len(_workers(server)) == 2)
            yield server, address


def _workers(server: Server) -> set[int]:
    """Return the numbers of the processes that answer; a helper of Python's own may stand beside them."""
    found = set()
    for child in psutil.Process(server.process.pid).children():
        with suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(child.cmdline()):
                found.add(child.pid)
    return found


def _each_time(server: Server, told: Callable[[httpx.Response], object]) -> set[object]:
    """Return what is told of answers over many connections, so that every worker has its say."""
    return {told(httpx.get(f"{server.url}/api/v1/observations?dataset=prov")) for _ in range(30)}


def test_all_workers_give_the_same_bytes_and_see_the_same_releases(workers: tuple[Server, str]) -> None:
    server, address = workers
    before = _each_time(server, lambda answer: (answer.content, answer.headers["etag"]))
    published(address, draft("prov", {"prov-andel": ["0880 total 2020 3"]}))
    until(
        lambda: {2.0} & _each_time(server, lambda answer: answer.json()["observations"][0]["value"]) == set()
    )
    after = _each_time(server, lambda answer: (answer.content, answer.headers["etag"]))

    assert len(before) == len(after) == 1
    assert before != after


def test_a_worker_that_dies_is_replaced_while_the_other_serves(workers: tuple[Server, str]) -> None:
    server, _ = workers
    before = _workers(server)
    victim = min(before)
    psutil.Process(victim).kill()
    until(lambda: len(_workers(server)) == 2 and victim not in _workers(server))

    def answered() -> bool:
        with suppress(httpx.TransportError):
            return _each_time(server, lambda answer: answer.status_code) == {200}
        return False

    until(answered)

    assert len(_workers(server) & before) == 1
