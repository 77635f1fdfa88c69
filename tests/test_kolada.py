"""Kolada as recorded, through the stand-in: every figure both ways, its vintages and its faults."""

import asyncio
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from datasets.catalogue import Dataset
from datasets.vocabulary import Sex, Status
from loaders import kolada
from loaders.fetch import Fetched, Fetcher, ForeignHostError, Manners, SourceError
from loaders.kolada_catalogue import proposed_uncertainties
from loaders.kolada_codes import Kpi, codes_of, listing
from loaders.source import BrokenSourceError, Made, Plan
from tests.conftest import ROOT, SHARED
from tests.recordings import (
    EVERYWHERE,
    LONG,
    NEWEST,
    Key,
    kolada_catalogue,
    kolada_plan,
    kolada_recorded,
    stated_units,
)

Vintages = Callable[[str], str]

FAST = Manners(calls=1000, seconds=1.0, attempts=20, patience=60.0)

LISTED = sorted((ROOT / "loaders" / "catalogue").glob("kolada-*.toml"))
FAULTY = {"N03702": "", "N15428": "", "N01811": "", "N70061": ""}
KALMAR = ["county:08", "08", "00", "G33618"]


@contextmanager
def standin(*switches: str) -> Iterator[str]:
    """Run the stand-in with *switches*; give its address, down to the version."""
    words = [sys.executable, str(SHARED / "standins" / "kolada.py"), "--port", "0", *switches]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().removeprefix("ready ").strip()
        finally:
            process.terminate()


def asked(base: str, questions: Any) -> tuple[list[Fetched], Any]:
    """Put *questions* to the source at *base*; return every answer, and what the questions came to."""
    kept: list[Fetched] = []

    async def ask_all() -> Any:
        async with Fetcher(base, FAST, kept.append) as fetcher:
            ask = next(questions)
            while True:
                fetched = await fetcher.get(ask.target, accept=kolada.check_answer)
                try:
                    ask = questions.send(fetched)
                except StopIteration as end:
                    return end.value

    return kept, asyncio.run(ask_all())


def loaded(base: str, plan: Plan) -> dict[str, Made]:
    kept, _ = asked(base, kolada.asks(plan))
    return {made.indicator.id: made for made in kolada.normalise(plan, kept)}


def figures_of(made: Mapping[str, Made]) -> dict[Key, float | None]:
    return {
        (name, figure.municipality, figure.sex, figure.year): figure.value
        for name, one in made.items()
        for figure in one.cube
    }


def listed(path: Path) -> Plan:
    """Read one dataset of the catalogue."""
    said = tomllib.loads(path.read_text("utf-8"))
    load = {name: value for name, value in said["load"].items() if name != "source"}
    told = msgspec.convert(said["dataset"], Dataset)
    return Plan(dataset=told, load=load, indicators=tuple(said.get("indicator", ())))


@pytest.fixture(scope="module")
def at() -> Iterator[Callable[[str], str]]:
    """Give the address of a stand-in without faults at a vintage; each is started once."""
    with ExitStack() as running:
        yield cache(lambda vintage: running.enter_context(standin("--vintage", vintage)))


@pytest.fixture(scope="module")
def undisturbed() -> dict[Key, float | None]:
    return {
        key: value
        for key, value in kolada_recorded(NEWEST).items()
        if key[0] in FAULTY and (key[1] in {"08", "00"} or key[1].startswith("08"))
    }


@pytest.mark.shared
def test_a_null_is_missing_and_a_zero_is_zero(at: Vintages) -> None:
    expected = {
        key: value for key, value in kolada_recorded("2026-03-04").items() if key[0] in {"N00300", "N40011"}
    }
    made = loaded(at("2026-03-04"), kolada_plan({"N00300": "index", "N40011": ""}, EVERYWHERE))
    statuses = {
        (name, figure.municipality, figure.sex, figure.year): figure.status
        for name, one in made.items()
        for figure in one.cube
    }

    assert statuses == {key: Status.MISSING if value is None else None for key, value in expected.items()}
    assert {None, 0.0} <= set(expected.values())


@pytest.mark.shared
def test_without_a_kpi_that_the_catalogue_dropped_the_others_still_come(at: Vintages) -> None:
    plan = kolada_plan({"U00911": "index", "N15428": ""}, ["county:08"])

    assert loaded(at("2026-03-04"), plan).keys() == {"N15428"}


@pytest.mark.shared
def test_an_address_that_kolada_has_retired_is_told_at_once_with_what_it_says(at: Vintages) -> None:
    with pytest.raises(SourceError, match=r"status 410.*Please use /v3 instead"):
        loaded(at(NEWEST).replace("/v3", "/v2"), kolada_plan({"N21704": ""}, ["0180"], 2023))


@pytest.mark.shared
def test_women_men_and_total_are_told_apart_whatever_their_order() -> None:
    plan = kolada_plan({"N21704": ""}, ["0180", "1280", "1480"], 2023)
    with standin("--seed", "1") as base:
        one = loaded(base, plan)["N21704"].cube
    with standin("--seed", "2") as base:
        other = loaded(base, plan)["N21704"].cube
    stockholm = {figure.sex: figure.value for figure in one if figure.municipality == "0180"}

    assert stockholm == {Sex.TOTAL: 21.88749, Sex.WOMEN: 25.688929, Sex.MEN: 15.778849}
    assert list(one) == list(other)


@pytest.mark.shared
def test_the_whole_catalogue_of_more_than_5000_kpis_is_read_page_by_page(at: Vintages) -> None:
    kept, found = asked(at("2026-03-04"), listing("kpi", Kpi))

    assert {kpi.id for kpi in found.items} == kolada_catalogue("2026-03-04").keys()
    assert len(kept) == 2


@pytest.mark.shared
def test_no_call_names_more_ids_than_kolada_takes_nor_comes_too_fast(tmp_path: Path) -> None:
    log = tmp_path / "log"
    wanted = stated_units({name: kpi for name, kpi in kolada_catalogue(NEWEST).items() if name < "N00100"})
    with standin("--log", str(log)) as base:
        asked(base, kolada.asks(kolada_plan(wanted, ["county:12", "county:14", "08"], 1990)))
    calls = [msgspec.json.decode(line) for line in log.read_bytes().splitlines()]
    segments = [piece.split("?")[0] for call in calls for piece in call["path"].split("/")]

    assert max(piece.count(",") + 1 for piece in segments) == 25
    assert {call["status"] for call in calls} == {200}
    assert kolada.manners(kolada_plan(wanted, ["00"])).calls <= 5


@pytest.mark.shared
@pytest.mark.parametrize("fault", ["truncate:0.3", "html:0.3", "http500:0.3", "reset:0.3", "slow:0.3"])
def test_a_faulty_line_gives_the_right_figures_or_none(
    fault: str, undisturbed: dict[Key, float | None]
) -> None:
    with standin("--faults", fault, "--seed", "3") as base:
        made = loaded(base, kolada_plan(FAULTY, KALMAR))

    assert figures_of(made) == undisturbed


@pytest.mark.shared
def test_figures_on_several_pages_are_all_there(at: Vintages) -> None:
    kpis = kolada_catalogue("2013-04-16")
    plan = kolada_plan(stated_units({name: kpis[name] for name in LONG}), ["county:14"])
    kept, _ = asked(at("2013-04-16"), kolada.asks(plan))
    made = {one.indicator.id: one for one in kolada.normalise(plan, kept)}

    assert figures_of(made) == {
        key: value
        for key, value in kolada_recorded("2013-04-16").items()
        if key[0] in LONG and key[1] in set(codes_of(["county:14"]))
    }
    assert any("page=2" in fetched.address for fetched in kept)


@pytest.mark.shared
def test_a_last_page_that_is_left_out_without_a_word_stops_the_load() -> None:
    plan = kolada_plan(LONG, ["county:14"])
    with (
        standin("--vintage", "2013-04-16", "--faults", "drop-last-page") as base,
        pytest.raises(BrokenSourceError, match="there is more"),
    ):
        asked(base, kolada.asks(plan))


@pytest.mark.shared
def test_a_next_page_on_another_host_is_never_asked_for() -> None:
    plan = kolada_plan(LONG, ["county:14"])
    with (
        standin("--vintage", "2013-04-16", "--faults", "wrong-next-host") as base,
        pytest.raises(ForeignHostError, match="example"),
    ):
        asked(base, kolada.asks(plan))


@pytest.mark.shared
def test_the_count_of_an_answer_changes_nothing(undisturbed: dict[Key, float | None]) -> None:
    with standin("--count-total") as base:
        made = loaded(base, kolada_plan(FAULTY, KALMAR))

    assert figures_of(made) == undisturbed


@pytest.mark.shared
def test_every_kpi_of_the_catalogue_is_one_that_kolada_has_and_makes_an_indicator(
    at: Vintages,
) -> None:
    for path in LISTED:
        plan = listed(path)
        made = loaded(at("2026-03-04"), plan)

        assert made.keys() == set(plan.load["kpis"])
        assert all(one.indicator.title.sv and one.indicator.title.en for one in made.values())


def test_no_indicator_of_the_catalogue_stands_in_another_dataset() -> None:
    starter = [path.read_text("utf-8") for path in (ROOT / "loaders" / "starter").glob("kolada-*.toml")]
    taken = [table["id"] for text in starter for table in tomllib.loads(text)["indicator"]]
    mine = [kpi for path in LISTED for kpi in listed(path).load["kpis"]]

    assert len({*mine, *taken}) == len(mine) + len(taken)


@pytest.mark.parametrize("path", LISTED, ids=lambda path: path.stem)
def test_every_plan_of_the_catalogue_has_a_first_question(path: Path) -> None:
    plan = listed(path)

    assert next(kolada.asks(plan)).target.startswith(f"kpi/{plan.load['kpis'][0]}")
    assert plan.dataset.id == path.stem


@pytest.mark.shared
def test_a_person_gets_pairs_proposed_for_every_number_of_uncertainty() -> None:
    kpis = [kpi for kpi in kolada_catalogue("2026-03-04").values() if kpi.id.startswith("U01")]
    proposed = proposed_uncertainties(kpis)

    assert proposed.keys() == {kpi.id for kpi in kpis if kpi.title.startswith("Osäkerhetstal")}
    assert "U01405" in proposed["U01511"]
