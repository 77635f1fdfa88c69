"""The lists and what they lead to: datasets, versions, indicators, areas, the legend, the service itself."""

import csv
import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest

from datasets.canonical import canonical_csv, figures_hash
from datasets.catalogue import canonical_metadata, metadata_hash
from datasets.vocabulary import Flag, Status
from loaders.kinds import read_file
from tests.conftest import ROOT, Server

STARTER = sorted((ROOT / "loaders" / "starter").glob("*.toml"))
RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")
every_dataset = pytest.mark.parametrize("path", STARTER, ids=lambda path: path.stem)


def ids(body: dict[str, Any]) -> list[str]:
    """Return the ids of a list, whatever it is a list of."""
    return [row.get("id") or row["code"] for row in next(iter(body.values()))]


def _told(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.with_suffix(".csv").open(encoding="utf-8") as table:
        return list(csv.DictReader(table))


def test_the_datasets_are_listed_by_id(client: httpx.Client) -> None:
    body = client.get("/datasets").json()

    assert ids(body) == sorted(path.stem for path in STARTER)
    assert body["_meta"] == {"totalRecords": 13, "page": 1, "limit": 20, "count": 13}


@every_dataset
def test_a_dataset_tells_what_its_file_says(path: Path, client: httpx.Client) -> None:
    said, rows = _told(path)["dataset"], _rows(path)
    body = client.get(f"/datasets/{path.stem}").json()

    for name in (
        "id",
        "source",
        "publisher",
        "attribution",
        "processing",
        "keywords",
        "theme",
        "updateFrequency",
    ):
        assert body[name] == said[name], name
    assert (body["title"], body["description"]) == (said["title"]["sv"], said["description"]["sv"])
    assert body["licence"] == said.get("licence")
    assert body["latestVersion"] == "1.0.0"
    assert RFC_3339.fullmatch(body["publishedAt"])
    assert body["counts"] == {
        "indicators": len({row["indicator"] for row in rows}),
        "observations": len(rows),
        "versions": 1,
    }
    years = [int(row["year"]) for row in rows]
    assert (body["firstYear"], body["lastYear"]) == (min(years), max(years))


def test_a_dataset_alone_is_the_one_in_the_list(client: httpx.Client) -> None:
    for one in client.get("/datasets?lang=en").json()["datasets"]:
        assert client.get(f"/datasets/{one['id']}?lang=en").json() == one


def test_titles_are_spoken_in_the_language_asked_for(client: httpx.Client) -> None:
    assert client.get("/datasets/scb-befolkning").json()["title"] == "Folkmängd efter kommun, kön och ålder"
    assert (
        client.get("/datasets/scb-befolkning?lang=en").json()["title"]
        == "Population by municipality, sex and age"
    )


@every_dataset
def test_a_version_tells_its_counts_times_and_indicators(path: Path, client: httpx.Client) -> None:
    rows = _rows(path)
    listed = client.get(f"/datasets/{path.stem}/versions").json()["versions"]
    body = client.get(f"/datasets/{path.stem}/versions/1.0.0").json()

    assert body["counts"] == {"observations": len(rows), "added": len(rows), "revised": 0, "removed": 0}
    assert body["indicators"] == sorted({row["indicator"] for row in rows})
    assert RFC_3339.fullmatch(body["publishedAt"])
    assert (body["note"], body["dataset"]) == ("Startsamling", path.stem)
    assert listed == [{name: body[name] for name in listed[0]}]


@every_dataset
def test_the_fingerprint_of_a_version_is_the_hash_of_its_figures_and_definitions(
    path: Path, client: httpx.Client
) -> None:
    draft = read_file(path)
    lines = sorted(
        f"{figures_hash(canonical_csv(cube)).hex()}"
        f" {metadata_hash(canonical_metadata(draft.indicators[name])).hex()} {name}\n"
        for name, cube in draft.cubes.items()
    )
    told = client.get(f"/datasets/{path.stem}/versions/1.0.0").json()["fingerprint"]

    assert told == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_releases_of_all_datasets_stand_on_one_line(client: httpx.Client) -> None:
    versions = [client.get(f"/datasets/{path.stem}/versions/1.0.0").json() for path in STARTER]
    line = sorted(versions, key=lambda one: one["release"])

    assert [one["release"] for one in line] == list(range(1, 14))
    assert [one["publishedAt"] for one in line] == sorted({one["publishedAt"] for one in line})


def test_the_source_s_own_time_is_told_where_it_is_known(client: httpx.Client) -> None:
    assert client.get("/datasets/kolada-aldre-2013").json()["retrievedAt"] == "2013-04-16T00:00:00Z"
    assert client.get("/datasets/scb-befolkning").json()["retrievedAt"] is None


def test_the_indicators_are_listed_by_id_a_page_at_a_time(client: httpx.Client) -> None:
    first = client.get("/indicators").json()
    pages = [client.get(f"/indicators?page={page}").json() for page in (1, 2, 3)]

    assert first["_meta"].items() >= {"totalRecords": 44, "page": 1, "limit": 20, "count": 20}.items()
    assert [name for page in pages for name in ids(page)] == sorted(
        {row["indicator"] for path in STARTER for row in _rows(path)}
    )


@every_dataset
def test_an_indicator_tells_its_definition_and_what_it_covers(path: Path, client: httpx.Client) -> None:
    for said in _told(path)["indicator"]:
        rows = [row for row in _rows(path) if row["indicator"] == said["id"]]
        body = client.get(f"/indicators/{said['id']}").json()

        assert (body["id"], body["dataset"], body["version"]) == (said["id"], path.stem, "1.0.0")
        assert (body["title"], body["definition"]) == (said["title"]["sv"], said["definition"]["sv"])
        assert (body["unit"]["code"], body["decimals"]) == (said["unit"], said.get("decimals"))
        assert (body["polarity"], body["sourceCode"]) == (said.get("polarity"), said.get("sourceCode"))
        assert body["years"] == sorted({int(row["year"]) for row in rows})
        assert body["municipalities"] == sorted({row["municipality"] for row in rows})
        assert set(body["sexes"]) == {row["sex"] for row in rows}
        assert [(note["text"], note["mandatory"]) for note in body["notes"]] == [
            (note["text"]["sv"], note["mandatory"]) for note in said.get("notes", [])
        ]
        categories = {one["id"]: [kind["code"] for kind in one["categories"]] for one in body["breakdowns"]}
        assert categories == {
            name: list(one["categories"]) for name, one in said.get("breakdowns", {}).items()
        }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (
            "dataset=region-kalmar-befolkning",
            ["region-kalmar-befolkningsforandring", "region-kalmar-folkmangd"],
        ),
        ("source=scb", ["scb-folkmangd", "scb-folkmangd-aldersklass"]),
        ("source=scb&dataset=kolada-aldre-2013", []),
        ("municipality=0881-kungshall", ["region-kalmar-lag-ekonomisk-standard"]),
        ("municipality=0180", []),
    ],
)
def test_indicators_are_listed_by_source_dataset_and_area(
    query: str, found: list[str], client: httpx.Client
) -> None:
    assert ids(client.get(f"/indicators?{query}").json()) == found


@pytest.mark.parametrize(
    ("query", "total", "first"),
    [
        ("", 421, {"code": "00", "name": "Riket", "type": "country", "parent": None}),
        ("?type=county", 21, {"code": "01", "name": "Stockholms län", "type": "county", "parent": "00"}),
        (
            "?type=municipality",
            291,
            {"code": "0114", "name": "Upplands Väsby", "type": "municipality", "parent": "01"},
        ),
        ("?parent=08", 12, {"code": "0821", "name": "Högsby", "type": "municipality", "parent": "08"}),
        (
            "?type=named",
            2,
            {"code": "0880-berga", "name": "Berga (Kalmar)", "type": "named", "parent": "0880"},
        ),
        (
            "?parent=0880&type=regso",
            17,
            {"code": "0880R001", "name": "Berga", "type": "regso", "parent": "0880"},
        ),
    ],
)
def test_areas_are_listed_by_code_type_and_the_area_around(
    query: str, total: int, first: dict[str, Any], client: httpx.Client
) -> None:
    body = client.get(f"/municipalities{query}").json()

    assert body["_meta"]["totalRecords"] == total
    assert body["municipalities"][0].items() >= first.items()
    assert ids(body) == sorted(ids(body))


def test_an_area_tells_its_validity_and_a_group_its_members(client: httpx.Client) -> None:
    skane = client.get("/municipalities?type=county&limit=100").json()["municipalities"][9]
    group = client.get("/municipalities?type=group").json()["municipalities"][0]

    assert (skane["code"], skane["validFrom"], skane["validTo"]) == ("12", 1997, None)
    assert group["members"] == ["0834", "0840", "0880", "0885"]


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_legend_explains_every_status_and_flag(language: str, client: httpx.Client) -> None:
    legend = client.get(f"/statuses?lang={language}").json()["statuses"]

    assert {one["code"] for one in legend if one["kind"] == "status"} == {*Status, "absent", "removed"}
    assert {one["code"] for one in legend if one["kind"] == "flag"} == {*Flag}
    assert all(one["title"] and one["text"].endswith(".") for one in legend)
    assert len({one["title"] for one in legend}) == len(legend)
    assert {"sv": "Uppgift saknas", "en": "Missing"}[language] == legend[0]["title"]


def test_the_api_tells_what_it_is_in_the_words_of_the_national_profile(client: httpx.Client) -> None:
    info = client.get("/api-info").json()

    assert info.keys() == {"apiName", "apiVersion", "apiReleased", "apiDocumentation", "apiStatus"}
    assert (info["apiName"], info["apiStatus"]) == ("Länsdata", "active")
    assert re.fullmatch(r"1\.\d+\.\d+", info["apiVersion"])
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", info["apiReleased"])
    assert client.get(info["apiDocumentation"]).json()["info"]["version"] == info["apiVersion"]


def test_the_limits_that_are_told_are_those_that_hold(client: httpx.Client) -> None:
    limits = client.get("/config").json()
    figures, lists = client.get("/observations").json(), client.get("/indicators").json()
    pages = {
        more: client.get(f"/observations?limit={limits['rowsPerPage'] + more}").status_code for more in (0, 1)
    }

    assert figures["_meta"]["limit"] == limits["defaultRowsPerPage"] == 1000
    assert lists["_meta"]["limit"] == limits["defaultRowsPerList"] == 20
    assert pages == {0: 200, 1: 400}
    for encoding in limits["encodings"]:
        answer = client.get("/observations", headers={"Accept-Encoding": encoding})
        assert answer.headers["content-encoding"] == encoding
    for name, parameter in (("languages", "lang"), ("formats", "format")):
        assert {client.get(f"/observations?{parameter}={code}").status_code for code in limits[name]} == {200}


def test_health_tells_that_the_process_lives_and_which_release_it_serves(server: Server) -> None:
    assert httpx.get(f"{server.url}/health/live").json() == {"status": "live"}
    assert httpx.get(f"{server.url}/health/ready").json() == {
        "status": "ready",
        "release": 13,
        "database": "reachable",
    }
