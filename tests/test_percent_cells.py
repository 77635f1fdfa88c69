"""Cells that a person sees as percent are not published as a hundredth of it, in silence."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter

from datasets.errors import FaultyFileError
from loaders.cells import percent_cells
from loaders.grids import read_grids
from loaders.kinds import read_file
from loaders.sheets import read_sheet
from tests.test_sheets import HEADER, form


def workbook(path: Path, shape: str, *values: object) -> Path:
    """Write a table whose values are in cells of the format *shape*, below a row that is not."""
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet("Siffror")
        style = book.add_format({"num_format": shape})
        page.write_row(0, 0, HEADER)
        page.write_row(1, 0, ("0880", "total", 2019, 1.5))
        for row, value in enumerate(values, 2):
            page.write_row(row, 0, ("0880", "total", 2018 + row))
            page.write(row, 3, value, style)
    return path


@pytest.mark.parametrize("shape", ["0%", "0.00%", "0.0 %", "# ##0.0%;[Red]-0.0%", '0.0%" av alla"'])
def test_a_number_shown_as_percent_is_told_with_what_a_person_sees(tmp_path: Path, shape: str) -> None:
    sheet = read_sheet(workbook(tmp_path / "prov.xlsx", shape, 0.25, 0.285))
    told = [(fault.row, fault.column, fault.value, fault.closest) for fault in sheet.faults]

    assert told == [(3, "value", "0.25", ("25",)), (4, "value", "0.285", ("28.5",))]
    assert "is shown as 25 %: write the figure in its indicator's unit" in sheet.faults[0].reason


@pytest.mark.parametrize("shape", ["0.0", '0.0"%"', "0.0\\%", "General", "@", "[$%-41D]0"])
def test_a_number_shown_as_it_is_held_is_read(tmp_path: Path, shape: str) -> None:
    assert read_sheet(workbook(tmp_path / "prov.xlsx", shape, 25)).faults == ()


def test_words_and_empty_cells_of_a_column_in_percent_are_no_faults(tmp_path: Path) -> None:
    sheet = read_sheet(workbook(tmp_path / "prov.xlsx", "0%", None, "saknas"))

    assert sheet.faults == ()
    assert sheet.columns["value"].texts == ("1.5", "", "saknas")


def without_places(page: bytes) -> bytes:
    return page.replace(b' r="D3"', b"").replace(b' r="3"', b"")


def with_names(page: bytes) -> bytes:
    """Write every name as some programs do, with what it belongs to in front."""
    parted = page.replace(b"<row ", b"<x:row ").replace(b"</row>", b"</x:row>")
    return parted.replace(b"<c ", b"<x:c ").replace(b"</c>", b"</x:c>")


@pytest.mark.parametrize("change", [without_places, with_names])
def test_other_ways_to_write_a_cell_are_understood(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = workbook(tmp_path / "prov.xlsx", "0%", 0.25)
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    with zipfile.ZipFile(path, "w") as book:
        for name, body in parts.items():
            book.writestr(name, change(body) if "sheet1" in name else body)

    assert percent_cells(path, 0) == {(2, 3)}


def test_a_table_drawn_by_its_maker_shows_the_same(tmp_path: Path) -> None:
    (grid,) = read_grids(workbook(tmp_path / "prov.xlsx", "0%", 0.25))

    assert [row[3] for row in grid.rows] == ["value", 1.5, "25 %"]


def test_nothing_of_such_a_workbook_is_published(tmp_path: Path) -> None:
    workbook(tmp_path / "prov.xlsx", "0%", 0.25)
    with pytest.raises(FaultyFileError, match=r"row 3, value: '0\.25' is shown as 25 %"):
        read_file(form(tmp_path, file="prov.xlsx"))
