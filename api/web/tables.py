"""The figures of a picture as a table: every figure, and in words why one is not there."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from api.charts.figures import Figure, Point
from api.charts.numerals import numeral
from api.charts.words import WORDS, with_interval
from datasets.numbers import number_text
from datasets.statuses import LEGEND

_TITLES = {sign.code: sign.title for sign in LEGEND}
_MOST_CELLS = 4_000
"""Beyond this a table holds the years of the picture only."""


class Cell(Struct, frozen=True):
    """One figure: as it is read, exactly, and in words where there is none or something to know."""

    text: str = ""
    exact: str = ""
    absent: str = ""
    flags: str = ""


class Row(Struct, frozen=True):
    """One row under its heading; a row that only says something has no cells."""

    heading: str
    cells: tuple[Cell, ...] = ()


class Table(Struct, frozen=True):
    """A whole table."""

    corner: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def table_of(figure: Figure) -> Table:
    """Return the figures as a table: years downwards beside lines, series downwards beside bars."""
    points = {(at, point.year): point for at, one in enumerate(figure.series) for point in one.points}
    years = sorted({year for _, year in points})
    if len(figure.series) * len(years) > _MOST_CELLS:
        years = [year for year in years if year in figure.years]
    year_word = "År" if figure.language == "sv" else "Year"
    if figure.kind == "lines":
        columns = tuple(one.label for one in figure.series)
        return Table(year_word, columns, tuple(_by_year(figure, years, points)))
    rows = tuple(
        Row(one.label, tuple(cell(figure, points.get((at, year))) for year in years))
        for at, one in enumerate(figure.series)
    )
    return Table("Serie" if figure.language == "sv" else "Series", tuple(map(str, years)), rows)


def cell(figure: Figure, point: Point | None) -> Cell:
    """Return one figure as a cell; an empty one where the source has no row."""
    if point is None:
        return Cell()
    if point.value is None:
        return Cell(absent=_TITLES[str(point.status)].spoken(figure.language).lower())
    flags = ", ".join(_TITLES[str(flag)].spoken(figure.language).lower() for flag in point.flags)
    text = numeral(point.value, figure.indicator.decimals, figure.language)
    if point.low is not None:
        text = with_interval(figure, point)
    return Cell(text, number_text(point.value), flags=flags)


def _by_year(figure: Figure, years: Sequence[int], points: Mapping[tuple[int, int], Point]) -> Iterator[Row]:
    told = {note.series_break: note.text for note in figure.notes if note.series_break is not None}
    for year in years:
        for broken in [known for known in told if known <= year]:
            yield Row(WORDS[figure.language]["break"].format(broken, told.pop(broken)))
        yield Row(str(year), tuple(cell(figure, points.get((at, year))) for at in range(len(figure.series))))
