"""The figures over HTTP: which ones a question means, in which order, and what stands beside them."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import ROOT

Ask = Callable[[str], dict[str, Any]]
STARTER = sorted((ROOT / "loaders" / "starter").glob("*.csv"))
SEXES = ["total", "women", "men", "other"]
KEY = ("indicator", "municipality", "sex", "year")
PLAIN = {*KEY, "periodStart", "periodEnd", "value", "status", "flags", "low", "high", "count"}
SCB = """
0834 women 2001 3591
0834 women 2002 3552
0834 women 2003 3535
0834 women 2004 3558
0834 men 2001 3770
0834 men 2002 3741
0834 men 2003 3696
0834 men 2004 3705
0880 women 2001 30615
0880 women 2002 30697
0880 women 2003 30842
0880 women 2004 31007
0880 men 2001 29172
0880 men 2002 29369
0880 men 2003 29573
0880 men 2004 29642
"""


@pytest.fixture
def ask(client: httpx.Client) -> Ask:
    def answer(query: str) -> dict[str, Any]:
        reply = client.get(f"/observations?{query}")
        assert reply.status_code == 200, reply.text
        return json.loads(reply.content, parse_float=Decimal, parse_int=Decimal)  # type: ignore[no-any-return]

    return answer


def lines(body: dict[str, Any]) -> list[str]:
    """Return the figures of an answer in short: `0880 women 2001 30615`."""
    return [_line(row) for row in body["observations"]]


def _line(row: dict[str, Any]) -> str:
    value = row["status"] if row["value"] is None else row["value"]
    parts = [f"{name}:{code}" for name, code in row.get("breakdown", {}).items()]
    return " ".join(map(str, (row["municipality"], row["sex"], row["year"], value, *parts)))


def _stated(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the figures of a hand-over table as the API should tell them."""
    with path.open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            told: dict[str, Any] = {name: text for name, text in row.items() if text and name in PLAIN}
            told |= {name: Decimal(told[name]) for name in ("year", "value", "low", "high") if name in told}
            told.setdefault("value", None)
            if "flags" in told:
                told["flags"] = told["flags"].split(";")
            parts = {name: text for name, text in sorted(row.items()) if text and name not in PLAIN}
            yield told | ({"breakdown": parts} if parts else {})


def _place(row: dict[str, Any]) -> tuple[Any, ...]:
    parts = ";".join(f"{name}:{code}" for name, code in row.get("breakdown", {}).items())
    return row["indicator"], row["municipality"], SEXES.index(row["sex"]), row["year"], parts


def test_the_population_is_answered_as_scb_published_it(ask: Ask) -> None:
    body = ask("indicator=scb-folkmangd&municipality=0880,0834&sex=women,men&yearFrom=2001&yearTo=2004")

    assert lines(body) == SCB.split("\n")[1:-1]


@pytest.mark.parametrize("path", STARTER, ids=lambda path: path.stem)
def test_every_figure_of_a_dataset_is_answered_exactly_and_in_order(path: Path, ask: Ask) -> None:
    expected = sorted(_stated(path), key=_place)

    assert ask(f"dataset={path.stem}&breakdown=*&limit=10000")["observations"] == expected


def test_figures_of_all_datasets_stand_by_indicator_municipality_sex_year_and_breakdown(ask: Ask) -> None:
    body = ask("breakdown=*&limit=10000")

    places = [_place(row) for row in body["observations"]]
    assert len(places) == body["_meta"]["totalRecords"] == 6872
    assert places == sorted(places)
    assert [
        sex
        for sex, _ in groupby(
            row["sex"] for row in ask("dataset=region-kalmar-aldre&breakdown=age:80-")["observations"]
        )
    ] == ["total", "women", "men"] * 2


def test_a_number_is_written_as_the_shortest_decimal(client: httpx.Client) -> None:
    body = client.get("/observations?breakdown=*&limit=10000").text

    numbers = re.findall(r'"(?:value|low|high)":([^,}]*)', body)
    assert len(numbers) == 6874
    assert [n for n in numbers if not re.fullmatch(r"null|0|-?(?!0\d)\d+(\.\d*[1-9])?", n)] == []


def test_a_published_one_point_zero_is_the_number_one(client: httpx.Client) -> None:
    body = client.get("/observations?dataset=region-kalmar-barn-och-unga&breakdown=*&municipality=0880-berga")

    assert b'"value":1,' in body.content


def test_zero_missing_and_not_stated_are_three_different_answers(ask: Ask) -> None:
    zero = ask("indicator=N20014&municipality=0862&year=2007")
    missing = ask("indicator=socialstyrelsen-anmalningar-anmalare&year=2018&breakdown=reporter:forskola")
    not_stated = ask("indicator=scb-folkmangd&municipality=0880&sex=total")

    assert zero["observations"][0]["value"] == 0
    assert "status" not in zero["observations"][0]
    assert missing["observations"][0]["value"] is None
    assert missing["observations"][0]["status"] == "missing"
    assert not_stated["observations"] == []


REPORTERS = "indicator=socialstyrelsen-anmalningar-anmalare"


@pytest.mark.parametrize(
    ("query", "figures"),
    [
        (REPORTERS, ["00 total 2018 100", "00 total 2021 100"]),
        (
            f"{REPORTERS}&breakdown=reporter:polis",
            ["00 total 2018 21 reporter:polis", "00 total 2021 24 reporter:polis"],
        ),
        (
            f"{REPORTERS}&year=2021&breakdown=reporter:skola,reporter:polis",
            ["00 total 2021 24 reporter:polis", "00 total 2021 17 reporter:skola"],
        ),
        ("dataset=region-kalmar-aldre&breakdown=rub:5", ["08 total 2023 5569 rub:5"]),
        ("dataset=region-kalmar-aldre&breakdown=age:70-,rub:5", ["08 total 2023 70 age:70- rub:5"]),
        ("dataset=region-kalmar-aldre&breakdown=rub:*,age:*", ["08 total 2023 70 age:70- rub:5"]),
        (
            "dataset=region-kalmar-aldre&breakdown=age:80-&sex=men",
            ["08 men 2022 16 age:80-", "08 men 2022 7 age:80-"],
        ),
        ("dataset=region-kalmar-aldre", []),
    ],
)
def test_a_breakdown_means_exactly_its_dimensions(query: str, figures: list[str], ask: Ask) -> None:
    assert lines(ask(query)) == figures


def test_a_star_means_every_breakdown_and_a_dimension_with_a_star_its_every_category(ask: Ask) -> None:
    every, divided = ask(f"{REPORTERS}&breakdown=*"), ask(f"{REPORTERS}&breakdown=reporter:*")

    assert len(every["observations"]) == 20
    assert divided["observations"] == [row for row in every["observations"] if "breakdown" in row]
    assert len(divided["observations"]) == 18


@pytest.mark.parametrize(
    ("query", "figures"),
    [
        (
            "indicator=scb-folkmangd&municipality=0880&year=latest",
            ["0880 women 2004 31007", "0880 men 2004 29642"],
        ),
        (
            "indicator=scb-folkmangd&municipality=0834&sex=men&year=2003,2001",
            ["0834 men 2001 3770", "0834 men 2003 3696"],
        ),
        (
            "indicator=scb-folkmangd&municipality=0834&sex=men&yearFrom=2003",
            ["0834 men 2003 3696", "0834 men 2004 3705"],
        ),
        ("indicator=scb-folkmangd&municipality=0834&sex=men&yearTo=2001", ["0834 men 2001 3770"]),
        (f"{REPORTERS}&breakdown=reporter:forskola&year=latest", ["00 total 2021 2 reporter:forskola"]),
        (f"{REPORTERS}&breakdown=reporter:forskola&year=latest&yearTo=2018", []),
        ("indicator=U05400&municipality=0821&yearFrom=2007&year=latest", ["0821 total 2010 78.46"]),
    ],
)
def test_years_are_single_between_or_the_latest_with_a_value(
    query: str, figures: list[str], ask: Ask
) -> None:
    assert lines(ask(query)) == figures


def test_a_county_stands_for_its_municipalities(ask: Ask) -> None:
    county = ask("indicator=scb-folkmangd&sex=women&year=2004&municipality=county:08")
    listed = ask(
        "indicator=scb-folkmangd&sex=women&year=2004"
        "&municipality=0821,0834,0840,0860,0861,0862,0880,0881,0882,0883,0884,0885"
    )

    assert len(county["observations"]) == 12
    assert county["observations"] == listed["observations"]


def test_a_list_may_be_repeated_and_says_everything_once(ask: Ask) -> None:
    repeated = ask(
        "indicator=scb-folkmangd&municipality=0834&municipality=0880&municipality=0834,0834&year=2001"
    )
    listed = ask("year=2001&municipality=0880,0834&indicator=scb-folkmangd")

    assert len(repeated["observations"]) == 4
    assert repeated["observations"] == listed["observations"]


def test_figures_sort_as_asked_with_no_value_last_whichever_way(ask: Ask) -> None:
    upwards = [row["value"] for row in ask(f"{REPORTERS}&breakdown=*&sort=value")["observations"]]
    downwards = [row["value"] for row in ask(f"{REPORTERS}&breakdown=*&sort=-value")["observations"]]

    assert upwards[-1] is downwards[-1] is None
    assert upwards[:-1] == sorted(upwards[:-1])
    assert downwards[:-1] == sorted(upwards[:-1], reverse=True)


def test_several_fields_to_sort_by_count_in_their_order(ask: Ask) -> None:
    body = ask("indicator=scb-folkmangd&municipality=0834,0880&year=2001,2004&sort=-year,-municipality,sex")

    assert [" ".join(line.split()[:3]) for line in lines(body)] == [
        f"{area} {sex} {year}"
        for year in (2004, 2001)
        for area in ("0880", "0834")
        for sex in ("women", "men")
    ]


@pytest.mark.parametrize("more", ["", "&sort=-year"])
def test_only_the_fields_asked_for_are_shown(more: str, ask: Ask) -> None:
    body = ask(f"{REPORTERS}&breakdown=*&fields=value,year,status{more}")

    assert {frozenset(row) for row in body["observations"]} == {
        frozenset({"year", "value"}),
        frozenset({"year", "value", "status"}),
    }


def test_pages_are_the_whole_cut_in_order(ask: Ask) -> None:
    whole = ask("dataset=kolada-aldre-2013&limit=10000")
    pages = [ask(f"dataset=kolada-aldre-2013&limit=100&page={number}") for number in range(1, 7)]

    assert [len(page["observations"]) for page in pages] == [100, 100, 100, 100, 43, 0]
    assert [row for page in pages for row in page["observations"]] == whole["observations"]
    assert [page["_meta"]["count"] for page in pages] == [100, 100, 100, 100, 43, 0]
    assert {page["_meta"]["totalRecords"] for page in pages} == {443}


@pytest.mark.parametrize("page", [0, 6, 10**9])
def test_a_page_outside_the_range_is_empty_and_still_tells_how_much_there_is(page: int, ask: Ask) -> None:
    body = ask(f"dataset=kolada-aldre-2013&limit=100&page={page}")

    assert body["observations"] == []
    assert {name: body["_meta"][name] for name in ("totalRecords", "page", "limit", "count")} == {
        "totalRecords": 443,
        "page": page,
        "limit": 100,
        "count": 0,
    }
    assert body["_meta"]["warnings"] == []
