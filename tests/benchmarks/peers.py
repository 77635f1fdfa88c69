"""The same figures in the peers' databases: rows with a primary key in PostgreSQL and in SQLite."""

import csv
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from datasets.embedded import Lease
from tests.benchmarks.running import Service, free_port, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DATABASE = "BENCH_DATABASE"
"""The variable that tells a peer's process the address of its database."""
PEERS = "peers"
TABLE = "observation"
_COLUMNS = ("indicator", "municipality", "sex", "year", "breakdown", "value", "status")
_POSTGRESQL = f"""
DROP TABLE IF EXISTS {TABLE};
CREATE TABLE {TABLE} (
    indicator text NOT NULL,
    municipality text NOT NULL,
    sex text NOT NULL,
    year smallint NOT NULL,
    breakdown text NOT NULL,
    value double precision,
    status text,
    PRIMARY KEY (indicator, municipality, sex, year, breakdown)
)"""
_DEFINITIONS = """
DROP TABLE IF EXISTS note, indicator, dataset, municipality;
CREATE TABLE dataset (
    id text PRIMARY KEY,
    version text NOT NULL,
    published_at timestamptz NOT NULL,
    attribution text NOT NULL,
    processing text NOT NULL
);
CREATE TABLE indicator (id text PRIMARY KEY, dataset_id text NOT NULL REFERENCES dataset);
CREATE TABLE note (
    id integer PRIMARY KEY,
    indicator text NOT NULL REFERENCES indicator,
    mandatory boolean NOT NULL,
    text text NOT NULL
);
CREATE INDEX ON note (indicator);
CREATE TABLE municipality (code text PRIMARY KEY)"""
_SQLITE = f"""
CREATE TABLE {TABLE} (
    indicator TEXT, municipality TEXT, sex TEXT, year INTEGER, breakdown TEXT, value REAL, status TEXT,
    PRIMARY KEY (indicator, municipality, sex, year, breakdown)
) WITHOUT ROWID"""
_DATASETTE_SETTINGS = {
    "max_returned_rows": "10000",
    "default_page_size": "1000",
}


async def connect(address: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Connect to the peers' database."""
    return await asyncpg.connect(address)


@asynccontextmanager
async def connected(address: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """Lend a connection."""
    connection = await connect(address)
    try:
        yield connection
    finally:
        await connection.close()


def address_in(held: Lease) -> str:
    """Return the address of the peers' database in our server."""
    return held.address("lansdata").replace("/lansdata?", f"/{PEERS}?")


async def make_database(held: Lease) -> None:
    """Make the peers' database in our server."""
    async with connected(held.address("lansdata")) as connection:
        await connection.execute(f"CREATE DATABASE {PEERS}")


async def copy_rows(address: str, table: Path) -> None:
    """Copy the CSV *table* into an empty table with typed columns and its primary key."""
    async with connected(address) as connection:
        await connection.execute(_POSTGRESQL)
        await connection.copy_to_table(
            TABLE,
            source=table,
            columns=list(_COLUMNS),
            format="csv",
            header=True,
            force_not_null=["breakdown"],
        )


async def fill_definitions(
    address: str, dataset: dict[str, str], indicators: Sequence[str], municipalities: Sequence[str]
) -> None:
    """Write what a service must know beside the figures: the dataset, its indicators, the municipalities."""
    when = datetime.fromisoformat(dataset["publishedAt"])
    row = (dataset["id"], dataset["version"], when, dataset["attribution"], dataset["processing"])
    async with connected(address) as connection:
        await connection.execute(_DEFINITIONS)
        await connection.execute("INSERT INTO dataset VALUES ($1, $2, $3, $4, $5)", *row)
        of_dataset = [(name, dataset["id"]) for name in indicators]
        await connection.executemany("INSERT INTO indicator VALUES ($1, $2)", of_dataset)
        codes = [(code,) for code in municipalities]
        await connection.executemany("INSERT INTO municipality VALUES ($1)", codes)
        await connection.execute("VACUUM ANALYZE")


async def analyse(address: str) -> None:
    """Let the planner know the rows, as a service that has run for a while would."""
    async with connected(address) as connection:
        await connection.execute(f"VACUUM ANALYZE {TABLE}")


def fill_sqlite(database: Path, table: Path) -> None:
    """Write the CSV *table* to a new SQLite *database*, its primary key in the order of the question."""
    with closing(sqlite3.connect(database)) as connection, table.open(encoding="utf-8", newline="") as text:
        connection.execute(_SQLITE)
        rows = (_typed(row) for row in csv.DictReader(text, fieldnames=_COLUMNS) if row["year"] != "year")
        connection.executemany(f"INSERT INTO {TABLE} VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("ANALYZE")
        connection.commit()


def _typed(row: dict[str, str]) -> tuple[Any, ...]:
    key = (row["indicator"], row["municipality"], row["sex"], int(row["year"]), row["breakdown"])
    return (*key, float(row["value"]) if row["value"] else None, row["status"] or None)


@contextmanager
def datasette(database: Path, **more: str) -> Iterator[Service]:
    """Run Datasette over *database* as its documentation advises for figures that do not change."""
    port = free_port()
    settings = [
        word for name, text in {**_DATASETTE_SETTINGS, **more}.items() for word in ("--setting", name, text)
    ]
    command = ["-m", "datasette", "serve", "--immutable", str(database), "--port", str(port), *settings]
    with running(command, port, "/-/versions.json", database.with_name(f"datasette-{port}.log")) as service:
        yield service


@contextmanager
def fastapi(address: str, log: Path) -> Iterator[Service]:
    """Run the FastAPI service under uvicorn, with the parts that uvicorn calls fastest."""
    port = free_port()
    parts = ("--loop", "uvloop", "--http", "httptools", "--log-level", "warning")
    command = ["-m", "uvicorn", "tests.benchmarks.peer_fastapi:app", "--port", str(port), *parts]
    with running(command, port, "/openapi.json", log, {DATABASE: address}) as service:
        yield service
