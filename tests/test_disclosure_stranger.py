"""A stranger with nothing but HTTP: every version, format and file, against pupils that never were."""

import asyncio
import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook
from rich.console import Console

from datasets.database import open_store
from datasets.disclosure.attacker import attack
from datasets.disclosure.command import attack_dataset
from datasets.disclosure.gate import breaches
from datasets.disclosure.guard import guarded
from datasets.disclosure.linked import Asked, table_of
from datasets.disclosure.published import Figure, Published
from datasets.disclosure.relations import Confidential, Key
from datasets.publish import publish
from datasets.settings import Settings
from loaders.kinds import read_file
from tests import given, pupils
from tests.conftest import fresh_database, served

DATASET = "lupp-prov"
ALL = {"dataset": DATASET, "breakdown": "*", "limit": "10000"}
TOLD = {"indicator", "municipality", "sex", "year", "breakdown", "value", "status"}
Row = Mapping[str, Any]


class Stranger:
    """A client of the service, and what only the publisher knows beside it."""

    def __init__(self, client: httpx.Client, truths: list[Confidential], environment: dict[str, str]) -> None:
        self.client = client
        self.truths = truths
        self.environment = environment

    def get(self, path: str, **asked: str) -> httpx.Response:
        answer = self.client.get(path, params=asked, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return answer

    def versions(self) -> list[str]:
        found = self.get(f"/datasets/{DATASET}/versions").json()["versions"]
        return [one["version"] for one in reversed(found)]

    def rows(self, version: str, **asked: str) -> list[Row]:
        found: list[Row] = self.get("/observations", **(ALL | {"version": version} | asked)).json()[
            "observations"
        ]
        return found


@pytest.fixture(scope="module")
def stranger(cluster: str, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stranger]:
    folder = tmp_path_factory.mktemp("lupp")
    with fresh_database(cluster) as address:
        environment = {"LANSDATA_DATABASE_URL": address, "LANSDATA_HOME": str(home / "lupp")}
        truths = asyncio.run(
            published_thrice(folder, Settings(home=str(home / "lupp"), database_url=address))
        )
        with (
            served(environment, folder / "log") as server,
            httpx.Client(base_url=f"{server.url}/api/v1", timeout=120) as client,
        ):
            yield Stranger(client, truths, environment)


async def published_thrice(folder: Path, settings: Settings) -> list[Confidential]:
    """A hand-over and two revisions of it, each with pupils moved here and there."""
    found, truths = pupils.counts(3, 2, ["Högstadiet"], seed=4), []
    async with open_store(settings) as store:
        for number in range(3):
            raw = read_file(pupils.written(folder, found))
            assert raw.confidential
            truths.append(raw.confidential)
            await publish(store, await guarded(store, raw, settings.home_path))
            found = pupils.revised(found, 5, seed=number)
    return truths


def read(rows: list[Row]) -> Published:
    figures: dict[str, dict[Key, Figure]] = {}
    for row in rows:
        breakdown = ";".join(f"{name}:{category}" for name, category in row.get("breakdown", {}).items())
        key = row["municipality"], row["sex"], row["year"], breakdown
        told = {name: row.get(name) for name in ("value", "count", "low", "high")}
        figures.setdefault(row["indicator"], {})[key] = Figure(
            hidden=row.get("status") == "suppressed", **told
        )
    return Published(figures)


def named(row: Row) -> tuple[str, str, str]:
    return row["indicator"], row["municipality"], row["sex"]


def hidden(rows: list[Row]) -> set[tuple[str, str, str]]:
    return {named(row) for row in rows if row.get("status") == "suppressed"}


def test_three_versions_read_together_give_the_stranger_no_small_number_of_any_of_them(
    stranger: Stranger,
) -> None:
    versions = [read(stranger.rows(version)) for version in stranger.versions()]
    assert len(versions) == 3

    for at, truth in enumerate(stranger.truths):
        questions = {one.name: one for one in truth.questions}
        targets = [
            target for one in truth.questions for target in table_of([Asked(one)], truth.rules)[0].targets
        ]
        others = [one for number, one in enumerate(versions) if number != at]
        bounds = attack([*others, versions[at]])
        assert len(targets) > 20
        assert not [*breaches(targets, questions, bounds)]


def test_naive_hiding_of_the_same_pupils_gives_the_same_stranger_many(stranger: Stranger) -> None:
    truth = stranger.truths[0]
    questions = {one.name: one for one in truth.questions}
    targets = [t for one in truth.questions for t in table_of([Asked(one)], truth.rules)[0].targets]
    small = {
        (name, one.key) for one in targets if not one.rest for name in questions[one.question].indicators
    }
    figures: dict[str, dict[Key, Figure]] = {}
    for question in truth.questions:
        for key, people in question.groups.items():
            (name,) = question.indicators
            hits = sum(people[kind] for kind in question.chosen[0])
            told = {"value": round(100 * hits / sum(people), 1), "count": sum(people)}
            one = Figure(hidden=True) if (name, key) in small else Figure(**told)
            figures.setdefault(name, {})[key] = one

    assert len([*breaches(targets, questions, attack([Published(figures)]))]) > 10


def test_a_hidden_figure_has_one_marker_and_no_number_in_any_version(stranger: Stranger) -> None:
    for version in stranger.versions():
        for row in stranger.rows(version):
            if row.get("status") == "suppressed":
                assert row.keys() <= TOLD
                assert row["value"] is None


def test_no_filter_tells_more_than_the_whole(stranger: Stranger) -> None:
    newest = stranger.versions()[-1]
    whole = hidden(stranger.rows(newest))
    questions = [{"sex": "women"}, {"municipality": "08"}, {"municipality": "county:08"}, {"year": "latest"}]
    questions += [{"breakdown": "stage:hogstadiet"}, {"sort": "-value"}, {"asOf": "2999-01-01"}]

    for asked in questions:
        if "asOf" in asked:
            rows = stranger.get("/observations", **ALL).json()["observations"]
        else:
            rows = stranger.rows(newest, **asked)
        assert rows
        assert hidden(rows) == whole & {named(row) for row in rows}


def test_csv_ndjson_parquet_and_xlsx_hide_the_same_and_tell_no_number_of_it(stranger: Stranger) -> None:
    newest = stranger.versions()[-1]
    whole = hidden(stranger.rows(newest))
    asked = ALL | {"version": newest}
    tables: dict[str, list[Row]] = {
        "csv": [*csv.DictReader(io.StringIO(stranger.get("/observations", format="csv", **asked).text))],
        "ndjson": [
            json.loads(line)
            for line in stranger.get("/observations", format="ndjson", **asked).text.splitlines()
        ],
        "parquet": pq.read_table(
            io.BytesIO(stranger.get("/observations", format="parquet", **asked).content)
        ).to_pylist(),
        "xlsx": sheet(stranger.get("/observations", format="xlsx", **asked).content),
    }

    for rows in tables.values():
        assert hidden(rows) == whole
        for row in rows:
            if row.get("status") == "suppressed":
                assert not [row.get(name) for name in ("value", "low", "high", "count") if row.get(name)]


def sheet(body: bytes) -> list[Row]:
    for page in load_workbook(io.BytesIO(body), read_only=True).worksheets:
        header, *rows = page.iter_rows(values_only=True)
        if header and "municipality" in header:
            return [dict(zip(map(str, header), row, strict=True)) for row in rows]
    raise AssertionError("no sheet of figures")


def test_changes_history_and_baked_files_tell_no_number_of_what_is_hidden(stranger: Stranger) -> None:
    ever: set[tuple[str, str, str]] = set()
    for version in stranger.versions():
        ever |= hidden(stranger.rows(version))
        for change in stranger.get(f"/datasets/{DATASET}/versions/{version}/changes", limit="10000").json()[
            "changes"
        ]:
            for state in (change.get("before"), change.get("after")):
                if isinstance(state, dict) and state.get("status") == "suppressed":
                    assert not {"count", "low", "high"} & state.keys()
        told = stranger.get(f"/datasets/{DATASET}/versions/{version}").json()
        for file in told.get("files", []):
            if file["name"] == "observations.csv.gz":
                body = gzip.decompress(stranger.client.get(file["href"]).content).decode()
                assert hidden([*csv.DictReader(io.StringIO(body))]) == hidden(stranger.rows(version))
    newest = {named(row) for row in stranger.rows(stranger.versions()[-1]) if row.get("status") is None}

    assert ever
    assert not ever & newest


def test_the_command_attacks_what_was_published_and_finds_nobody(stranger: Stranger) -> None:
    done = given.run("datasets", "attack", DATASET, **stranger.environment)

    assert done.returncode == 0, done.stderr
    assert "3 versions, 3 releases, threshold 5" in done.stdout
    assert " 0 found out" in done.stdout


def test_the_attack_finds_those_who_are_too_few_by_a_higher_threshold(stranger: Stranger) -> None:
    told = io.StringIO()

    async def attacked() -> int:
        settings = Settings(
            home=stranger.environment["LANSDATA_HOME"],
            database_url=stranger.environment["LANSDATA_DATABASE_URL"],
        )
        async with open_store(settings) as store:
            return await attack_dataset(store, DATASET, Console(file=told, width=200), threshold=25)

    assert asyncio.run(attacked()) > 0
    assert "least" in told.getvalue()
