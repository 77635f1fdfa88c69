"""Search measured: a judged list of questions over a whole recorded catalogue."""

import tomllib

import pytest

from api.search.index import index_of
from api.search.query import Searcher
from api.snapshot import DatasetState, IndicatorState, Snapshot
from datasets.catalogue import Indicator
from datasets.coverage import coverage_of
from datasets.vocabulary import Source, Text
from loaders.kolada_catalogue import tidied
from tests.conftest import ROOT
from tests.given import cube, dataset
from tests.recordings import kolada_catalogue

JUDGED = tomllib.loads((ROOT / "tests/samples/search_judged.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def searcher() -> Searcher:
    """Every KPI of the newest recorded catalogue, as one dataset; what they cover does not matter here."""
    covered = coverage_of(cube())
    indicators = {
        name: IndicatorState(
            "kolada",
            Indicator(
                id=name,
                title=Text(tidied(kpi.title)),
                definition=Text(tidied(kpi.description or "") or "-"),
                unit="number",
                source_code=name,
            ),
            covered,
            b"",
        )
        for name, kpi in sorted(kolada_catalogue("2026-03-04").items())
    }
    described = DatasetState(dataset("kolada", source=Source.KOLADA), None, tuple(indicators))  # type: ignore[arg-type]
    return Searcher(index_of(Snapshot(1, (), {"kolada": described}, indicators)))


def recall_at_five(searcher: Searcher, question: str, right: list[str]) -> float:
    shown = [searcher.index.states[row].definition.id for row in searcher.search(question).rows[:5]]
    return len({*shown} & {*right}) / min(5, len(right))


@pytest.mark.shared
@pytest.mark.parametrize("part", JUDGED)
def test_nearly_every_question_finds_the_right_indicators_among_the_first_five(
    part: str, searcher: Searcher
) -> None:
    recalls = {
        question: recall_at_five(searcher, question, right) for question, right in JUDGED[part].items()
    }
    missed = {question for question, recall in recalls.items() if recall < 1}

    assert len(searcher.index.states) >= 6_099
    assert sum(recalls.values()) / len(recalls) >= 0.95, missed


def test_the_judged_list_is_long_and_no_question_stands_twice() -> None:
    questions = [question.casefold() for part in JUDGED.values() for question in part]

    assert len(questions) >= 60
    assert len(JUDGED["held-out"]) >= 30
    assert len(questions) == len(set(questions))
