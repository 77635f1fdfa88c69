"""Measures the service beside its peers and writes docs/benchmarks.md: `python -m tests.benchmarks`."""

import argparse
import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datasets.embedded import Lease, lease
from tests.benchmarks import (
    answers,
    decade,
    disclosure,
    loading,
    nights,
    peers,
    people,
    process,
    publishing,
)
from tests.benchmarks.report import Measured, write
from tests.benchmarks.running import ROOT

PARTS = (
    "hot",
    "cold",
    "publishing",
    "memory",
    "start",
    "loading",
    "nights",
    "decade",
    "people",
    "disclosure",
)
_COMMAND = "make bench"


@contextmanager
def _home() -> Iterator[Path]:
    """Lend a LANSDATA_HOME that the database's account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="lansdata-bench-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measured(home: Path, held: Lease, asked: argparse.Namespace) -> Measured:
    """Measure the parts that are *asked* for; the database is released before the starts are timed."""
    parts, rounds, seconds = set(asked.only), asked.rounds, asked.seconds
    asyncio.run(peers.make_database(held))
    if parts & {"hot", "cold", "people"}:
        print("publishing figures for the answers", flush=True)
        answers.publish_figures(home, held)
    hot = answers.hot(home, rounds, seconds) if "hot" in parts else {}
    cold = answers.cold(home, held, rounds, seconds) if "cold" in parts else {}
    datasets = publishing.measured(home, held, rounds) if parts & {"publishing", "memory", "start"} else {}
    ids = process.large_ids(publishing.names(rounds), publishing.INDICATORS)
    memory = [process.memory(home, ids, size) for size in process.CACHES_MB if "memory" in parts]
    loaded = loading.measured(home, rounds) if "loading" in parts else None
    compared = nights.measured(held, rounds) if "nights" in parts else None
    kept = decade.measured(home, held) if "decade" in parts else None
    seen = people.measured(home, held, rounds, seconds) if "people" in parts else None
    held.release()
    starts = process.starts(home, rounds) if "start" in parts else []
    hidden = disclosure.measured() if "disclosure" in parts else []
    return Measured(
        hot, cold, datasets, memory, starts, rounds, seconds, loaded, compared, kept, hidden, seen
    )


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each contender")
    parser.add_argument("--seconds", type=float, default=3, help="of load in each round")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.md")
    asked = parser.parse_args()
    with _home() as home:
        held = lease(home)
        try:
            measured = _measured(home, held, asked)
        finally:
            held.release()
    write(asked.out, measured, _COMMAND)
    print(f"written: {asked.out}")


if __name__ == "__main__":
    main()
