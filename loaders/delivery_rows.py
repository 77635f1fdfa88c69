"""From the rows of a delivered table to figures: each word looked up in what the TOML declares of it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from datasets.areas import AreaType, area, areas
from datasets.closest import closest
from datasets.errors import Fault, UnknownCodeError
from datasets.numbers import checked_number
from datasets.vocabulary import Breakdown, Flag, Observation, Sex, Status
from loaders.grids import Cell, Header, text_of
from loaders.swedish import days_of, figure_of, month_of, period_of

AREA, SEX, YEAR, MONTH = "municipality", "sex", "year", "month"
KEYS = (AREA, SEX, YEAR)
Parts = Mapping[str, str]
"""Where a figure belongs: the codes of its area, sex, year, month and further dimensions, by name."""


class Labels(Struct, frozen=True, forbid_unknown_fields=True):
    """A column of labels, and the code of each; an empty code is the undivided figure."""

    column: str
    codes: dict[str, str]


class Table(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How a kind of file is drawn: `year`, `month`, `area`, `sex` and `dimensions` name columns."""

    title: str = ""
    """What must stand above the header, where only the title says what the figures are of."""
    header_rows: Annotated[int, Meta(ge=1, le=5)] = 1
    year: str = ""
    month: str = ""
    area: str = ""
    area_types: tuple[AreaType, ...] = ()
    """Which kinds of area may be known by their official names; `Kalmar` alone could be two."""
    area_names: dict[str, str] = {}
    sex: str = ""
    sexes: dict[str, Sex] = {}
    dimensions: dict[str, Labels] = {}
    fixed: dict[str, str] = {}
    """What holds for every figure and stands in no column."""
    marks: dict[str, Status] = {}
    """What stands in place of a figure, as it is seen: two soft hyphens are `--`."""
    footnotes: dict[str, tuple[Flag, ...]] = {}
    """Signs after a label or a figure, and the flags that they mean for a figure, if any."""
    footer: tuple[str, ...] = ()
    """How the lines after the last row begin."""
    skip: dict[str, tuple[str, ...]] = {}
    """By column, the labels of rows that are left out: sums over areas that have no code."""
    decimal: Literal[",", "."] = ","
    complete: bool = False
    """Whether a column that is not declared stops the file: a year more is not left out in silence."""
    after_last: Status | None = None
    """What a missing figure after the last month or year that has any is: not yet published."""

    def names(self) -> Iterator[str]:
        """Yield what the columns of labels say of a figure."""
        columns = {YEAR: self.year, MONTH: self.month, AREA: self.area, SEX: self.sex}
        yield from (name for name, column in columns.items() if column)
        yield from self.dimensions

    def columns(self) -> Iterator[str]:
        """Yield the columns of labels."""
        yield from filter(None, (self.year, self.month, self.area, self.sex))
        yield from (labels.column for labels in self.dimensions.values())
        yield from self.skip


class Figures(Struct, frozen=True):
    """One column of figures: whose they are, where it stands, what holds in it, and what its zero means."""

    indicator: str
    column: str
    parts: Parts
    zero: Status | None = None


class Rows:
    """Reads the rows under a header and collects what is wrong with them."""

    def __init__(self, file: str, table: Table, header: Header) -> None:
        self.file = file
        self.table = table
        self.header = header
        self.faults: list[Fault] = []
        self._known: dict[tuple[str, str], str | None] = {}
        self._lines: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
        self._readers: dict[str, tuple[str, Callable[[str], str]]] = {
            YEAR: (table.year, _years),
            MONTH: (table.month, _month),
            AREA: (table.area, _code_in("area", _areas(table))),
            SEX: (table.sex, _code_in("sex", table.sexes)),
            **{
                name: (labels.column, _code_in(name, labels.codes))
                for name, labels in table.dimensions.items()
            },
        }
        self._readers = {name: told for name, told in self._readers.items() if told[0]}

    def read(self, columns: Sequence[Figures]) -> dict[str, list[Observation]]:
        """Return the figures of every indicator in *columns*."""
        found: dict[str, list[Observation]] = {column.indicator: [] for column in columns}
        for at, row in self._body():
            line = self.header.grid.lines[at]
            parts = self._labels(row, line)
            for column in columns if parts is not None else ():
                place = self.header.columns[column.column]
                if (at, place) in self.header.grid.repeated:
                    self._tell(line, column.column, "", "a figure stands in a merged cell")
                else:
                    whole = {**self.table.fixed, **(parts or {}), **column.parts}
                    found[column.indicator] += self._figure(row[place], whole, column, line)
        return found

    def _body(self) -> Iterator[tuple[int, Sequence[Cell]]]:
        """Yield the rows with figures; the footer ends them."""
        grid, width = self.header.grid, len(self.header.grid.rows[self.header.body - 1])
        ended = False
        for at in range(self.header.body, len(grid.rows)):
            row = grid.rows[at]
            texts = [text_of(cell) for cell in row]
            if not any(texts):
                continue
            ended = ended or (not any(texts[1:]) and texts[0].startswith(self.table.footer or ("\0",)))
            if ended and any(texts[1:]):
                self._tell(grid.lines[at], "", texts[0], "stands after the footer")
            elif not ended and len(row) != width:
                reason = f"has {len(row)} cells, the header has {width}, and is no footer"
                self._tell(grid.lines[at], "", texts[0], reason)
            elif not ended and not self._skipped(texts):
                yield at, row

    def _skipped(self, texts: Sequence[str]) -> bool:
        return any(texts[self.header.columns[column]] in labels for column, labels in self.table.skip.items())

    def _labels(self, row: Sequence[Cell], line: int) -> Parts | None:
        """Return the codes of a row's labels, or None where one of them is not known."""
        codes: dict[str, str | None] = {}
        for name, (column, read) in self._readers.items():
            text = text_of(row[self.header.columns[column]])
            if (name, text) not in self._known:
                self._known[name, text] = self._code(line, column, text, read)
            codes[name] = self._known[name, text]
        return None if None in codes.values() else {name: code for name, code in codes.items() if code}

    def _code(self, line: int, column: str, text: str, read: Callable[[str], str]) -> str | None:
        label, _ = self._unmarked(text)
        try:
            return read(label)
        except UnknownCodeError as error:
            self._tell(line, column, text, f"is no {error.kind}", error.closest)
        except ValueError as error:
            self._tell(line, column, text, str(error))
        return None

    def _unmarked(self, text: str) -> tuple[str, frozenset[Flag]]:
        """Return *text* without its footnote signs, and the flags that they mean."""
        for sign in sorted(self.table.footnotes, key=len, reverse=True):
            if text.endswith(sign) and text != sign:
                return text.removesuffix(sign).rstrip(), frozenset(self.table.footnotes[sign])
        return text, frozenset()

    def _figure(self, cell: Cell, parts: Parts, column: Figures, line: int) -> Iterator[Observation]:
        key = column.indicator, tuple(sorted(parts.items()))
        first = self._lines.setdefault(key, line)
        if first != line:
            self._tell(line, column.column, "", f"the same figure stands in row {first} already")
            return
        try:
            value, status, flags = self._value(cell)
            if value == 0 and column.zero:
                value, status, flags = None, column.zero, frozenset()
            yield observation_of(parts, value, status, flags)
        except ValueError as error:
            self._tell(line, column.column, text_of(cell), str(error))

    def _value(self, cell: Cell) -> tuple[float | None, Status | None, frozenset[Flag]]:
        if isinstance(cell, float):
            return checked_number(cell) + 0.0, None, frozenset()
        text, flags = self._unmarked(text_of(cell))
        if text in self.table.marks:
            return None, self.table.marks[text], frozenset()
        return figure_of(text, self.table.decimal), None, flags

    def _tell(self, line: int, column: str, value: str, reason: str, hints: Sequence[str] = ()) -> None:
        self.faults.append(
            Fault(file=self.file, row=line, column=column, value=value, reason=reason, closest=tuple(hints))
        )


def observation_of(
    parts: Parts, value: float | None, status: Status | None, flags: frozenset[Flag] = frozenset()
) -> Observation:
    """Return the figure that belongs where *parts* say."""
    year, period = period_of(parts[YEAR])
    return Observation(
        municipality=area(parts[AREA]).code,
        sex=Sex(parts[SEX]),
        year=year,
        period=days_of(year, int(parts[MONTH])) if MONTH in parts else period,
        breakdown=Breakdown.of({name: code for name, code in parts.items() if name not in KEYS}),
        value=value,
        status=status,
        flags=flags,
    )


def with_future(figures: Sequence[Observation], status: Status | None) -> list[Observation]:
    """Return *figures*; what is missing after the last month or year that has a figure gets *status*."""
    ends = [figure.period.end if figure.period else date(figure.year, 12, 31) for figure in figures]
    last = max(
        (end for end, figure in zip(ends, figures, strict=True) if figure.status is None), default=None
    )
    if status is None or last is None:
        return list(figures)
    return [
        structs.replace(figure, status=status) if figure.status is Status.MISSING and end > last else figure
        for end, figure in zip(ends, figures, strict=True)
    ]


def _areas(table: Table) -> Mapping[str, str]:
    """Return the codes by the names that *table* may use: official ones of its kinds of area, and its own."""
    kinds = [one for one in areas().values() if one.type in table.area_types]
    times = Counter(one.name for one in kinds)
    official = {one.name: str(one.code) for one in kinds if times[one.name] == 1}
    return official | {str(one.code): str(one.code) for one in kinds} | table.area_names


def _years(text: str) -> str:
    period_of(text)
    return text


def _month(text: str) -> str:
    return f"{month_of(text):02}"


def _code_in(kind: str, codes: Mapping[str, str]) -> Callable[[str], str]:
    unknown = f"{kind} that the TOML knows"

    def code(text: str) -> str:
        if text not in codes:
            raise UnknownCodeError(unknown, text, closest(text, {name: name for name in codes}))
        return codes[text]

    return code
