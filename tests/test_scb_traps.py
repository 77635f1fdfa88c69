from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from math import prod
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.vocabulary import Flag, Period
from loaders import scb
from loaders.fetch import BrokenAnswerError, Fetched, Manners
from loaders.pxweb_selection import Choice, Picked, Taken, cells_of, split
from loaders.source import BrokenSourceError, Plan, Source
from tests.samples.scb_small import (
    AT,
    BASE,
    Json,
    Small,
    age,
    conversation,
    figures,
    loaded,
    plan_of,
    questions,
)

SOURCE: Source = scb
CODES = {
    "Region": ["00", "08", "0880"],
    "Kon": ["1", "2"],
    "ContentsCode": ["BE0101N1"],
    "Tid": ["2022", "2023", "2024"],
}
REGION = {"role": "municipality", "take": [{"codes": ["00", "08", "0880"]}]}
SEX = {"role": "sex", "take": [{"means": {"1": "men", "2": "women"}}]}
CONTENTS = {"role": "fixed", "take": [{"codes": ["BE0101N1"]}]}
YEAR = {"role": "year"}
DIMENSIONS: Json = {"Region": REGION, "Kon": SEX, "ContentsCode": CONTENTS, "Tid": YEAR}
BREAK = {"year": 2025, "text": {"sv": "Ny tabell"}}
MONTHS = ["2025M11", "2025M12", "2026M01"]
AGES = ["0", "TotSA", "-4", "0-9", "1", "5-9", "10", "10-14", "10-19", "100+", "100+10", "100+5"]
NOISE = "En liten slumpmässig osäkerhet är införd. Metoden heter Cell Key Method (CKM)."


def numbered(key: tuple[str, ...]) -> int:
    """A figure of its own for each cell, the same whatever else is asked for."""
    return sum((at + 1) * 31**place for place, part in enumerate(key) for at in [sum(map(ord, part)) % 97])


def table(**changes: Any) -> Small:
    return Small(**{"id": "TAB1", "codes": CODES, "cell": numbered, **changes})


def plan(*, told: Json | None = None, part: Json | None = None, **more: Any) -> Plan:
    tables = {"TAB1": {"dimensions": DIMENSIONS, **(told or {})}}
    return plan_of(tables, {"table": "TAB1", **(part or {})}, **more)


def with_dimensions(**changes: Any) -> Json:
    return {"dimensions": {**DIMENSIONS, **changes}}


def refused(reason: str, wanted: Plan, *tables: Small) -> None:
    with pytest.raises(BrokenSourceError, match=reason):
        loaded(wanted, *(tables or [table()]))


def cells(**given: Any) -> Callable[[tuple[str, ...]], Any]:
    """The cell of one code as given, and a number for every other."""

    def cell(key: tuple[str, ...]) -> Any:
        return next((given[part] for part in key if part in given), numbered(key))

    return cell


# --- what is asked --------------------------------------------------------------------------------


def test_every_code_is_asked_for_by_name_and_none_by_a_wildcard() -> None:
    wanted = plan(told=with_dimensions(Region={"role": "municipality", "take": [{"pattern": r"08\d*"}]}))

    assert list(questions(conversation(wanted, table()))) == [{**CODES, "Region": ["08", "0880"]}]


def test_a_pattern_that_meets_nothing_stops_the_load_instead_of_leaving_the_variable_out() -> None:
    nothing = {"role": "municipality", "take": [{"codes": ["00"]}, {"pattern": r"09\d\d"}]}

    refused(r"TAB1.* Region: has no code like 09", plan(told=with_dimensions(Region=nothing)))


def test_a_code_is_never_sent_twice() -> None:
    twice = {"role": "municipality", "take": [{"codes": ["08"]}, {"pattern": "08"}]}
    alike = {**CODES, "Kon": ["1", "2", "tot", "TOT"]}
    both = {"role": "sex", "take": [{"means": {"tot": "total", "TOT": "other"}}]}

    refused("takes 08 twice", plan(told=with_dimensions(Region=twice)))
    refused("cannot tell apart", plan(told=with_dimensions(Kon=both)), table(codes=alike))


def test_a_code_that_the_table_no_longer_has_stops_the_load_and_tells_the_closest() -> None:
    cased = {"role": "sex", "take": [{"means": {"TotSA": "total"}}]}

    refused(
        r"has no code TotSA any more \(closest: TotSa\)",
        plan(told=with_dimensions(Kon=cased)),
        table(codes={**CODES, "Kon": ["TotSa", "1", "2"]}),
    )


def test_nothing_is_left_to_the_default_selection() -> None:
    def default(body: Json) -> None:
        body["id"].remove("Region")
        body["size"] = body["size"][1:]
        body["value"] = body["value"][: prod(body["size"])]

    refused("was asked for Region, Kon, ContentsCode, Tid and answers Kon, C", plan(), table(spoil=default))


def test_an_answer_with_fewer_codes_than_were_asked_for_is_refused() -> None:
    def shorter(body: Json) -> None:
        body["dimension"]["Tid"]["category"]["index"] = {"2022": 0, "2023": 1}
        body["size"][-1] = 2
        body["value"] = body["value"][: prod(body["size"])]

    refused("was asked for 3 codes of Tid; more or less: 2024", plan(), table(spoil=shorter))


def test_the_order_of_the_categories_in_the_answer_is_the_answers_own() -> None:
    def turned(body: Json) -> None:
        years = len(CODES["Tid"])
        body["dimension"]["Tid"]["category"]["index"] = {"2022": 2, "2023": 1, "2024": 0}
        rows = [body["value"][at : at + years] for at in range(0, len(body["value"]), years)]
        body["value"] = [value for row in rows for value in reversed(row)]

    assert figures(loaded(plan(), table(spoil=turned))[0]) == figures(loaded(plan(), table())[0])


def test_a_dimension_that_the_table_has_gained_stops_the_load() -> None:
    gained = {"Region": CODES["Region"], "Civilstand": ["OG", "G"], **CODES}

    refused("a dimension that nobody declared: Civilstand", plan(), table(codes=gained))


def test_a_dimension_that_the_table_has_lost_stops_the_load() -> None:
    lost = {name: codes for name, codes in CODES.items() if name != "Kon"}

    refused("has no dimension Kon", plan(), table(codes=lost))


def test_what_is_left_out_is_left_out_on_purpose_and_only_where_the_table_allows_it() -> None:
    wanted = plan(told=with_dimensions(Civilstand={"role": "eliminated"}))
    more = {**CODES, "Civilstand": ["OG", "G"]}
    asked = next(questions(conversation(wanted, table(codes=more, eliminable=("Civilstand",)))))

    assert "Civilstand" not in asked
    refused("Civilstand cannot be left out", wanted, table(codes=more))


@given(st.lists(st.integers(1, 7), min_size=2, max_size=4), st.integers(4, 60))
def test_questions_that_are_split_ask_every_cell_once_and_none_too_many(sizes: list[int], most: int) -> None:
    roles = ["measure", "year", "municipality", "age"]
    sizes = [min(sizes[0], 4), *sizes[1:]]
    selection = [
        Picked(role, role, "", tuple(Taken(str(at), str(at)) for at in range(size)))
        for role, size in zip(roles, sizes, strict=False)
    ]
    asked = list(split(selection, most, "TAB1"))
    keys = [key for one in asked for key in product(*one.values())]

    assert all(cells_of(one) <= most for one in asked)
    assert sorted(keys) == sorted(product(*(picked.codes for picked in selection)))
    assert all(len(one["measure"]) == sizes[0] for one in asked)


def test_a_table_too_large_for_one_answer_is_asked_for_in_parts_and_never_by_time() -> None:
    kept = conversation(plan(), table(), most_cells=7)
    asked = list(questions(kept))

    assert [cells_of(one) for one in asked] == [6, 6, 6]
    assert all(one["Tid"] == CODES["Tid"] for one in asked)
    assert figures(next(scb.normalise(plan(), kept))) == figures(loaded(plan(), table())[0])


def test_a_limit_of_zero_is_no_limit() -> None:
    assert len(list(questions(conversation(plan(), table(), most_cells=0)))) == 1


def test_a_code_list_is_asked_for_its_codes_when_it_is_named() -> None:
    classes = {"id": "agg_Ålder", "type": "Aggregation", "values": [{"code": "-9"}, {"code": "10-19"}]}
    codes = {"Alder": ["0", "1"], **CODES}
    take = [{"means": {"-9": "0-9"}}, {"codes": ["10-19"]}]
    by_age = {"role": "age", "codelist": "agg_Ålder", "take": take}
    wanted = plan(told=with_dimensions(Alder=by_age), breakdowns=age("0-9", "10-19"))
    listed = table(codes=codes, codelists={"Alder": {"agg_%C3%85lder": classes}})
    listed.metadata_more = lambda body: body["dimension"]["Alder"]["extension"].update(
        codelists=[{"id": "agg_Ålder"}]
    )
    kept = conversation(wanted, listed)
    selection = msgspec.json.decode(kept[-1].asked)["selection"]

    assert kept[3].address == f"{BASE}/codelists/agg_%C3%85lder?lang=sv"
    assert selection[0] == {"variableCode": "Alder", "codelist": "agg_Ålder", "valueCodes": ["-9", "10-19"]}
    assert {key[3] for key in figures(next(scb.normalise(wanted, kept)))} == {"age:0-9", "age:10-19"}
    refused("offers no code list agg_Ålder", wanted, replace(listed, metadata_more=lambda _: None))


# --- what the figures mean ------------------------------------------------------------------------


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


# --- tables that are replaced ---------------------------------------------------------------------


def stitched(*, breaks: list[Json], last: int = 2024, first: int = 2025) -> Plan:
    tables = {"TAB1": {"dimensions": DIMENSIONS}, "TAB2": {"dimensions": DIMENSIONS}}
    parts = [{"table": "TAB1", "to": last}, {"table": "TAB2", "from": first}]
    return plan_of(tables, *parts, breaks=breaks)


def successor(**changes: Any) -> Small:
    return table(
        **{"id": "TAB2", "codes": {**CODES, "Tid": ["2024", "2025"]}, "cell": lambda _: 9, **changes}
    )


def test_a_series_over_two_tables_takes_each_year_from_the_table_that_is_declared_for_it() -> None:
    made = loaded(stitched(breaks=[BREAK]), table(notes=["Gammal"]), successor(notes=["Ny"]))[0]
    kalmar = {
        year: value for (place, sex, year, _), value in figures(made).items() if (place, sex) == ("08", "men")
    }

    assert {year: value == 9 for year, value in kalmar.items()} == {
        2022: False,
        2023: False,
        2024: False,
        2025: True,
    }
    assert [(note.text.sv, note.years) for note in made.indicator.notes] == [
        ("Gammal", (2022, 2023, 2024)),
        ("Ny", (2025,)),
    ]


def test_a_series_over_two_tables_needs_its_break_and_takes_no_year_from_both() -> None:
    refused("goes over to TAB2 in 2025 without a declared break", stitched(breaks=[]), table(), successor())
    refused("takes 2024 from both TAB1 and TAB2", stitched(breaks=[BREAK], first=2024), table(), successor())


def test_a_table_that_has_stopped_without_a_word_is_told() -> None:
    late = loaded(plan(told={"due": 14}), table())[0].indicator.notes
    expected = loaded(plan(told={"due": 24}), table())[0].indicator.notes
    closed = loaded(plan(part={"to": 2024}, told={"due": 14}), table())[0].indicator.notes

    assert [note.text.sv for note in late] == [
        "SCB:s tabell TAB1 har ingen nyare period än 2024; en ny väntades senast 2026-02-28."
    ]
    assert (expected, closed) == ((), ())


def test_a_table_that_is_called_discontinued_is_told_unless_the_series_goes_on_elsewhere() -> None:
    ended = table(discontinued=True)

    assert len(loaded(plan(), ended)[0].indicator.notes) == 1
    assert loaded(plan(part={"to": 2024}), ended)[0].indicator.notes == ()


def test_another_table_under_the_same_id_is_noticed() -> None:
    label, unit = {"label": "Folkmängden"}, {"unit": "antal"}

    def in_thousands(body: Json) -> None:
        body["dimension"]["ContentsCode"]["category"]["unit"] = {"BE0101N1": {"base": "tusental"}}

    refused("is called 'Levande födda', not 'Folkmängden'", plan(told=label), table(label="Levande födda"))
    refused("counts 'tusental', not 'antal'", plan(told=unit), table(metadata_more=in_thousands))


def test_an_answer_of_another_table_than_the_one_asked_is_refused() -> None:
    def foreign(body: Json) -> None:
        body["extension"]["px"]["tableid"] = "TAB7"

    refused("is answered by another table: TAB7", plan(), table(spoil=foreign))
    refused("by TAB1 and by the metadata of TAB7", plan(), table(metadata_more=foreign))


def test_ids_are_the_same_in_any_case_as_they_are_to_the_source() -> None:
    def lower(body: Json) -> None:
        body["extension"]["px"]["tableid"] = "tab1"

    assert loaded(plan(), table(spoil=lower, metadata_more=lower))


def test_a_table_that_changes_while_it_is_read_stops_the_load() -> None:
    moments: Iterator[int] = iter(range(9))

    def moving(body: Json) -> None:
        body["updated"] = f"2025-02-21T07:00:0{next(moments)}Z"

    kept = conversation(plan(), table(spoil=moving), most_cells=7)

    with pytest.raises(BrokenSourceError, match="changed while it was read"):
        list(scb.normalise(plan(), kept))


def test_the_time_of_the_table_that_changed_last_is_the_time_of_the_figures() -> None:
    projected = successor(updated="2026-04-15T06:00:00Z")
    kept = conversation(stitched(breaks=[BREAK]), table(), projected)

    assert scb.source_time(stitched(breaks=[BREAK]), kept) == datetime(2026, 4, 15, 6, tzinfo=UTC)
    assert scb.source_time(plan(), []) is None


# --- answers --------------------------------------------------------------------------------------


def test_kept_answers_give_the_same_figures_again() -> None:
    kept = conversation(plan(), table(), most_cells=7)

    assert [figures(one) for one in scb.normalise(plan(), kept)] == [figures(loaded(plan(), table())[0])]


def test_answers_that_are_lost_foreign_or_too_many_are_refused() -> None:
    kept = conversation(plan(), table(), most_cells=7)

    for wrong, reason in [
        (kept[:-1], "the answers end before this one"),
        ([*kept[:-2], kept[-1], kept[-2]], "the answer here is to another question"),
        ([*kept, kept[-1]], "more answers than questions"),
        (kept[1:], "the answer here is to another question"),
    ]:
        with pytest.raises(BrokenSourceError, match=reason):
            list(scb.normalise(plan(), wrong))


def test_a_page_of_html_and_half_an_answer_are_asked_for_again() -> None:
    for body in (b"<!DOCTYPE html>", b'{"value": [1, 2', b"", b"[]"):
        with pytest.raises(BrokenAnswerError):
            scb.check_answer(Fetched(address=BASE, at=AT, status=200, body=body))
    scb.check_answer(Fetched(address=BASE, at=AT, status=200, body=b'{"id": "TAB1"}'))


def limits(calls: int, seconds: int) -> Manners | None:
    body = {"maxDataCells": 1, "maxCallsPerTimeWindow": calls, "timeWindow": seconds}
    answer = Fetched(address=f"{BASE}/config", at=AT, status=200, body=msgspec.json.encode(body))
    return scb.manners_from(answer)


def test_the_limits_of_each_run_are_those_that_config_states() -> None:
    slow, fast = limits(3, 1), limits(30, 10)

    assert slow == Manners(calls=3, seconds=pytest.approx(1.1))
    assert fast == Manners(calls=30, seconds=pytest.approx(11))
    assert limits(0, 0) == Manners()
    assert scb.manners(plan()) == Manners(calls=1, seconds=1)
    assert scb.manners_from(Fetched(address=f"{BASE}/tables/TAB1", at=AT, status=200, body=b"{}")) is None


def test_a_config_that_does_not_state_its_limits_stops_the_load() -> None:
    kept = conversation(plan(), table())
    wrong = msgspec.structs.replace(kept[0], body=b'{"maxDataCells": -1}')

    with pytest.raises(BrokenSourceError, match="/config"):
        list(scb.normalise(plan(), [wrong, *kept[1:]]))


def test_what_the_catalogue_says_is_checked_before_anything_is_asked() -> None:
    refused(
        "unused",
        plan_of({"TAB1": {"dimensions": DIMENSIONS}, "unused": {"dimensions": {}}}, {"table": "TAB1"}),
    )
    refused("unknown field `perturbd`", plan(told={"perturbd": 2025}))
    refused("indicator scb-prov-antal, load", plan_of({"TAB1": {"dimensions": DIMENSIONS}}))
    refused(
        "'boys' is not a valid Sex",
        plan(told=with_dimensions(Kon={"role": "sex", "take": [{"means": {"1": "boys"}}]})),
    )
    refused(
        "is to be one code, and takes 2",
        plan(told=with_dimensions(Kon={"role": "fixed", "take": [{"codes": ["1", "2"]}]})),
    )
    refused("no role twice", plan(told=with_dimensions(Kon={**REGION, "take": [{"means": {"1": "08"}}]})))
    for choice in ({}, {"codes": ("1",), "pattern": "."}, {"codes": ("1",), "strip": "x"}, {"pattern": "("}):
        with pytest.raises(ValueError, match=r"choice has one of|strip goes with|is no pattern"):
            Choice(**choice)


def test_two_codes_with_one_meaning_in_one_year_are_refused() -> None:
    same = {"role": "sex", "take": [{"means": {"1": "men", "2": "men"}}]}

    refused("two figures for 00, men, 2022", plan(told=with_dimensions(Kon=same)))
