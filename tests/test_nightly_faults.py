"""Nights with every fault: in bounded time a dataset is right or failed, and the report says what to do."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from datasets.areas import municipalities_of
from loaders.kolada_catalogue import unit_of
from tests.conftest import SHARED, free_port, fresh_database
from tests.recordings import (
    LONG,
    cost_figures,
    kolada_catalogue,
    kolada_plan,
    kolada_recorded,
    medicine_figures,
    people_figures,
    stated_units,
    with_catalogue,
)
from tests.standins import Figures, Ledger, Told, calls_in, ledger, night, standin, too_fast
from tests.test_socialstyrelsen import injuries

pytestmark = [pytest.mark.shared, pytest.mark.timeout(400)]

REAL = SHARED / "real"
COSTLY, PEOPLE, MEDICINE = "kolada-vardkostnader", "scb-befolkning-arlig", "socialstyrelsen-adhd-lakemedel"
DATASET = {"kolada": COSTLY, "scb": PEOPLE, "socialstyrelsen": MEDICINE}
WIRE_FAULTS = ("http500:0.3", "reset:0.3", "truncate:0.3", "html:0.3", "slow:0.3")
EVERY_FAULT = "http500:0.06,reset:0.06,truncate:0.06,html:0.06,slow:0.06"
DEAD = "dead"
NO_FAULT, DROPPED, FOREIGN = "", "drop-last-page", "wrong-next-host"
LONG_ONE, HURT = "kolada-langa", "socialstyrelsen-skador"
"""Datasets whose answers take several pages."""
THEN = "2013-04-16"


@dataclass
class Faulty:
    """A night with a fault, how long it took, what it left, and how each source was asked."""

    told: Told
    seconds: float
    ledger: Ledger
    logs: dict[str, Path] = field(default_factory=dict)

    @property
    def details(self) -> dict[str, str]:
        return {line["dataset"]: "\n".join(line["detail"]) for line in self.told.report["datasets"]}


def faulty(
    sources: dict[str, tuple[str | Path, ...]],
    datasets: list[str],
    folder: Path,
    database: str,
    root: Path | None = None,
) -> Faulty:
    """Run a night on stand-ins with their switches; a source without any is dead."""
    logs = {one: folder / f"{one}.log" for one, switches in sources.items() if switches}
    with ExitStack() as running:
        bases = {
            one: running.enter_context(standin(one, "--log", log, *sources[one])) for one, log in logs.items()
        }
        bases |= {one: f"http://127.0.0.1:{free_port()}/api/v1/sv" for one in sources.keys() - bases.keys()}
        began = time.monotonic()
        told = night(folder, database, "--only", *datasets, root=root, **bases)
        seconds = time.monotonic() - began
    return Faulty(told, seconds, ledger(database), logs)


@pytest.fixture(scope="module")
def nights(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Faulty]]:
    """A night with each fault on every source, and one in which a source is dead."""

    def walk(fault: str, folder: Path, database: str) -> Faulty:
        switches = ("--seed", "5", *(("--faults", fault) if fault != DEAD else ()))
        sources: dict[str, tuple[str | Path, ...]] = dict.fromkeys(DATASET, switches)
        if fault == DEAD:
            sources["socialstyrelsen"] = ()
        # the dead one comes first
        return faulty(sources, [*reversed(DATASET.values())], folder, database)

    faults = (DEAD, EVERY_FAULT, *WIRE_FAULTS)
    with ExitStack() as stack, ThreadPoolExecutor(len(faults)) as pool:
        asked = [
            (fault, tmp_path_factory.mktemp("fault"), stack.enter_context(fresh_database(cluster)))
            for fault in faults
        ]
        yield dict(zip(faults, pool.map(lambda one: walk(*one), asked), strict=True))


@pytest.fixture(scope="module")
def paged_nights(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Faulty]]:
    """Nights on answers of several pages, of which the last is left out or the next one is elsewhere."""
    kpis = kolada_catalogue(THEN)
    units = stated_units({name: kpis[name] for name in LONG})
    plan = kolada_plan({name: unit or unit_of(kpis[name]) for name, unit in units.items()}, ["county:14"])
    checks = {LONG_ONE: {"notShares": ["N01958", "N01963"]}}
    root = with_catalogue(
        tmp_path_factory.mktemp("root") / "copy", {LONG_ONE: plan, HURT: injuries(20)}, checks
    )

    def walk(fault: str, folder: Path, database: str) -> Faulty:
        spoilt = ("--seed", "5", *(("--faults", fault) if fault else ()))
        sources = {"kolada": ("--vintage", THEN, *spoilt), "socialstyrelsen": spoilt}
        return faulty(sources, [LONG_ONE, HURT], folder, database, root)

    faults = (NO_FAULT, DROPPED, FOREIGN, *WIRE_FAULTS)
    with ExitStack() as stack, ThreadPoolExecutor(len(faults)) as pool:
        asked = [
            (fault, tmp_path_factory.mktemp("paged"), stack.enter_context(fresh_database(cluster)))
            for fault in faults
        ]
        yield dict(zip(faults, pool.map(lambda one: walk(*one), asked), strict=True))


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Figures]:
    return {
        COSTLY: cost_figures(REAL / "kolada"),
        PEOPLE: people_figures(REAL / "scb" / "tables" / "TAB638@2020-02-20"),
        MEDICINE: medicine_figures(REAL / "socialstyrelsen" / "csv" / "socialstyrelsen_2022-02-18.csv"),
        LONG_ONE: long_figures(),
        HURT: injury_figures(),
    }


def long_figures() -> Figures:
    inside = set(municipalities_of("14"))
    return {
        (kpi, area, str(sex), str(year), ""): value
        for (kpi, area, sex, year), value in kolada_recorded(THEN).items()
        if kpi in LONG and area in inside and value is not None
    }


def injury_figures() -> Figures:
    rows = json.loads((REAL / "socialstyrelsen" / "api" / "skador_rows.json").read_text("utf-8"))
    sexes = {1: "men", 2: "women", 3: "total"}
    return {
        ("prov-0", "0180", sexes[row["konId"]], "1997", f"age:{row['alderId']};kind:{row['typId']}"): float(
            row["varde"].replace(",", ".")
        )
        for row in rows
    }


def right_or_failed(one: Faulty, undisturbed: dict[str, Figures]) -> None:
    outcomes = one.told.outcomes
    published = {name for name, outcome in outcomes.items() if outcome == "published"}
    expected = {key: value for name in published for key, value in undisturbed[name].items()}

    assert one.seconds < 240
    assert set(outcomes.values()) <= {"published", "failed"}
    assert one.told.code == (0 if published == outcomes.keys() else 1)
    assert {release.dataset for release in one.ledger.releases} == published
    assert one.ledger.figures() == expected


@pytest.mark.parametrize("fault", [DEAD, EVERY_FAULT, *WIRE_FAULTS])
def test_with_a_fault_a_dataset_is_right_or_failed_and_the_night_ends_in_time(
    nights: dict[str, Faulty], undisturbed: dict[str, Figures], fault: str
) -> None:
    right_or_failed(nights[fault], undisturbed)


@pytest.mark.parametrize("fault", [NO_FAULT, DROPPED, FOREIGN, *WIRE_FAULTS])
def test_with_a_fault_on_answers_of_several_pages_a_dataset_is_right_or_failed(
    paged_nights: dict[str, Faulty], undisturbed: dict[str, Figures], fault: str
) -> None:
    right_or_failed(paged_nights[fault], undisturbed)


@pytest.mark.parametrize("fault", WIRE_FAULTS)
def test_three_faults_in_ten_answers_do_not_stop_a_night(
    nights: dict[str, Faulty], paged_nights: dict[str, Faulty], fault: str
) -> None:
    assert (nights[fault].told.code, paged_nights[fault].told.code) == (0, 0)


def test_several_pages_without_a_fault_are_published(paged_nights: dict[str, Faulty]) -> None:
    one = paged_nights[NO_FAULT]

    assert one.told.outcomes == {LONG_ONE: "published", HURT: "published"}
    assert any("page=2" in call["path"] and call["bytes"] > 1_000 for call in calls_in(one.logs["kolada"]))
    assert any("sida=2" in call["path"] for call in calls_in(one.logs["socialstyrelsen"]))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            DROPPED,
            {
                LONG_ONE: "there is more, though the page before named no next one",
                HURT: "there is more after page",
            },
        ),
        (FOREIGN, {LONG_ONE: "points at another host", HURT: "points at another host"}),
    ],
)
def test_a_page_that_is_kept_back_or_elsewhere_fails_the_dataset_with_the_address_and_the_reason(
    paged_nights: dict[str, Faulty], fault: str, said: dict[str, str]
) -> None:
    one = paged_nights[fault]

    assert one.told.code == 1
    assert one.told.outcomes == dict.fromkeys(said, "failed")
    assert {name: reason in one.details[name] for name, reason in said.items()} == dict.fromkeys(said, True)
    assert all("http://" in detail for detail in one.details.values())


def test_a_dead_source_fails_alone_and_says_which_address_and_why(
    nights: dict[str, Faulty], undisturbed: dict[str, Figures]
) -> None:
    one = nights[DEAD]
    failed = one.details[MEDICINE]

    assert one.told.code == 1
    assert one.told.outcomes == {MEDICINE: "failed", COSTLY: "published", PEOPLE: "published"}
    assert "/api/v1/sv/lakemedel: ConnectError" in failed
    assert (MEDICINE, "failed", failed) in one.ledger.attempts
    assert one.ledger.figures() == {**undisturbed[COSTLY], **undisturbed[PEOPLE]}


@pytest.mark.parametrize("fault", [EVERY_FAULT, *WIRE_FAULTS])
def test_asking_again_after_a_fault_keeps_within_the_limits_of_the_source(
    nights: dict[str, Faulty], fault: str
) -> None:
    asked = {source: calls_in(log) for source, log in nights[fault].logs.items()}

    assert {source: too_fast(calls, source) for source, calls in asked.items()} == {
        one: [] for one in DATASET
    }
    assert any(call["fault"] for calls in asked.values() for call in calls)
    assert 429 not in {call["status"] for calls in asked.values() for call in calls}
