"""The command `diff`: what differs between two versions, as a table for a person or as lines for a pipe."""

import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from datasets.change_rows import DEFINITION, REVISED
from datasets.changes import Version
from datasets.closest import closest
from datasets.compare import changes_between
from datasets.errors import UnknownCodeError
from datasets.ledger import Release
from datasets.store import Session, Store

REFLAGGED = "re-flagged"
"""What we call a figure whose value stands, but of which something else is told otherwise."""
SHOWN = 200
"""So many changes a table shows unless told otherwise; a pipe gets them all."""
_COLUMNS = ("change", "indicator", "municipality", "sex", "year", "breakdown", "before", "after")
_COLOURS = {"added": "green", "removed": "red", REVISED: "yellow", REFLAGGED: "cyan", DEFINITION: "magenta"}
_LONGEST = 80


class Versions(NamedTuple):
    """The two versions that are compared; None is the time before the first."""

    before: Release | None
    after: Release


def versions_of(
    line: Iterable[Release], dataset: str, before: str | None = None, after: str | None = None
) -> Versions:
    """Return the releases of two versions; left out, the newest and the one right before the later.

    Raises UnknownCodeError with the closest for a dataset or a version that was never published.
    """
    line = list(line)
    known = {str(one.version): one for one in line if one.dataset == dataset}
    if not known:
        names = sorted({one.dataset for one in line})
        raise UnknownCodeError("published dataset", dataset, closest(dataset, names))
    for asked in (before, after):
        if asked is not None and asked not in known:
            kind = f"version of {dataset}"
            raise UnknownCodeError(kind, asked, closest(asked, known))
    later = known[after or str(max(map(Version.parse, known)))]
    earlier = [one for one in known.values() if one.number < later.number]
    if before is not None:
        return Versions(known[before], later)
    return Versions(earlier[-1] if earlier else None, later)


async def diff(store: Store, asked: Versions, console: Console, *, most: int | None) -> None:
    """Show what differs: on a terminal as a table of at most *most* changes, in a pipe one a line."""
    counts: Counter[str] = Counter()
    async with store.session() as session:
        changes = _told(session, asked)
        if sys.stdout.isatty():
            await _table(changes, counts, console, SHOWN if most is None else most)
        else:
            sys.stdout.write("\t".join(_COLUMNS) + "\n")
            async for cells in changes:
                if most is None or counts.total() < most:
                    sys.stdout.write("\t".join(cells) + "\n")
                counts[cells[0]] += 1
    # beside the lines, not among them
    words = ", ".join(f"{count} {word}" for word, count in counts.items()) or "nothing differs"
    before = str(asked.before.version) if asked.before else "nothing"
    text = f"{asked.after.dataset} {before} -> {asked.after.version}: {words}"
    Console(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)


async def _table(
    changes: AsyncIterator[Sequence[str]], counts: Counter[str], console: Console, most: int
) -> None:
    table = Table(*_COLUMNS)
    with console.status("comparing"):
        async for cells in changes:
            if counts.total() < most:
                colour = _COLOURS[cells[0]]
                table.add_row(f"[{colour}]{cells[0]}[/]", *map(escape, cells[1:]))
            counts[cells[0]] += 1
    console.print(table)
    if counts.total() > most:
        text = f"the first {most} of {counts.total()}; --rows shows more, a pipe gets them all"
        console.print(text, highlight=False)


async def _told(session: Session, asked: Versions) -> AsyncIterator[Sequence[str]]:
    async for rows in changes_between(session, asked.before, asked.after):
        for row in rows:
            yield _cells(msgspec.json.decode(row))


def _cells(change: Mapping[str, Any]) -> Sequence[str]:
    """Return a change as the texts of its columns; a changed definition names its field as breakdown."""
    if change["change"] == DEFINITION:
        sides = (_short(change["before"]), _short(change["after"]))
        name = change.get("indicator") or change["dataset"]
        return (DEFINITION, name, "", "", "", change["field"], *sides)
    word = change["change"]
    if word == REVISED and not {"value", "status"} & set(change["fields"]):
        word = REFLAGGED
    parts = ",".join(f"{name}:{code}" for name, code in change.get("breakdown", {}).items())
    key = (change["indicator"], change["municipality"], change["sex"], str(change["year"]), parts)
    return (word, *key, _state(change["before"]), _state(change["after"]))


def _state(told: Mapping[str, Any] | None) -> str:
    """Say one state of a figure: its value or status first, then whatever else is told of it."""
    if told is None:
        return ""
    first = told.get("status") or msgspec.json.encode(told["value"]).decode()
    rest = [
        f"{name}={','.join(said) if isinstance(said, list) else said}"
        for name, said in told.items()
        if name not in {"value", "status"}
    ]
    return " ".join((first, *rest))


def _short(told: Any) -> str:
    """Say a part of a definition in one line."""
    if isinstance(told, Mapping) and "sv" in told:
        told = told["sv"]
    text = "" if told is None else told if isinstance(told, str) else msgspec.json.encode(told).decode()
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
