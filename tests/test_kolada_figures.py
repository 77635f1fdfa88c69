"""What goes wrong with Kolada's figures: sexes, nulls, digits, areas."""

from itertools import permutations
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.errors import UnknownCodeError
from datasets.vocabulary import Sex, Status
from loaders import kolada
from loaders.fetch import BrokenAnswerError
from loaders.source import Ask, BrokenSourceError
from tests.samples.kolada_small import (
    answered,
    changed_kpi,
    cube,
    fetched,
    figure,
    made,
    page,
    plan_of,
    replying,
    rows,
    sample,
    with_body,
)

# --- sexes, nulls and digits ---


def test_the_first_value_of_a_row_is_not_the_total() -> None:
    first = rows("N99001")[0]
    orders = [first | {"values": list(order)} for order in permutations(first["values"])]
    cubes = [list(cube("N99001", [row])) for row in orders]

    assert all(one == cubes[0] for one in cubes)
    assert [(one.sex, one.value) for one in cubes[0]] == [
        (Sex.TOTAL, 21.88749),
        (Sex.WOMEN, 25.688929),
        (Sex.MEN, 15.778849),
    ]


@given(st.permutations(range(14)), st.randoms())
def test_the_order_of_rows_and_genders_changes_no_figure(order: list[int], chance: Any) -> None:
    mixed = [rows()[at] for at in order]
    for row in mixed:
        chance.shuffle(row["values"])
    plan = plan_of("N99001", "N99002", "N99003", "U99004")

    assert {name: list(one.cube) for name, one in made(plan, mixed).items()} == {
        name: list(one.cube) for name, one in made(plan).items()
    }


@pytest.mark.parametrize("gender", ["X", "", "TK", "Å", "t"])
def test_a_gender_kolada_never_had_is_not_guessed(gender: str) -> None:
    wrong = rows("N99001")
    wrong[0]["values"][0]["gender"] = gender

    with pytest.raises(BrokenSourceError, match="N99001, 0880, 2023"):
        cube("N99001", wrong)


@pytest.mark.parametrize("status", ["", "Missing", "Not applicable", "Private", None])
def test_a_null_is_missing_whatever_its_status_and_count_say(status: str | None) -> None:
    row = rows("N99001")[:1]
    row[0]["values"] = [{"gender": "T", "count": 1, "status": status, "value": None, "isdeleted": False}]
    (one,) = cube("N99001", row)

    assert (one.value, one.status) == (None, Status.MISSING)


def test_whether_a_kpi_is_said_to_be_divided_by_sex_changes_nothing() -> None:
    said, unsaid = (
        made(plan_of("N99001"), kpi=changed_kpi(is_divided_by_gender=told))["N99001"]
        for told in (True, False)
    )

    assert list(said.cube) == list(unsaid.cube)
    assert said.indicator == unsaid.indicator


def test_a_count_of_members_is_not_taken_for_a_number_of_people() -> None:
    row = rows("N99001")[:1]
    row[0] |= {"municipality": "G33618", "values": [row[0]["values"][0] | {"count": 12}]}

    assert [one.count for one in cube("N99001", row)] == [None]


def test_zero_is_a_value_and_null_is_not() -> None:
    torsas = [one for one in cube("N99001") if one.municipality == "0834"]

    assert [(one.sex, one.value, one.status) for one in torsas] == [
        (Sex.TOTAL, 0.0, None),
        (Sex.WOMEN, None, Status.MISSING),
        (Sex.MEN, None, Status.MISSING),
    ]


def test_a_value_with_a_status_nobody_has_seen_is_not_published() -> None:
    wrong = rows("N99001")
    wrong[0]["values"][0]["status"] = "Private"

    with pytest.raises(BrokenSourceError, match="a value of status 'Private'"):
        cube("N99001", wrong)


def test_a_deleted_figure_is_not_there() -> None:
    of_2024 = [one for one in cube("N99001") if one.year == 2024]

    assert [(one.sex, one.value) for one in of_2024] == [(Sex.TOTAL, 21.5)]


@pytest.mark.parametrize(
    "text", ["79.545454", "80.12345678", "0.1", "1234567.25", "25.688929", "0.00012", "-3.5"]
)
def test_every_digit_is_kept(text: str) -> None:
    plan = plan_of("N99001", areas=("0880",))
    kept = with_body(answered(plan, replying()), lambda body: body.replace(b"21.88749", text.encode()))
    value = figure(next(kolada.normalise(plan, kept)).cube, "0880", Sex.TOTAL, 2023).value

    assert repr(value) == text or f"{value:.5f}" == text


@pytest.mark.parametrize(
    "text", ["0.12345678901234567891", "9007199254740993", "12345678.1234567891", "1e300"]
)
def test_a_number_whose_digits_would_be_lost_stops_the_load(text: str) -> None:
    plan = plan_of("N99001", areas=("0880",))
    kept = with_body(answered(plan, replying()), lambda body: body.replace(b"21.88749", text.encode()))

    with pytest.raises(BrokenSourceError, match="more digits than can be kept"):
        list(kolada.normalise(plan, kept))


def test_a_bare_nan_is_not_json() -> None:
    body = msgspec.json.encode(page(rows("N99001")[:1])).replace(b"21.88749", b"NaN")

    with pytest.raises(BrokenAnswerError, match="malformed"):
        kolada.check_answer(fetched(Ask(target="data"), body))


def test_percent_stays_percent() -> None:
    one = made(plan_of("N99001"))["N99001"]

    assert one.indicator.unit == "percent"
    assert figure(one.cube, "00", Sex.MEN, 2023).value == 81.0


# --- areas ---


def test_the_country_and_the_region_get_their_official_codes() -> None:
    assert {one.municipality for one in cube("N99002")} == {"00", "08"}
    assert {one.municipality for one in cube("N99003")} == {"08", "0880"}


def test_regions_are_not_asked_for_municipal_kpis_nor_municipalities_for_regional_ones() -> None:
    kept = answered(plan_of("N99001", "N99002", "N99003"), replying())
    asked = {
        segments[-5]: segments[-3].split(",")
        for segments in (urlsplit(one.address).path.split("/") for one in kept if "/data/" in one.address)
    }

    assert asked == {
        "N99001": ["0000", "0834", "0880", "0980", "G33618"],
        "N99002": ["0000", "0008"],
        "N99003": ["0000", "0008", "0834", "0880", "0980", "G33618"],
    }


def test_a_kpi_that_does_not_say_what_it_is_for_is_asked_for_everywhere() -> None:
    kept = answered(plan_of("N99001"), replying(kpi=changed_kpi(municipality_type=None)))

    assert "/0000,0008,0834,0880,0980,G33618/" in kept[-1].address


def test_gotland_the_region_is_not_gotland_the_municipality() -> None:
    figures = [rows("N99003")[0] | {"municipality": code} for code in ("0009", "0980")]
    plan = plan_of("N99003", areas=("09", "0980"))

    assert [one.municipality for one in made(plan, figures)["N99003"].cube] == ["09", "0980"]


def test_a_group_is_marked_as_an_unweighted_mean_of_its_members() -> None:
    one = made(plan_of("N99001"))["N99001"]
    (note,) = [note for note in one.indicator.notes if note.municipalities]

    assert figure(one.cube, "G33618", Sex.TOTAL, 2023).value == 10.94
    assert figure(one.cube, "G33618", Sex.TOTAL, 2023).count is None
    assert note.mandatory
    assert note.municipalities == ("G33618",)
    assert "ovägda medelvärdet av gruppens kommuner (Kalmar, Torsås)" in note.text.sv


def test_a_group_that_changes_its_members_under_one_id_is_another_definition() -> None:
    (group,) = [one for one in sample("municipality_groups") if one["id"] == "G33618"]
    fewer = group | {"members": group["members"][1:]}
    row = [rows("N99001")[0] | {"municipality": "G33618"}]
    before = made(plan_of("N99001"), row)["N99001"]
    after = made(plan_of("N99001"), row, municipality_groups=[fewer])["N99001"]

    assert list(before.cube) == list(after.cube)
    assert before.indicator != after.indicator


def test_an_indicator_without_a_value_for_a_group_says_nothing_of_groups() -> None:
    assert not [note for note in made(plan_of("N99003"))["N99003"].indicator.notes if note.municipalities]


def test_an_area_that_kolada_does_not_have_stops_the_load() -> None:
    with pytest.raises(BrokenSourceError, match="0885: Kolada knows no such area"):
        answered(plan_of("N99001", areas=("0880", "0885")), replying())


def test_a_county_is_not_a_code_that_kolada_writes() -> None:
    with pytest.raises(UnknownCodeError):
        answered(plan_of("N99001", areas=("0008",)), replying())


def test_a_regional_kpi_for_municipalities_alone_is_refused() -> None:
    with pytest.raises(BrokenSourceError, match="N99002: none of the areas"):
        answered(plan_of("N99002", areas=("0880",)), replying())
