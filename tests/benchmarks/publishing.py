"""Publishing a million figures beside copying the same rows into PostgreSQL; whole processes both."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from datasets.embedded import Lease
from tests.benchmarks import peers
from tests.benchmarks.figures import Size, write_handover
from tests.benchmarks.rounds import interleaved
from tests.benchmarks.running import ROOT

INDICATORS, _YEARS, _AGES = 23, 25, 2
FIGURES = 290 * 3 * INDICATORS * _YEARS * _AGES
US, COPY = "ours", "COPY"


def names(rounds: int) -> list[str]:
    """Return the datasets that are published, one a round."""
    return [f"M{number}" for number in range(rounds)]


def measured(home: Path, held: Lease, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of publishing and of copying; a new dataset each round."""
    forms = [
        write_handover(home, name, Size(INDICATORS, _YEARS, _AGES), seed=10 + number)
        for number, name in enumerate(names(rounds))
    ]
    us = {"LANSDATA_HOME": str(home)}
    peer = {peers.DATABASE: peers.address_in(held)}
    copying = ("-m", "tests.benchmarks.copying")
    return interleaved(
        {
            US: lambda number: _seconds(["-m", "loaders", "handover", str(forms[number])], us),
            COPY: lambda number: _seconds([*copying, str(forms[number].with_suffix(".csv"))], peer),
        },
        rounds,
    )


def _seconds(command: Sequence[str], environment: Mapping[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - begun
