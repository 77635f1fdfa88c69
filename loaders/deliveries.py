"""Files that a source delivers, drawn as it draws them: one declared description a kind of file, in a TOML.

`[table]` says where the year, the area, the sex and further dimensions stand and what their words mean, each
`[indicator.load]` which columns hold its figures. What is not declared is refused, all of it at once.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from datasets.areas import area
from datasets.cube import cube_from
from datasets.errors import Fault, FaultyFileError, UnknownCodeError
from datasets.ledger import Draft
from datasets.vocabulary import Observation, Sex, Status
from loaders.declared import Declared, declared_in
from loaders.delivery_rows import AREA, KEYS, MONTH, SEX, YEAR, Figures, Rows, Table, with_future
from loaders.description import Description
from loaders.grids import Header, header_of, read_grids, refused, text_of
from loaders.handover import held
from loaders.metadata import Form, converted
from loaders.swedish import month_of, period_of


class Delivery(Form, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The TOML of a delivery: that of a hand-over, and how the table is drawn."""

    table: dict[str, Any]


class Load(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the figures of an indicator stand: each column, with what holds for all of it."""

    columns: dict[str, dict[str, str]]
    zero: Status | None = None
    """What a zero means where it is none: a population of 0 beside 0 patients was never looked up."""


def read_delivery(told: Description) -> Draft:
    """Return the draft that *told* and the delivered file in its folder make.

    Raises FaultyFileError with every fault of both; nothing is guessed, nothing half kept.
    """
    declared = declared_in(told, Delivery)
    faults: list[Fault] = []
    table = converted(declared.form.table, Table, told.name, "table", faults)
    columns = [*_columns(told.name, declared, faults)]
    if table:
        faults += _wrong_parts(told.name, table, columns)
    if faults or table is None:
        raise FaultyFileError(faults)
    file = told.folder / declared.form.file
    names = dict.fromkeys([*table.columns(), *(column.column for column in columns)])
    header = header_of(file, read_grids(file, declared.form.sheet), names, table.header_rows)
    _check_title(file, table, header)
    if table.complete:
        _refuse_more(file, header)
    rows = Rows(file.name, table, header)
    figures = {name: with_future(found, table.after_last) for name, found in rows.read(columns).items()}
    faults = rows.faults or [
        fault for name, found in figures.items() for fault in _unfit(declared, name, found)
    ]
    cubes = {} if faults else {name: cube_from(found) for name, found in figures.items()}
    faults = faults or held(declared.dataset, declared.indicators, cubes, declared.form)
    if faults:
        raise FaultyFileError(faults)
    return declared.draft(cubes)


def _columns(file: str, declared: Declared[Delivery], faults: list[Fault]) -> Iterator[Figures]:
    for name, table in declared.loads.items():
        load = converted(table, Load, file, f"indicator {name}.load", faults)
        if load:
            yield from (Figures(name, column, parts, load.zero) for column, parts in load.columns.items())


def _wrong_parts(file: str, table: Table, columns: Sequence[Figures]) -> Iterator[Fault]:
    """Yield what keeps a figure from having one area, one sex and one year, and codes that nobody knows."""
    for name, code in table.area_names.items():
        yield from _wrong_code(file, f"table.areaNames.{name}", AREA, code)
    for name, code in table.fixed.items():
        yield from _wrong_code(file, f"table.fixed.{name}", name, code)
    for column in columns:
        place = f"indicator {column.indicator}.load.columns.{column.column}"
        for name, code in column.parts.items():
            yield from _wrong_code(file, f"{place}.{name}", name, code)
        told = [*table.names(), *table.fixed, *column.parts]
        for name in sorted({*told, *KEYS}):
            if told.count(name) > 1:
                yield Fault(file=file, column=place, value=name, reason="is said twice of a figure")
            if told.count(name) < 1:
                yield Fault(
                    file=file, column=place, value=name, reason="is said nowhere: no column, not fixed"
                )


def _wrong_code(file: str, place: str, name: str, code: str) -> Iterator[Fault]:
    read = {AREA: area, SEX: Sex, YEAR: period_of, MONTH: month_of}.get(name)
    try:
        if read:
            read(code)
    except UnknownCodeError as error:
        yield Fault(file=file, column=place, value=code, reason="is no area", closest=error.closest)
    except ValueError as error:
        yield Fault(file=file, column=place, value=code, reason=str(error))


def _check_title(path: Path, table: Table, header: Header) -> None:
    above = header.grid.rows[: header.body - table.header_rows]
    titles = [text for row in above for text in map(text_of, row) if text]
    if table.title and table.title not in titles:
        raise refused(path, f"the title must be {table.title!r}, there is {'; '.join(titles) or 'none'}")


def _refuse_more(path: Path, header: Header) -> None:
    """Refuse columns under the header that nobody declared."""
    heads = [*enumerate(map(text_of, header.grid.rows[header.body - 1]))]
    known = {*header.columns.values()}
    faults = [
        Fault(file=path.name, column=text, reason="is a column that the TOML does not know")
        for at, text in heads
        if text and at not in known
    ]
    if faults:
        raise FaultyFileError(faults)


def _unfit(declared: Declared[Delivery], name: str, figures: Sequence[Observation]) -> Iterator[Fault]:
    """Yield why figures that were read do not fit what the TOML says of their indicator."""
    file, indicator = declared.form.file, declared.indicators[name]
    if not figures:
        yield Fault(file=file, column=name, reason="has no figure")
    for dimension, category in sorted({part for figure in figures for part in figure.breakdown.parts}):
        known = indicator.breakdowns.get(dimension)
        if known is None or category not in known.categories:
            reason = f"is no category of {dimension} for {name}"
            yield Fault(file=file, column=dimension, value=category, reason=reason)
