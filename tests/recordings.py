"""The recordings of Kolada and SCB as they lie beside the project, read without any of our loaders."""

import csv
import gzip
import json
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from datasets.areas import AreaType, areas
from datasets.vocabulary import Sex
from loaders.kolada_catalogue import unit_of
from loaders.kolada_codes import Kpi
from loaders.source import BrokenSourceError, Plan
from tests.conftest import ROOT, SHARED
from tests.given import dataset
from tests.samples.scb_small import age, plan_of
from tests.standins import COSTS, Figures

Key = tuple[str, str, Sex, int]
CellKey = tuple[str, str, int, str]

NEWEST = "2026-08-16"
KOLADA_SEX = {"T": Sex.TOTAL, "K": Sex.WOMEN, "M": Sex.MEN}
COUNTIES = sorted(code for code, known in areas().items() if known.type is AreaType.COUNTY)
EVERYWHERE = ["00", *COUNTIES, *(f"county:{code}" for code in COUNTIES)]

LONG = [f"N{number:05}" for number in (92, 93, 94, 800, 1811, 1813, 1918, 1938, 1950, 1960, 1961, 1963)]
LONG += [f"N{number}" for number in (15404, 15418, 20014, 20028, 20896, 31001, 40010, 40011, 45031)]
LONG += ["N00084", "U00909", "U07417", "U07418"]
"""Enough KPIs for more rows than one page holds; in the catalogue of 2013 none says what it is for."""

TABLES = SHARED / "real/scb/tables"
AGES = [str(year) for year in range(100)]
MARITAL = {"OG": "unmarried", "G": "married", "ÄNKL": "widowed", "SK": "divorced"}
TENS = [f"{first}-{first + 9}" for first in range(0, 100, 10)]
REGION = {"role": "municipality", "take": [{"pattern": r"\d{2}|\d{4}"}]}
SCB_SEX = {"role": "sex", "take": [{"means": {"1": "men", "2": "women"}}]}
YEAR = {"role": "year"}


@cache
def kolada_catalogue(vintage: str) -> dict[str, Kpi]:
    """Read the recorded catalogue that is served at *vintage*."""
    folder = SHARED / "real" / "kolada"
    newest = max(path for path in folder.glob("kpi_*.json.gz") if path.name <= f"kpi_{vintage}.json.gz")
    return {kpi.id: kpi for kpi in msgspec.json.decode(gzip.decompress(newest.read_bytes()), type=list[Kpi])}


@cache
def _kolada_rows() -> list[dict[str, str]]:
    with gzip.open(SHARED / "real" / "kolada" / "values.csv.gz", "rt", encoding="utf-8") as file:
        return sorted(csv.DictReader(file), key=lambda row: row["vintage"])


@cache
def kolada_recorded(vintage: str) -> Mapping[Key, float | None]:
    """Read every figure that was recorded by *vintage* and whose KPI was still in the catalogue."""
    alive = kolada_catalogue(vintage)
    rows = [row for row in _kolada_rows() if row["vintage"] <= vintage and row["kpi"] in alive]
    figures: dict[Key, float | None] = {}
    for row in rows:
        code = row["municipality"].removeprefix("00") if row["municipality"] < "0100" else row["municipality"]
        value = float(row["value"]) if row["value"] else None
        # regions' KPIs were once asked for municipalities: null, "Not applicable" (rkolada, 2024-04-06)
        if row["status"] == "Not applicable" and alive[row["kpi"]].municipality_type == "L":
            assert value is None
            continue
        figures[row["kpi"], code, KOLADA_SEX[row["gender"]], int(row["period"])] = value
    return figures


def kolada_plan(kpis: Mapping[str, str] | list[str], municipalities: list[str], first: int = 1995) -> Plan:
    """Make a plan; a mapping states the unit of each KPI whose title does not."""
    units = kpis if isinstance(kpis, Mapping) else {}
    return Plan(
        dataset=dataset("kolada-prov", attribution="Källa: Kolada"),
        load={"kpis": list(kpis), "municipalities": municipalities, "years": {"from": first}},
        indicators=tuple({"id": kpi, "unit": unit} for kpi, unit in units.items() if unit),
    )


def areas_recorded_after(vintage: str) -> set[str]:
    """Return the areas of which any figure was recorded later than *vintage*."""
    with gzip.open(SHARED / "real" / "kolada" / "values.csv.gz", "rt", encoding="utf-8") as file:
        codes = {row["municipality"] for row in csv.DictReader(file) if row["vintage"] > vintage}
    return {code[2:] if code < "0100" else code for code in codes}


def stated_units(kpis: Mapping[str, Kpi]) -> dict[str, str]:
    """Return the unit to state for each KPI, empty where its title tells."""

    def stated(kpi: Kpi) -> str:
        try:
            unit_of(kpi)
        except BrokenSourceError:
            return "index"
        return ""

    return {name: stated(kpi) for name, kpi in kpis.items()}


def scb_recorded(state: str) -> Iterator[dict[str, str]]:
    """Every cell that was recorded of one state of a table."""
    with gzip.open(TABLES / state / "values.csv.gz", "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def tab638(**more: Any) -> Plan:
    by_age = {"role": "age", "take": [{"means": {"tot": ""}}]} if more.pop("undivided", False) else EVERY_AGE
    contents = {"role": "fixed", "take": [{"codes": ["BE0101N1"]}]}
    dimensions = {"Region": REGION, "Alder": by_age, "Kon": SCB_SEX, "ContentsCode": contents, "Tid": YEAR}
    tables = {"TAB638": {"dimensions": {**dimensions, "Civilstand": {"role": "eliminated"}}}}
    return plan_of(
        tables, {"table": "TAB638", **more}, symbols={"..": "missing"}, breakdowns=age(*AGES, "100-")
    )


EVERY_AGE = {"role": "age", "take": [{"pattern": r"\d\d?"}, {"means": {"100+": "100-", "tot": ""}}]}


def tab638_key(row: Mapping[str, str]) -> CellKey:
    code = {"100+": "100-"}.get(row["Alder"], row["Alder"])
    sex = {"1": "men", "2": "women"}[row["Kon"]]
    return row["Region"], sex, int(row["Tid"]), "" if code == "tot" else f"age:{code}"


def tab6471_key(row: Mapping[str, str]) -> CellKey:
    sex = {"TotSa": "total", "1": "men", "2": "women"}[row["Kon"]]
    return row["Region"], sex, int(row["Tid"][:4]), f"age:{row['Alder'].replace('100+10', '100-')}"


def tab9000_key(row: Mapping[str, str]) -> CellKey:
    sex, age = {"1": "men", "2": "women"}[row["Kon"]], row["Alder"].replace("100+", "100-")
    parts = f"age:{age};maritalStatus:{MARITAL[row['Civilstand']]}"
    return row["Region"], sex, int(row["Tid"]), parts


def tab6471(month: int) -> Plan:
    tens = {"role": "age", "take": [{"codes": TENS}, {"means": {"100+10": "100-"}}]}
    dimensions = {
        "Region": {"role": "municipality", "take": [{"pattern": r"\d\d"}]},
        "Alder": {**tens, "codelist": "vs_CKM0410årN"},
        "Kon": {"role": "sex", "take": [{"means": {"TotSa": "total", "1": "men", "2": "women"}}]},
        "ContentsCode": {"role": "fixed", "take": [{"codes": ["000007SF"]}]},
        "Tid": YEAR,
    }
    tables = {"TAB6471": {"dimensions": dimensions, "perturbed": 2025, "unit": "antal"}}
    part = {"table": "TAB6471", "from": 2026, "month": month}
    return plan_of(tables, part, symbols={"..": "missing"}, breakdowns=age(*TENS, "100-"))


def tab9000() -> Plan:
    take = {"role": "maritalStatus", "take": [{"means": MARITAL}]}
    dimensions = {
        "Region": REGION,
        "Civilstand": take,
        "Alder": {"role": "age", "take": [{"pattern": r"\d\d?"}, {"means": {"100+": "100-"}}]},
        "Kon": SCB_SEX,
        "ContentsCode": {"role": "fixed", "take": [{"codes": ["BE0101N1"]}]},
        "Tid": YEAR,
    }
    status = {"title": {"sv": "Civilstånd"}, "categories": {one: {"sv": one} for one in MARITAL.values()}}
    breakdowns = {**age(*AGES, "100-"), "maritalStatus": status}
    part = {"table": "TAB9000"}
    return plan_of({"TAB9000": {"dimensions": dimensions}}, part, breakdowns=breakdowns)


def with_catalogue(
    folder: Path, plans: Mapping[str, Plan], checks: Mapping[str, Mapping[str, Any]] | None = None
) -> Path:
    """Copy our packages into *folder*, with a catalogue of *plans* and their *checks*; return the folder.

    Both are by the id of their dataset, whose first word is the source.
    """
    for package in ("datasets", "loaders"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    catalogue = folder / "loaders" / "catalogue"
    for listed in catalogue.glob("*.toml"):
        listed.unlink()
    for name, plan in plans.items():
        said = {
            "dataset": msgspec.to_builtins(plan.dataset) | {"id": name},
            "load": {"source": name.partition("-")[0], **plan.load},
            "indicator": list(plan.indicators),
            "checks": (checks or {}).get(name, {}),
        }
        lines = (f"{key} = {_toml(value)}\n" for key, value in said.items())
        (catalogue / f"{name}.toml").write_text("".join(lines), "utf-8")
    return folder


def _toml(value: Any) -> str:
    match value:
        case Mapping():
            return "{" + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def cost_figures(*folders: Path) -> Figures:
    """Read the last recorded value of each figure of the catalogue's cost KPIs."""
    figures: Figures = {}
    for folder in folders:
        with gzip.open(folder / "values.csv.gz", "rt", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["kpi"] in COSTS and row["municipality"] in {"0008", "0000"}:
                    sex = {"T": "total", "K": "women", "M": "men"}[row["gender"]]
                    key = (row["kpi"], row["municipality"][2:], sex, row["period"], "")
                    figures[key] = float(row["value"])
    return figures


def people_figures(folder: Path) -> Figures:
    """Read the population of the county, its municipalities and the country, by sex and age."""
    with gzip.open(folder / "values.csv.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["Region"] == "00" or row["Region"][:2] == "08"]
    figures: Figures = defaultdict(float)
    for row in rows:
        sex, age, value = {"1": "men", "2": "women"}[row["Kon"]], row["Alder"], float(row["value"])
        age = age.replace("100+", "100-")
        figures["scb-folkmangd-alder", row["Region"], sex, row["Tid"], f"age:{age}" * (age != "tot")] = value
        if age != "tot":
            decade = age if age == "100-" else f"{int(age) // 10 * 10}-{int(age) // 10 * 10 + 9}"
            figures["scb-folkmangd-tioarsklass", row["Region"], sex, row["Tid"], f"age:{decade}"] += value
    return dict(figures)


def medicine_figures(path: Path) -> Figures:
    """Read what the export says of methylphenidate, by county."""
    regions = json.loads(
        (SHARED / "real" / "socialstyrelsen" / "api" / "dodsorsaker_metadata.json").read_text("utf-8")
    )
    codes = {one["text"]: one.get("kod") or one["id"] for one in regions["region"]}
    columns = {"Antal patienter": "patienter", "Patienter/1000 invånare": "per-1000"}
    sexes = {"Män": "men", "Kvinnor": "women", "Båda könen": "total"}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter=";") if row.get("Region")]
    return {
        (
            f"socialstyrelsen-metylfenidat-{name}",
            f"{int(codes[row['Region']]):02}",
            sexes[row["Kön"]],
            row["År"],
            "",
        ): float(row[column].replace(",", "."))
        for row in rows
        if row["Läkemedel"].startswith("N06BA04")
        for column, name in columns.items()
    }
