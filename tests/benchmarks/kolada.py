"""A Kolada of generated figures: every municipality, three sexes, 25 years, as kept answers of one load."""

from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import numpy as np

from datasets.areas import AreaType, areas
from datasets.catalogue import Dataset
from datasets.checks import Bounds
from loaders import kolada
from loaders.catalogue import Listed
from loaders.fetch import Fetched
from loaders.kolada_codes import PER_PAGE
from loaders.snapshots import Snapshot
from loaders.source import Plan
from tests.benchmarks.figures import municipalities

DATASET = "kolada-paahittad"
YEARS = 25
AT = datetime(2026, 6, 1, 2, tzinfo=UTC)
FIGURES_A_KPI = 290 * 3 * YEARS
_ADDRESS = "http://127.0.0.1/v3"
_MISSING = 0.03
_ORDERS = tuple(permutations("TKM"))


def listed(kpis: int) -> Listed:
    """Return what a catalogue would say of a dataset of so many KPIs."""
    text = {"sv": "Påhittade siffror för att mäta hastighet."}
    said = {"title": text, "description": text, "source": "kolada", "publisher": "Länsdata"}
    said |= {"attribution": "Påhittade siffror", "processing": "asPublished", "theme": "befolkning"}
    dataset = msgspec.convert({"id": DATASET, **said, "updateFrequency": "irregular"}, Dataset)
    counties = [str(area.code) for area in areas().values() if area.type is AreaType.COUNTY]
    load = {
        "kpis": [f"N{10_000 + number}" for number in range(kpis)],
        "municipalities": [f"county:{code}" for code in counties],
        "years": {"from": AT.year - YEARS + 1},
    }
    plan = Plan(dataset=dataset, load=load, indicators=())
    return Listed(source="kolada", plan=plan, bounds=Bounds(), corrections=())


def write_snapshot(folder: Path, kpis: int) -> Path:
    """Keep the answers that a load of *kpis* KPIs would get; return their file."""
    with Snapshot(folder, DATASET, AT) as kept:
        for fetched in answers(kpis):
            kept.keep(fetched)
    return kept.path


def answers(kpis: int) -> Iterator[Fetched]:
    """Yield every answer to what the loader asks, one in memory at a time."""
    asks = kolada.asks(listed(kpis).plan)
    ask = next(asks, None)
    replies = _replies()
    next(replies)
    while ask is not None:
        address = ask.target if "://" in ask.target else f"{_ADDRESS}/{ask.target}"
        fetched = Fetched(address=address, at=AT, status=200, body=replies.send(address))
        yield fetched
        try:
            ask = asks.send(fetched)
        except StopIteration:
            ask = None


def _replies() -> Generator[bytes, str, None]:
    """Take an address, yield its page; the keys of a question are drawn up once for all its pages."""
    random = np.random.default_rng(1)
    asked, keys = "", []
    address = yield b""
    while True:
        path, query = urlsplit(address).path, urlsplit(address).query
        page = int(query.partition("page=")[2].partition("&")[0])
        if "/data/" not in path:
            address = yield _listing(path) if page == 1 else _page([], None)
            continue
        if path != asked:
            kpis, codes, years = (piece.split(",") for piece in path.split("/")[4::2])
            asked, keys = path, [(kpi, code, int(year)) for kpi in kpis for code in codes for year in years]
        mine = keys[(page - 1) * PER_PAGE : page * PER_PAGE]
        more = page * PER_PAGE < len(keys)
        following = (
            f"{_ADDRESS}{path.removeprefix('/v3')}?page={page + 1}&per_page={PER_PAGE}" if more else None
        )
        address = yield _page(_rows(mine, random), following)


def _listing(path: str) -> bytes:
    if path.endswith("/municipality"):
        return _page([{"id": code, "title": code, "type": "K"} for code in municipalities()], None)
    ids = path.rpartition("/")[2].split(",")
    told = {"description": "Ett påhittat mått. Källa: Länsdata.", "municipality_type": "K"}
    return _page([{"id": one, "title": f"Mått {one}, andel (%)", **told} for one in ids], None)


def _rows(keys: list[tuple[str, str, int]], random: np.random.Generator) -> list[dict[str, object]]:
    """Return rows of three figures: whole numbers, one decimal, six and eight; genders in random order."""
    numbers = random.random(3 * len(keys)) * 100
    decimals = random.choice([0, 1, 6, 8], 3 * len(keys))
    scale = 10.0**decimals
    values = (np.rint(numbers * scale) / scale).tolist()
    missing = (random.random(3 * len(keys)) < _MISSING).tolist()
    orders = random.integers(len(_ORDERS), size=len(keys)).tolist()
    return [
        {
            "values": [
                {
                    "gender": gender,
                    "count": 0 if missing[3 * at + one] else 1,
                    "status": "",
                    "value": None if missing[3 * at + one] else values[3 * at + one],
                    "isdeleted": False,
                }
                for one, gender in enumerate(_ORDERS[orders[at]])
            ],
            "kpi": kpi,
            "period": year,
            "municipality": code,
        }
        for at, (kpi, code, year) in enumerate(keys)
    ]


def _page(values: list[dict[str, object]], following: str | None) -> bytes:
    said = {"values": values, "count": len(values), "next_url": following, "previous_url": None}
    return msgspec.json.encode(said)
