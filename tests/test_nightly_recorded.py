"""Nights over everything that was recorded, state by state, held against the recordings and served."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from datasets.cube import Cube
from loaders.kolada_catalogue import unit_of
from loaders.source import Plan
from tests.conftest import SHARED, fresh_database, served
from tests.recordings import (
    EVERYWHERE,
    NEWEST,
    areas_recorded_after,
    kolada_catalogue,
    kolada_plan,
    kolada_recorded,
    scb_recorded,
    stated_units,
    tab638,
    tab638_key,
    tab6471,
    tab6471_key,
    tab9000,
    tab9000_key,
    with_catalogue,
)
from tests.standins import Ledger, Told, environment, ledger, night, standin
from tests.test_socialstyrelsen import MEASURES, medicines
from tests.test_socialstyrelsen import recorded as medicines_recorded

pytestmark = [pytest.mark.shared, pytest.mark.timeout(600)]

Figures = dict[tuple[str, ...], float | None]
State = Callable[[], dict[str, Figures]]
VINTAGES = ("2013-04-16", "2024-04-06", "2026-03-04", "2026-06-12", "2026-07-02", NEWEST)
HOME = {"00", "08", *(f"08{number}" for number in (21, 34, 40, 60, 61, 62, 80, 81, 82, 83, 84, 85))}
CHANGES = ("N01958", "N01963", "N15001")
"""KPIs in percent that are a change or a deviation, and no share."""
MONTHS = (1, 2, 3, 4)
TABLES = {
    "2005-02-08": ["scb-folkmangd"],
    "2020-02-20": ["scb-folkmangd", "scb-alder"],
    "2024-02-06": ["scb-folkmangd", "scb-alder", "scb-civilstand"],
    "2024-02-23": ["scb-folkmangd", "scb-alder", "scb-civilstand"],
    "2026-06-08": [
        "scb-folkmangd",
        "scb-alder",
        "scb-civilstand",
        *(f"scb-manad-{month}" for month in MONTHS),
    ],
}
"""The datasets whose tables were recorded by each day."""


def kolada_figures(vintage: str, areas: set[str] | None = None) -> Figures:
    return {
        (kpi, area, str(sex), str(year), ""): value
        for (kpi, area, sex, year), value in kolada_recorded(vintage).items()
        if areas is None or area in areas
    }


def kolada_whole(areas: list[str]) -> Plan:
    """Return a plan of every KPI that was ever recorded."""
    kpis = {name: kpi for day in VINTAGES for name, kpi in kolada_catalogue(day).items()}
    wanted = sorted({key[0] for day in VINTAGES for key in kolada_recorded(day)})
    units = stated_units({name: kpis[name] for name in wanted})
    return kolada_plan({name: unit or unit_of(kpis[name]) for name, unit in units.items()}, areas)


def named(plan: Plan, name: str) -> Plan:
    """Return *plan* of one indicator with that indicator's id changed."""
    return msgspec.structs.replace(plan, indicators=({**plan.indicators[0], "id": name},))


def scb_plans() -> dict[str, Plan]:
    plans = {
        "scb-folkmangd": named(tab638(undivided=True), "scb-folkmangd-prov"),
        "scb-alder": named(tab638(**{"from": 2019}), "scb-alder-prov"),
        "scb-civilstand": named(tab9000(), "scb-civilstand-prov"),
    }
    return plans | {f"scb-manad-{one}": named(tab6471(one), f"scb-manad-prov-{one}") for one in MONTHS}


def scb_figures(day: str) -> Figures:
    """Return what was recorded of the tables by *day*, by the indicators that take it."""
    people = "TAB638@2005-02-08" if day < "2020" else "TAB638@2020-02-20"
    figures: Figures = {}
    for row in scb_recorded(people):
        area, sex, year, age = tab638_key(row)
        if not age:
            figures["scb-folkmangd-prov", area, sex, str(year), ""] = float(row["value"])
        if day >= "2020" and year == 2019:
            figures["scb-alder-prov", area, sex, str(year), age] = float(row["value"])
    if day >= "2024":
        for row in scb_recorded(f"TAB9000@{min(day, '2024-02-23')}"):
            area, sex, year, parts = tab9000_key(row)
            figures["scb-civilstand-prov", area, sex, str(year), parts] = float(row["value"])
    if day >= "2026":
        for row in scb_recorded("TAB6471@2026-06-08"):
            area, sex, year, age = tab6471_key(row)
            figures[f"scb-manad-prov-{int(row['Tid'][5:])}", area, sex, str(year), age] = float(row["value"])
    return figures


@dataclass
class Chain:
    """Nights on one source over its recorded states, the last of them twice, and what they left."""

    states: Mapping[str, Figures]
    nights: list[Told] = field(default_factory=list)
    told: Ledger | None = None
    database: str = ""
    home: Path = Path()

    @property
    def published(self) -> Ledger:
        assert self.told
        return self.told


def stated(cubes: Mapping[str, Cube]) -> Figures:
    """Return every figure by its name, one without a value as None."""
    figures: Figures = {}
    for name, cube in cubes.items():
        columns, parts = cube.columns, [part.text for part in cube.breakdowns]
        sexes = ("total", "women", "men", "other")
        keys = zip(
            *(getattr(columns, one).tolist() for one in ("municipality", "sex", "year", "breakdown")),
            strict=True,
        )
        for (area, sex, year, part), value in zip(keys, columns.value.tolist(), strict=True):
            key = (name, str(cube.municipalities[area]), sexes[sex], str(year), parts[part])
            figures[key] = None if value != value else value  # noqa: PLR0124 NaN is what differs from itself
    return figures


@pytest.fixture(scope="module")
def chains(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Chain]]:
    areas = HOME | areas_recorded_after(VINTAGES[0])
    plans = {
        "kolada-hela": kolada_whole(EVERYWHERE),
        "kolada-andrade": kolada_whole(sorted(areas)),
        "socialstyrelsen-lakemedel": medicines(),
        **scb_plans(),
    }
    changes = {"notShares": list(CHANGES)}
    checks = {"kolada-hela": changes, "kolada-andrade": changes}
    root = with_catalogue(tmp_path_factory.mktemp("root") / "copy", plans, checks)
    walks: dict[str, tuple[str, dict[str, Figures], Callable[[str], list[str]]]] = {
        "whole": ("kolada", {NEWEST: kolada_figures(NEWEST)}, lambda _: ["kolada-hela"]),
        "kolada": (
            "kolada",
            {day: kolada_figures(day, areas) for day in VINTAGES},
            lambda _: ["kolada-andrade"],
        ),
        "scb": ("scb", {day: scb_figures(day) for day in TABLES}, TABLES.__getitem__),
        "socialstyrelsen": (
            "socialstyrelsen",
            {"2022-02-18": medicine_figures()},
            lambda _: ["socialstyrelsen-lakemedel"],
        ),
    }

    def walk(name: str, home: Path, database: str) -> Chain:
        source, states, wanted = walks[name]
        chain = Chain(states, database=database, home=home)
        again = [*states, list(states)[-1]] if name != "whole" else [*states]
        for day in again:
            rate = ("--rate", "0") if source == "scb" else ()
            with standin(source, "--vintage", day, *rate) as base:
                chain.nights.append(
                    night(home, database, "--only", *wanted(day), root=root, **{source: base})
                )
        chain.told = ledger(database)
        return chain

    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        asked = [
            (name, tmp_path_factory.mktemp(name), stack.enter_context(fresh_database(cluster)))
            for name in walks
        ]
        yield dict(zip(walks, pool.map(lambda one: walk(*one), asked), strict=True))


def medicine_figures() -> Figures:
    return {
        (f"prov-{at}", area, sex, str(year), part): value
        for at, column in enumerate(MEASURES)
        for (area, sex, year, part), value in medicines_recorded(SHARED, "2022-02-18", column).items()
    }


SOURCES = ("whole", "kolada", "scb", "socialstyrelsen")


def with_values(figures: Figures) -> Figures:
    return {key: value for key, value in figures.items() if value is not None}


@pytest.mark.parametrize("name", SOURCES)
def test_every_night_over_a_recorded_state_publishes(chains: dict[str, Chain], name: str) -> None:
    for told in chains[name].nights:
        assert told.code == 0, told.words
        assert set(told.outcomes.values()) <= {"published", "unchanged"}


@pytest.mark.parametrize("name", SOURCES)
def test_every_figure_served_is_the_recorded_one_and_every_recorded_one_is_served(
    chains: dict[str, Chain], name: str, tmp_path: Path
) -> None:
    chain = chains[name]
    expected = list(chain.states.values())[-1]
    with served(environment(chain.home, chain.database), tmp_path / "log") as server:
        found = figures_of(f"{server.url}/api/v1")

    assert with_values(found) == with_values(expected)
    # a cell that SCB was not recorded to have is served as missing by its stand-in, never as zero
    assert name == "scb" or found.keys() == expected.keys()


def figures_of(base: str) -> Figures:
    """Read every figure that the API serves."""
    figures: Figures = {}
    with httpx.Client(timeout=120) as client:
        listed = client.get(f"{base}/datasets?limit=100").json()["datasets"]
        for dataset in listed:
            link: str | None = f"{base}/observations?dataset={dataset['id']}&breakdown=*&limit=10000"
            while link:
                answer = msgspec.json.decode(client.get(link).content)
                for one in answer["observations"]:
                    figures[served_key(one)] = one["value"]
                    assert one["value"] is not None or one["status"] == "missing"
                link = answer["_links"].get("next", {}).get("href")
    return figures


def served_key(one: dict[str, Any]) -> tuple[str, ...]:
    parts = ";".join(f"{name}:{code}" for name, code in sorted(one.get("breakdown", {}).items()))
    return one["indicator"], one["municipality"], one["sex"], str(one["year"]), parts


@pytest.mark.parametrize("name", ["kolada", "scb", "socialstyrelsen"])
def test_a_second_night_says_checked_no_change_and_publishes_nothing(
    chains: dict[str, Chain], name: str
) -> None:
    last = chains[name].nights[-1]

    assert set(last.outcomes.values()) == {"unchanged"}
    assert last.words.count("checked, no change") >= len(last.outcomes)
    assert {line["release"] for line in last.report["datasets"]} == {None}


@pytest.mark.parametrize("name", ["kolada", "scb"])
def test_from_state_to_state_exactly_the_figures_that_differ_make_a_new_version(
    chains: dict[str, Chain], name: str
) -> None:
    chain = chains[name]
    before: Figures = {}
    releases = 0
    for told, (day, after) in zip(chain.nights, chain.states.items(), strict=False):
        lines = [line for line in told.report["datasets"] if line["outcome"] == "published"]
        counted: Counter[str] = sum((Counter(line["counts"]) for line in lines), Counter())
        releases += len(lines)
        both = before.keys() & after.keys()
        standing = stated(chain.published.cubes[releases - 1])
        if name == "scb":
            standing = with_values(standing)

        assert (day, standing == after) == (day, True)
        assert (counted["removed"], counted["revised"]) == (
            len(before.keys() - after.keys()),
            sum(before[key] != after[key] for key in both),
        )
        # SCB's cells that were not recorded are added as missing too
        assert name == "scb" or counted["added"] == len(after.keys() - before.keys())
        before = after
    assert releases == len(chain.published.releases)


def test_a_state_of_scb_changes_the_datasets_whose_table_moved_on_and_no_other(
    chains: dict[str, Chain],
) -> None:
    outcomes = [told.outcomes for told in chains["scb"].nights]
    versions = {one.dataset: str(one.version) for one in chains["scb"].published.releases}

    assert [sorted(name for name, said in one.items() if said == "published") for one in outcomes] == [
        ["scb-folkmangd"],
        ["scb-alder", "scb-folkmangd"],
        ["scb-civilstand"],
        ["scb-civilstand"],
        [f"scb-manad-{month}" for month in MONTHS],
        [],
    ]
    assert versions["scb-civilstand"] == "1.1.0"


def test_a_kpi_that_kolada_dropped_stays_in_the_old_versions_and_is_told_as_removed(
    chains: dict[str, Chain], tmp_path: Path
) -> None:
    chain = chains["kolada"]
    dropped = {key[0] for key in chain.states[VINTAGES[0]]} - {key[0] for key in chain.states[VINTAGES[1]]}
    removed = [key for key in chain.states[VINTAGES[0]] if key[0] in dropped]
    second = chain.nights[1].line
    with served(environment(chain.home, chain.database), tmp_path / "log") as server:
        base = f"{server.url}/api/v1"
        pinned = f"dataset=kolada-andrade&version=1.0.0&indicator={min(dropped)}&limit=10000"
        old = httpx.get(f"{base}/observations?{pinned}").json()["observations"]
        new = httpx.get(f"{base}/observations?indicator={min(dropped)}")
        versions = httpx.get(f"{base}/datasets/kolada-andrade/versions").json()["versions"]

    assert len(dropped) == 13
    assert second["version"].startswith("2.")
    assert second["counts"]["removed"] == len(removed)
    assert {f"{name}: the source does not have it" for name in dropped} <= set(second["detail"])
    assert {served_key(one): one["value"] for one in old} == {
        key: value for key, value in chain.states[VINTAGES[0]].items() if key[0] == min(dropped)
    }
    assert new.status_code == 400
    assert versions[-2]["counts"]["removed"] == len(removed)


def test_the_five_municipalities_that_were_revised_for_2021_are_the_only_revised_ones(
    chains: dict[str, Chain],
) -> None:
    before, after = (chains["kolada"].states[day] for day in ("2024-04-06", "2026-03-04"))
    revised = {key for key in before.keys() & after.keys() if before[key] != after[key]}

    assert {(key[0], key[3]) for key in revised} == {("N03702", "2021"), ("N03703", "2021")}
    assert chains["kolada"].nights[2].line["counts"]["revised"] == len(revised) == 10
