import asyncio
import gzip
import os
import random
import resource
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from datasets.errors import FilesUnavailableError, PublishRefusedError, StoreUnavailableError
from datasets.ledger import Release
from datasets.publish import publish
from datasets.restore import restore
from datasets.shelf import Folder
from datasets.store import Store
from datasets.verify import verify
from tests.conftest import ROOT, fresh_database
from tests.given import cube, draft, figure
from tests.kept import baked, whole_files, with_files

KILLS = int(os.environ.get("KILLS", "8"))
"""How often a publisher is killed; 200 by hand."""
WORDS = [sys.executable, "-m", "tests.crashes"]


async def wrong(store: Store) -> list[str]:
    return [f"{one.what} {one.name}" async for one in verify(store) if not one.right]


async def line(store: Store) -> list[Release]:
    async with store.session() as session:
        return await session.releases()


async def newest_values(store: Store) -> set[str]:
    """The values of all figures in the newest version's file."""
    files = await whole_files(store, (await line(store))[-1])
    rows = gzip.decompress(files["observations.csv.gz"]).decode().splitlines()[1:]
    return {row.split(",")[7] for row in rows}


async def as_soon_as_may_be(store: Store) -> Release | None:
    """Publish once the database has noticed that the one before is dead."""
    async with asyncio.timeout(20):
        while True:
            with suppress(PublishRefusedError):
                return (await publish(store, draft(cubes={"I0": cube(figure(value=0))}))).release
            await asyncio.sleep(0.05)


def killed_after(seconds: float, address: str, folder: Path, value: int) -> bool:
    """Let a publisher run for some time and kill it; tell whether it was done before."""
    process = subprocess.Popen(
        [*WORDS, address, str(folder), str(value)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "begins\n"
        time.sleep(seconds)
        process.kill()
        return bool(process.stdout.read())


@pytest.mark.timeout(60 + KILLS * 20)
def test_a_publisher_killed_at_any_moment_leaves_a_whole_release(
    cluster: str, database: str, tmp_path: Path
) -> None:
    chance = random.Random(4)
    begun = time.monotonic()
    subprocess.run([*WORDS, database, str(tmp_path), "1"], cwd=ROOT, check=True, capture_output=True)
    longest = (time.monotonic() - begun) / 2
    done, last = 0, "1"
    for value in range(2, 2 + KILLS):
        done += killed_after(chance.uniform(0, longest), database, tmp_path, value)
        values = with_files(database, tmp_path, newest_values)
        assert values in ({last}, {str(value)})
        last = values.pop()
    after = with_files(database, tmp_path, as_soon_as_may_be)

    assert after
    assert with_files(database, tmp_path, wrong) == []
    assert after.number == len(with_files(database, tmp_path, line))
    assert len(list(tmp_path.rglob("*.pack"))) == len(list(tmp_path.rglob("releases/*.json"))) == after.number
    assert list(tmp_path.rglob("*.unfinished")) == []
    with fresh_database(cluster) as empty:
        assert with_files(empty, tmp_path, restore) == after.number
    assert done < KILLS


def test_a_full_disk_is_told_and_leaves_the_last_release(database: str, tmp_path: Path) -> None:
    baked(database, tmp_path, draft())
    many = {
        f"I{n}": cube(*(figure(year=year, value=year / 7) for year in range(1800, 2100))) for n in range(9)
    }
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(FilesUnavailableError, match="cannot be written"):
            baked(database, tmp_path, draft(cubes=many))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert [one.number for one in with_files(database, tmp_path, line)] == [1]
    assert with_files(database, tmp_path, wrong) == []
    assert list(tmp_path.rglob("*.unfinished")) == []
    assert baked(database, tmp_path, draft(cubes=many))[0].release


def test_a_lost_connection_is_told_and_the_next_run_is_clean(database: str, tmp_path: Path) -> None:
    baked(database, tmp_path, draft())
    changed = draft(cubes={"prov-andel": cube(figure(value=2))})

    class Losing(Folder):
        """A folder whose reader loses the database once the pack is written."""

        def within(self, folder: str) -> "Losing":
            return Losing(tmp_path / folder)

        def put_file(self, name: str, path: Path) -> None:
            super().put_file(name, path)
            cut(database)

    async def lose(store: Store) -> None:
        store.shelf = Losing(tmp_path)
        await publish(store, changed)

    with pytest.raises(StoreUnavailableError):
        with_files(database, tmp_path, lose)
    assert len(list(tmp_path.rglob("*.pack"))) == 2
    assert [one.number for one in with_files(database, tmp_path, line)] == [1]
    assert baked(database, tmp_path, draft(cubes={"prov-andel": cube(figure(value=3))}))[0].release
    assert len(list(tmp_path.rglob("*.pack"))) == 2
    assert with_files(database, tmp_path, wrong) == []


def cut(address: str) -> None:
    """End every other connection of this database."""
    statement = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    code = f"import asyncio, asyncpg\nasync def run():\n c = await asyncpg.connect({address!r})\n"
    code += f" await c.execute({statement!r})\nasyncio.run(run())"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_second_publisher_is_refused_without_harm(database: str, tmp_path: Path) -> None:
    async def both(store: Store) -> None:
        async with store.publishing():
            with pytest.raises(PublishRefusedError, match="another publisher"):
                await publish(store, draft())

    with_files(database, tmp_path, both)
    assert with_files(database, tmp_path, line) == []
    assert list(tmp_path.rglob("*.pack")) == []


def test_what_a_dead_publisher_left_is_swept_and_its_index_written(database: str, tmp_path: Path) -> None:
    baked(database, tmp_path, draft())
    (ledger,) = tmp_path.iterdir()
    (ledger / "packs" / "00000002-00.pack").write_bytes(b"orphan")
    (ledger / "unfinished" / "00000002-x.unfinished").write_bytes(b"half")
    for index in (ledger / "releases").iterdir():
        index.unlink()
    baked(database, tmp_path, draft(cubes={"prov-andel": cube(figure(value=2))}))

    assert len(list((ledger / "packs").iterdir())) == 2
    assert list((ledger / "unfinished").iterdir()) == []
    assert with_files(database, tmp_path, wrong) == []


def test_an_unchanged_night_writes_what_was_missing_and_no_file(database: str, tmp_path: Path) -> None:
    baked(database, tmp_path, draft())
    index = next(tmp_path.rglob("releases/*.json"))
    body = index.read_bytes()
    index.unlink()
    again = baked(database, tmp_path, draft())[0]

    assert again.release is None
    assert index.read_bytes() == body
    assert len(list(tmp_path.rglob("*.pack"))) == 1
