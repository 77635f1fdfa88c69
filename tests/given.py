"""What the tests make up: figures, cubes, drafts, hand-over files, and commands run for real."""

import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from hypothesis import settings
from hypothesis import strategies as st

from datasets.catalogue import Dataset, Dimension, Indicator
from datasets.cube import Cube, cube_from
from datasets.ledger import Draft
from datasets.vocabulary import (
    Breakdown,
    Flag,
    Interval,
    MunicipalityCode,
    Observation,
    Period,
    Sex,
    Source,
    Status,
    Text,
    Year,
)
from tests.conftest import ROOT

settings.register_profile("shared machine", deadline=None, max_examples=50)
settings.load_profile("shared machine")

HEADER = ("municipality", "sex", "year", "value")
FORM = """\
file = "{file}"
{top}

[dataset]
id = "{id}"
title = {{sv = "Prov"}}
description = {{sv = "Påhittade siffror"}}
source = "region-kalmar"
publisher = "Region Kalmar län"
attribution = "Källa: Region Kalmar län"
processing = "asPublished"
theme = "aldre"
updateFrequency = "annual"
{dataset}

[[indicator]]
id = "{id}-andel"
title = {{sv = "Andel"}}
definition = {{sv = "Andel (%)"}}
unit = "{unit}"

[indicator.breakdowns.age]
title = {{sv = "Ålder"}}

[indicator.breakdowns.age.categories]
"65-79" = {{sv = "65 till 79 år"}}
"80-" = {{sv = "80 år och äldre"}}
{end}
"""


def figure(
    municipality: str = "0880", sex: Sex = Sex.TOTAL, year: int = 2020, breakdown: str = "", **said: Any
) -> Observation:
    if "status" not in said:
        said.setdefault("value", 1.5)
    return Observation(
        municipality=MunicipalityCode(municipality),
        sex=sex,
        year=Year(year),
        breakdown=Breakdown.parse(breakdown),
        **said,
    )


def cube(*figures: Observation) -> Cube:
    return cube_from(figures or (figure(),))


def indicator(name: str = "prov-andel", **said: Any) -> Indicator:
    age = Dimension(Text("Ålder"), {"80-": Text("80 år och äldre"), "65-79": Text("65 till 79 år")})
    told = {"title": Text("Andel"), "definition": Text("Andel (%)"), "unit": "percent"}
    return Indicator(id=name, breakdowns={"age": age}, **(told | said))


def dataset(name: str = "prov", **said: Any) -> Dataset:
    told = {
        "title": Text("Prov"),
        "description": Text("Påhittade siffror"),
        "source": Source.REGION_KALMAR,
        "publisher": "Region Kalmar län",
        "attribution": "Källa: Region Kalmar län",
        "processing": "asPublished",
        "theme": "aldre",
        "update_frequency": "annual",
    }
    return Dataset(id=name, **(told | said))


def draft(name: str = "prov", cubes: dict[str, Cube] | None = None, **said: Any) -> Draft:
    cubes = {f"{name}-andel": cube()} if cubes is None else cubes
    told = {"dataset": dataset(name), "indicators": {one: indicator(one) for one in cubes}}
    return Draft(cubes=cubes, **(told | said))


def form(folder: Path, **said: str) -> Path:
    told = {"file": "prov.csv", "top": "", "id": "prov", "dataset": "", "unit": "percent", "end": ""}
    path = folder / "prov.toml"
    path.write_text(FORM.format(**(told | said)), "utf-8")
    return path


def handed_over(folder: Path, table: str | bytes, **said: str) -> Path:
    (folder / "prov.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    return form(folder, **said)


def rows(*lines: str, header: Sequence[str] = HEADER) -> str:
    return "".join(f"{line}\n" for line in (",".join(header), *lines))


def workbook(path: Path, *lines: Sequence[object], sheet: str = "Blad1") -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet(sheet)
        for row, cells in enumerate(lines):
            for column, cell in enumerate(cells):
                if cell is not None:
                    page.write(row, column, cell)
    return path


def run(
    module: str, *words: str | Path, root: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a package of the project, or of its copy at *root*, as a command."""
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, words)],
        cwd=root or ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def decimals(most_digits: int = 15) -> st.SearchStrategy[Decimal]:
    """Return decimals with as many digits as a float keeps for certain, up to ten of them after the point."""
    whole = st.integers(-(10**most_digits) + 1, 10**most_digits - 1)
    return st.builds(lambda digits, places: Decimal(digits).scaleb(-places), whole, st.integers(0, 10))


def numbers() -> st.SearchStrategy[float]:
    wild = st.floats(-1e15, 1e15, exclude_min=True, exclude_max=True).filter(
        lambda number: number == 0 or abs(number) >= 1e-15
    )
    return wild | st.integers(-50, 50).map(float) | decimals().map(float)


def keys() -> st.SearchStrategy[tuple[Any, ...]]:
    categories = st.dictionaries(
        st.sampled_from(["age", "reporter", "rub"]), st.sampled_from(["80-", "polis", "F51-", "0.5"])
    )
    codes = st.sampled_from(["00", "08", "0834", "0880", "0880R001", "0880A0010", "0880-berga", "G33618"])
    years = st.integers(2018, 2025) | st.integers(1749, 2200)
    return st.tuples(
        codes.map(MunicipalityCode), st.sampled_from(Sex), years.map(Year), categories.map(Breakdown.of)
    )


@st.composite
def observed(draw: st.DrawFn, key: tuple[Any, ...]) -> Observation:
    municipality, sex, year, breakdown = key
    told: dict[str, Any] = {"status": draw(st.sampled_from(Status))}
    if draw(st.booleans()):
        low, value, high = sorted(draw(st.tuples(numbers(), numbers(), numbers())))
        told = {
            "value": value,
            "flags": frozenset(draw(st.sets(st.sampled_from(Flag)))),
            "interval": draw(st.sampled_from([None, Interval(low, high)])),
            "count": draw(st.none() | st.integers(0, 2**53)),
        }
    end = date(year, 12, draw(st.sampled_from([1, 31])))
    start = draw(st.just(date(year, 1, 1)) | st.dates(date(1700, 1, 1), end))
    return Observation(
        municipality=municipality,
        sex=sex,
        year=year,
        breakdown=breakdown,
        period=draw(st.sampled_from([None, Period(start, end)])),
        **told,
    )


def observations(least: int = 0) -> st.SearchStrategy[list[Observation]]:
    several = st.lists(keys(), unique=True, min_size=least, max_size=6)
    return several.flatmap(lambda chosen: st.tuples(*map(observed, chosen)).map(list))


def plain(told: Observation) -> Observation:
    """Return *told* as it is kept: without a period that is its calendar year."""
    said = {name: getattr(told, name) for name in told.__struct_fields__}
    if told.period and told.period.is_calendar_year:
        said["period"] = None
    return Observation(**said)
