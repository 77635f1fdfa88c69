"""The load: asks one server over a few kept-alive connections as fast as it answers, and counts.

A process of its own, pinned to its own core: `python -m tests.benchmarks.load < order.json > tally.json`.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from typing import cast

import uvloop

_BUFFER = 1 << 20
_WELL = b"HTTP/1.1 200"
_END_OF_HEAD = b"\r\n\r\n"
_END_OF_CHUNKS = b"0\r\n\r\n"


class BadAnswerError(Exception):
    """Anything but a whole answer of status 200."""


class _Tally:
    """What came back until now; `over` is set at the end, or by the first fault."""

    def __init__(self) -> None:
        self.answers = 0
        self.bytes = 0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def fail(self, reason: str) -> None:
        if not self.over.done():
            self.over.set_exception(BadAnswerError(reason))

    def end(self) -> None:
        if not self.over.done():
            self.over.set_result(None)


class _Caller(asyncio.BufferedProtocol):
    """One connection: asks, waits for the whole answer, asks again."""

    def __init__(self, requests: Iterator[bytes], tally: _Tally) -> None:
        self._requests = requests
        self._tally = tally
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._transport: asyncio.WriteTransport | None = None
        self._missing = -1
        """Bytes still to come; -1 before the head was read, -2 for an answer in chunks."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self._tally.fail(f"the server closed a connection: {exc}")

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 the name is asyncio's
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        self._tally.bytes += nbytes
        if self._missing == -1:
            self._missing = self._read_head(nbytes)
        elif self._missing >= 0:
            self._missing -= nbytes
        ended = bytes(self._view[max(nbytes - 5, 0) : nbytes]) == _END_OF_CHUNKS
        if self._missing == 0 or (self._missing == -2 and ended):
            self._missing = -1
            self._tally.answers += 1
            self._ask()

    def _ask(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._tally.end()
        elif self._transport is not None:
            self._transport.write(request)

    def _read_head(self, size: int) -> int:
        end = self._buffer.find(_END_OF_HEAD, 0, size)
        head = bytes(self._view[: max(end, 0)]).lower()
        if not head.startswith(_WELL.lower()):
            self._tally.fail(bytes(self._view[: min(size, 500)]).decode(errors="replace"))
            return -1
        _, found, rest = head.partition(b"content-length:")
        if not found:
            return -2
        return int(rest.partition(b"\r\n")[0]) - (size - end - len(_END_OF_HEAD))


async def ask(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> dict[str, float]:
    """Ask for *seconds*, or until there is no further request; return what was counted."""
    loop = asyncio.get_running_loop()
    tally = _Tally()
    begun, busy = time.perf_counter(), time.process_time()
    for _ in range(connections):
        await loop.create_connection(lambda: _Caller(requests, tally), "127.0.0.1", port)
    loop.call_later(seconds, tally.end)
    await tally.over
    took = time.perf_counter() - begun
    return {
        "answers": tally.answers,
        "bytes": tally.bytes,
        "seconds": took,
        "busy": (time.process_time() - busy) / took,
    }


def request_of(path: str) -> bytes:
    """Return a plain GET of *path*."""
    lines = (f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json", "", "")
    return "\r\n".join(lines).encode()


def main() -> None:
    """Carry out the order on standard input."""
    order = json.load(sys.stdin)
    paths = list(map(request_of, order["paths"]))
    requests = cycle(paths) if len(paths) == 1 else iter(paths)
    work = ask(order["port"], requests, order["connections"], order["seconds"])
    json.dump(uvloop.run(work), sys.stdout)


if __name__ == "__main__":
    main()
