"""Invented figures that are hard to draw and to tell: breaks, gaps, what is hidden, one, none, 290."""

from collections.abc import Iterator

from datasets.areas import AreaType, areas
from datasets.catalogue import Note, SeriesBreak
from datasets.ledger import Draft
from datasets.vocabulary import Flag, Interval, Observation, Sex, Status, Text
from tests import given

BREAK = "Från 2020 räknas inte den som bara har trygghetslarm."
HIDDEN = {("0880", Sex.MEN, 2021)}
ABSENT = {("08", Sex.WOMEN, 2017)}


def share(area: str, sex: Sex, year: int) -> float:
    base = {"00": 22, "08": 25, "0880": 27}[area] + {Sex.TOTAL: 0, Sex.WOMEN: 4, Sex.MEN: -4}[sex]
    return round(base + (year - 2015) * 0.3 - (6 if year >= 2020 else 0), 1)


def hemtjanst() -> Iterator[Observation]:
    for area in ("00", "08", "0880"):
        for sex in (Sex.TOTAL, Sex.WOMEN, Sex.MEN):
            for year in range(2015, 2024):
                if (area, sex, year) in ABSENT:
                    continue
                if (area, sex, year) in HIDDEN:
                    yield given.figure(area, sex, year, status=Status.SUPPRESSED)
                else:
                    yield given.figure(area, sex, year, value=share(area, sex, year))


def everywhere() -> Iterator[Observation]:
    codes = [one.code for one in areas().values() if one.type is AreaType.MUNICIPALITY and not one.valid_to]
    for at, code in enumerate(sorted(codes)):
        yield given.figure(code, year=2022, value=(at * 37) % 101 / 4)
        yield given.figure(code, year=2023, value=(at * 53) % 97 / 4)


def riskspelande() -> Iterator[Observation]:
    yield given.figure(
        "08", year=2022, value=3.2, interval=Interval(2.3, 4.2), flags=frozenset({Flag.ESTIMATED})
    )


def bids() -> Iterator[Observation]:
    for year, value in ((2013, 71.5), (2016, 70.1), (2019, 69.25), (2022, 68.0)):
        yield given.figure(year=year, value=value, interval=Interval(value - 2, value + 2))


def change() -> Iterator[Observation]:
    yield from (
        given.figure(code, value=value) for code, value in (("0880", 3.0), ("0834", -12.5), ("08", 0))
    )


def crowd() -> Iterator[Observation]:
    codes = [one.code for one in areas().values() if one.type is AreaType.MUNICIPALITY and not one.valid_to]
    yield from (given.figure(code, sex, 2023) for code in codes for sex in Sex)


def hidden() -> Iterator[Observation]:
    yield from (given.figure(sex=sex, year=2023, status=Status.SUPPRESSED) for sex in (Sex.WOMEN, Sex.MEN))


FIGURES = {
    "N21704": hemtjanst,
    "prov-alla-kommuner": everywhere,
    "prov-en-punkt": riskspelande,
    "prov-enkat": bids,
    "prov-forandring": change,
    "prov-ingen": hidden,
    "prov-trangsel": crowd,
}
TITLES = {
    "N21704": Text(
        "Invånare 80+ med hemtjänst i ordinärt boende, andel (%)", "Inhabitants 80+ with home care, share (%)"
    ),
    "prov-alla-kommuner": Text("Alla kommuners andel", "The share of every municipality"),
    "prov-en-punkt": Text("Andel med riskspelande", "Share with risk gambling"),
    "prov-enkat": Text("Andel med god hälsa", "Share with good health"),
    "prov-forandring": Text("Befolkningens förändring", "Change of population"),
    "prov-ingen": Text("Andel som är dold", "Hidden share"),
    "prov-trangsel": Text("Fler staplar än någon kan läsa", "More bars than anybody can read"),
}


def drafts() -> Iterator[Draft]:
    """Yield the datasets, to be published in this order."""
    hard = Note(text=Text("Får inte läsas utan <b>denna</b> not."), mandatory=True)
    indicators = {
        name: given.indicator(name, title=TITLES[name], decimals=1, notes=(hard,)) for name in FIGURES
    }
    broken = {"breaks": (SeriesBreak(2020, Text(BREAK)),), "source_code": "N21704"}
    indicators["N21704"] = given.indicator("N21704", title=TITLES["N21704"], decimals=1, **broken)
    cubes = {name: given.cube(*figures()) for name, figures in FIGURES.items()}
    about = given.dataset(
        licence="https://creativecommons.org/publicdomain/zero/1.0/", keywords=("äldre", "hemtjänst")
    )
    yield given.draft(cubes=cubes, indicators=indicators, dataset=about)
