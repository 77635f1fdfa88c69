"""The datasets that come as files: their descriptions in the catalogue, and the people in them."""

import csv
import zipfile
from pathlib import Path

import pytest

from datasets.ledger import HELD, PUBLISHED
from loaders.catalogue import catalogue_files, read_listed
from loaders.inbox import INBOX
from loaders.kinds import KINDS
from tests.dropped import BUP, LUPP, REPORTS, Box, Cells, counts, pupils, reports, share, table
from tests.given import workbook

REPORTERS = {
    "Polis": "polis",
    "Skola": "skola",
    "Förskola": "forskola",
    "Hälso-, sjuk- och tandvård": "halso-sjuk-och-tandvard",
    "Socialtjänst i egen kommun": "socialtjanst-i-egen-kommun",
    "Myndighet eller socialtjänst i annan kommun": "myndighet-eller-socialtjanst-i-annan-kommun",
    "Förälder, vårdnadshavare eller anhörig": "foralder-vardnadshavare-eller-anhorig",
    "Privatperson (namngiven eller anonym)": "privatperson-namngiven-eller-anonym",
    "Annan": "annan",
    "Totalt": "",
}


@pytest.fixture
def box(tmp_path: Path, database: str) -> Box:
    return Box(tmp_path, database)


# --- people ----------------------------------------------------------------------------------------------


def test_one_small_group_is_hidden_with_what_it_follows_from_and_the_rest_is_published(box: Box) -> None:
    box.drop(
        LUPP,
        "svar.csv",
        counts(*pupils(30, 10), *pupils(30, 4, where="Nybro"), *pupils(40, 9, where="Torsås")),
    )
    told = box.night(LUPP)

    assert told.line["outcome"] == PUBLISHED
    assert box.figures == share("lupp-f1a-god-halsa", 81.3, "08") | share("lupp-f1a-god-halsa", 81.6, "0834")


def shares_of(*rows: Cells) -> bytes:
    return table([("municipality", "sex", "year", "value", "count", "status"), *rows], ",")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("08", "men", 2024, 4.5, "", ""), "1 figures do not tell on how many people they rest"),
        (("08", "men", 2024, 40, 4, ""), "1 figures are under the floor of 5 persons"),
        (("08", "men", 2024, 2, 150, ""), "1 figures are under the floor of 5 persons"),
    ],
)
def test_the_regions_own_shares_are_held_whole_for_one_that_rests_on_few_or_on_nobody_knows_how_many(
    box: Box, row: Cells, reason: str
) -> None:
    box.drop(BUP, "bup.csv", shares_of(("08", "women", 2024, 9.5, 7000, ""), row))
    told = box.night(BUP)

    assert told.line["outcome"] == HELD
    assert told.line["detail"][0].endswith(f"{reason}; the dataset is held, whole")


def test_the_regions_own_shares_are_published_with_the_number_behind_each(box: Box) -> None:
    rows = (("08", "women", 2024, 9.5, 7000, ""), ("08", "men", 2024, "", "", "suppressed"))
    box.drop(BUP, "bup.csv", shares_of(*rows))
    told = box.night(BUP)
    (cube,) = box.ledger.cubes[-1].values()

    assert told.line["outcome"] == PUBLISHED
    assert [(one.sex, one.value, one.count, one.status) for one in cube] == [
        ("women", 9.5, 7000, None),
        ("men", None, None, "suppressed"),
    ]


def test_a_file_that_has_lost_figures_is_held_by_the_checks_of_the_night(box: Box) -> None:
    rows = [("08", sex, year, 9.5, 7000, "") for sex in ("women", "men") for year in range(2019, 2025)]
    box.drop(BUP, "bup.csv", shares_of(*rows))
    box.night(BUP)
    box.drop(BUP, "bup-2.csv", shares_of(*rows[:6]), age=120)
    held = box.night(BUP)
    accepted = box.night(BUP, "--accept", "figures-lost", "--reason", "Bara kvinnor nu")

    assert held.line["detail"] == [
        "figures-lost: region-kalmar-bup-unika-patienter: 6 of 12 figures are gone"
    ]
    assert (accepted.code, accepted.line["version"]) == (0, "2.0.0")
    assert box.ledger.releases[-1].note == "figures-lost accepted: Bara kvinnor nu"


# --- the descriptions of the catalogue -------------------------------------------------------------------


@pytest.mark.parametrize("path", catalogue_files(), ids=lambda path: path.stem)
def test_a_dataset_of_files_is_of_a_known_kind_and_one_of_people_states_its_floor_and_why(path: Path) -> None:
    listed = read_listed(path)
    dataset = listed.plan.dataset

    assert listed.source != INBOX or listed.plan.load["kind"] in KINDS
    assert dataset.person_based == (dataset.threshold is not None) == bool(dataset.threshold_reason)


def test_each_municipality_is_known_to_lupp_by_its_name_and_its_official_one_and_no_other(box: Box) -> None:
    official = ("Högsby", "Torsås", "Mörbylånga", "Mönsterås", "Emmaboda", "Kalmar", "Nybro", "Vimmerby")
    genitive = ("Hultsfred", "Oskarshamn", "Västervik", "Borgholm")
    names = [*(f"{name} kommun" for name in official), *(f"{name}s kommun" for name in genitive)]
    rows = [row for name in (*names, *official, *genitive) for row in pupils(20, 20, where=name)]
    box.drop(LUPP, "svar.csv", counts(*rows))
    told = box.night(LUPP)

    codes = {area for _, area, *_ in box.figures}
    assert told.line["outcome"] == PUBLISHED
    assert len(codes) == 13
    assert {one.count for one in box.ledger.cubes[-1]["lupp-f1a-god-halsa"]} == {80, 960}


def test_a_lupp_file_may_lack_a_question_and_the_report_says_so(box: Box) -> None:
    box.drop(LUPP, "svar.csv", counts(*pupils(30, 10)))

    assert box.night(LUPP).line["detail"] == ["lupp-trivs-med-livet: the source does not have it"]


def test_reports_by_reporter_are_read_with_their_stars_and_their_dash(box: Box) -> None:
    rows = [("Polis", 21, "24"), ("Skola*", 21, "17"), ("Förskola*", "-", 2), ("Totalt", 100, 100)]
    box.drop(REPORTS, "anmälare.csv", reports(*rows, ("* Påhittad fotnot.",)))
    told = box.night(REPORTS)
    (cube,) = box.ledger.cubes[-1].values()

    assert told.line["outcome"] == PUBLISHED
    assert {(one.breakdown.text, int(one.year)): one.status or one.value for one in cube} == {
        ("reporter:polis", 2018): 21,
        ("reporter:polis", 2021): 24,
        ("reporter:skola", 2018): 21,
        ("reporter:skola", 2021): 17,
        ("reporter:forskola", 2018): "missing",
        ("reporter:forskola", 2021): 2,
        ("", 2018): 100,
        ("", 2021): 100,
    }


def test_a_reporter_that_nobody_declared_stops_the_file(box: Box) -> None:
    box.drop(REPORTS, "anmälare.csv", reports(("Polisen", 21, 24)))

    told = box.night(REPORTS)
    assert told.line["detail"][0].startswith("anmälare.csv, row 2, Anmälare: 'Polisen' is no reporter")


def test_a_workbook_with_the_hidden_records_of_a_pivot_table_is_refused_with_the_reason(box: Box) -> None:
    rows = [("Anmälare", "2018", "2021"), ("Polis", 21, 24)]
    made = workbook(box.home / "made.xlsx", *rows)
    with zipfile.ZipFile(made, "a") as packed:
        packed.writestr("xl/pivotCache/pivotCacheRecords1.xml", "<pivotCacheRecords/>")
    box.drop(REPORTS, "anmälare.xlsx", made.read_bytes())
    held = box.night(REPORTS)
    box.drop(REPORTS, "anmälare.xlsx", workbook(box.home / "clean.xlsx", *rows).read_bytes(), age=120)

    assert held.line["outcome"] == HELD
    assert "a pivot table's hidden records (xl/pivotCache)" in held.line["detail"][0]
    assert box.night(REPORTS).line["outcome"] == PUBLISHED


@pytest.mark.shared
def test_the_decks_table_of_reporters_is_read_as_it_stands_both_ways(box: Box, shared: Path) -> None:
    with (shared / "real/seeds/figures.csv").open(encoding="utf-8", newline="") as file:
        seeds = [row for row in csv.DictReader(file) if row["breakdown"].startswith("reporter=")]
    shown: dict[str, dict[str, str]] = {}
    for row in seeds:
        name, year = row["breakdown"].removeprefix("reporter="), row["period_start"][:4]
        shown.setdefault(name, {})[year] = row["value"] or "-"
    box.drop(REPORTS, "anmälare.csv", reports(*((name, *years.values()) for name, years in shown.items())))
    box.night(REPORTS)

    stated = {
        (
            "socialstyrelsen-orosanmalningar-efter-anmalare",
            "00",
            "total",
            year,
            part and f"reporter:{part}",
        ): float(value)
        for name, years in shown.items()
        for part in [REPORTERS[name]]
        for year, value in years.items()
        if value != "-"
    }
    assert len(seeds) == 20
    assert box.figures == stated
