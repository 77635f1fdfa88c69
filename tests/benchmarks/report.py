"""What was measured, as a page for people: docs/benchmarks.md."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks import (
    answers,
    decade,
    disclosure,
    kolada,
    loading,
    nights,
    people,
    publishing,
    questions,
)
from tests.benchmarks.machine import facts
from tests.benchmarks.process import Memory
from tests.benchmarks.rounds import Rates, Spread, ratios, spread
from tests.benchmarks.running import CONNECTIONS

_INTRODUCTION = """# Benchmarks

Written by `{command}` on {day}; nothing here is typed by hand. It installs the peers, generates figures,
measures for some minutes, and removes what it made.

Absolute numbers are worth little on another machine, so everything is a ratio against a peer in the same
run. A number is the median of {rounds} rounds, with the least and the most in brackets. Rounds are
interleaved: each contender once for {seconds:g} seconds, then each again, so that what slows the machine
slows them all. A ratio is taken round by round. Servers have one worker on one core; the load,
{connections} kept-alive connections, is on another.
"""
_HOT = """## A hot answer

The same question of {figures} figures again and again. The null application sends the recorded bytes and
headers of our answer, whatever is asked, on the server that `python -m api` starts, with the same
options. The same on uvicorn, with uvloop and httptools, tells which server is the faster one here.
"""
_COLD = """## A cold answer

{held} generated figures: {indicators} indicators, 290 municipalities, three sexes, {years} years. A
question is for one indicator, {areas} municipalities drawn at random and {asked} years in a row:
{figures} figures, about 35 kB of JSON, not compressed. No question comes twice. The cubes are in memory;
the answer is not, and is kept afterwards, as always. Before the clock starts, twenty questions are put to
all, and their figures must be equal.

- *Datasette* over SQLite, `datasette serve --immutable`: its table's JSON with filters. One table WITHOUT
  ROWID whose primary key is in the order of the question, ANALYZEd. Settings are the standard ones but
  for the number of rows; *Datasette, no facets* has `suggest_facets` off too.
- *FastAPI* with SQLAlchemy's ORM over asyncpg and Pydantic response models: the page, its total, the
  indicator with its dataset and its notes, and whether every municipality is known, in five queries, none
  for each row; Pydantic models of all that is asked and answered; citation, links, ETag. Twenty answers
  must have the same figures and the same `_meta` as ours, but for the words of the citation, and the same
  links. The same PostgreSQL, one row a figure, primary key in the order of the question, vacuumed and
  analysed; uvicorn with uvloop and httptools; answers written by FastAPI's fast way, from the response model
  to bytes. It does less than ours in two things: it has no past, so that no query asks what was published
  when, and its refusals name no closest codes. Datasette tells no more than the figures and their number.

The peers' databases may use the other core as well.
"""
_PUBLISHING = """## Publishing a million figures

{figures} figures in CSV, a third of them whole numbers, a third with one decimal, a third with eight.
Ours is the whole of `python -m loaders handover`: every cell checked, cubes hashed, compared, stored and
announced. The peer is a process that copies the same file into an empty table with typed columns and the
primary key (indicator, municipality, sex, year, breakdown), with asyncpg's `copy_to_table`, and checks
nothing. The same PostgreSQL; neither is pinned to a core.
"""
_MEMORY = """## Memory

One worker that has been asked for more than its caches may hold (`LANSDATA_CACHE_MB`), in MB. *Its own*
is what would be free again without it (USS).

| caches | resident | its own | resident beside its caches |
|---:|---:|---:|---:|"""


_LOADING = """## Loading

Generated answers of a Kolada: every municipality, three sexes, {years} years; half of the figures have
six decimals or eight, three in a hundred are missing, genders stand in random order.

- *Decoding* is msgspec into typed structs that have every field that normalising reads, and nothing else.
- *Normalising* makes finished cubes of the same pages in memory, decoding them on the way.
- *A night without a change* is `python -m loaders replay` in a process that already runs: {night} figures
  read from their file, unpacked, normalised, hashed, held against what stands, and the attempt recorded.
"""
_LOAD = """
A first load of {figures} figures from their file of kept answers, in a process of its own, took
{seconds:.0f} s and never more than {peak:.0f} MB; the database is another process.
"""


_NIGHTS = """## Many releases

- *As of*: one cube of a small dataset, read from PostgreSQL as it stood at a release drawn at random, in
  milliseconds, while the line of releases grows.
- *Comparing* two versions of {figures} figures, one in a hundred changed, until every change is written as
  JSON: {changed}
  The peer is a full join of two tables with one row a figure, by their primary key.
"""
_DECADE = """## Ten years of nights

{figures} figures in {datasets} datasets of {indicators} indicators, every version published with all its
files: {years} years of {nights} nights. In each night one indicator is revised in one figure of a hundred,
dataset after dataset; in the last of each year every indicator of all of them is. Bytes of database and
files together, none of it reckoned. A copy of everything every night would take {copies} times one version.

| | MB | times one version |
|---|---:|---:|"""
_CHANGED = (
    "as real sources revise, two indicators of 200 rewritten and eight touched; in a tenth of the"
    "\n  figures of one indicator in ten; and spread over every indicator."
)


class Measured(NamedTuple):
    """Everything that one run measured; a part that was left out is empty."""

    hot: Rates
    cold: Rates
    publishing: Rates
    memory: Sequence[Memory]
    starts: Sequence[float]
    rounds: int
    seconds: float
    loaded: loading.Measured | None = None
    compared: nights.Measured | None = None
    kept: decade.Kept | None = None
    hidden: Sequence[disclosure.Protected] = ()
    seen: people.Measured | None = None


def write(path: Path, measured: Measured, command: str) -> None:
    """Write the page."""
    path.write_text("\n".join(_lines(measured, command)) + "\n", "utf-8")


def _lines(measured: Measured, command: str) -> Iterator[str]:
    yield _INTRODUCTION.format(
        command=command,
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        rounds=measured.rounds,
        seconds=measured.seconds,
        connections=CONNECTIONS,
    )
    yield from ("| | measured | target |", "|---|---:|---:|")
    yield from (f"| {what} | {said} | {target} |" for what, said, target in _summary(measured))
    yield ""
    if measured.hot:
        yield _HOT.format(figures=questions.FIGURES)
        yield from _table("answers/s", measured.hot, answers.NULL)
    if measured.cold:
        yield _cold()
        yield from _table("answers/s", measured.cold, answers.FASTAPI)
    if measured.publishing:
        yield _PUBLISHING.format(figures=_spaced(publishing.FIGURES))
        yield from _table("seconds", measured.publishing, publishing.COPY)
    if measured.memory:
        yield _MEMORY
        for one in measured.memory:
            beside = one.resident - one.caches
            yield f"| {one.caches} | {one.resident:.0f} | {one.own:.0f} | {beside:.0f} |"
        yield ""
    if measured.loaded:
        yield from _loading(measured.loaded)
    yield from _years(measured)
    if measured.seen:
        yield from people.lines(measured.seen)
    if measured.hidden:
        yield from disclosure.lines([*measured.hidden])
    yield from ("## Machine and versions", "", "| | |", "|---|---|")
    yield from (f"| {name} | {text} |" for name, text in facts())


def _loading(measured: loading.Measured) -> Iterator[str]:
    load = measured.load
    yield _LOADING.format(years=kolada.YEARS, night=_spaced(loading.FIGURES_A_NIGHT))
    yield from _table("seconds", {**measured.normalising, **measured.nights}, loading.DECODE)
    yield _LOAD.strip().format(figures=_spaced(load.figures), seconds=load.seconds, peak=load.peak)
    yield ""


def _years(measured: Measured) -> Iterator[str]:
    if measured.compared:
        yield from _compared(measured.compared)
    if measured.kept:
        yield from _kept(measured.kept)


def _compared(measured: nights.Measured) -> Iterator[str]:
    yield _NIGHTS.format(figures=_spaced(nights.FIGURES), changed=_CHANGED)
    yield from ("| releases | one cube as of any of them, ms |", "|---:|---:|")
    yield from (f"| {number} | {spread(times).told(2)} |" for number, times in measured.as_of.items())
    yield ""
    yield from _table("seconds", measured.comparing, nights.IN_SQL)


def _kept(measured: decade.Kept) -> Iterator[str]:
    yield _DECADE.format(
        figures=_spaced(nights.FIGURES),
        datasets=decade.DATASETS,
        indicators=decade.INDICATORS,
        years=decade.YEARS,
        nights=decade.NIGHTS_A_YEAR,
        copies=_spaced(decade.YEARS * decade.NIGHTS_A_YEAR),
    )
    yield f"| one version | {measured.version / 1e6:.0f} | 1.0 |"
    for year, (size, times) in enumerate(zip(measured.years, measured.times, strict=True), 1):
        yield f"| after year {year} | {size / 1e6:.0f} | {times:.1f} |"
    yield ""


def _cold() -> str:
    return _COLD.format(
        held=_spaced(290 * 3 * answers.INDICATORS * answers.YEARS),
        indicators=answers.INDICATORS,
        years=answers.YEARS,
        areas=questions.AREAS,
        asked=questions.YEARS_ASKED,
        figures=questions.FIGURES,
    )


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _summary(measured: Measured) -> Iterator[tuple[str, str, str]]:
    if measured.hot:
        said = ratios(measured.hot, answers.US, answers.NULL).told()
        yield "A hot answer, beside a null application that sends the same bytes", said, "0.85"
    if measured.cold:
        for peer, name, target in ((answers.DATASETTE, "Datasette", 30), (answers.FASTAPI, "FastAPI", 45)):
            said = ratios(measured.cold, answers.US, peer).told(1)
            yield f"A cold answer of {questions.FIGURES} figures, times {name}", said, str(target)
    if measured.publishing:
        said = ratios(measured.publishing, publishing.US, publishing.COPY).told()
        yield "Publishing a million figures, time beside a bare `COPY`", said, "1.00"
    if measured.memory:
        most = max(one.resident - one.caches for one in measured.memory)
        yield "Memory of an API worker beside its stated caches", f"{most:.0f} MB", "200 MB"
    if measured.loaded:
        said = ratios(measured.loaded.normalising, loading.US, loading.DECODE).told()
        yield "Normalising Kolada's pages, times decoding them", said, "2.00"
        said = ratios(measured.loaded.nights, loading.UNCHANGED_NIGHT, loading.DECODE).told()
        yield "A night without a change at a million figures, times decoding them", said, "3.00"
        yield "Memory of loading ten million figures", f"{measured.loaded.load.peak:.0f} MB", "500 MB"
    yield from _summary_of_years(measured)
    if measured.seen:
        yield from people.summary(measured.seen)
    if measured.starts:
        said = spread(list(measured.starts)).told(1, " s")
        yield "From `python -m api` to ready, its database's start included", said, "5 s"


def _summary_of_years(measured: Measured) -> Iterator[tuple[str, str, str]]:
    if measured.compared:
        times = measured.compared.as_of
        said = f"{nights.median(times[nights.RELEASES[-1]]) / nights.median(times[nights.RELEASES[0]]):.2f}"
        yield "One cube as of any of 1 000 releases, times as of the only one", said, "1.5"
        said = ratios(measured.compared.comparing, nights.OURS, nights.IN_SQL).told()
        yield "Comparing two versions, time beside SQL row by row", said, "0.10"
    if measured.kept:
        yield "Ten years of nights, times the size of one version", f"{measured.kept.times[-1]:.1f}", "40"


def _table(unit: str, rates: Rates, beside: str) -> Iterator[str]:
    digits = 2 if unit == "seconds" else 0
    yield f"| | {unit} | beside {beside} |"
    yield "|---|---:|---:|"
    for name, numbers in rates.items():
        ratio: Spread = ratios(rates, name, beside)
        yield f"| {name} | {spread(numbers).told(digits)} | {ratio.told(3 if ratio.median < 0.1 else 2)} |"
    yield ""
