"""Declared corrections: made in the open, and only of what they were written for."""

from typing import Any

import msgspec
import pytest

from datasets.vocabulary import Flag, Interval, Sex, Status, Text
from loaders import corrections
from loaders.corrections import Correction, StaleCorrectionError
from loaders.source import Made
from tests.given import cube, figure, indicator

WRONG = figure("0880", Sex.WOMEN, 2020, value=257.0, interval=Interval(250.0, 260.0), count=100)
OTHERS = (figure("0880", Sex.MEN, 2020, value=20.1), figure("0880", Sex.WOMEN, 2020, "age:80-", value=257.0))
MADE = Made(indicator(), cube(WRONG, *OTHERS))


def corrected(made: Made, mine: list[Correction]) -> Made:
    return corrections.corrected(made, mine, "Kolada (RKA)")


def correction(**said: Any) -> Correction:
    told = {
        "indicator": "prov-andel",
        "municipality": "0880",
        "sex": Sex.WOMEN,
        "year": 2020,
        "was": 257.0,
        "value": 25.7,
        "reason": Text("Kommat hade hamnat fel.", "The decimal point was misplaced."),
    }
    return Correction(**(told | said))


def test_a_correction_changes_its_figure_and_no_other() -> None:
    after = corrected(MADE, [correction()])

    assert set(after.cube) == {*OTHERS, figure("0880", Sex.WOMEN, 2020, value=25.7)}


def test_a_correction_is_told_in_a_note_that_must_be_shown_and_as_no_longer_published_as_is() -> None:
    after = corrected(MADE, [correction()]).indicator
    (note,) = after.notes

    assert note.mandatory
    assert note.text == Text(
        "Rättad av Länsdata: Kommat hade hamnat fel.",
        "Corrected by Länsdata: The decimal point was misplaced.",
    )
    assert (note.municipalities, note.sexes, note.years) == (("0880",), (Sex.WOMEN,), (2020,))
    assert after.processing == "derived"
    assert after.attribution == "Egen bearbetning av data från Kolada (RKA)"


def test_without_a_correction_of_its_own_an_indicator_is_left_as_it_is() -> None:
    assert corrected(MADE, []) is MADE
    assert corrected(MADE, [correction(indicator="prov-antal")]) is MADE


def test_a_figure_in_a_breakdown_is_corrected_by_its_breakdown() -> None:
    after = corrected(MADE, [correction(breakdown={"age": "80-"})])

    assert {one.value for one in after.cube if one.breakdown.text} == {25.7}
    assert WRONG in set(after.cube)
    assert after.indicator.notes[0].breakdown == {"age": "80-"}


def test_several_corrections_are_all_made_and_all_told() -> None:
    after = corrected(MADE, [correction(), correction(sex=Sex.MEN, was=20.1, value=21.0)])

    assert [one.value for one in after.cube if not one.breakdown.text] == [25.7, 21.0]
    assert len(after.indicator.notes) == 2


def test_a_figure_can_be_corrected_to_a_reason_why_there_is_none() -> None:
    flagged = Made(indicator(), cube(figure(sex=Sex.WOMEN, value=257.0, flags=frozenset({Flag.PRELIMINARY}))))
    after = corrected(flagged, [correction(value=None, status=Status.MISSING)])

    assert list(after.cube) == [figure(sex=Sex.WOMEN, status=Status.MISSING)]


def test_a_figure_that_is_missing_can_be_corrected_to_a_value() -> None:
    missing = Made(indicator(), cube(figure(sex=Sex.WOMEN, status=Status.MISSING)))
    after = corrected(missing, [correction(was=None)])

    assert list(after.cube) == [figure(sex=Sex.WOMEN, value=25.7)]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"was": 25.7}, "was written for 25.7, but it is 257.0"),
        ({"was": None}, "was written for None, but it is 257.0"),
        ({"year": 2019}, "there is no such figure"),
        ({"municipality": "0834"}, "there is no such figure"),
        ({"sex": Sex.TOTAL}, "there is no such figure"),
        ({"breakdown": {"age": "65-79"}}, "there is no such figure"),
    ],
)
def test_a_correction_that_no_longer_meets_its_figure_stops_the_load(
    said: dict[str, Any], reason: str
) -> None:
    with pytest.raises(StaleCorrectionError, match=reason):
        corrected(MADE, [correction(**said)])


@pytest.mark.parametrize("said", [{}, {"value": 1.0, "status": "missing"}])
def test_a_correction_to_nothing_or_to_two_things_is_no_correction(said: dict[str, Any]) -> None:
    told = {"indicator": "prov", "municipality": "0880", "sex": "women", "year": 2020, "was": 1.0}

    with pytest.raises(msgspec.ValidationError, match="either a value or a status"):
        msgspec.convert(told | {"reason": {"sv": "Fel"}} | said, Correction)
