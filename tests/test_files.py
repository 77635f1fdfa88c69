import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from datasets.canonical import canonical_csv
from tests.conftest import fresh_database, served
from tests.given import cube, draft, figure
from tests.kept import baked

VERSIONS = "/datasets/prov/versions"
MANY = cube(*(figure(year=year, value=year / 7) for year in range(1900, 2024)))


@pytest.fixture(scope="module")
def address(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API over two versions with their files."""
    home = tmp_path_factory.mktemp("home")
    with fresh_database(cluster) as ledger:
        before = draft(cubes={"prov-andel": MANY, "prov-antal": cube()})
        after = draft(cubes={"prov-andel": MANY, "prov-antal": cube(figure(value=2))})
        baked(ledger, home / "files", before, after)
        environment = {"LANSDATA_DATABASE_URL": ledger, "LANSDATA_HOME": str(home)}
        with served(environment, home / "log") as running:
            yield f"{running.url}/api/v1"


@pytest.fixture
def api(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"Accept-Encoding": "identity"}) as one:
        yield one


def files_of(api: httpx.Client, version: str) -> dict[str, Any]:
    return {one["name"]: one for one in api.get(f"{VERSIONS}/{version}").json()["files"]}


def test_every_file_is_served_as_its_version_says(api: httpx.Client) -> None:
    for version in ("1.0.0", "1.0.1"):
        told = files_of(api, version)
        for name, one in told.items():
            got = api.get(one["href"])
            assert got.status_code == 200, name
            assert got.headers["content-type"].partition(";")[0] == one["mediaType"]
            assert len(got.content) == one["byteSize"]
            assert hashlib.sha256(got.content).hexdigest() == one["sha256"]
            assert got.headers["etag"] == f'"{one["sha256"]}"'
            assert "immutable" in got.headers["cache-control"]
        assert len(told) == 11


def test_a_cube_is_served_in_its_canonical_form(api: httpx.Client) -> None:
    assert api.get(f"{VERSIONS}/1.0.0/files/prov-andel.csv").content == canonical_csv(MANY)


def test_the_manifest_hashes_to_the_fingerprint(api: httpx.Client) -> None:
    version = api.get(f"{VERSIONS}/1.0.1").json()
    text = api.get(f"{VERSIONS}/1.0.1/files/manifest.txt").content

    assert hashlib.sha256(text).hexdigest() == version["fingerprint"]
    assert f"{files_of(api, '1.0.1')['prov-andel.csv']['sha256']} ".encode() in text


@pytest.mark.parametrize("name", ["observations.csv.gz", "observations.parquet", "prov-andel.csv"])
def test_a_part_of_a_file_is_that_part(api: httpx.Client, name: str) -> None:
    path = f"{VERSIONS}/1.0.1/files/{name}"
    whole = api.get(path).content
    size = len(whole)

    for asked, part in (
        ("bytes=0-0", whole[:1]),
        ("bytes=5-19", whole[5:20]),
        (f"bytes={size - 3}-", whole[-3:]),
        ("bytes=-7", whole[-7:]),
        ("bytes=10-999999999", whole[10:]),
    ):
        got = api.get(path, headers={"Range": asked})
        start = whole.index(part) if asked == "bytes=0-0" else size - len(part)
        assert (got.status_code, got.content) == (206, part)
        assert got.headers["content-range"].endswith(f"/{size}")
        if "-7" not in asked and "5-19" not in asked:
            assert got.headers["content-range"].startswith(f"bytes {start}-")
    assert api.get(path, headers={"Range": f"bytes=-{size + 1}"}).content == whole


def test_a_range_that_cannot_be_is_refused_or_left_out(api: httpx.Client) -> None:
    path = f"{VERSIONS}/1.0.1/files/manifest.txt"
    whole = api.get(path).content
    behind = api.get(path, headers={"Range": f"bytes={len(whole)}-"})

    assert (behind.status_code, behind.headers["content-range"]) == (416, f"bytes */{len(whole)}")
    assert behind.json()["type"] == "/problems/range-not-satisfiable"
    for odd in ("bytes=9-3", "bytes=-", "lines=1-2", "bytes=0-1,4-5", "bytes=a-b"):
        assert (api.get(path, headers={"Range": odd}).status_code) == 200


def test_an_interrupted_download_goes_on_only_in_the_same_file(api: httpx.Client) -> None:
    path = f"{VERSIONS}/1.0.1/files/observations.csv.gz"
    whole = api.get(path)
    same = {"Range": "bytes=10-", "If-Range": whole.headers["etag"]}
    other = {"Range": "bytes=10-", "If-Range": '"another"'}

    assert api.get(path, headers=same).content == whole.content[10:]
    assert api.get(path, headers=other).content == whole.content


def test_who_has_a_file_already_is_told_so(api: httpx.Client) -> None:
    path = f"{VERSIONS}/1.0.1/files/observations.ndjson.gz"
    tag = api.get(path).headers["etag"]
    again = api.get(path, headers={"If-None-Match": tag})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


def test_head_tells_of_a_file_without_its_bytes(api: httpx.Client) -> None:
    told = files_of(api, "1.0.1")["observations.json.gz"]
    head = api.head(told["href"])

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(told["byteSize"])
    assert head.headers["access-control-allow-origin"] == "*"


def test_latest_leads_to_the_file_of_the_newest_version(api: httpx.Client) -> None:
    got = api.get(f"{VERSIONS}/latest/files/changes.ndjson.gz")

    assert got.status_code == 307
    assert got.headers["location"].endswith(f"{VERSIONS}/1.0.1/files/changes.ndjson.gz")


def test_a_file_that_is_not_there_is_told_with_the_closest(api: httpx.Client) -> None:
    got = api.get(f"{VERSIONS}/1.0.1/files/observation.csv")

    assert got.status_code == 404
    assert "observations.csv.gz" in got.json()["invalidParameters"][0]["closest"]


def test_any_media_type_may_be_asked_for_where_files_are(api: httpx.Client) -> None:
    path = f"{VERSIONS}/1.0.1/files/prov-andel.csv"

    assert api.get(path, headers={"Accept": "text/csv"}).status_code == 200
    assert api.get(path, headers={"Accept": "text/html"}).status_code == 200


def test_a_version_is_looked_at_again_since_it_may_be_withdrawn(api: httpx.Client) -> None:
    assert "immutable" not in api.get(f"{VERSIONS}/1.0.0").headers["cache-control"]


def test_the_figures_of_the_files_are_those_of_the_answers(api: httpx.Client) -> None:
    rows = api.get("/observations", params={"dataset": "prov"}).json()["observations"]
    body = api.get(f"{VERSIONS}/1.0.1/files/observations.json.gz").content

    assert json.loads(gzip.decompress(body))["observations"] == rows


def test_just_before_and_just_after_each_release_the_old_and_the_new_are_answered(api: httpx.Client) -> None:
    releases = api.get("/releases").json()["releases"]
    one = "indicator=prov-antal&municipality=0880&year=2020"
    expected: list[float | None] = [None]
    for release, value in zip(releases, (1.5, 2), strict=True):
        after = datetime.fromisoformat(release["publishedAt"])
        moments = [after - timedelta(microseconds=1), after, after + timedelta(microseconds=1)]
        expected = [expected[-1], value, value]
        for moment, stood in zip(moments, expected, strict=True):
            pin = f"asOf={moment.isoformat().replace('+00:00', 'Z')}"
            single = api.get(f"/observations?{one}&{pin}").json()
            whole = api.get(f"/observations?dataset=prov&{pin}").json()
            lines = api.get(f"/observations?dataset=prov&{pin}&format=ndjson").text.splitlines()

            assert [row["value"] for row in single["observations"]] == ([] if stood is None else [stood])
            assert len(whole["observations"]) == (0 if stood is None else len(MANY) + 1)
            assert [json.loads(line) for line in lines] == whole["observations"]
            for told in whole["_meta"]["datasets"]:
                file = api.get(f"{VERSIONS}/{told['version']}/files/observations.ndjson.gz").content
                assert gzip.decompress(file).decode().splitlines() == lines


def test_a_file_that_is_gone_from_its_place_is_told_as_unavailable(cluster: str, tmp_path: Path) -> None:
    with fresh_database(cluster) as ledger:
        baked(ledger, tmp_path / "files", draft())
        for pack in tmp_path.rglob("*.pack"):
            pack.unlink()
        environment = {"LANSDATA_DATABASE_URL": ledger, "LANSDATA_HOME": str(tmp_path)}
        with served(environment, tmp_path / "log") as running:
            path = f"{running.url}/api/v1{VERSIONS}/1.0.0/files"
            gone = httpx.get(f"{path}/observations.csv.gz")
            cubes = httpx.get(f"{path}/prov-andel.csv")

    assert (gone.status_code, cubes.status_code) == (503, 200)
    assert "retry-after" in gone.headers
    assert str(tmp_path) not in gone.text
