"""The real files of Socialstyrelsen and LUPP, dropped into the inbox: published as they stand, by no hand."""

import asyncio
import csv
import os
import shutil
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from datasets.catalogue import Dataset
from datasets.checks import Bounds
from datasets.settings import Settings
from datasets.store import Store
from loaders.catalogue import Listed
from loaders.inbox import INBOX
from loaders.nightly import Night, load
from loaders.report import Line
from loaders.source import Plan
from loaders.swedish import MONTHS
from tests.standins import Figures, Ledger, ledger
from tests.test_deliveries import (
    AID,
    COLUMNS,
    LONG,
    MEDICINES,
    STATES,
    all_areas,
    categories,
    indicator,
    sheet_by_hand,
    written,
)

pytestmark = pytest.mark.shared
KEYS = {"file", "dataset", "indicator", "retrieved", "note"}


@dataclass
class Box:
    """A home with an inbox, its database, and the recordings."""

    home: Path
    database: str
    real: Path

    def night(self, file: str, table: str, indicators: str, *, age: float = 3600) -> Line:
        """Drop a recorded file and load it by night as the description says."""
        described = tomllib.loads(written(self.home, "x", table, indicators).read_text("utf-8"))
        folder = self.home / INBOX / described["dataset"]["id"]
        folder.mkdir(parents=True, exist_ok=True)
        dropped = Path(shutil.copy(self.real / file, folder))
        when = time.time() - age
        os.utime(dropped, (when, when))
        return asyncio.run(self._night(listed(described)))

    async def _night(self, one: Listed) -> Line:
        store = Store.at(self.database)
        try:
            settings = Settings(home=str(self.home), database_url=self.database)
            return await load(Night(settings=settings, store=store), one)
        finally:
            await store.close()

    @property
    def ledger(self) -> Ledger:
        return ledger(self.database)


def listed(described: Mapping[str, Any]) -> Listed:
    """The entry of a catalogue that says what the TOML of a hand-over says."""
    said = {name: value for name, value in described.items() if name not in KEYS}
    dataset = msgspec.convert(described["dataset"], Dataset)
    plan = Plan(dataset=dataset, load=said, indicators=tuple(described["indicator"]))
    return Listed(source=INBOX, plan=plan, bounds=Bounds(), corrections=())


@pytest.fixture
def box(tmp_path: Path, database: str, shared: Path) -> Box:
    return Box(tmp_path, database, shared / "real")


def test_the_export_of_medicines_is_published_to_the_last_cell(box: Box) -> None:
    file = "socialstyrelsen/csv/socialstyrelsen_2022-02-18.csv"
    ids = {column: f"prov-{at}" for at, column in enumerate(COLUMNS)}
    parts = categories("medicine", [name[:7] for name in MEDICINES])
    indicators = "".join(
        indicator(
            f'"{column}" = {{}}',
            ids[column],
            unit=unit,
            more=parts,
            zero="missing" * (column == "Befolkning"),
        )
        for column, unit in COLUMNS.items()
    )
    line = box.night(file, LONG, indicators)

    codes = {area.name: str(area.code) for area in all_areas()}
    sexes = {"Män": "men", "Kvinnor": "women", "Båda könen": "total"}
    stated: Figures = {}
    with (box.real / file).open(encoding="utf-8-sig", newline="") as opened:
        for row in csv.DictReader(opened, delimiter=";"):
            key = (codes[row["Region"]], sexes[row["Kön"]], row["År"], f"medicine:{row['Läkemedel'][:7]}")
            for column, name in ids.items():
                value = float(row[column].replace(",", "."))
                if value or column != "Befolkning":
                    stated[name, *key] = value
    assert (line.outcome, line.version) == ("published", "1.0.0")
    assert box.ledger.figures() == stated
    assert len(stated) == 5 * 4950 - 1300


def test_each_dated_workbook_makes_a_version_of_exactly_the_months_that_came(box: Box) -> None:
    months = categories("month", [f"{number:02}" for number in range(1, 13)])
    both = indicator('"Antal hushåll" = {}', "prov-hushall", more=months)
    both += indicator('"Utbetalt ekonomiskt bistånd tkr" = {}', "prov-tkr", more=months)
    files = [f"socialstyrelsen/xlsx/Socialstyrelsen_{state}.xlsx" for state in STATES]
    lines = [box.night(file, AID, both, age=3600 - 60 * at) for at, file in enumerate(files)]
    told = box.ledger

    assert [line.version for line in lines] == ["1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4"]
    assert [line.counts.revised for line in lines[1:] if line.counts] == [2, 2, 6, 2]
    for at, file in enumerate(files):
        stated = {
            (name, "20", "total", row[0], f"month:{MONTHS.index(row[1].lower()) + 1:02}"): float(row[column])
            for row in filter(None, sheet_by_hand(box.real / file)[2:])
            for column, name in ((2, "prov-hushall"), (3, "prov-tkr"))
            if row[column] != "--"
        }
        assert told.figures(at) == stated


def test_the_shares_of_another_region_are_published_as_they_stand_and_by_a_table_of_names(box: Box) -> None:
    file = "lupp/ungadel.csv"
    with (box.real / file).open(encoding="latin-1", newline="") as opened:
        rows = list(csv.DictReader(opened))
    towns = [area for area in all_areas() if area.parent == "20"]
    names = {"Dalarna": "20"} | {
        form: str(area.code)
        for area in towns
        for form in (f"{area.name} kommun", f"{area.name}s kommun", f"{area.name[:-1]} kommun")
        if form in {row["Boendekommun"] for row in rows}
    }
    table = (
        'year = "År"\narea = "Boendekommun"\nfixed = {sex = "total"}\ndecimal = "."\nareaNames = {'
        + ", ".join(f'"{name}" = "{code}"' for name, code in names.items())
        + '}\ndimensions.stage = {column = "Undersökning", codes = '
        + '{"Högstadiet" = "hogstadiet", "Gymnasiet" = "gymnasiet"}}'
    )
    stages = categories("stage", ["hogstadiet", "gymnasiet"])
    shares = indicator('"andel" = {}', unit="percent", more=stages)
    held = box.night(file, table.replace('"Gagnefs kommun"', '"Gagnef"'), shares)
    line = box.night(file, table, shares)

    codes = {"Högstadiet": "stage:hogstadiet", "Gymnasiet": "stage:gymnasiet"}
    assert (held.outcome, line.outcome) == ("held", "published")
    assert held.detail[0].startswith("ungadel.csv, row 11, Boendekommun: 'Gagnefs kommun' is no area")
    assert box.ledger.figures() == {
        ("prov-antal", names[row["Boendekommun"]], "total", row["År"], codes[row["Undersökning"]]): float(
            row["andel"]
        )
        for row in rows
    }
    assert len(rows) == 95
