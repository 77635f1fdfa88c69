"""The machine: which core serves and which one asks, and the facts that a ratio is read beside."""

import os
import platform
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = (
    "granian",
    "uvicorn",
    "uvloop",
    "httptools",
    "litestar",
    "msgspec",
    "numpy",
    "pyarrow",
    "asyncpg",
    "sqlalchemy",
    "datasette",
    "fastapi",
    "pydantic",
)
_CORES = sorted(os.sched_getaffinity(0))
SERVING, ASKING = {_CORES[0]}, {_CORES[-1]}


@contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """Run what is started in the block on *cores* only; this process goes back to where it was."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def facts() -> list[tuple[str, str]]:
    """Return what kind of machine this is, and which versions were measured."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return [
        ("Processor", f"{_processor()}, {len(_CORES)} cores to use"),
        ("Memory", f"{memory:.0f} GiB"),
        ("System", f"{platform.system()} {platform.release()}"),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("SQLite", sqlite3.sqlite_version),
        *((name, _version(name)) for name in _PACKAGES),
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
