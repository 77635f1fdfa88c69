import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.numbers import number_of, number_text, number_texts
from tests.given import decimals, numbers

WRITTEN = [
    (0.1, "0.1"),
    (1e-7, "0.0000001"),
    (-1e-7, "-0.0000001"),
    (79.545454, "79.545454"),
    (12345678901.0, "12345678901"),
    (3.0, "3"),
    (-1044.0, "-1044"),
    (0.0, "0"),
    (-0.0, "0"),
    (100000.0, "100000"),
    (999999999999999.0, "999999999999999"),
    (0.00012345, "0.00012345"),
    (123456789012.125, "123456789012.125"),
]


@pytest.mark.parametrize(("number", "text"), WRITTEN)
def test_a_number_is_written_as_its_shortest_plain_decimal(number: float, text: str) -> None:
    assert number_text(number) == text


@given(numbers())
def test_what_is_written_reads_back_equal_and_has_no_exponent(number: float) -> None:
    text = number_text(number)

    assert number_of(text) == number
    assert re.fullmatch(r"-?(0|[1-9]\d*)(\.\d*[1-9])?", text)


@given(decimals())
def test_no_digit_of_a_decimal_is_lost(written: Decimal) -> None:
    text = number_text(number_of(f"{written:f}"))

    assert Decimal(text) == written


@given(st.lists(numbers() | st.just(float("nan")), max_size=8))
def test_a_column_is_written_as_its_numbers_are_one_by_one(column: list[float]) -> None:
    singly = ["" if number != number else number_text(number) for number in column]  # noqa: PLR0124

    assert number_texts(np.array(column, np.float64)) == singly


@pytest.mark.parametrize(("only", "text"), [(2.5, "2.5"), (float("nan"), ""), (-0.0, "0")])
def test_a_column_that_repeats_one_number_is_written_alike(only: float, text: str) -> None:
    assert number_texts(np.broadcast_to(np.float64(only), (3,))) == [text] * 3


def test_numbers_beyond_all_figures_can_still_be_told_in_a_refusal() -> None:
    assert number_texts(np.array([1e300, 1e17]))[1] == "100000000000000000"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1 000",
        "1\N{NO-BREAK SPACE}000",
        "1_000",
        "1,5",
        "1.000,5",
        "1e5",
        "1.23457E+10",
        "nan",
        "inf",
        "-",
        "5.",
        "\N{ARABIC-INDIC DIGIT FIVE}",
    ],
)
def test_only_plain_decimals_are_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number with decimal point"):
        number_of(text)


@pytest.mark.parametrize("text", ["1000000000000000", "-1" + "0" * 400, "0.0000000000000001"])
def test_no_figure_is_so_large_or_so_small(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number that a figure can have"):
        number_of(text)


@pytest.mark.parametrize("text", ["0.1234567890123456789", "123456789012345.678", "0." + "0" * 400 + "1"])
def test_a_number_whose_digits_a_float_would_lose_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="more digits than can be kept"):
        number_of(text)


@pytest.mark.parametrize(("text", "number"), [("1.50", 1.5), ("007", 7), ("-0", 0), (".5", 0.5), ("+2", 2)])
def test_a_number_may_be_written_in_more_ways_than_one(text: str, number: float) -> None:
    assert number_text(number_of(text)) == number_text(number)
