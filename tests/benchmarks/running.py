"""Processes of a measurement: servers on their core, the load on its own, all ended at the end."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.machine import ASKING, SERVING, pinned

ROOT = Path(__file__).parents[2]
CONNECTIONS = 8
_READY_SECONDS = 60


class Service:
    """One server process under measurement, its port and its log."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log

    def get(self, path: str) -> Any:
        """Return the JSON at *path*."""
        return json.loads(self.body(path))

    def body(self, path: str) -> bytes:
        """Return the bytes at *path*."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        with urllib.request.urlopen(request, timeout=_READY_SECONDS) as answer:
            body: bytes = answer.read()
        return body

    def has_tag(self, path: str) -> bool:
        """Tell whether the answer at *path* has a tag to ask again with."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=_READY_SECONDS) as answer:
            return bool(answer.headers.get("etag"))

    def load(self, paths: Sequence[str], seconds: float, connections: int = CONNECTIONS) -> dict[str, float]:
        """Ask for *paths*, a single one again and again; return what the load counted."""
        order = {"port": self.port, "paths": paths, "seconds": seconds, "connections": connections}
        with pinned(ASKING):
            done = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.load"],
                cwd=ROOT,
                input=json.dumps(order).encode(),
                capture_output=True,
                check=False,
                timeout=seconds + _READY_SECONDS,
            )
        if done.returncode:
            raise RuntimeError(done.stderr.decode() + self.log.read_text())
        tally: dict[str, float] = json.loads(done.stdout)
        return tally

    def wait(self, path: str) -> None:
        """Wait until *path* is answered with 200."""
        end = time.monotonic() + _READY_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.body(path)
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.01)
            else:
                return
        raise RuntimeError(self.log.read_text())

    def worker(self) -> psutil.Process:
        """Return the process that answers: the largest one of the server."""
        own = psutil.Process(self.process.pid)
        return max([own, *own.children(recursive=True)], key=lambda process: process.memory_info().rss)


@contextmanager
def running(
    command: Sequence[str], port: int, ready: str, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Service]:
    """Run a server on the serving core, from when it answers *ready* until the end of the block."""
    with log.open("wb") as out, pinned(SERVING):
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    service = Service(process, port, log)
    try:
        service.wait(ready)
        yield service
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def our_api(home: Path, **settings: str) -> Iterator[Service]:
    """Run the API over *home* as people do."""
    port = free_port()
    environment = {"LANSDATA_HOME": str(home), "LANSDATA_PORT": str(port), **settings}
    with running(["-m", "api"], port, "/health/ready", home / "api.log", environment) as service:
        yield service


def free_port() -> int:
    """Return a port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
