"""Nights over the recordings: first, moved on, again, with every fault, and with a source that is dead."""

import csv
import gzip
import json
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from tests.conftest import SHARED, free_port, fresh_database
from tests.standins import COSTS, Figures, Ledger, Told, ledger, night, standin

pytestmark = pytest.mark.shared

REAL = SHARED / "real"
COSTLY, PEOPLE, MEDICINE = "kolada-vardkostnader", "scb-befolkning-arlig", "socialstyrelsen-adhd-lakemedel"
DATASET = {"kolada": COSTLY, "scb": PEOPLE, "socialstyrelsen": MEDICINE}
WIRE_FAULTS = ("http500:0.3", "reset:0.3", "truncate:0.3", "html:0.3", "slow:0.3")
CONTENT_FAULTS = "drop-last-page,wrong-next-host"
EVERY_FAULT = "http500:0.1,reset:0.1,truncate:0.1,html:0.1,slow:0.1"
ALLOWED = {"kolada": (5, 1.0), "scb": (30, 10.0), "socialstyrelsen": (3, 1.0)}
"""The calls and seconds of each source: what it states, or what its clients keep to."""
LATER = "2026-09-01"


@dataclass
class Chain:
    """Three nights on one source: as recorded, moved on, and once more."""

    nights: list[Told] = field(default_factory=list)
    expected: list[Figures] = field(default_factory=list)
    told: Ledger | None = None
    log: Path = Path()


def kolada_figures(*folders: Path) -> Figures:
    """Read the last recorded value of each figure of the catalogue's cost KPIs."""
    figures: Figures = {}
    for folder in folders:
        with gzip.open(folder / "values.csv.gz", "rt", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["kpi"] in COSTS and row["municipality"] in {"0008", "0000"}:
                    sex = {"T": "total", "K": "women", "M": "men"}[row["gender"]]
                    key = (row["kpi"], row["municipality"][2:], sex, row["period"], "")
                    figures[key] = float(row["value"])
    return figures


def scb_figures(folder: Path) -> Figures:
    """Read the population of the county, its municipalities and the country, by sex and age."""
    with gzip.open(folder / "values.csv.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["Region"] == "00" or row["Region"][:2] == "08"]
    figures: Figures = defaultdict(float)
    for row in rows:
        sex, age, value = {"1": "men", "2": "women"}[row["Kon"]], row["Alder"], float(row["value"])
        age = age.replace("100+", "100-")
        figures["scb-folkmangd-alder", row["Region"], sex, row["Tid"], f"age:{age}" * (age != "tot")] = value
        if age != "tot":
            decade = age if age == "100-" else f"{int(age) // 10 * 10}-{int(age) // 10 * 10 + 9}"
            figures["scb-folkmangd-tioarsklass", row["Region"], sex, row["Tid"], f"age:{decade}"] += value
    return dict(figures)


def medicine_figures(path: Path) -> Figures:
    """Read what the export says of methylphenidate, by county."""
    regions = json.loads((REAL / "socialstyrelsen" / "api" / "dodsorsaker_metadata.json").read_text("utf-8"))
    codes = {one["text"]: one.get("kod") or one["id"] for one in regions["region"]}
    columns = {"Antal patienter": "patienter", "Patienter/1000 invånare": "per-1000"}
    sexes = {"Män": "men", "Kvinnor": "women", "Båda könen": "total"}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter=";") if row.get("Region")]
    return {
        (
            f"socialstyrelsen-metylfenidat-{name}",
            f"{int(codes[row['Region']]):02}",
            sexes[row["Kön"]],
            row["År"],
            "",
        ): float(row[column].replace(",", "."))
        for row in rows
        if row["Läkemedel"].startswith("N06BA04")
        for column, name in columns.items()
    }


def later_kolada(folder: Path) -> None:
    """Write a state of Kolada in which two figures are revised, one is new, and a KPI is gone."""
    folder.mkdir()
    with gzip.open(REAL / "kolada" / "kpi_2026-03-04.json.gz", "rt", encoding="utf-8") as file:
        kpis = [kpi for kpi in json.load(file) if kpi["id"] != "U79066"]
    (folder / f"kpi_{LATER}.json.gz").write_bytes(gzip.compress(json.dumps(kpis).encode()))
    rows = [("N70061", "0008", 2020, 31000.5), ("N70061", "0000", 2020, 31001), ("N71000", "0008", 2026, 1)]
    head = "kpi,municipality,period,gender,value,vintage,count,status,recording\n"
    body = "".join(f"{kpi},{area},{year},T,{value},{LATER},1,,prov\n" for kpi, area, year, value in rows)
    (folder / "values.csv.gz").write_bytes(gzip.compress((head + body).encode()))


def kolada_chain(chain: Chain, folder: Path, run: Callable[..., None]) -> None:
    later = folder / "kolada"
    later_kolada(later)
    real = REAL / "kolada"
    run("--vintage", "2026-08-16")
    chain.expected.append(kolada_figures(real))
    run("--data", real, "--data", later, "--vintage", LATER)
    after = kolada_figures(real, later)
    chain.expected.append({key: value for key, value in after.items() if key[0] != "U79066"})
    run("--data", real, "--data", later, "--vintage", LATER)


def scb_chain(chain: Chain, folder: Path, run: Callable[..., None]) -> None:
    real, data = REAL / "scb" / "tables", folder / "scb"
    shutil.copytree(real, data)
    # the monthly table was recorded in 2026 only; here it is as old as the yearly one
    (data / "TAB6471@2026-06-08").rename(data / "TAB6471@2020-02-20")
    before, after = data / "TAB638@2020-02-20", data / "TAB638@2021-02-20"
    shutil.copytree(before, after)
    rows = gzip.decompress((before / "values.csv.gz").read_bytes()).decode().splitlines(keepends=True)
    at = next(at for at, row in enumerate(rows) if row.startswith("0880,5,1,"))
    start, _, value = rows[at].rpartition(",")
    rows[at] = f"{start},{int(value) + 1}\n"
    (after / "values.csv.gz").write_bytes(gzip.compress("".join(rows).encode()))
    for state in (before, after):
        run("--data", data, "--vintage", state.name.partition("@")[2])
        chain.expected.append(scb_figures(state))
    run("--data", data, "--vintage", "2021-02-20")


def medicine_chain(chain: Chain, folder: Path, run: Callable[..., None]) -> None:
    real, data = REAL / "socialstyrelsen", folder / "socialstyrelsen"
    shutil.copytree(real, data)
    export = data / "csv" / "socialstyrelsen_2022-02-18.csv"
    later = data / "csv" / "socialstyrelsen_2023-02-18.csv"
    lines = export.read_text("utf-8-sig").splitlines(keepends=True)
    at = next(at for at, line in enumerate(lines) if "N06BA04" in line and ";Kalmar län;" in line)
    patients = lines[at].rstrip("\n").split(";")[lines[0].split(";").index("Antal patienter")]
    lines[at] = lines[at].replace(f";{patients};", f";{int(patients) + 7};")
    later.write_text("".join(lines), "utf-8")
    run("--data", data, "--vintage", "2022-02-18")
    chain.expected.append(medicine_figures(export))
    run("--data", data, "--vintage", "2023-02-18")
    chain.expected.append(medicine_figures(later))
    run("--data", data, "--vintage", "2023-02-18")


CHAINS = {"kolada": kolada_chain, "scb": scb_chain, "socialstyrelsen": medicine_chain}


@pytest.fixture(scope="module")
def chains(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Chain]]:
    """Three nights on each source, the sources beside each other."""

    def walk(source: str, folder: Path, database: str) -> Chain:
        chain = Chain(log=folder / "log")

        def run(*switches: str | Path) -> None:
            with standin(source, "--log", chain.log, *switches) as base:
                chain.nights.append(night(folder, database, "--only", DATASET[source], **{source: base}))

        CHAINS[source](chain, folder, run)
        chain.told = ledger(database)
        return chain

    with ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        asked = [
            (source, tmp_path_factory.mktemp(source), stack.enter_context(fresh_database(cluster)))
            for source in CHAINS
        ]
        yield dict(zip(CHAINS, pool.map(lambda one: walk(*one), asked), strict=True))


@pytest.mark.parametrize("source", CHAINS)
def test_every_recorded_figure_is_published_and_none_is_invented(
    chains: dict[str, Chain], source: str
) -> None:
    chain = chains[source]

    assert (chain.nights[0].code, chain.nights[0].line["outcome"]) == (0, "published")
    assert chain.told
    assert chain.told.figures(0) == chain.expected[0]
    assert len(chain.expected[0]) > 100


@pytest.mark.parametrize(
    ("source", "version", "changed"),
    [("kolada", "2.0.0", (1, 2, 22)), ("scb", "1.0.1", (0, 2, 0)), ("socialstyrelsen", "1.0.1", (0, 1, 0))],
)
def test_a_source_that_moved_on_makes_a_version_of_exactly_what_differs(
    chains: dict[str, Chain], source: str, version: str, changed: tuple[int, int, int]
) -> None:
    chain = chains[source]
    counts = chain.nights[1].line["counts"]
    before, after = chain.expected

    assert (chain.nights[1].code, chain.nights[1].line["version"]) == (0, version)
    assert chain.told
    assert chain.told.figures(1) == after != before
    assert chain.told.figures(0) == before
    assert (counts["added"], counts["revised"], counts["removed"]) == changed


@pytest.mark.parametrize("source", CHAINS)
def test_a_source_that_stands_still_is_checked_and_publishes_nothing(
    chains: dict[str, Chain], source: str
) -> None:
    chain = chains[source]

    assert (chain.nights[2].code, chain.nights[2].line["outcome"]) == (0, "unchanged")
    assert "checked, no change" in chain.nights[2].words
    assert chain.told
    assert len(chain.told.releases) == 2
    assert [outcome for _, outcome, _ in chain.told.attempts] == ["published", "published", "unchanged"]


@pytest.mark.parametrize("source", CHAINS)
def test_no_source_is_asked_faster_than_it_wants(chains: dict[str, Chain], source: str) -> None:
    calls, seconds = ALLOWED[source]
    said = [json.loads(line) for line in chains[source].log.read_text("utf-8").splitlines()]
    times = [_moment(call["time"]) for call in said]
    # the stand-in notes the time of its answer, which wavers on a busy machine
    spans = [later - times[at] for at, later in enumerate(times[calls:])]

    assert all(span >= seconds * 0.7 for span in spans)
    assert {call["status"] for call in said} <= {200, 404}
    assert all("@" in (call.get("user_agent") or call.get("userAgent")) for call in said)


def _moment(said: float | str) -> float:
    return datetime.fromisoformat(said).timestamp() if isinstance(said, str) else said


@dataclass
class Faulty:
    """A night with a fault, how long it took, and what it left."""

    told: Told
    seconds: float
    ledger: Ledger


@pytest.fixture(scope="module")
def faulty_nights(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Faulty]]:
    """A night with each fault on Kolada and Socialstyrelsen, one with all on SCB, one with a dead source."""

    def walk(fault: str, folder: Path, database: str) -> Faulty:
        with ExitStack() as running:
            sources = ["scb"] if fault == EVERY_FAULT else ["kolada", "socialstyrelsen"]
            switches = () if fault == "dead" else ("--faults", fault, "--seed", "5")
            bases = {one: running.enter_context(standin(one, *switches)) for one in sources}
            if fault == "dead":
                bases["socialstyrelsen"] = f"http://127.0.0.1:{free_port()}/api/v1/sv"
            began = time.monotonic()
            # the dead one comes first
            told = night(folder, database, "--only", *(DATASET[one] for one in reversed(sources)), **bases)
            return Faulty(told, time.monotonic() - began, ledger(database))

    faults = ("dead", EVERY_FAULT, *WIRE_FAULTS, CONTENT_FAULTS)
    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        asked = [
            (fault, tmp_path_factory.mktemp("fault"), stack.enter_context(fresh_database(cluster)))
            for fault in faults
        ]
        yield dict(zip(faults, pool.map(lambda one: walk(*one), asked), strict=True))


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Figures]:
    return {
        COSTLY: kolada_figures(REAL / "kolada"),
        PEOPLE: scb_figures(REAL / "scb" / "tables" / "TAB638@2020-02-20"),
        MEDICINE: medicine_figures(REAL / "socialstyrelsen" / "csv" / "socialstyrelsen_2022-02-18.csv"),
    }


@pytest.mark.parametrize("fault", [EVERY_FAULT, *WIRE_FAULTS, CONTENT_FAULTS])
def test_with_a_fault_a_dataset_is_right_or_failed_and_the_night_ends_in_time(
    faulty_nights: dict[str, Faulty], undisturbed: dict[str, Figures], fault: str
) -> None:
    one = faulty_nights[fault]
    outcomes = one.told.outcomes
    published = {name for name, outcome in outcomes.items() if outcome == "published"}
    expected = {key: value for name in published for key, value in undisturbed[name].items()}

    assert one.seconds < 90
    assert set(outcomes.values()) <= {"published", "failed"}
    assert one.told.code == (0 if published == outcomes.keys() else 1)
    assert {release.dataset for release in one.ledger.releases} == published
    assert one.ledger.figures() == expected


@pytest.mark.parametrize("fault", WIRE_FAULTS)
def test_three_faults_in_ten_answers_do_not_stop_a_night(
    faulty_nights: dict[str, Faulty], fault: str
) -> None:
    assert faulty_nights[fault].told.code == 0


def test_a_dead_source_fails_alone_and_says_which_address_and_why(
    faulty_nights: dict[str, Faulty], undisturbed: dict[str, Figures]
) -> None:
    one = faulty_nights["dead"]
    failed = next(line for line in one.told.report["datasets"] if line["dataset"] == MEDICINE)

    assert one.told.code == 1
    assert one.told.outcomes == {MEDICINE: "failed", COSTLY: "published"}
    assert "/api/v1/sv/lakemedel: ConnectError" in failed["detail"][0]
    assert (MEDICINE, "failed", failed["detail"][0]) in one.ledger.attempts
    assert one.ledger.figures() == undisturbed[COSTLY]
    assert one.seconds < 90
