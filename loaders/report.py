"""The report of a night: a table for a person, JSON for a machine, one line a dataset for the log."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct
from rich.table import Table

from datasets.changes import Counts
from datasets.ledger import FAILED, HELD, PUBLISHED, UNCHANGED

WAITING = "waiting"
"""What comes of a dataset that is loaded from files when there is no new one: nothing was checked."""
_SHOWN = 5
WORDS = {
    WAITING: "no new file",
    PUBLISHED: "published",
    UNCHANGED: "checked, no change",
    HELD: "held",
    FAILED: "failed",
}
"""What people read for each outcome."""


class Line(Struct, frozen=True, kw_only=True, rename="camel"):
    """What came of one dataset."""

    dataset: str
    source: str
    outcome: str
    seconds: float
    version: str = ""
    release: int | None = None
    counts: Counts | None = None
    detail: tuple[str, ...] = ()

    def told(self, outcome: str, detail: Sequence[str]) -> "Line":
        """Return this line with *outcome* and why."""
        return msgspec.structs.replace(self, outcome=outcome, detail=tuple(detail))

    def counted(self, outcome: str, *, version: str, release: int | None, counts: Counts) -> "Line":
        """Return this line with what was published, or found unchanged."""
        return msgspec.structs.replace(self, outcome=outcome, version=version, release=release, counts=counts)

    def lasting(self, seconds: float) -> "Line":
        """Return this line with how long it took."""
        return msgspec.structs.replace(self, seconds=round(seconds, 3))

    @property
    def is_well(self) -> bool:
        """Tell whether nobody needs to look."""
        return self.outcome in {PUBLISHED, UNCHANGED, WAITING}


class Report(Struct, frozen=True, kw_only=True, rename="camel"):
    """A whole night."""

    started_at: datetime
    finished_at: datetime
    dry_run: bool
    datasets: tuple[Line, ...]

    @property
    def is_well(self) -> bool:
        """Tell whether every dataset was loaded."""
        return all(line.is_well for line in self.datasets)


def report_bytes(report: Report) -> bytes:
    """Return the report as JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def report_table(report: Report) -> Table:
    """Return the report as a table."""
    heads = ("dataset", "source", "outcome", "version", "figures", "added", "revised", "removed", "s", "why")
    table = Table(*heads)
    for line in report.datasets:
        counts = line.counts or Counts(0)
        numbers = map(str, (counts.observations, counts.added, counts.revised, counts.removed))
        outcome, style = WORDS[line.outcome], "" if line.is_well else "red"
        more = len(line.detail) - _SHOWN
        why = "\n".join((*line.detail[:_SHOWN], *([f"(+{more})"] if more > 0 else [])))
        table.add_row(
            line.dataset,
            line.source,
            outcome,
            line.version,
            *numbers,
            f"{line.seconds:.1f}",
            why,
            style=style,
        )
    return table


def log_line(line: Line) -> str:
    """Return one line for a log."""
    why = f": {line.detail[0]}" if line.detail else ""
    version = f" {line.version}" if line.version else ""
    return f"{line.dataset} {WORDS[line.outcome]}{version} in {line.seconds:.1f} s{why}"
