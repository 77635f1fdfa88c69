import csv
import gzip
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from datasets.areas import area, municipalities_of
from datasets.catalogue import Indicator
from datasets.ledger import Draft
from datasets.numbers import number_of
from datasets.vocabulary import Flag, Interval, Observation, Period, Sex, Status
from loaders.kinds import read_file
from loaders.starter import starter_files
from tests.conftest import ROOT, SHARED

DOCUMENT = ROOT / "docs" / "starter.md"
KALMAR_COUNTY = municipalities_of("08")
Row = Mapping[str, str]


@cache
def drafts() -> tuple[Draft, ...]:
    return tuple(map(read_file, starter_files()))


def figures(indicator: str) -> list[Observation]:
    (cube,) = (draft.cubes[indicator] for draft in drafts() if indicator in draft.cubes)
    return list(cube)


def definition(indicator: str) -> Indicator:
    return next(draft.indicators[indicator] for draft in drafts() if indicator in draft.indicators)


def the(indicator: str, municipality: str, year: int, breakdown: str = "", sex: str = "total") -> Observation:
    (found,) = (
        one
        for one in figures(indicator)
        if (one.municipality, one.year, one.breakdown.text, one.sex) == (municipality, year, breakdown, sex)
    )
    return found


@pytest.mark.parametrize("path", starter_files(), ids=lambda path: path.stem)
def test_a_starter_file_reads_without_a_fault(path: Path) -> None:
    draft = read_file(path)

    assert draft.dataset.id == path.stem
    assert all(len(cube) for cube in draft.cubes.values())


def test_no_indicator_stands_in_two_datasets() -> None:
    times = Counter(name for draft in drafts() for name in draft.indicators)

    assert [name for name, count in times.items() if count > 1] == []
    assert len(times) == 44


def test_a_share_keeps_its_interval_and_its_years() -> None:
    told = the("fohm-riskspelande", "08", 2022)

    assert (told.value, told.interval) == (3.2, Interval(2.3, 4.2))
    assert told.period == Period(date(2019, 1, 1), date(2022, 12, 31))


def test_a_dash_is_missing_and_no_zero() -> None:
    told = the("socialstyrelsen-anmalningar-anmalare", "00", 2018, "reporter:forskola")

    assert (told.value, told.status) == (None, Status.MISSING)


def test_the_population_fell_by_what_the_region_said() -> None:
    change = the("region-kalmar-befolkningsforandring", "08", 2023)
    population = the("region-kalmar-folkmangd", "08", 2023)

    assert (change.value, population.value) == (-1044, 246667)
    assert population.period == Period(date(2023, 12, 31), date(2023, 12, 31))


def test_about_4400_is_told_as_an_estimate() -> None:
    told = the("region-kalmar-adhd-antal", "08", 2022, "age:6-17")

    assert (told.value, told.flags) == (4400, {Flag.ESTIMATED})


def test_the_named_areas_stand_by_themselves() -> None:
    shares = [
        the("region-kalmar-lag-ekonomisk-standard", code, 2021, "age:0-17").value
        for code in ("08", "0881-kungshall", "0880-berga")
    ]

    assert shares == [21.6, 74.5, 1.0]


def test_population_has_no_total_that_the_source_never_stated() -> None:
    sexes = {told.sex for told in figures("scb-folkmangd")}
    country = [the("scb-folkmangd", "00", 2001, sex=sex).value for sex in ("women", "men")]

    assert sexes == {Sex.WOMEN, Sex.MEN}
    assert country == [4500683, 4408445]


def test_sums_made_by_us_say_so() -> None:
    derived = [
        name for draft in drafts() for name, told in draft.indicators.items() if told.processing == "derived"
    ]

    assert derived == ["scb-folkmangd-aldersklass"]
    assert "bearbetning" in definition(derived[0]).attribution


def test_the_document_names_every_founding_figure_once() -> None:
    named = re.findall(r"^\| (F\d{3}) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)

    assert sorted(named) == [f"F{number:03}" for number in range(1, 79)]


def recorded(path: Path) -> Iterable[Row]:
    body = path.read_bytes()
    text = (gzip.decompress(body) if path.suffix == ".gz" else body).decode()
    return csv.DictReader(text.splitlines())


def places() -> dict[str, tuple[str, str]]:
    """Return by the id of a founding figure which indicator and area the document says it has become."""
    row = r"^\| (F\d{3}) \| `[^`]+` \| `([^`]+)` \| `([^`]+)` \|"
    found = re.findall(row, DOCUMENT.read_text("utf-8"), re.MULTILINE)
    return {name: (indicator, place) for name, indicator, place in found}


def is_publishable(seed: Row) -> bool:
    says_something = bool(seed["value"]) or not seed["low"]
    named_area = seed["area_name"].startswith(("Kungshall", "Berga"))
    fact = seed["measure"] != "quizalternativ"
    return bool(fact and seed["period_start"] and (seed["area_code"] or named_area) and says_something)


def categories(seed: Row) -> set[tuple[str, str]]:
    pairs = (part.partition("=") for part in seed["breakdown"].split(";") if part)
    told = {(name, category) for name, _, category in pairs if name != "diagnosis_name"}
    return told - {("reporter", "Totalt")}


def in_the_words_of_the_seed(told: Observation, indicator: Indicator) -> set[tuple[str, str]]:
    names = {"reporter"}
    return {
        (name, indicator.breakdowns[name].categories[code].sv if name in names else code)
        for name, code in told.breakdown.parts
    }


@pytest.mark.shared
def test_what_is_publishable_of_the_founding_figures_is_in_the_collection(shared: Path) -> None:
    seeds = list(recorded(shared / "real/seeds/figures.csv"))

    assert {seed["figure_id"] for seed in seeds if is_publishable(seed)} == places().keys()


def seeds() -> list[Row]:
    path = SHARED / "real/seeds/figures.csv"
    return [seed for seed in recorded(path) if is_publishable(seed)] if path.is_file() else []


@pytest.mark.shared
@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: seed["figure_id"])
def test_a_founding_figure_stands_exactly(seed: Row) -> None:
    name, place = places()[seed["figure_id"]]
    indicator = definition(name)
    period = Period(date.fromisoformat(seed["period_start"]), date.fromisoformat(seed["period_end"]))
    (told,) = (
        one
        for one in figures(name)
        if (one.municipality, one.sex, one.year) == (place, seed["sex"], period.end.year)
        and in_the_words_of_the_seed(one, indicator) == categories(seed)
    )

    assert place == seed["area_code"] or area(place).name == seed["area_name"]
    assert seed["indicator_title_sv"] in indicator.title.sv
    assert told.period == (None if period.is_calendar_year else period)
    assert told.value == (number_of(seed["value"]) if seed["value"] else None)
    assert told.interval == (
        Interval(number_of(seed["low"]), number_of(seed["high"])) if seed["low"] else None
    )


@pytest.mark.shared
def test_the_population_is_what_scb_has_and_nothing_else(shared: Path) -> None:
    sexes = {"1": Sex.MEN, "2": Sex.WOMEN}
    by_year = recorded(shared / "real/scb/population_municipality_sex_2001_2004.csv")
    by_age = recorded(shared / "real/scb/population_municipality_age_sex_2019.csv.gz")
    expected = Counter(
        {
            (row["region_code"], sexes[row["sex_code"]], int(row["year"]), ""): number_of(row["value"])
            for row in by_year
            if row["region_code"] in {*KALMAR_COUNTY, "08", "00"}
        }
    )
    for row in by_age:
        age = "age:100-" if row["age"].startswith("100") else f"age:{row['age']}"
        if row["region_code"] in KALMAR_COUNTY:
            expected[row["region_code"], sexes[row["sex_code"]], 2019, age] = number_of(row["value"])

    assert expected == {
        (told.municipality, told.sex, told.year, told.breakdown.text): told.value
        for told in figures("scb-folkmangd")
    }


@pytest.mark.shared
def test_the_age_classes_are_the_sums_of_the_ages(shared: Path) -> None:
    expected: Counter[tuple[str, str, str]] = Counter()
    for row in recorded(shared / "real/scb/population_municipality_age_sex_2019.csv.gz"):
        code, age = row["region_code"], int(row["age"].rstrip("+-"))
        sex = {"1": "men", "2": "women"}[row["sex_code"]]
        group = "age:100-" if age == 100 else f"age:{age - age % 5}-{age - age % 5 + 4}"
        around = {code, "08"} if code in KALMAR_COUNTY else set()
        for place in around | {"00"}:
            for breakdown in (group, ""):
                expected[place, sex, breakdown] += int(row["value"])

    assert expected == {
        (told.municipality, told.sex, told.breakdown.text): told.value
        for told in figures("scb-folkmangd-aldersklass")
    }


@pytest.mark.shared
def test_the_figures_of_kolada_are_what_was_recorded_and_nothing_else(shared: Path) -> None:
    ours = {
        name: cube
        for draft in drafts()
        if draft.dataset.id.startswith("kolada-")
        for name, cube in draft.cubes.items()
    }
    expected = {
        (row["kpi"], row["municipality"], int(row["period"])): number_of(row["value"])
        for row in recorded(shared / "real/kolada/values.csv.gz")
        if row["recording"] == "kld_explorer" and row["kpi"] in ours and row["municipality"] in KALMAR_COUNTY
    }

    assert len(ours) == 29
    assert expected == {
        (name, told.municipality, told.year): told.value for name, cube in ours.items() for told in cube
    }
