import asyncio
import json
import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import msgspec
import pytest

from datasets.catalogue import Dataset
from datasets.vocabulary import Interval, Observation, Period, Sex, Status
from loaders import fohm
from loaders.fetch import BrokenAnswerError, Fetched, Fetcher, ForeignHostError, Manners, SourceError
from loaders.source import BrokenSourceError, Made, Plan, Source

SOURCE: Source = fohm
SAMPLES = Path(__file__).parent / "samples"
SAMPLE = json.loads((SAMPLES / "fohm_spelvanor.json").read_text("utf-8"))
PLAN = tomllib.loads((SAMPLES / "fohm_riskspelande.toml").read_text("utf-8"))
TABLE = PLAN["indicator"][0]["load"]["table"]
MEASURES = SAMPLE["variables"][2]["values"]
TODAY = datetime(2026, 11, 21, tzinfo=UTC)
Json = dict[str, Any]


class PxWeb(BaseHTTPRequestHandler):
    """A PxWeb 1 that holds the sample: UTF-8 with a byte order mark, errors as {"error": ...}."""

    sample: Json = SAMPLE
    most: int = 10_000
    asked: ClassVar[list[Json]]
    failures: ClassVar[list[bytes]]
    """Bodies that come instead of the next answers, with status 200."""

    def do_GET(self) -> None:
        if self.path.endswith("/sv/?config"):
            self.reply(
                {
                    "maxValues": self.most,
                    "maxCells": 100_000,
                    "maxCalls": 1000,
                    "timeWindow": 10,
                    "CORS": True,
                }
            )
        elif unquote(self.path).endswith(f"/sv/{TABLE}"):
            self.reply({name: self.sample[name] for name in ("title", "variables")})
        else:
            self.reply({"error": "Not found"}, 404)

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(question)
        codes = {one["code"]: one["selection"]["values"] for one in question["query"]}
        if prod(map(len, codes.values())) > self.most:
            self.reply({"error": "Too many values selected"}, 403)
        else:
            self.reply(extract(self.sample, codes))

    def reply(self, body: Json, status: int = 200) -> None:
        raw = self.failures.pop() if self.failures else b"\xef\xbb\xbf" + json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Silent."""


def extract(sample: Json, codes: Mapping[str, Sequence[str]]) -> Json:
    """The answer to a question for *codes*, with the dimension that PxWeb adds for the contents."""
    cells = []
    for region, _, measure, sex, year in product(*codes.values()):
        cells.append(sample["cells"][f"{region} {sex} {year}"][MEASURES.index(measure)])
    dimensions = {
        name: {"category": {"index": {one: at for at, one in enumerate(some)}}}
        for name, some in codes.items()
    }
    contents = {"ContentsCode": {"category": {"index": ["EliminatedValue"]}}}
    return {
        "version": "2.0",
        "class": "dataset",
        "label": sample["title"],
        "updated": "2025-06-12T07:00:00Z",
        "note": ["Uppgifter med färre än 100 svar redovisas inte."],
        "id": [*codes, "ContentsCode"],
        "size": [*map(len, codes.values()), 1],
        "role": {"time": ["År"], "metric": ["ContentsCode"]},
        "dimension": {**dimensions, **contents},
        "value": [None if isinstance(cell, str) else cell for cell in cells],
        "status": {str(at): cell for at, cell in enumerate(cells) if isinstance(cell, str)},
    }


@contextmanager
def pxweb(**given: Any) -> Iterator[tuple[str, type[PxWeb]]]:
    """The base address of a PxWeb 1 that serves on a socket of its own."""
    handler: type[PxWeb] = type("Bound", (PxWeb,), {"asked": [], "failures": [], **given})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/Folkhalsodata/api/v1/sv", handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def plan_of(raw: Json) -> Plan:
    return Plan(
        dataset=msgspec.convert(raw["dataset"], Dataset),
        load={name: value for name, value in raw["load"].items() if name != "source"},
        indicators=tuple(raw["indicator"]),
    )


def changed(change: Callable[[Json], None], of: Json) -> Json:
    """A copy of *of* with one change."""
    copy = deepcopy(of)
    change(copy)
    return copy


async def answers(plan: Plan, base: str) -> list[Fetched]:
    kept: list[Fetched] = []
    async with Fetcher(base, Manners(calls=1000), kept.append) as fetcher:
        asks = fohm.asks(plan)
        ask = next(asks, None)
        while ask is not None:
            if ask.body:
                fetched = await fetcher.post(ask.target, ask.body, accept=fohm.check_answer)
            else:
                fetched = await fetcher.get(ask.target, accept=fohm.check_answer, known=ask.known)
            try:
                ask = asks.send(fetched)
            except StopIteration:
                ask = None
    return kept


def loaded(raw: Json = PLAN, **given: Any) -> Made:
    with pxweb(**given) as (base, _):
        kept = asyncio.run(answers(plan_of(raw), base))
    (made,) = fohm.normalise(plan_of(raw), kept)
    return made


def one_of(made: Made, municipality: str, sex: str, year: int) -> Observation:
    (found,) = (
        one for one in made.cube if (one.municipality, one.sex, one.year) == (municipality, Sex(sex), year)
    )
    return found


def refused(reason: str, raw: Json = PLAN, **given: Any) -> None:
    with pytest.raises(BrokenSourceError, match=reason):
        loaded(raw, **given)


def with_dimension(name: str, declared: Json) -> Json:
    def change(raw: Json) -> None:
        raw["load"]["tables"][TABLE]["dimensions"][name] = declared

    return changed(change, PLAN)


def with_cell(key: str, cell: list[Any]) -> Json:
    return changed(lambda sample: sample["cells"].update({key: cell}), SAMPLE)


def with_times(codes: list[str], labels: list[str]) -> Json:
    def change(sample: Json) -> None:
        sample["variables"][4].update(values=codes, valueTexts=labels)
        for (key, cell), code in product(list(sample["cells"].items()), codes):
            sample["cells"][f"{key.rpartition(' ')[0]} {code}"] = cell

    return changed(change, SAMPLE)


def test_four_cells_make_one_observation() -> None:
    kalmar = one_of(loaded(), "08", "total", 2018)

    assert (kalmar.value, kalmar.interval, kalmar.count) == (3.2, Interval(2.3, 4.2), 1310)


def test_every_figure_of_the_table_is_there_and_none_is_invented() -> None:
    sexes = {"00": Sex.TOTAL, "01": Sex.WOMEN, "02": Sex.MEN}
    years = {"2015-2018": 2018, "07": 2021, "2021-2024": 2024}
    split = {tuple(key.split()): cell[0] for key, cell in SAMPLE["cells"].items()}
    expected = {
        (region, sexes[sex], years[year]): None if share == ".." else share
        for (region, sex, year), share in split.items()
    }

    assert {(one.municipality, one.sex, one.year): one.value for one in loaded().cube} == expected


def test_the_codes_of_the_sexes_are_neither_scbs_nor_socialstyrelsens() -> None:
    made = loaded()

    assert one_of(made, "00", "women", 2024).value == 1.9
    assert one_of(made, "00", "men", 2024).value == 4.9


def test_a_window_of_years_stands_under_its_last_year_with_its_days() -> None:
    made = loaded()

    assert {(one.year, one.period) for one in made.cube} == {
        (2018, Period(date(2015, 1, 1), date(2018, 12, 31))),
        (2021, Period(date(2018, 1, 1), date(2021, 12, 31))),
        (2024, Period(date(2021, 1, 1), date(2024, 12, 31))),
    }


def test_windows_that_overlap_are_kept_and_told_in_notes_that_must_be_shown() -> None:
    notes = loaded().indicator.notes
    apart = loaded(sample=with_times(["2015-2018", "2019-2022"], ["2015-2018**", "2019-2022**"]))

    assert [note.text.sv.split()[0] for note in notes if note.mandatory] == ["Siffrorna", "Perioderna"]
    assert [note.text.sv.split()[0] for note in apart.indicator.notes if note.mandatory] == ["Siffrorna"]


def test_a_single_year_is_a_year_and_needs_no_such_note() -> None:
    made = loaded(sample=with_times(["2022", "2024"], ["2022", "2024"]))

    assert {(one.year, one.period) for one in made.cube} == {(2022, None), (2024, None)}
    assert not [note for note in made.indicator.notes if note.mandatory]


@pytest.mark.parametrize(
    ("code", "label"), [("2022", "2019-2022**"), ("07", "Senaste"), ("2019-2022", "2018-2021"), ("1", "2")]
)
def test_a_time_whose_code_and_label_do_not_tell_one_window_is_refused(code: str, label: str) -> None:
    refused("is not one year or one window of years", sample=with_times([code], [label]))


def test_women_and_men_that_are_both_hidden_stay_hidden_beside_their_total() -> None:
    made = loaded()
    women, men, total = (one_of(made, "08", sex, 2024) for sex in ("women", "men", "total"))

    assert (women.status, men.status) == (Status.SUPPRESSED, Status.SUPPRESSED)
    assert (total.value, total.count) == (2.9, 140)


def test_nothing_is_published_beside_a_share_that_is_hidden() -> None:
    women = one_of(loaded(), "08", "women", 2024)

    assert SAMPLE["cells"]["08 01 2021-2024"][3] == 86
    assert (women.count, women.interval) == (None, None)
    refused("an interval whose share it hides", sample=with_cell("08 02 2021-2024", ["..", 1.0, 2.0, ".."]))


def test_a_share_of_zero_has_no_interval_and_is_a_zero() -> None:
    zero = one_of(loaded(), "08", "women", 2018)

    assert (zero.value, zero.status, zero.interval, zero.count) == (0, None, None, 690)


def test_a_symbol_that_the_catalogue_does_not_explain_stops_the_load() -> None:
    silent = changed(lambda raw: raw["load"].update(symbols={}), PLAN)

    refused(r"without a value by '\.\.'", silent)


def test_bounds_that_cannot_be_are_refused() -> None:
    refused("a value lies inside its interval", sample=with_cell("08 00 07", [3.0, 3.1, 3.9, 1275]))
    refused("an interval has two bounds", sample=with_cell("08 00 07", [3.0, 2.1, "..", 1275]))
    refused("a count that is not whole", sample=with_cell("08 00 07", [3.0, 2.1, 3.9, 1275.5]))


def test_the_parts_of_an_observation_are_declared_whole() -> None:
    name = "Andel och konfidensintervall"

    for means in (
        {"02": "low", "03": "high"},
        {"01": "value", "02": "value"},
        {"01": "value", "02": "andel"},
    ):
        refused(
            "makes an observation of", with_dimension(name, {"role": "measure", "take": [{"means": means}]})
        )


def test_a_small_limit_never_parts_the_four_cells_of_an_observation() -> None:
    with pxweb(most=13) as (base, source):
        kept = asyncio.run(answers(plan_of(PLAN), base))
    (made,) = fohm.normalise(plan_of(PLAN), kept)
    asked = [
        {one["code"]: one["selection"]["values"] for one in question["query"]} for question in source.asked
    ]

    assert len(asked) == 6
    assert all(one["Andel och konfidensintervall"] == MEASURES for one in asked)
    assert all(question["response"] == {"format": "json-stat2"} for question in source.asked)
    assert {one["selection"]["filter"] for question in source.asked for one in question["query"]} == {"item"}
    assert list(made.cube) == list(loaded().cube)
    assert made.indicator == loaded().indicator


def test_two_series_of_one_question_are_not_taken_for_one_another() -> None:
    older = changed(lambda sample: sample.update(title="Riskabla spelvanor"), SAMPLE)

    refused("is called 'Riskabla spelvanor', not 'Spelvanor'", sample=older)


def test_a_table_that_has_changed_its_codes_stops_the_load() -> None:
    def other(sample: Json) -> None:
        sample["variables"][3]["values"] = ["0", "1", "2"]

    refused("has no code 00 any more", sample=changed(other, SAMPLE))
    refused(
        "other texts", sample=changed(lambda sample: sample["variables"][0]["values"].append("09"), SAMPLE)
    )


def test_no_other_host_is_asked_than_the_one_that_is_set() -> None:
    with pxweb() as (base, _), pytest.raises(ForeignHostError):
        asyncio.run(stray(base))


async def stray(base: str) -> None:
    async with Fetcher(base, Manners(calls=1000), lambda _: None) as fetcher:
        await fetcher.get("https://example.se/Folkhalsodata/api/v1/sv/x.px")


def test_a_table_that_is_gone_stops_the_load() -> None:
    def renamed(raw: Json) -> None:
        raw["load"]["tables"] = {"A_Folkhalsodata/borta.px": raw["load"]["tables"][TABLE]}
        raw["indicator"][0]["load"]["table"] = "A_Folkhalsodata/borta.px"

    with pytest.raises(SourceError, match=r"borta\.px: status 404"):
        loaded(changed(renamed, PLAN))


def test_a_page_of_html_is_asked_for_again() -> None:
    html = b"<!DOCTYPE html><html></html>"

    assert list(loaded(failures=[html, html[:5]]).cube) == list(loaded().cube)
    with pytest.raises(BrokenAnswerError):
        fohm.check_answer(Fetched(address="x", at=TODAY, status=200, body=html))


def test_answers_that_are_lost_or_too_many_are_refused() -> None:
    with pxweb() as (base, _):
        kept = asyncio.run(answers(plan_of(PLAN), base))

    for wrong, reason in [
        (kept[:-1], "the answers end before"),
        ([*kept, kept[-1]], "more answers than questions"),
    ]:
        with pytest.raises(BrokenSourceError, match=reason):
            list(fohm.normalise(plan_of(PLAN), wrong))
    assert fohm.source_time(plan_of(PLAN), kept) == datetime(2025, 6, 12, 7, tzinfo=UTC)


def test_the_pace_is_within_what_config_allows() -> None:
    with pxweb() as (base, _):
        config, *others = asyncio.run(answers(plan_of(PLAN), base))
    strict = msgspec.structs.replace(
        config, body=b'{"maxValues": 0, "maxCells": 0, "maxCalls": 2, "timeWindow": 10}'
    )

    assert fohm.manners(plan_of(PLAN)) == Manners(calls=1, seconds=1)
    assert fohm.manners_from(config) == Manners(calls=50, seconds=11)
    assert fohm.manners_from(strict) == Manners(calls=2, seconds=11)
    assert [fohm.manners_from(other) for other in others] == [None] * len(others)
