"""The same stranger at every other door: files, history, formats, pictures, pages, PxWeb, a model's tools."""

import csv
import gzip
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from tests import test_disclosure_stranger
from tests.conftest import ROOT
from tests.test_disclosure_stranger import ALL, DATASET, Row, Stranger, hidden, named, read, sheet

# the same pupils, published thrice for this module too
stranger = test_disclosure_stranger.stranger
NUMBERS = ("value", "low", "high", "count")
STAGE = "stage:hogstadiet"


@pytest.fixture(scope="module")
def root(stranger: Stranger) -> str:
    return str(stranger.client.base_url).partition("/api/")[0]


@pytest.fixture(scope="module")
def concealed(stranger: Stranger) -> list[tuple[str, str, str]]:
    """Indicator, area and sex of what the newest version hides."""
    found = sorted(hidden(stranger.rows(stranger.versions()[-1])))
    assert len(found) > 5
    return found


def numbers_of(rows: list[Row]) -> list[Row]:
    """The rows that say they are hidden, and tell a number nevertheless."""
    return [
        row
        for row in rows
        if row.get("status") == "suppressed" and any(row.get(name) not in {None, ""} for name in NUMBERS)
    ]


def tables_of(name: str, body: bytes) -> list[Row]:
    if name.endswith("csv.gz"):
        return [*csv.DictReader(io.StringIO(gzip.decompress(body).decode()))]
    if name.endswith("ndjson.gz"):
        return [json.loads(line) for line in gzip.decompress(body).splitlines()]
    if name.endswith("json.gz"):
        found: list[Row] = json.loads(gzip.decompress(body))["observations"]
        return found
    if name.endswith("parquet"):
        return list(pq.read_table(io.BytesIO(body)).to_pylist())
    return sheet(body)


def test_every_baked_file_of_every_version_hides_what_its_version_hides(stranger: Stranger) -> None:
    for version in stranger.versions():
        wanted = hidden(stranger.rows(version))
        files = stranger.get(f"/datasets/{DATASET}/versions/{version}").json()["files"]
        bodies = {one["name"]: stranger.client.get(one["href"]).content for one in files}
        whole = [name for name in bodies if name.startswith("observations.")]
        assert len(whole) == 5
        for name in whole:
            rows = tables_of(name, bodies[name])
            assert hidden(rows) == wanted, name
            assert numbers_of(rows) == []
        for name in (one for one in bodies if one.endswith(".csv")):
            cube = [*csv.DictReader(io.StringIO(bodies[name].decode()))]
            found = {
                (name.removesuffix(".csv"), row["municipality"], row["sex"]) for row in cube if row["status"]
            }
            assert found == {key for key in wanted if key[0] == name.removesuffix(".csv")}
            assert numbers_of(cube) == []
        for change in tables_of("changes.ndjson.gz", bodies["changes.ndjson.gz"]):
            states = [
                state for state in (change.get("before"), change.get("after")) if isinstance(state, dict)
            ]
            assert numbers_of(states) == []


def test_history_and_what_is_new_tell_what_the_versions_told_and_no_more(stranger: Stranger) -> None:
    told = {
        (*named(row), row["value"], row.get("count")) for v in stranger.versions() for row in stranger.rows(v)
    }
    for asked in ({"includeHistory": "true"}, {"updatedAfter": "2000-01-01"}):
        rows = stranger.get("/observations", **ALL, **asked).json()["observations"]
        assert {(*named(row), row["value"], row.get("count")) for row in rows} <= told
        assert hidden(rows)
        assert numbers_of(rows) == []


def test_as_of_each_release_is_the_version_of_that_time(stranger: Stranger) -> None:
    for one in stranger.get("/releases", dataset=DATASET).json()["releases"]:
        rows = stranger.get("/observations", **ALL, asOf=one["publishedAt"]).json()["observations"]
        assert rows == stranger.rows(one["version"])


def cells_of(told: dict[str, Any]) -> Iterator[tuple[dict[str, str], Any, str | None]]:
    """Yield each cell of JSON-stat: its codes, its value, its status."""
    codes = []
    for name in told["id"]:
        index = told["dimension"][name]["category"]["index"]
        codes.append(index if isinstance(index, list) else sorted(index, key=index.get))
    for at, some in enumerate(product(*codes)):
        value = told["value"][at] if isinstance(told["value"], list) else told["value"].get(str(at))
        yield dict(zip(told["id"], some, strict=True)), value, told.get("status", {}).get(str(at))


def test_json_stat_is_empty_where_something_is_hidden(
    stranger: Stranger, concealed: list[tuple[str, str, str]]
) -> None:
    met = set()
    for codes, value, _ in cells_of(stranger.get("/observations", format="jsonstat", **ALL).json()):
        key = codes["ContentsCode"].partition(".")[0], codes["municipality"], codes["sex"]
        if key in concealed:
            met.add(key)
            assert value is None, codes
    assert met == {*concealed}


def test_the_face_of_pxweb_is_empty_there_too(root: str, concealed: list[tuple[str, str, str]]) -> None:
    met = set()
    with httpx.Client(base_url=f"{root}/pxweb/api/v2", timeout=120) as px:
        for table in px.get("/tables", params={"pageSize": "100"}).json()["tables"]:
            ids = px.get(f"/tables/{table['id']}/metadata").json()["id"]
            everything = {"selection": [{"variableCode": one, "valueCodes": ["*"]} for one in ids]}
            answer = px.post(
                f"/tables/{table['id']}/data", json=everything, params={"outputFormat": "json-stat2"}
            )
            assert answer.status_code == 200, answer.text
            for codes, value, _ in cells_of(answer.json()):
                key = codes["ContentsCode"].partition(".")[0], codes["Region"], codes["Kon"]
                if key in concealed:
                    met.add(key)
                    assert value is None, codes
    assert met == {*concealed}


@pytest.mark.parametrize("language", ["sv", "en"])
def test_pictures_pages_and_embeds_of_a_hidden_figure_say_why_and_no_number(
    root: str, concealed: list[tuple[str, str, str]], language: str
) -> None:
    page = "/en/indikator" if language == "en" else "/indikator"
    for indicator, municipality, sex in concealed[:6]:
        asked = {"municipality": municipality, "sex": sex, "breakdown": STAGE}
        with httpx.Client(base_url=root, params=asked, timeout=120, follow_redirects=True) as site:
            html = site.get(f"{page}/{indicator}", headers={"Accept": "text/html"}).text
            cells = re.findall(r"<td[^>]*>(.*?)</td>", html.partition("</table>")[0], re.DOTALL)
            embedded = site.get(f"/embed/{indicator}/figure.json", params={**asked, "lang": language}).json()
            frame = site.get(f"/embed/{indicator}", params={**asked, "lang": language}).text
            spec = site.get(f"/charts/{indicator}.vl.json").json()
            svg = site.get(f"/charts/{indicator}.svg").text
        rows = [cell for row in embedded["table"]["rows"] for cell in row["cells"]]
        assert len(cells) == len(rows) == 1
        assert not re.search(r"\d", re.sub(r"<[^>]*>", "", cells[0])), cells
        assert (rows[0]["text"], rows[0]["exact"], bool(rows[0]["absent"])) == ("", "", True)
        assert "<small>" in frame.partition("<td>")[2]
        assert spec["layer"][0]["data"]["values"] == [{}]
        assert "2021" in svg


def test_pictures_of_all_areas_and_sexes_show_what_is_shown_and_nothing_else(
    stranger: Stranger, root: str
) -> None:
    rows = stranger.rows(stranger.versions()[-1])
    for indicator in {row["indicator"] for row in rows}:
        shown = {row["value"] for row in rows if row["indicator"] == indicator and row["value"] is not None}
        areas = ",".join(sorted({row["municipality"] for row in rows}))
        asked = {"municipality": areas, "sex": "total,women,men,other", "breakdown": STAGE}
        embedded = httpx.get(f"{root}/embed/{indicator}/figure.json", params=asked, timeout=120).json()
        exact = [cell["exact"] for row in embedded["table"]["rows"] for cell in row["cells"] if cell["exact"]]
        assert exact
        assert {float(text.replace(",", ".").replace("\N{MINUS SIGN}", "-")) for text in exact} <= shown


def test_the_page_of_a_municipality_shows_no_hidden_figure(
    stranger: Stranger, root: str, concealed: list[tuple[str, str, str]]
) -> None:
    rows = stranger.rows(stranger.versions()[-1])
    for municipality in {area for _, area, _ in concealed if len(area) == 4}:
        html = httpx.get(f"{root}/kommun/{municipality}", headers={"Accept": "text/html"}, timeout=120)
        assert html.status_code == 200
        shown = {row["value"] for row in rows if row["value"] is not None}
        text = re.sub(r"<[^>]*>", " ", html.text)
        assert {float(one.replace(",", ".")) for one in re.findall(r"\b\d+,\d+\b", text)} <= shown


def test_a_model_is_told_that_it_is_hidden(root: str, concealed: list[tuple[str, str, str]]) -> None:
    indicator, municipality, sex = concealed[0]
    asked = {"indicator": indicator, "municipality": municipality, "sex": sex, "breakdown": STAGE}
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}},
        {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "tools/call",
            "params": {"name": "get_figures", "arguments": asked},
        },
    ]
    done = subprocess.run(
        [sys.executable, "-m", "api.mcp", "--url", root],
        cwd=ROOT,
        input="".join(json.dumps(line) + "\n" for line in lines),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    tools, told = (json.loads(line)["result"] for line in done.stdout.splitlines())

    assert "get_figures" in {one["name"] for one in tools["tools"]}, tools
    figures = told["structuredContent"]["figures"]
    assert [(one["value"], one["status"]) for one in figures] == [(None, "suppressed")]


def test_an_answer_and_its_tag_hang_on_nothing_that_is_hidden(stranger: Stranger) -> None:
    newest = stranger.versions()[-1]
    first, again = (stranger.get("/observations", **ALL, version=newest) for _ in range(2))

    # the tag is the hash of the bytes, and the bytes hold no hidden number: `read` finds none in them
    assert first.headers["etag"] == again.headers["etag"]
    assert first.content == again.content
    published = read(first.json()["observations"])
    assert all(
        one.value is None and one.count is None
        for figures in published.figures.values()
        for one in figures.values()
        if one.hidden
    )
