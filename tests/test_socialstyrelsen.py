import asyncio
import csv
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.catalogue import Dataset
from datasets.cube import Cube
from datasets.errors import FaultyFileError
from datasets.vocabulary import Observation, Period, Status
from loaders import socialstyrelsen
from loaders.fetch import BrokenAnswerError, Fetched, Fetcher, ForeignHostError, SourceError
from loaders.source import Ask, BrokenSourceError, Made, Plan, Source
from loaders.swedish import figure_of, plain

SOURCE: Source = socialstyrelsen
BASE = "https://sdb.example.se/api/v1/sv"
HTTP = BASE.replace("https", "http")
CATALOGUE = Path(socialstyrelsen.__file__).parent / "catalogue"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
INJURIES = "skadorochskadehandelserisverigeskommunerochlan"
INDICATOR = """
[[indicator]]
id = "prov-{number}"
title = {{sv = "Prov"}}
definition = {{sv = "Prov"}}
unit = "number"

[indicator.load]
measure = {measure}
{load}
"""
MEDICINES = """
[load]
subject = "lakemedel"
{top}
"""
BY_MEDICINE = """
fixed = {{alder = {{text = "0-19"}}}}
absentIsZero = {zero}

[indicator.breakdowns.medicine]
title = {{sv = "Läkemedel"}}

[indicator.breakdowns.medicine.categories]
{titles}

[indicator.load.parts.medicine]
variable = "atc"

[indicator.load.parts.medicine.categories]
{ids}
"""
ATC = ("C02AC02", "N06BA02", "N06BA04", "N06BA09", "N06BA12")
MEASURES = (
    "Antal patienter",
    "Patienter/1000 invånare",
    "Antal expedieringar",
    "Expedieringar/1000 invånare",
)


DATASET = """
id = "prov"
title = {sv = "Prov"}
description = {sv = "Påhittade siffror"}
source = "socialstyrelsen"
publisher = "Socialstyrelsen"
attribution = "Källa: Socialstyrelsen"
processing = "asPublished"
theme = "halsa"
updateFrequency = "annual"
"""


def plan_of(text: str) -> Plan:
    form = tomllib.loads(text)
    dataset = msgspec.convert(tomllib.loads(DATASET), Dataset)
    return Plan(dataset=dataset, load=form["load"], indicators=tuple(form["indicator"]))


def medicines(
    top: str = "", *, zero: bool = True, measures: Sequence[str] = MEASURES, codes: Sequence[str] = ATC
) -> Plan:
    load = BY_MEDICINE.format(
        zero=str(zero).lower(),
        titles="\n".join(f'{code} = {{sv = "{code}"}}' for code in codes),
        ids="\n".join(f'{code} = {{id = "{code}"}}' for code in codes),
    )
    tables = (
        INDICATOR.format(number=at, measure=f'{{text = "{name}"}}', load=load)
        for at, name in enumerate(measures)
    )
    return plan_of(MEDICINES.format(top=top) + "".join(tables))


def figures(made: Sequence[Made]) -> dict[str, dict[tuple[str, str, int, str], Observation]]:
    return {one.indicator.id: keyed(one.cube) for one in made}


def keyed(cube: Cube) -> dict[tuple[str, str, int, str], Observation]:
    return {(f.municipality, f.sex.value, int(f.year), f.breakdown.text): f for f in cube}


# --- a source of our own, small and invented -------------------------------------------------------------

VARIABLES = ("region", "alder", "kon", "matt", "ar", "diagnos")
VALUES: dict[str, list[dict[str, Any]]] = {
    "region": [
        {"id": 0, "kod": "00", "text": "Riket"},
        {"id": 8, "kod": "08", "text": "Kalmar län\r\n"},
    ],
    "alder": [{"id": 1, "text": "0\N{SOFT HYPHEN}19\r\n"}, {"id": 19, "text": "0-85+"}],
    "kon": [
        {"id": 1, "text": "Män\r\n"},
        {"id": 2, "text": "Kvinnor\r\n"},
        {"id": 3, "text": "Båda könen\r\n"},
    ],
    "matt": [{"id": 1, "text": "Antal\r\n"}, {"id": 2, "text": "Antal per 100 000\r\n"}],
    "ar": [{"id": 2019, "text": "2019"}, {"id": 2020, "text": "2020"}, {"id": 2021, "text": "2021"}],
    "diagnos": [{"id": "2026", "text": "Påhittad orsak\r\n"}],
}
LOAD = """
[load]
subject = "prov"
"""
AGES = """
fixed = {diagnos = {id = "2026", text = "Påhittad orsak"}}
absentIsZero = true
marks = {".." = "missing"}

[indicator.load.parts.age]
variable = "alder"
categories = {"0-19" = {text = "0-19"}}
undivided = {id = 19}
"""


def row(region: int = 0, sex: int = 3, year: int = 2020, value: str = "7", age: int = 19) -> dict[str, Any]:
    return {
        "regionId": region,
        "alderId": age,
        "konId": sex,
        "mattId": 1,
        "ar": year,
        "diagnosId": "2026",
        "varde": value,
    }


class Invented:
    """Answers as the source does, from *rows*; `values` and `ignored` let a test spoil it."""

    def __init__(self, rows: Sequence[Mapping[str, Any]], **spoilt: Any) -> None:
        self.rows = rows
        self.values: dict[str, list[dict[str, Any]]] = VALUES | spoilt.get("values", {})
        self.ignored: tuple[str, ...] = spoilt.get("ignored", ())
        self.asked: list[str] = []

    def answer(self, ask: Ask) -> Fetched:
        self.asked.append(ask.target)
        address = ask.target if "://" in ask.target else f"{BASE}/{ask.target}"
        status, body = self._reply(re.sub("^https?://[^/]*/api/v1/sv/", "", address))
        assert status in ask.known, f"{address}: {status}"
        return Fetched(address=address, at=NOON, status=status, body=json.dumps(body).encode())

    def _reply(self, path: str) -> tuple[int, Any]:
        match re.split(r"[/?]", path):
            case ["prov"]:
                return 200, [{"namn": name, "text": name, "info": "<p>"} for name in self.values]
            case ["prov", variable]:
                return 200, self.values[variable]
            case ["prov", "resultat", *filters, query]:
                return self._result(filters, dict(part.split("=") for part in query.split("&")))
        return 404, "<html>"

    def _result(self, filters: Sequence[str], query: Mapping[str, str]) -> tuple[int, Any]:
        wanted = dict(zip(filters[::2], filters[1::2], strict=True))
        columns = {name: name if name == "ar" else f"{name}Id" for name in wanted if name not in self.ignored}
        rows = [
            row
            for row in self.rows
            if all(str(row[column]) in wanted[name].split(",") for name, column in columns.items())
        ]
        size, page = int(query["per_sida"]), int(query["sida"])
        pages = -(-len(rows) // size)
        if page > pages:
            return 404, "<html>"
        link = f"{HTTP}/prov/resultat/{'/'.join(filters)}?per_sida={size}&sida={page + 1}"
        return 200, {
            "data": rows[(page - 1) * size : page * size],
            "amne": "Prov",
            "nasta_sida": link if page < pages else None,
            "foregaende_sida": None,
            "sida": page,
            "per_sida": size,
            "sidor": pages,
        }


def asked_of(source: Invented, plan: Plan) -> list[Fetched]:
    asks, answers = SOURCE.asks(plan), []
    ask = next(asks, None)
    while ask is not None:
        answers.append(source.answer(ask))
        SOURCE.check_answer(answers[-1])
        try:
            ask = asks.send(answers[-1])
        except StopIteration:
            ask = None
    return answers


def loaded(
    rows: Sequence[Mapping[str, Any]], load: str = AGES, top: str = "", **spoilt: Any
) -> dict[Any, Observation]:
    table = INDICATOR.format(number=0, measure='{id = 1, text = "Antal"}', load=load)
    plan = plan_of(LOAD + top + table)
    answers = asked_of(Invented(rows, **spoilt), plan)
    (made,) = SOURCE.normalise(plan, answers)
    return keyed(made.cube)


def test_men_are_1_and_women_2_the_reverse_of_other_sources() -> None:
    found = loaded([row(sex=1, value="30"), row(sex=2, value="10"), row(sex=3, value="40")])

    assert [found["00", sex, 2020, ""].value for sex in ("men", "women", "total")] == [30, 10, 40]


def test_a_sex_that_changes_its_text_is_not_guessed() -> None:
    swapped = [{"id": 1, "text": "Kvinnor"}, {"id": 2, "text": "Män"}, {"id": 3, "text": "Båda könen"}]

    with pytest.raises(BrokenSourceError, match="sex 1 is 'Kvinnor', which it never was"):
        loaded([row()], values={"kon": swapped})


def test_a_fourth_sex_stops_the_load() -> None:
    with pytest.raises(BrokenSourceError, match="sex 4"):
        loaded([row()], values={"kon": [*VALUES["kon"], {"id": 4, "text": "Okänt"}]})


def test_a_region_is_known_by_its_code_and_not_by_its_id() -> None:
    regions = [
        {"id": "00110", "kod": "08", "text": "Kalmar län"},
        {"id": "00100", "kod": "00", "text": "Riket"},
    ]
    rows = [{**row(), "regionId": "00100"}, {**row(value="2"), "regionId": "00110"}]

    assert loaded(rows, values={"region": regions})["08", "total", 2020, ""].value == 2


def test_a_region_that_nobody_knows_stops_the_load() -> None:
    strangers = [*VALUES["region"], {"id": 99, "kod": "99", "text": "Okänt län"}]

    with pytest.raises(BrokenSourceError, match="'99' is no municipality"):
        loaded([row()], values={"region": strangers})


def test_a_region_that_nobody_knows_does_not_matter_where_the_catalogue_lists_its_areas() -> None:
    strangers = [*VALUES["region"], {"id": 99, "kod": "99", "text": "Okänt län"}]

    assert loaded([row()], top='areas = ["00"]', values={"region": strangers}).keys() >= {
        ("00", "total", 2020, "")
    }


def test_an_absent_row_is_zero_only_in_the_years_of_riket() -> None:
    found = loaded([row(year=2019), row(year=2020), row(region=8, year=2019, sex=2, value="1")])

    assert found["08", "women", 2019, ""].value == 1
    assert found["08", "women", 2020, ""].value == 0
    assert found["00", "men", 2019, "age:0-19"].value == 0
    assert not [key for key in found if key[2] == 2021]


def test_an_absent_row_is_no_figure_where_the_catalogue_does_not_say_zero() -> None:
    load = AGES.replace("absentIsZero = true", "")

    assert loaded([row(year=2019), row(year=2020), row(region=8, year=2019)], load).keys() == {
        ("00", "total", 2019, ""),
        ("00", "total", 2020, ""),
        ("08", "total", 2019, ""),
    }


def test_zeros_need_riket_among_the_areas() -> None:
    with pytest.raises(FaultyFileError, match="absentIsZero takes its years from Riket"):
        loaded([row()], top='areas = ["08"]')


@pytest.mark.parametrize(
    ("text", "value"),
    [("123", 123), ("639,3", 639.3), ("1 234", 1234), ("1\xa0234\xa0567,5", 1234567.5), ("0,10", 0.1)],
)
def test_a_figure_has_a_decimal_comma_and_any_space_for_thousands(text: str, value: float) -> None:
    assert loaded([row(value=text)])["00", "total", 2020, ""].value == value


def test_x_is_suppressed_and_two_dots_are_what_the_catalogue_says() -> None:
    found = loaded([row(), row(sex=1, value="X"), row(sex=2, value="..")])

    assert found["00", "men", 2020, ""].status is Status.SUPPRESSED
    assert found["00", "women", 2020, ""].status is Status.MISSING


@pytest.mark.parametrize("text", ["..", "", "12.5", "1 23", "12 345,", "1e3", "ca 340"])
def test_what_is_no_figure_is_never_read_as_one(text: str) -> None:
    with pytest.raises(BrokenSourceError, match="is no number"):
        loaded([row(value=text)], AGES.replace('marks = {".." = "missing"}', ""))


def test_a_mean_of_three_years_stands_under_its_last_year_with_its_period() -> None:
    years = [{"id": "1995-1997", "text": "1995-1997"}]
    found = loaded([{**row(), "ar": "1995-1997", "varde": "39,3"}], values={"ar": years})

    figure = found["00", "total", 1997, ""]
    assert figure.value == 39.3
    assert figure.period == Period(date(1995, 1, 1), date(1997, 12, 31))


def test_texts_may_end_in_line_breaks_and_hold_soft_hyphens() -> None:
    assert loaded([row(age=1)])["00", "total", 2020, "age:0-19"].value == 7


def test_a_filter_that_the_source_ignores_is_found_out() -> None:
    foreign = {**row(), "diagnosId": "0101"}

    with pytest.raises(BrokenSourceError, match="diagnosId '0101', which was not asked for"):
        loaded([row(), foreign], ignored=("diagnos",))


def test_a_variable_that_the_catalogue_does_not_know_stops_the_load() -> None:
    with pytest.raises(BrokenSourceError, match="differ in: vardform"):
        loaded([row()], values={"vardform": [{"id": "SV", "text": "Sluten vård"}]})


def test_a_value_is_found_by_its_text_whatever_its_id() -> None:
    moved = [{"id": 1, "text": "Antal per 100 000"}, {"id": 2, "text": "Antal"}]

    with pytest.raises(BrokenSourceError, match="'1 Antal' is 0 of the values there, not one"):
        loaded([row()], values={"matt": moved})


def test_a_text_that_two_values_have_is_not_chosen_between() -> None:
    twins = [*VALUES["alder"], {"id": 20, "text": "0-19"}]

    with pytest.raises(BrokenSourceError, match="'0-19' is 2 of the values there, not one"):
        loaded([row()], values={"alder": twins})


def test_two_rows_for_one_figure_stop_the_load() -> None:
    with pytest.raises(BrokenSourceError, match="two rows for 0 3 2020 19"):
        loaded([row(), row(value="8")])


def test_a_subject_may_be_gone() -> None:
    plan = plan_of(
        '[load]\nsubject = "lakemedel"\n' + INDICATOR.format(number=0, measure="{id = 1}", load="")
    )

    with pytest.raises(BrokenSourceError, match="no subject 'lakemedel' today"):
        asked_of(Invented([]), plan)


def test_an_answer_without_any_figure_is_no_dataset() -> None:
    with pytest.raises(BrokenSourceError, match="no figure at all for prov-0"):
        loaded([])


def test_one_measure_is_asked_for_at_a_time_and_only_values_that_are_there() -> None:
    source = Invented([row()])
    tables = [INDICATOR.format(number=at, measure=f"{{id = {at + 1}}}", load=AGES) for at in range(2)]
    asked_of(source, plan_of(LOAD + "".join(tables)))

    assert [target for target in source.asked if "resultat" in target] == [
        f"prov/resultat/matt/{matt}/diagnos/2026/alder/1,19/region/0,8/kon/1,2,3/ar/2019,2020,2021?per_sida=5000&sida=1"
        for matt in (1, 2)
    ]


def test_a_variable_that_takes_one_value_is_asked_value_by_value() -> None:
    source = Invented([row(), row(age=1)])
    plan = plan_of(LOAD + 'alone = ["alder"]' + INDICATOR.format(number=0, measure="{id = 1}", load=AGES))
    asked_of(source, plan)

    assert [re.findall("alder/([^/]*)/", target) for target in source.asked if "resultat" in target] == [
        ["1"],
        ["19"],
    ]


def test_a_question_is_cut_so_that_its_answer_fits_a_page() -> None:
    source = Invented([row(year=year) for year in (2019, 2020, 2021)])
    plan = plan_of(LOAD + "pageSize = 12" + INDICATOR.format(number=0, measure="{id = 1}", load=AGES))
    asked_of(source, plan)

    assert [re.findall(r"ar/(\d+)\?", target) for target in source.asked if "resultat" in target] == [
        ["2019"],
        ["2020"],
        ["2021"],
    ]


def test_every_page_is_read_where_the_answer_does_not_fit_one() -> None:
    rows = [row(region, sex, value=str(10 * region + sex)) for region in (0, 8) for sex in (1, 2, 3)]

    found = loaded(rows, top="pageSize = 2")

    values = {figure.value for key, figure in found.items() if not key[3]}
    assert values == {1, 2, 3, 81, 82, 83}


def test_a_page_that_says_it_is_the_last_is_not_believed_when_it_is_full() -> None:
    rows = [row(region, sex) for region in (0, 8) for sex in (1, 2, 3)]

    class EndsEarly(Invented):
        def _result(self, filters: Sequence[str], query: Mapping[str, str]) -> tuple[int, Any]:
            status, body = super()._result(filters, query)
            if status == 200:
                body["sidor"] = max(body["sidor"] - 1, 1)
                body["nasta_sida"] = body["nasta_sida"] if body["sida"] < body["sidor"] else None
            return status, body

    table = INDICATOR.format(number=0, measure="{id = 1}", load=AGES)
    with pytest.raises(BrokenSourceError, match="there is more after page 2, the last of 2"):
        asked_of(EndsEarly(rows), plan_of(LOAD + "pageSize = 2" + table))


def test_the_same_answers_give_the_same_figures_again_and_others_are_refused() -> None:
    plan = plan_of(LOAD + INDICATOR.format(number=0, measure="{id = 1}", load=AGES))
    answers = asked_of(Invented([row(), row(8, 1, value="3")]), plan)
    (first,), (second,) = SOURCE.normalise(plan, answers), SOURCE.normalise(plan, answers)
    other = plan_of(LOAD + INDICATOR.format(number=0, measure="{id = 2}", load=AGES))

    assert list(first.cube) == list(second.cube)
    with pytest.raises(BrokenSourceError, match="the answers are to other questions"):
        list(SOURCE.normalise(other, answers))
    with pytest.raises(BrokenSourceError, match="there is nothing: the answers"):
        list(SOURCE.normalise(plan, answers[:-1]))
    with pytest.raises(BrokenSourceError, match="to no question of prov"):
        list(SOURCE.normalise(plan, [*answers, answers[-1]]))


def test_html_in_place_of_json_is_asked_for_again_but_a_404_is_an_answer() -> None:
    page = Fetched(address=BASE, at=NOON, status=200, body=b"<!DOCTYPE html>")

    with pytest.raises(BrokenAnswerError, match="no JSON"):
        SOURCE.check_answer(page)
    SOURCE.check_answer(msgspec.structs.replace(page, status=404))


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 8]), st.sampled_from([1, 2, 3]), st.integers(0, 10**6)), max_size=6
    )
)
def test_no_figure_is_invented_beside_the_declared_zeros(told: list[tuple[int, int, int]]) -> None:
    rows = {(region, sex): row(region, sex, value=str(value)) for region, sex, value in told}
    rows[0, 3] = row(0, 3, value="5")

    found = loaded(list(rows.values()))

    sexes = {1: "men", 2: "women", 3: "total"}
    stated = {(f"{region:02}", sexes[sex]): int(line["varde"]) for (region, sex), line in rows.items()}
    assert {key[:2]: figure.value for key, figure in found.items() if not key[3]} == {
        (code, sex): stated.get((code, sex), 0) for code in ("00", "08") for sex in ("men", "women", "total")
    }


@given(st.integers(0, 10**9), st.integers(0, 99), st.sampled_from([" ", "\xa0", "\u202f", ""]))
def test_a_swedish_number_reads_back_as_it_was_written(whole: int, hundredths: int, mark: str) -> None:
    text = f"{whole:,}".replace(",", mark) + f",{hundredths:02}"

    assert figure_of(text) == float(f"{whole}.{hundredths:02}")


def test_two_soft_hyphens_are_seen_as_the_two_hyphens_that_they_look_like() -> None:
    assert [plain(text) for text in ("\xad\xad", "0\xad19", "Öster\xadgötland", " 1\xa0000\r\n")] == [
        "--",
        "0-19",
        "Östergötland",
        "1 000",
    ]


# --- the stand-in: a real process, through the real client -----------------------------------------------


@contextmanager
def standin(shared: Path, *switches: str) -> Iterator[str]:
    command = [sys.executable, str(shared / "standins" / "socialstyrelsen.py"), "--port", "0", *switches]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield process.stdout.readline().split()[1]
    finally:
        process.terminate()
        process.wait(60)
        if process.stdout:
            process.stdout.close()


def fetched(base: str, plan: Plan, **manners: Any) -> list[Fetched]:
    told = {"calls": 1000, "attempts": 30, "patience": 30.0} | manners
    kept: list[Fetched] = []

    async def drive() -> None:
        polite = msgspec.structs.replace(SOURCE.manners(plan), **told)
        async with Fetcher(base, polite, kept.append) as fetcher:
            asks = SOURCE.asks(plan)
            ask = next(asks, None)
            while ask is not None:
                answer = await fetcher.get(ask.target, accept=SOURCE.check_answer, known=ask.known)
                try:
                    ask = asks.send(answer)
                except StopIteration:
                    ask = None

    asyncio.run(drive())
    return kept


def made(base: str, plan: Plan, **manners: Any) -> dict[str, dict[tuple[str, str, int, str], Observation]]:
    return figures(list(SOURCE.normalise(plan, fetched(base, plan, **manners))))


def recorded(shared: Path, name: str, column: str) -> dict[tuple[str, str, int, str], float]:
    regions = json.loads((shared / "real/socialstyrelsen/api/dodsorsaker_metadata.json").read_text("utf-8"))
    codes = {region["text"]: region["kod"] for region in regions["region"]}
    sexes = {"Män": "men", "Kvinnor": "women", "Båda könen": "total"}
    path = shared / "real/socialstyrelsen/csv" / f"socialstyrelsen_{name}.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {
            (codes[line["Region"]], sexes[line["Kön"]], int(line["År"]), f"medicine:{line['Läkemedel'][:7]}"):
                float(line[column].replace(",", "."))
            for line in csv.DictReader(file, delimiter=";")
        }  # fmt: skip


@pytest.mark.shared
def test_every_medicine_figure_is_the_recorded_one_and_none_is_added_or_lost(shared: Path) -> None:
    with standin(shared) as base:
        found = made(base, medicines())

    for at, column in enumerate(MEASURES):
        values = {key: figure.value for key, figure in found[f"prov-{at}"].items()}
        assert values == recorded(shared, "2022-02-18", column)


@pytest.mark.shared
def test_the_catalogue_loads_what_was_recorded_of_methylphenidate(shared: Path) -> None:
    form = tomllib.loads((CATALOGUE / "socialstyrelsen-adhd-lakemedel.toml").read_text("utf-8"))
    load = {name: value for name, value in form["load"].items() if name != "source"}
    dataset = msgspec.convert(form["dataset"], Dataset)
    plan = Plan(dataset=dataset, load=load, indicators=tuple(form["indicator"]))
    with standin(shared) as base:
        found = made(base, plan)

    for name, column in (("patienter", "Antal patienter"), ("per-1000", "Patienter/1000 invånare")):
        values = {key: figure.value for key, figure in found[f"socialstyrelsen-metylfenidat-{name}"].items()}
        assert values == {
            (*key[:3], ""): value
            for key, value in recorded(shared, "2022-02-18", column).items()
            if key[3] == "medicine:N06BA04"
        }
    counts = found["socialstyrelsen-metylfenidat-patienter"].values()
    assert dataset.threshold
    assert min(figure.value or 0 for figure in counts) >= dataset.threshold


DEATHS = """
[load]
subject = "dodsorsaker"
""" + INDICATOR.format(
    number=0,
    measure='{id = 1, text = "Antal döda"}',
    load="""
fixed = {diagnos = {id = "01", text = "Vissa infektionssjukdomar och parasitsjukdomar"}}

[indicator.load.parts.age]
variable = "alder"

[indicator.load.parts.age.categories]
"""
    + "\n".join(f'"{5 * at}-{5 * at + 4}" = {{text = "{5 * at}-{5 * at + 4}"}}' for at in range(19))
    + '\n"95-" = {text = "95+"}\n',
)
KINDS = ", ".join(f'"{name}" = {{id = {name}}}' for name in (1, 2, 3, 4, 5, 6, 9))
HURT = INDICATOR.format(
    number=0,
    measure="{id = 1}",
    load=f"""
fixed = {{vardform = {{id = "SV"}}}}
parts.kind = {{variable = "typ", categories = {{{KINDS}}}}}
parts.age = {{variable = "alder", categories = {{{KINDS}}}}}
""",
)


def injuries(size: int) -> Plan:
    top = f'[load]\nsubject = "{INJURIES}"\nareas = ["0180"]\nunasked = ["region", "ar"]\npageSize = {size}\n'
    return plan_of(top + HURT)


@pytest.mark.shared
def test_every_cause_of_death_is_the_recorded_one_and_absent_rows_stay_absent(shared: Path) -> None:
    with standin(shared) as base:
        found = made(base, plan_of(DEATHS))["prov-0"]

    rows = json.loads((shared / "real/socialstyrelsen/api/dodsorsaker_rows.json").read_text("utf-8"))
    ages = [f"{5 * at}-{5 * at + 4}" for at in range(19)] + ["95-"]
    assert {key: figure.value for key, figure in found.items()} == {
        (f"{row['regionId']:02}", "men", row["ar"], f"age:{ages[row['alderId'] - 1]}"): float(row["varde"])
        for row in rows
        if row["diagnosId"] == "01"
    }


@pytest.mark.shared
@pytest.mark.parametrize("size", [5000, 20, 53])
def test_every_injury_is_the_recorded_one_though_neither_region_nor_year_can_be_asked_for(
    shared: Path, size: int
) -> None:
    with standin(shared) as base:
        found = made(base, injuries(size))["prov-0"]

    rows = json.loads((shared / "real/socialstyrelsen/api/skador_rows.json").read_text("utf-8"))
    sexes = {1: "men", 2: "women", 3: "total"}
    assert {key: figure.value for key, figure in found.items()} == {
        ("0180", sexes[row["konId"]], 1997, f"age:{row['alderId']};kind:{row['typId']}"): float(
            row["varde"].replace(",", ".")
        )
        for row in rows
    }


@pytest.mark.shared
def test_a_later_export_behind_the_api_changes_exactly_the_figures_that_differ(
    shared: Path, tmp_path: Path
) -> None:
    old = shared / "real/socialstyrelsen/csv/socialstyrelsen_2022-02-18.csv"
    lines = old.read_text("utf-8-sig").splitlines()
    changed = [line.replace(";1405;4,77;", ";1406;4,78;") for line in lines if "Lisdexamfetamin" not in line]
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv/socialstyrelsen_2025-01-09.csv").write_text("\n".join(changed), "utf-8")
    all_five, first_four = (medicines(zero=False, measures=MEASURES[:1], codes=ATC[:at]) for at in (5, 4))
    folders = ("--data", str(shared / "real/socialstyrelsen"), "--data", str(tmp_path), "--vintage")
    with standin(shared, *folders, "2022-02-18") as base:
        before = made(base, all_five)["prov-0"]
    with standin(shared, *folders, "2025-01-09") as base:
        with pytest.raises(BrokenSourceError, match="'N06BA12' is 0 of the values there"):
            made(base, all_five)
        after = made(base, first_four)["prov-0"]

    assert before["01", "men", 2020, "medicine:C02AC02"].value == 1405
    assert {key for key in after if after[key] != before[key]} == {("01", "men", 2020, "medicine:C02AC02")}
    assert {key[3] for key in before.keys() - after.keys()} == {"medicine:N06BA12"}


@pytest.mark.shared
@pytest.mark.parametrize("seed", [2, 3])
def test_faults_on_the_way_change_no_figure(shared: Path, seed: int) -> None:
    faults = "http500:0.08,reset:0.08,truncate:0.06,html:0.06,slow:0.02"
    with standin(shared, "--faults", faults, "--seed", str(seed)) as base:
        found = made(base, medicines(measures=MEASURES[:1]), patience=120.0)

    values = {key: figure.value for key, figure in found["prov-0"].items()}
    assert values == recorded(shared, "2022-02-18", "Antal patienter")


@pytest.mark.shared
def test_a_source_that_only_fails_is_given_up_in_time(shared: Path) -> None:
    with standin(shared, "--faults", "http500") as base, pytest.raises(SourceError, match="status 500"):
        fetched(base, medicines(), attempts=2, patience=5.0)


@pytest.mark.shared
def test_a_next_page_on_another_host_is_not_followed(shared: Path) -> None:
    plan = injuries(20)

    with standin(shared, "--faults", "wrong-next-host") as base, pytest.raises(ForeignHostError):
        fetched(base, plan)


@pytest.mark.shared
def test_a_last_page_that_is_kept_from_us_is_missed(shared: Path) -> None:
    plan = injuries(20)

    with (
        standin(shared, "--faults", "drop-last-page") as base,
        pytest.raises(BrokenSourceError, match="there is more after page 5, the last of 5"),
    ):
        fetched(base, plan)


@pytest.mark.shared
def test_a_last_page_that_is_kept_from_us_does_not_matter_where_answers_fit_one_page(shared: Path) -> None:
    plan = medicines("pageSize = 400", measures=MEASURES[:1])
    with standin(shared, "--faults", "drop-last-page") as base:
        found = made(base, plan)

    values = {key: figure.value for key, figure in found["prov-0"].items()}
    assert values == recorded(shared, "2022-02-18", "Antal patienter")


@pytest.mark.shared
def test_an_unknown_subject_and_an_unrecorded_one_are_told_apart(shared: Path) -> None:
    plan = plan_of('[load]\nsubject = "kaffe"\n' + INDICATOR.format(number=0, measure="{id = 1}", load=""))
    unrecorded = msgspec.structs.replace(plan, load={"subject": "amning"})

    with standin(shared) as base:
        with pytest.raises(BrokenSourceError, match="no subject 'kaffe'"):
            fetched(base, plan)
        with pytest.raises(SourceError, match="status 501"):
            fetched(base, unrecorded)
