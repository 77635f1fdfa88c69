import asyncio
import hashlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import asyncpg
import msgspec
import pytest

from datasets.changes import Counts
from datasets.cube import Cube
from datasets.errors import PublishRefusedError, StoreUnavailableError
from datasets.ledger import Draft
from datasets.publish import Outcome, publish
from datasets.store import Store
from datasets.vocabulary import Sex, Text
from tests.conftest import ROOT, fresh_database
from tests.given import cube, dataset, draft, figure, indicator

InStore = Callable[..., Any]
TABLES = ("cube", "metadata", "release", "cube_validity", "attempt")

DYING_PUBLISHER = """
import asyncio, sys
from datasets.store import Store

async def publish_for_ever():
    async with Store.at(sys.argv[1]).publishing() as session:
        await session.keep_metadata({b"unfinished": b"{}"})
        print("writing", flush=True)
        await asyncio.sleep(600)

asyncio.run(publish_for_ever())
"""


@pytest.fixture(scope="module")
def untouched_database(cluster: str) -> Iterator[str]:
    with fresh_database(cluster) as address:
        yield address


def one_after_another(*drafts: Draft) -> Callable[[Store], Any]:
    async def work(store: Store) -> list[Outcome]:
        return [await publish(store, one) for one in drafts]

    return work


async def as_soon_as_may_be(store: Store) -> Outcome:
    async with asyncio.timeout(20):
        while True:
            with suppress(PublishRefusedError):
                return await publish(store, draft())
            await asyncio.sleep(0.02)


def ask(address: str, question: str, **login: str) -> list[Any]:
    async def answer() -> list[Any]:
        connection = await asyncpg.connect(address, **login)
        try:
            return [tuple(row) for row in await connection.fetch(question)]
        finally:
            await connection.close()

    return asyncio.run(answer())


def rows_of(address: str) -> dict[str, int]:
    return {name: ask(address, f'SELECT count(*) FROM "{name}"')[0][0] for name in TABLES}


def versions(outcomes: list[Outcome]) -> list[str | None]:
    return [str(outcome.release.version) if outcome.release else None for outcome in outcomes]


def several(*values: float) -> Cube:
    return cube(*(figure(year=2000 + at, value=value) for at, value in enumerate(values)))


def test_the_same_figures_in_any_order_publish_nothing_new(in_store: InStore, database: str) -> None:
    figures = [figure(sex=sex, year=year) for sex in Sex for year in range(2000, 2020)]
    again = [draft(cubes={"prov-andel": cube(*order)}) for order in (figures, figures[::-1])]
    outcomes = in_store(one_after_another(*again))

    assert versions(outcomes) == ["1.0.0", None]
    assert outcomes[1].counts == Counts(80)
    assert ask(database, "SELECT dataset, outcome, release FROM attempt ORDER BY id") == [
        ("prov", "published", 1),
        ("prov", "unchanged", None),
    ]


def test_every_version_follows_from_what_changed(in_store: InStore) -> None:
    renamed = {"prov-andel": indicator(title=Text("Andel äldre"))}
    redefined = {"prov-andel": indicator(definition=Text("Något annat"))}
    states = [several(1, 2), several(1, 3), several(1, 3, 4), several(1, 3)]
    drafts = [draft(cubes={"prov-andel": state}) for state in states]
    drafts += [
        draft(cubes={"prov-andel": states[-1]}, indicators=renamed),
        draft(cubes={"prov-andel": states[-1]}, indicators=redefined),
        draft(cubes={"prov-andel": states[-1], "prov-antal": several(1)}),
        draft(cubes={"prov-andel": states[-1]}),
        draft(cubes={"prov-andel": states[-1]}, dataset=dataset(publisher="Regionen")),
    ]
    outcomes = in_store(one_after_another(*drafts))

    assert versions(outcomes) == [
        "1.0.0",
        "1.0.1",
        "1.1.0",
        "2.0.0",
        "2.0.1",
        "3.0.0",
        "4.0.0",
        "5.0.0",
        "5.0.1",
    ]
    assert [outcome.counts for outcome in outcomes[:4]] == [
        Counts(2, added=2),
        Counts(2, revised=1),
        Counts(3, added=1),
        Counts(2, removed=1),
    ]


def test_the_releases_of_all_datasets_stand_on_one_line(in_store: InStore) -> None:
    names = ["a", "b", "a", "c", "b"]
    drafts = [draft(name, {f"{name}-andel": several(at)}) for at, name in enumerate(names)]
    releases = [outcome.release for outcome in in_store(one_after_another(*drafts))]
    times = [release.published_at for release in releases]

    assert [(release.number, release.dataset) for release in releases] == list(enumerate(names, 1))
    assert [str(release.version) for release in releases] == ["1.0.0", "1.0.0", "1.0.1", "1.0.0", "1.0.1"]
    assert all(earlier < later for earlier, later in pairwise(times))


def test_a_release_follows_the_last_even_when_the_clock_went_back(in_store: InStore, database: str) -> None:
    in_store(one_after_another(draft(cubes={"prov-andel": several(1)})))
    ahead = ask(database, "UPDATE release SET published_at = now() + interval '1 day' RETURNING published_at")
    outcome = in_store(one_after_another(draft(cubes={"prov-andel": several(2)})))[0]

    assert outcome.release.published_at > ahead[0][0]


def test_an_earlier_release_still_stands_as_it_was(in_store: InStore) -> None:
    async def work(store: Store) -> list[list[float | None]]:
        for values in ((1.0,), (2.0,), (1.0,)):
            await publish(store, draft(cubes={"prov-andel": several(*values)}))
        async with store.session() as session:
            hashes = [(await session.entries_at(number))[0].data_sha256 for number in (1, 2, 3)]
            cubes = await session.cubes(hashes)
            assert len(await session.cube_hashes()) == 2
        return [[told.value for told in cubes[name]] for name in hashes]

    assert in_store(work) == [[1.0], [2.0], [1.0]]


def test_the_fingerprint_is_the_sha256_of_the_sorted_manifest(in_store: InStore) -> None:
    header = "municipality,sex,year,periodStart,periodEnd,breakdown,value,status,flags,low,high,count\n"
    bare = {"definition": {"sv": "d"}, "title": {"sv": "t"}, "unit": "percent"}
    lines, cubes, indicators = [], {}, {}
    for name, value in (("x", "1.5"), ("y", "2"), ("z", "0.1")):
        figures = f"{header}0880,total,2020,,,,{value},,,,,\n"
        metadata = f'{{"definition":{{"sv":"d"}},"id":"{name}","title":{{"sv":"t"}},"unit":"percent"}}'
        both = (hashlib.sha256(text.encode()).hexdigest() for text in (figures, metadata))
        lines.append(" ".join((*both, name)) + "\n")
        cubes[name] = cube(figure(value=float(value)))
        indicators[name] = msgspec.convert({"id": name, **bare}, type(indicator()))
    release = in_store(one_after_another(draft(cubes=cubes, indicators=indicators)))[0].release

    assert release.fingerprint == hashlib.sha256("".join(sorted(lines)).encode()).digest()


def test_a_release_tells_what_the_hand_over_said(in_store: InStore) -> None:
    when = datetime(2026, 3, 4, 12, tzinfo=UTC)

    async def work(store: Store) -> Any:
        await publish(store, draft(note="Ny leverans", source_time=when))
        async with store.session() as session:
            return (await session.releases())[0]

    release = in_store(work)

    assert (release.note, release.source_time, release.counts) == ("Ny leverans", when, Counts(1, added=1))


def test_a_second_publisher_is_refused_and_writes_nothing(in_store: InStore, database: str) -> None:
    async def work(store: Store) -> Outcome:
        async with store.publishing():
            with pytest.raises(PublishRefusedError, match="another publisher is at work"):
                await publish(store, draft())
            assert await asyncio.to_thread(rows_of, database) == dict.fromkeys(TABLES, 0)
        return await publish(store, draft())

    assert in_store(work).release.number == 1


def test_an_indicator_stands_in_one_dataset_only(in_store: InStore, database: str) -> None:
    in_store(one_after_another(draft("one", {"shared": cube()})))
    before = rows_of(database)

    with pytest.raises(PublishRefusedError, match="other: the indicator shared belongs to one, now or once"):
        in_store(one_after_another(draft("other", {"shared": cube()})))
    assert rows_of(database) == before


def test_a_publish_that_fails_under_way_leaves_nothing(in_store: InStore, database: str) -> None:
    async def fail(store: Store) -> None:
        async with store.publishing() as session:
            await session.keep_metadata({b"unfinished": b"{}"})
            raise InterruptedError

    with pytest.raises(StoreUnavailableError):
        in_store(fail)
    assert rows_of(database) == dict.fromkeys(TABLES, 0)


def test_a_publisher_that_is_killed_leaves_nothing_and_stands_in_nobodys_way(
    in_store: InStore, database: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DYING_PUBLISHER, database], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as publisher:
        assert publisher.stdout is not None
        said = publisher.stdout.readline()
        publisher.send_signal(signal.SIGKILL)
    left = rows_of(database)
    outcome = in_store(as_soon_as_may_be)

    assert said == "writing\n"
    assert left == dict.fromkeys(TABLES, 0)
    assert outcome.release.number == 1


def test_figures_and_definitions_come_together_or_not_at_all() -> None:
    with pytest.raises(ValueError, match="both figures and a definition are needed for prov-antal"):
        draft(cubes={"prov-antal": cube()}, indicators={})


@pytest.mark.parametrize(
    "attempt",
    [
        "INSERT INTO metadata VALUES ('\\x00', '\\x00')",
        "UPDATE release SET note = 'x'",
        "DELETE FROM cube",
        "TRUNCATE cube_validity",
        "CREATE TABLE mine (a int)",
        "DROP TABLE attempt",
        "CREATE ROLE another",
        "RESET ROLE; DELETE FROM cube",
        "SET ROLE lansdata; DELETE FROM cube",
        "SET SESSION AUTHORIZATION lansdata",
        "SET default_transaction_read_only = off; DELETE FROM cube",
    ],
)
def test_the_reader_cannot_write(untouched_database: str, attempt: str) -> None:
    async def try_it() -> None:
        connection = await asyncpg.connect(untouched_database, user="lansdata_api")
        try:
            await connection.execute(attempt)
        finally:
            await connection.close()

    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)):
        asyncio.run(try_it())


def test_the_reader_reads_everything(in_store: InStore, database: str) -> None:
    in_store(one_after_another(draft()))
    seen = [ask(database, f'SELECT count(*) FROM "{name}"', user="lansdata_api")[0][0] for name in TABLES]

    assert seen == [1, 2, 1, 1, 1]


def test_a_store_that_only_reads_gives_up_its_rights_whoever_it_is(database: str) -> None:
    async def work() -> tuple[bool, bool]:
        told = []
        for read_only in (True, False):
            store = Store.at(database, read_only=read_only)
            async with store.session() as session:
                told.append(await session.may_write())
            await store.close()
        return told[0], told[1]

    assert asyncio.run(work()) == (False, True)
