"""A declared correction from the catalogue to a reader: a real night, a real server."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from datasets.settings import Settings
from datasets.store import Store
from loaders.catalogue import catalogue_files, read_listed
from loaders.nightly import Night, load
from loaders.report import Line
from tests.conftest import fresh_database, served
from tests.standins import SmallKolada, serving

DATASET, WRONG = "kolada-vardkostnader", 9024.0
CORRECTION = f"""
[[correction]]
indicator = "N71000"
municipality = "08"
sex = "total"
year = 2024
was = {WRONG}
value = 902.4
reason = {{sv = "Kommat hade hamnat fel.", en = "The decimal point was misplaced."}}
"""


async def night(database: str, home: Path, base: str, form: Path) -> Line:
    store = Store.at(database)
    try:
        settings = Settings(home=str(home), database_url=database, kolada_url=base)
        return await load(Night(settings=settings, store=store), read_listed(form))
    finally:
        await store.close()


@pytest.fixture(scope="module")
def told(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Line], httpx.Client]]:
    """Three nights (uncorrected, corrected, and with a source that says something else) and a client."""
    folder = tmp_path_factory.mktemp("corrections")
    plain = next(path.read_text("utf-8") for path in catalogue_files() if path.stem == DATASET)
    form = folder / f"{DATASET}.toml"
    kolada = SmallKolada()
    kolada.figures["N71000", "0008", 2024] = WRONG
    with fresh_database(cluster) as database, serving(kolada.answer, "/v3") as source:
        lines = []
        for body in (plain, plain + CORRECTION):
            form.write_text(body, "utf-8")
            lines.append(asyncio.run(night(database, folder, source.base, form)))
        kolada.figures["N71000", "0008", 2024] = 9100.0
        lines.append(asyncio.run(night(database, folder, source.base, form)))
        environment = {"LANSDATA_DATABASE_URL": database, "LANSDATA_HOME": str(folder)}
        with (
            served(environment, folder / "log") as server,
            httpx.Client(base_url=f"{server.url}/api/v1") as client,
        ):
            yield lines, client


def answer(client: httpx.Client, query: str) -> dict[str, Any]:
    return dict(client.get(f"/observations?indicator=N71000&municipality=08&{query}").json())


def test_a_reader_gets_the_corrected_figure_and_why_in_a_note_that_must_be_shown(
    told: tuple[list[Line], httpx.Client],
) -> None:
    _, client = told
    swedish, english = answer(client, "year=2024"), answer(client, "year=2024&lang=en")
    other = answer(client, "year=2023")

    assert [row["value"] for row in swedish["observations"]] == [902.4]
    must = [note["text"] for note in swedish["_meta"]["notes"] if note["mandatory"]]
    assert "Rättad av Länsdata: Kommat hade hamnat fel." in must
    assert "Corrected by Länsdata: The decimal point was misplaced." in [
        note["text"] for note in english["_meta"]["notes"]
    ]
    assert "Rättad av Länsdata: Kommat hade hamnat fel." not in [
        note["text"] for note in other["_meta"]["notes"]
    ]


def test_what_we_have_worked_on_is_not_attributed_to_its_source(
    told: tuple[list[Line], httpx.Client],
) -> None:
    _, client = told
    (mine,) = answer(client, "year=2024")["_meta"]["attributions"]
    indicator = client.get("/indicators/N71000").json()

    assert mine == {
        "indicator": "N71000",
        "attribution": "Egen bearbetning av data från Kolada (RKA)",
        "processing": "derived",
    }
    assert indicator["processing"] == "derived"
    assert indicator["attribution"] == "Egen bearbetning av data från Kolada (RKA)"
    assert client.get("/indicators/N72000").json()["attribution"] == "Källa: Kolada"


def test_the_release_says_what_is_corrected_and_the_change_shows_both_figures(
    told: tuple[list[Line], httpx.Client],
) -> None:
    lines, client = told
    newest, first = client.get(f"/datasets/{DATASET}/versions").json()["versions"]

    assert [line.outcome for line in lines] == ["published", "published", "failed"]
    assert newest["note"] == "Rättad: N71000 08 total 2024 (Kommat hade hamnat fel.)"
    assert first.get("note", "") == ""
    assert newest["counts"]["revised"] == 1


def test_a_correction_that_no_longer_meets_its_figure_leaves_the_last_good_version_up(
    told: tuple[list[Line], httpx.Client],
) -> None:
    lines, client = told

    assert lines[-1].detail == (
        "the correction of N71000, 08, total, 2024 was written for 9024.0, but it is 9100.0",
    )
    assert [row["value"] for row in answer(client, "year=2024")["observations"]] == [902.4]
