"""Nights that end midway, and datasets that are held: nothing is published by half."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from datasets.ledger import PUBLISHED
from tests.recordings import kolada_plan, with_catalogue
from tests.standins import (
    Answer,
    Call,
    Figures,
    Served,
    SmallKolada,
    ledger,
    night,
    serving,
    started_night,
    wait_for,
)


@dataclass
class Halves:
    """A catalogue of two datasets, the second of which waits for its figures until it is let go."""

    root: Path
    base: str
    kolada: SmallKolada
    served: Served
    may_answer: threading.Event

    def figures(self, *kpis: str) -> Figures:
        return {key: value for key, value in self.kolada.published.items() if key[0] in kpis}


@pytest.fixture
def halves(tmp_path: Path) -> Iterator[Halves]:
    kolada, may_answer = SmallKolada(), threading.Event()
    plans = {
        f"kolada-{name}": kolada_plan({kpi: "kronorPerInhabitant"}, ["08", "00"], 2015)
        for name, kpi in (("ett", "N70061"), ("tva", "N71000"))
    }

    def answer(call: Call) -> Answer:
        if "/data/kpi/N71000" in call.path:
            may_answer.wait(120)
        return kolada.answer(call)

    with serving(answer, "/v3") as served:
        yield Halves(with_catalogue(tmp_path / "copy", plans), served.base, kolada, served, may_answer)
        may_answer.set()


def test_a_night_killed_midway_has_published_what_it_had_done_and_nothing_by_half(
    halves: Halves, tmp_path: Path, database: str
) -> None:
    dying = started_night(tmp_path, database, root=halves.root, kolada=halves.base)
    wait_for(lambda: any("/data/kpi/N71000" in call.path for call in halves.served.calls))
    dying.kill()
    dying.wait()
    after = ledger(database)
    halves.may_answer.set()
    told = night(tmp_path, database, root=halves.root, kolada=halves.base)

    assert after.figures() == halves.figures("N70061")
    assert [outcome for _, outcome, _ in after.attempts] == [PUBLISHED]
    assert (told.code, told.outcomes) == (0, {"kolada-ett": "unchanged", "kolada-tva": "published"})
    assert ledger(database).figures() == halves.figures("N70061", "N71000")


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.1, 0.2, 0.4])
def test_whenever_a_night_is_killed_a_dataset_is_there_whole_or_not_at_all(
    halves: Halves, tmp_path: Path, database: str, seconds: float
) -> None:
    dying = started_night(tmp_path, database, root=halves.root, kolada=halves.base)
    wait_for(lambda: any("/data/kpi/N71000" in call.path for call in halves.served.calls))
    halves.may_answer.set()
    time.sleep(seconds)
    dying.kill()
    dying.wait()
    after = ledger(database).figures()
    told = night(tmp_path, database, root=halves.root, kolada=halves.base)

    assert after in (halves.figures("N70061"), halves.figures("N70061", "N71000"))
    assert told.code == 0
    assert ledger(database).figures() == halves.figures("N70061", "N71000")


def test_of_half_a_source_the_half_that_is_there_is_published(
    halves: Halves, tmp_path: Path, database: str
) -> None:
    def half(call: Call) -> Answer:
        return Answer(404, b"moved") if "/data/kpi/N71000" in call.path else halves.kolada.answer(call)

    with serving(half, "/v3") as served:
        told = night(tmp_path, database, root=halves.root, kolada=served.base)

    assert (told.code, told.outcomes) == (1, {"kolada-ett": "published", "kolada-tva": "failed"})
    assert ledger(database).figures() == halves.figures("N70061")


def test_few_people_are_held_though_the_source_shows_them_and_nobody_can_accept_it(
    tmp_path: Path, database: str
) -> None:
    kolada = SmallKolada()
    kolada.figures["N70061", "0008", 2020] = 4
    plan = kolada_plan({"N70061": "persons"}, ["08", "00"], 2015)
    people = msgspec.structs.replace(plan.dataset, person_based=True, threshold=5, threshold_reason="Prov.")
    plan = msgspec.structs.replace(plan, dataset=people)
    root = with_catalogue(tmp_path / "copy", {"kolada-personer": plan})
    with serving(kolada.answer, "/v3") as served:
        told = night(tmp_path, database, root=root, kolada=served.base)
        words = ("--accept", "few-people", "--reason", "för att")
        again = night(tmp_path, database, *words, root=root, kolada=served.base)
        kolada.figures["N70061", "0008", 2020] = 5
        shown = night(tmp_path, database, root=root, kolada=served.base)

    assert [one.code for one in (told, again, shown)] == [1, 1, 0]
    assert told.line["detail"] == again.line["detail"]
    assert told.line["detail"] == ["few-people: N70061: 1 figures are under the floor of 5 persons"]
    assert ledger(database).figures() == {
        key: value for key, value in kolada.published.items() if key[0] == "N70061"
    }
