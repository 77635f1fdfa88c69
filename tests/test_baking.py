import csv
import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import openpyxl
import pytest
from frictionless import Package
from obstore.store import MemoryStore
from pyarrow import parquet as pq

from datasets.canonical import canonical_csv
from datasets.ledger import Draft
from datasets.shelf import Bucket, Folder
from datasets.store import Store
from datasets.vocabulary import Flag, Interval, Status
from tests.conftest import fresh_database
from tests.given import cube, dataset, draft, figure, indicator
from tests.kept import baked, whole_files, with_files

NAMES = {
    "observations.csv.gz",
    "observations.ndjson.gz",
    "observations.json.gz",
    "observations.parquet",
    "observations.xlsx",
    "indicators.json",
    "datapackage.json",
    "changes.ndjson.gz",
}
Files = dict[str, bytes]


def first() -> Draft:
    odd = [
        figure(year=2019, status=Status.SUPPRESSED),
        figure(year=2020, value=0),
        figure("0834", year=2021, value=2.5, flags=frozenset({Flag.ESTIMATED}), interval=Interval(2, 3)),
        figure("0834", year=2022, value=7, count=12, breakdown="age:80-"),
    ]
    return draft(cubes={"B-andel": cube(*odd), "A-antal": cube(figure(value=1)), "C": cube(figure(value=3))})


def later() -> Draft:
    kept = [figure(year=2020, value=0.5), figure("0834", year=2021, value=2.5)]
    return draft(
        cubes={"B-andel": cube(*kept), "A-antal": cube(figure(value=1)), "D": cube(figure(value=9))},
        note="En rättelse",
    )


@pytest.fixture
def files(database: str, tmp_path: Path) -> Callable[..., list[Files]]:
    """Publish drafts, and return the files of each version."""

    def run(*drafts: Draft) -> list[Files]:
        outcomes = baked(database, tmp_path, *drafts)

        async def read(store: Store) -> list[Files]:
            return [await whole_files(store, one.release) for one in outcomes if one.release]

        return with_files(database, tmp_path, read)

    return run


def test_the_forms_of_a_version_all_tell_the_same_figures(files: Callable[..., list[Files]]) -> None:
    [made] = files(first())
    lines = gzip.decompress(made["observations.csv.gz"]).decode()
    rows = list(csv.DictReader(io.StringIO(lines)))
    told = [json.loads(line) for line in gzip.decompress(made["observations.ndjson.gz"]).splitlines()]
    table = pq.read_table(io.BytesIO(made["observations.parquet"])).to_pylist()
    book = openpyxl.load_workbook(io.BytesIO(made["observations.xlsx"]), read_only=True)
    sheet = list(book["observations"].iter_rows(values_only=True))
    book.close()
    values = [float(row["value"]) if row["value"] else None for row in rows]

    assert made.keys() == NAMES
    assert lines.encode() == b"indicator," + canonical_csv(cube()).splitlines(keepends=True)[0] + b"".join(
        name + b"," + line
        for name in (b"A-antal", b"B-andel", b"C")
        for line in canonical_csv(first().cubes[name.decode()]).splitlines(keepends=True)[1:]
    )
    assert [row["value"] for row in told] == values == [row["value"] for row in table]
    assert json.loads(gzip.decompress(made["observations.json.gz"]))["observations"] == told
    assert [row["status"] or None for row in rows] == [row["status"] for row in table]
    assert [*map(str, sheet[0])] == list(rows[0])
    assert [row[7] for row in sheet[1:]] == values
    assert [row[1] for row in sheet[1:]] == [row["municipality"] for row in rows]


def test_a_gzip_file_is_one_member_that_any_reader_reads_whole(files: Callable[..., list[Files]]) -> None:
    [made] = files(first())

    for name in NAMES:
        if name.endswith(".gz"):
            reader = zlib.decompressobj(wbits=31)
            assert reader.decompress(made[name]) == gzip.decompress(made[name])
            assert reader.eof
            assert reader.unused_data == b""


def test_the_description_is_a_valid_data_package_that_names_every_file(
    files: Callable[..., list[Files]],
) -> None:
    [made] = files(first())
    package = json.loads(made["datapackage.json"])

    assert list(Package.metadata_validate(package)) == []
    assert {one["path"] for one in package["resources"]} == NAMES - {"datapackage.json"}
    for one in package["resources"]:
        assert one["bytes"] == len(made[one["path"]])
        assert one["hash"] == f"sha256:{hashlib.sha256(made[one['path']]).hexdigest()}"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves the file open
def test_the_data_package_says_what_the_table_holds(
    files: Callable[..., list[Files]], tmp_path: Path
) -> None:
    [made] = files(first())
    for name, body in made.items():
        (tmp_path / name).write_bytes(body)
    package = Package(str(tmp_path / "datapackage.json"))

    report = package.get_resource("observations-csv").validate()
    assert report.valid, report.flatten(["message"])


def test_changes_begin_with_the_release_and_hold_removals(files: Callable[..., list[Files]]) -> None:
    _, made = files(first(), later())
    told = [json.loads(line) for line in gzip.decompress(made["changes.ndjson.gz"]).splitlines()]

    assert (told[0]["change"], told[0]["version"], told[0]["previous"]) == ("release", "2.0.0", "1.0.0")
    assert [(one["change"], one["indicator"]) for one in told[1:]] == [
        ("revised", "B-andel"),
        ("removed", "B-andel"),
        ("removed", "B-andel"),
        ("revised", "B-andel"),
        ("definition", "C"),
        ("removed", "C"),
        ("definition", "D"),
        ("added", "D"),
    ]


def test_the_same_figures_give_the_same_bytes_whichever_way_they_came(cluster: str, tmp_path: Path) -> None:
    def last_of(folder: Path, *drafts: Draft) -> Files:
        with fresh_database(cluster) as address:
            release = baked(address, folder, *drafts)[-1].release
            assert release
            return with_files(address, folder, lambda store: whole_files(store, release))

    told = [last_of(tmp_path / "a", first(), later(), first()), last_of(tmp_path / "b", first())]

    for name in ("observations.csv.gz", "observations.ndjson.gz", "observations.parquet", "indicators.json"):
        assert told[0][name] == told[1][name]


def test_a_version_writes_only_what_changed(database: str, tmp_path: Path) -> None:
    many = {f"I{number:02}": cube(*(figure(year=year) for year in range(1990, 2024))) for number in range(30)}
    changed = many | {"I07": cube(figure(value=4))}
    baked(database, tmp_path, draft(cubes=many), draft(cubes=changed))
    sizes = [path.stat().st_size for path in sorted(tmp_path.rglob("*.pack"))]

    assert len(sizes) == 2
    assert sizes[1] < sizes[0] / 2


def test_files_of_a_dataset_without_a_figure_left_are_still_files(files: Callable[..., list[Files]]) -> None:
    _, made = files(first(), draft(cubes={}))

    assert gzip.decompress(made["observations.csv.gz"]).count(b"\n") == 1
    assert json.loads(gzip.decompress(made["observations.json.gz"]))["observations"] == []
    assert pq.read_table(io.BytesIO(made["observations.parquet"])).num_rows == 0
    assert openpyxl.load_workbook(io.BytesIO(made["observations.xlsx"]))["observations"].max_row == 1


def test_a_bucket_keeps_what_a_folder_keeps(tmp_path: Path) -> None:
    source = tmp_path / "pack"
    shelves = [Folder(tmp_path / "files").within("a"), Bucket(MemoryStore()).within("a")]
    for shelf in shelves:
        source.write_bytes(b"0123456789")
        shelf.put("releases/1.json", b"{}")
        shelf.put_file("packs/1.pack", source)

    for shelf in shelves:
        assert shelf.read("packs/1.pack", 2, 3) == b"234"
        assert shelf.read("releases/1.json") == b"{}"
        assert shelf.names("packs") == ["packs/1.pack"]
        shelf.delete("packs/1.pack")
        shelf.delete("packs/1.pack")
        assert shelf.names("packs") == []


def test_definitions_stand_in_their_file_as_they_are_hashed(files: Callable[..., list[Files]]) -> None:
    [made] = files(draft(dataset=dataset(publisher="Någon"), indicators={"prov-andel": indicator()}))
    told = msgspec.json.decode(made["indicators.json"])

    assert told["dataset"]["publisher"] == "Någon"
    assert [one["id"] for one in told["indicators"]] == ["prov-andel"]
