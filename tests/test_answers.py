"""What stands beside the figures: sources, notes, warnings, the state asked about; and any question."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Server

Ask = Callable[[str], dict[str, Any]]
REPORTERS = "indicator=socialstyrelsen-anmalningar-anmalare"
ASKED: Mapping[str, st.SearchStrategy[list[Any]]] = {
    "indicator": st.lists(
        st.sampled_from(["scb-folkmangd", "N20014", "N40010", "region-kalmar-hemtjanst-80"])
    ),
    "municipality": st.lists(st.sampled_from(["0880", "0834", "0862", "08", "00", "0180"])),
    "sex": st.lists(st.sampled_from(["women", "men", "total", "other"])),
    "year": st.lists(st.integers(1996, 2022)),
    "yearFrom": st.lists(st.integers(1996, 2022), max_size=1),
    "yearTo": st.lists(st.integers(1996, 2022), max_size=1),
    "breakdown": st.lists(st.sampled_from(["age:80-", "age:0", "age:17", "reporter:polis"]), max_size=3),
}


@pytest.fixture
def ask(client: httpx.Client) -> Ask:
    def answer(query: str) -> dict[str, Any]:
        reply = client.get(f"/observations?{query}")
        assert reply.status_code == 200, reply.text
        return reply.json()  # type: ignore[no-any-return]

    return answer


@pytest.fixture(scope="module")
def everything(server: Server) -> list[dict[str, Any]]:
    body = httpx.get(f"{server.url}/api/v1/observations?breakdown=*&limit=10000").json()
    return body["observations"]  # type: ignore[no-any-return]


def _is_meant(row: Mapping[str, Any], asked: Mapping[str, list[Any]]) -> bool:
    dimensions = {part.partition(":")[0] for part in asked["breakdown"]}
    parts = row.get("breakdown", {})
    return (
        all(row[name] in asked[name] for name in ("indicator", "municipality", "sex", "year") if asked[name])
        and all(row["year"] >= first for first in asked["yearFrom"])
        and all(row["year"] <= last for last in asked["yearTo"])
        and parts.keys() == dimensions
        and all(f"{name}:{code}" in asked["breakdown"] for name, code in parts.items())
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.fixed_dictionaries(ASKED))
def test_any_question_gives_exactly_the_figures_that_a_filter_of_all_gives(
    asked: dict[str, list[Any]], client: httpx.Client, everything: list[dict[str, Any]]
) -> None:
    query = {name: ",".join(map(str, values)) for name, values in asked.items() if values}
    answer = client.get("/observations", params={**query, "limit": "10000"})

    if answer.status_code == 400:
        # only a dimension that none of the indicators has may be refused
        assert {fault["name"] for fault in answer.json()["invalidParameters"]} == {"breakdown"}
    else:
        assert answer.json()["observations"] == [row for row in everything if _is_meant(row, asked)]


def test_an_answer_names_its_datasets_with_version_time_attribution_and_licence(ask: Ask) -> None:
    told = ask("indicator=scb-folkmangd,fohm-riskspelande,N20014")["_meta"]["datasets"]

    assert [one["id"] for one in told] == [
        "folkhalsoenkaten-riskspelande",
        "kolada-aldre-2013",
        "scb-befolkning",
    ]
    assert {one["version"] for one in told} == {"1.0.0"}
    assert told[2]["attribution"] == "Källa: SCB"
    assert told[2]["licence"] == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert told[2]["processing"] == "asPublished"
    assert all(one["publishedAt"].endswith("Z") for one in told)


def test_what_we_worked_out_is_marked_as_ours_and_what_we_did_not_is_not(ask: Ask) -> None:
    told = ask("dataset=scb-befolkning&municipality=0880&breakdown=*")["_meta"]["attributions"]

    assert [(one["indicator"], one["processing"]) for one in told] == [
        ("scb-folkmangd-aldersklass", "derived")
    ]
    assert "Region Kalmar läns bearbetning" in told[0]["attribution"]


def test_a_note_is_shown_with_the_figures_it_concerns_and_only_with_them(ask: Ask) -> None:
    only_2018 = 'Underlaget har "-" för förskola 2018: inget värde, inte noll.'
    notes = {
        year: [
            note["text"]
            for note in ask(f"{REPORTERS}&breakdown=reporter:forskola&year={year}")["_meta"]["notes"]
        ]
        for year in (2018, 2021)
    }

    assert only_2018 in notes[2018]
    assert only_2018 not in notes[2021]
    assert only_2018 not in [note["text"] for note in ask(f"{REPORTERS}&year=2018")["_meta"]["notes"]]


def test_a_note_tells_whether_it_must_be_shown_and_what_it_concerns(ask: Ask) -> None:
    notes = ask(f"{REPORTERS}&breakdown=reporter:forskola&year=2018&lang=en")["_meta"]["notes"]

    assert {
        "indicator": "socialstyrelsen-anmalningar-anmalare",
        "mandatory": True,
        "text": 'The presentation has "-" for preschool 2018: no value, not zero.',
        "years": [2018],
        "breakdown": {"reporter": "forskola"},
    } in notes
    assert {note["mandatory"] for note in notes} == {True, False}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sv", "Ingen siffra passar frågan. Det finns 2022, total, för 08."),
        ("en", "No figure fits the question. There is 2022, total, for 08."),
    ],
)
def test_right_codes_without_figures_together_are_told_what_there_is(
    language: str, text: str, ask: Ask
) -> None:
    body = ask(f"indicator=fohm-riskspelande&municipality=0880&year=2022&lang={language}")

    assert body["observations"] == []
    assert body["_meta"]["warnings"] == [{"indicator": "fohm-riskspelande", "text": text}]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (f"{REPORTERS}&sex=men", "odelade och uppdelade siffror (reporter:annan, reporter:foralder-"),
        ("indicator=region-kalmar-rub5-70-ar-andel", "bara uppdelade siffror (age:70-,rub:5)"),
    ],
)
def test_a_warning_tells_how_the_figures_are_divided(question: str, text: str, ask: Ask) -> None:
    assert text in ask(question)["_meta"]["warnings"][0]["text"]


def test_years_that_there_are_are_told_without_those_between_that_there_are_not(ask: Ask) -> None:
    warning = ask("indicator=scb-folkmangd&municipality=0880&year=2019")["_meta"]["warnings"][0]["text"]

    assert "Det finns 2001-2004, 2019, women, men, för 00, 08, 0821" in warning


def test_each_indicator_without_a_figure_is_told_of_beside_the_others(ask: Ask) -> None:
    body = ask("indicator=scb-folkmangd,N20014&municipality=0821&year=2001")

    assert [row["indicator"] for row in body["observations"]] == ["N20014", "scb-folkmangd", "scb-folkmangd"]
    assert body["_meta"]["warnings"] == []
    assert [
        one["indicator"] for one in ask("indicator=scb-folkmangd,N20014&year=2005")["_meta"]["warnings"]
    ] == ["scb-folkmangd"]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sv", "Indikatorn finns i datamängden kolada-aldre-2013."),
        ("en", "The indicator is in the dataset kolada-aldre-2013."),
    ],
)
def test_an_indicator_of_another_dataset_is_told_where_it_is(language: str, text: str, ask: Ask) -> None:
    body = ask(f"indicator=N20014&dataset=scb-befolkning&lang={language}")

    assert body["observations"] == []
    assert body["_meta"]["warnings"] == [{"indicator": "N20014", "text": text}]


def test_a_dataset_and_an_indicator_of_it_mean_that_indicator(ask: Ask) -> None:
    both = ask("dataset=kolada-aldre-2013&indicator=N20014")

    assert both["observations"] == ask("indicator=N20014")["observations"]
    assert len(both["observations"]) == 152


def test_a_version_gives_the_figures_of_that_version(ask: Ask) -> None:
    pinned = ask("dataset=kolada-aldre-2013&version=1.0.0")

    assert pinned["observations"] == ask("dataset=kolada-aldre-2013")["observations"]
    assert pinned["_meta"]["datasets"][0]["version"] == "1.0.0"


@pytest.mark.parametrize("question", ["indicator=N20014", "dataset=kolada-aldre-2013"])
def test_before_its_first_release_nothing_was_published_and_that_is_said(question: str, ask: Ask) -> None:
    body = ask(f"{question}&asOf=2020-01-01&lang=en")

    assert body["observations"] == []
    assert body["_meta"]["datasets"] == []
    assert {
        "indicator": "N20014",
        "text": "The indicator was not published in the state that is asked about.",
    } in body["_meta"]["warnings"]


def test_the_moment_of_a_release_has_it_and_the_moment_before_has_not(ask: Ask) -> None:
    told = ask("indicator=N20014")["_meta"]["datasets"][0]["publishedAt"]
    before = datetime.fromisoformat(told) - timedelta(microseconds=1)

    assert len(ask(f"indicator=N20014&asOf={told}")["observations"]) == 152
    assert ask(f"indicator=N20014&asOf={before.isoformat().replace('+00:00', 'Z')}")["observations"] == []


@pytest.mark.parametrize("hours", [-11, 1, 14])
def test_a_moment_may_be_told_in_any_zone(hours: int, ask: Ask) -> None:
    told = ask("indicator=N20014")["_meta"]["datasets"][0]["publishedAt"]
    elsewhere = datetime.fromisoformat(told).astimezone(timezone(timedelta(hours=hours)))

    assert len(ask(f"indicator=N20014&asOf={quote(elsewhere.isoformat())}")["observations"]) == 152


def test_a_date_means_the_end_of_that_day(ask: Ask) -> None:
    day = datetime.fromisoformat(ask("indicator=N20014")["_meta"]["datasets"][0]["publishedAt"]).date()

    assert len(ask(f"indicator=N20014&asOf={day}")["observations"]) == 152
    assert ask(f"indicator=N20014&asOf={day - timedelta(days=1)}")["observations"] == []


def test_texts_are_swedish_unless_english_is_asked_for(ask: Ask) -> None:
    swedish, english, unasked = (
        ask(f"indicator=fohm-riskspelande{more}") for more in ("&lang=sv", "&lang=en", "")
    )

    assert swedish["observations"] == english["observations"]
    assert "Underlaget anger inte källan." in json.dumps(swedish["_meta"], ensure_ascii=False)
    assert "The presentation does not state the source." in json.dumps(english["_meta"])
    # the address that is cited has the language that was asked for
    assert unasked["_meta"] | {"citation": ""} == swedish["_meta"] | {"citation": ""}
