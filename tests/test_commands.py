import asyncio
import re
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import asyncpg
import pytest

from datasets.ledger import Draft, Release
from datasets.publish import publish
from datasets.store import Store
from datasets.verify import verify
from loaders.starter import starter_files
from tests.given import HEADER, cube, draft, figure, form, handed_over, rows, run

Command = Callable[..., CompletedProcess[str]]
GOOD = rows("0880,women,2020,21.4", "0880,men,2020,17.9")
TEN_FAULTS = rows(
    "880,women,2020,1,,80-",
    "0880,kvinnor,2020,1,,80-",
    "0880,women,20,1,,80-",
    '0880,women,2021,"1,5",,80-',
    "0880,women,2022,,,80-",
    "0880,women,2023,,dold,80-",
    "0880,women,2024,1,,81-",
    "0880,women,2025,1",
    "0880,men,2020,1,,80-",
    "0880,men,2020,2,,80-",
    "Kalmar,men,2021,1,,80-",
    "0880,men,2022,1,,80-",
    header=(*HEADER, "status", "age"),
)

SLOWLY = """
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END';
CREATE TRIGGER slowly AFTER INSERT ON release FOR EACH STATEMENT EXECUTE FUNCTION wait();
"""


@pytest.fixture
def command(database: str, home: Path) -> Command:
    def execute(module: str, *words: str | Path, **environment: str) -> CompletedProcess[str]:
        there = {"LANSDATA_DATABASE_URL": database, "LANSDATA_HOME": str(home), **environment}
        return run(module, *words, **there)

    return execute


def releases(in_store: Callable[..., Any]) -> list[Release]:
    async def work(store: Store) -> list[Release]:
        async with store.session() as session:
            return await session.releases()

    line: list[Release] = in_store(work)
    return line


def publishing(*drafts: Draft) -> Callable[[Store], Coroutine[Any, Any, None]]:
    async def work(store: Store) -> None:
        for one in drafts:
            await publish(store, one)

    return work


def do(address: str, statement: str, *values: Any) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(address)
        await connection.execute(statement, *values)
        await connection.close()

    asyncio.run(work())


def test_a_hand_over_is_published_once(
    command: Command, tmp_path: Path, in_store: Callable[..., Any]
) -> None:
    path = handed_over(tmp_path, GOOD)
    first, again = command("loaders", "handover", path), command("loaders", "handover", path)

    assert (first.returncode, again.returncode) == (0, 0)
    assert "1.0.0" in first.stdout
    assert "checked, no change" in again.stdout
    assert [str(release.version) for release in releases(in_store)] == ["1.0.0"]


def test_a_dry_run_publishes_nothing(command: Command, tmp_path: Path, in_store: Callable[..., Any]) -> None:
    done = command("loaders", "handover", handed_over(tmp_path, GOOD), "--dry-run")

    assert (done.returncode, done.stdout) == (0, "prov: 2 figures, no fault; nothing was published\n")
    assert releases(in_store) == []


def test_ten_faults_are_told_with_their_places_and_nothing_is_published(
    command: Command, tmp_path: Path, in_store: Callable[..., Any]
) -> None:
    done = command("loaders", "handover", handed_over(tmp_path, TEN_FAULTS))
    told = done.stderr.splitlines()

    assert done.returncode == 1
    assert [line.partition(": ")[0] for line in told[:-1]] == [
        "prov.csv, row 2, municipality",
        "prov.csv, row 3, sex",
        "prov.csv, row 4, year",
        "prov.csv, row 5, value",
        "prov.csv, row 6, value",
        "prov.csv, row 7, status",
        "prov.csv, row 8, age",
        "prov.csv, row 9",
        "prov.csv, row 11, value",
        "prov.csv, row 12, municipality",
    ]
    assert told[0].startswith("prov.csv, row 2, municipality: '880' is no municipality (closest: 0880")
    assert "'kvinnor' is no sex (closest: women" in told[1]
    assert "'1,5' is not a number" in told[3]
    assert "(closest: 1.5)" in told[3]
    assert "'dold' is no status (closest: suppressed" in told[5]
    assert "'81-' is no category of age for prov-andel (closest: 80-" in told[6]
    assert told[8].endswith("the same figure stands in row 10 already")
    assert told[-1] == "10 faults; nothing was published"
    assert (done.stdout, releases(in_store)) == ("", [])


def test_hand_overs_at_once_end_in_one_whole_line(
    command: Command, tmp_path: Path, in_store: Callable[..., Any], database: str
) -> None:
    paths = []
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        handed_over(tmp_path / name, GOOD)
        paths.append(form(tmp_path / name, id=name))
    do(database, SLOWLY)
    with ThreadPoolExecutor() as at_once:
        done = list(at_once.map(lambda path: command("loaders", "handover", path), paths))
    well = [name for name, one in zip("abc", done, strict=True) if one.returncode == 0]
    refused = [one.stderr for one in done if one.returncode]

    assert set(refused) <= {"another publisher is at work; nothing was written, try again later\n"}
    assert sorted(release.dataset for release in releases(in_store)) == well
    assert [release.number for release in releases(in_store)] == list(range(1, len(well) + 1))


def test_the_starter_collection_is_published_when_nothing_is(
    command: Command, in_store: Callable[..., Any]
) -> None:
    first, again = command("loaders", "starter"), command("loaders", "starter")

    assert (first.returncode, again.returncode) == (0, 0)
    assert "13 datasets are published already" in again.stdout
    assert [release.dataset for release in releases(in_store)] == [path.stem for path in starter_files()]


def test_versions_lists_every_release_or_those_of_one_dataset(
    command: Command, in_store: Callable[..., Any]
) -> None:
    long_name = "a-dataset-whose-name-is-long-enough-to-be-cut-off-in-a-narrow-terminal"
    noted = draft("prov", {"prov-andel": cube(figure(value=2.0))}, note="[/b] inte [red]uppmärkning")
    in_store(publishing(draft("prov"), draft(long_name), noted))
    line, one = command("datasets", "versions"), command("datasets", "versions", "prov")

    assert (line.returncode, one.returncode) == (0, 0)
    assert long_name in line.stdout
    assert "[/b] inte [red]uppmärkning" in one.stdout
    assert [text.split("│")[3].strip() for text in one.stdout.splitlines() if "prov" in text] == [
        "1.0.0",
        "1.0.1",
    ]
    assert long_name not in one.stdout


def test_a_dataset_that_is_not_published_has_no_versions(
    command: Command, in_store: Callable[..., Any]
) -> None:
    in_store(publishing(draft("prov")))
    done = command("datasets", "versions", "porv")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "'porv' is no published dataset; closest: prov\n"


def test_verify_finds_everything_as_it_was_published(command: Command, in_store: Callable[..., Any]) -> None:
    in_store(publishing(draft("prov"), draft("annan", {"annan-andel": cube(figure("0834"))})))
    done = command("datasets", "verify")

    assert (done.returncode, done.stdout.split("\n")[-2]) == (0, "8 right, 0 wrong")


def test_verify_tells_what_was_damaged(command: Command, in_store: Callable[..., Any], database: str) -> None:
    in_store(publishing(draft("prov")))
    do(database, "UPDATE cube SET body = 'x'")
    done = command("datasets", "verify")

    assert done.returncode == 1
    assert re.match(r"cube [0-9a-f]{64} is not what was published\n", done.stdout)
    assert done.stdout.endswith("3 right, 1 wrong\n")


async def wrong(store: Store) -> list[str]:
    return [one.what async for one in verify(store) if not one.right]


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("UPDATE cube SET body = substr(body, 1, length(body) - 40)", ["cube", "cube"]),
        ("UPDATE cube SET body = (SELECT body FROM cube ORDER BY sha256 LIMIT 1)", ["cube"]),
        ("UPDATE metadata SET body = body || ' '", ["metadata"] * 4),
        ("UPDATE release SET fingerprint = '\\x00' WHERE number = 1", ["version"]),
        ("DELETE FROM cube_validity WHERE dataset = 'prov'", ["version"]),
    ],
)
def test_no_damage_escapes(in_store: Callable[..., Any], database: str, damage: str, what: list[str]) -> None:
    in_store(publishing(draft("prov"), draft("annan", {"annan-andel": cube(figure("0834"))})))
    do(database, damage)

    assert in_store(wrong) == what


@pytest.mark.parametrize(
    "words",
    [("datasets",), ("datasets", "nonsense"), ("loaders", "handover"), ("loaders", "handover", "a", "b")],
)
def test_wrong_use_is_told_by_2(words: tuple[str, ...]) -> None:
    done = run(*words)

    assert done.returncode == 2
    assert f"usage: python -m {words[0]}" in done.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"LANSDATA_PORT": "x"}, "LANSDATA_PORT: "),
        ({"LANSDATA_PROT": "1"}, "LANSDATA_PROT is not a setting; closest: LANSDATA_PORT"),
        ({"LANSDATA_DATABASE_URL": "postgresql://anna:hemligt@127.0.0.1:1/x"}, "the database cannot be used"),
    ],
)
def test_what_is_wrong_outside_is_told_in_one_line(environment: dict[str, str], said: str) -> None:
    done = run("datasets", "versions", **environment)

    assert done.returncode == 1
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1
    assert "hemligt" not in done.stderr


def test_a_database_without_a_ledger_says_how_to_make_one(command: Command, database: str) -> None:
    do(database, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    before, made = command("datasets", "versions"), command("datasets", "migrate")

    assert (before.returncode, made.returncode) == (1, 0)
    assert before.stderr == "the database holds no ledger: python -m datasets migrate\n"


def test_a_database_that_does_not_exist_is_told(command: Command, database: str) -> None:
    elsewhere = database.replace("/test_", "/borta_")
    done = command("datasets", "versions", LANSDATA_DATABASE_URL=elsewhere)

    assert (done.returncode, done.stderr) == (1, "the database cannot be used: InvalidCatalogNameError\n")
