"""Generated figures of the usual shape: indicators by municipality, sex, year and age, as a hand-over."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from datasets.areas import AreaType, areas

SEXES = ("total", "women", "men")
AGES = ("", "80-")
FIRST_YEAR = 2000
HEADER = "indicator,municipality,sex,year,age,value,status"
_MISSING = 0.03
_DATASET = """file = "{name}.csv"
note = "Benchmark"

[dataset]
id = "{name}"
title = {{sv = "Mätning {name}"}}
description = {{sv = "Påhittade siffror för att mäta hastighet."}}
source = "kolada"
publisher = "Länsdata"
attribution = "Påhittade siffror"
processing = "asPublished"
theme = "befolkning"
updateFrequency = "irregular"
"""
_INDICATOR = """
[[indicator]]
id = "{id}"
title = {{sv = "Mått {id}"}}
definition = {{sv = "Ett påhittat mått."}}
unit = "{unit}"
breakdowns.age = {{title = {{sv = "Ålder"}}, categories = {{"80-" = {{sv = "80 år och äldre"}}}}}}
"""
_UNITS = ("persons", "percent", "kronorPerInhabitant")


def municipalities() -> list[str]:
    """Return the codes of today's municipalities."""
    return [
        str(area.code)
        for area in areas().values()
        if area.type is AreaType.MUNICIPALITY and area.valid_to is None
    ]


def indicator_ids(name: str, count: int) -> list[str]:
    """Return the ids of the indicators of the dataset *name*."""
    return [f"{name}{number:04}" for number in range(count)]


class Size(NamedTuple):
    """How many indicators, years and ages there are figures for."""

    indicators: int
    years: int
    ages: int


def write_handover(folder: Path, name: str, size: Size, seed: int) -> Path:
    """Write a hand-over of random figures, CSV and TOML, into *folder*; return its TOML."""
    ids = indicator_ids(name, size.indicators)
    with (folder / f"{name}.csv").open("w", encoding="utf-8") as out:
        out.write(HEADER + "\n")
        for number, indicator in enumerate(ids):
            random = np.random.default_rng([seed, number])
            out.writelines(_rows(indicator, number, size, random))
    definitions = [
        _INDICATOR.format(id=indicator, unit=_UNITS[number % len(_UNITS)])
        for number, indicator in enumerate(ids)
    ]
    form = folder / f"{name}.toml"
    form.write_text(_DATASET.format(name=name) + "".join(definitions), "utf-8")
    return form


def _rows(indicator: str, number: int, size: Size, random: np.random.Generator) -> Iterator[str]:
    """Yield a third of the indicators as whole numbers, as shares with a decimal, as costs with eight."""
    keys = [
        f"{indicator},{municipality},{sex},{year},{age}"
        for municipality in municipalities()
        for sex in SEXES
        for year in range(FIRST_YEAR, FIRST_YEAR + size.years)
        for age in AGES[: size.ages]
    ]
    decimals, most = ((0, 100_000.0), (1, 100.0), (8, 90_000.0))[number % len(_UNITS)]
    values = np.round(random.random(len(keys)) * most, decimals).tolist()
    missing = (random.random(len(keys)) < _MISSING).tolist()
    for key, value, absent in zip(keys, values, missing, strict=True):
        text = str(int(value)) if decimals == 0 or value == int(value) else repr(value)
        yield f"{key},,missing\n" if absent else f"{key},{text},\n"
