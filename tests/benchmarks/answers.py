"""Answers: a hot one beside a null application, cold ones beside Datasette and a FastAPI service."""

import asyncio
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from datasets.embedded import Lease
from tests.benchmarks import null, peers
from tests.benchmarks.figures import Size, indicator_ids, municipalities, write_handover
from tests.benchmarks.questions import (
    FIGURES,
    Question,
    figures_of,
    questions,
    to_datasette,
    to_fastapi,
    to_us,
)
from tests.benchmarks.rounds import interleaved
from tests.benchmarks.running import ROOT, Service, free_port, our_api, running

NAME, INDICATORS, YEARS = "N0", 8, 25
US, NULL, NULL_UVICORN = "ours", "null", "null on uvicorn"
DATASETTE, LEAN_DATASETTE, FASTAPI = "Datasette", "Datasette, no facets", "FastAPI"
IDS = indicator_ids(NAME, INDICATORS)
_DATES = {"date", "server", "content-length", "transfer-encoding"}
_FASTEST = 8_000
"""More answers a second than any contender gives to ever new questions; so many are prepared."""
WARM = "/api/v1/observations?indicator={}&limit=10000&page={}"


def publish_figures(home: Path, held: Lease) -> None:
    """Publish the figures, and put the same rows where the peers read them."""
    form = write_handover(home, NAME, Size(INDICATORS, YEARS, 1), seed=1)
    subprocess.run(
        [sys.executable, "-m", "loaders", "handover", str(form)],
        cwd=ROOT,
        env={**os.environ, "LANSDATA_HOME": str(home)},
        check=True,
        capture_output=True,
    )
    peers.fill_sqlite(home / "figures.db", form.with_suffix(".csv"))
    asyncio.run(_fill_postgresql(peers.address_in(held), form.with_suffix(".csv")))


async def _fill_postgresql(address: str, table: Path) -> None:
    await peers.copy_rows(address, table)
    await peers.analyse(address)


def hot(home: Path, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Return the answers a second of one ready answer, and of null applications on two servers."""
    path = to_us(questions(IDS, YEARS, 1, seed=2)[0])
    with our_api(home) as ours:
        recording = home / "recording"
        record(ours, path, recording)
        with null_on_ours(recording) as null_own, _null_on_uvicorn(recording) as null_uvicorn:
            services = {US: ours, NULL: null_own, NULL_UVICORN: null_uvicorn}
            for service in services.values():
                service.load([path], 1)
            return interleaved({name: _hot(one, path, seconds) for name, one in services.items()}, rounds)


def _hot(service: Service, path: str, seconds: float) -> Callable[[int], float]:
    def measure(_: int) -> float:
        return rate(service.load([path], seconds))

    return measure


def cold(home: Path, held: Lease, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Return the answers a second to questions that nobody has asked before."""
    with ExitStack() as stack:
        ours = stack.enter_context(our_api(home))
        dataset = ours.get(WARM.format(IDS[0], 1))["_meta"]["datasets"][0]
        asyncio.run(peers.fill_definitions(peers.address_in(held), dataset, IDS, municipalities()))
        datasette = stack.enter_context(peers.datasette(home / "figures.db"))
        lean = stack.enter_context(peers.datasette(home / "figures.db", suggest_facets="off"))
        fastapi = stack.enter_context(peers.fastapi(peers.address_in(held), home / "fastapi.log"))
        _check_equal(ours, datasette, fastapi)
        for name in IDS:
            for page in (1, 2, 3):
                ours.body(WARM.format(name, page))
        return interleaved(
            {
                US: _cold(ours, to_us, seconds),
                DATASETTE: _cold(datasette, to_datasette, seconds),
                LEAN_DATASETTE: _cold(lean, to_datasette, seconds),
                FASTAPI: _cold(fastapi, to_fastapi, seconds),
            },
            rounds,
        )


def _cold(service: Service, address: Callable[[Question], str], seconds: float) -> Callable[[int], float]:
    def measure(number: int) -> float:
        asked = questions(IDS, YEARS, int(_FASTEST * seconds), seed=100 + number)
        return rate(service.load([address(question) for question in asked], seconds))

    return measure


def _check_equal(ours: Service, datasette: Service, fastapi: Service) -> None:
    for question in questions(IDS, YEARS, 20, seed=3):
        own = figures_of(ours, to_us(question), "observations")
        if len(own) != FIGURES:
            message = f"{len(own)} figures came for {question}"
            raise RuntimeError(message)
        if own != figures_of(fastapi, to_fastapi(question), "observations"):
            raise RuntimeError("FastAPI answers other figures")
        if _beside(ours, to_us(question)) != _beside(fastapi, to_fastapi(question)):
            raise RuntimeError("FastAPI tells something else beside the figures")
        if own != figures_of(datasette, to_datasette(question), "rows"):
            raise RuntimeError("Datasette answers other figures")


def _beside(service: Service, path: str) -> tuple[object, list[str], bool]:
    """Return what stands beside the figures, in one form: all but the words of the citation."""
    answer = service.get(path)
    told = {**answer["_meta"], "citation": bool(answer["_meta"]["citation"])}
    return told, sorted(answer["_links"]), service.has_tag(path)


def rate(tally: dict[str, float]) -> float:
    return tally["answers"] / tally["seconds"]


def record(service: Service, path: str, recording: Path) -> None:
    """Keep the headers and the body of an answer, for a null application to send."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port)
    connection.request("GET", path, headers={"Accept": "application/json"})
    answer = connection.getresponse()
    headers = [(name.lower(), text) for name, text in answer.getheaders()]
    body = answer.read()
    connection.close()
    kept = [(name, text) for name, text in headers if name not in _DATES]
    kept.append(("content-length", str(len(body))))
    recording.write_bytes(json.dumps(kept).encode() + b"\n" + body)


@contextmanager
def null_on_ours(recording: Path) -> Iterator[Service]:
    port = free_port()
    environment = {
        null.RECORDING: str(recording),
        "LANSDATA_PORT": str(port),
        "LANSDATA_DATABASE_URL": "postgresql://nobody-asks-it/",
    }
    log = recording.with_name("null-ours.log")
    with running(["-m", "tests.benchmarks.null"], port, "/", log, environment) as service:
        yield service


@contextmanager
def _null_on_uvicorn(recording: Path) -> Iterator[Service]:
    port = free_port()
    parts = ("--factory", "--loop", "uvloop", "--http", "httptools", "--log-level", "warning")
    command = ["-m", "uvicorn", "tests.benchmarks.null:served", "--port", str(port), *parts]
    log = recording.with_name("null-uvicorn.log")
    with running(command, port, "/", log, {null.RECORDING: str(recording)}) as service:
        yield service
