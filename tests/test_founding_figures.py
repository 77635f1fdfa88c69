"""The figures that the project began with, answered exactly as the two presentations state them."""

import csv
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.conftest import ROOT, SHARED

SEEDS = SHARED / "real" / "seeds" / "figures.csv"
MAPPED = re.compile(
    r"^\| (F\d{3}) \| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \| (\w+) \| (\d{4}) \| (\S[^|]*) \| ([^|]+) \|$",
    re.MULTILINE,
)
LEFT_OUT = re.compile(r"^\| (F\d{3}) \| [^`|]", re.MULTILINE)
DOCUMENT = (ROOT / "docs" / "starter.md").read_text("utf-8")
PLACES = {row[0]: row[1:] for row in MAPPED.findall(DOCUMENT)}
"""Where each founding figure stands: dataset, indicator, area, sex, year, breakdown, value."""
ABBREVIATED = {
    "08": "Kalmar län",
    "00": "Riket",
    "0881-kungshall": "Kungshall (Nybro)",
    "0880-berga": "Berga (Kalmar)",
}

REMARKS = {
    "whether the change runs": "31 december 2022 till 31 december 2023 sägs inte",
    "day of count (31 December) is an assumption": "är ett antagande",
    "area not named on the slide": "Området namnges inte",
    "the chart's age bars are not in the text": "diagrammet",
    "denominator 5 569": "5 569",
    "source and year are stated on the next slide": "nästa bild",
    "series break 2020": "trygghetslarm",
    "the ten most common only, so no total": "tio vanligaste",
    "selection: persons with current comorbidity": "aktuell samsjuklighet",
    "level of confidence and source not stated": "Konfidensnivån",
    "area code not stated": "ingen områdeskod",
    "ca;": "Ungefärlig",
    "municipalities that did not answer are estimated": "kommuner som inte svarade är skattade",
    "landets 290 kommuner": "antalet kommuner i landet",
    "the footnote's text is not in the deck": "fotnotens text finns inte i underlaget",
    "no value, not zero": "inget värde, inte noll",
}
"""What a remark on a founding figure is in the words of the notes that are shown with it."""


def _seeds() -> Iterator[dict[str, str]]:
    if SEEDS.is_file():
        with SEEDS.open(encoding="utf-8") as table:
            yield from csv.DictReader(table)


def _is_publishable(row: dict[str, str]) -> bool:
    """Tell whether a row states a figure (or that there is none), a period and an area."""
    states = re.fullmatch(r"-?\d+(\.\d+)?", row["value"]) or "no value" in row["note"]
    stated_area = row["area_code"] or "area inside municipality" in row["note"]
    return bool(row["measure"] != "quizalternativ" and states and row["period_end"] and stated_area)


ROWS = {row["figure_id"]: row for row in _seeds()}
PUBLISHABLE = [name for name, row in ROWS.items() if _is_publishable(row)]


def answered(client: httpx.Client, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the one figure that the document says is *name*, and what stands beside it."""
    dataset, indicator, area, sex, year, breakdown, _ = PLACES[name]
    parts = ",".join(re.findall("`([^`]+)`", breakdown))
    query = f"dataset={dataset}&indicator={indicator}&municipality={area}&sex={sex}&year={year}"
    answer = client.get(f"/observations?{query}" + (f"&breakdown={parts}" if parts else ""))
    body = json.loads(answer.content, parse_float=Decimal, parse_int=Decimal)
    assert body["_meta"]["totalRecords"] == 1, answer.text
    return body["observations"][0], body["_meta"]


def test_the_document_places_or_leaves_out_every_founding_figure() -> None:
    names = {f"F{number:03}" for number in range(1, 79)}

    assert PLACES.keys() | {*LEFT_OUT.findall(DOCUMENT)} == names
    assert len(PLACES) == 47


@pytest.mark.shared
def test_exactly_the_figures_with_a_number_a_period_and_an_area_are_published() -> None:
    assert sorted(PUBLISHABLE) == sorted(PLACES)


@pytest.mark.shared
@pytest.mark.parametrize("name", PLACES)
def test_a_founding_figure_is_answered_with_the_digits_period_and_interval_stated(
    name: str, client: httpx.Client
) -> None:
    row, (told, _) = ROWS[name], answered(client, name)
    start, end = f"{told['year']}-01-01", f"{told['year']}-12-31"

    assert told["value"] == (Decimal(row["value"]) if row["value"] else None)
    assert told.get("status") == (None if row["value"] else "missing")
    assert (told.get("periodStart", start), told.get("periodEnd", end)) == (
        row["period_start"],
        row["period_end"],
    )
    assert [told.get(bound) for bound in ("low", "high")] == [
        Decimal(row[bound]) if row[bound] else None for bound in ("low", "high")
    ]
    assert (told["sex"], ABBREVIATED[told["municipality"]]) == (row["sex"], row["area_name"])
    is_about = row["note"].startswith("ca;") or "estimated" in row["note"]
    assert told.get("flags", []) == (["estimated"] if is_about else [])


@pytest.mark.shared
@pytest.mark.parametrize("name", PLACES)
def test_a_founding_figure_has_its_notes_and_its_source_beside_it(name: str, client: httpx.Client) -> None:
    row, (_, meta) = ROWS[name], answered(client, name)
    notes = " ".join(note["text"] for note in meta["notes"])
    source = meta["attributions"][0] if meta["attributions"] else meta["datasets"][0]
    said = [words for remark, words in REMARKS.items() if remark in row["note"]]
    footnoted = re.findall(r"the deck writes '([^']+)'", row["note"])

    assert bool(said) == bool(row["note"]), "a remark that is not among those to look for"
    assert [words for words in [*said, *footnoted] if words not in notes] == []
    assert (
        row["source_as_stated"].split(" (")[0] in source["attribution"] or "Kolada" in source["attribution"]
    )


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("F001", {"value": -1044, "periodStart": "2022-01-01", "periodEnd": "2023-12-31"}),
        ("F002", {"value": 246667, "periodStart": "2023-12-31", "periodEnd": "2023-12-31"}),
        (
            "F011",
            {
                "value": 5569,
                "periodStart": "2023-12-01",
                "periodEnd": "2023-12-31",
                "breakdown": {"rub": "5"},
            },
        ),
        ("F013", {"value": 18, "breakdown": {"age": "80-"}}),
        (
            "F037",
            {
                "value": Decimal("3.2"),
                "low": Decimal("2.3"),
                "high": Decimal("4.2"),
                "periodStart": "2019-01-01",
                "periodEnd": "2022-12-31",
            },
        ),
        (
            "F042",
            {
                "value": 1,
                "periodStart": "2021-12-31",
                "periodEnd": "2021-12-31",
                "breakdown": {"age": "0-17"},
            },
        ),
        ("F043", {"value": 4400, "flags": ["estimated"], "breakdown": {"age": "6-17"}}),
        ("F059", {"value": None, "status": "missing", "breakdown": {"reporter": "forskola"}}),
        ("F060", {"value": 2, "breakdown": {"reporter": "forskola"}}),
        ("F073", {"value": 100}),
    ],
)
def test_a_founding_figure_restated_by_hand_is_answered_whole(
    name: str, told: dict[str, Any], client: httpx.Client
) -> None:
    _, indicator, area, sex, year, *_ = PLACES[name]
    key = {"indicator": indicator, "municipality": area, "sex": sex, "year": int(year)}

    assert answered(client, name)[0] == key | told


@pytest.mark.parametrize("year", [2018, 2021])
def test_the_reporters_stated_add_up_to_the_whole_stated(year: int, client: httpx.Client) -> None:
    body = client.get(
        f"/observations?indicator=socialstyrelsen-anmalningar-anmalare&year={year}&breakdown=reporter:*"
    ).json()

    assert sum(row["value"] or 0 for row in body["observations"]) == 100


@pytest.mark.parametrize("name", PLACES)
def test_a_founding_figure_is_the_value_that_the_document_states(name: str, client: httpx.Client) -> None:
    told, _ = answered(client, name)
    value, interval, flag = re.fullmatch(
        r"(\S+)(?: \((\S+)\))?(?: `(\w+)`)?", PLACES[name][-1].strip()
    ).groups()  # type: ignore[union-attr]

    assert told["value"] == (None if value == "`missing`" else Decimal(value))
    assert interval == (f"{told['low']}\u2013{told['high']}" if "low" in told else None)
    assert flag == (told["flags"][0] if "flags" in told else None)
