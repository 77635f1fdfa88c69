"""What goes wrong with what SCB is asked, and with its answers."""

from dataclasses import replace
from itertools import product
from math import prod

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders import scb
from loaders.fetch import BrokenAnswerError, Fetched, Manners
from loaders.pxweb_selection import Choice, Picked, Taken, cells_of, split
from loaders.source import BrokenSourceError
from tests.samples.scb_small import (
    AT,
    BASE,
    Json,
    age,
    conversation,
    figures,
    loaded,
    plan_of,
    questions,
)
from tests.samples.scb_table import CODES, DIMENSIONS, REGION, plan, refused, table, with_dimensions

# --- what is asked ---


def test_every_code_is_asked_for_by_name_and_none_by_a_wildcard() -> None:
    wanted = plan(told=with_dimensions(Region={"role": "municipality", "take": [{"pattern": r"08\d*"}]}))

    assert list(questions(conversation(wanted, table()))) == [{**CODES, "Region": ["08", "0880"]}]


def test_a_pattern_that_meets_nothing_stops_the_load_instead_of_leaving_the_variable_out() -> None:
    nothing = {"role": "municipality", "take": [{"codes": ["00"]}, {"pattern": r"09\d\d"}]}

    refused(r"TAB1.* Region: has no code like 09", plan(told=with_dimensions(Region=nothing)))


def test_codes_are_posted_since_a_long_address_is_not_found() -> None:
    asked = [fetched for fetched in conversation(plan(), table()) if "/data" in fetched.address]

    assert all(fetched.asked for fetched in asked)
    assert not any("0880" in fetched.address for fetched in asked)


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


# --- answers ---


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
