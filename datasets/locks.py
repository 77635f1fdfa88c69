"""Locks on files: each vanishes with the process that holds it, however that ends.

A forked process holds none of its parent's; a program it runs holds those it is passed.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datasets.errors import DatabaseStartError

POLL_SECONDS = 0.02
_BUSY_SECONDS = 120

_opened: set[int] = set()


def open_lock(path: Path) -> int:
    """Return a descriptor to lock *path* by."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    _opened.add(descriptor)
    return descriptor


def close_lock(descriptor: int) -> None:
    """Give up what *descriptor* locks, unless a program was passed it."""
    _opened.discard(descriptor)
    os.close(descriptor)


def _close_all() -> None:
    while _opened:
        os.close(_opened.pop())


os.register_at_fork(after_in_child=_close_all)


def share_lock(descriptor: int) -> None:
    """Lock the file together with all who share it."""
    fcntl.flock(descriptor, fcntl.LOCK_SH)


def try_lock(descriptor: int) -> bool:
    """Lock the file for ourselves alone, unless others hold it; a share we had is given up either way."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_lock(descriptor: int, seconds: float) -> bool:
    """Lock the file as soon as nobody else holds it, within *seconds*."""
    deadline = time.monotonic() + seconds
    while not (locked := try_lock(descriptor)) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return locked


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Lend a descriptor to lock *path* by."""
    descriptor = open_lock(path)
    try:
        yield descriptor
    finally:
        close_lock(descriptor)


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Hold *path* alone, and lend the descriptor that does."""
    with opened(path) as descriptor:
        if not wait_lock(descriptor, _BUSY_SECONDS):
            message = f"another process has held {path} for {_BUSY_SECONDS} seconds; is it suspended?"
            raise DatabaseStartError(message)
        yield descriptor
