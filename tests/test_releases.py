"""The line of releases as a feed: complete, in order, safe against deletions; as Atom for news readers."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests import given as made
from tests.conftest import Server, fresh_database, served
from tests.drafts import draft, published
from tests.test_history import chance_drafts, figures_of, rows_of
from tests.test_live import until
from tests.test_refusals import faults, problem

Row = dict[str, Any]
ATOM = "{http://www.w3.org/2005/Atom}"
AREAS = ("0834", "0880", "08")


@pytest.fixture(scope="module")
def ledger(cluster: str) -> Iterator[str]:
    with fresh_database(cluster) as address:
        published(address, *chance_drafts(11, 26))
        yield address


@pytest.fixture(scope="module")
def api(ledger: str, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    environment = {"LANSDATA_DATABASE_URL": ledger, "LANSDATA_HOME": str(home)}
    with (
        served(environment, tmp_path_factory.mktemp("releases") / "log") as running,
        httpx.Client(base_url=f"{running.url}/api/v1", timeout=120) as one,
    ):
        yield one


def releases(api: httpx.Client, query: str = "limit=100") -> list[Row]:
    return list(api.get(f"/releases?{query}").raise_for_status().json()["releases"])


def numbers(api: httpx.Client, query: str) -> list[int]:
    return [one["release"] for one in releases(api, f"{query}&limit=100")]


def feed(api: httpx.Client, query: str = "limit=100") -> ET.Element:
    return ET.fromstring(api.get(f"/releases.atom?{query}").raise_for_status().content)


def test_the_feed_tells_every_release_once_oldest_first(api: httpx.Client) -> None:
    line = releases(api)
    by_version = [
        one | {"dataset": name}
        for name in ("ett", "tva")
        for one in api.get(f"/datasets/{name}/versions?limit=100").json()["versions"]
    ]

    assert [one["release"] for one in line] == list(range(1, len(line) + 1))
    assert [{name: one[name] for name in by_version[0]} for one in line] == sorted(
        by_version, key=lambda one: one["release"]
    )


def test_a_reader_who_asks_again_from_where_it_stopped_misses_nothing(api: httpx.Client) -> None:
    line = releases(api)
    read: list[Row] = []
    while some := releases(api, f"since={read[-1]['release'] if read else 0}&limit=4"):
        read += some
    paged, at = [], "/releases?limit=3"
    while at:
        body = api.get(at).json()
        paged += body["releases"]
        at = body["_links"].get("next", {}).get("href", "")

    assert read == paged == line
    assert body["_meta"]["newest"] == line[-1]["release"]


def test_a_reader_who_applies_the_changes_of_the_feed_holds_what_there_is(api: httpx.Client) -> None:
    held: dict[str, Row] = {}
    for one in releases(api):
        at = one["_links"]["changes"]["href"] + "?limit=500"
        while at:
            body = api.get(at).json()
            for row in body["changes"]:
                if row["change"] == "definition":
                    continue
                key = {n: row[n] for n in row if n not in {"change", "before", "after", "fields"}}
                (name,) = figures_of([key])
                held.pop(name, None)
                if row["after"] is not None:
                    held[name] = key | row["after"]
            at = body["_links"].get("next", {}).get("href", "")

    assert held == figures_of(rows_of(api, ""))
    assert any(one["counts"]["removed"] for one in releases(api))


def test_every_link_of_a_release_is_answered(api: httpx.Client) -> None:
    for one in releases(api, "since=20"):
        assert {api.get(link["href"]).status_code for link in one["_links"].values()} == {200}


@pytest.mark.parametrize("dataset", ["ett", "tva"])
def test_the_feed_of_a_dataset_is_its_part_of_the_line(dataset: str, api: httpx.Client) -> None:
    assert releases(api, f"dataset={dataset}&limit=100") == [
        one for one in releases(api) if one["dataset"] == dataset
    ]


@pytest.mark.parametrize("indicator", ["ett-a", "ett-c", "tva-b"])
def test_the_feed_of_an_indicator_and_area_has_the_releases_that_changed_them_and_no_other(
    indicator: str, api: httpx.Client
) -> None:
    line = releases(api)
    for area in AREAS:
        expected, before = [], None
        for one in line:
            time = one["publishedAt"]
            told = api.get(f"/indicators/{indicator}?asOf={time}")
            now = None
            if told.status_code == 200:
                rows = rows_of(api, f"indicator={indicator}&municipality={area}&asOf={time}")
                now = (told.json()["title"], rows)
            if now != before:
                expected.append(one["release"])
            before = now

        assert numbers(api, f"indicator={indicator}&municipality={area}") == expected
        assert numbers(api, f"indicator={indicator}&municipality={area}&since=9") == [
            number for number in expected if number > 9
        ]
        assert {*expected} < {*numbers(api, f"indicator={indicator}")} | {0}


def test_several_indicators_and_a_county_are_asked_about_together(api: httpx.Client) -> None:
    parts = [numbers(api, f"indicator={name}&municipality=0834,0880") for name in ("ett-a", "tva-a")]

    assert numbers(api, "indicator=ett-a,tva-a&municipality=county:08") == sorted({*parts[0], *parts[1]})
    assert numbers(api, "indicator=ett-a&dataset=tva") == []


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("dataset=et", ("dataset", "et")),
        ("indicator=ett-d", ("indicator", "ett-d")),
        ("indicator=ett-a&municipality=880", ("municipality", "880")),
        ("municipality=0880", ("municipality", "0880")),
        ("since=-1", ("since", "-1")),
        ("since=x", ("since", "x")),
    ],
)
def test_a_wrong_question_is_refused_by_name(query: str, fault: tuple[str, str], api: httpx.Client) -> None:
    assert faults(api.get(f"/releases?{query}")) == [fault]
    assert faults(api.get(f"/releases.atom?{query}")) == [fault]


def test_a_release_that_has_not_come_yet_is_told_and_is_no_error(api: httpx.Client) -> None:
    body = api.get("/releases?since=9999&lang=en").json()

    assert body["releases"] == []
    assert body["_meta"]["warnings"] == [
        f"There is no release 9999 yet; the newest is {body['_meta']['newest']}."
    ]


def test_the_atom_feed_is_whole_by_its_standard(api: httpx.Client) -> None:
    answer = api.get("/releases.atom?limit=100")
    root = ET.fromstring(answer.content)
    entries = root.findall(f"{ATOM}entry")
    moments = [entry.findtext(f"{ATOM}updated") or "" for entry in entries]

    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert root.tag == f"{ATOM}feed"
    assert root.findtext(f"{ATOM}author/{ATOM}name")
    for one in (root, *entries):
        assert len(one.findall(f"{ATOM}id")) == len(one.findall(f"{ATOM}title")) == 1
        assert (one.findtext(f"{ATOM}id") or "").startswith("tag:lansdata.regionkalmar.se,2026:")
        assert datetime.fromisoformat(one.findtext(f"{ATOM}updated") or "").tzinfo
        assert [link.get("rel") for link in one.findall(f"{ATOM}link")].count("alternate") == 1
    assert root.findtext(f"{ATOM}updated") == max(moments)
    assert moments == sorted(moments, reverse=True)
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == len(entries) == len(releases(api))
    assert root.find(f"{ATOM}link[@rel='self']") is not None


def test_an_entry_tells_what_was_removed_and_leads_to_the_changes(api: httpx.Client) -> None:
    line = {f"{one['dataset']}/{one['version']}": one for one in releases(api)}
    for entry in feed(api, "limit=100&lang=en").findall(f"{ATOM}entry"):
        one = line[(entry.findtext(f"{ATOM}id") or "").removeprefix("tag:lansdata.regionkalmar.se,2026:")]
        counts = one["counts"]
        links = {
            link.get("title") or link.get("rel"): link.get("href") for link in entry.findall(f"{ATOM}link")
        }

        assert (entry.findtext(f"{ATOM}summary") or "").startswith(
            f"{counts['added']} figures added, {counts['revised']} revised, {counts['removed']} removed;"
        )
        assert links["alternate"] == one["_links"]["self"]["href"]
        assert links["changes"] == one["_links"]["changes"]["href"]


def test_the_atom_feed_has_the_same_filters_and_its_own_lasting_id(api: httpx.Client) -> None:
    query = "indicator=ett-a&municipality=0880"
    told = [entry.findtext(f"{ATOM}id") for entry in feed(api, f"{query}&limit=100").findall(f"{ATOM}entry")]
    ids = {feed(api, one).findtext(f"{ATOM}id") for one in (query, "dataset=ett", "", f"{query}&page=2")}

    assert told == [
        f"tag:lansdata.regionkalmar.se,2026:{one['dataset']}/{one['version']}"
        for one in reversed(releases(api, f"{query}&limit=100"))
    ]
    assert len(ids) == 3


def test_the_atom_feed_is_paged_newest_first(api: httpx.Client) -> None:
    ids, at = [], "/releases.atom?limit=4"
    while at:
        root = ET.fromstring(api.get(at).content)
        ids += [entry.findtext(f"{ATOM}id") for entry in root.findall(f"{ATOM}entry")]
        following = root.find(f"{ATOM}link[@rel='next']")
        at = "" if following is None else following.get("href") or ""

    assert ids == [entry.findtext(f"{ATOM}id") for entry in feed(api).findall(f"{ATOM}entry")]


@pytest.mark.parametrize(
    "accept", ["application/atom+xml", "application/xml;q=0.9, text/html", "*/*", "text/xml", ""]
)
def test_a_news_reader_gets_atom(accept: str, api: httpx.Client) -> None:
    answer = api.get("/releases.atom", headers={"Accept": accept})

    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "application/atom+xml")
    assert api.get("/releases.atom", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_who_takes_no_atom_is_told(api: httpx.Client) -> None:
    told = problem(api.get("/releases.atom", headers={"Accept": "application/json"}), 406, "not-acceptable")

    assert told["detail"] == "only application/atom+xml is to be had here"


def test_a_note_with_what_xml_cannot_hold_does_not_break_the_feed(api: httpx.Client, ledger: str) -> None:
    before = len(releases(api))
    told = draft("ett", {"ett-a": ["0880 total 2020 77"]})
    note = "rättad \x0b & <b>klar</b> ]]> \U0001f600"
    published(ledger, made.draft(dataset=told.dataset, cubes=dict(told.cubes), note=note))
    until(lambda: len(releases(api)) > before)
    (newest, *_) = feed(api).findall(f"{ATOM}entry")

    assert (newest.findtext(f"{ATOM}summary") or "").endswith("rättad  & <b>klar</b> ]]> \U0001f600")


def test_the_feed_before_the_first_release_is_empty_and_whole(
    database: str, home: Path, tmp_path: Path
) -> None:
    server = Server({"LANSDATA_DATABASE_URL": database, "LANSDATA_HOME": str(home)}, tmp_path / "log")
    try:
        until(lambda: answers(f"{server.url}/api/v1/releases"))
        told = ET.fromstring(httpx.get(f"{server.url}/api/v1/releases.atom").content)
        listed = httpx.get(f"{server.url}/api/v1/releases").json()
    finally:
        server.stop()

    assert told.findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"
    assert (listed["releases"], listed["_meta"]["newest"]) == ([], 0)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False
