"""One indicator through time: as it was, how its definition changed, what is said when it is not there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from datasets.vocabulary import Text
from tests.conftest import fresh_database, served
from tests.drafts import draft, published
from tests.test_refusals import faults, problem

FIGURES = ["0880 total 2020 1"]


@pytest.fixture(scope="module")
def ledger(cluster: str) -> Iterator[str]:
    with fresh_database(cluster) as address:
        published(
            address,
            draft("annan", {"annan-a": FIGURES}),
            draft("en", {"en-a": FIGURES, "en-b": FIGURES}),
            draft("en", {"en-a": ["0880 total 2020 2"], "en-b": FIGURES}),
            draft("en", {"en-a": ["0880 total 2020 2"]}, title=Text("Ny titel", "New title")),
            draft("annan", {"annan-a": ["0880 total 2020 3"]}),
            draft("en", {"en-a": FIGURES, "en-b": FIGURES}, title=Text("Ny titel", "New title")),
            draft("en", {"en-a": FIGURES}, title=Text("Ny titel", "New title"), unit="persons"),
        )
        yield address


@pytest.fixture(scope="module")
def api(ledger: str, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    environment = {"LANSDATA_DATABASE_URL": ledger, "LANSDATA_HOME": str(home)}
    with (
        served(environment, tmp_path_factory.mktemp("definitions") / "log") as running,
        httpx.Client(base_url=f"{running.url}/api/v1") as one,
    ):
        yield one


@pytest.fixture(scope="module")
def times(api: httpx.Client) -> list[str]:
    """When each version of `en` was published."""
    listed = api.get("/datasets/en/versions").json()["versions"]
    return [one["publishedAt"] for one in reversed(listed)]


def got(api: httpx.Client, query: str) -> dict[str, Any]:
    answer = api.get(f"/indicators/{query}").raise_for_status()
    return dict(answer.json())


def test_an_indicator_is_told_as_it_stood_then(api: httpx.Client, times: list[str]) -> None:
    told = [got(api, f"en-a?asOf={time}") for time in times]

    assert [one["title"] for one in told] == ["Andel", "Andel", "Ny titel", "Ny titel", "Ny titel"]
    assert [one["unit"]["code"] for one in told] == [*["percent"] * 4, "persons"]
    assert [one["version"] for one in told] == ["1.0.0", "1.0.1", "2.0.0", "2.1.0", "3.0.0"]
    assert got(api, "en-a")["definition"] == told[-1]["definition"]


def test_the_history_of_a_definition_has_each_state_once_with_its_true_times(
    api: httpx.Client, times: list[str]
) -> None:
    history = got(api, "en-a?includeHistory=true&lang=en")["history"]

    assert [(one["validFrom"], one["validTo"], one["version"]) for one in history] == [
        (times[0], times[2], "1.0.0"),
        (times[2], times[4], "2.0.0"),
        (times[4], None, "3.0.0"),
    ]
    assert [one["title"] for one in history] == ["Andel", "New title", "New title"]
    assert [one["unit"]["code"] for one in history] == ["percent", "percent", "persons"]


def test_the_history_is_the_list_of_what_as_of_answers(api: httpx.Client, times: list[str]) -> None:
    history = got(api, "en-a?includeHistory=true")["history"]
    shared = ("title", "description", "definition", "unit", "decimals", "polarity", "breakdowns", "notes")
    for time in times:
        (stood,) = [
            one
            for one in history
            if one["validFrom"] <= time and (not one["validTo"] or time < one["validTo"])
        ]
        told = got(api, f"en-a?asOf={time}")

        assert {name: stood[name] for name in shared} == {name: told[name] for name in shared}


def test_a_definition_that_came_back_has_a_gap_and_as_of_knows_nothing_later(
    api: httpx.Client, times: list[str]
) -> None:
    history = got(api, f"en-b?asOf={times[3]}&includeHistory=true")["history"]
    earlier = got(api, f"en-b?asOf={times[1]}&includeHistory=true")["history"]

    assert [(one["validFrom"], one["validTo"]) for one in history] == [
        (times[0], times[2]),
        (times[3], None),
    ]
    assert [(one["validFrom"], one["validTo"]) for one in earlier] == [(times[0], None)]


def test_only_states_that_came_after_a_time_are_told_when_asked(api: httpx.Client, times: list[str]) -> None:
    since = [len(got(api, f"en-a?updatedAfter={time}")["history"]) for time in times]

    assert since == [2, 2, 1, 1, 0]
    assert "history" not in got(api, "en-a")


def test_an_indicator_not_yet_published_is_a_404_that_says_when_it_was(
    api: httpx.Client, times: list[str]
) -> None:
    told = problem(api.get("/indicators/en-a?asOf=2020-01-01"), 404, "not-found")

    assert told["detail"] == f"en-a was first published at {times[0]}, in release 2, en 1.0.0"
    assert told["invalidParameters"][0]["closest"] == [times[0]]
    assert api.get(f"/indicators/en-a?asOf={times[0]}").status_code == 200


def test_an_indicator_that_ended_is_a_404_that_says_when(api: httpx.Client, times: list[str]) -> None:
    now = problem(api.get("/indicators/en-b"), 404, "not-found")
    between = problem(api.get(f"/indicators/en-b?asOf={times[2]}"), 404, "not-found")

    assert now["detail"] == f"en-b was removed at {times[4]}, in release 7, en 3.0.0"
    assert between["detail"] == f"en-b was removed at {times[2]}, in release 4, en 2.0.0"


def test_figures_of_an_indicator_that_ended_are_refused_with_when(
    api: httpx.Client, times: list[str]
) -> None:
    answer = api.get("/observations?indicator=en-b,en-c")
    reasons = [fault["reason"] for fault in answer.json()["invalidParameters"]]

    assert faults(answer) == [("indicator", "en-b"), ("indicator", "en-c")]
    assert reasons[0] == f"is no longer published since {times[4]}; asOf with a time before has it"
    assert reasons[1] == "is no indicator"
    assert api.get(f"/observations?indicator=en-b&asOf={times[3]}").status_code == 200


def test_an_indicator_is_pinned_and_cited_by_the_time_of_its_own_dataset(
    api: httpx.Client, times: list[str]
) -> None:
    answer = api.get("/indicators/en-a")
    told = answer.json()
    pinned = api.get(answer.headers["content-location"])

    assert told["_links"]["bookmark"]["href"] == answer.headers["content-location"]
    assert answer.headers["content-location"].endswith(f"/indicators/en-a?asOf={times[4]}")
    assert "immutable" in pinned.headers["cache-control"]
    assert "max-age=60" in answer.headers["cache-control"]
    assert pinned.json()["title"] == told["title"]
    assert told["_meta"]["citation"] == (
        "Källa: Region Kalmar län. Länsdata, Region Kalmar län. en version 3.0.0, publicerad"
        f" {times[4][:10]}. {answer.headers['content-location']}"
    )
