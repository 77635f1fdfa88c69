import asyncio
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import datetime
from itertools import pairwise
from math import prod
from pathlib import Path

import msgspec
import pytest

from datasets.canonical import canonical_csv
from datasets.catalogue import Dataset
from datasets.cube import Cube
from datasets.vocabulary import Flag
from loaders import scb
from loaders.fetch import Fetched, Fetcher, Manners, SourceError
from loaders.jsonstat import read_table
from loaders.source import Made, Plan
from tests.conftest import ROOT, SHARED
from tests.recordings import (
    TENS,
    CellKey,
    scb_recorded,
    tab638,
    tab638_key,
    tab6471,
    tab6471_key,
)
from tests.samples.scb_small import questions


@contextmanager
def standin(*options: str) -> Iterator[str]:
    """The address of SCB's stand-in, a process of its own."""
    command = [sys.executable, str(SHARED / "standins/scb.py"), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().split()[1]
        finally:
            process.terminate()


async def answers(plan: Plan, base: str, *, quick: bool = True) -> list[Fetched]:
    """Ask the source at *base* for everything, at the pace that its /config states."""
    kept: list[Fetched] = []
    async with AsyncExitStack() as stack:

        async def paced(manners: Manners) -> Fetcher:
            return await stack.enter_async_context(Fetcher(base, manners, kept.append))

        fetcher = await paced(Manners(calls=1000) if quick else scb.manners(plan))
        asks = scb.asks(plan)
        ask = next(asks, None)
        while ask is not None:
            if ask.body:
                fetched = await fetcher.post(ask.target, ask.body, accept=scb.check_answer)
            else:
                fetched = await fetcher.get(ask.target, accept=scb.check_answer, known=ask.known)
            manners = scb.manners_from(fetched)
            if manners and not quick:
                await asyncio.sleep(manners.seconds / manners.calls)  # the call for /config counts too
                fetcher = await paced(manners)
            try:
                ask = asks.send(fetched)
            except StopIteration:
                ask = None
    return kept


def fetched(plan: Plan, *options: str) -> list[Fetched]:
    with standin("--rate", "0", *options) as base:
        return asyncio.run(answers(plan, base))


def loaded(plan: Plan, *options: str) -> Made:
    return next(scb.normalise(plan, fetched(plan, *options)))


def stated(cube: Cube) -> dict[CellKey, float]:
    """Every figure of *cube* that has a value."""
    found = map(cube.observation, (cube.columns.status == 0).nonzero()[0].tolist())
    return {
        (str(one.municipality), str(one.sex), int(one.year), one.breakdown.text): one.value or 0
        for one in found
    }


@pytest.mark.shared
@pytest.mark.parametrize("month", [1, 2, 3, 4])
def test_every_noisy_figure_is_the_recorded_one_and_flagged(month: int) -> None:
    made = loaded(tab6471(month))
    expected = {
        tab6471_key(row): float(row["value"])
        for row in scb_recorded("TAB6471@2026-06-08")
        if row["Tid"] == f"2026M{month:02}"
    }
    counties = [figure for figure in made.cube if figure.municipality != "00"]

    assert stated(made.cube) == expected
    assert len(expected) == len(counties) == 21 * 11 * 3
    assert {figure.flags for figure in counties} == {frozenset({Flag.PERTURBED})}
    assert [note.mandatory for note in made.indicator.notes] == [True] * 6


@pytest.mark.shared
def test_a_third_of_the_recorded_totals_are_not_sums_and_all_are_kept() -> None:
    figures = stated(loaded(tab6471(4)).cube)
    totals = {key: value for key, value in figures.items() if key[1] == "total"}
    sums = {key: figures[key[0], "men", *key[2:]] + figures[key[0], "women", *key[2:]] for key in totals}
    off = [totals[key] - sums[key] for key in totals if totals[key] != sums[key]]

    assert len(totals) == 231
    assert len(off) > 77
    assert -8 < min(off) < 0 < max(off) < 9


@pytest.mark.shared
def test_a_small_limit_of_cells_gives_more_questions_and_the_same_figures() -> None:
    plan = tab638(**{"from": 2019})
    whole, parts = fetched(plan), fetched(plan, "--max-cells", "9000")
    sizes = [prod(map(len, one.values())) for one in questions(parts)]

    assert len(list(questions(whole))) == 1
    assert len(sizes) > 7
    assert max(sizes) <= 9000
    assert sum(sizes) == 313 * 102 * 2
    assert canonical_csv(next(scb.normalise(plan, parts)).cube) == canonical_csv(
        next(scb.normalise(plan, whole)).cube
    )


@pytest.mark.shared
def test_the_order_in_which_codes_are_declared_changes_nothing() -> None:
    swapped = {"role": "municipality", "take": [{"codes": ["0880", "08", "00"]}]}
    sorted_codes = {"role": "municipality", "take": [{"codes": ["00", "08", "0880"]}]}
    plans = [tab638(dimensions={"Region": region}, undivided=True) for region in (swapped, sorted_codes)]
    first, second = (canonical_csv(loaded(plan).cube) for plan in plans)

    assert first == second


@pytest.mark.shared
@pytest.mark.parametrize("fault", ["http500", "reset", "truncate", "html", "slow"])
def test_a_source_that_fails_three_times_in_ten_gives_the_same_figures(fault: str) -> None:
    plan = tab638(undivided=True)
    cube = loaded(plan, "--vintage", "2005-02-08", "--faults", f"{fault}:0.3", "--seed", "3").cube

    assert stated(cube) == {tab638_key(row): float(row["value"]) for row in scb_recorded("TAB638@2005-02-08")}


@pytest.mark.shared
def test_with_every_fault_at_once_the_figures_are_right_or_there_are_none() -> None:
    plan = tab638(undivided=True)
    every = "http500:0.08,reset:0.08,truncate:0.08,html:0.06,slow:0.05"
    outcomes = []
    for seed in ("1", "2"):
        options = ("--vintage", "2005-02-08", "--max-cells", "700", "--faults", every, "--seed", seed)
        try:
            outcomes.append(stated(loaded(plan, *options).cube))
        except SourceError:
            outcomes.append({})
    expected = {tab638_key(row): float(row["value"]) for row in scb_recorded("TAB638@2005-02-08")}

    assert all(outcome in (expected, {}) for outcome in outcomes)
    assert expected in outcomes


@pytest.mark.shared
def test_the_calls_stay_within_the_limit_that_config_states(tmp_path: Path) -> None:
    log = tmp_path / "calls.jsonl"
    options = ("--rate", "5/2", "--max-cells", "300", "--vintage", "2005-02-08", "--log", str(log))
    with standin(*options) as base:
        asyncio.run(answers(tab638(undivided=True), base, quick=False))
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    times = [datetime.fromisoformat(call["time"]).timestamp() for call in calls]

    assert {call["status"] for call in calls} == {200}
    assert {call["method"] for call in calls if "/data" in call["path"]} == {"POST"}
    assert all("lansdata" in call["userAgent"] for call in calls)
    assert len(times) > 10
    assert all(sixth - first > 2 for first, sixth in zip(times, times[5:], strict=False))
    assert all(later >= earlier for earlier, later in pairwise(times))


@pytest.mark.shared
def test_a_table_that_is_gone_stops_the_load() -> None:
    with pytest.raises(SourceError, match=r"TAB6471.*404"):
        loaded(tab6471(4), "--vintage", "2020-02-20")


@pytest.mark.shared
def test_the_recorded_answer_gives_the_recorded_figures_without_any_server() -> None:
    body = (SHARED / "real/scb/recorded_v2/TAB6471_data.json").read_bytes()
    table = read_table(body, "TAB6471")
    rows = [float(row["value"]) for row in scb_recorded("TAB6471@2026-06-08")]

    assert sorted(rows) == sorted(float(value) for value in table.values if isinstance(value, int))


def catalogued() -> list[Plan]:
    """The plans of SCB's files in the catalogue."""
    raws = [
        tomllib.loads(path.read_text("utf-8"))
        for path in sorted((ROOT / "loaders/catalogue").glob("scb-*.toml"))
    ]
    return [
        Plan(
            dataset=msgspec.convert(raw["dataset"], Dataset),
            load={name: value for name, value in raw["load"].items() if name != "source"},
            indicators=tuple(raw["indicator"]),
        )
        for raw in raws
    ]


@pytest.mark.shared
def test_the_catalogue_takes_the_county_from_both_tables_of_the_population() -> None:
    plan = next(plan for plan in catalogued() if plan.dataset.id == "scb-befolkning-arlig")
    by_age, by_class = scb.normalise(plan, fetched(plan))
    home = {"00", "08"} | {f"08{number}" for number in (21, 34, 40, 60, 61, 62, 80, 81, 82, 83, 84, 85)}
    expected = {
        tab638_key(row): float(row["value"])
        for row in scb_recorded("TAB638@2020-02-20")
        if row["Region"] in home
    }
    sums: dict[CellKey, float] = {}
    for (place, sex, year, part), value in expected.items():
        if part:
            years = int(part.removeprefix("age:").rstrip("-"))
            tens = "100-" if years == 100 else TENS[years // 10]
            key = (place, sex, year, f"age:{tens}")
            sums[key] = sums.get(key, 0) + value

    assert stated(by_age.cube) == expected
    assert stated(by_class.cube) == sums
    assert set(by_age.cube.municipalities) == home
    assert {figure.year for figure in by_age.cube} == {2001, 2002, 2003, 2004, 2019, 2025}
    assert {figure.sex for figure in by_age.cube if figure.year < 2025} == {"men", "women"}
    assert all(note.mandatory for note in by_age.indicator.notes if note.years)


def test_the_catalogue_moves_no_id_of_the_starter_collection() -> None:
    starter = tomllib.loads((ROOT / "loaders/starter/scb-befolkning.toml").read_text("utf-8"))
    taken = {starter["dataset"]["id"], *(one["id"] for one in starter["indicator"])}

    assert not taken & {plan.dataset.id for plan in catalogued()}
    assert not taken & {one["id"] for plan in catalogued() for one in plan.indicators}


def test_the_catalogue_says_only_what_the_loader_understands() -> None:
    for plan in catalogued():
        asks = scb.asks(plan)

        assert next(asks).target == "config"
        assert "-" not in plan.load["symbols"]
