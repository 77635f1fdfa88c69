import csv
import re
import zipfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import xlsxwriter

from datasets.areas import Area, areas
from datasets.errors import FaultyFileError
from datasets.ledger import Draft
from datasets.vocabulary import Flag, Observation, Status
from loaders.kinds import read_file
from loaders.swedish import MONTHS, plain

TOP = """
kind = "delivery"
file = "{file}"
{top}

[dataset]
id = "prov"
title = {{sv = "Prov"}}
description = {{sv = "Prov"}}
source = "socialstyrelsen"
publisher = "Socialstyrelsen"
attribution = "Källa: Socialstyrelsen"
processing = "asPublished"
theme = "halsa"
updateFrequency = "annual"
{dataset}

[table]
{table}
"""
INDICATOR = """
[[indicator]]
id = "{name}"
title = {{sv = "Prov"}}
definition = {{sv = "Prov"}}
unit = "{unit}"

[indicator.load]
{load}
{more}
"""
COUNTIES = 'areaTypes = ["country", "county"]'
SIMPLE = f"""
year = "År"
area = "Region"
sex = "Kön"
sexes = {{"Män" = "men", "Kvinnor" = "women", "Båda könen" = "total"}}
{COUNTIES}
"""
ALL = SIMPLE.replace('sex = "Kön"', 'fixed = {sex = "total"}')
MARKS = 'marks = {"--" = "missing", ".." = "missing", "X" = "suppressed"}'
HEADER = "År;Region;Kön;Antal\r\n"


def categories(name: str, codes: Sequence[str]) -> str:
    told = "\n".join(f'"{code}" = {{sv = "{code}"}}' for code in codes)
    place = f"indicator.breakdowns.{name}"
    return f'\n[{place}]\ntitle = {{sv = "{name}"}}\n[{place}.categories]\n{told}\n'


def indicator(
    columns: str, name: str = "prov-antal", *, unit: str = "number", more: str = "", zero: str = ""
) -> str:
    load = f"columns = {{{columns}}}\n" + (f'zero = "{zero}"' if zero else "")
    return INDICATOR.format(name=name, unit=unit, load=load, more=more)


def written(folder: Path, file: str, table: str, indicators: str, **said: str) -> Path:
    path = folder / "prov.toml"
    told = {"top": "", "dataset": ""} | said
    path.write_text(TOP.format(file=file, table=table, **told) + indicators, "utf-8")
    return path


def delivered(
    folder: Path,
    body: str | bytes,
    table: str = SIMPLE,
    indicators: str = "",
    file: str = "prov.csv",
    **said: str,
) -> Draft:
    (folder / file).write_bytes(body if isinstance(body, bytes) else body.encode())
    return read_file(written(folder, file, table, indicators or indicator('"Antal" = {}'), **said))


def workbook(folder: Path, rows: Sequence[Sequence[Any]], merged: Mapping[str, str] = {}) -> bytes:
    path = folder / "made.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Tabell")
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
        for cells, text in merged.items():
            sheet.merge_range(cells, text)
    return path.read_bytes()


Key = tuple[str, str, int, str]


def keyed(draft: Draft, name: str = "prov-antal") -> dict[Key, Observation]:
    return {(f.municipality, f.sex.value, int(f.year), f.breakdown.text): f for f in draft.cubes[name]}


def values(draft: Draft, name: str = "prov-antal") -> dict[Key, float | Status | None]:
    return {key: figure.status or figure.value for key, figure in keyed(draft, name).items()}


def faults(error: pytest.ExceptionInfo[FaultyFileError]) -> list[str]:
    return [str(fault) for fault in error.value.faults]


# --- long CSV --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_file_may_begin_with_a_byte_order_mark_or_not(tmp_path: Path, mark: bytes) -> None:
    body = mark + (HEADER + "2020;Riket;Män;1 234,5").encode()

    assert values(delivered(tmp_path, body)) == {("00", "men", 2020, ""): 1234.5}


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_the_separator_is_the_one_under_which_the_header_is_found(tmp_path: Path, separator: str) -> None:
    body = "År;Region;Kön;Antal\n2020;Kalmar län;Kvinnor;7\n".replace(";", separator)

    assert values(delivered(tmp_path, body)) == {("08", "women", 2020, ""): 7}


def test_a_footer_line_of_one_column_is_no_row(tmp_path: Path) -> None:
    body = HEADER + "2020;Riket;Män;1\r\nSocialstyrelsens statistikdatabas 2025-01-09"
    table = SIMPLE + 'footer = ["Socialstyrelsens statistikdatabas"]'

    assert values(delivered(tmp_path, body, table)) == {("00", "men", 2020, ""): 1}
    with pytest.raises(FaultyFileError, match="has 1 cells, the header has 4, and is no footer"):
        delivered(tmp_path, body)


def test_a_row_with_one_cell_too_many_is_not_read_askew(tmp_path: Path) -> None:
    with pytest.raises(FaultyFileError, match=r"row 3:.*has 5 cells, the header has 4"):
        delivered(tmp_path, HEADER + "2020;Riket;Män;1\n2020;Riket;Kvinnor;1;234\n")


def test_a_row_after_the_footer_is_not_lost_without_a_word(tmp_path: Path) -> None:
    body = HEADER + "2020;Riket;Män;1\r\nSlut\n2020;Riket;Kvinnor;2\n"

    with pytest.raises(FaultyFileError, match=r"row 4:.*stands after the footer"):
        delivered(tmp_path, body, SIMPLE + 'footer = ["Slut"]')


def test_columns_are_found_by_name_whatever_their_order(tmp_path: Path) -> None:
    body = "Antal;Nytt;Kön;Region;År\n5;x;Båda könen;Gotlands län;2020\n"

    assert values(delivered(tmp_path, body)) == {("09", "total", 2020, ""): 5}


def test_a_column_that_is_gone_is_named_with_the_closest_there_is(tmp_path: Path) -> None:
    with pytest.raises(FaultyFileError) as error:
        delivered(tmp_path, "År;Region;Kön;Antal patienter\n2020;Riket;Män;1\n")

    assert faults(error) == ["prov.csv, Antal: is no column of the table (closest: Antal patienter)"]


def test_a_column_more_stops_a_table_that_is_declared_to_be_complete(tmp_path: Path) -> None:
    body = "År;Region;Kön;Antal;Nytt\r\n2020;Riket;Män;5;6\r\n"

    assert len(keyed(delivered(tmp_path, body))) == 1
    with pytest.raises(FaultyFileError, match="Nytt: is a column that the TOML does not know"):
        delivered(tmp_path, body, SIMPLE + "complete = true\n")


@pytest.mark.parametrize("twin", ["Antal", "Antal ", " Antal", "Ant\xadal"])
def test_a_needed_header_must_match_exactly_once(tmp_path: Path, twin: str) -> None:
    with pytest.raises(FaultyFileError) as error:
        delivered(tmp_path, f"År;Region;Kön;Antal;{twin}\n2020;Riket;Män;1;2\n")

    assert faults(error) == ["prov.csv, Antal: stands twice in the header"]


def test_soft_hyphens_are_read_as_they_look(tmp_path: Path) -> None:
    table = SIMPLE + MARKS + '\ndimensions.age = {column = "Ålder", codes = {"0-19" = "0-19"}}'
    body = "År;Region;Kön;Ålder;Antal\n2020;Riket;Män;0\xad19;7\n2020;Riket;Kvinnor;0\xad19;\xad\xad\n"
    draft = delivered(tmp_path, body, table, indicator('"Antal" = {}', more=categories("age", ["0-19"])))

    assert values(draft) == {
        ("00", "men", 2020, "age:0-19"): 7,
        ("00", "women", 2020, "age:0-19"): Status.MISSING,
    }


def test_zero_missing_and_suppressed_are_three_things(tmp_path: Path) -> None:
    body = HEADER + "2020;Riket;Män;0\n2020;Riket;Kvinnor;--\n2020;Riket;Båda könen;X\n"

    assert values(delivered(tmp_path, body, SIMPLE + MARKS)) == {
        ("00", "men", 2020, ""): 0,
        ("00", "women", 2020, ""): Status.MISSING,
        ("00", "total", 2020, ""): Status.SUPPRESSED,
    }


@pytest.mark.parametrize("text", ["", "..", "1.5", "-", "ca 340", "1,5*", "1 00", "1e3"])
def test_what_is_neither_a_figure_nor_a_declared_mark_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(FaultyFileError, match=r"prov.csv, row 2, Antal:.* is no number"):
        delivered(tmp_path, HEADER + f"2020;Riket;Män;{text}\n")


def test_a_population_of_zero_beside_no_patients_is_no_denominator(tmp_path: Path) -> None:
    body = "År;Region;Kön;Antal;Befolkning\n2020;Riket;Män;0;0\n2020;Riket;Kvinnor;4;1163754\n"
    both = indicator('"Antal" = {}') + indicator('"Befolkning" = {}', "prov-folk", zero="missing")
    draft = delivered(tmp_path, body, indicators=both)

    assert values(draft)["00", "men", 2020, ""] == 0
    assert values(draft, "prov-folk") == {
        ("00", "men", 2020, ""): Status.MISSING,
        ("00", "women", 2020, ""): 1163754,
    }


def test_the_total_is_what_the_file_states_and_not_a_sum(tmp_path: Path) -> None:
    body = HEADER + "2020;Riket;Män;226,3\n2020;Riket;Kvinnor;131,3\n2020;Riket;Båda könen;357,7\n"

    assert values(delivered(tmp_path, body))["00", "total", 2020, ""] == 357.7


def test_a_mean_of_several_years_keeps_its_period(tmp_path: Path) -> None:
    figure = keyed(delivered(tmp_path, HEADER + "1995-1997;Riket;Män;39,3\n"))["00", "men", 1997, ""]

    assert figure.period
    assert (figure.period.start.year, figure.period.end.year) == (1995, 1997)


def test_every_unknown_name_is_told_at_once_and_each_once(tmp_path: Path) -> None:
    rows = ("Kalmar", "Gagnefs kommun", "Kalmar", "Riket")
    with pytest.raises(FaultyFileError) as error:
        delivered(tmp_path, HEADER + "".join(f"2020;{name};Man;1\n" for name in rows))

    assert [(fault.row, fault.column, fault.value) for fault in error.value.faults] == [
        (2, "Region", "Kalmar"),
        (2, "Kön", "Man"),
        (3, "Region", "Gagnefs kommun"),
    ]
    assert error.value.faults[0].closest[0] == "Kalmar län"


def test_kalmar_among_counties_is_not_taken_for_the_municipality(tmp_path: Path) -> None:
    named = SIMPLE + 'areaNames = {"Kalmar" = "08"}'

    assert values(delivered(tmp_path, HEADER + "2020;Kalmar;Män;1\n", named)) == {("08", "men", 2020, ""): 1}


def test_one_figure_twice_is_refused_with_both_rows(tmp_path: Path) -> None:
    with pytest.raises(FaultyFileError, match="row 3, Antal: the same figure stands in row 2 already"):
        delivered(tmp_path, HEADER + "2020;Riket;Män;1\n2020;Riket;Män;1\n")


def test_a_figure_must_have_one_area_one_sex_and_one_year(tmp_path: Path) -> None:
    with pytest.raises(FaultyFileError) as error:
        delivered(tmp_path, HEADER, 'year = "År"\nfixed = {year = "2020", sex = "man"}')

    place = "prov.toml, indicator prov-antal.load.columns.Antal:"
    assert faults(error) == [
        "prov.toml, table.fixed.sex: 'man' 'man' is not a valid Sex",
        f"{place} 'municipality' is said nowhere: no column, not fixed",
        f"{place} 'year' is said twice of a figure",
    ]


def test_a_category_that_the_indicator_does_not_describe_is_refused(tmp_path: Path) -> None:
    wide = indicator('"Antal" = {age = "80-"}', more=categories("age", ["0-19"]))

    with pytest.raises(FaultyFileError, match="'80-' is no category of age for prov-antal"):
        delivered(tmp_path, HEADER + "2020;Riket;Män;1\n", indicators=wide)


def test_a_person_based_delivery_under_its_floor_is_held_whole(tmp_path: Path) -> None:
    people = indicator('"Antal" = {}', unit="persons")
    body = HEADER + "2020;Riket;Män;4\n2020;Riket;Kvinnor;400\n"

    with pytest.raises(
        FaultyFileError, match="1 figures are under the floor of 5 persons; the dataset is held"
    ):
        delivered(tmp_path, body, indicators=people, dataset="personBased = true\nthreshold = 5")


def test_published_shares_without_a_base_may_be_shown_and_those_of_people_may_not(tmp_path: Path) -> None:
    body = HEADER + "2020;Riket;Män;40,5\r\n"
    share = indicator('"Antal" = {}', unit="percent")

    assert len(keyed(delivered(tmp_path, body, indicators=share))) == 1
    with pytest.raises(FaultyFileError, match="1 figures do not tell on how many people they rest"):
        delivered(tmp_path, body, indicators=share, dataset="personBased = true\nthreshold = 5")


def test_a_file_in_another_encoding_than_utf_8_is_read_if_its_header_is_found(tmp_path: Path) -> None:
    body = (HEADER + "2020;Södermanlands län;Män;1\n").encode("latin-1")

    assert values(delivered(tmp_path, body)) == {("04", "men", 2020, ""): 1}


def test_an_encoding_that_nobody_meant_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FaultyFileError, match="neither UTF-8 nor"):
        delivered(tmp_path, (HEADER + "2020;Riket;Män;1\n").encode("utf-16"))


# --- wide tables and workbooks ---------------------------------------------------------------------------


def test_a_wide_table_has_a_title_a_second_row_of_names_and_a_footer_with_another_line_end(
    tmp_path: Path,
) -> None:
    rows = ("År;Region;45\xad49;Totalt", "2018;Riket;0,60;105,10", "2018;Kalmar län;\xad\xad;93,77", "Slut\n")
    body = "\r\n".join(("Döda, Ålder: 45-85+, Män", *rows))
    table = ALL + MARKS + '\nfooter = ["Slut"]\ntitle = "Döda, Ålder: 45-85+, Män"'
    table = table.replace('sex = "total"', 'sex = "men"')
    wide = indicator('"45-49" = {age = "45-49"}, "Totalt" = {}', more=categories("age", ["45-49"]))

    assert values(delivered(tmp_path, body, table, wide)) == {
        ("00", "men", 2018, ""): 105.1,
        ("00", "men", 2018, "age:45-49"): 0.6,
        ("08", "men", 2018, ""): 93.77,
        ("08", "men", 2018, "age:45-49"): Status.MISSING,
    }


def test_a_table_under_another_title_is_refused_since_only_the_title_tells_what_it_is(tmp_path: Path) -> None:
    body = "Döda, Kvinnor\r\nÅr;Region;Antal\r\n2018;Riket;1\r\n"

    with pytest.raises(FaultyFileError, match="the title must be 'Döda, Män', there is Döda, Kvinnor"):
        delivered(tmp_path, body, ALL + 'title = "Döda, Män"')


def test_months_are_a_breakdown_with_days_and_those_to_come_are_not_missing(tmp_path: Path) -> None:
    rows = [
        ["Ekonomiskt bistånd, Dalarnas län"],
        ["År", "Månad", "Antal hushåll"],
        *[["2016", name, value] for name, value in (("November", 3914), ("December", "--"))],
        *[["2017", name, value] for name, value in (("Januari", 3887.0), ("Februari", "--"))],
    ]
    table = f'year = "År"\nmonth = "Månad"\nfixed = {{municipality = "20", sex = "total"}}\n{MARKS}\n'
    monthly = indicator('"Antal hushåll" = {}', more=categories("month", ["01", "02", "11", "12"]))
    body = workbook(tmp_path, rows, {"A1:C1": "Ekonomiskt bistånd, Dalarnas län"})
    draft = delivered(tmp_path, body, table + 'afterLast = "notYetPublished"', monthly, file="prov.xlsx")

    assert values(draft) == {
        ("20", "total", 2016, "month:11"): 3914,
        ("20", "total", 2016, "month:12"): Status.MISSING,
        ("20", "total", 2017, "month:01"): 3887,
        ("20", "total", 2017, "month:02"): Status.NOT_YET_PUBLISHED,
    }
    period = keyed(draft)["20", "total", 2017, "month:02"].period
    assert period
    assert (period.start.isoformat(), period.end.isoformat()) == ("2017-02-01", "2017-02-28")


def test_a_report_table_has_rows_above_its_header_stars_hard_spaces_and_sums_among_its_rows(
    tmp_path: Path,
) -> None:
    rows = [
        ["Tabell 3. Påhittad"],
        [],
        ["Uppgifterna avser 2023"],
        ["Kommun", "Antal"],
        ["RIKET*", "1\xa0000"],
        ["RIKET", 1100],
        ["Region Kalmar län*", "100**"],
        ["Kalmar län", 101],
        ["Kalmar", "60*"],
        ["Uppgift saknas", 3],
        ["* Uppräknat värde"],
    ]
    table = """
area = "Kommun"
areaTypes = ["municipality"]
areaNames = {"RIKET" = "00", "Region Kalmar län" = "08"}
fixed = {year = "2023", sex = "total"}
footnotes = {"*" = [], "**" = ["estimated"]}
footer = ["* "]
skip = {"Kommun" = ["RIKET", "Uppgift saknas", "Kalmar län"]}
"""
    draft = delivered(tmp_path, workbook(tmp_path, rows), table, file="prov.xlsx")

    assert values(draft) == {
        ("00", "total", 2023, ""): 1000,
        ("08", "total", 2023, ""): 100,
        ("0880", "total", 2023, ""): 60,
    }
    assert keyed(draft)["08", "total", 2023, ""].flags == {Flag.ESTIMATED}
    assert not keyed(draft)["0880", "total", 2023, ""].flags


def test_a_star_that_nobody_declared_is_not_thrown_away(tmp_path: Path) -> None:
    with pytest.raises(FaultyFileError, match="'RIKET\\*' is no area that the TOML knows"):
        delivered(tmp_path, HEADER + "2020;RIKET*;Män;1\n")


def test_a_header_of_several_merged_rows_is_read_downwards(tmp_path: Path) -> None:
    rows = [
        ["Titel"],
        ["Region", "Kvinnor", "", "Män", ""],
        ["", "antal", "%", "antal", "%"],
        ["Riket", 3, 60, 2, 40],
    ]
    merged = {"A2:A3": "Region", "B2:C2": "Kvinnor", "D2:E2": "Män"}
    table = f'area = "Region"\n{COUNTIES}\nfixed = {{year = "2020"}}\nheaderRows = 2'
    both = indicator('"Kvinnor, antal" = {sex = "women"}, "Män, antal" = {sex = "men"}')
    shares = indicator(
        '"Kvinnor, %" = {sex = "women"}, "Män, %" = {sex = "men"}', "prov-andel", unit="percent"
    )
    draft = delivered(tmp_path, workbook(tmp_path, rows, merged), table, both + shares, file="prov.xlsx")

    assert values(draft) == {("00", "women", 2020, ""): 3, ("00", "men", 2020, ""): 2}
    assert values(draft, "prov-andel") == {("00", "women", 2020, ""): 60, ("00", "men", 2020, ""): 40}


def test_a_label_in_a_merged_cell_holds_for_all_its_rows_but_a_figure_does_not(tmp_path: Path) -> None:
    rows = [["År", "Region", "Antal"], [2020, "Riket", 5], ["", "Kalmar län", 4]]
    labels = workbook(tmp_path, rows, {"A2:A3": "2020"})

    assert values(delivered(tmp_path, labels, ALL, file="prov.xlsx"))["08", "total", 2020, ""] == 4
    with pytest.raises(FaultyFileError, match="row 3, Antal: a figure stands in a merged cell"):
        delivered(tmp_path, workbook(tmp_path, rows, {"A2:A3": "2020", "C2:C3": "5"}), ALL, file="prov.xlsx")


def repacked(body: bytes, folder: Path, changes: Mapping[str, str]) -> bytes:
    source, target = folder / "before.xlsx", folder / "after.xlsx"
    source.write_bytes(body)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        parts = {name: old.read(name).decode() for name in old.namelist()}
        for name, text in (parts | dict(changes)).items():
            new.writestr(name, text)
    return target.read_bytes()


def test_a_workbook_with_the_hidden_records_of_a_pivot_table_is_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    body = workbook(tmp_path, [["År", "Region", "Antal"], [2020, "Riket", 5]])
    hiding = repacked(body, tmp_path, {"xl/pivotCache/pivotCacheRecords1.xml": "<pivotCacheRecords/>"})

    with pytest.raises(FaultyFileError, match=r"hidden records \(xl/pivotCache\)"):
        delivered(tmp_path, hiding, ALL, file="prov.xlsx")


def test_a_workbook_that_claims_one_cell_and_a_drawing_that_is_not_there_is_read_whole(
    tmp_path: Path,
) -> None:
    body = workbook(tmp_path, [["År", "Region", "Antal"], [2020, "Riket", 5], [2021, "Riket", 6]])
    (tmp_path / "plain.xlsx").write_bytes(body)
    with zipfile.ZipFile(tmp_path / "plain.xlsx") as packed:
        sheet = packed.read("xl/worksheets/sheet1.xml").decode()
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/drawing"'
        ' Target="../drawings/drawing1.xml"/></Relationships>'
    )
    changes = {
        "xl/worksheets/sheet1.xml": re.sub('ref="A1:[^"]*"', 'ref="A1:A1"', sheet, count=1),
        "xl/worksheets/_rels/sheet1.xml.rels": relation,
    }

    assert "A1:A1" in changes["xl/worksheets/sheet1.xml"]
    assert values(delivered(tmp_path, repacked(body, tmp_path, changes), ALL, file="prov.xlsx")) == {
        ("00", "total", 2020, ""): 5,
        ("00", "total", 2021, ""): 6,
    }


def test_a_workbook_of_several_sheets_is_not_chosen_from(tmp_path: Path) -> None:
    path = tmp_path / "prov.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        for name in ("Om", "Tabell"):
            book.add_worksheet(name).write_row(0, 0, ["År", "Region", "Antal"])
            book.get_worksheet_by_name(name).write_row(1, 0, [2020, "Riket", 5])  # type: ignore[union-attr]
    toml = written(tmp_path, "prov.xlsx", ALL, indicator('"Antal" = {}'))

    with pytest.raises(FaultyFileError, match="has several sheets, name one: Om, Tabell"):
        read_file(toml)
    toml = written(tmp_path, "prov.xlsx", ALL, indicator('"Antal" = {}'), top='sheet = "Tabell"')
    assert values(read_file(toml)) == {("00", "total", 2020, ""): 5}


# --- the real files, by their simplest readers -----------------------------------------------------------

MEDICINES = (
    "C02AC02 Guanfacin",
    "N06BA02 Dexamfetamin",
    "N06BA04 Metylfenidat",
    "N06BA09 Atomoxetin",
    "N06BA12 Lisdexamfetamin",
)
LONG = (
    SIMPLE
    + 'footer = ["Socialstyrelsens statistikdatabas"]\n'
    + 'dimensions.age = {column = "Ålder", codes = {"0-19" = ""}}\n'
    + 'dimensions.medicine = {column = "Läkemedel", codes = {'
    + ", ".join(f'"{name}" = "{name[:7]}"' for name in MEDICINES)
    + "}}\n"
)
COLUMNS = {
    "Antal patienter": "persons",
    "Patienter/1000 invånare": "per1000Inhabitants",
    "Antal expedieringar": "number",
    "Expedieringar/1000 invånare": "per1000Inhabitants",
    "Befolkning": "persons",
}


def all_areas() -> list[Area]:
    return [one for one in areas().values() if one.type in {"country", "county", "municipality"}]


@pytest.fixture
def real(shared: Path) -> Path:
    return shared / "real"


def linked(folder: Path, file: Path, table: str, indicators: str) -> Draft:
    (folder / file.name).write_bytes(file.read_bytes())
    return read_file(written(folder, file.name, table, indicators))


@pytest.mark.shared
def test_the_long_export_loads_with_every_cell_as_it_stands(real: Path, tmp_path: Path) -> None:
    path = real / "socialstyrelsen/csv/socialstyrelsen_2022-02-18.csv"
    indicators = "".join(
        indicator(
            f'"{column}" = {{}}',
            f"prov-{at}",
            unit=unit,
            more=categories("medicine", [name[:7] for name in MEDICINES]),
            zero="missing" if column == "Befolkning" else "",
        )
        for at, (column, unit) in enumerate(COLUMNS.items())
    )
    draft = linked(tmp_path, path, LONG, indicators)

    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file, delimiter=";"))
    codes = {area.name: str(area.code) for area in all_areas()}
    sexes = {"Män": "men", "Kvinnor": "women", "Båda könen": "total"}
    for at, column in enumerate(COLUMNS):
        stated = {
            (
                codes[line["Region"]],
                sexes[line["Kön"]],
                int(line["År"]),
                f"medicine:{line['Läkemedel'][:7]}",
            ): float(line[column].replace(",", "."))
            for line in lines
        }
        found = values(draft, f"prov-{at}")
        if column == "Befolkning":
            assert sum(value == 0 for value in stated.values()) == 1300
            stated = {key: value or Status.MISSING for key, value in stated.items()}  # type: ignore[misc]
        assert found == stated
        assert len(found) == 4950


@pytest.mark.shared
def test_the_wide_export_loads_with_every_cell_as_it_stands(real: Path, tmp_path: Path) -> None:
    path = real / "socialstyrelsen/csv/Statistikdatabasen_2019-11-28_12_56_54.csv"
    title, header, *rest = path.read_text("utf-8-sig").splitlines()
    ages = [plain(age) for age in header.split(";")[2:-1]]
    columns = ", ".join(f'"{age}" = {{age = "{age.replace("+", "-")}"}}' for age in ages) + ', "Totalt" = {}'
    table = (
        ALL.replace('sex = "total"', 'sex = "men"')
        + MARKS
        + f'\nfooter = ["Socialstyrelsens statistikdatabas"]\ntitle = "{plain(title)}"'
    )
    deaths = indicator(columns, more=categories("age", [age.replace("+", "-") for age in ages]))
    draft = linked(tmp_path, path, table, deaths)

    codes = {area.name: str(area.code) for area in all_areas()}
    parts = [*(f"age:{age.replace('+', '-')}" for age in ages), ""]
    stated = {
        (codes[name], "men", int(year), part): Status.MISSING
        if text == "\xad\xad"
        else float(text.replace(",", "."))
        for year, name, *texts in (line.split(";") for line in rest[:-1])
        for part, text in zip(parts, texts, strict=True)
    }
    assert values(draft) == stated
    assert len(stated) == 484 * 10


AID = """
title = "Ekonomiskt bistånd, Dalarnas län"
year = "År"
month = "Månad"
fixed = {municipality = "20", sex = "total"}
marks = {"--" = "missing"}
afterLast = "notYetPublished"
"""
STATES = ("2023_08_24", "2023_09_04", "2023_10_09", "2024_01_11", "2024_02_12")


def aid(real: Path, folder: Path, state: str) -> Draft:
    months = categories("month", [f"{number:02}" for number in range(1, 13)])
    both = indicator('"Antal hushåll" = {}', "prov-hushall", more=months) + indicator(
        '"Utbetalt ekonomiskt bistånd tkr" = {}', "prov-tkr", more=months
    )
    return linked(folder, real / f"socialstyrelsen/xlsx/Socialstyrelsen_{state}.xlsx", AID, both)


def sheet_by_hand(path: Path) -> list[list[str]]:
    """The cells of the first sheet, out of the XML itself."""
    space = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    with zipfile.ZipFile(path) as packed:
        strings = [
            "".join(text.text or "" for text in item.iterfind(".//x:t", space))
            for item in ET.fromstring(packed.read("xl/sharedStrings.xml")).iterfind("x:si", space)
        ]
        sheet = ET.fromstring(packed.read("xl/worksheets/sheet1.xml"))
    rows = []
    for row in sheet.iterfind(".//x:row", space):
        cells = []
        for cell in row.iterfind("x:c", space):
            text = cell.findtext("x:v", "", space)
            cells.append(strings[int(text)] if cell.get("t") == "s" and text else text)
        rows.append(cells)
    return rows


@pytest.mark.shared
@pytest.mark.parametrize("state", STATES)
def test_every_dated_workbook_loads_with_every_cell_as_it_stands(
    real: Path, tmp_path: Path, state: str
) -> None:
    draft = aid(real, tmp_path, state)

    rows = sheet_by_hand(real / f"socialstyrelsen/xlsx/Socialstyrelsen_{state}.xlsx")[2:]
    for name, at in (("prov-hushall", 2), ("prov-tkr", 3)):
        stated = {
            ("20", "total", int(row[0]), f"month:{MONTHS.index(row[1].lower()) + 1:02}"): row[at]
            for row in filter(None, rows)
        }
        found = values(draft, name)
        assert len(found) == 120
        assert {key: value for key, value in found.items() if not isinstance(value, Status)} == {
            key: float(text) for key, text in stated.items() if text != "--"
        }
        absent = {key: value for key, value in found.items() if isinstance(value, Status)}
        assert absent.keys() == {key for key, text in stated.items() if text == "--"}
        assert [key for key, value in absent.items() if value is Status.MISSING] == [
            ("20", "total", 2016, "month:12")
        ]


@pytest.mark.shared
@pytest.mark.parametrize("name", ["prov-hushall", "prov-tkr"])
def test_from_state_to_state_exactly_the_months_that_came_differ(
    real: Path, tmp_path: Path, name: str
) -> None:
    states = [values(aid(real, tmp_path, state), name) for state in STATES]
    came = [
        [key[3] for key in before if before[key] != after[key] and before[key] is Status.NOT_YET_PUBLISHED]
        for before, after in pairwise(states)
    ]
    other = [
        key
        for before, after in pairwise(states)
        for key in before.keys() | after.keys()
        if before[key] != after[key] and before[key] is not Status.NOT_YET_PUBLISHED
    ]

    assert came == [["month:07"], ["month:08"], ["month:09", "month:10", "month:11"], ["month:12"]]
    assert not other


@pytest.mark.shared
def test_the_shares_of_another_region_load_as_they_are_by_a_table_of_names(
    real: Path, tmp_path: Path
) -> None:
    path = real / "lupp/ungadel.csv"
    with path.open(encoding="latin-1", newline="") as file:
        lines = list(csv.DictReader(file))
    names = {"Dalarna": "20"} | {
        genitive: str(area.code)
        for area in all_areas()
        if area.parent == "20"
        for genitive in (f"{area.name} kommun", f"{area.name}s kommun", f"{area.name[:-1]} kommun")
    }
    used = {line["Boendekommun"] for line in lines}
    table = (
        'year = "År"\narea = "Boendekommun"\nfixed = {sex = "total"}\ndecimal = "."\nareaNames = {'
        + ", ".join(f'"{name}" = "{code}"' for name, code in names.items() if name in used)
        + '}\ndimensions.stage = {column = "Undersökning", codes = '
        + '{"Högstadiet" = "hogstadiet", "Gymnasiet" = "gymnasiet"}}'
    )
    stages = {"Högstadiet": "stage:hogstadiet", "Gymnasiet": "stage:gymnasiet"}
    shares = indicator('"andel" = {}', unit="percent", more=categories("stage", ["hogstadiet", "gymnasiet"]))
    draft = linked(tmp_path, path, table, shares)

    assert values(draft) == {
        (names[line["Boendekommun"]], "total", int(line["År"]), stages[line["Undersökning"]]): float(
            line["andel"]
        )
        for line in lines
    }
    assert len(lines) == 95
    assert ("2023", "total", 2018, "stage:gymnasiet") not in values(draft)
    with pytest.raises(FaultyFileError) as error:
        linked(tmp_path, path, table.replace('"Gagnefs kommun" = "2026"', '"Gagnef" = "2026"'), shares)
    assert [(fault.row, fault.value) for fault in error.value.faults] == [(11, "Gagnefs kommun")]
