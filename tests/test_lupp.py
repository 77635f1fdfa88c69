import csv
import logging
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from io import StringIO
from pathlib import Path
from shutil import copy

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from datasets.errors import FaultyFileError
from datasets.ledger import Draft
from datasets.vocabulary import Flag, Observation, Sex
from loaders.kinds import read_file
from loaders.lupp_shares import wilson
from tests.conftest import ROOT

SAMPLES = Path(__file__).parent / "samples"
COLUMNS = ("År", "Undersökning", "Kön", "Boendekommun", "Skolkommun", "ID", "Fraga", "Svar", "antal")
with (SAMPLES / "lupp_invented.csv").open(encoding="utf-8", newline="") as sample:
    INVENTED = [tuple(row[name] for name in COLUMNS) for row in csv.DictReader(sample, delimiter=";")]
TOP = """
kind = "lupp"
file = "{file}"

[dataset]
id = "lupp-prov"
title = {{sv = "Prov"}}
description = {{sv = "Påhittade siffror"}}
source = "lupp"
publisher = "Region Kalmar län"
attribution = "Källa: LUPP"
processing = "derived"
theme = "barn-och-unga"
updateFrequency = "triennial"
personBased = true
threshold = 5

[answers]
sexes = {{"Tjej" = "women", "Kille" = "men", "Annan könstillhörighet" = "other"}}
stages = {{"Högstadiet" = "hogstadiet", "Gymnasiet" = "gymnasiet", "Anpassad skolgång" = "anpassad"}}
names = {{"Kalmar" = "0880", "Torsås kommun" = "0834"}}
outside = ["Annat län"]
"""
SHOWN = 'shown = ["total"]\n'
ALL_SHOWN = 'shown = ["total", "women", "men", "other"]\n'
INDICATOR = """
[[indicator]]
id = "{name}"
title = {{sv = "Prov"}}
definition = {{sv = "Prov"}}
unit = "percent"

[indicator.breakdowns.stage]
title = {{sv = "Skolform"}}
categories = {{hogstadiet = {{sv = "H"}}, gymnasiet = {{sv = "G"}}, anpassad = {{sv = "A"}}}}

[indicator.load]
question = "{question}"
wordings = ["Påhittad fråga?"]
chosen = {chosen}
others = {others}
place = "{place}"
"""
Row = tuple[str, ...]
Key = tuple[str, str, int, str]


def indicator(
    name: str = "lupp-prov-god",
    *,
    question: str = "F1a",
    chosen: str = '["Mycket bra", "Ganska bra"]',
    others: str = '["Ganska dålig"]',
    place: str = "home",
) -> str:
    return INDICATOR.format(name=name, question=question, chosen=chosen, others=others, place=place)


def separated(rows: Iterable[Row], separator: str = ";", header: Sequence[str] = COLUMNS) -> str:
    out = StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\n").writerows([header, *rows])
    return out.getvalue()


def handed_over(
    folder: Path, rows: Iterable[Row] | bytes = INVENTED, *, top: Mapping[str, str] | None = None, **said: str
) -> Draft:
    told = {"file": "prov.csv", "more": SHOWN, "indicators": indicator()} | said
    if told["file"].endswith(".csv"):
        (folder / told["file"]).write_bytes(rows if isinstance(rows, bytes) else separated(rows).encode())
    form = TOP.format(file=told["file"])
    for old, new in (top or {}).items():
        assert old in form
        form = form.replace(old, new)
    (folder / "prov.toml").write_text(form + told["more"] + told["indicators"], "utf-8")
    return read_file(folder / "prov.toml")


def figures(draft: Draft, name: str = "lupp-prov-god") -> dict[Key, Observation]:
    return {(f.municipality, f.sex.value, int(f.year), f.breakdown.text): f for f in draft.cubes[name]}


def shares(draft: Draft, name: str = "lupp-prov-god") -> dict[Key, tuple[float | None, int | None]]:
    return {key: (figure.value, figure.count) for key, figure in figures(draft, name).items()}


def counted(*told: tuple[str, str, int]) -> list[Row]:
    """Rows of one school, by sex, answer and number."""
    return [
        ("2021", "Högstadiet", sex, "Kalmar", "Kalmar", "F1a", "Påhittad fråga?", answer, str(number))
        for sex, answer, number in told
    ]


def changed(row: int, **cells: str) -> list[Row]:
    """The invented rows with other cells in one of them."""
    rows = list(INVENTED)
    named = dict(zip(COLUMNS, rows[row], strict=True)) | cells
    rows[row] = tuple(named[name] for name in COLUMNS)
    return rows


def faults(error: pytest.ExceptionInfo[FaultyFileError]) -> list[tuple[int, str, str]]:
    return [(fault.row, fault.column, fault.value) for fault in error.value.faults]


# --- counts to shares ------------------------------------------------------------------------------------


def test_a_share_is_of_those_who_answered_the_item_in_home_municipality_and_stage(tmp_path: Path) -> None:
    assert shares(handed_over(tmp_path, more=ALL_SHOWN)) == {
        ("0834", "total", 2021, "stage:hogstadiet"): (55.4, 74),
        ("0834", "women", 2021, "stage:hogstadiet"): (70.8, 24),
        ("0834", "men", 2021, "stage:hogstadiet"): (48.6, 37),
        ("0834", "other", 2021, "stage:hogstadiet"): (46.2, 13),
        ("0880", "total", 2021, "stage:hogstadiet"): (57.6, 99),
        ("0880", "women", 2021, "stage:hogstadiet"): (63.9, 36),
        ("0880", "men", 2021, "stage:hogstadiet"): (60.0, 35),
        ("0880", "other", 2021, "stage:hogstadiet"): (47.1, 17),
        ("0880", "total", 2021, "stage:gymnasiet"): (63.5, 115),
        ("0880", "women", 2021, "stage:gymnasiet"): (66.7, 48),
        ("0880", "men", 2021, "stage:gymnasiet"): (67.4, 46),
        ("0880", "other", 2021, "stage:gymnasiet"): (47.6, 21),
    }


def test_the_total_holds_who_stated_no_sex_and_is_no_sum_of_two(tmp_path: Path) -> None:
    found = shares(handed_over(tmp_path, more=ALL_SHOWN))
    by_sex = [found["0880", sex, 2021, "stage:hogstadiet"][1] or 0 for sex in ("women", "men", "other")]

    assert found["0880", "total", 2021, "stage:hogstadiet"][1] == sum(by_sex) + 11


@pytest.mark.parametrize("silence", ["", "Har inte besvarat frågan", "_bortfall_"])
def test_who_did_not_answer_the_item_leaves_both_sums(tmp_path: Path, silence: str) -> None:
    rows = counted(("Tjej", "Mycket bra", 30), ("Tjej", "Ganska dålig", 10), ("Tjej", silence, 60))

    assert shares(handed_over(tmp_path, rows)) == {("0880", "total", 2021, "stage:hogstadiet"): (75.0, 40)}


def test_home_and_school_municipality_give_different_figures_and_each_says_which(tmp_path: Path) -> None:
    home = handed_over(tmp_path)
    school = handed_over(tmp_path, indicators=indicator(place="school"))

    assert shares(home)["0834", "total", 2021, "stage:hogstadiet"] == (55.4, 74)
    assert shares(school)["0834", "total", 2021, "stage:hogstadiet"] == (48.0, 50)
    told = [
        [note.text.sv for note in made.indicators["lupp-prov-god"].notes if note.mandatory]
        for made in (home, school)
    ]
    assert "Kommunen är den där eleven bor." in told[0]
    assert "Kommunen är den där skolan ligger." in told[1]


def test_one_question_is_not_shown_by_home_and_by_school_since_their_cross_is_finer_than_either(
    tmp_path: Path,
) -> None:
    both = indicator() + indicator("lupp-prov-skola", place="school")

    with pytest.raises(FaultyFileError, match="differs from another indicator of F1a in place"):
        handed_over(tmp_path, indicators=both)


def test_the_county_is_made_of_its_municipalities_pupils_and_not_of_their_shares(tmp_path: Path) -> None:
    found = shares(handed_over(tmp_path, more=SHOWN + 'county = "08"\n'))

    assert found["08", "total", 2021, "stage:hogstadiet"] == (56.6, 173)
    assert len(found) == 5


def test_stages_are_never_added_together(tmp_path: Path) -> None:
    parts = {key[3] for key in figures(handed_over(tmp_path))}
    undivided = indicator().replace("[indicator.breakdowns.stage]", "[indicator.breakdowns.skolform]")

    assert parts == {"stage:hogstadiet", "stage:gymnasiet"}
    with pytest.raises(FaultyFileError, match="must be stage alone"):
        handed_over(tmp_path, indicators=undivided)


def test_a_round_is_one_year_and_nothing_stands_between_rounds(tmp_path: Path) -> None:
    rows = [("2015", *row[1:]) for row in INVENTED] + INVENTED

    assert {key[2] for key in figures(handed_over(tmp_path, rows))} == {2015, 2021}


def test_a_stage_that_a_municipality_did_not_take_part_in_is_no_zero(tmp_path: Path) -> None:
    assert ("0834", "total", 2021, "stage:gymnasiet") not in figures(handed_over(tmp_path))


def test_pupils_from_outside_and_without_a_municipality_are_counted_nowhere(tmp_path: Path) -> None:
    tail = ("Kalmar", "F1a", "Påhittad fråga?", "Mycket bra", "3")
    strangers = [("2021", "Högstadiet", "Tjej", home, *tail) for home in ("Annat län", "")]

    assert shares(handed_over(tmp_path, [*INVENTED, *strangers])) == shares(handed_over(tmp_path))


# --- intervals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "answers", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_wilsons_as_newcombe_1998_prints_it(
    hits: int, answers: int, low: float, high: float
) -> None:
    assert wilson(hits, answers) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_its_share_and_mirrors_that_of_the_rest(told: tuple[int, int]) -> None:
    hits, answers = told
    low, high = wilson(hits, answers)

    assert (
        0 <= low <= hits / answers <= high <= 1
        or abs(hits / answers - low) < 1e-12
        or abs(high - hits / answers) < 1e-12
    )
    assert wilson(answers - hits, answers) == (pytest.approx(1 - high), pytest.approx(1 - low))


def test_a_figure_has_its_interval_and_its_number_of_answers(tmp_path: Path) -> None:
    figure = figures(handed_over(tmp_path))["0880", "total", 2021, "stage:hogstadiet"]

    assert figure.interval
    assert (figure.value, figure.interval.low, figure.interval.high, figure.count) == (57.6, 47.7, 66.8, 99)


def test_a_share_is_rounded_half_up_to_the_decimals_of_its_indicator(tmp_path: Path) -> None:
    rows = counted(("Tjej", "Mycket bra", 5), ("Tjej", "Ganska dålig", 35))
    whole = indicator().replace('unit = "percent"', 'unit = "percent"\ndecimals = 0')

    assert shares(handed_over(tmp_path, rows))["0880", "total", 2021, "stage:hogstadiet"] == (12.5, 40)
    assert shares(handed_over(tmp_path, rows, indicators=whole))[
        "0880", "total", 2021, "stage:hogstadiet"
    ] == (13, 40)


# --- response rates --------------------------------------------------------------------------------------

RATES = """
lowRate = 60
rate = [
    {year = 2021, stage = "hogstadiet", municipality = "0880", percent = 87},
    {year = 2021, stage = "hogstadiet", municipality = "0834", percent = 70},
    {year = 2021, stage = "gymnasiet", municipality = "0880", percent = 28},
]
"""


def test_a_low_response_rate_is_flagged_for_its_group_alone(tmp_path: Path) -> None:
    found = figures(handed_over(tmp_path, more=SHOWN + RATES))

    assert {key for key, figure in found.items() if Flag.LOW_RELIABILITY in figure.flags} == {
        ("0880", "total", 2021, "stage:gymnasiet")
    }


def test_a_rate_that_is_not_given_is_no_high_rate(tmp_path: Path) -> None:
    without = RATES.replace(
        '    {year = 2021, stage = "gymnasiet", municipality = "0880", percent = 28},\n', ""
    )

    with pytest.raises(FaultyFileError) as error:
        handed_over(tmp_path, more=SHOWN + without)
    assert faults(error) == [(0, "answers.rate", "2021 gymnasiet 0880")]


# --- the floor -------------------------------------------------------------------------------------------


def held(folder: Path, rows: Iterable[Row], **said: str) -> int:
    with pytest.raises(FaultyFileError) as error:
        handed_over(folder, rows, **said)
    (fault,) = error.value.faults
    assert (fault.row, fault.column, fault.value, fault.file) == (0, "", "", "prov.csv")
    number, _, rest = fault.reason.partition(" ")
    assert rest == "cells are under the floor of 5 persons; the dataset is held, whole"
    return int(number)


@pytest.mark.parametrize(("good", "bad"), [(4, 40), (40, 4), (0, 40), (40, 0), (2, 2)])
def test_a_small_numerator_rest_or_base_holds_the_whole_dataset(tmp_path: Path, good: int, bad: int) -> None:
    told = [
        ("Tjej", answer, number) for answer, number in (("Mycket bra", good), ("Ganska dålig", bad)) if number
    ]

    assert held(tmp_path, counted(*told)) == 1


def test_numbers_at_the_floor_are_shown(tmp_path: Path) -> None:
    rows = counted(("Tjej", "Mycket bra", 5), ("Tjej", "Ganska dålig", 5))

    assert shares(handed_over(tmp_path, rows)) == {("0880", "total", 2021, "stage:hogstadiet"): (50, 10)}


@pytest.mark.parametrize("third", ["Annan könstillhörighet", ""])
def test_the_third_group_that_total_less_the_two_sexes_hands_out_is_held(tmp_path: Path, third: str) -> None:
    two = [(sex, answer, 20) for sex in ("Tjej", "Kille") for answer in ("Mycket bra", "Ganska dålig")]
    rows = counted(*two, (third, "Mycket bra", 1))

    assert held(tmp_path, rows, more='shown = ["total", "women", "men"]\n') == 1
    assert len(figures(handed_over(tmp_path, rows))) == 1
    assert len(figures(handed_over(tmp_path, counted(*two), more='shown = ["total", "women", "men"]\n'))) == 3


def test_a_sex_that_is_shown_and_has_nobody_is_held_too(tmp_path: Path) -> None:
    rows = counted(("Tjej", "Mycket bra", 20), ("Tjej", "Ganska dålig", 20))

    assert held(tmp_path, rows, more='shown = ["total", "women", "men"]\n') == 1


def test_what_lies_between_two_indicators_of_one_question_is_held(tmp_path: Path) -> None:
    rows = counted(("Tjej", "Mycket bra", 20), ("Tjej", "Ganska bra", 2), ("Tjej", "Ganska dålig", 20))
    both = indicator() + indicator(
        "lupp-prov-bast", chosen='["Mycket bra"]', others='["Ganska bra", "Ganska dålig"]'
    )

    assert held(tmp_path, rows, indicators=both) == 1
    assert len(handed_over(tmp_path, rows).cubes) == 1


def test_a_held_dataset_tells_how_many_cells_and_never_which_or_what(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    rows = [*INVENTED, *counted(("Tjej", "Mycket bra", 4))]
    secret = [("2018", *row[1:]) for row in rows[-1:]]

    with pytest.raises(FaultyFileError) as error:
        handed_over(tmp_path, [*INVENTED, *secret])
    told = str(error.value) + caplog.text
    assert not [word for word in ("Kalmar", "0880", "2018", "Tjej", " 4 ", "F1a") if word in told]


@pytest.mark.parametrize(
    ("top", "reason"),
    [
        ({"personBased = true\nthreshold = 5": ""}, "dataset.personBased: must be true"),
        ({"threshold = 5": ""}, "state its threshold"),
        ({'processing = "derived"': 'processing = "asPublished"'}, "must be derived"),
    ],
)
def test_a_hand_over_of_people_states_a_floor_and_that_we_made_the_shares(
    tmp_path: Path, top: dict[str, str], reason: str
) -> None:
    with pytest.raises(FaultyFileError, match=reason):
        handed_over(tmp_path, top=top)


# --- what is not known -----------------------------------------------------------------------------------


def test_unknown_names_stop_the_load_with_the_list_of_them(tmp_path: Path) -> None:
    rows = changed(0, Boendekommun="Gagnefs kommun")
    rows[3] = (*rows[3][:3], "Torsås", "Kalmars kommun", *rows[3][5:])
    rows[4] = (*rows[4][:3], "Gagnefs kommun", *rows[4][4:])

    with pytest.raises(FaultyFileError) as error:
        handed_over(tmp_path, rows)
    assert faults(error) == [
        (2, "Boendekommun", "Gagnefs kommun"),
        (5, "Boendekommun", "Torsås"),
        (5, "Skolkommun", "Kalmars kommun"),
    ]
    assert error.value.faults[1].closest[0] == "Torsås kommun"


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("Undersökning", "Anpassad grundskola"),
        ("Kön", "Flicka"),
        ("Svar", "Vet inte"),
        ("ID", "F2"),
        ("Fraga", "En annan fråga?"),
        ("År", "21"),
    ],
)
def test_a_word_that_nobody_declared_is_not_guessed(tmp_path: Path, column: str, text: str) -> None:
    with pytest.raises(FaultyFileError) as error:
        handed_over(tmp_path, changed(0, **{column: text}))

    assert faults(error) == [(2, column, text)]


def test_a_question_of_no_indicator_must_be_named_as_left_out(tmp_path: Path) -> None:
    rows = changed(0, ID="A1", Fraga="Vilket år är du född?", Svar="2007")

    assert handed_over(tmp_path, rows, more=SHOWN + 'ignored = ["A1"]\n').cubes


@pytest.mark.parametrize("number", ["0", "-1", "2,5", "", "1e2", "två", "1 000 000 000"])
def test_a_number_of_pupils_is_a_whole_number_from_one_and_never_told(tmp_path: Path, number: str) -> None:
    with pytest.raises(FaultyFileError) as error:
        handed_over(tmp_path, changed(0, antal=number))

    assert faults(error) == [(2, "antal", "")]


def test_rows_pasted_twice_are_not_counted_twice(tmp_path: Path) -> None:
    with pytest.raises(FaultyFileError) as error:
        handed_over(tmp_path, [*INVENTED, INVENTED[0]])

    assert [(fault.row, fault.reason) for fault in error.value.faults] == [
        (25, "the same combination stands in row 2 already")
    ]


def test_a_column_that_crosses_people_further_is_refused(tmp_path: Path) -> None:
    body = separated([(*row, "Sverige") for row in INVENTED], header=(*COLUMNS, "Födelseland")).encode()

    with pytest.raises(FaultyFileError, match="'Födelseland' is no column of the hand-over"):
        handed_over(tmp_path, body)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    header = [name.replace("Fraga", "Fråga") for name in COLUMNS]

    with pytest.raises(FaultyFileError, match=r"Fraga: is no column of the table \(closest: Fråga"):
        handed_over(tmp_path, separated(INVENTED, header=header).encode())


def asked(question: str, wording: str, *told: tuple[str, int]) -> list[Row]:
    """Rows of one school to one question, by answer and number."""
    return [
        ("2021", "Högstadiet", "Tjej", "Kalmar", "Kalmar", question, wording, answer, str(number))
        for answer, number in told
    ]


def test_two_questions_of_one_round_have_each_their_own_denominator(tmp_path: Path) -> None:
    rows = [
        *asked("F1a", "Påhittad fråga?", ("Mycket bra", 30), ("Ganska dålig", 10)),
        *asked("F9", "Påhittad följdfråga?", ("Mycket bra", 6), ("Ganska dålig", 6), ("", 28)),
    ]
    filtered = indicator("lupp-prov-foljd", question="F9").replace("Påhittad fråga?", "Påhittad följdfråga?")
    draft = handed_over(tmp_path, rows, indicators=indicator() + filtered)

    assert shares(draft) == {("0880", "total", 2021, "stage:hogstadiet"): (75.0, 40)}
    assert shares(draft, "lupp-prov-foljd") == {("0880", "total", 2021, "stage:hogstadiet"): (50.0, 12)}


def test_a_question_whose_id_moved_between_rounds_is_one_series_by_its_wording(tmp_path: Path) -> None:
    later = asked("F1a", "Påhittad fråga?", ("Mycket bra", 30), ("Ganska dålig", 10))
    earlier = [("2015", *row[1:5], "F0201", *row[6:]) for row in later]
    moved = indicator().replace('question = "F1a"', 'question = ["F1a", "F0201"]')
    draft = handed_over(tmp_path, later + earlier, indicators=moved)

    assert {key[2] for key in figures(draft)} == {2015, 2021}
    assert draft.indicators["lupp-prov-god"].source_code == "F1a, F0201"


def test_an_id_with_another_wording_is_another_question_and_stops_the_load(tmp_path: Path) -> None:
    rows = asked("F1a", "Hur ofta äter du frukost?", ("Mycket bra", 30), ("Ganska dålig", 10))

    with pytest.raises(
        FaultyFileError, match=r"'Hur ofta äter du frukost\?' is not declared in the TOML of F1a"
    ):
        handed_over(tmp_path, rows)


def test_a_question_without_a_known_id_is_told_by_its_wording_alone(tmp_path: Path) -> None:
    rows = asked("X17", "Påhittad fråga?", ("Mycket bra", 30), ("Ganska dålig", 10))
    nameless = indicator().replace('question = "F1a"\n', "")

    assert shares(handed_over(tmp_path, rows, indicators=nameless)) == {
        ("0880", "total", 2021, "stage:hogstadiet"): (75.0, 40)
    }
    with pytest.raises(FaultyFileError, match="'X17' is not declared in the TOML"):
        handed_over(tmp_path, [(*row[:6], "En annan?", *row[7:]) for row in rows], indicators=nameless)


def test_a_question_that_states_no_wording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FaultyFileError, match=r"wordings: Expected `array` of length >= 1"):
        handed_over(tmp_path, indicators=indicator().replace('["Påhittad fråga?"]', "[]"))


def test_one_wording_is_not_two_questions(tmp_path: Path) -> None:
    twins = [
        indicator(name).replace('question = "F1a"\n', "").replace('["Påhittad', f'["{first}", "Påhittad')
        for name, first in (("lupp-prov-god", "A?"), ("lupp-prov-annan", "B?"))
    ]

    with pytest.raises(FaultyFileError, match="is the wording of another indicator's question too"):
        handed_over(tmp_path, indicators="".join(twins))


def test_a_question_that_a_file_may_lack_is_left_out_and_any_other_must_be_there(tmp_path: Path) -> None:
    other = indicator("lupp-prov-annan", question="F9").replace("Påhittad fråga?", "En annan?")
    may_lack = other.replace('place = "home"', 'place = "home"\noptional = true')

    assert handed_over(tmp_path, indicators=indicator() + may_lack).cubes.keys() == {"lupp-prov-god"}
    with pytest.raises(FaultyFileError, match="lupp-prov-annan: has no answer in the file"):
        handed_over(tmp_path, indicators=indicator() + other)


def test_a_response_rate_that_nobody_stated_is_told_as_not_known(tmp_path: Path) -> None:
    def told(more: str) -> list[str]:
        notes = handed_over(tmp_path, more=more).indicators["lupp-prov-god"].notes
        return [note.text.en for note in notes if note.mandatory and "asked" in note.text.en]

    assert told(SHOWN) == ["How many of those asked who answered is not stated."]
    assert told(SHOWN + RATES) == []


# --- the forms of the file -------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_separator_and_encoding_are_found_out(tmp_path: Path, separator: str, encoding: str) -> None:
    body = separated(INVENTED, separator).encode(encoding)

    assert shares(handed_over(tmp_path, body)) == shares(handed_over(tmp_path))


def test_an_unnamed_column_of_row_numbers_does_not_matter(tmp_path: Path) -> None:
    numbered = [(str(at), *row) for at, row in enumerate(INVENTED, 1)]

    found = handed_over(tmp_path, separated(numbered, ",", header=("", *COLUMNS)).encode())
    assert shares(found) == shares(handed_over(tmp_path))


def test_a_workbook_gives_the_same_shares(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "prov.xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, COLUMNS)
        for at, row in enumerate(INVENTED, 1):
            sheet.write_row(at, 0, [int(cell) if cell.isdecimal() else cell for cell in row])

    assert shares(handed_over(tmp_path, file="prov.xlsx")) == shares(handed_over(tmp_path))


def test_an_spss_file_with_value_labels_gives_the_same_shares(tmp_path: Path) -> None:
    copy(SAMPLES / "lupp_invented.sav", tmp_path / "prov.sav")

    assert shares(handed_over(tmp_path, file="prov.sav", more=ALL_SHOWN)) == shares(
        handed_over(tmp_path, more=ALL_SHOWN)
    )


def test_a_file_that_is_no_spss_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "prov.sav").write_bytes(separated(INVENTED).encode())

    with pytest.raises(FaultyFileError, match="is no SPSS file that can be read"):
        handed_over(tmp_path, file="prov.sav")


def test_the_shares_of_the_example_are_those_of_its_counts_by_hand() -> None:
    folder = ROOT / "docs" / "handover"
    draft = read_file(folder / "lupp-exempel.toml")
    with (folder / "lupp-exempel.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    codes = {"Kalmar": "0880", "Nybro kommun": "0881"}
    sexes = {Sex.WOMEN: "Tjej", Sex.MEN: "Kille"}
    plan = {
        "lupp-exempel-f1a-god-halsa": ("F1a", "Boendekommun", {"Mycket bra", "Ganska bra"}),
    }

    for name, (question, place, chosen) in plan.items():
        stages = {"hogstadiet": "Högstadiet", "gymnasiet": "Gymnasiet"}
        for figure in draft.cubes[name]:
            asked = [
                row
                for row in rows
                if row["ID"] == question
                and row["Svar"] not in {"", "Har inte besvarat frågan"}
                and row["Undersökning"] == stages[figure.breakdown.text.removeprefix("stage:")]
                and codes.get(row[place])
                in ([figure.municipality] if figure.municipality != "08" else codes.values())
                and sexes.get(figure.sex, row["Kön"]) == row["Kön"]
            ]
            hits = sum(int(row["antal"]) for row in asked if row["Svar"] in chosen)
            base = sum(int(row["antal"]) for row in asked)
            assert figure.count == base
            assert abs(Decimal(str(figure.value)) - Decimal(100 * hits) / base) <= Decimal("0.05")
        assert len(draft.cubes[name]) == 15
