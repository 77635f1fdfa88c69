"""Two indicators with figures of every kind there is: one question for every format and client."""

from collections.abc import Iterator
from datetime import date

import numpy as np
from msgspec.structs import replace

from datasets.areas import AreaType, areas
from datasets.catalogue import Dimension, Note, SeriesBreak
from datasets.cube import NO_COUNT, NO_DAY, Columns, cube_of
from datasets.ledger import Draft
from datasets.vocabulary import UNDIVIDED, Flag, Interval, Observation, Period, Sex, Status, Text
from tests import given

DATASET, SHARE, COUNT, LARGE = "prov", "prov-andel", "prov-antal", "stor-andel"
AREAS = ("00", "08", "0821", "0834", "0840", "0860", "0861", "0862", "0880", "0881", "0882", "0883", "0885")
YEARS = range(2012, 2024)
PARTS = ("", "age:65-79", "age:80-", "age:80-;reporter:polis")
KINDS = 16
BREAK, NOTE, OTHER = "Ny definition från 2018", "Talen ska läsas med noten", "=1+1 om bara kvinnor"


def shares() -> Iterator[Observation]:
    """Yield a figure for each combination, each sixteenth of one kind; some combinations have none."""
    for number, (area, sex, year, part) in enumerate(
        (area, sex, year, part)
        for area in AREAS
        for sex in (Sex.TOTAL, Sex.WOMEN, Sex.MEN)
        for year in YEARS
        for part in PARTS
    ):
        told: dict[str, object] = {"value": number / 8}
        match number % KINDS:
            case 0:
                told = {"value": 0.0}
            case 1 | 2 | 3 | 4:
                told = {"status": list(Status)[number % KINDS - 1]}
            case 5:
                told |= {"interval": Interval(number / 8 - 1, number / 8 + 0.125), "count": number}
            case 6:
                told |= {"flags": frozenset({Flag.SERIES_BREAK, Flag.ESTIMATED})}
            case 7:
                told |= {"period": Period(date(year - 3, 1, 1), date(year, 12, 31))}
            case 8:
                told = {"value": -number / 8}
            case 9:
                told = {"value": 123456.123456789, "flags": frozenset({Flag.PRELIMINARY})}
            case 10:
                continue
        yield given.figure(area, sex, year, part, **told)


def large(rows: int) -> Draft:
    """Return a dataset of a little more than *rows* figures, one a municipality, sex and year."""
    codes = [one.code for one in areas().values() if one.type is AreaType.MUNICIPALITY]
    years = -(-rows // (3 * len(codes)))
    count = len(codes) * 3 * years
    at = np.arange(count)
    none = np.full(count, np.nan)
    columns = Columns(
        municipality=(at // (3 * years)).astype(np.uint16),
        sex=(at // years % 3).astype(np.uint8),
        year=(2023 - at % years).astype(np.int16),
        start=np.full(count, NO_DAY, np.int32),
        end=np.full(count, NO_DAY, np.int32),
        breakdown=np.zeros(count, np.uint32),
        value=at / 4,
        status=np.zeros(count, np.uint8),
        flags=np.zeros(count, np.uint8),
        low=none,
        high=none,
        count=np.full(count, NO_COUNT, np.int64),
    )
    return given.draft("stor", {LARGE: cube_of(codes, [UNDIVIDED], columns)})


def draft() -> Draft:
    """Return the two indicators as one dataset."""
    counts = [given.figure(area, Sex.OTHER, 2023, value=float(n)) for n, area in enumerate(AREAS)]
    dimensions = given.indicator().breakdowns | {
        "reporter": Dimension(Text("Anmälare"), {"polis": Text("Polis")})
    }
    share = replace(
        given.indicator(SHARE),
        title=Text('=Andel, "äldre"'),
        breakdowns=dimensions,
        breaks=(SeriesBreak(2018, Text(BREAK)),),
        notes=(
            Note(text=Text(NOTE), mandatory=True),
            Note(text=Text(OTHER), mandatory=True, sexes=(Sex.WOMEN,)),
        ),
    )
    count = replace(given.indicator(COUNT, title=Text("Antal"), unit="number"), breakdowns={})
    return given.draft(
        DATASET,
        {SHARE: given.cube(*shares()), COUNT: given.cube(*counts)},
        indicators={SHARE: share, COUNT: count},
    )
