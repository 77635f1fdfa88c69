import zipfile
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasets.canonical import canonical_csv
from datasets.errors import FaultyFileError
from datasets.numbers import number_of, number_text
from loaders.kinds import read_file
from loaders.sheets import read_sheet
from tests.given import HEADER, decimals, form, handed_over, rows, workbook

ONE = rows("0880,total,2020,1.5")
FIGURE = b"0880,total,2020,,,,1.5,,,,,\n"


def figures(path: Path) -> bytes:
    draft = read_file(path)
    return b"".join(canonical_csv(cube).partition(b"\n")[2] for cube in draft.cubes.values())


def faults(path: Path) -> list[tuple[str, int, str, str]]:
    with pytest.raises(FaultyFileError) as refusal:
        read_file(path)
    return [(fault.file, fault.row, fault.column, fault.value) for fault in refusal.value.faults]


def reasons(path: Path) -> list[tuple[int, str]]:
    with pytest.raises(FaultyFileError) as refusal:
        read_file(path)
    return [(fault.row, fault.reason) for fault in refusal.value.faults]


@pytest.mark.parametrize(
    "table",
    [
        ONE,
        ONE.replace(",", ";"),
        ONE.replace(",", "\t"),
        ONE.replace("\n", "\r\n"),
        ONE.replace("\n", "\r"),
        ONE.removesuffix("\n"),
        "\ufeff" + ONE,
        ONE.replace(",", " , "),
        '"municipality","sex","year","value"\n"0880","total","2020","1.5"\n',
        ONE + "\n\n",
        ONE + ",,,\n , ,,\n",
        rows("", "0880,total,2020,1.5"),
        "municipality,sex,year,value,,\n0880,total,2020,1.5,,\n",
        'municipality,sex,year,value\n"0880\n",total,2020,1.5\n',
    ],
)
def test_a_table_is_read_however_a_program_wrote_it(tmp_path: Path, table: str) -> None:
    assert figures(handed_over(tmp_path, table)) == FIGURE


@pytest.mark.parametrize("ending", [".csv", ".txt", ".tsv", ".CSV"])
def test_text_tables_have_several_endings(tmp_path: Path, ending: str) -> None:
    (tmp_path / f"prov{ending}").write_text(ONE)

    assert figures(form(tmp_path, file=f"prov{ending}")) == FIGURE


def test_a_table_in_latin_1_is_read_when_it_is_declared(tmp_path: Path) -> None:
    table = (ONE + "Mörbylånga,total,2020,1\n").encode("latin-1")
    path = handed_over(tmp_path, table, top='encoding = "latin-1"')

    assert faults(path) == [("prov.csv", 3, "municipality", "Mörbylånga")]


def test_a_table_in_an_undeclared_encoding_is_refused_at_its_row(tmp_path: Path) -> None:
    path = handed_over(tmp_path, (ONE + "Mörbylånga,total,2020,1\n").encode("latin-1"))

    assert faults(path) == [("prov.csv", 3, "", "")]
    assert "not UTF-8" in reasons(path)[0][1]


@pytest.mark.parametrize("encoding", ["klingon", "hex", "utf-8\\u0000x"])
def test_an_encoding_that_is_none_is_refused(tmp_path: Path, encoding: str) -> None:
    path = handed_over(tmp_path, ONE, top=f'encoding = "{encoding}"')

    assert [(file, column) for file, _, column, _ in faults(path)] == [("prov.toml", "encoding")]


def test_a_row_is_named_by_its_line_whatever_stands_above_it(tmp_path: Path) -> None:
    table = rows('"08\n80",total,2020,1', "", '0880,total,"20\n\n21"', "0880,total,x,1")
    told = reasons(handed_over(tmp_path, table))

    assert told == [
        (2, "is no municipality"),
        (5, "has 3 fields, the header has 4"),
        (8, "is no year in four digits"),
    ]


def test_a_long_table_keeps_its_line_numbers(tmp_path: Path) -> None:
    several_blocks = [f"0880,total,2020,{number}" for number in range(100_000)]
    several_blocks[10] = '0880,total,2020,"\n1"'
    several_blocks[90_000] = "0880,total,2020"
    (tmp_path / "prov.csv").write_text(rows(*several_blocks))
    sheet = read_sheet(tmp_path / "prov.csv")

    assert [fault.row for fault in sheet.faults] == [90_003]
    assert (sheet.rows[9:12].tolist(), sheet.rows[-1]) == ([11, 12, 14], 100_002)
    assert len(sheet.rows) == 99_999


@pytest.mark.parametrize(
    ("table", "row", "reason"),
    [
        ("", 1, "the file is empty"),
        ("\n \n", 1, "the file is empty"),
        ("\n" + ONE, 1, "the first line must name the columns"),
        (rows(), 0, "there is no row with figures"),
        (rows(",,,"), 0, "there is no row with figures"),
        (ONE.replace("sex", "year", 1), 1, "a column stands twice: year"),
        (rows('0880,"total,2020,1'), 2, "has 2 fields, the header has 4"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, table: str, row: int, reason: str) -> None:
    assert reasons(handed_over(tmp_path, table)) == [(row, reason)]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert reasons(form(tmp_path, file="borta.csv")) == [(0, "there is no such file beside the TOML")]


@pytest.mark.parametrize("name", ["prov.ods", "prov.xls", "prov.pdf", "prov"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(ONE)

    assert reasons(form(tmp_path, file=name)) == [(0, "only .csv and .xlsx are read")]


WHOLE = [HEADER, ("0880", "total", 2020, 1.5)]


def test_a_workbook_says_what_the_same_csv_says(tmp_path: Path) -> None:
    header = (*HEADER, "age", "status", "flags", "low", "high", "count", "periodStart", "periodEnd")
    lines = [
        (
            "0880",
            "women",
            2020,
            79.545454,
            "80-",
            None,
            "estimated",
            1,
            100.5,
            17,
            "2019-01-01",
            "2020-12-31",
        ),
        ("0880", "men", 2020, None, "80-", "suppressed"),
        ("08", "total", 2020, 12345678901),
        ("00", "total", 2020, 0),
    ]
    width = len(header)
    full = [tuple("" if cell is None else cell for cell in (*line, *[""] * width)[:width]) for line in lines]
    text = rows(*(",".join(map(str, line)) for line in full), header=header)
    workbook(tmp_path / "prov.xlsx", header, *lines)
    from_text = figures(handed_over(tmp_path, text))

    assert figures(form(tmp_path, file="prov.xlsx")) == from_text
    assert b"79.545454,,estimated,1,100.5,17" in from_text


def test_dates_may_be_dates_in_a_workbook(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "prov.xlsx")) as book:
        page, day = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
        page.write_row(0, 0, (*HEADER, "periodStart", "periodEnd"))
        page.write_row(1, 0, ("0880", "total", 2020, 1.5))
        page.write_datetime(1, 4, datetime(2019, 1, 1), day)  # noqa: DTZ001 a workbook has no zones
        page.write_datetime(1, 5, datetime(2020, 12, 31), day)  # noqa: DTZ001

    assert figures(form(tmp_path, file="prov.xlsx")) == b"0880,total,2020,2019-01-01,2020-12-31,,1.5,,,,,\n"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([HEADER, (880, "total", 2020, 1.5)], (2, "is no municipality")),
        ([HEADER, ("0880", "total", 2020.5, 1.5)], (2, "is no year in four digits")),
        (
            [(*HEADER, None), ("0880", "total", 2020, 1.5, "*")],
            (2, "has something in a column without a name"),
        ),
        ([(), *WHOLE], (1, "the first line must name the columns")),
        ([HEADER], (0, "there is no row with figures")),
    ],
)
def test_a_fault_in_a_workbook_has_its_row(
    tmp_path: Path, lines: Sequence[Sequence[object]], said: tuple[int, str]
) -> None:
    workbook(tmp_path / "prov.xlsx", *lines)

    assert reasons(form(tmp_path, file="prov.xlsx")) == [said]


def test_blank_rows_of_a_workbook_are_no_figures(tmp_path: Path) -> None:
    workbook(tmp_path / "prov.xlsx", HEADER, (), ("0880", "total", 2020, 1.5), ("", None, " "))

    assert figures(form(tmp_path, file="prov.xlsx")) == FIGURE


def test_the_sheet_that_the_form_names_is_read(tmp_path: Path) -> None:
    workbook(tmp_path / "prov.xlsx", *WHOLE, sheet="Siffror")

    assert figures(form(tmp_path, file="prov.xlsx", top='sheet = "Siffror"')) == FIGURE
    assert reasons(form(tmp_path, file="prov.xlsx", top='sheet = "Blad2"')) == [
        (0, "there is no sheet 'Blad2'; there is Siffror")
    ]


def test_a_workbook_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "prov.xlsx").write_bytes(b"municipality,sex")

    assert "the workbook cannot be read" in reasons(form(tmp_path, file="prov.xlsx"))[0][1]


def with_cell(path: Path, old: str, new: str) -> None:
    """Write the cell as a spreadsheet program would, since xlsxwriter rounds to 16 digits."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    page = parts["xl/worksheets/sheet1.xml"]
    assert old.encode() in page
    parts["xl/worksheets/sheet1.xml"] = page.replace(old.encode(), new.encode())
    with zipfile.ZipFile(path, "w") as book:
        for name, body in parts.items():
            book.writestr(name, body)


def test_float_noise_in_a_workbook_is_told_with_the_number_that_was_meant(tmp_path: Path) -> None:
    workbook(tmp_path / "prov.xlsx", HEADER, ("0880", "total", 2020, 0.5))
    with_cell(tmp_path / "prov.xlsx", "<v>0.5</v>", f"<v>{0.1 + 0.2!r}</v>")
    path = form(tmp_path, file="prov.xlsx")
    with pytest.raises(FaultyFileError) as refusal:
        read_file(path)
    fault = refusal.value.faults[0]

    assert (fault.row, fault.column, fault.value) == (2, "value", "0.30000000000000004")
    assert fault.closest == ("0.3",)


def test_an_error_in_a_formula_is_not_an_empty_cell(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(str(tmp_path / "prov.xlsx")) as book:
        book.add_worksheet("Annat").write_formula(1, 4, "=1/0", None, "#DIV/0!")
        page = book.add_worksheet("Siffror")
        page.write_row(0, 0, (*HEADER, "age"))
        page.write_row(1, 0, ("0880", "total", 2020, 1.5, "80-"))
        page.write_row(2, 0, ("0834", "total", 2020, 1.5))
        page.write_formula(2, 4, "=VLOOKUP(1,A1:B2,2)", None, "#N/A")
    path = form(tmp_path, file="prov.xlsx", top='sheet = "Siffror"')

    assert faults(path) == [("prov.xlsx", 3, "age", "")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(decimals(), min_size=1, max_size=20))
def test_no_digit_is_lost_from_a_workbook(tmp_path: Path, written: list[Decimal]) -> None:
    path = workbook(tmp_path / "prov.xlsx", ("value",), *([float(number)] for number in written))
    column = read_sheet(path).columns["value"]

    assert [column.texts[at] for at in column.at] == [number_text(number_of(f"{one:f}")) for one in written]
