"""The nightly run for real: what it publishes, holds and refuses, and what it survives."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from datasets.ledger import FAILED, HELD, PUBLISHED
from loaders.snapshots import read_snapshot
from tests.conftest import ROOT
from tests.given import run
from tests.standins import (
    Answer,
    Call,
    Ledger,
    Served,
    SmallKolada,
    Told,
    command_here,
    environment,
    ledger,
    night,
    night_here,
    serving,
    started_night,
    wait_for,
)

DATASET = "kolada-vardkostnader"


@dataclass
class Site:
    """A night's surroundings: its home, its database, and a small Kolada on a real socket."""

    home: Path
    database: str
    kolada: SmallKolada
    served: Served

    def night(self, *words: str) -> Told:
        return night_here(self.home, self.database, "--only", DATASET, *words, kolada=self.served.base)

    def night_apart(self, *words: str) -> Told:
        """Run a night in a process of its own."""
        return night(self.home, self.database, "--only", DATASET, *words, kolada=self.served.base)

    def replay(self, snapshot: Path) -> tuple[int, str]:
        return command_here("replay", snapshot, **environment(self.home, self.database))

    @property
    def ledger(self) -> Ledger:
        return ledger(self.database)

    @property
    def snapshots(self) -> list[Path]:
        return sorted((self.home / "snapshots").iterdir())


@pytest.fixture
def site(tmp_path: Path, database: str) -> Iterator[Site]:
    kolada = SmallKolada()
    with serving(kolada.answer, "/v3") as served:
        yield Site(tmp_path, database, kolada, served)
        kolada.may_answer.set()


def test_the_report_says_to_a_machine_what_came_of_each_dataset(site: Site) -> None:
    told = site.night_apart()
    line = told.line

    assert told.code == 0
    assert told.report.keys() == {"startedAt", "finishedAt", "dryRun", "datasets"}
    assert datetime.fromisoformat(told.report["startedAt"]) < datetime.fromisoformat(
        told.report["finishedAt"]
    )
    assert told.report["dryRun"] is False
    assert line.pop("seconds") > 0
    assert line == {
        "dataset": DATASET,
        "source": "kolada",
        "outcome": "published",
        "version": "1.0.0",
        "release": 1,
        "counts": {"observations": 140, "added": 140, "revised": 0, "removed": 0},
        "detail": [],
    }
    assert site.ledger.figures() == site.kolada.published


def test_the_metrics_say_to_prometheus_what_came_of_each_dataset(site: Site) -> None:
    file = site.home / "night.prom"
    site.night("--metrics", str(file))
    site.kolada.figures = dict.fromkeys(site.kolada.figures)
    first = metrics_in(file)
    site.night("--metrics", str(file))
    second = metrics_in(file)
    outcome = {name: ("lansdata_nightly_outcome", DATASET, name) for name in ("published", "held", "failed")}

    assert first["lansdata_nightly_figures", DATASET, "added"] == 140
    assert [first[outcome[name]] for name in outcome] == [1, 0, 0]
    assert [second[outcome[name]] for name in outcome] == [0, 1, 0]
    assert ("lansdata_nightly_figures", DATASET, "added") not in second
    assert 0 < first["lansdata_nightly_seconds", DATASET] < 600
    assert time.time() - 600 < second["lansdata_nightly_timestamp_seconds", "finished"] <= time.time()
    assert [path.name for path in site.home.glob("night.*")] == ["night.prom"]


def metrics_in(file: Path) -> dict[tuple[str, ...], float]:
    """Read metrics as Prometheus does: the value by the name and the labels but for the source."""
    return {
        (one.name, *(value for name, value in one.labels.items() if name != "source")): one.value
        for family in text_string_to_metric_families(file.read_text("utf-8"))
        for one in family.samples
    }


def test_a_revised_figure_is_a_patch_an_added_one_a_minor_and_neither_touches_the_rest(site: Site) -> None:
    site.night()
    site.kolada.figures["N70061", "0008", 2024] = 1.25
    revised = site.night()
    site.kolada.figures["N70061", "0008", 2025] = 2.5
    added = site.night()

    assert (revised.line["version"], revised.line["counts"]["revised"]) == ("1.0.1", 1)
    assert (added.line["version"], added.line["counts"]["added"]) == ("1.1.0", 1)
    assert site.ledger.figures() == site.kolada.published


def test_a_kpi_that_the_source_drops_is_told_and_stays_in_the_old_version(site: Site) -> None:
    site.night()
    before = site.kolada.published
    site.kolada.gone.add("U79066")
    told = site.night()

    assert (told.code, told.line["version"], told.line["counts"]["removed"]) == (0, "2.0.0", 20)
    assert told.line["detail"] == ["U79066: the source does not have it"]
    assert site.ledger.figures(0) == before
    assert site.ledger.figures() == site.kolada.published


def test_a_source_that_suddenly_knows_none_of_its_kpis_empties_nothing(site: Site) -> None:
    site.night()
    before = site.kolada.published
    site.kolada.gone |= {name for name, *_ in site.kolada.figures}
    told = site.night()

    assert (told.code, told.line["outcome"]) == (1, HELD)
    assert "nothing-there" in told.line["detail"][0]
    assert site.ledger.figures() == before


def test_a_source_that_suddenly_has_null_for_everything_empties_nothing(site: Site) -> None:
    site.night()
    before = site.kolada.published
    site.kolada.figures = dict.fromkeys(site.kolada.figures)
    told = site.night()

    assert (told.code, told.line["outcome"]) == (1, HELD)
    assert "figures-lost: N70059: 20 of 20 figures are gone" in told.line["detail"]
    assert site.ledger.figures() == before


def test_what_is_held_stays_held_until_a_person_accepts_it_with_a_reason(site: Site) -> None:
    site.night()
    before = site.kolada.published
    site.kolada.figures = {key: value for key, value in site.kolada.figures.items() if key[2] > 2017}
    held, again = site.night(), site.night()
    standing, attempts = site.ledger.figures(), site.ledger.attempts
    accepted = site.night("--accept", "figures-lost", "--accept", "jump", "--reason", "Kolada gallrade")
    note = site.ledger.releases[-1].note

    assert (held.code, again.code, accepted.code) == (1, 1, 0)
    assert held.line["outcome"] == again.line["outcome"] == HELD
    assert standing == before
    assert [outcome for _, outcome, _ in attempts] == [PUBLISHED, HELD, HELD]
    assert "figures-lost" in attempts[-1][2]
    assert note == "figures-lost accepted: Kolada gallrade"
    assert site.ledger.figures() == site.kolada.published


def test_a_check_accepted_in_vain_leaves_no_note(site: Site) -> None:
    site.night("--accept", "figures-lost", "--reason", "för säkerhets skull")

    assert site.ledger.releases[-1].note == ""


@pytest.mark.parametrize(
    ("words", "closest"),
    [
        (("--accept", "jump"), "--reason"),
        (("--reason", "för att"), "--accept"),
        (("--accept", "jumps", "--reason", "för att"), "closest: jump"),
        (("--report", "no-such-folder/report.json"), "no folder no-such-folder"),
        (("--metrics", "no-such-folder/night.prom"), "no folder no-such-folder"),
        (("--metrics", "night.prom", "--dry-run"), "--dry-run"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_asked(
    site: Site, words: tuple[str, ...], closest: str
) -> None:
    told = site.night(*words)

    assert told.code == 2
    assert closest in told.words
    assert not site.served.calls


def test_a_dataset_that_is_not_in_the_catalogue_is_refused_with_the_closest(site: Site) -> None:
    told = site.night_apart("--only", "kolada-vård")

    assert told.code == 2
    assert DATASET in told.words


def test_a_trial_tells_all_and_leaves_no_trace(site: Site) -> None:
    told = site.night("--dry-run")

    assert (told.code, told.report["dryRun"]) == (0, True)
    assert told.line["counts"]["added"] == 140
    assert "nothing was published" in told.words
    assert site.ledger == Ledger([], [], [])


def test_a_trial_of_what_would_fail_says_so_and_leaves_no_trace(site: Site) -> None:
    site.kolada.figures.clear()
    told = site.night("--dry-run")

    assert (told.code, told.line["outcome"]) == (1, HELD)
    assert site.ledger == Ledger([], [], [])


def test_a_killed_night_publishes_nothing_and_the_next_one_works(site: Site) -> None:
    site.kolada.may_answer.clear()
    dying = started_night(site.home, site.database, "--only", DATASET, kolada=site.served.base)
    _wait_for_figures_asked(site)
    dying.kill()
    dying.wait()
    after = site.ledger
    site.kolada.may_answer.set()
    told = site.night()

    assert after == Ledger([], [], [])
    assert (told.code, told.line["outcome"]) == (0, PUBLISHED)
    assert site.ledger.figures() == site.kolada.published


def test_of_two_nights_at_once_the_second_does_nothing(site: Site) -> None:
    site.kolada.may_answer.clear()
    first = started_night(site.home, site.database, "--only", DATASET, kolada=site.served.base)
    _wait_for_figures_asked(site)
    asked = len(site.served.calls)
    second = site.night_apart()
    others = len(site.served.calls) - asked
    site.kolada.may_answer.set()

    assert (second.code, second.report) == (1, {})
    assert "another nightly run" in second.words
    assert others == 0
    assert first.wait(60) == 0
    assert len(site.ledger.releases) == 1


def test_the_address_and_the_reason_of_a_failure_reach_the_report_and_the_ledger(site: Site) -> None:
    site.night()

    def refuse(call: Call) -> Answer:
        return Answer(403, b"no robots") if "/data/" in call.path else site.kolada.answer(call)

    with serving(refuse, "/v3") as refusing:
        told = night_here(site.home, site.database, "--only", DATASET, kolada=refusing.base)

    assert told.code == 1
    assert f"{refusing.base}/data/kpi/N70061" in told.line["detail"][0]
    assert "status 403" in told.line["detail"][0]
    assert "no robots" in told.line["detail"][0]
    assert site.ledger.attempts[-1] == (DATASET, FAILED, told.line["detail"][0])
    assert len(site.ledger.releases) == 1


def test_kept_answers_give_the_same_figures_again(site: Site) -> None:
    site.night()
    (snapshot,) = site.snapshots
    code, said = site.replay(snapshot)

    assert code == 0
    assert "checked, no change" in said
    assert len(site.ledger.releases) == 1
    assert len(site.snapshots) == 1


def test_an_older_snapshot_publishes_what_it_said_then(site: Site) -> None:
    site.night()
    before = site.kolada.published
    site.kolada.figures["N70061", "0008", 2024] = 1.25
    site.night()
    code, _ = site.replay(site.snapshots[0])

    assert code == 0
    assert [str(release.version) for release in site.ledger.releases] == ["1.0.0", "1.0.1", "1.0.2"]
    assert site.ledger.figures() == before


def test_what_came_before_a_failure_is_kept_but_never_taken_for_the_whole(site: Site) -> None:
    answer = site.kolada.answer
    with serving(lambda call: Answer(403) if "2000?" in call.path else answer(call), "/v3") as refusing:
        told = night_here(site.home, site.database, "--only", DATASET, kolada=refusing.base)
    (snapshot,) = site.snapshots
    kept = list(read_snapshot(snapshot))
    code, _ = site.replay(snapshot)

    assert told.code == code == 1
    assert len(kept) == len(refusing.calls) - 1
    assert not site.ledger.releases


@pytest.mark.parametrize("name", ["kolada-vardkostnader@x.answers.zst", "kolada-vard@x.answers.zst"])
def test_a_snapshot_that_is_not_there_or_of_no_dataset_is_wrong_use(site: Site, name: str) -> None:
    code, said = site.replay(site.home / name)

    assert code == 2
    assert "no" in said


@pytest.fixture
def changed(site: Site, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project's own packages, whose catalogue a test can change, for the commands it runs."""
    copy = site.home / "copy"
    for package in ("datasets", "loaders"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr("tests.given.ROOT", copy)
    return copy / "loaders" / "catalogue" / f"{DATASET}.toml"


def with_correction(catalogue: Path, was: float) -> None:
    reason = '{sv = "Kommat hade hamnat fel.", en = "The decimal point was misplaced."}'
    declared = f'indicator = "N71000"\nmunicipality = "08"\nsex = "total"\nyear = 2024\nwas = {was}\n'
    declared += f"value = 902.4\nreason = {reason}\n"
    catalogue.write_text(f"{catalogue.read_text('utf-8')}\n[[correction]]\n{declared}", "utf-8")


def test_a_declared_correction_is_published_from_kept_answers_and_told(site: Site, changed: Path) -> None:
    site.night()
    with_correction(changed, 9024.0)
    said = run("loaders", "replay", site.snapshots[0], **environment(site.home, site.database))
    key = ("N71000", "08", "total", "2024", "")

    assert said.returncode == 0
    assert site.ledger.figures() == site.kolada.published | {key: 902.4}
    assert site.ledger.figures(0) == site.kolada.published


def test_a_correction_of_what_the_source_no_longer_says_stops_that_load(site: Site, changed: Path) -> None:
    with_correction(changed, 9023.0)
    told = site.night_apart()

    assert told.code == 1
    assert "was written for 9023.0, but it is 9024.0" in told.line["detail"][0]
    assert not site.ledger.releases


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ('source = "kolada"\nm', 'source = "kolda"\nm'),
        ("[load]", "[load"),
    ],
)
def test_a_spoilt_file_of_the_catalogue_fails_alone_and_says_why(
    site: Site, changed: Path, spoilt: str, reason: str
) -> None:
    changed.write_text(changed.read_text("utf-8").replace(spoilt, reason), "utf-8")
    told = site.night_apart()
    snapshot = site.home / f"{DATASET}@20261122T030000000000Z.answers.zst"
    snapshot.touch()
    again = run("loaders", "replay", snapshot, **environment(site.home, site.database))

    assert (told.code, told.line["outcome"]) == (1, FAILED)
    assert "see the log" not in json.dumps(told.report)
    assert again.returncode == 1
    assert "Traceback" not in again.stderr


def _wait_for_figures_asked(site: Site) -> None:
    wait_for(lambda: any("/data/" in call.path for call in site.served.calls))
