import random
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasets.canonical import canonical_csv, cube_of_csv
from datasets.errors import Fault, FaultyFileError
from datasets.ledger import Draft
from datasets.publish import publish
from datasets.store import Store
from datasets.stored import packed, unpacked
from datasets.vocabulary import Sex
from loaders.kinds import read_file
from loaders.tidy import MOST_FAULTS
from tests.given import HEADER, decimals, form, handed_over, rows, workbook

DIGITS = ["0.1", "0.0000001", "79.545454", "12345678901", "-1044", "0", "0.30000000000000004"]


def faults(path: Path) -> tuple[Fault, ...]:
    with pytest.raises(FaultyFileError) as refusal:
        read_file(path)
    return refusal.value.faults


def only_fault(folder: Path, line: str, *more: str) -> Fault:
    header = (*HEADER, *more)
    (fault,) = faults(handed_over(folder, rows(line, header=header)))
    return fault


def values(body: bytes) -> list[str]:
    return [line.split(",")[6] for line in body.decode().splitlines()[1:]]


def shortest(number: Decimal) -> str:
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def test_a_hand_over_becomes_a_draft_with_its_time_and_note(tmp_path: Path) -> None:
    top = 'note = "Vårens leverans"\nretrieved = 2026-03-04'
    draft = read_file(handed_over(tmp_path, rows("0880,total,2020,1.5"), top=top))

    assert (draft.note, draft.source_time) == ("Vårens leverans", datetime(2026, 3, 4, tzinfo=UTC))
    assert list(draft.cubes) == ["prov-andel"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(decimals(), min_size=1, max_size=20))
def test_no_digit_is_lost_between_the_file_and_the_stored_form(
    tmp_path: Path, written: list[Decimal]
) -> None:
    lines = [f"0880,total,{1800 + at},{number:f}" for at, number in enumerate(written)]
    draft = read_file(handed_over(tmp_path, rows(*lines)))
    back = canonical_csv(unpacked(*packed(draft.cubes["prov-andel"])))

    assert values(back) == [shortest(number) for number in written]


def published(in_store: Callable[..., Any], draft: Draft) -> bytes:
    async def work(store: Store) -> bytes:
        await publish(store, draft)
        async with store.session() as session:
            (entry,) = await session.entries_at(1)
            cubes = await session.cubes([entry.data_sha256])
        return canonical_csv(cubes[entry.data_sha256])

    body: bytes = in_store(work)
    return body


def random_decimals(count: int) -> list[str]:
    numbers = (
        Decimal(random.randint(-(10**15) + 1, 10**15 - 1)).scaleb(-random.randint(0, 12))
        for _ in range(count)
    )
    return [shortest(number) for number in numbers]


def test_every_digit_of_a_csv_comes_back_from_the_database(
    tmp_path: Path, in_store: Callable[..., Any]
) -> None:
    digits = [*DIGITS, *random_decimals(300)]
    lines = [f"0880,total,{1800 + at},{text}" for at, text in enumerate(digits)]
    body = published(in_store, read_file(handed_over(tmp_path, rows(*lines))))

    assert values(body) == digits
    assert canonical_csv(cube_of_csv(body)) == body


def test_every_digit_of_a_workbook_comes_back_from_the_database(
    tmp_path: Path, in_store: Callable[..., Any]
) -> None:
    digits = [*DIGITS[:-1], *random_decimals(300)]
    lines = [("0880", "total", 1800 + at, float(text)) for at, text in enumerate(digits)]
    workbook(tmp_path / "prov.xlsx", HEADER, *lines)

    assert values(published(in_store, read_file(form(tmp_path, file="prov.xlsx")))) == digits


@pytest.mark.parametrize(
    ("line", "column", "value", "closest"),
    [
        ("880,total,2020,1", "municipality", "880", "0880"),
        ("840,total,2020,1", "municipality", "840", "0840"),
        ("8,total,2020,1", "municipality", "8", "08"),
        ("Kalmar,total,2020,1", "municipality", "Kalmar", "0880"),
        ("0880,kvinnor,2020,1", "sex", "kvinnor", "women"),
        ("0880,Män,2020,1", "sex", "Män", "men"),
        ("0880,totalt,2020,1", "sex", "totalt", "total"),
        ("0880,flickor,2020,1", "sex", "flickor", "women"),
        ("0880,båda könen,2020,1", "sex", "båda könen", "total"),
        ('0880,total,2020,"1,5"', "value", "1,5", "1.5"),
        ("0880,total,2020,1 234", "value", "1 234", "1234"),
        ("0880,total,2020,\N{MINUS SIGN}3", "value", "\N{MINUS SIGN}3", "-3"),
        ("0880,total,2020,1.23457E+10", "value", "1.23457E+10", None),
        ("0880,total,2020,..", "value", "..", None),
        ("0880,total,20,1", "year", "20", None),
        ("0880,total,2020-01,1", "year", "2020-01", None),
    ],
)
def test_a_wrong_value_is_told_with_the_right_one(
    tmp_path: Path, line: str, column: str, value: str, closest: str | None
) -> None:
    fault = only_fault(tmp_path, line)

    assert (fault.file, fault.row, fault.column, fault.value) == ("prov.csv", 2, column, value)
    assert (fault.closest or (None,))[0] == closest


@pytest.mark.parametrize(
    ("more", "cells", "column"),
    [
        ("status", "sekretess", "status"),
        ("flags", "preliminary;gissad", "flags"),
        ("count", "-1", "count"),
        ("count", "99999999999999999999", "count"),
        ("count", "1.5", "count"),
        ("age", "80+", "age"),
        ("low,high", "0,1", "low"),
        ("low", "1", "low"),
        ("periodStart,periodEnd", "31/12 2020,2020-12-31", "periodStart"),
        ("periodStart,periodEnd", "44561,2020-12-31", "periodStart"),
        ("periodStart", "2020-01-01", "periodStart"),
        ("periodStart,periodEnd", "2020-12-31,2020-01-01", "periodStart"),
        ("periodStart,periodEnd", "2018-01-01,2019-12-31", "year"),
    ],
)
def test_what_goes_with_a_figure_is_judged_too(tmp_path: Path, more: str, cells: str, column: str) -> None:
    assert only_fault(tmp_path, f"0880,total,2020,1.5,{cells}", *more.split(",")).column == column


def test_a_figure_has_a_value_or_a_reason(tmp_path: Path) -> None:
    lines = ["0880,total,2020,,", "0834,total,2020,1,missing", "0840,total,2020,,missing"]
    told = faults(handed_over(tmp_path, rows(*lines, header=(*HEADER, "status"))))

    assert [(fault.row, fault.column) for fault in told] == [(2, "value"), (3, "status")]


def test_the_same_figure_twice_is_told_at_every_row_but_the_first(tmp_path: Path) -> None:
    lines = ["0880,total,2020,1", "0834,total,2020,1", "0880,total,2020,2", "0880,total,2020,1"]
    told = faults(handed_over(tmp_path, rows(*lines)))

    assert [(fault.row, fault.reason) for fault in told] == [
        (4, "the same figure stands in row 2 already"),
        (5, "the same figure stands in row 4 already"),
    ]


def test_one_file_may_hold_several_indicators(tmp_path: Path) -> None:
    second = '[[indicator]]\nid = "prov-antal"\ntitle = {sv = "A"}\ndefinition = {sv = "A"}\nunit = "persons"'
    header = (*HEADER, "indicator", "age")
    lines = ["0880,women,2020,1,prov-andel,80-", "0880,men,2020,2,prov-antal,"]
    draft = read_file(handed_over(tmp_path, rows(*lines, header=header), end=second))
    wrong = [*lines, "0880,men,2020,2,prov-antal,80-", "0880,men,2020,2,prov-andle,", "0880,men,2021,2,,"]
    told = faults(handed_over(tmp_path, rows(*wrong, header=header), end=second))

    assert {name: [one.sex for one in cube] for name, cube in draft.cubes.items()} == {
        "prov-andel": [Sex.WOMEN],
        "prov-antal": [Sex.MEN],
    }
    assert [(fault.row, fault.column) for fault in told] == [(4, "age"), (5, "indicator"), (6, "indicator")]
    assert told[1].closest[0] == "prov-andel"


def test_an_indicator_without_a_row_is_told(tmp_path: Path) -> None:
    second = '[[indicator]]\nid = "prov-antal"\ntitle = {sv = "A"}\ndefinition = {sv = "A"}\nunit = "persons"'
    table = rows("0880,total,2020,1,prov-andel", header=(*HEADER, "indicator"))
    (fault,) = faults(handed_over(tmp_path, table, end=second))

    assert (fault.column, fault.reason) == ("indicator prov-antal", "has no row in the table")


def test_columns_are_those_of_the_form(tmp_path: Path) -> None:
    header = ("municipality", "year", "valeu", "period")
    told = faults(handed_over(tmp_path, rows("0880,2020,1,2", header=header)))

    assert [(fault.row, fault.column, fault.value) for fault in told] == [
        (1, "", "valeu"),
        (1, "", "period"),
        (1, "sex", ""),
        (1, "value", ""),
    ]
    assert [fault.closest[0] for fault in told[:2]] == ["value", "periodEnd"]


def test_no_more_faults_are_listed_than_a_person_could_read(tmp_path: Path) -> None:
    lines = [f"0880,total,{year},x" for year in range(MOST_FAULTS // 2)]
    ragged = ["0880,total"] * (MOST_FAULTS + 5)
    told = faults(handed_over(tmp_path, rows(*lines, *ragged)))

    assert len(told) == MOST_FAULTS + 1
    assert told[-1].reason == f"{5 + 2 * len(lines)} more faults are not listed"


def table_of_people(folder: Path, unit: str, line: str) -> Path:
    table = rows("0834,total,2020,50,1000", line, header=(*HEADER, "count"))
    return handed_over(folder, table, dataset="personBased = true\nthreshold = 5", unit=unit)


@pytest.mark.parametrize(
    ("unit", "line"),
    [
        ("persons", "0880,total,2020,4,"),
        ("persons", "0880,total,2020,0,"),
        ("persons", "0880,total,2020,-4,"),
        ("percent", "0880,total,2020,50,4"),
        ("percent", "0880,total,2020,50,0"),
        ("percent", "0880,total,2020,2,200"),
        ("percent", "0880,total,2020,98,200"),
        ("percent", "0880,total,2020,0,200"),
        ("ratio", "0880,total,2020,1.5,4"),
    ],
)
def test_a_table_of_people_is_held_whole_for_one_small_count(tmp_path: Path, unit: str, line: str) -> None:
    (fault,) = faults(table_of_people(tmp_path, unit, line))

    assert (fault.column, fault.row) == ("prov-andel", 0)
    assert fault.reason == "1 figures are under the floor of 5 persons; the dataset is held, whole"


@pytest.mark.parametrize(
    ("unit", "line"),
    [
        ("persons", "0880,total,2020,5,5"),
        ("percent", "0880,total,2020,2.5,200"),
        ("percent", "0880,total,2020,50,10"),
        ("per1000Inhabitants", "0880,total,2020,0.4,5"),
    ],
)
def test_a_table_of_people_passes_with_every_count_at_its_floor(tmp_path: Path, unit: str, line: str) -> None:
    assert len(read_file(table_of_people(tmp_path, unit, line)).cubes["prov-andel"]) == 2


def test_a_share_of_nobody_knows_how_many_people_is_held_unless_a_reason_is_given(tmp_path: Path) -> None:
    table = rows("0834,total,2020,50,1000", "0880,total,2020,40,", header=(*HEADER, "count"))
    (fault,) = faults(handed_over(tmp_path, table, dataset="personBased = true\nthreshold = 5"))
    (tmp_path / "said").mkdir()
    said = handed_over(
        tmp_path / "said",
        table,
        top='unstatedBases = {"prov-andel" = "Offentlig sedan tidigare."}',
        dataset="personBased = true\nthreshold = 5",
    )

    assert fault.reason == "1 figures do not tell on how many people they rest; the dataset is held, whole"
    assert len(read_file(said).cubes["prov-andel"]) == 2


def test_a_table_that_is_not_of_people_has_no_floor(tmp_path: Path) -> None:
    draft = read_file(handed_over(tmp_path, rows("0880,total,2020,1"), unit="persons"))

    assert len(draft.cubes["prov-andel"]) == 1
