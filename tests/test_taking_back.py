import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from datasets.backfill import backfill
from datasets.errors import ErasedError, MisusedError, UnknownCodeError
from datasets.ledger import Draft, Release
from datasets.publish import publish
from datasets.restore import DamagedFilesError, restore
from datasets.retract import Key, erase, withdraw
from datasets.shelf import Folder
from datasets.store import Store
from datasets.verify import verify
from datasets.vocabulary import Breakdown, Sex
from tests.conftest import fresh_database
from tests.given import cube, draft, figure
from tests.kept import baked, whole_files, with_files

SECRET = 77.125
KEY = Key("A", "0880", Sex.TOTAL, 2020, Breakdown())


def states() -> list[Draft]:
    other = cube(figure("0834", value=1))
    first = cube(figure(value=5), figure("0834", value=1))
    second = cube(figure(value=SECRET), figure("0834", value=1))
    third = cube(figure(value=SECRET), figure("0834", value=2))
    return [draft(cubes={"A": one, "B": other}) for one in (first, second, third)]


async def wrong(store: Store) -> list[tuple[str, str]]:
    return [(one.what, one.name) async for one in verify(store) if not one.right]


async def line(store: Store) -> list[Release]:
    async with store.session() as session:
        return await session.releases()


async def everything(store: Store) -> tuple[Any, ...]:
    """All that the ledger holds but the attempts, which are no part of what was published."""
    async with store.session() as session:
        releases = await session.releases()
        stays = await session.stays(len(releases))
        return (
            releases,
            stays,
            await session.stored_cubes(await session.cube_hashes()),
            await session.coverages(await session.cube_hashes()),
            await session.metadata(await session.metadata_hashes()),
            await session.packs(),
            [await session.files(one.number) for one in releases],
            await session.notices(),
        )


def texts_in(folder: Path) -> bytes:
    """Every byte below *folder*, and what the segments in it say."""
    told = bytearray()
    for path in folder.rglob("*.*"):
        if path.is_file():
            body = path.read_bytes()
            told += body
            for at in range(len(body)):
                unpacking = zlib.decompressobj(wbits=-15)
                with suppress(zlib.error):
                    # byte by byte: what comes before the first wrong one counts too
                    for byte in body[at : at + 800]:
                        told += unpacking.decompress(bytes([byte]))
    return bytes(told)


def restored(cluster: str, folder: Path, look: Callable[[Store], Any]) -> Any:
    async def work(store: Store) -> Any:
        await restore(store)
        return await look(store)

    with fresh_database(cluster) as empty:
        return with_files(empty, folder, work)


def test_an_empty_database_becomes_the_same_from_the_files_alone(
    cluster: str, database: str, tmp_path: Path
) -> None:
    baked(
        database, tmp_path, *states(), draft("annan", {"C": cube(figure("08", Sex.OTHER))}), draft(cubes={})
    )
    with_files(database, tmp_path, lambda store: withdraw(store, "prov", "1.0.0", "Fel källa"))

    assert restored(cluster, tmp_path, everything) == with_files(database, tmp_path, everything)
    assert restored(cluster, tmp_path, wrong) == []


def test_versions_from_before_there_were_files_get_the_files_that_they_would_have_had(
    cluster: str, tmp_path: Path
) -> None:
    drafts = [*states(), draft("annan", {"C": cube(figure("08", Sex.OTHER))}), draft(cubes={})]

    async def without_a_shelf(store: Store) -> None:
        store.shelf = None
        for one in drafts[:3]:
            await publish(store, one)

    async def late(store: Store) -> tuple[list[int], list[dict[str, bytes]], list[tuple[str, str]]]:
        done = [release.number async for release in backfill(store)]
        files = [await whole_files(store, release) for release in await line(store)]
        return done, files, await wrong(store)

    with fresh_database(cluster) as old:
        with_files(old, tmp_path / "old", without_a_shelf)
        done, files, faults = with_files(old, tmp_path / "old", late)
        told = baked(old, tmp_path / "old", *drafts[3:])
        later = with_files(old, tmp_path / "old", late)

    assert (done, faults) == ([1, 2, 3], [])
    assert all(len(one) == 8 for one in files)
    assert [gzip.decompress(one["changes.ndjson.gz"]).count(b"\n") for one in files] == [7, 2, 2]
    assert [one.release.number for one in told if one.release] == [4, 5]
    assert (later[0], later[2]) == ([], [])


def test_only_an_empty_database_is_restored(database: str, tmp_path: Path) -> None:
    baked(database, tmp_path, draft())

    with pytest.raises(MisusedError, match="needs an empty one"):
        with_files(database, tmp_path, restore)
    with pytest.raises(MisusedError, match="there are no baked files"):
        with_files(database, tmp_path / "elsewhere", restore)


def test_damaged_files_restore_nothing(cluster: str, database: str, tmp_path: Path) -> None:
    baked(database, tmp_path, *states())
    pack = sorted(tmp_path.rglob("*.pack"))[1]
    body = bytearray(pack.read_bytes())
    body[len(body) // 8] ^= 1
    for at in range(400):
        body[at] ^= 255
    pack.write_bytes(body)

    with fresh_database(cluster) as empty:
        with pytest.raises(DamagedFilesError):
            with_files(empty, tmp_path, restore)
        assert with_files(empty, tmp_path, line) == []


def test_verify_tells_which_file_was_damaged(database: str, tmp_path: Path) -> None:
    baked(database, tmp_path, *states())
    assert with_files(database, tmp_path, wrong) == []

    pack = max(tmp_path.rglob("*.pack"))
    body = bytearray(pack.read_bytes())
    body[-20] ^= 1
    pack.write_bytes(body)
    index = min(tmp_path.rglob("*.json"))
    index.write_bytes(index.read_bytes()[:-3])
    found = with_files(database, tmp_path, wrong)

    assert [what for what, _ in found] == ["index", "pack", "file"]
    assert found[-1][1] == "prov 1.0.2 datapackage.json"


def test_a_withdrawn_version_is_on_record_with_its_reason(database: str, tmp_path: Path) -> None:
    baked(database, tmp_path, *states())
    notice = with_files(database, tmp_path, lambda store: withdraw(store, "prov", "1.0.1", "Fel källa"))

    assert (notice.version, notice.reason) == ("1.0.1", "Fel källa")
    assert len(list(tmp_path.rglob("notices/*.json"))) == 1
    with pytest.raises(MisusedError, match="withdrawn already"):
        with_files(database, tmp_path, lambda store: withdraw(store, "prov", "1.0.1", "Igen"))
    with pytest.raises(UnknownCodeError, match="closest"):
        with_files(database, tmp_path, lambda store: withdraw(store, "prov", "1.0.11", "Igen"))


def test_an_erased_figure_is_nowhere_any_more(cluster: str, database: str, tmp_path: Path) -> None:
    baked(database, tmp_path, *states())
    assert str(SECRET).encode() in texts_in(tmp_path)
    notice = with_files(database, tmp_path, lambda store: erase(store, KEY, "Röjer en person"))

    async def of_newest(store: Store) -> dict[str, bytes]:
        return await whole_files(store, (await line(store))[-1])

    newest = with_files(database, tmp_path, of_newest)
    lines = gzip.decompress(newest["observations.csv.gz"]).decode().splitlines()
    assert (notice.releases, notice.changes) == ((1, 2, 3), (1, 2, 3))
    assert str(SECRET).encode() not in texts_in(tmp_path)
    assert [str(one.version) for one in with_files(database, tmp_path, line)][-1] == "2.0.0"
    assert [text for text in lines if text.startswith("A,")] == ["A,0834,total,2020,,,,2,,,,,"]
    assert gzip.decompress(newest["changes.ndjson.gz"]).count(b"\n") == 1
    assert with_files(database, tmp_path, wrong) == []
    assert restored(cluster, tmp_path, everything) == with_files(database, tmp_path, everything)


def test_an_erased_cube_answers_with_the_reason(database: str, tmp_path: Path) -> None:
    baked(database, tmp_path, *states())
    with_files(database, tmp_path, lambda store: erase(store, KEY, "Röjer en person"))

    async def read(store: Store) -> None:
        async with store.session() as session:
            entries = await session.entries_at(2)
            await session.cubes({entry.data_sha256 for entry in entries})

    with pytest.raises(ErasedError, match="Röjer en person"):
        with_files(database, tmp_path, read)


def test_the_next_version_after_an_erasure_is_baked_and_restored(
    cluster: str, database: str, tmp_path: Path
) -> None:
    baked(database, tmp_path, *states())
    with_files(database, tmp_path, lambda store: erase(store, KEY, "Röjer en person"))
    later = draft(cubes={"A": cube(figure("0834", value=3)), "B": cube(figure("0834", value=1))})
    baked(database, tmp_path, later)

    assert with_files(database, tmp_path, wrong) == []
    assert restored(cluster, tmp_path, everything) == with_files(database, tmp_path, everything)


def test_a_figure_that_never_was_cannot_be_erased(database: str, tmp_path: Path) -> None:
    baked(database, tmp_path, *states())
    key = Key("A", "0880", Sex.WOMEN, 2020, Breakdown())

    with pytest.raises(MisusedError, match="no version holds"):
        with_files(database, tmp_path, lambda store: erase(store, key, "Röjer en person"))
    assert with_files(database, tmp_path, wrong) == []


def test_two_ledgers_in_one_home_leave_each_other_alone(cluster: str, database: str, tmp_path: Path) -> None:
    baked(database, tmp_path, *states())
    with fresh_database(cluster) as other:
        baked(other, tmp_path, draft("annan"))

        assert with_files(other, tmp_path, wrong) == with_files(database, tmp_path, wrong) == []
    assert len(Folder(tmp_path).folders()) == 2
    with fresh_database(cluster) as empty, pytest.raises(MisusedError, match="name one: ledger-"):
        with_files(empty, tmp_path, restore)
