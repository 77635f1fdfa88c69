"""Pictures drawn by a process beside this one: each once, few waiting, kept by what they are drawn from."""

import asyncio
import hashlib
import logging
import struct
import sys
from contextlib import suppress
from typing import Any, Literal

import msgspec
from cachetools import LRUCache

from api.problems import RefusalError

_MOST_WAITING = 256
"""More than a newsroom of editors asks for at once; each waits for those before it."""
_MOST_BYTES = 32 << 20
_PATIENCE = 30.0
"""Seconds for one picture; the first one also waits for the process to start."""
_HEAD = struct.Struct(">BI")
_DRAWN = 1
_log = logging.getLogger(__name__)

Form = Literal["svg", "png"]


class DrawingError(Exception):
    """A specification that the drawing library could not draw: a fault of ours."""


class Drawing:
    """The pictures of one process."""

    def __init__(self) -> None:
        self._kept: LRUCache[bytes, bytes] = LRUCache(_MOST_BYTES, getsizeof=len)
        self._coming: dict[bytes, asyncio.Task[bytes]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def picture(self, spec: dict[str, Any], form: Form) -> bytes:
        """Return the picture of *spec*; whoever asks for the same at the same time gets the same drawing.

        Raises RefusalError when too many pictures wait already.
        """
        order = msgspec.json.encode({"spec": spec, "form": form})
        name = hashlib.sha256(order).digest()
        kept = self._kept.get(name)
        if kept is not None:
            return kept
        task = self._coming.get(name)
        if task is None:
            if len(self._coming) >= _MOST_WAITING:
                raise RefusalError("unavailable", "too many pictures are being drawn; try again shortly")
            task = self._coming[name] = asyncio.create_task(self._draw(order))
            task.add_done_callback(lambda done: self._keep(name, done))
        # a caller that goes away must not take the drawing from the others
        return await asyncio.shield(task)

    def forget(self) -> None:
        """Forget every picture: one of them may show what has been erased."""
        self._kept.clear()

    async def stop(self) -> None:
        """End the drawing process."""
        for task in list(self._coming.values()):
            task.cancel()
        await self._end()

    def _keep(self, name: bytes, done: "asyncio.Task[bytes]") -> None:
        self._coming.pop(name, None)
        if not done.cancelled() and done.exception() is None and len(done.result()) <= _MOST_BYTES:
            self._kept[name] = done.result()

    async def _draw(self, order: bytes) -> bytes:
        async with self._turn:
            try:
                return await asyncio.wait_for(self._ask(order), _PATIENCE)
            except (OSError, EOFError, TimeoutError) as error:
                # it is gone or stuck: the next picture gets a new one
                _log.warning("the drawing process failed: %r", error)
                await self._end()
                raise RefusalError("unavailable", "the picture could not be drawn just now") from error
            except asyncio.CancelledError:
                await self._end()
                raise

    async def _ask(self, order: bytes) -> bytes:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "api.charts.drawer",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        into, out = self._process.stdin, self._process.stdout
        assert into is not None
        assert out is not None
        into.write(order + b"\n")
        await into.drain()
        outcome, length = _HEAD.unpack(await out.readexactly(_HEAD.size))
        body = await out.readexactly(length)
        if outcome != _DRAWN:
            raise DrawingError(body.decode(errors="replace"))
        return body

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
