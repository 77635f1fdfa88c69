"""Baked files in a store that speaks S3, over a real socket."""

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from datasets.errors import FilesUnavailableError
from datasets.ledger import Draft
from datasets.publish import publish
from datasets.settings import Settings
from datasets.shelf import shelf_of
from datasets.store import Store
from tests.conftest import free_port, fresh_database, served
from tests.given import cube, draft, figure, run

VERSIONS = "/datasets/prov/versions"
MANY = cube(*(figure(year=year, value=year / 7) for year in range(1900, 2024)))
DRAFTS = [draft(cubes={"prov-andel": MANY, "prov-antal": cube(figure(value=value))}) for value in (1, 2)]


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 server with an empty bucket `lansdata`."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    words = [sys.executable, "-m", "moto.server", "--port", str(port)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 120
        while time.monotonic() < end:
            with suppress(httpx.TransportError):
                httpx.put(f"{address}/lansdata").raise_for_status()
                break
            time.sleep(0.05)
        yield address
        process.terminate()


@pytest.fixture(scope="module")
def environment(s3: str) -> Iterator[dict[str, str]]:
    """The settings of files in that bucket, for this process and for others."""
    told = {
        "AWS_ENDPOINT_URL": s3,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-north-1",
        "LANSDATA_FILES_URL": "s3://lansdata/files",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in told.items():
            patch.setenv(name, value)
        yield told


def published(address: str, *drafts: Draft) -> None:
    async def work() -> None:
        store = Store.at(address, shelf=shelf_of(Settings(files_url=os.environ["LANSDATA_FILES_URL"])))
        try:
            for one in drafts:
                await publish(store, one)
        finally:
            await store.close()

    asyncio.run(work())


def test_files_in_a_bucket_are_served_whole_and_in_part(
    database: str, environment: dict[str, str], tmp_path: Path
) -> None:
    published(database, *DRAFTS)
    environment = environment | {"LANSDATA_DATABASE_URL": database, "LANSDATA_HOME": str(tmp_path)}
    with (
        served(environment, tmp_path / "log") as running,
        httpx.Client(base_url=f"{running.url}/api/v1", headers={"Accept-Encoding": "identity"}) as api,
    ):
        told = api.get(f"{VERSIONS}/1.0.1").json()["files"]
        whole = {one["name"]: api.get(one["href"]).content for one in told}
        parts = {
            one["name"]: api.get(one["href"], headers={"Range": "bytes=7-40"})
            for one in told
            if one["byteSize"] > 41
        }

    assert len(told) == 11
    for one in told:
        assert hashlib.sha256(whole[one["name"]]).hexdigest() == one["sha256"]
    for name, part in parts.items():
        assert (part.status_code, part.content) == (206, whole[name][7:41]), name
    assert not (tmp_path / "files").exists()


def test_a_bucket_alone_proves_and_restores_the_ledger(
    cluster: str, environment: dict[str, str], tmp_path: Path
) -> None:
    environment = environment | {
        "LANSDATA_HOME": str(tmp_path),
        "LANSDATA_FILES_URL": "s3://lansdata/deep/in/there",
    }
    with (
        fresh_database(cluster) as ledger,
        fresh_database(cluster) as empty,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("LANSDATA_FILES_URL", environment["LANSDATA_FILES_URL"])
        published(ledger, *DRAFTS)
        versions = run("datasets", "versions", LANSDATA_DATABASE_URL=ledger, **environment)
        proven = run("datasets", "verify", LANSDATA_DATABASE_URL=ledger, **environment)
        restored = run("datasets", "restore", LANSDATA_DATABASE_URL=empty, **environment)
        again = run("datasets", "versions", LANSDATA_DATABASE_URL=empty, **environment)
        gone = ("erase", "prov-antal", "0880", "total", "2020", "--reason", "Röjer en person")
        erased = run("datasets", *gone, LANSDATA_DATABASE_URL=ledger, **environment)
        still = run("datasets", "verify", LANSDATA_DATABASE_URL=ledger, **environment)

    assert (proven.returncode, proven.stdout.split()[-2:]) == (0, ["0", "wrong"]), proven.stderr
    assert restored.returncode == 0, restored.stderr
    assert again.stdout == versions.stdout
    assert erased.returncode == 0, erased.stderr
    assert (still.returncode, still.stdout.split()[-2:]) == (0, ["0", "wrong"]), still.stdout


@pytest.mark.usefixtures("environment")
def test_a_large_pack_reaches_a_bucket_in_several_parts(tmp_path: Path) -> None:
    shelf = shelf_of(Settings(files_url="s3://lansdata/large"))
    body = os.urandom(12 << 20)
    pack = tmp_path / "pack"
    pack.write_bytes(body)
    shelf.put_file("packs/1.pack", pack)

    assert not pack.exists()
    assert shelf.read("packs/1.pack") == body
    assert shelf.read("packs/1.pack", 6 << 20, 100) == body[6 << 20 :][:100]
    assert shelf.names("packs") == ["packs/1.pack"]


def test_nothing_is_published_while_the_bucket_cannot_be_reached(
    database: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(FilesUnavailableError):
        published(database, DRAFTS[0])

    async def line() -> int:
        store = Store.at(database)
        async with store.session() as session:
            count = len(await session.releases())
        await store.close()
        return count

    assert asyncio.run(line()) == 0
