from datetime import date

import pytest
from hypothesis import given

from datasets.canonical import HEADER, canonical_csv, cube_of_csv, figures_hash
from datasets.cube import cube_from
from datasets.vocabulary import Flag, Interval, Observation, Period, Sex, Status
from tests.given import cube, figure, observations

GOLDEN = """\
municipality,sex,year,periodStart,periodEnd,breakdown,value,status,flags,low,high,count
00,total,2020,,,,0,,,,,
08,total,2022,2019-01-01,2022-12-31,,3.2,,,2.3,4.2,
0880,women,2020,,,,0.0000001,,,,,12
0880,women,2020,,,age:80-,79.545454,,,,,
0880,women,2020,,,age:80-;reporter:polis,12345678901,,estimated;preliminary,,,
0880,women,2021,,,,-1044,,,,,
0880,men,2020,,,,,suppressed,,,,
0880,other,2020,,,,,notYetPublished,,,,
0880R001,total,2020,,,,,missing,,,,
"""


def golden_figures() -> list[Observation]:
    women = {"sex": Sex.WOMEN, "year": 2020}
    flags = frozenset({Flag.PRELIMINARY, Flag.ESTIMATED})
    years = Period(date(2019, 1, 1), date(2022, 12, 31))
    return [
        figure("0880R001", status=Status.MISSING),
        figure(sex=Sex.OTHER, status=Status.NOT_YET_PUBLISHED),
        figure(sex=Sex.MEN, status=Status.SUPPRESSED),
        figure(sex=Sex.WOMEN, year=2021, value=-1044.0),
        figure(**women, breakdown="age:80-;reporter:polis", value=12345678901.0, flags=flags),
        figure(**women, breakdown="age:80-", value=79.545454),
        figure(**women, value=1e-7, count=12),
        figure("08", year=2022, period=years, value=3.2, interval=Interval(2.3, 4.2)),
        figure("00", value=0.0, period=Period(date(2020, 1, 1), date(2020, 12, 31))),
    ]


def test_the_canonical_form_is_this_to_the_byte() -> None:
    assert canonical_csv(cube(*golden_figures())) == GOLDEN.encode("ascii")


def test_the_identity_of_a_cube_is_what_sha256sum_says_of_its_file() -> None:
    said = "4944b66b7984ed1ae7b30a7c4755541f2e0aa1326d395900477e5291341a905a"

    assert figures_hash(canonical_csv(cube(*golden_figures()))).hex() == said


@given(observations())
def test_what_is_written_reads_back_and_is_written_the_same(figures: list[Observation]) -> None:
    written = canonical_csv(cube_from(figures))
    back = cube_of_csv(written)

    assert canonical_csv(back) == written
    assert list(back) == list(cube_from(figures))


@given(observations(least=1))
def test_no_field_ever_needs_quotes(figures: list[Observation]) -> None:
    lines = canonical_csv(cube_from(figures)).decode("ascii").split("\n")

    assert [line.count(",") for line in lines[:-1]] == [HEADER.count(",")] * (len(figures) + 1)
    assert lines[-1] == ""
    assert '"' not in "".join(lines)


def test_an_empty_cube_is_its_header() -> None:
    assert canonical_csv(cube_from([])) == HEADER.encode() + b"\n"
    assert len(cube_of_csv(HEADER.encode() + b"\n")) == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("municipality,", "kommun,"),
        ("0880R001", "880"),
        ("women", "kvinnor"),
        ("total,2020", "total,20200"),
        ("2019-01-01", "2023-01-01"),
        ("age:80-;reporter:polis", "reporter:polis;age:80-"),
        ("79.545454", "79,5"),
        ("79.545454", "nan"),
        ("suppressed", "dold"),
        ("estimated;preliminary", "uppskattad"),
        (",2.3,4.2,", ",2.3,,"),
        (",2.3,4.2,", ",4.3,5,"),
        (",,,12\n", ",,,-2\n"),
        ("0880,men,2020", "0880,women,2020"),
    ],
)
def test_bytes_that_are_no_cube_are_refused(old: str, new: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        cube_of_csv(GOLDEN.replace(old, new, 1).encode())
