"""Sources to try the night on: the recorded stand-ins, a small Kolada of our own, and scripted answers."""

import asyncio
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from datasets.cube import Cube
from datasets.ledger import Release
from datasets.store import Store
from loaders.__main__ import main
from tests.conftest import ROOT, SHARED
from tests.given import run

Figures = dict[tuple[str, ...], float]
BASES = {"kolada": "/v3", "scb": "/api/v2", "socialstyrelsen": "/api/v1/sv"}
COSTS = {"N70061": 38000.5, "N71000": 7000, "N72000": 16000, "N74000": 3500}
COSTS |= {"N70059": 4000, "U79065": 60000, "U79066": 61000}
"""The KPIs of the catalogue's kolada-vardkostnader, each with the figure that our own Kolada begins with."""


@contextmanager
def standin(name: str, *switches: str | Path) -> Iterator[str]:
    """Run the stand-in for the source *name*; give its address, down to the version."""
    words = [sys.executable, SHARED / "standins" / f"{name}.py", "--port", "0", *switches]
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().removeprefix("ready ").strip()
        finally:
            process.terminate()


def environment(home: Path, database: str, **bases: str) -> dict[str, str]:
    urls = {f"LANSDATA_{name.upper()}_URL": base for name, base in bases.items()}
    return {"LANSDATA_HOME": str(home), "LANSDATA_DATABASE_URL": database, **urls}


@dataclass
class Told:
    """What a night said: its exit code, its words, and its report."""

    code: int
    words: str
    report: dict[str, Any]

    @property
    def outcomes(self) -> dict[str, str]:
        return {line["dataset"]: line["outcome"] for line in self.report["datasets"]}

    @property
    def line(self) -> dict[str, Any]:
        (line,) = self.report["datasets"]
        return dict(line)


def night(home: Path, database: str, *words: str, root: Path | None = None, **bases: str) -> Told:
    """Run the nightly command for real, that of a copy at *root* if told, against the sources at *bases*."""
    file = home / "report.json"
    file.unlink(missing_ok=True)
    said = run(
        "loaders", "nightly", "--report", file, *words, root=root, **environment(home, database, **bases)
    )
    report = json.loads(file.read_bytes()) if file.exists() else {}
    return Told(said.returncode, said.stdout + said.stderr, report)


def command_here(*words: str | Path, **settings: str) -> tuple[int, str]:
    """Run a command of the loaders in this process, which takes half the time of one of its own."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        for name, value in settings.items():
            patch.setenv(name, value)
        code = main([str(word) for word in words])
    return code, said.getvalue()


def night_here(home: Path, database: str, *words: str, **bases: str) -> Told:
    file = home / "report.json"
    file.unlink(missing_ok=True)
    code, said = command_here(*("nightly", "--report", file, *words), **environment(home, database, **bases))
    return Told(code, said, json.loads(file.read_bytes()) if file.exists() else {})


def started_night(
    home: Path, database: str, *words: str, root: Path | None = None, **bases: str
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "loaders", "nightly", *words],
        cwd=root or ROOT,
        env={**os.environ, **environment(home, database, **bases)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


@dataclass
class Ledger:
    """All that was published, as a reader of the database finds it."""

    releases: list[Release]
    cubes: list[dict[str, Cube]]
    """What stood after each release, by indicator."""
    attempts: list[tuple[str, str, str]]
    """Dataset, outcome and detail of each, oldest first."""

    def figures(self, at: int = -1) -> Figures:
        """Return the figures that have a value."""
        return {
            (name, one.municipality, str(one.sex), str(one.year), one.breakdown.text): one.value
            for name, cube in (self.cubes[at] if self.cubes else {}).items()
            for one in cube
            if one.value is not None
        }


def ledger(address: str) -> Ledger:
    async def read() -> Ledger:
        store = Store.at(address)
        try:
            async with store.session() as session:
                releases = await session.releases()
                cubes = []
                for release in releases:
                    entries = await session.entries_at(release.number)
                    found = await session.cubes({entry.data_sha256 for entry in entries})
                    cubes.append({entry.indicator: found[entry.data_sha256] for entry in entries})
                return Ledger(releases, cubes, await attempts(address))
        finally:
            await store.close()

    return asyncio.run(read())


async def attempts(address: str) -> list[tuple[str, str, str]]:
    connection = await asyncpg.connect(address)
    rows = await connection.fetch("SELECT dataset, outcome, detail FROM attempt ORDER BY started_at")
    await connection.close()
    return [tuple(row) for row in rows]


ALLOWED = {"kolada": (5, 1.0), "scb": (30, 10.0), "socialstyrelsen": (3, 1.0)}
"""The calls and seconds of each source: what it states, or what its clients keep to."""


def calls_in(log: Path) -> list[dict[str, Any]]:
    """Read what a stand-in says that it was asked."""
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def too_fast(calls: list[dict[str, Any]], source: str) -> list[str]:
    """Say where *calls* provably came faster than *source* allows, however late they were written down.

    A stand-in notes a call when it has answered, and the next is sent after that: calls i to i + n were sent
    within the time from the noting of call i - 1 to that of call i + n.
    """
    allowed, seconds = ALLOWED[source]
    times = [_moment(call["time"]) for call in calls]
    whole = times[-1] - times[0]
    least = (len(times) - 2) * seconds / allowed
    bursts = [later - times[at] for at, later in enumerate(times[allowed + 1 :])]
    said = [f"{allowed + 1} calls within {burst:.2f} s" for burst in bursts if burst < seconds * 0.7]
    return said if whole >= least * 0.95 else [*said, f"{len(times)} calls within {whole:.2f} s"]


def _moment(said: float | str) -> float:
    return datetime.fromisoformat(said).timestamp() if isinstance(said, str) else said


@dataclass
class Call:
    """One request as a server of ours saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Answer:
    """What a server of ours sends back; `cut` promises more bytes than come."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0
    wait: float = 0.0


@dataclass
class Served:
    """A server on a real socket: its address and the calls it got."""

    base: str
    calls: list[Call] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[Call], Answer], under: str = "") -> Iterator[Served]:
    """Serve *answer* until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            call = Call(self.command, self.path, dict(self.headers), body, time.monotonic())
            served.calls.append(call)
            told = answer(call)
            time.sleep(told.wait)
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told.body) + told.cut))
            self.end_headers()
            self.wfile.write(told.body)
            self.close_connection = bool(told.cut)

        do_GET = do_POST = _handle  # noqa: N815 the server looks for these names

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Served(f"http://127.0.0.1:{server.server_address[1]}{under}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class SmallKolada:
    """A Kolada with the KPIs of kolada-vardkostnader, whose figures a test can change while it runs."""

    figures: dict[tuple[str, str, int], float | None] = field(
        default_factory=lambda: {
            (kpi, area, year): value + year
            for kpi, value in COSTS.items()
            for area in ("0008", "0000")
            for year in range(2015, 2025)
        }
    )
    gone: set[str] = field(default_factory=set)
    may_answer: threading.Event = field(default_factory=threading.Event)
    """While it is not set, no question for figures is answered."""

    def __post_init__(self) -> None:
        self.may_answer.set()

    def answer(self, call: Call) -> Answer:
        path, _, query = call.path.partition("?")
        if "page=1&" not in query:
            return _page([])
        match path.removeprefix("/v3/").split("/"):
            case ["kpi", ids]:
                return _page([_kpi(one) for one in ids.split(",") if one in COSTS and one not in self.gone])
            case ["municipality"]:
                areas = {"0008": "Region Kalmar län", "0000": "Riket"}
                return _page([{"id": code, "title": name, "type": "L"} for code, name in areas.items()])
            case ["data", "kpi", kpis, "municipality", codes, "year", years]:
                asked = (kpis.split(","), codes.split(","), years.split(","))
                self.may_answer.wait(120)
                return _page(
                    [
                        _row(key, value)
                        for key, value in self.figures.items()
                        if all(str(part) in some for part, some in zip(key, asked, strict=True))
                    ]
                )
            case _:
                return Answer(404, b"no such page")

    @property
    def published(self) -> Figures:
        """Return the figures as they should be served."""
        return {
            (kpi, area.removeprefix("00"), "total", str(year), ""): float(value)
            for (kpi, area, year), value in self.figures.items()
            if value is not None and kpi not in self.gone
        }


def _page(values: list[dict[str, Any]]) -> Answer:
    said = {"values": values, "count": len(values), "next_url": None, "previous_url": None}
    return Answer(body=json.dumps(said).encode())


def _kpi(name: str) -> dict[str, Any]:
    said = {"id": name, "title": f"Kostnad {name}, kr/inv", "description": f"Om {name}"}
    return said | {"municipality_type": "L", "is_divided_by_gender": False}


def _row(key: tuple[str, str, int], value: float | None) -> dict[str, Any]:
    status = "" if value is not None else "Missing"
    told = {"gender": "T", "count": int(value is not None), "status": status, "value": value}
    kpi, area, year = key
    return {"kpi": kpi, "municipality": area, "period": year, "values": [told | {"isdeleted": False}]}
