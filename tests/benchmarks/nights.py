"""What many releases cost: reading as of any of them, comparing two versions."""

import asyncio
import random
import statistics
import time
from collections.abc import Mapping, Sequence

import asyncpg
import numpy as np
from msgspec import Struct

from datasets.catalogue import Dataset, Indicator
from datasets.compare import changes_between
from datasets.cube import NO_COUNT, NO_DAY, Columns, Cube, cube_of
from datasets.embedded import Lease
from datasets.ledger import Draft, Release
from datasets.publish import publish
from datasets.store import Store
from datasets.vocabulary import UNDIVIDED, MunicipalityCode, Source, Text
from tests.benchmarks.figures import municipalities
from tests.benchmarks.ledgers import Ledger

RELEASES = (1, 10, 100, 1000)
INDICATORS, YEARS = 200, 17
FIGURES = INDICATORS * 290 * YEARS
CHANGED = 0.01
OURS, FEW, SPREAD = "ours, revised as sources revise", "ours, one indicator in ten", "ours, every indicator"
IN_SQL = "SQL, row by row"
_FEW = 10
"""One in so many indicators has changed, where the changes are in a part of them."""
_WHOLE, _TOUCHED, _MOST, _FEWEST = 2, 8, 0.86, 0.0015
"""Real revisions rewrite an indicator or touch it: how many of each kind here, and the share that differs."""


class Measured(Struct):
    """Everything that was measured here."""

    as_of: Mapping[int, list[float]]
    """Milliseconds of reading one cube as of any release, by how many there are."""
    comparing: Mapping[str, list[float]]


def cube(seed: int, years: int = YEARS) -> Cube:
    """Return a cube of every municipality and so many years, values with one decimal."""
    areas = [MunicipalityCode(code) for code in municipalities()]
    rows = len(areas) * years
    at, none = np.arange(rows), np.full(rows, np.nan)
    days = np.full(rows, NO_DAY, np.int32)
    return cube_of(
        areas,
        (UNDIVIDED,),
        Columns(
            municipality=(at // years).astype(np.uint16),
            sex=np.zeros(rows, np.uint8),
            year=(2000 + at % years).astype(np.int16),
            start=days,
            end=days,
            breakdown=np.zeros(rows, np.uint32),
            value=np.round(np.random.default_rng(seed).random(rows) * 100, 1),
            status=np.zeros(rows, np.uint8),
            flags=np.zeros(rows, np.uint8),
            low=none,
            high=none,
            count=np.full(rows, NO_COUNT),
        ),
    )


def revised(old: Cube, seed: int, share: float) -> Cube:
    """Return *old* with a *share* of its values changed."""
    chance = np.random.default_rng(seed)
    value = np.array(old.columns.value)
    value[chance.random(len(value)) < share] += 0.1
    columns = {name: getattr(old.columns, name) for name in Columns.__dataclass_fields__} | {
        "value": np.round(value, 1)
    }
    return cube_of(old.municipalities, old.breakdowns, Columns(**columns))


def draft(name: str, cubes: Mapping[str, Cube]) -> Draft:
    """Return a dataset of made-up indicators."""
    about = Dataset(
        id=name,
        title=Text(f"Mätning {name}"),
        description=Text("Påhittade siffror"),
        source=Source.KOLADA,
        publisher="Länsdata",
        attribution="Påhittade siffror",
        processing="asPublished",
        theme="befolkning",
        update_frequency="daily",
    )
    told = {
        one: Indicator(id=one, title=Text(f"Mått {one}"), definition=Text("Påhittat"), unit="percent")
        for one in cubes
    }
    return Draft(dataset=about, indicators=told, cubes=cubes)


def measured(held: Lease, rounds: int) -> Measured:
    """Measure it all in databases of its own."""
    return asyncio.run(_measured(held, rounds))


async def _measured(held: Lease, rounds: int) -> Measured:
    async with Ledger(held, "line") as line, Ledger(held, "nights") as ledger:
        return Measured(await _as_of(line.store, rounds), await _compared(ledger, rounds))


async def _as_of(store: Store, rounds: int) -> dict[int, list[float]]:
    """Read one of ten small indicators as of a release drawn at random, while the line grows."""
    cubes = {f"A{number}": cube(number, 2) for number in range(10)}
    chance, found = random.Random(1), {}
    for number in range(1, RELEASES[-1] + 1):
        name = f"A{number % 10}"
        cubes[name] = revised(cubes[name], number, 0.5)
        await publish(store, draft("line", cubes))
        if number in RELEASES:
            await _one_read(store, 1)  # the first question of a connection takes its time
            found[number] = [await _one_read(store, chance.randint(1, number)) for _ in range(rounds * 20)]
    return found


async def _one_read(store: Store, number: int) -> float:
    begun = time.perf_counter()
    async with store.session() as session:
        entries = await session.entries_at(number, "line")
        (one,) = (entry for entry in entries if entry.indicator == "A3")
        await session.cubes({one.data_sha256})
    return (time.perf_counter() - begun) * 1000


async def _compared(ledger: Ledger, rounds: int) -> dict[str, list[float]]:
    """Publish versions that differ in one figure of a hundred; compare them with ours and in SQL."""
    first = {f"N{number:03}": cube(number) for number in range(INDICATORS)}
    every = {name: revised(one, 7, CHANGED) for name, one in first.items()}
    some = {name: revised(one, 8, CHANGED * _FEW) for name, one in list(first.items())[::_FEW]}
    real = {
        name: revised(one, 9, _MOST if at < _WHOLE else _FEWEST)
        for at, (name, one) in enumerate(list(first.items())[: _WHOLE + _TOUCHED])
    }
    for state in (every, first, first | some, first, first | real):
        await publish(ledger.store, draft("nights", state))
    async with ledger.store.session() as session:
        line = await session.releases()
    connection = await asyncpg.connect(ledger.address)
    try:
        await _rows(connection, [first, first | real])
        found: dict[str, list[float]] = {OURS: [], FEW: [], SPREAD: [], IN_SQL: []}
        for _ in range(rounds):
            for name, at in ((OURS, -2), (FEW, -4), (SPREAD, -5)):
                found[name].append(await _ours(ledger.store, line[at], line[at + 1]))
            begun = time.perf_counter()
            await connection.fetch(
                "SELECT * FROM before FULL JOIN after USING (indicator, municipality, sex, year, breakdown)"
                " WHERE before.value IS DISTINCT FROM after.value"
                " ORDER BY indicator, municipality, sex, year, breakdown"
            )
            found[IN_SQL].append(time.perf_counter() - begun)
    finally:
        await connection.close()
    return found


async def _ours(store: Store, before: Release, after: Release) -> float:
    begun = time.perf_counter()
    async with store.session() as session:
        async for _ in changes_between(session, before, after):
            pass
    return time.perf_counter() - begun


async def _rows(
    connection: "asyncpg.Connection[asyncpg.Record]", states: Sequence[Mapping[str, Cube]]
) -> None:
    """Put both versions into tables, one row a figure, with the key that the comparison joins by."""
    for table, cubes in zip(("before", "after"), states, strict=True):
        await connection.execute(
            f"CREATE TABLE {table} (indicator text, municipality text, sex text, year int, breakdown text,"
            " value float8, PRIMARY KEY (indicator, municipality, sex, year, breakdown))"
        )
        rows = (
            (name, str(row.municipality), str(row.sex), int(row.year), row.breakdown.text, row.value)
            for name, one in cubes.items()
            for row in one
        )
        await connection.copy_records_to_table(table, records=rows)
        await connection.execute(f"VACUUM ANALYZE {table}")


def median(numbers: Sequence[float]) -> float:
    """Return the middle one."""
    return statistics.median(numbers)
