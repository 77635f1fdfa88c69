"""The inbox for real: what a night does with the files that people drop."""

import csv
import os
import time
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from datasets.ledger import HELD, PUBLISHED
from loaders.catalogue import catalogue_files, read_listed
from loaders.inbox import INBOX
from loaders.kinds import KINDS
from loaders.report import WAITING
from tests.conftest import fresh_database
from tests.given import workbook
from tests.standins import Answer, Figures, Ledger, Told, ledger, night_here, serving
from tests.test_lupp import COLUMNS

LUPP, REPORTS, BUP = "lupp-kalmar-lan", "socialstyrelsen-orosanmalningar-enkat", "region-kalmar-bup"
SOURCES = ("kolada", "scb", "fohm", "socialstyrelsen")
HEALTH = ("F1a", "Hur bedömer du din hälsa?")
LIFE = ("H7", "Hur trivs du med livet?")
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
Cells = Sequence[object]


def table(rows: Iterable[Cells], separator: str = ";") -> bytes:
    out = StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def pupils(good: int, bad: int, *, where: str = "Kalmar kommun", of: tuple[str, str] = HEALTH) -> list[Cells]:
    """Invented counts of one school in one round."""
    key = ("2021", "Högstadiet", "Tjej", where, where, *of)
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


@pytest.fixture
def box(tmp_path: Path, database: str) -> Box:
    return Box(tmp_path, database)


def share(indicator: str, value: float, *areas: str) -> Figures:
    return {(indicator, area, "total", "2021", "stage:hogstadiet"): value for area in areas}


def test_a_dropped_file_is_published_by_the_next_night_and_read_once(box: Box) -> None:
    dropped = box.drop(LUPP, "svar-2021.csv", counts(*pupils(30, 10), *pupils(12, 8, of=LIFE)))
    first, second = box.night(LUPP), box.night(LUPP)

    assert (first.code, first.line["outcome"], first.line["version"]) == (0, PUBLISHED, "1.0.0")
    assert box.figures == share("lupp-f1a-god-halsa", 75.0, "08", "0880") | share(
        "lupp-trivs-med-livet", 60.0, "08", "0880"
    )
    assert (second.code, second.line["outcome"]) == (0, WAITING)
    assert second.line["detail"] == ["svar-2021.csv is loaded already"]
    assert "no new file" in second.words
    assert [outcome for _, outcome, _ in box.ledger.attempts] == [PUBLISHED]
    assert dropped.exists()


def test_an_empty_inbox_is_no_failure_and_shows_where_a_file_goes(box: Box) -> None:
    told = box.night(LUPP, BUP)

    assert told.code == 0
    assert told.outcomes == {LUPP: WAITING, BUP: WAITING}
    assert (box.home / INBOX / LUPP).is_dir()
    assert not box.ledger.attempts


def test_a_faulty_file_holds_its_own_dataset_alone_and_the_report_says_what_to_mend(box: Box) -> None:
    box.drop(LUPP, "svar.csv", counts(*pupils(30, 10)))
    box.night(LUPP)
    before = box.figures
    box.drop(LUPP, "svar.csv", counts(*pupils(30, 11, where="Gagnefs kommun")))
    box.drop(REPORTS, "anmälare.csv", reports(("Polis", 21, 24), ("Totalt", 100, 100)))
    told = box.night(LUPP, REPORTS)

    assert told.code == 1
    assert told.outcomes == {LUPP: HELD, REPORTS: PUBLISHED}
    why = next(line["detail"] for line in told.report["datasets"] if line["dataset"] == LUPP)
    assert why[0].startswith("svar.csv, row 2, Boendekommun: 'Gagnefs kommun' is not declared in the TOML")
    assert before.items() <= box.figures.items()


def test_what_a_confidential_file_says_stays_out_of_the_ledger(box: Box) -> None:
    secret = ("2021", "Högstadiet", "Tjej", "Kalmar", "Kalmar", *HEALTH, "Påhittat fritextsvar", 3)
    box.drop(LUPP, "svar.csv", counts(secret))
    box.night(LUPP)

    assert box.ledger.attempts == [(LUPP, HELD, "1 reasons, in the report of the night")]


def test_a_mended_file_under_the_same_name_is_loaded(box: Box) -> None:
    box.drop(LUPP, "svar.csv", counts(*pupils(30, 10, where="Kalmars kommun")))
    held = box.night(LUPP)
    box.drop(LUPP, "svar.csv", counts(*pupils(30, 10)))

    assert (held.code, box.night(LUPP).code) == (1, 0)
    assert box.figures == share("lupp-f1a-god-halsa", 75.0, "08", "0880")


def test_the_newest_file_is_the_whole_dataset(box: Box) -> None:
    box.drop(LUPP, "a.csv", counts(*pupils(30, 10)), age=300)
    box.drop(LUPP, "b.csv", counts(*pupils(20, 20)), age=600)
    box.night(LUPP)
    newest = box.figures
    box.drop(LUPP, "0.csv", counts(*pupils(20, 20)), age=120)
    told = box.night(LUPP)

    assert newest == share("lupp-f1a-god-halsa", 75.0, "08", "0880")
    assert (told.line["version"], told.line["counts"]["revised"]) == ("1.0.1", 2)
    assert box.figures == share("lupp-f1a-god-halsa", 50.0, "08", "0880")


def test_the_same_bytes_under_another_name_are_loaded_already(box: Box) -> None:
    box.drop(LUPP, "svar.csv", counts(*pupils(30, 10)))
    box.night(LUPP)
    box.drop(LUPP, "svar kopia.csv", counts(*pupils(30, 10)), age=120)

    told = box.night(LUPP)
    assert told.line["detail"] == ["svar kopia.csv is loaded already"]
    assert len(box.ledger.releases) == 1


def test_a_file_that_may_still_be_copied_is_left_for_the_next_night(box: Box) -> None:
    box.drop(LUPP, "svar.csv", counts(*pupils(30, 10)), age=0)
    told = box.night(LUPP)

    assert (told.code, told.line["outcome"]) == (0, WAITING)
    assert "less than a minute ago" in told.line["detail"][0]
    assert not box.ledger.releases


@pytest.mark.parametrize("name", [".svar.csv", "~$svar.xlsx", ".~lock.svar.csv#"])
def test_what_programs_leave_beside_a_file_is_no_file(box: Box, name: str) -> None:
    box.drop(LUPP, name, b"x")

    assert box.night(LUPP).line["outcome"] == WAITING


def test_a_trial_reads_the_file_and_leaves_no_trace(box: Box) -> None:
    box.drop(LUPP, "svar.csv", counts(*pupils(30, 10)))
    trial = box.night(LUPP, "--dry-run")

    assert (trial.code, trial.line["counts"]["added"]) == (0, 2)
    assert box.ledger == Ledger([], [], [])
    assert box.night(LUPP).line["outcome"] == PUBLISHED


def test_a_receipt_counts_for_nothing_where_nothing_is_published(box: Box, cluster: str) -> None:
    box.drop(LUPP, "svar.csv", counts(*pupils(30, 10)))
    box.night(LUPP)
    with fresh_database(cluster) as another:
        told = Box(box.home, another).night(LUPP)

    assert told.line["outcome"] == PUBLISHED


def test_a_toml_in_the_folder_takes_the_place_of_the_catalogues_description(box: Box) -> None:
    box.drop(LUPP, "svar.csv", counts(*pupils(30, 10)))
    box.night(LUPP)
    listed = next(read_listed(path) for path in catalogue_files() if path.stem == LUPP)
    body = toml_of(listed.plan.load["answers"]["names"])
    box.drop(LUPP, f"{LUPP}.toml", body.encode())
    told = box.night(LUPP)

    (figure,) = [one for one in box.ledger.cubes[-1]["lupp-f1a-god-halsa"] if one.municipality == "0880"]
    assert told.line["outcome"] == PUBLISHED
    assert sorted(figure.flags) == ["lowReliability"]


def toml_of(names: dict[str, str]) -> str:
    """A hand-over's description of the LUPP file, with a response rate."""
    known = ", ".join(f'"{name}" = "{code}"' for name, code in names.items())
    return f"""
kind = "lupp"
file = "svar.csv"
[dataset]
id = "{LUPP}"
title = {{sv = "Prov"}}
description = {{sv = "Påhittade siffror"}}
source = "lupp"
publisher = "Region Kalmar län"
attribution = "Prov"
processing = "derived"
theme = "barn-och-unga"
updateFrequency = "triennial"
personBased = true
threshold = 5
[answers]
county = "08"
shown = ["total"]
sexes = {{"Tjej" = "women"}}
stages = {{"Högstadiet" = "hogstadiet"}}
names = {{{known}}}
lowRate = 60
rate = [
    {{year = 2021, stage = "hogstadiet", municipality = "08", percent = 82}},
    {{year = 2021, stage = "hogstadiet", municipality = "0880", percent = 28}},
]
[[indicator]]
id = "lupp-f1a-god-halsa"
title = {{sv = "Prov"}}
definition = {{sv = "Prov"}}
unit = "percent"
[indicator.breakdowns.stage]
title = {{sv = "Skolform"}}
categories = {{hogstadiet = {{sv = "H"}}}}
[indicator.load]
question = "F1a"
wordings = ["Hur bedömer du din hälsa?"]
chosen = ["Mycket bra"]
others = ["Ganska dålig"]
place = "home"
"""


def test_a_folder_that_no_dataset_is_named_after_is_told_with_the_closest(box: Box) -> None:
    box.drop("lupp-kalmar", "svar.csv", counts(*pupils(30, 10)))
    with serving(lambda _: Answer(404)) as nowhere:
        told = night_here(box.home, box.database, **dict.fromkeys(SOURCES, nowhere.base))

    line = next(line for line in told.report["datasets"] if line["dataset"] == "lupp-kalmar")
    assert (told.code, line["outcome"]) == (1, "failed")
    assert LUPP in line["detail"][0]


# --- people ----------------------------------------------------------------------------------------------


def test_one_small_group_holds_the_whole_of_lupp_and_nobody_can_accept_it_away(box: Box) -> None:
    box.drop(LUPP, "svar.csv", counts(*pupils(30, 10), *pupils(30, 4, where="Nybro")))
    told = box.night(LUPP, "--accept", "few-people", "--reason", "bara den här gången")

    assert told.line["outcome"] == HELD
    assert told.line["detail"] == [
        "svar.csv: 1 cells are under the floor of 5 persons; the dataset is held, whole"
    ]
    assert not box.ledger.releases


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


@pytest.mark.parametrize(
    ("old", "new", "bad", "why"),
    [
        (f'id = "{LUPP}"', 'id = "kolada-aldre"', 10, f"is another dataset than its folder's, {LUPP}"),
        ("threshold = 5", "threshold = 1", 4, "must be at least the catalogue's, 5, with personBased = true"),
    ],
)
def test_a_toml_in_the_folder_can_neither_take_another_datasets_name_nor_lower_the_floor(
    box: Box, old: str, new: str, bad: int, why: str
) -> None:
    listed = next(read_listed(path) for path in catalogue_files() if path.stem == LUPP)
    told = toml_of(listed.plan.load["answers"]["names"]).replace(old, new)
    box.drop(LUPP, f"{LUPP}.toml", told.encode())
    box.drop(LUPP, "svar.csv", counts(*pupils(30, bad)))
    line = box.night(LUPP).line

    assert line["outcome"] == HELD
    assert why in line["detail"][0]
    assert not box.ledger.releases
