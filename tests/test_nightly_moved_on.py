"""Nights of the catalogue's own datasets over the recordings: first, moved on, and again."""

import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import SHARED, fresh_database
from tests.recordings import cost_figures, medicine_figures, people_figures
from tests.standins import Figures, Ledger, Told, calls_in, ledger, night, standin, too_fast

pytestmark = pytest.mark.shared

REAL = SHARED / "real"
COSTLY, PEOPLE, MEDICINE = "kolada-vardkostnader", "scb-befolkning-arlig", "socialstyrelsen-adhd-lakemedel"
DATASET = {"kolada": COSTLY, "scb": PEOPLE, "socialstyrelsen": MEDICINE}
LATER = "2026-09-01"


@dataclass
class Chain:
    """Three nights on one source: as recorded, moved on, and once more."""

    nights: list[Told] = field(default_factory=list)
    expected: list[Figures] = field(default_factory=list)
    told: Ledger | None = None
    log: Path = Path()


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
    chain.expected.append(cost_figures(real))
    run("--data", real, "--data", later, "--vintage", LATER)
    after = cost_figures(real, later)
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
        chain.expected.append(people_figures(state))
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
    said = calls_in(chains[source].log)

    assert too_fast(said, source) == []
    assert {call["status"] for call in said} <= {200, 404}
    assert all("@" in (call.get("user_agent") or call.get("userAgent")) for call in said)
