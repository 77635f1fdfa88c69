"""What ten years of nights keep: every night published with its files, the disk measured year by year."""

import asyncio
import tempfile
from pathlib import Path

from msgspec import Struct

from datasets.cube import Cube
from datasets.embedded import Lease
from datasets.publish import publish
from datasets.shelf import Folder
from tests.benchmarks.ledgers import Ledger
from tests.benchmarks.nights import CHANGED, cube, draft, revised

DATASETS, INDICATORS = 10, 20
NIGHTS_A_YEAR, YEARS = 365, 10


class Kept(Struct):
    """Bytes of database and files together."""

    version: int
    """Of the first version of every dataset."""
    years: list[int]
    """After each year."""

    @property
    def times(self) -> list[float]:
        """Return how many times the size of one version is kept after each year."""
        return [year / self.version for year in self.years]


def measured(home: Path, held: Lease, years: int = YEARS) -> Kept:
    """Publish *years* of nights in a database and a folder of their own."""
    return asyncio.run(_measured(home, held, years))


async def _measured(home: Path, held: Lease, years: int) -> Kept:
    async with Ledger(held, "decade") as ledger:
        with tempfile.TemporaryDirectory(dir=home) as name:
            folder = Path(name)
            ledger.store.shelf = Folder(folder)
            empty = await ledger.size()
            cubes = {
                f"d{number}": {f"D{number}N{n:02}": cube(number * INDICATORS + n) for n in range(INDICATORS)}
                for number in range(DATASETS)
            }
            await _publish(ledger, cubes)
            kept = Kept(await ledger.size() - empty + _bytes_in(folder), [])
            for year in range(years):
                await _year(ledger, cubes, year)
                kept.years.append(await ledger.size() - empty + _bytes_in(folder))
                print(f"  year {year + 1}: {kept.times[-1]:.1f} times one version", flush=True)
    return kept


async def _year(ledger: Ledger, cubes: dict[str, dict[str, Cube]], year: int) -> None:
    """Revise one indicator each night, dataset after dataset, and on the year's last night all of them."""
    for night in range(NIGHTS_A_YEAR - 1):
        seed = year * NIGHTS_A_YEAR + night
        name = f"d{seed % DATASETS}"
        indicator = f"D{seed % DATASETS}N{seed // DATASETS % INDICATORS:02}"
        cubes[name] |= {indicator: revised(cubes[name][indicator], seed, CHANGED)}
        await _publish(ledger, {name: cubes[name]})
    for name, old in cubes.items():
        cubes[name] = {indicator: revised(one, year, CHANGED) for indicator, one in old.items()}
    await _publish(ledger, cubes)


async def _publish(ledger: Ledger, cubes: dict[str, dict[str, Cube]]) -> None:
    for name, some in cubes.items():
        if not (await publish(ledger.store, draft(name, some))).release:
            raise AssertionError("a night without a change is none of these")


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
