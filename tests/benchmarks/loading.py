"""Loading from Kolada: normalising beside decoding, a night in which nothing changed, memory.

`python -m tests.benchmarks.loading SNAPSHOT KPIS` loads one file of kept answers and tells what it took.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from datasets.database import open_store
from datasets.ledger import PUBLISHED, UNCHANGED
from datasets.migrate import migrate
from datasets.settings import Settings, read_settings
from loaders import kolada as source
from loaders.fetch import Fetched
from loaders.kolada_codes import Page, Row
from loaders.nightly import Night, replay
from loaders.report import Line
from loaders.snapshots import read_snapshot
from tests.benchmarks import kolada
from tests.benchmarks.rounds import interleaved
from tests.benchmarks.running import ROOT

US, DECODE, UNCHANGED_NIGHT = "normalising", "decoding", "a night without a change"
KPIS_A_NIGHT, KPIS_A_LOAD = 46, 460
FIGURES_A_NIGHT = KPIS_A_NIGHT * kolada.FIGURES_A_KPI
FIGURES_A_LOAD = KPIS_A_LOAD * kolada.FIGURES_A_KPI
_KILOBYTES = 1 << 10
_pages = msgspec.json.Decoder(Page[Row])


class Load(NamedTuple):
    """One load of many figures in a process of its own."""

    figures: int
    seconds: float
    peak: float
    """The most memory that the process ever had, in megabytes."""


class Measured(NamedTuple):
    """Everything that is measured of loading."""

    normalising: dict[str, list[float]]
    nights: dict[str, list[float]]
    load: Load


def measured(home: Path, rounds: int) -> Measured:
    """Measure all of it; the database of *home* is running."""
    folder = home / "kept"
    night = kolada.write_snapshot(folder, KPIS_A_NIGHT)
    normalising, nights = _rounds(home, night, rounds)
    night.unlink()
    print("  ten million figures are made up", flush=True)
    large = kolada.write_snapshot(folder, KPIS_A_LOAD)
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.loading", str(large), str(KPIS_A_LOAD)],
        cwd=ROOT,
        env={**os.environ, "LANSDATA_HOME": str(home)},
        check=True,
        capture_output=True,
    )
    large.unlink()
    load = Load(*json.loads(done.stdout))
    print(f"  {load}", flush=True)
    return Measured(normalising, nights, load)


def _rounds(home: Path, kept: Path, rounds: int) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    settings = Settings(home=str(home))
    plan = kolada.listed(KPIS_A_NIGHT).plan
    answers = list(read_snapshot(kept))
    assert asyncio.run(_replayed(settings, kept, KPIS_A_NIGHT)).outcome == PUBLISHED

    def normalise(_: int) -> float:
        begun = time.perf_counter()
        for _made in source.normalise(plan, answers):
            pass
        return time.perf_counter() - begun

    def night(_: int) -> float:
        begun = time.perf_counter()
        line = asyncio.run(_replayed(settings, kept, KPIS_A_NIGHT))
        seconds = time.perf_counter() - begun
        assert line.outcome == UNCHANGED
        return seconds

    contenders = {
        US: normalise,
        DECODE: lambda _: _decoding(answers),
        UNCHANGED_NIGHT: night,
    }
    seconds = interleaved(contenders, rounds)
    decoding = seconds[DECODE]
    return {US: seconds[US], DECODE: decoding}, {UNCHANGED_NIGHT: seconds[UNCHANGED_NIGHT], DECODE: decoding}


def _decoding(answers: Sequence[Fetched]) -> float:
    """Return the seconds of decoding every page into the structs that normalising reads, and no more."""
    pages = [fetched.body for fetched in answers if "/data/" in fetched.address]
    begun = time.perf_counter()
    for body in pages:
        _pages.decode(body)
    return time.perf_counter() - begun


async def _replayed(settings: Settings, kept: Path, kpis: int) -> Line:
    async with open_store(settings) as store:
        await migrate(store)
        return await replay(Night(settings=settings, store=store), kolada.listed(kpis), kept)


def main(kept: Path, kpis: int) -> None:
    """Load the answers at *kept*, and tell how many figures, seconds and megabytes it took."""
    begun = time.perf_counter()
    line = asyncio.run(_replayed(read_settings(), kept, kpis))
    assert line.counts
    assert line.outcome == PUBLISHED, line.detail
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KILOBYTES
    print(json.dumps([line.counts.observations, time.perf_counter() - begun, peak]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
