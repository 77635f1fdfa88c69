from datetime import UTC, datetime
from pathlib import Path

import pytest

from datasets.errors import Fault, FaultyFileError
from loaders.description import read_description
from loaders.kinds import read_file
from loaders.metadata import definitions_of, source_time
from tests.given import HEADER, form, handed_over, rows

ONE = rows("0880,total,2020,1.5")


def faults(path: Path) -> tuple[Fault, ...]:
    with pytest.raises(FaultyFileError) as refusal:
        read_file(path)
    return refusal.value.faults


def changed(path: Path, old: str, new: str) -> Path:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ('theme = "aldre"', 'theme = "alder"', "dataset.theme"),
        ('theme = "aldre"', 'thema = "aldre"', "dataset.thema"),
        ('source = "region-kalmar"', 'source = "regionen"', "dataset.source"),
        ('{sv = "Prov"}', '{en = "Trial"}', "dataset.title"),
        ('{sv = "Prov"}', '"Prov"', "dataset.title"),
        ('{sv = "Prov"}', '{sv = ""}', "dataset.title.sv"),
        ('updateFrequency = "annual"', "updateFrequency = 1", "dataset.updateFrequency"),
        ('publisher = "Region Kalmar län"', "", "dataset.publisher"),
        ('id = "prov"', 'id = "prov 1"', "dataset"),
        ('unit = "percent"', 'unit = "procent"', "indicator prov-andel.unit"),
        ('unit = "percent"', 'unit = "percent"\ndecimals = -1', "indicator prov-andel.decimals"),
        ('unit = "percent"', "", "indicator prov-andel.unit"),
        ('id = "prov-andel"', 'id = "prov_andel"', "indicator prov_andel"),
        ('id = "prov-andel"', "", "indicator indicator 1.id"),
        ('"80-" =', '"80 och äldre" =', "indicator prov-andel"),
        ('file = "prov.csv"', 'file = "prov.csv"\nnoted = "x"', "noted"),
        ('file = "prov.csv"', "", "file"),
        ('file = "prov.csv"', 'file = "prov.csv"\nretrieved = "2026-03-04"', ""),
        ('file = "prov.csv"', 'file = "prov.csv"\nnote = "\\u001b[2J"', ""),
    ],
)
def test_a_fault_in_the_form_has_its_place(tmp_path: Path, old: str, new: str, column: str) -> None:
    told = faults(changed(handed_over(tmp_path, ONE), old, new))

    assert column in {fault.column for fault in told}
    assert {fault.file for fault in told} == {"prov.toml"}


def test_all_faults_of_both_files_are_told_at_once(tmp_path: Path) -> None:
    path = handed_over(tmp_path, rows("880,total,2020,1"), dataset='licence = "CC0"\nlicense = "CC0"')
    changed(path, 'unit = "percent"', 'unit = "procent"')
    told = faults(path)

    assert [(fault.file, fault.column) for fault in told] == [
        ("prov.toml", "dataset.licence"),
        ("prov.toml", "dataset.license"),
        ("prov.toml", "indicator prov-andel.unit"),
        ("prov.csv", "municipality"),
    ]
    assert [fault.closest[:1] for fault in told] == [(), ("licence",), ("percent",), ("0880",)]


def test_figures_of_people_without_a_threshold_are_refused(tmp_path: Path) -> None:
    (fault,) = faults(handed_over(tmp_path, ONE, dataset="personBased = true"))

    assert "state its threshold" in fault.reason


@pytest.mark.parametrize("threshold", ["0", "-1", '"5"', "2.5"])
def test_a_threshold_is_a_whole_number_of_persons(tmp_path: Path, threshold: str) -> None:
    (fault,) = faults(handed_over(tmp_path, ONE, dataset=f"personBased = true\nthreshold = {threshold}"))

    assert fault.column == "dataset.threshold"


@pytest.mark.parametrize(
    "file", ["../prov.csv", "/etc/passwd", "./prov.csv", "a/../prov.csv", "sub/prov.csv"]
)
def test_the_table_lies_beside_its_form_and_nowhere_else(tmp_path: Path, file: str) -> None:
    (tmp_path / "sub").mkdir()
    for folder in (tmp_path, tmp_path / "sub"):
        (folder / "prov.csv").write_text(ONE)
    (fault,) = faults(form(tmp_path / "sub", file=file))

    assert (fault.column, fault.value) == ("file", file)
    assert "without folders" in fault.reason


@pytest.mark.parametrize("file", ["", ".."])
def test_a_folder_is_no_table(tmp_path: Path, file: str) -> None:
    (fault,) = faults(form(tmp_path, file=file))

    assert fault.reason == "there is no such file beside the TOML"


def test_an_indicator_that_stands_twice_is_told(tmp_path: Path) -> None:
    again = '[[indicator]]\nid = "prov-andel"\ntitle = {sv = "B"}\ndefinition = {sv = "B"}\nunit = "percent"'
    table = rows("0880,total,2020,1,prov-andel", header=(*HEADER, "indicator"))
    (fault,) = faults(handed_over(tmp_path, table, end=again))

    assert (fault.column, fault.reason) == ("indicator prov-andel", "stands twice")


def test_a_form_without_indicators_is_refused(tmp_path: Path) -> None:
    path = handed_over(tmp_path, ONE, top="indicator = []")
    path.write_text(path.read_text("utf-8").partition("[[indicator]]")[0], "utf-8")

    assert [fault.column for fault in faults(path)] == ["indicator"]


NOTE = '[[indicator.notes]]\ntext = {{sv = "Obs"}}\n{scope}'


@pytest.mark.parametrize(
    ("scope", "column"),
    [
        ('municipalities = ["880"]', "indicator prov-andel.notes.municipalities"),
        ('breakdown = {age = "81-"}', "indicator prov-andel.notes.breakdown"),
        ('breakdown = {rub = "5"}', "indicator prov-andel.notes.breakdown"),
        ('sexes = ["kvinnor"]', "indicator prov-andel.notes[0].sexes[0]"),
    ],
)
def test_a_note_concerns_what_there_is(tmp_path: Path, scope: str, column: str) -> None:
    (fault,) = faults(handed_over(tmp_path, ONE, end=NOTE.format(scope=scope)))

    assert fault.column == column


@pytest.mark.parametrize("body", [b"", b"file = ", b"\xff\xfe", b"file = 1 = 2", b"[[dataset]]"])
def test_what_is_no_form_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "prov.toml").write_bytes(body)

    assert {fault.file for fault in faults(tmp_path / "prov.toml")} == {"prov.toml"}


def test_a_form_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert faults(tmp_path / "borta.toml")[0].reason == "there is no such file"


@pytest.mark.parametrize(
    ("written", "when"),
    [
        ("2026-03-04", datetime(2026, 3, 4, tzinfo=UTC)),
        ("2026-03-04T12:30:00Z", datetime(2026, 3, 4, 12, 30, tzinfo=UTC)),
        ("2026-03-04T12:30:00+01:00", datetime(2026, 3, 4, 11, 30, tzinfo=UTC)),
        ("2026-03-04T12:30:00", datetime(2026, 3, 4, 12, 30, tzinfo=UTC)),
    ],
)
def test_the_time_of_the_source_is_kept(tmp_path: Path, written: str, when: datetime) -> None:
    path = handed_over(tmp_path, ONE, top=f"retrieved = {written}")

    assert source_time(definitions_of(read_description(path)).form) == when
