"""Pictures of the figures: what is drawn, what is said in them, and how they are kept."""

import asyncio
import re
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from hypothesis import given, settings

from api.charts import look
from api.charts.drawing import Drawing, DrawingError
from api.charts.numerals import numeral
from api.replies import FRESH, PINNED
from tests.conftest import Server
from tests.given import numbers
from tests.pictured import ABSENT, BREAK, HIDDEN, hemtjanst
from tests.test_refusals import faults, problem

KALMAR = {"municipality": "0880", "sex": "women,men"}


@pytest.fixture(scope="module")
def charts(pictured: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{pictured.url}/charts", timeout=120) as one:
        yield one


def spec(charts: httpx.Client, name: str, **asked: str) -> dict[str, Any]:
    answer = charts.get(f"/{name}.vl.json", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()  # type: ignore[no-any-return]


def marks(drawn: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [layer for layer in drawn["layer"] if layer["mark"]["type"] == kind]


def texts(drawn: dict[str, Any]) -> str:
    heading = [*drawn["title"]["text"], *drawn["title"]["subtitle"]]
    lines = [line for layer in marks(drawn, "text") for line in layer["mark"].get("text", ())]
    return " ".join([*heading, *lines])


def contrast(one: str, other: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_figure_that_was_asked_for_is_drawn_and_no_other(charts: httpx.Client) -> None:
    drawn = spec(charts, "N21704", municipality="0880,08,00")
    told = {(row["series"], row["year"]): row["value"] for row in drawn["data"]["values"]}
    names = {"0880": "Kalmar", "08": "Kalmar län", "00": "Riket"}
    sexes = {"total": "totalt", "women": "kvinnor", "men": "män"}

    assert told == {
        (f"{names[one.municipality]}, {sexes[one.sex]}", one.year): one.value
        for one in hemtjanst()
        if one.value is not None
    }


def test_a_line_is_interrupted_at_a_break_at_a_gap_and_at_what_is_hidden(charts: httpx.Client) -> None:
    rows = spec(charts, "N21704", municipality="0880,08")["data"]["values"]
    runs: dict[str, list[list[int]]] = {}
    for row in rows:
        of = runs.setdefault(row["series"], [])
        if not of or row["run"] != of[-1][0]:
            of.append([row["run"]])
        of[-1].append(row["year"])
    years = {label: [run[1:] for run in of] for label, of in runs.items()}

    assert {("0880", "men", 2021)} == {(area, sex.value, year) for area, sex, year in HIDDEN}
    assert {("08", "women", 2017)} == {(area, sex.value, year) for area, sex, year in ABSENT}
    assert years["Kalmar, kvinnor"] == [[*range(2015, 2020)], [*range(2020, 2024)]]
    assert years["Kalmar, män"] == [[*range(2015, 2020)], [2020], [2022, 2023]]
    assert years["Kalmar län, kvinnor"] == [[2015, 2016], [2018, 2019], [*range(2020, 2024)]]


def test_a_survey_of_every_third_year_has_no_gaps(charts: httpx.Client) -> None:
    rows = spec(charts, "prov-enkat")["data"]["values"]

    assert [row["year"] for row in rows] == [2013, 2016, 2019, 2022]
    assert len({row["run"] for row in rows}) == 1


def test_a_break_is_a_rule_between_the_years_and_is_explained_in_the_picture(charts: httpx.Client) -> None:
    drawn = spec(charts, "N21704", **KALMAR)
    rules = [layer["data"]["values"] for layer in marks(drawn, "rule") if "strokeDash" in layer["mark"]]

    assert rules == [[{"year": 2019.5, "text": "Brott 2020"}]]
    assert f"Tidsseriebrott 2020: {BREAK}" in texts(drawn)
    assert "Series break 2020" in texts(spec(charts, "N21704", lang="en", **KALMAR))
    assert "brott" not in texts(spec(charts, "N21704", yearFrom="2020", **KALMAR)).lower()


def test_what_is_hidden_is_said_in_words_and_never_drawn_as_zero(charts: httpx.Client) -> None:
    drawn = spec(charts, "N21704", **KALMAR)
    bars = spec(charts, "N21704", year="2021", **KALMAR)
    absent = [row for row in bars["data"]["values"] if row["value"] is None]

    assert "Dold av sekretesskäl: män 2021." in texts(drawn)
    assert all(row["value"] for row in drawn["data"]["values"])
    assert [row["text"] for row in absent] == ["Dold av sekretesskäl"]
    assert "0" not in absent[0]["text"]


def test_the_summary_never_compares_across_a_break(charts: httpx.Client) -> None:
    told = spec(charts, "N21704", municipality="0880", sex="women")["description"]

    assert "Kalmar: 27,4\N{NO-BREAK SPACE}% år 2023, upp från 26,5\N{NO-BREAK SPACE}% år 2020." in told
    assert "2015" not in told
    assert f"Tidsseriebrott 2020: {BREAK}" in told


def test_an_interval_is_drawn_and_told(charts: httpx.Client) -> None:
    drawn = spec(charts, "prov-en-punkt")
    (row,) = drawn["data"]["values"]

    assert (row["value"], row["low"], row["high"]) == (3.2, 2.3, 4.2)
    assert row["text"] == "3,2\N{NO-BREAK SPACE}% (2,3\N{EN DASH}4,2)"
    assert len(marks(drawn, "tick")) == 2
    assert "osäkerhetsintervall" in texts(drawn)
    assert "3.2% (2.3\N{EN DASH}4.2) in 2022" in spec(charts, "prov-en-punkt", lang="en")["description"]


def test_bars_begin_at_zero_and_a_cut_axis_is_said(charts: httpx.Client) -> None:
    ends = spec(charts, "prov-forandring")["layer"][0]["encoding"]["x"]["scale"]["domain"]

    assert ends[0] < -12.5
    assert ends[1] > 3
    assert "börjar inte vid noll" in texts(spec(charts, "prov-enkat"))
    assert "börjar inte vid noll" not in texts(spec(charts, "N21704", **KALMAR))


def test_every_municipality_is_a_bar_of_the_latest_year(charts: httpx.Client) -> None:
    drawn = spec(charts, "prov-alla-kommuner")
    values = [row["value"] for row in drawn["data"]["values"]]

    assert len(values) == 290
    assert values == sorted(values, reverse=True)
    assert "visar 2023" in texts(drawn)


def test_a_picture_without_figures_says_why(charts: httpx.Client) -> None:
    drawn = spec(charts, "prov-ingen")

    assert "Det finns ingen siffra" in texts(drawn)
    assert "Dold av sekretesskäl: kvinnor 2023; män 2023." in texts(drawn)


@pytest.mark.parametrize("name", ["N21704", "prov-en-punkt", "prov-forandring", "prov-ingen"])
def test_every_picture_is_drawn_with_its_source_inside(name: str, charts: httpx.Client) -> None:
    svg = charts.get(f"/{name}.svg", params={"width": "400"})
    drawn = re.sub(r"<[^>]+>", " ", svg.text)

    assert (svg.status_code, svg.headers["content-type"]) == (200, "image/svg+xml")
    assert svg.headers["content-security-policy"].startswith("default-src 'none'")
    assert "Källa: Region Kalmar län. Länsdata, prov version 1.0.0" in re.sub(r"\s+", " ", drawn)
    assert "<script" not in svg.text


def test_a_png_is_as_wide_as_asked_and_twice_as_sharp(charts: httpx.Client) -> None:
    png = charts.get("/N21704.png", params={"width": "500", **KALMAR})
    wide, _ = struct.unpack(">II", png.content[16:24])

    assert png.headers["content-type"] == "image/png"
    assert 900 < wide <= 1010


@pytest.mark.parametrize(("pin", "caching"), [("1.0.0", PINNED), ("", FRESH)])
def test_only_a_pinned_picture_is_for_ever(pin: str, caching: str, charts: httpx.Client) -> None:
    answer = charts.get("/prov-enkat.svg", params={"version": pin} if pin else {})
    again = charts.get("/prov-enkat.svg", headers={"If-None-Match": answer.headers["etag"]})

    assert answer.headers["cache-control"] == caching
    assert ("content-location" in answer.headers) == (not pin)
    if not pin:
        assert again.status_code == 304
        assert charts.get(answer.headers["content-location"]).headers["cache-control"] == PINNED


def test_what_cannot_be_drawn_is_refused_with_the_closest(charts: httpx.Client) -> None:
    assert faults(charts.get("/N21704.svg", params={"sex": "female"})) == [("sex", "female")]
    assert faults(charts.get("/N21704.svg", params={"limit": "3"})) == [("limit", "3")]
    assert faults(charts.get("/N21704.svg", params={"width": "9"})) == [("width", "9")]
    assert problem(charts.get("/N2170.svg"), 404, "not-found")["invalidParameters"][0]["closest"] == [
        "N21704"
    ]
    assert faults(charts.get("/N21704.svg", params={"version": "9.9.9"})) == [("version", "9.9.9")]
    assert "asOf" in charts.get("/N21704.svg", params={"asOf": "2020-01-01"}).text
    assert problem(charts.get("/N21704.gif"), 404, "not-found")["invalidParameters"][0]["closest"]


def test_drawing_does_not_hold_up_other_answers(charts: httpx.Client, pictured: Server) -> None:
    charts.get("/prov-enkat.svg")
    with ThreadPoolExecutor(2) as pool, httpx.Client(base_url=pictured.url) as other:
        drawing = [
            pool.submit(charts.get, "/prov-alla-kommuner.svg", params={"width": width})
            for width in (900, 901)
        ]
        waits, began = [], time.perf_counter()
        while not all(one.done() for one in drawing):
            begun = time.perf_counter()
            assert other.get("/api/v1/observations?indicator=N21704&limit=1").status_code == 200
            waits.append(time.perf_counter() - begun)
        whole = time.perf_counter() - began

    assert {one.result().status_code for one in drawing} == {200}
    # whoever waits for a picture waits for half of the whole time
    assert sorted(waits)[len(waits) // 2] < whole / 4


def test_what_is_asked_for_at_once_is_drawn_once_and_a_fault_does_not_stop_the_next() -> None:
    plain = {"data": {"values": [{"a": 1}]}, "mark": "point", "encoding": {"x": {"field": "a"}}}

    async def run() -> None:
        drawing = Drawing()
        several = await asyncio.gather(*(drawing.picture(plain, "svg") for _ in range(5)))
        with pytest.raises(DrawingError):
            await drawing.picture({"mark": "nonsense"}, "svg")
        again = await drawing.picture(plain | {"width": 99}, "svg")
        await drawing.stop()

        assert len({id(one) for one in several}) == 1
        assert again.startswith(b"<svg")

    asyncio.run(run())


def test_every_colour_stands_out_from_the_paper() -> None:
    assert all(contrast(colour, look.PAPER) >= 4.5 for colour in (*look.COLOURS, look.INK, look.FAINT))


@pytest.mark.parametrize(
    ("number", "decimals", "sv", "en"),
    [
        (0.0, 1, "0", "0"),
        (25.7, 1, "25,7", "25.7"),
        (-12.5, None, "\N{MINUS SIGN}12,5", "\N{MINUS SIGN}12.5"),
        (1234567.0, 0, "1\N{NARROW NO-BREAK SPACE}234\N{NARROW NO-BREAK SPACE}567", "1,234,567"),
        (23.4567, 1, "23,5", "23.5"),
        (-0.04, 1, "0,0", "0.0"),
        (0.25, 1, "0,3", "0.3"),
    ],
)
def test_numbers_are_written_as_people_read_them(number: float, decimals: int, sv: str, en: str) -> None:
    assert (numeral(number, decimals, "sv"), numeral(number, decimals, "en")) == (sv, en)


@given(numbers())
@settings(max_examples=30)
def test_a_number_that_is_not_rounded_reads_back_equal(number: float) -> None:
    text = numeral(number, None, "sv")
    plain = text.replace("\N{NARROW NO-BREAK SPACE}", "").replace("\N{MINUS SIGN}", "-").replace(",", ".")

    assert float(plain) == number
