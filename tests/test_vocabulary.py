from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.catalogue import (
    Dimension,
    Indicator,
    Note,
    SeriesBreak,
    canonical_metadata,
    dataset_of,
    indicator_of,
    metadata_hash,
)
from datasets.statuses import ABSENT, LEGEND, REMOVED
from datasets.vocabulary import (
    Breakdown,
    Flag,
    Interval,
    MunicipalityCode,
    Period,
    Sex,
    Status,
    Text,
    Year,
    checked_id,
)
from tests.given import dataset, figure, indicator, keys


@pytest.mark.parametrize("code", ["00", "08", "0880", "0880R001", "0880A0010", "G33618", "0880-berga"])
def test_an_area_is_named_by_its_official_code(code: str) -> None:
    assert MunicipalityCode(code) == code


@pytest.mark.parametrize("text", ["", "8", "880", "08800", "Kalmar", "0880 ", "0880\n", "٠٨٨٠", "g33618"])
def test_what_no_area_code_looks_like_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="does not look like an area code"):
        MunicipalityCode(text)


@pytest.mark.parametrize("number", [1748, 2201, 0, -1, 20200])
def test_figures_are_of_years_in_which_there_were_figures(number: int) -> None:
    with pytest.raises(ValueError, match="is not a year from 1749 to 2200"):
        Year(number)


def test_the_sexes_stand_in_the_order_of_an_answer() -> None:
    assert list(Sex) == ["total", "women", "men", "other"]


def test_the_statuses_and_flags_are_those_of_the_contract() -> None:
    assert list(Status) == ["missing", "suppressed", "notApplicable", "notYetPublished"]
    assert list(Flag) == ["preliminary", "estimated", "lowReliability", "seriesBreak", "perturbed"]


def test_the_legend_explains_every_status_and_flag_in_two_languages() -> None:
    told = [(sign.code, sign.kind) for sign in LEGEND]
    words = [words for sign in LEGEND for words in (sign.title, sign.text)]

    assert told == [(code, "status") for code in (*Status, REMOVED, ABSENT)] + [
        (code, "flag") for code in Flag
    ]
    assert all(text.sv and text.en and text.sv != text.en for text in words)


def test_a_period_does_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="runs backwards"):
        Period(date(2021, 1, 1), date(2020, 12, 31))


@pytest.mark.parametrize(("low", "high"), [(2.0, 1.0), (float("nan"), 1.0), (0.0, float("inf"))])
def test_an_interval_has_two_bounds_in_order(low: float, high: float) -> None:
    with pytest.raises(ValueError, match=r"interval runs backwards|not a number that a figure can have"):
        Interval(low, high)


@given(keys())
def test_a_breakdown_reads_back_as_it_was_written(key: tuple[Any, ...]) -> None:
    breakdown = key[3]

    assert Breakdown.parse(breakdown.text) == breakdown


@given(st.dictionaries(st.sampled_from(["age", "rub", "reporter"]), st.just("x")).map(dict.items))
def test_the_order_of_dimensions_does_not_matter(parts: Any) -> None:
    backwards = list(parts)[::-1]

    assert Breakdown.of(parts) == Breakdown.of(backwards)


@pytest.mark.parametrize(
    "text",
    ["age", "age:", ":80-", "age:a b", "Age:80-", "age:80-;age:65-", "rub:5;age:80-", "age:å", "age:x\n"],
)
def test_only_canonical_breakdowns_are_breakdowns(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"is not a dimension and its category|must be sorted and stand once"
    ):
        Breakdown.parse(text)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"value": 1.0, "status": Status.MISSING}, "either a value or a status"),
        ({"value": None}, "either a value or a status"),
        ({"status": Status.SUPPRESSED, "flags": frozenset({Flag.ESTIMATED})}, "go with a value"),
        ({"status": Status.SUPPRESSED, "count": 0}, "go with a value"),
        ({"value": float("nan")}, "a figure can have"),
        ({"value": 5.0, "interval": Interval(1.0, 4.0)}, "outside its interval"),
        ({"count": -1}, "a whole number from 0"),
        ({"count": 2**53 + 1}, "a whole number from 0"),
        ({"period": Period(date(2018, 1, 1), date(2019, 12, 31))}, "its period's last"),
    ],
)
def test_a_figure_never_says_two_things_at_once(said: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        figure(year=2020, **said)


@pytest.mark.parametrize("text", ["", "-a", "a-", "a--b", "å", "a b", "a/b", "a.b", "a\n", "a" * 101])
def test_an_id_is_letters_digits_and_single_hyphens(text: str) -> None:
    with pytest.raises(ValueError, match="is not an id"):
        checked_id(text)


def full_indicator() -> Indicator:
    return indicator(
        description=Text("Mer", "More"),
        decimals=1,
        breaks=(SeriesBreak(2020, Text("Ny definition")),),
        notes=(Note(text=Text("Obs"), mandatory=True, years=(2020,), sexes=(Sex.MEN,)),),
        replaced_by="annan",
    )


def test_metadata_read_back_as_they_were_kept() -> None:
    whole, table = full_indicator(), dataset(keywords=("vård",), person_based=True, threshold=5)

    assert indicator_of(canonical_metadata(whole)) == whole
    assert dataset_of(canonical_metadata(table)) == table


def test_categories_are_shown_in_the_order_they_were_defined_in() -> None:
    back = indicator_of(canonical_metadata(indicator()))

    assert list(back.breakdowns["age"].categories) == ["80-", "65-79"]


def test_another_order_of_categories_is_another_definition() -> None:
    one = indicator()
    categories = dict(reversed(one.breakdowns["age"].categories.items()))
    other = msgspec.structs.replace(one, breakdowns={"age": Dimension(Text("Ålder"), categories)})

    assert metadata_hash(canonical_metadata(one)) != metadata_hash(canonical_metadata(other))


def test_metadata_are_kept_as_json_with_sorted_keys_and_nothing_at_its_default() -> None:
    bare = Indicator(id="prov", title=Text("Andel"), definition=Text("Andel (%)"), unit="percent")

    assert canonical_metadata(bare) == (
        b'{"definition":{"sv":"Andel (%)"},"id":"prov","title":{"sv":"Andel"},"unit":"percent"}'
    )


def test_a_table_of_people_states_its_threshold() -> None:
    with pytest.raises(ValueError, match="state its threshold"):
        dataset(person_based=True)


def test_a_category_that_no_figure_could_carry_is_no_category() -> None:
    with pytest.raises(ValueError, match="is not a dimension and its category"):
        Indicator(
            id="prov",
            title=Text("Andel"),
            definition=Text("Andel"),
            unit="percent",
            breakdowns={"age": Dimension(Text("Ålder"), {"80 år": Text("80 år")})},
        )
