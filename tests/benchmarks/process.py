"""One API process: how long it takes to be ready, and how much memory it takes with its caches full."""

import time
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.figures import indicator_ids, municipalities
from tests.benchmarks.running import Service, our_api

CACHES_MB = (32, 128, 256)
_MEGABYTE = 1 << 20
_AREAS_A_QUESTION = 29
_ASKING_SECONDS = 20


class Memory(NamedTuple):
    """What one worker takes, in megabytes, beside the caches that it was allowed."""

    caches: int
    resident: float
    own: float
    """What would be free again if it ended (USS)."""


def memory(home: Path, ids: list[str], caches: int) -> Memory:
    """Ask a worker for far more than its caches may hold, then weigh it."""
    with our_api(home, LANSDATA_CACHE_MB=str(caches)) as service:
        _fill(service, ids)
        facts = service.worker().memory_full_info()
    return Memory(caches, facts.rss / _MEGABYTE, facts.uss / _MEGABYTE)


def _fill(service: Service, ids: list[str]) -> None:
    codes = municipalities()
    paths = [
        f"/api/v1/observations?indicator={name}&limit=10000&breakdown=*&municipality="
        + ",".join(codes[start : start + _AREAS_A_QUESTION])
        for name in ids
        for start in range(0, len(codes), _AREAS_A_QUESTION)
    ]
    service.load(paths, _ASKING_SECONDS)


def starts(home: Path, rounds: int) -> list[float]:
    """Return the seconds from `python -m api` to the first ready answer, the database's start included."""
    measured = []
    for _ in range(rounds):
        begun = time.perf_counter()
        with our_api(home):
            measured.append(time.perf_counter() - begun)
            print(f"  ready after {measured[-1]:.2f} s", flush=True)
    return measured


def large_ids(names: list[str], indicators: int) -> list[str]:
    """Return the ids of all indicators of the datasets *names*."""
    return [name for dataset in names for name in indicator_ids(dataset, indicators)]
