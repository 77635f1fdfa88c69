import contextlib
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pxstatspy.pxapi import PxAPI, PxAPIConfig
from pxweb import PxApi

from api.pxweb.extract import MOST_CELLS
from datasets.areas import AreaType, areas
from datasets.vocabulary import Sex
from tests import given
from tests.conftest import fresh_database, served
from tests.drafts import published
from tests.every_kind import BREAK, COUNT, NOTE, OTHER, SHARE, draft

SHARES, COUNTS, WIDE = "prov.percent.age.reporter", "prov.number", "bred.percent.age"
MUNICIPALITIES = [str(one.code) for one in areas().values() if one.type is AreaType.MUNICIPALITY]
YEARS = range(1955, 2020)
PARTS = ("", "age:65-79", "age:80-")
ALL = {name: ["*"] for name in ("Region", "Kon", "age", "reporter", "ContentsCode", "Tid")}
Row = dict[str, Any]


def wide() -> Any:
    """A table of more cells than one answer may hold: many codes, a figure here and there."""
    figures = [
        given.figure(code, list(Sex)[n % 3], YEARS[n % len(YEARS)], PARTS[n // 5 % 3], value=n / 2)
        for n, code in enumerate(MUNICIPALITIES * 3)
    ]
    whole = [given.figure("08", sex, year, "", value=0.0) for sex in list(Sex)[:3] for year in YEARS]
    return given.draft(
        "bred",
        {"bred-andel": given.cube(*dict.fromkeys(figures), *whole)},
        indicators={"bred-andel": given.indicator("bred-andel")},
    )


@pytest.fixture(scope="module")
def root(cluster: str, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("pxweb") / "log"
    with fresh_database(cluster) as address:
        published(address, draft(), wide())
        with served({"LANSDATA_DATABASE_URL": address, "LANSDATA_HOME": str(home)}, log) as server:
            yield server.url


@pytest.fixture(scope="module")
def px(root: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{root}/pxweb/api/v2", timeout=120) as client:
        yield client


def values(root: str, indicator: str) -> dict[tuple[str, ...], float | None]:
    """What our own API tells, by the codes of each figure; it is what every client is held against."""
    question = f"{root}/api/v1/observations?indicator={indicator}&breakdown=*&limit=10000"
    return {
        (
            row["municipality"],
            row["sex"],
            row.get("breakdown", {}).get("age", "~"),
            row.get("breakdown", {}).get("reporter", "~"),
            str(row["year"]),
        ): row["value"]
        for row in httpx.get(question).json()["observations"]
    }


def quietly(work: Any) -> Any:
    """Do what prints as it goes."""
    with contextlib.redirect_stdout(io.StringIO()):
        return work()


def test_pxwebpy_lists_the_tables_and_reads_their_variables(root: str) -> None:
    api = PxApi(f"{root}/pxweb/api/v2")
    variables = api.get_table_variables(SHARES)

    assert api.number_of_tables == 3
    assert [one["id"] for one in api.all_tables()] == [WIDE, COUNTS, SHARES]
    assert [one["id"] for one in api.search(query="antal prov*")["tables"]] == [COUNTS]
    assert [one["id"] for one in api.tables_on_path("prov")] == [COUNTS, SHARES]
    assert list(variables) == ["Region", "Kon", "age", "reporter", "ContentsCode", "Tid"]
    assert variables["Region"]["category"]["label"]["0880"] == "Kalmar"
    assert [name for name, one in variables.items() if one["elimination"]] == ["Kon", "age", "reporter"]


def test_pxwebpy_fetches_the_same_numbers(root: str) -> None:
    rows = PxApi(f"{root}/pxweb/api/v2").get_table_data(SHARES, ALL | {"ContentsCode": [SHARE]}, show="code")
    told = {
        tuple(str(row[name]) for name in ("område", "kön", "Ålder", "Anmälare", "år")): row["value"]
        for row in rows
    }
    figures = values(root, SHARE)

    assert {key: told[key] for key in figures} == figures
    assert {told[key] for key in told.keys() - figures.keys()} == {None}


def test_pxwebpy_splits_what_is_over_the_cell_limit(root: str, px: httpx.Client) -> None:
    api = PxApi(f"{root}/pxweb/api/v2", max_workers=2)
    rows = api.get_table_data_all(WIDE, show="code")
    told = {
        (row["område"], row["kön"], row["Ålder"], "~", row["år"]): row["value"]
        for row in rows
        if row["value"] is not None
    }

    assert len(rows) > MOST_CELLS
    assert told == values(root, "bred-andel")
    everything = {
        "selection": [{"variableCode": name, "valueCodes": ["*"]} for name in ALL if name != "reporter"]
    }
    refused = px.post(f"/tables/{WIDE}/data", json=everything)
    assert (refused.status_code, refused.json()["title"]) == (403, "Too many cells selected")


def test_pxstatspy_lists_tables_and_fetches_the_same_numbers(root: str) -> None:
    api = quietly(lambda: PxAPI(PxAPIConfig(base_url=f"{root}/pxweb/api/v2", language="sv")))
    listed = quietly(lambda: api.find_tables_as_dataframe(all_pages=True))
    chosen = ALL | {"ContentsCode": [COUNT]}
    frame = quietly(
        lambda: api.get_data_as_dataframe(
            COUNTS, {n: chosen[n] for n in ("Region", "Kon", "ContentsCode", "Tid")}
        )
    )
    told = dict(zip(frame["region_code"], frame["Antal"], strict=True)) if "region_code" in frame else {}

    assert list(listed["id"]) == [WIDE, COUNTS, SHARES]
    assert told == {key[0]: value for key, value in values(root, COUNT).items()}


def test_pxstatspy_splits_what_is_over_the_cell_limit(root: str) -> None:
    api = quietly(lambda: PxAPI(PxAPIConfig(base_url=f"{root}/pxweb/api/v2", language="sv")))
    chosen = {name: ["*"] for name in ("Region", "Kon", "age", "ContentsCode", "Tid")}
    chunks = quietly(lambda: api.get_table_data(WIDE, chosen))
    shown = sorted(value for chunk in chunks for value in chunk["value"] if value is not None)

    assert len(chunks) > 1
    assert shown == sorted(values(root, "bred-andel").values())


def selected(px: httpx.Client, **chosen: str) -> list[str]:
    """The years of the answer to a selection that needs nothing else."""
    wanted = {"Region": "08", "ContentsCode": "bred-andel", "Tid": "2019"} | chosen
    answer = px.get(f"/tables/{WIDE}/data", params={f"valueCodes[{n}]": text for n, text in wanted.items()})
    assert answer.status_code == 200, answer.text
    return [code for name in chosen for code in answer.json()["dimension"][name]["category"]["index"]]


@pytest.mark.parametrize(
    ("expression", "years"),
    [
        ("TOP(2)", ["2018", "2019"]),
        ("top(1,1)", ["2018"]),
        ("BOTTOM(2)", ["1955", "1956"]),
        ("[RANGE(2012,2010)]", ["2010", "2011", "2012"]),
        ("FROM(2018)", ["2018", "2019"]),
        ("TO(1956),2000", ["1955", "1956", "2000"]),
        ("200?", [str(year) for year in range(2000, 2010)]),
        ("*05", ["2005"]),
        ("*99*", [str(year) for year in (*range(1990, 2000),)]),
        ("2003,2001,2003", ["2001", "2003"]),
    ],
)
def test_a_selection_expression_means_what_it_means_at_scb(
    expression: str, years: list[str], px: httpx.Client
) -> None:
    assert selected(px, Tid=expression) == years


def test_top_of_what_is_no_time_is_the_first(px: httpx.Client) -> None:
    assert selected(px, Region="TOP(2)") == ["0114", "0115"]


@pytest.mark.parametrize(
    ("query", "status", "title"),
    [
        ("valuecodes[Nosuch]=1", 400, "Non-existent variable"),
        ("valuecodes[Region]=880", 400, "Non-existent value"),
        ("valuecodes[Region]=99*", 400, "Non-existent value"),
        ("valuecodes[Region]=TOP()", 400, "Illegal selection expression"),
        ("valuecodes[Region]=0*1", 400, "Illegal selection expression"),
        ("valuecodes[Tid]=2019", 400, "Missing selection for mandantory variable"),
        ("codelist[Region]=vs_x", 400, "Non-existent codelist"),
        ("outputFormat=px", 400, "Unsupported output format"),
        ("outputFormat=json-stat2&outputFormatParams=UseTexts", 400, "Unsupported output format"),
        ("lang=de", 400, "Unsupported language"),
        ("heading=Tid&stub=Tid", 400, "Illegal placment"),
    ],
)
def test_a_refusal_has_the_title_that_pxweb_gives_it(
    query: str, status: int, title: str, px: httpx.Client
) -> None:
    told = px.get(f"/tables/{WIDE}/data?{query}")

    assert (told.status_code, told.json()["title"]) == (status, title)
    assert (told.json()["type"], told.json()["status"]) == ("Parameter error", status)
    assert told.json()["detail"]


def test_what_is_not_there_is_404_with_the_closest(px: httpx.Client) -> None:
    table = px.get("/tables/prov.nummer")

    assert (table.status_code, table.json()["title"]) == (404, "Non-existent table")
    assert COUNTS in table.json()["detail"]
    assert px.get("/tables?pageNumber=9").json()["title"] == "Non-existent page"
    assert px.get("/codelists/vs_x").json()["title"] == "Non-existent codelist"
    assert px.get("/nosuch").status_code == 404


def test_a_page_of_tables_leads_to_the_next(px: httpx.Client) -> None:
    first = px.get("/tables?pageSize=2&lang=en").json()
    after = httpx.get({one["rel"]: one["href"] for one in first["page"]["links"]}["next"]).json()

    assert (first["page"]["totalElements"], first["page"]["totalPages"]) == (3, 2)
    assert [one["id"] for one in (*first["tables"], *after["tables"])] == [WIDE, COUNTS, SHARES]
    assert first["language"] == "en"
    assert px.get("/tables?pastDays=1").json()["page"]["totalElements"] == 3


def test_an_empty_selection_is_the_default_selection(px: httpx.Client) -> None:
    told = px.get(f"/tables/{SHARES}/defaultselection").json()
    by_body = px.post(f"/tables/{SHARES}/data", json={"selection": told["selection"]}).json()

    assert px.get(f"/tables/{SHARES}/data").json() == by_body
    assert by_body["size"] == [len(by_body["dimension"]["Region"]["category"]["index"]), 1, 1, 1, 1, 1]


def test_a_variable_left_out_is_what_the_source_states_of_all(root: str, px: httpx.Client) -> None:
    query = f"valuecodes[ContentsCode]={SHARE}&valuecodes[Region]=*&valuecodes[time]=*"
    told = px.get(f"/tables/{SHARES.upper()}/data?{query}").json()
    areas_told = told["dimension"]["Region"]["category"]["index"]
    years = told["dimension"]["Tid"]["category"]["index"]
    figures = values(root, SHARE)

    assert told["id"] == ["Region", "ContentsCode", "Tid"]
    assert told["value"] == [
        figures.get((area, "total", "~", "~", year)) for area in areas_told for year in years
    ]


def test_csv_is_wide_and_says_why_a_cell_has_no_number(root: str, px: httpx.Client) -> None:
    query = f"valuecodes[ContentsCode]={SHARE}&valuecodes[Region]=*&valuecodes[Tid]=*&outputFormat=csv"
    header, *rows = csv.reader(io.StringIO(px.get(f"/tables/{SHARES}/data?{query}").text))
    figures = values(root, SHARE)

    assert header[:2] == ["Region", f"{SHARE} 2012"]
    for area, *cells in rows:
        for name, cell in zip(header[1:], cells, strict=True):
            value = figures.get((area, "total", "~", "~", name.split()[1]))
            assert (
                cell in {"absent", "missing", "suppressed", "notApplicable", "notYetPublished"}
                or float(cell) == value
            )
            assert value is not None or not cell[0].isdigit()


def test_placement_turns_the_cells(px: httpx.Client) -> None:
    query = f"valuecodes[ContentsCode]={SHARE}&valuecodes[Region]=*&valuecodes[Tid]=*"
    plain = px.get(f"/tables/{SHARES}/data?{query}").json()
    turned = px.get(f"/tables/{SHARES}/data?{query}&stub=Tid,ContentsCode&heading=Region").json()
    rows, columns = plain["size"][0], plain["size"][2]

    assert turned["id"] == ["Tid", "ContentsCode", "Region"]
    assert turned["value"] == [
        plain["value"][area * columns + year] for year in range(columns) for area in range(rows)
    ]
    assert turned["extension"]["px"]["heading"] == ["Region"]


def test_notes_that_must_be_shown_come_with_their_figures_only(px: httpx.Client) -> None:
    query = f"valuecodes[ContentsCode]={SHARE}&valuecodes[Region]=08"
    told = px.get(f"/tables/{SHARES}/data?{query}&valuecodes[Kon]=women&valuecodes[Tid]=*").json()
    late = px.get(f"/tables/{SHARES}/data?{query}&valuecodes[Kon]=men&valuecodes[Tid]=2020,2021").json()

    assert told["note"] == [BREAK, NOTE, OTHER]
    assert told["extension"]["noteMandatory"] == {"0": True, "1": True, "2": True}
    assert late["note"] == [NOTE]


@pytest.mark.shared
def test_its_json_stat_is_what_every_client_takes(px: httpx.Client, shared: Path) -> None:
    validator: dict[str, Any] = {"__name__": "validator"}
    exec((shared / "conventions/validators/jsonstat_check.py").read_text("utf-8"), validator)
    selection = {"selection": [{"variableCode": name, "valueCodes": ["TOP(3)"]} for name in ALL]}

    for table in (WIDE, COUNTS, SHARES):
        assert validator["check"](px.get(f"/tables/{table}/metadata").json(), emit=True, metadata=True) == []
        assert validator["check"](px.get(f"/tables/{table}/data?lang=en").json(), emit=True) == []
    assert validator["check"](px.post(f"/tables/{SHARES}/data", json=selection).json(), emit=True) == []


def test_a_browser_may_post_a_selection(px: httpx.Client) -> None:
    told = px.options(f"/tables/{WIDE}/data", headers={"Origin": "https://a.example"})

    assert "POST" in told.headers["access-control-allow-methods"]
    assert px.post(f"/tables/{WIDE}/data", content=b"{").json()["status"] == 400
    assert px.post(f"/tables/{WIDE}/data", content=b"").status_code == 200
