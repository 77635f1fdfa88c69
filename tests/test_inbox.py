"""The inbox for real: what a night does with the files that people drop."""

import os
import stat
from pathlib import Path

import pytest

from datasets.ledger import HELD, PUBLISHED
from loaders.catalogue import catalogue_files, read_listed
from loaders.inbox import INBOX
from loaders.report import WAITING
from tests.conftest import fresh_database
from tests.dropped import BUP, HEALTH, LIFE, LUPP, REPORTS, Box, counts, pupils, reports, share
from tests.standins import Answer, Ledger, night_here, serving

SOURCES = ("kolada", "scb", "fohm", "socialstyrelsen")


@pytest.fixture
def box(tmp_path: Path, database: str) -> Box:
    return Box(tmp_path, database)


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


def test_a_toml_of_another_name_is_not_passed_over_in_silence(box: Box) -> None:
    box.drop(LUPP, "svar.csv", counts(*pupils(30, 10)))
    box.drop(LUPP, "lupp.toml", b"", age=120)

    assert box.night(LUPP).line["detail"] == ["lupp.toml: only .csv and .xlsx are read"]


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


def test_a_file_of_people_is_read_by_its_owner_alone_and_an_old_one_is_removed(box: Box) -> None:
    old = box.drop(LUPP, "svar-2018.csv", counts(*pupils(30, 10)))
    old.chmod(0o644)
    os.utime(old, (0, 0))
    new = box.drop(LUPP, "svar-2021.csv", counts(*pupils(30, 10)))
    new.chmod(0o644)
    new.parent.chmod(0o755)
    told = box.night(LUPP)

    assert told.code == 0
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    assert stat.S_IMODE(new.parent.stat().st_mode) == 0o700
    assert not old.exists()


def test_small_numbers_are_hidden_by_night_and_the_report_lies_behind_the_owners_door(box: Box) -> None:
    box.drop(LUPP, "svar.csv", counts(*pupils(30, 3), *pupils(20, 10, where="Nybro")))
    told = box.night(LUPP)

    assert told.outcomes == {LUPP: PUBLISHED}
    assert set(box.figures) == {("lupp-f1a-god-halsa", "08", "total", "2021", "stage:hogstadiet")}
    (report,) = (box.home / "disclosure").iterdir()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert "30" not in told.words
