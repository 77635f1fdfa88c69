"""What the tests drop into an inbox: invented files, and a home with a database to load them by night."""

import csv
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from loaders.inbox import INBOX
from tests.standins import Figures, Ledger, Told, ledger, night_here
from tests.test_lupp import COLUMNS

LUPP, REPORTS, BUP = "lupp-kalmar-lan", "socialstyrelsen-orosanmalningar-enkat", "region-kalmar-bup"
HEALTH = ("F1a", "Hur bedömer du din hälsa?")
LIFE = ("H7", "Hur trivs du med livet?")
Cells = Sequence[object]


def table(rows: Iterable[Cells], separator: str = ";") -> bytes:
    out = StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def pupils(good: int, bad: int, *, where: str = "Kalmar kommun", of: tuple[str, str] = HEALTH) -> list[Cells]:
    """Invented counts of one school in one round, of pupils who stated no sex."""
    key = ("2021", "Högstadiet", "", where, where, *of)
    worst = "Ganska dålig" if of == HEALTH else "Ganska dåligt"
    return [(*key, "Mycket bra", good), (*key, worst, bad)]


def counts(*rows: Cells) -> bytes:
    return table([COLUMNS, *rows])


def reports(*rows: Cells) -> bytes:
    """Invented shares, as the county's deck draws the table."""
    return table([("Anmälare", "2018", "2021"), *rows])


@dataclass
class Box:
    """A home with an inbox, and its database."""

    home: Path
    database: str

    def drop(self, dataset: str, name: str, body: bytes, *, age: float = 3600) -> Path:
        folder = self.home / INBOX / dataset
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)
        when = time.time() - age
        os.utime(folder / name, (when, when))
        return folder / name

    def night(self, *words: str) -> Told:
        return night_here(self.home, self.database, "--only", *words)

    @property
    def ledger(self) -> Ledger:
        return ledger(self.database)

    @property
    def figures(self) -> Figures:
        return self.ledger.figures()


def share(indicator: str, value: float, *areas: str) -> Figures:
    return {(indicator, area, "total", "2021", "stage:hogstadiet"): value for area in areas}
