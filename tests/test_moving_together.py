import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import httpx
import pytest

from datasets.ledger import Draft
from tests.conftest import fresh_database, served
from tests.given import cube, draft, figure
from tests.kept import baked

RELEASES = int(os.environ.get("RELEASES", "4"))
"""How many are published under load; 50 by hand."""
WITHIN = float(os.environ.get("WITHIN", "60"))
"""Seconds in which every process answers by a new release; 1 by hand on a quiet machine."""
SERVERS = 2


def state(number: int) -> Draft:
    """A version in which every figure of every indicator is its number."""
    cubes = {
        f"I{n}": cube(*(figure(year=year, value=number) for year in range(2000, 2020))) for n in range(4)
    }
    return draft(cubes=cubes)


class Readers:
    """Readers that ask all servers again and again, and keep what was wrong and when each value came."""

    def __init__(self, urls: list[str]) -> None:
        self.wrong: list[str] = []
        self.first: dict[tuple[str, float], float] = {}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(url,)) for url in urls for _ in range(2)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _read(self, url: str) -> None:
        last = 0.0
        with httpx.Client(timeout=120) as client:
            while not self._stop.is_set():
                try:
                    got = client.get(f"{url}/api/v1/observations", params={"dataset": "prov"})
                    values = {row["value"] for row in got.json()["observations"]}
                except (httpx.HTTPError, KeyError, ValueError) as error:
                    self.wrong.append(repr(error))
                    continue
                if len(values) != 1:
                    self.wrong.append(f"{url} mixes {values}")
                value = max(values)
                if value < last:
                    self.wrong.append(f"{url} went back from {last} to {value}")
                last = value
                self.first.setdefault((url, value), time.monotonic())


@pytest.fixture
def urls(cluster: str, tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    with fresh_database(cluster) as ledger, ExitStack() as stack:
        baked(ledger, tmp_path / "files", state(1))
        environment = {"LANSDATA_DATABASE_URL": ledger, "LANSDATA_HOME": str(tmp_path)}
        servers = [stack.enter_context(served(environment, tmp_path / f"log{n}")) for n in range(SERVERS)]
        yield ledger, [one.url for one in servers]


@pytest.mark.timeout(120 + RELEASES * 20)
def test_all_processes_move_to_a_new_release_together_and_never_mix_two(
    urls: tuple[str, list[str]], tmp_path: Path
) -> None:
    ledger, addresses = urls
    published: dict[int, float] = {}
    with Readers(addresses) as readers:
        for number in range(2, 2 + RELEASES):
            baked(ledger, tmp_path / "files", state(number))
            published[number] = time.monotonic()
            end = time.monotonic() + WITHIN + 5
            while any((url, number) not in readers.first for url in addresses) and time.monotonic() < end:
                time.sleep(0.01)

    late = [readers.first.get((url, n), 1e9) - at for n, at in published.items() for url in addresses]
    assert readers.wrong == []
    assert max(late) < WITHIN
    pages = [httpx.get(f"{url}/api/v1/datasets/prov/versions/1.0.{RELEASES}").json() for url in addresses]
    assert {page["fingerprint"] for page in pages} == {pages[0]["fingerprint"]}
