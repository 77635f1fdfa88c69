import csv
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import date, datetime
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pyarrow.parquet
import pytest
from frictionless import Resource, Schema
from pyjstat import pyjstat

from api.formats import FORMATS, MOST_ROWS
from datasets.canonical import HEADER, canonical_csv
from datasets.compositions import MEDIA_TYPES
from tests.conftest import fresh_database, served
from tests.drafts import published
from tests.every_kind import BREAK, COUNT, DATASET, LARGE, NOTE, OTHER, SHARE, draft, large
from tests.test_refusals import faults, problem

Row = dict[str, Any]
QUESTION = f"/observations?indicator={SHARE},{COUNT}&breakdown=*"
TOOLKIT = Path(__file__).with_name("jsonstat")
COLUMNS = ["indicator", *HEADER.split(",")]
TABLES = ("csv", "parquet", "xlsx")
MEDIA = {
    "json": "application/json",
    "csv": "text/csv; header=present; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "jsonstat": "application/vnd.json-stat+json",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@pytest.fixture(scope="module")
def api(cluster: str, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    log = tmp_path_factory.mktemp("formats") / "log"
    with fresh_database(cluster) as address:
        published(address, draft(), large(MOST_ROWS))
        with (
            served({"LANSDATA_DATABASE_URL": address, "LANSDATA_HOME": str(home)}, log) as server,
            httpx.Client(base_url=f"{server.url}/api/v1", timeout=120) as client,
        ):
            yield client


@pytest.fixture(scope="module")
def figures(api: httpx.Client) -> list[Row]:
    """What JSON tells; every other format is held against it."""
    rows: list[Row] = api.get(f"{QUESTION}&limit=10000").json()["observations"]

    statuses = {row.get("status") for row in rows}
    assert 1700 < len(rows) < 2000
    assert statuses == {None, "missing", "suppressed", "notApplicable", "notYetPublished"}
    assert {0, -1} & {row["value"] for row in rows}
    assert all(any(name in row for row in rows) for name in ("low", "high", "count", "flags", "periodStart"))
    return rows


def flat(row: Row) -> Row:
    """A row of JSON as a table has it: every column, breakdown and flags as canonical text."""
    told = {name: row.get(name) for name in COLUMNS}
    told["breakdown"] = ";".join(f"{name}:{code}" for name, code in row.get("breakdown", {}).items()) or None
    told["flags"] = ";".join(row.get("flags", ())) or None
    return told


def test_csv_is_the_canonical_form_with_the_indicator_in_front(api: httpx.Client, figures: list[Row]) -> None:
    answer = api.get(f"{QUESTION}&format=csv")
    cubes = draft().cubes
    lines = [
        f"{name},{line}"
        for name in (SHARE, COUNT)
        for line in canonical_csv(cubes[name]).decode().splitlines()[1:]
    ]

    assert answer.text.splitlines() == [",".join(COLUMNS), *lines]
    assert answer.content == api.get(f"{QUESTION}&format=csv&sort=indicator").content
    assert answer.text.isascii()
    assert len(lines) == len(figures)


def test_csv_reads_back_as_the_figures(api: httpx.Client, figures: list[Row]) -> None:
    numbers = ("year", "value", "low", "high", "count")
    read = [
        {name: None if text == "" else float(text) if name in numbers else text for name, text in row.items()}
        for row in csv.DictReader(StringIO(api.get(f"{QUESTION}&format=csv").text))
    ]

    assert read == [flat(row) for row in figures]


def test_a_data_package_reads_the_csv(api: httpx.Client, figures: list[Row], tmp_path: Path) -> None:
    path = tmp_path / "siffror.csv"
    path.write_bytes(api.get(f"{QUESTION}&format=csv").content)
    numbers = dict.fromkeys(("value", "low", "high"), "number") | {"year": "integer", "count": "integer"}
    dates = {"periodStart": "date", "periodEnd": "date"}
    types = dict.fromkeys(COLUMNS, "string") | numbers | dates
    schema = Schema.from_descriptor({"fields": [{"name": n, "type": t} for n, t in types.items()]})
    rows = Resource(path=path.name, basepath=str(tmp_path), schema=schema, encoding="utf-8").read_rows()

    assert all(row.valid for row in rows)
    assert [(row["municipality"], row["status"]) for row in rows] == [
        (row["municipality"], row.get("status")) for row in figures
    ]
    assert [None if row["value"] is None else float(row["value"]) for row in rows] == [
        row["value"] for row in figures
    ]


def test_ndjson_has_the_rows_of_json(api: httpx.Client, figures: list[Row]) -> None:
    assert [json.loads(line) for line in api.get(f"{QUESTION}&format=ndjson").text.splitlines()] == figures


def test_parquet_reads_back_as_the_figures_with_their_notes(api: httpx.Client, figures: list[Row]) -> None:
    table = pyarrow.parquet.read_table(BytesIO(api.get(f"{QUESTION}&format=parquet").content))
    told = json.loads(table.schema.metadata[b"lansdata"])

    assert [_plain(row) for row in table.to_pylist()] == [flat(row) for row in figures]
    assert table.column_names == COLUMNS
    assert [note["text"] for note in told["notes"]] == [BREAK, NOTE, OTHER]
    assert told["datasets"][0]["attribution"].encode() in table.schema.metadata[b"citation"]


def test_a_workbook_reads_back_as_the_figures_with_their_notes(api: httpx.Client, figures: list[Row]) -> None:
    answer = BytesIO(api.get(f"{QUESTION}&format=xlsx").content)
    book = openpyxl.load_workbook(answer, read_only=True)  # as programs read large ones
    header, *rows = book.worksheets[0].iter_rows(values_only=True)
    beside = [text for row in book.worksheets[1].iter_rows(values_only=True) for text in row]

    assert list(header) == COLUMNS
    assert [_plain(dict(zip(header, row, strict=True))) for row in rows] == [flat(row) for row in figures]
    assert {BREAK, NOTE, OTHER, "måste visas", "Källa: Region Kalmar län", "suppressed"} <= set(beside)


def test_json_stat_reads_back_as_the_figures(api: httpx.Client, figures: list[Row]) -> None:
    told = api.get(f"{QUESTION}&format=jsonstat").json()
    contents = [
        name
        for code in (SHARE, COUNT)
        for name in told["dimension"]["ContentsCode"]["category"]["index"]
        if name.split(".")[0] == code
    ]

    assert contents == [SHARE, f"{SHARE}.low", f"{SHARE}.high", f"{SHARE}.count", COUNT]
    assert sorted(_from_cells(told), key=_key) == sorted(map(flat, figures), key=_key)


@pytest.mark.filterwarnings("ignore:Shouldn't use this function anymore:DeprecationWarning")
def test_pyjstat_reads_the_json_stat(api: httpx.Client, figures: list[Row]) -> None:
    frame = pyjstat.Dataset.read(api.get(f"{QUESTION}&format=jsonstat").text).write("dataframe")
    shown = [value for value in (row["value"] for row in figures) if value is not None]
    of_values = [
        value
        for contents, value in zip(frame["indikator"], frame["value"], strict=True)
        if "," not in contents.removeprefix("=Andel, ") and value == value  # noqa: PLR0124 not NaN
    ]

    assert sorted(of_values) == sorted(shown)


def test_the_toolkit_of_json_stat_reads_the_same_figures(
    api: httpx.Client, figures: list[Row], tmp_path: Path
) -> None:
    npm = shutil.which("npm") or pytest.skip(
        "no Node at hand; install the packages nodejs and npm to run this"
    )
    for path in TOOLKIT.iterdir():
        shutil.copy(path, tmp_path)
    environment = {**os.environ, "npm_config_cache": str(tmp_path / "cache")}
    subprocess.run([npm, "ci"], cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=120)
    answer = api.get(f"{QUESTION}&format=jsonstat").content
    done = subprocess.run(["node", "read.js"], cwd=tmp_path, input=answer, capture_output=True, check=True)
    cells = [json.loads(line) for line in done.stdout.splitlines()]
    names = ("ContentsCode", "municipality", "sex", "year", "age", "reporter")
    read = {tuple(one[name] for name in names): one["value"] for one in cells}
    wanted = {
        (
            *(row["indicator"], row["municipality"], row["sex"], str(row["year"])),
            *(row.get("breakdown", {}).get(name, "~") for name in ("age", "reporter")),
        ): row["value"]
        for row in figures
    }

    assert len(wanted) == len(figures)
    assert wanted.items() <= read.items()


@pytest.mark.shared
@pytest.mark.parametrize(
    "question",
    [
        QUESTION,
        f"{QUESTION}&lang=en&year=latest",
        f"/observations?indicator={SHARE}",
        f"/observations?indicator={COUNT}&municipality=0880",
        f"/observations?indicator={COUNT}&sex=women",
        f"{QUESTION}&page=2",
    ],
)
def test_the_json_stat_is_what_every_client_takes(question: str, api: httpx.Client, shared: Path) -> None:
    validator: dict[str, Any] = {"__name__": "validator"}
    exec((shared / "conventions/validators/jsonstat_check.py").read_text("utf-8"), validator)

    assert validator["check"](api.get(f"{question}&format=jsonstat").json(), emit=True) == []


def test_the_notes_of_json_stat_say_which_must_be_shown(api: httpx.Client) -> None:
    told = api.get(f"/observations?indicator={SHARE}&format=jsonstat").json()

    assert told["note"] == [BREAK, NOTE, OTHER]
    assert told["extension"]["noteMandatory"] == {"0": True, "1": True, "2": True}


@pytest.mark.parametrize("name", FORMATS)
def test_accept_means_the_same_as_the_parameter(name: str, api: httpx.Client) -> None:
    question = f"/observations?indicator={COUNT}&version=1.0.0&dataset={DATASET}"
    by_name = api.get(f"{question}&format={name}")
    by_header = api.get(question, headers={"Accept": f"text/html, {FORMATS[name].types[-1]};q=0.9"})

    assert (by_name.status_code, by_name.headers["content-type"]) == (200, MEDIA[name])
    assert by_header.headers["content-type"] == MEDIA[name]
    assert by_header.headers["vary"] == "Accept, Accept-Encoding"
    if name != "json":  # the links of JSON tell the address as it was asked
        assert by_header.content == by_name.content


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        ("text/csv;q=0.9, application/json;q=0.1", "csv"),
        ("text/*", "csv"),
        ("application/json;q=0, */*", "csv"),
        ("text/csv, application/json", "json"),
        ("application/json;q=0.5, application/x-ndjson;q=0.6, */*;q=0.1", "ndjson"),
    ],
)
def test_the_format_taken_most_gladly_is_given(accept: str, name: str, api: httpx.Client) -> None:
    answer = api.get(f"/observations?indicator={COUNT}", headers={"Accept": accept})

    assert answer.headers["content-type"] == MEDIA[name]


def test_the_parameter_goes_before_accept(api: httpx.Client) -> None:
    answer = api.get(f"/observations?indicator={COUNT}&format=csv", headers={"Accept": "application/json"})

    assert answer.headers["content-type"] == MEDIA["csv"]


@pytest.mark.parametrize("accept", ["text/html", "application/xml, text/csv;q=0", "*/*;q=0"])
def test_a_caller_that_takes_no_format_is_told_what_there_is(accept: str, api: httpx.Client) -> None:
    answer = api.get(f"/observations?indicator={COUNT}", headers={"Accept": accept})

    assert "text/csv" in problem(answer, 406, "not-acceptable")["detail"]


@pytest.mark.parametrize("name", ["csv", "ndjson", "jsonstat", "parquet", "xlsx"])
def test_the_headers_lead_to_what_stands_beside_the_figures(name: str, api: httpx.Client) -> None:
    answer = api.get(f"{QUESTION}&format={name}&limit=7")
    links = {link["rel"]: link["url"] for link in answer.links.values()}
    beside = httpx.get(links["describedby"]).json()["_meta"]
    pinned = httpx.get(answer.headers["content-location"])

    assert [note["text"] for note in beside["notes"]] == [BREAK, NOTE, OTHER]
    assert answer.headers["lansdata-mandatory-notes"] == "3"
    assert (pinned.content, pinned.headers["etag"]) == (answer.content, answer.headers["etag"])
    assert "immutable" in pinned.headers["cache-control"]
    assert (
        api.get(
            f"{QUESTION}&format={name}&limit=7", headers={"If-None-Match": pinned.headers["etag"]}
        ).status_code
        == 304
    )


@pytest.mark.parametrize("name", ["csv", "ndjson", "jsonstat", "parquet", "xlsx"])
def test_a_page_is_the_whole_answer_and_the_next_is_empty(name: str, api: httpx.Client) -> None:
    first = api.get(f"{QUESTION}&format={name}&limit=7")
    whole, none = api.get(f"{QUESTION}&format={name}"), api.get(f"{QUESTION}&format={name}&page=2")

    assert (first.status_code, none.status_code) == (200, 200)
    assert len(first.content) == pytest.approx(len(whole.content), rel=0.01)
    assert len(none.content) < len(whole.content) / 2


@pytest.mark.parametrize("name", TABLES)
def test_labels_add_names_and_the_notes_that_must_be_shown(name: str, api: httpx.Client) -> None:
    answer = api.get(f"{QUESTION}&format={name}&labels=true&lang=sv")
    row = next(
        row
        for row in _read(name, answer)
        if row["sex"] == "women"
        and row["breakdown"] == "age:80-;reporter:polis"
        and row["year"] in {2019, "2019"}
    )

    assert (row["municipalityName"], row["sexName"]) == ("Riket", "kvinnor")
    assert row["breakdownTitle"] == "80 år och äldre; Polis"
    assert row["unit"] == "procent"
    assert row["notes"] == f"{BREAK} {NOTE} {OTHER}"


def test_names_in_csv_are_no_formulas_and_open_in_excel(api: httpx.Client) -> None:
    body = api.get(f"{QUESTION}&format=csv&labels=true").content
    rows = list(csv.reader(StringIO(body.decode("utf-8-sig"))))

    assert body.startswith(b"\xef\xbb\xbf")
    assert not any(text.startswith(("=", "+", "@", "\t", "\r")) for row in rows for text in row)
    assert all(float(text) < 0 for row in rows for text in row if text.startswith("-"))


def test_names_in_a_workbook_are_whole_and_no_formulas(api: httpx.Client) -> None:
    answer = api.get(f"{QUESTION}&format=xlsx&labels=true")
    sheet = openpyxl.load_workbook(BytesIO(answer.content)).worksheets[0]

    assert sheet["N2"].value == '=Andel, "äldre"'
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} == {"s", "n"}


@pytest.mark.parametrize("name", TABLES)
def test_fields_and_order_are_those_asked_for(name: str, api: httpx.Client) -> None:
    question = f"/observations?indicator={COUNT}&sort=-value&fields=value,municipality"
    rows = _read(name, api.get(f"{question}&format={name}"))
    told = api.get(question).json()["observations"]

    assert [(row["municipality"], float(row["value"])) for row in rows] == [
        (row["municipality"], row["value"]) for row in told
    ]
    assert set(rows[0]) == {"municipality", "value"}


@pytest.mark.parametrize("name", TABLES)
def test_every_state_has_its_times(name: str, api: httpx.Client) -> None:
    question = f"/observations?indicator={COUNT}&includeHistory=true"
    rows, told = _read(name, api.get(f"{question}&format={name}")), api.get(question).json()["observations"]
    moment = datetime.fromisoformat(told[0]["validFrom"])

    assert rows[0]["validFrom"] in {told[0]["validFrom"], moment}
    assert rows[0]["validTo"] in {"", None}
    assert len(rows) == len(told)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("format=jsonstat&sort=value", "sort"),
        ("format=jsonstat&fields=value", "fields"),
        ("format=jsonstat&includeHistory=true", "includeHistory"),
        ("format=jsonstat&updatedAfter=2026-01-01", "updatedAfter"),
        ("format=ndjson&labels=true", "labels"),
        ("labels=true", "labels"),
    ],
)
def test_what_a_format_has_no_room_for_is_refused(query: str, name: str, api: httpx.Client) -> None:
    answer = api.get(f"/observations?indicator={COUNT}&{query}")

    assert [fault for fault, _ in faults(answer)] == [name]


@pytest.mark.parametrize("name", list(FORMATS)[1:])
def test_more_than_a_file_may_hold_is_413_with_the_baked_file(name: str, api: httpx.Client) -> None:
    question = f"/observations?indicator={LARGE}"
    told = problem(api.get(f"{question}&format={name}"), 413, "too-large")

    assert told["asked"] > told["limit"] == MOST_ROWS
    assert told["href"].endswith(f"/datasets/stor/versions/1.0.0/files/{FORMATS[name].baked}")
    assert FORMATS[name].baked in MEDIA_TYPES
    assert api.get(f"{question}&year=2023&format={name}").status_code == 200
    assert api.get(question).status_code == 200


def test_a_grid_of_too_many_cells_is_refused_with_its_size(api: httpx.Client) -> None:
    question = f"/observations?indicator={SHARE},{LARGE}&breakdown=*&yearFrom=2012"
    told = problem(api.get(f"{question}&format=jsonstat"), 413, "too-large")

    assert told["asked"] > told["limit"] == api.get("/config").json()["cellsPerFile"]
    assert " x " in told["detail"]
    assert api.get(f"{question}&format=csv").status_code == 200


def test_the_formats_and_their_limits_stand_in_the_config(api: httpx.Client) -> None:
    told = api.get("/config").json()

    assert told["formats"] == list(FORMATS) == list(MEDIA)
    assert told["rowsPerFile"] == MOST_ROWS


def _read(name: str, answer: httpx.Response) -> list[Row]:
    if name == "csv":
        return list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"))))
    if name == "parquet":
        return pyarrow.parquet.read_table(BytesIO(answer.content)).to_pylist()  # type: ignore[no-any-return]
    header, *rows = openpyxl.load_workbook(BytesIO(answer.content)).worksheets[0].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def _plain(row: Row) -> Row:
    return {name: f"{entry:%Y-%m-%d}" if isinstance(entry, date) else entry for name, entry in row.items()}


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(str(row[name]) for name in ("indicator", "municipality", "sex", "year", "breakdown"))


def _from_cells(told: Row) -> Iterator[Row]:
    """Read a dense dataset as whoever knows nothing but the standard would, and put the figures together."""
    found: dict[tuple[str, ...], Row] = {}
    codes = [list(told["dimension"][name]["category"]["index"]) for name in told["id"]]
    for at, value in enumerate(told["value"]):
        status, rest, names = told["status"].get(str(at)), at, {}
        for name, known in zip(reversed(told["id"]), reversed(codes), strict=True):
            rest, place = divmod(rest, len(known))
            names[name] = known[place]
        indicator, _, part = names.pop("ContentsCode").partition(".")
        row = found.setdefault((indicator, *names.values()), dict.fromkeys(COLUMNS))
        if status == "absent":
            continue
        divided = sorted((name, code) for name, code in names.items() if name in {"age", "reporter"})
        row |= {"indicator": indicator, "municipality": names["municipality"], "sex": names["sex"]}
        row |= {"year": int(names["year"]), part or "value": value}
        row["breakdown"] = ";".join(f"{name}:{code}" for name, code in divided if code != "~") or None
        if not part:
            row["status" if value is None else "flags"] = status
            period = told["extension"].get("period", {}).get(str(at), "/")
            row["periodStart"], row["periodEnd"] = (text or None for text in period.split("/"))
    return (row for row in found.values() if row["indicator"])
