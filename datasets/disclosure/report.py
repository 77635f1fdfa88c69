"""The report of what was hidden at each publish: for the publisher alone, never served."""

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from datasets.disclosure.hiding import Hidden
from datasets.disclosure.relations import Confidential, primary
from datasets.disclosure.rules import Rules
from datasets.ledger import Draft

FOLDER = "disclosure"
"""The folder under LANSDATA_HOME."""


class Counted(Struct, frozen=True, kw_only=True, rename="camel"):
    """What was hidden of one indicator."""

    indicator: str
    figures: int
    primary: int
    """Hidden for their own sake."""
    complementary: int
    """Hidden so that no other can be worked out, or since an earlier version hid them."""
    kept_percent: float
    """How much of the people behind the figures is still told."""


class Report(Struct, frozen=True, kw_only=True, rename="camel"):
    """What was hidden of a dataset, by which rules, and how good the choice is."""

    dataset: str
    made_at: datetime
    rules: Rules
    indicators: tuple[Counted, ...]
    by_reason: dict[str, int]
    """How many numbers of people are too small, by what they are numbers of."""
    exact: bool
    """Whether nothing safe loses less."""
    widened: int
    """How many groups were hidden since the attacker came too close to others despite the choice."""
    above_least_percent: float
    """By how much the loss may exceed the least there is; 0 where it is exact."""


def report_of(draft: Draft, people: Confidential, found: Hidden, widened: int = 0) -> Report:
    """Return the report on what was *found* to hide of *draft*."""
    counted = []
    for question in people.questions:
        hidden = found.keys.get(question.name, frozenset())
        small = primary(question, people.rules) & hidden
        everybody = sum(map(sum, question.groups.values()))
        told = sum(sum(one) for key, one in question.groups.items() if key not in hidden)
        counted += [
            Counted(
                indicator=name,
                figures=len(draft.cubes[name]),
                primary=len(small),
                complementary=len(hidden - small),
                kept_percent=round(100 * told / everybody, 1) if everybody else 100.0,
            )
            for name in question.indicators
        ]
    loss, least = (sum(getattr(one, name) for one in found.choices) for name in ("loss", "least"))
    reasons = Counter(f"{one.sum.split()[0]}{' left over' if one.rest else ''}" for one in found.targets)
    return Report(
        dataset=draft.dataset.id,
        made_at=datetime.now(UTC),
        rules=people.rules,
        indicators=tuple(counted),
        by_reason=dict(reasons),
        exact=not widened and all(one.is_exact for one in found.choices),
        widened=widened,
        above_least_percent=round(100 * (loss - least) / least, 1) if least and loss > least else 0.0,
    )


def keep_report(home: Path, report: Report) -> Path:
    """Write *report* where only its owner reads it; return where."""
    folder = home / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    path = folder / f"{report.dataset}@{report.made_at:%Y%m%dT%H%M%S%fZ}.json"
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(report)))
    return path
