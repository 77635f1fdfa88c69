"""Kept answers of the recorded sources: whole they make the figures again, less than whole they make none."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from datasets.errors import LansdataError
from datasets.settings import Settings
from datasets.store import Store
from loaders.catalogue import Listed, catalogue_files, read_listed
from loaders.fetch import Fetched
from loaders.nightly import Night, fetch
from loaders.snapshots import read_snapshot
from loaders.source import Made
from loaders.sources import source_of
from tests.standins import standin

pytestmark = pytest.mark.shared

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
WANTED = {
    "kolada": "kolada-vardkostnader",
    "scb": "scb-befolkning-arlig",
    "socialstyrelsen": "socialstyrelsen-adhd-lakemedel",
}


@dataclass
class Kept:
    """One dataset of the catalogue with the answers that its source gave."""

    listed: Listed
    answers: list[Fetched]

    def made(self, answers: Sequence[Fetched]) -> list[Made]:
        return list(source_of(self.listed.source).normalise(self.listed.plan, answers))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Kept]:
    home = tmp_path_factory.mktemp("home")
    listed = {path.stem: read_listed(path) for path in catalogue_files() if path.stem in WANTED.values()}

    async def fetch_all(settings: Settings) -> list[Path]:
        night = Night(settings=settings, store=Store.at("postgresql://nobody@127.0.0.1/none"))
        return await asyncio.gather(*(fetch(night, listed[name], NOW) for name in WANTED.values()))

    with ExitStack() as running:
        bases = {f"{source}_url": running.enter_context(standin(source)) for source in WANTED}
        paths = asyncio.run(fetch_all(Settings(home=str(home), **bases)))
    return {
        source: Kept(listed[WANTED[source]], list(read_snapshot(path)))
        for source, path in zip(WANTED, paths, strict=True)
    }


@pytest.mark.parametrize("source", WANTED)
def test_the_same_answers_make_the_same_figures_every_time(kept: dict[str, Kept], source: str) -> None:
    one = kept[source]
    first, second = one.made(one.answers), one.made(one.answers)

    assert [made.indicator for made in first] == [made.indicator for made in second]
    assert [list(made.cube) for made in first] == [list(made.cube) for made in second]
    assert sum(len(made.cube) for made in first) > 100


@pytest.mark.parametrize("source", WANTED)
def test_less_than_all_answers_make_no_figures(kept: dict[str, Kept], source: str) -> None:
    one = kept[source]
    for size in range(len(one.answers)):
        with pytest.raises(LansdataError):
            one.made(one.answers[:size])


@pytest.mark.parametrize("source", WANTED)
def test_answers_with_one_lost_on_the_way_make_no_figures(kept: dict[str, Kept], source: str) -> None:
    one = kept[source]
    for at in range(len(one.answers)):
        with pytest.raises(LansdataError):
            one.made(one.answers[:at] + one.answers[at + 1 :])


@pytest.mark.parametrize("source", WANTED)
def test_answers_in_another_order_or_one_too_many_are_refused(kept: dict[str, Kept], source: str) -> None:
    one = kept[source]
    for answers in (one.answers[::-1], [*one.answers, one.answers[-1]], one.answers[:1] + one.answers):
        with pytest.raises(LansdataError):
            one.made(answers)


@pytest.mark.parametrize("source", WANTED)
@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"<html></html>", b'{"values": []}'])
def test_an_answer_that_is_none_stops_the_load_wherever_it_stands(
    kept: dict[str, Kept], source: str, body: bytes
) -> None:
    one = kept[source]
    for at, answer in enumerate(one.answers):
        spoilt = Fetched(address=answer.address, asked=answer.asked, at=answer.at, status=200, body=body)
        with pytest.raises(LansdataError):
            one.made([*one.answers[:at], spoilt, *one.answers[at + 1 :]])


@pytest.mark.parametrize("source", ["kolada", "scb"])
def test_an_empty_list_stops_the_load_wherever_it_stands(kept: dict[str, Kept], source: str) -> None:
    test_an_answer_that_is_none_stops_the_load_wherever_it_stands(kept, source, b"[]")


def test_a_variable_of_socialstyrelsen_without_values_is_told(kept: dict[str, Kept]) -> None:
    test_an_answer_that_is_none_stops_the_load_wherever_it_stands(kept, "socialstyrelsen", b"[]")
