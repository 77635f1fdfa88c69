"""Snapshots: what was fetched comes back as it came, or is refused."""

import os
import stat
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.fetch import Fetched
from loaders.snapshots import BrokenSnapshotError, Snapshot, forget_old, read_snapshot

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def answers() -> st.SearchStrategy[list[Fetched]]:
    one = st.builds(
        Fetched,
        address=st.text(),
        asked=st.binary(),
        at=st.datetimes(timezones=st.just(UTC)),
        status=st.integers(100, 599),
        body=st.binary() | st.binary(max_size=100).map(lambda piece: piece * 3000),
    )
    return st.lists(one, max_size=4)


def answer(body: bytes = b"{}") -> Fetched:
    return Fetched(address="http://127.0.0.1/page", at=NOON, status=200, body=body)


def kept(folder: Path, *answers: Fetched, dataset: str = "prov", at: datetime = NOON) -> Path:
    with Snapshot(folder, dataset, at) as snapshot:
        for one in answers:
            snapshot.keep(one)
    return snapshot.path


@given(answers())
def test_what_is_kept_comes_back_as_it_came(fetched: list[Fetched]) -> None:
    with TemporaryDirectory() as folder:
        assert list(read_snapshot(kept(Path(folder), *fetched))) == fetched


def test_a_snapshot_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    path = kept(tmp_path, answer(b"first"), answer(os.urandom(300)), answer(b"last"))
    whole, cut = path.read_bytes(), tmp_path / "cut"
    for size in range(len(whole)):
        cut.write_bytes(whole[:size])
        with pytest.raises(BrokenSnapshotError, match="cut is not a whole snapshot"):
            list(read_snapshot(cut))

    assert len(list(read_snapshot(path))) == 3


def test_a_snapshot_with_a_byte_changed_or_added_is_refused(tmp_path: Path) -> None:
    path = kept(tmp_path, answer(os.urandom(200)), answer(b"last"))
    whole, spoilt = path.read_bytes(), tmp_path / "spoilt"
    changed = [whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :] for at in range(50, len(whole))]
    for content in (*changed, whole + b"\0", whole + whole):
        spoilt.write_bytes(content)
        with pytest.raises(BrokenSnapshotError):
            list(read_snapshot(spoilt))


def test_only_the_publisher_may_read_a_snapshot(tmp_path: Path) -> None:
    path = kept(tmp_path / "snapshots", answer())

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_snapshot_has_its_name_only_once_it_is_whole(tmp_path: Path) -> None:
    with Snapshot(tmp_path, "prov", NOON) as snapshot:
        snapshot.keep(answer())
        before = list(tmp_path.glob("prov@*.answers.zst"))

    assert before == []
    assert list(tmp_path.iterdir()) == [snapshot.path]


def test_what_came_before_a_failure_is_kept(tmp_path: Path) -> None:
    with suppress(ConnectionError), Snapshot(tmp_path, "prov", NOON) as snapshot:
        snapshot.keep(answer())
        raise ConnectionError
    (path,) = tmp_path.iterdir()

    assert list(read_snapshot(path)) == [answer()]


def test_old_snapshots_are_forgotten_but_never_the_newest_of_a_dataset(tmp_path: Path) -> None:
    old = [kept(tmp_path, at=NOON + timedelta(hours=hour)) for hour in range(3)]
    other = kept(tmp_path, dataset="prov-2", at=NOON)
    killed = tmp_path / "prov@20261122T150000000000Z.answers.part"
    killed.touch()
    long_ago = (NOON - timedelta(days=401)).timestamp()
    for path in (*old, other, killed):
        os.utime(path, (long_ago, long_ago))
    recent = kept(tmp_path, dataset="prov-3", at=NOON)
    os.utime(recent, (NOON.timestamp(), NOON.timestamp()))

    assert set(forget_old(tmp_path, NOON, timedelta(days=400))) == {*old[:2], killed}
    assert {path.name for path in tmp_path.iterdir()} == {old[2].name, other.name, recent.name}


def test_where_nothing_was_kept_there_is_nothing_to_forget(tmp_path: Path) -> None:
    assert forget_old(tmp_path / "nowhere", NOON, timedelta(days=1)) == []
