"""What goes wrong with what SCB's figures mean."""

from datetime import date
from typing import Any

import pytest

from datasets.vocabulary import Flag, Period
from tests.samples.scb_small import (
    Json,
    Small,
    age,
    conversation,
    figures,
    loaded,
    questions,
)
from tests.samples.scb_table import (
    AGES,
    CODES,
    MONTHS,
    NOISE,
    cells,
    numbered,
    plan,
    refused,
    table,
    with_dimensions,
)

# --- what the figures mean ---


def noisy(**changes: Any) -> Small:
    codes = {**CODES, "Kon": ["TotSa", "1", "2"], "Tid": ["2024", "2025"]}
    return table(**{"codes": codes, "notes": [NOISE], "mandatory": [True], **changes})


NOISY = with_dimensions(
    Kon={"role": "sex", "take": [{"means": {"TotSa": "total", "1": "men", "2": "women"}}]}
)


def test_totals_that_are_not_the_sum_of_their_parts_are_kept_as_stated_and_flagged_from_2025() -> None:
    parts = {"TotSa": 14, "1": 5, "2": 7}
    made = loaded(plan(told={**NOISY, "perturbed": 2025}), noisy(cell=lambda key: parts[key[1]]))[0]

    assert {figures(made)["08", sex, 2025, ""] for sex in ("total", "men", "women")} == {14, 5, 7}
    assert {(one.year, one.flags) for one in made.cube} == {
        (2024, frozenset()),
        (2025, frozenset({Flag.PERTURBED})),
    }


def test_noise_is_told_in_a_note_that_must_be_shown_beside_the_sources_own() -> None:
    made = loaded(plan(told={**NOISY, "perturbed": 2025}), noisy())[0]

    assert [(note.text.sv[:12], note.mandatory, note.years) for note in made.indicator.notes] == [
        ("En liten slu", True, ()),
        ("SCB har lagt", True, (2025,)),
    ]


def test_a_table_that_carries_noise_is_not_taken_for_one_that_does_not() -> None:
    refused("carries noise, and the catalogue does not say from which year", plan(told=NOISY), noisy())


def test_nothing_is_summed_where_every_number_carries_noise() -> None:
    left_out = {
        "dimensions": {**NOISY["dimensions"], "Civilstand": {"role": "eliminated"}},
        "perturbed": 2025,
    }
    sums = {"id": "agg_X", "type": "Aggregation", "values": [{"code": "00"}]}
    by_list = {"role": "municipality", "codelist": "agg_X", "take": [{"codes": ["00"]}]}
    listed = {"dimensions": {**NOISY["dimensions"], "Region": by_list}, "perturbed": 2025}

    refused("nothing may be left out", plan(told=left_out), noisy())
    refused("the code list agg_X sums", plan(told=listed), noisy(codelists={"Region": {"agg_X": sums}}))


def test_a_total_that_the_table_does_not_state_is_not_made() -> None:
    made = loaded(plan(), table())[0]
    summed = plan(told=with_dimensions(Kon={"role": "eliminated"}))

    assert {sex for _, sex, _, _ in figures(made)} == {"men", "women"}
    refused("must not be left out", summed, table(eliminable=("Kon",), metadata_more=in_swedish))


def in_swedish(body: Json) -> None:
    body["dimension"]["Kon"]["label"] = "kön"


def test_the_code_of_a_total_is_the_tables_own_and_means_the_undivided_figure() -> None:
    by_age = {"role": "age", "take": [{"means": {"tot": "", "100+": "100-"}}, {"pattern": r"\d\d?"}]}
    wanted = plan(told=with_dimensions(Alder=by_age), breakdowns=age("0", "1", "100-"))
    made = loaded(wanted, table(codes={"Alder": ["0", "1", "100+", "tot"], **CODES}))[0]

    assert {key[3] for key in figures(made)} == {"", "age:0", "age:1", "age:100-"}


def test_age_classes_that_overlap_are_chosen_and_never_come_along() -> None:
    single = {"role": "age", "take": [{"pattern": r"\d{1,2}"}, {"means": {"100+": "100-", "TotSA": ""}}]}
    greedy = {"role": "age", "take": [{"pattern": ".*"}]}
    classes = age("0", "1", "10", "100-")
    mixed = table(codes={"Alder": AGES, **CODES})
    wanted = plan(told=with_dimensions(Alder=single), breakdowns=classes)

    assert next(questions(conversation(wanted, mixed)))["Alder"] == ["0", "TotSA", "1", "10", "100+"]
    refused(
        "categories that nobody declared", plan(told=with_dimensions(Alder=greedy), breakdowns=classes), mixed
    )


def test_the_area_is_found_without_a_role_for_geography() -> None:
    made = loaded(plan(), table())[0]

    assert "geo" not in table().metadata()["role"]
    assert made.cube.municipalities == ("00", "08", "0880")


def test_an_area_that_nobody_knows_stops_the_load() -> None:
    wanted = plan(told=with_dimensions(Region={"role": "municipality", "take": [{"pattern": r"\d+"}]}))

    refused("'0899' is no municipality", wanted, table(codes={**CODES, "Region": ["08", "0899"]}))


def test_a_municipality_that_changed_its_code_stands_under_each_code_in_its_own_years() -> None:
    heby = [{"codes": ["1917"], "to": 2006}, {"codes": ["0331"], "from": 2007}]
    wanted = plan(told=with_dimensions(Region={"role": "municipality", "take": heby}))
    codes = {**CODES, "Region": ["1917", "0331"], "Tid": ["2005", "2006", "2007"]}
    made = loaded(wanted, table(codes=codes, cell=cells()))[0]

    assert {(place, year) for place, _, year, _ in figures(made)} == {
        ("1917", 2005),
        ("1917", 2006),
        ("0331", 2007),
    }


def test_a_zero_from_before_a_municipality_was_there_is_not_taken_for_a_figure() -> None:
    knivsta = {"role": "municipality", "take": [{"codes": ["0380"]}, {"codes": ["0330"], "from": 2002}]}
    codes = {**CODES, "Region": ["0330", "0380"], "Tid": ["2001", "2002"]}
    zero = table(codes=codes, cell=lambda key: 0 if key[0] == "0330" and key[3] == "2001" else 12_000)
    made = loaded(plan(told=with_dimensions(Region=knivsta)), zero)[0]

    assert 0 not in figures(made).values()
    assert {year for place, _, year, _ in figures(made) if place == "0330"} == {2002}


REGSO = [
    {"pattern": r"\d{4}R\d{3}", "to": 2023},
    {"pattern": r"\d{4}R\d{3}_RegSO2025", "strip": "_RegSO2025", "from": 2024},
]


def test_two_divisions_of_small_areas_in_one_table_are_kept_apart_by_their_years() -> None:
    codes = {**CODES, "Region": ["0880R001", "0880R001_RegSO2025"]}

    def divided(key: tuple[str, ...]) -> Any:
        old = key[0] == "0880R001"
        return ".." if old == (key[3] == "2024") else numbered(key)

    told = with_dimensions(Region={"role": "municipality", "take": REGSO})
    new = {"year": 2024, "text": {"sv": "RegSO 2025"}}
    made = loaded(plan(told=told, breaks=[new]), table(codes=codes, cell=divided))[0]

    assert figures(made)["0880R001", "men", 2024, ""] == numbered(
        ("0880R001_RegSO2025", "1", "BE0101N1", "2024")
    )
    assert figures(made)["0880R001", "men", 2023, ""] == numbered(("0880R001", "1", "BE0101N1", "2023"))
    refused(
        "another division from 2024: declare the break", plan(told=told), table(codes=codes, cell=divided)
    )


def test_months_do_not_stand_in_one_cube_unless_one_of_them_stands_for_its_year() -> None:
    monthly = table(codes={**CODES, "Tid": MONTHS})
    december = loaded(plan(part={"month": 12}), monthly)[0]
    january = loaded(plan(part={"month": 1}), monthly)[0]

    assert next(questions(conversation(plan(part={"month": 12}), monthly)))["Tid"] == ["2025M12"]
    assert {(one.year, one.period) for one in december.cube} == {(2025, None)}
    assert {(one.year, one.period) for one in january.cube} == {
        (2026, Period(date(2026, 1, 1), date(2026, 1, 31)))
    }
    refused("has months: state the month", plan(), monthly)
    refused("has years: no month can be taken", plan(part={"month": 12}), table())


def test_a_month_stands_for_no_year_of_what_is_counted_over_time() -> None:
    def flow(body: Json) -> None:
        body["dimension"]["ContentsCode"]["extension"]["measuringType"] = {"BE0101N1": "Flow"}

    births = table(codes={**CODES, "Tid": MONTHS}, metadata_more=flow)
    refused("measures a Flow", plan(part={"month": 12}), births)


@pytest.mark.parametrize("time", ["2024K2", "2026V30", "2019-2022"])
def test_a_quarter_a_week_and_a_span_are_not_read_as_their_year(time: str) -> None:
    refused(
        "a time that is neither a year nor a month", plan(), table(codes={**CODES, "Tid": ["2023", time]})
    )


def test_a_symbol_means_what_the_catalogue_says_and_an_unknown_one_stops_the_load() -> None:
    dotted = table(cell=cells(**{"2023": ".."}))
    made = loaded(plan(symbols={"..": "missing"}), dotted)[0]

    assert figures(made)["08", "men", 2023, ""] == "missing"
    refused(r"marks 6 cells without a value by '\.\.'", plan(), dotted)


def test_nil_is_never_silently_missing() -> None:
    nil = table(cell=cells(**{"2023": "-"}))

    refused("without a value by '-'", plan(symbols={"..": "missing"}), nil)
    assert figures(loaded(plan(symbols={"-": "zero"}), nil)[0])["08", "men", 2023, ""] == 0
    assert (
        figures(loaded(plan(symbols={"-": "notApplicable"}), nil)[0])["08", "men", 2023, ""]
        == "notApplicable"
    )


def test_a_cell_without_a_value_and_without_a_reason_stops_the_load() -> None:
    refused("without a value by ''", plan(symbols={"..": "missing"}), table(cell=cells(**{"2023": ""})))


def test_a_note_beside_a_value_is_a_flag_or_nothing_and_never_takes_the_value_away() -> None:
    def marked(body: Json) -> None:
        body["status"] = {"0": "e"}

    noted = table(spoil=marked)
    flagged = loaded(plan(marks={"e": "estimated"}), noted)[0]

    assert [one.flags for one in flagged.cube if one.flags] == [frozenset({Flag.ESTIMATED})]
    assert figures(flagged) == figures(loaded(plan(marks={"e": ""}), noted)[0])
    refused("marks 1 cells with a value by 'e'", plan(), noted)


def test_words_that_are_no_status_and_no_flag_are_refused_in_the_catalogue() -> None:
    refused("unknown", plan(symbols={"..": "unknown"}))
    refused("guessed", plan(marks={"e": "guessed"}))


def test_preliminary_figures_are_told_by_the_label_and_must_be_declared() -> None:
    label = "Preliminär statistik. Folkmängden efter region"
    made = loaded(plan(told={"preliminary": True}), table(label=label))[0]

    assert {one.flags for one in made.cube} == {frozenset({Flag.PRELIMINARY})}
    refused("is preliminary by its label", plan(), table(label=label))


def test_notes_that_must_be_shown_reach_the_indicator_with_what_they_are_about() -> None:
    def noted(body: Json) -> None:
        body["dimension"]["Region"]["category"]["note"] = {"0880": ["Ny\r\n \r\n gräns"], "0881": ["Annan"]}
        body["dimension"]["Kon"]["category"]["note"] = {"2": ["Kvinnor"]}
        body["dimension"]["Tid"]["category"]["note"] = {"2023": ["Rättad"]}
        body["dimension"]["Region"]["extension"]["categoryNoteMandatory"] = {"0880": {"0": True}}

    two = table(notes=["Måste visas", "Kan visas", " "], mandatory=[True, False, False], metadata_more=noted)
    told = loaded(plan(notes=[{"text": {"sv": "Vår egen"}}]), two)[0].indicator.notes

    assert [(note.text.sv, note.mandatory) for note in told] == [
        ("Vår egen", False),
        ("Måste visas", True),
        ("Kan visas", False),
        ("Ny gräns", True),
        ("Kvinnor", False),
        ("Rättad", False),
    ]
    assert [(*note.municipalities, *note.sexes, *note.years) for note in told[3:]] == [
        ("0880",),
        ("women",),
        (2023,),
    ]
