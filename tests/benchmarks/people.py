"""What people ask for: a search, a page, a picture; and what editors at work cost everybody else."""

import asyncio
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from urllib.parse import quote

import vl_convert
from msgspec import Struct

from datasets.catalogue import Indicator
from datasets.embedded import Lease
from datasets.ledger import Draft
from datasets.publish import publish
from datasets.store import Store
from datasets.vocabulary import Text
from loaders.kolada_catalogue import tidied
from tests.benchmarks.answers import IDS, WARM, YEARS, null_on_ours, rate, record
from tests.benchmarks.nights import cube, draft
from tests.benchmarks.questions import questions, to_us
from tests.benchmarks.rounds import Rates, interleaved, ratios, spread
from tests.benchmarks.running import Service, our_api
from tests.recordings import kolada_catalogue

CATALOGUE = "2026-03-04"
SEARCH, NEW_SEARCH, PAGE, PICTURE = "search", "search, never the same", "page", "picture"
NULL = "{}, null"
DRAWN, VL_CONVERT = "ours", "vl-convert alone"
ALONE, BESIDE = "nobody else", "100 editors beside"
EDITORS = 100
_PICTURES = 12
_WORDS = 2
_TOLD = """## Search, pages, pictures

- *Search* in {indicators} indicators, the whole of a recorded catalogue; a hot answer, and questions of two
  words of a title that nobody has asked before. *Page* and *picture* are hot. The null application sends the
  recorded bytes.
- *Drawing*: {pictures} pictures that nobody has asked for, over HTTP; vl-convert draws the same
  specifications in a process that has drawn before.
- *Editors*: {editors} connections that ask for new pictures as fast as they come, beside the load of a cold
  answer.
"""
_ASKED = "/api/v1/indicators?q={}&limit=10"


class Measured(Struct):
    """Everything that was measured here."""

    hot: Rates
    """Answers a second: each kind, and a null application that sends the same bytes."""
    drawing: Rates
    """Seconds for so many pictures that nobody has asked for before."""
    editors: Rates
    """Answers a second of ever new questions for figures."""
    indicators: int


def lines(found: Measured) -> Iterator[str]:
    """Yield the page's part on it."""
    yield _TOLD.format(indicators=found.indicators, pictures=_PICTURES, editors=EDITORS)
    yield from ("| | answers/s | beside null |", "|---|---:|---:|")
    for name, peer in ((SEARCH, SEARCH), (NEW_SEARCH, SEARCH), (PAGE, PAGE), (PICTURE, PICTURE)):
        beside = ratios(found.hot, name, NULL.format(peer)).told()
        yield f"| {name} | {spread(found.hot[name]).told(0)} | {beside} |"
    yield ""
    yield from ("| | seconds | beside vl-convert |", "|---|---:|---:|")
    for name, times in found.drawing.items():
        yield f"| {name} | {spread(times).told()} | {ratios(found.drawing, name, VL_CONVERT).told()} |"
    yield ""
    yield from ("| new questions for figures | answers/s | beside alone |", "|---|---:|---:|")
    for name, rates in found.editors.items():
        yield f"| {name} | {spread(rates).told(0)} | {ratios(found.editors, name, ALONE).told()} |"
    yield ""


def summary(found: Measured) -> Iterator[tuple[str, str, str]]:
    """Yield what is promised: the words, what was measured, the target."""
    for name, peer, target in ((SEARCH, SEARCH, "0.10"), (NEW_SEARCH, SEARCH, "0.10"), (PAGE, PAGE, "0.20")):
        said = ratios(found.hot, name, NULL.format(peer)).told()
        yield f"A {name}, beside a null application that sends the same bytes", said, target
    said = ratios(found.drawing, DRAWN, VL_CONVERT).told()
    yield "A picture that nobody asked for before, time beside vl-convert alone", said, "1.30"
    said = ratios(found.editors, BESIDE, ALONE).told()
    yield f"New questions for figures while {EDITORS} editors draw, beside nobody else", said, "0.80"


def measured(home: Path, held: Lease, rounds: int, seconds: float) -> Measured:
    """Publish a whole catalogue beside the figures, and measure."""
    titles = asyncio.run(_publish_catalogue(held))
    hot: dict[str, list[float]] = {}
    with our_api(home) as ours:
        ways = _ways(ours, titles)
        for name, path in ways.items():
            hot |= _beside_null(ours, name, path, home / f"recording-{name}", (rounds, seconds))
        asked = count()
        news = [_new_searches(titles, round(4_000 * seconds), seed) for seed in range(rounds)]
        hot[NEW_SEARCH] = [rate(ours.load(paths, seconds)) for paths in news]
        drawing = interleaved(
            {
                DRAWN: lambda _: _drawn(ours, next(asked)),
                VL_CONVERT: lambda _: _converted(ours, next(asked)),
            },
            rounds,
        )
        for name in IDS:
            for page in (1, 2, 3):
                ours.body(WARM.format(name, page))
        editors = interleaved(
            {
                ALONE: lambda number: _asked(ours, seconds, number),
                BESIDE: lambda number: _asked_beside(ours, seconds, number),
            },
            rounds,
        )
    return Measured(hot=hot, drawing=drawing, editors=editors, indicators=len(titles))


def _ways(ours: Service, titles: Sequence[str]) -> Mapping[str, str]:
    """Return an address of each kind, once it is answered from the whole catalogue."""
    search = _ASKED.format(quote("hemtjänst"))
    end = time.monotonic() + 60
    while not ours.get(search)["indicators"]:
        if time.monotonic() > end:
            message = f"none of {len(titles)} indicators is found"
            raise RuntimeError(message)
        time.sleep(0.2)
    return {SEARCH: search, PAGE: f"/indikator/{IDS[0]}", PICTURE: f"/charts/{IDS[0]}.svg?municipality=0880"}


def _beside_null(
    ours: Service, name: str, path: str, recording: Path, length: tuple[int, float]
) -> dict[str, list[float]]:
    rounds, seconds = length
    record(ours, path, recording)
    with null_on_ours(recording) as null:
        for service in (ours, null):
            service.load([path], 1)
        return interleaved(
            {
                name: lambda _: rate(ours.load([path], seconds)),
                NULL.format(name): lambda _: rate(null.load([path], seconds)),
            },
            rounds,
        )


def _new_searches(titles: Sequence[str], most: int, seed: int) -> list[str]:
    """Return so many searches for two words of a title each, none twice."""
    drawn, found = random.Random(seed), dict[str, None]()
    words = [[word for word in title.split() if word.isalpha()] for title in titles]
    while len(found) < most:
        some = drawn.choice(words)
        if len(some) >= _WORDS:
            found[_ASKED.format("+".join(map(quote, drawn.sample(some, _WORDS))))] = None
    return [*found]


def _pictures(number: int) -> Iterator[str]:
    """Yield charts of one indicator for one municipality after the other, never the same width."""
    for at in range(_PICTURES):
        question = questions(IDS, YEARS, 1, seed=1000 * number + at)[0]
        places = ",".join(question.municipalities[:4])
        yield f"/charts/{question.indicator}.{{}}?municipality={places}&width={500 + number % 400}"


def _drawn(ours: Service, number: int) -> float:
    begun = time.perf_counter()
    for path in _pictures(number):
        ours.body(path.format("svg"))
    return time.perf_counter() - begun


def _converted(ours: Service, number: int) -> float:
    """Return the seconds that vl-convert takes for such pictures; their specifications are there before."""
    specs = [ours.body(path.format("vl.json")).decode() for path in _pictures(number)]
    begun = time.perf_counter()
    for spec in specs:
        vl_convert.vegalite_to_svg(spec)
    return time.perf_counter() - begun


def _asked(ours: Service, seconds: float, number: int) -> float:
    new = questions(IDS, YEARS, int(8_000 * seconds), seed=500 + number)
    return rate(ours.load([to_us(one) for one in new], seconds))


def _asked_beside(ours: Service, seconds: float, number: int) -> float:
    """Return the same while editors look at pictures that nobody has asked for before."""
    looked_at = [path.format("svg") for at in range(400) for path in _pictures(10_000 * (number + 1) + at)]
    with ThreadPoolExecutor(1) as editors:
        work = editors.submit(ours.load, looked_at, seconds + 1, EDITORS)
        time.sleep(0.5)
        found = _asked(ours, seconds, 50 + number)
        work.result()
    return found


async def _publish_catalogue(held: Lease) -> list[str]:
    """Publish every KPI of a recorded catalogue, each with one figure; return their titles."""
    store = Store.at(held.address("lansdata"))
    about = draft("katalog", {}).dataset
    told = {
        f"{name}-k": Indicator(
            id=f"{name}-k",
            title=Text(tidied(kpi.title)),
            definition=Text(tidied(kpi.description or "") or "-"),
            unit="number",
        )
        for name, kpi in sorted(kolada_catalogue(CATALOGUE).items())
    }
    figures = cube(1, 1)
    try:
        await publish(store, Draft(dataset=about, indicators=told, cubes=dict.fromkeys(told, figures)))
    finally:
        await store.close()
    return [one.title.sv for one in told.values()]
