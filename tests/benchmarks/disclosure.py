"""Protecting a LUPP hand-over of the whole county, twice revised: time and memory of each publish.

`python -m tests.benchmarks.disclosure QUESTIONS` protects one hand-over, in a process of its own.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from datasets.disclosure.protecting import protected
from datasets.disclosure.shown import Version, by_key
from loaders.kinds import read_file
from tests import pupils
from tests.benchmarks.running import ROOT

AREAS, REVISIONS, CHANGES = 12, 2, 20
QUESTIONS = {6: 120, 50: 600}
"""How many questions are put, and how many seconds a publish may take then."""
_KILOBYTES = 1 << 10


class Protected(NamedTuple):
    """One publish: which it was of how many questions, and what it took."""

    questions: int
    revision: int
    figures: int
    hidden: int
    seconds: float
    worked: float
    """Seconds of a processor, which a busy machine does not stretch."""
    peak: float
    """The most memory that the process had so far, in megabytes."""


def measured() -> list[Protected]:
    """Return every publish of every size."""
    found = []
    for questions in QUESTIONS:
        done = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.disclosure", str(questions)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        found += [Protected(*json.loads(line)) for line in done.stdout.splitlines()]
    return found


def lines(found: list[Protected]) -> Iterator[str]:
    """Yield the page's part on it."""
    yield "## Nobody in a small number\n"
    yield f"A LUPP hand-over of {AREAS} municipalities, four sexes and two school stages: suppression, given"
    yield f"every version before, and the attack on all. Each revision changes {CHANGES} counts.\n"
    yield "| questions | publish | figures | hidden | seconds | of work | at most | memory so far |"
    yield "|---|---|---|---|---|---|---|---|"
    for one in found:
        name = f"revision {one.revision}" if one.revision else "first"
        times = f"{one.seconds:.0f} | {one.worked:.0f} | {QUESTIONS[one.questions]}"
        counts = f"{one.questions} | {name} | {one.figures} | {one.hidden}"
        yield f"| {counts} | {times} | {one.peak:.0f} MB |"
    yield ""


def _protect(questions: int) -> Iterator[Protected]:
    counts = pupils.counts(AREAS, questions)
    versions: list[Version] = []
    for revision in range(REVISIONS + 1):
        with tempfile.TemporaryDirectory() as folder:
            draft = read_file(pupils.written(Path(folder), counts))
        assert draft.confidential
        began, worked = time.monotonic(), time.process_time()
        safe = protected(draft, draft.confidential, versions)
        seconds, worked = time.monotonic() - began, time.process_time() - worked
        figures = [one for cube in safe.cubes.values() for one in cube]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KILOBYTES
        hidden = sum(one.status is not None for one in figures)
        yield Protected(questions, revision, len(figures), hidden, seconds, worked, peak)
        versions.append(Version({name: by_key(cube) for name, cube in safe.cubes.items()}, safe.indicators))
        counts = pupils.revised(counts, CHANGES, seed=revision)


if __name__ == "__main__":
    for publish in _protect(int(sys.argv[1])):
        print(json.dumps(publish), flush=True)
