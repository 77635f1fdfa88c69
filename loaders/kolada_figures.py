"""From Kolada's pages to cubes: columns a page at a time, never an object a figure of ours."""

import re
from collections.abc import Sequence
from decimal import Decimal

import msgspec
import numpy as np
from numpy.typing import NDArray

from datasets.cube import NO_COUNT, NO_DAY, STATUSES, Columns, Cube, Floats, Positions, cube_of, flag_bits
from datasets.numbers import LARGEST_COUNT, number_text
from datasets.vocabulary import UNDIVIDED, Flag, MunicipalityCode, Status
from loaders.fetch import Fetched
from loaders.kolada_codes import SEX_OF, Page, Row, decoded, kolada_code
from loaders.source import BrokenSourceError

# a figure's name in one whole number, in the order of a cube: its area, sex and year, and its KPI before them
_SEX_AT, _AREA_AT, _KPI_AT = 12, 14, 30
_YEAR_BITS, _SEX_BITS, _IN_KPI = (1 << _SEX_AT) - 1, 3, (1 << _KPI_AT) - 1
_MISSING = STATUSES.index(Status.MISSING) + 1
_PRELIMINARY = flag_bits(frozenset({Flag.PRELIMINARY}))
_NINE_DECIMALS = 1e9
_SURE = 1e6
"""Below this a number of at most nine decimals has at most 15 digits, all of which a float keeps."""
_LONG_NUMBER = re.compile(rb'"value":\s*(-?[0-9.eE+-]{17,})')
_SEXES = np.zeros(256, np.int64)
_SEXES[list(map(ord, SEX_OF))] = np.array(list(SEX_OF.values())) << _SEX_AT
_pages = msgspec.json.Decoder(Page[Row])


class Reader:
    """The figures of a batch of KPIs, areas and years, gathered a page at a time."""

    def __init__(self, kpis: Sequence[str], codes: Sequence[MunicipalityCode], years: range) -> None:
        self._codes = codes
        self._kpis = {kpi: at << _KPI_AT for at, kpi in enumerate(kpis)}
        self._areas = {kolada_code(code): at << _AREA_AT for at, code in enumerate(codes)}
        self._years = years
        self._names: list[Positions] = []
        self._values: list[Floats] = []

    def read(self, fetched: Fetched) -> tuple[int, str | None]:
        """Take the figures of one page; return its number of rows and the address of the next.

        Raises BrokenSourceError for what was not asked for, and for codes that Kolada never had.
        """
        page = decoded(_pages, fetched)
        rows = page.values
        try:
            kpis, areas = self._kpis, self._areas
            heads = np.array([kpis[row.kpi] + areas[row.municipality] + row.period for row in rows], np.int64)
        except KeyError as error:
            message = f"{fetched.address}: {error} was not asked for"
            raise BrokenSourceError(message) from None
        _refuse_other_years(fetched, heads & _YEAR_BITS, self._years)
        # each of these lists is made in one walk over the page, and the figures are never held together
        names = np.repeat(heads, [len(row.values) for row in rows]) + _sexes(rows)
        values = np.array([figure.value for row in rows for figure in row.values], np.float64)
        _refuse_lost_digits(fetched, values)
        if [row for row in rows for one in row.values if one.status or one.isdeleted]:
            _refuse_unknown_status(rows)
            kept = np.array([not figure.isdeleted for row in rows for figure in row.values], np.bool_)
            names, values = names[kept], values[kept]
        self._names.append(names)
        self._values.append(values)
        return len(rows), page.next_url

    def gathered(self) -> "Gathered":
        """Return everything read, in order.

        Raises BrokenSourceError for one figure with two values; the same row twice is one.
        """
        names = np.concatenate([np.empty(0, np.int64), *self._names])
        values = np.concatenate([np.empty(0, np.float64), *self._values])
        order = np.argsort(names, kind="stable")
        names, values = names[order], values[order]
        again = np.flatnonzero(names[1:] == names[:-1]) + 1
        if len(again):
            first, second = values[again - 1], values[again]
            differ = ~((first == second) | (np.isnan(first) & np.isnan(second)))
            if differ.any():
                at = again[int(np.argmax(differ))]
                told = " and ".join(map(number_text, values[at - 1 : at + 1].tolist()))
                message = f"{self._told(int(names[at]))} stands twice: {told}"
                raise BrokenSourceError(message)
            names, values = np.delete(names, again), np.delete(values, again)
        return Gathered(list(self._kpis), self._codes, names, values)

    def _told(self, name: int) -> str:
        kpi = list(self._kpis)[name >> _KPI_AT]
        return f"{kpi}, {self._codes[(name & _IN_KPI) >> _AREA_AT]}, {name & _YEAR_BITS}"


class Gathered:
    """The figures of a batch, ordered by KPI, area, sex and year."""

    def __init__(
        self, kpis: Sequence[str], codes: Sequence[MunicipalityCode], names: Positions, values: Floats
    ) -> None:
        self._codes = tuple(codes)
        self._values = values
        edges = np.searchsorted(names, np.arange(len(kpis) + 1) << _KPI_AT)
        self._slices = {kpi: slice(*edges[at : at + 2].tolist()) for at, kpi in enumerate(kpis)}
        self._names = names & _IN_KPI

    def cube(self, kpi: str, *, uncertainty: str = "", preliminary: int | None = None) -> Cube:
        """Return the figures of *kpi*, with the numbers of *uncertainty* on both sides of its own.

        The year *preliminary* is marked so.
        """
        names, value = self._names[self._slices[kpi]], self._values[self._slices[kpi]]
        size, missing = len(names), np.isnan(value)
        year = (names & _YEAR_BITS).astype(np.int16)
        low, high = self._interval(kpi, uncertainty)
        columns = Columns(
            municipality=(names >> _AREA_AT).astype(np.uint16),
            sex=(names >> _SEX_AT & _SEX_BITS).astype(np.uint8),
            year=year,
            start=np.full(size, NO_DAY, np.int32),
            end=np.full(size, NO_DAY, np.int32),
            breakdown=np.zeros(size, np.uint32),
            value=value,
            status=missing.astype(np.uint8) * np.uint8(_MISSING),
            flags=((year == preliminary) & ~missing).astype(np.uint8) * np.uint8(_PRELIMINARY),
            low=low,
            high=high,
            count=np.full(size, NO_COUNT, np.int64),
        )
        try:
            return cube_of(self._codes, (UNDIVIDED,), columns)
        except ValueError as error:
            message = f"{kpi}: {error}"
            raise BrokenSourceError(message) from error

    def _interval(self, kpi: str, uncertainty: str) -> NDArray[np.float64]:
        """Return the bounds of each figure, reckoned in decimals so that no float noise is added."""
        mine = self._slices[kpi]
        bounds = np.full((2, mine.stop - mine.start), np.nan)
        if not uncertainty:
            return bounds
        theirs = self._slices[uncertainty]
        _, at, of = np.intersect1d(self._names[mine], self._names[theirs], return_indices=True)
        values, margins = self._values[mine][at], self._values[theirs][of]
        if (margins < 0).any():
            message = f"{uncertainty}: an uncertainty below zero, {number_text(float(np.nanmin(margins)))}"
            raise BrokenSourceError(message)
        for one in np.flatnonzero(~np.isnan(values) & ~np.isnan(margins)).tolist():
            value, margin = (Decimal(repr(number)) for number in (float(values[one]), float(margins[one])))
            bounds[:, at[one]] = float(value - margin), float(value + margin)
        return bounds


def _refuse_other_years(fetched: Fetched, years: Positions, asked: range) -> None:
    strange = years[(years < asked.start) | (years >= asked.stop)]
    if len(strange):
        message = f"{fetched.address}: the year {strange[0]} was not asked for"
        raise BrokenSourceError(message)


def _sexes(rows: Sequence[Row]) -> Positions:
    genders = [figure.gender for row in rows for figure in row.values]
    if not SEX_OF.keys() >= set(genders):
        row, gender = next(
            (row, one.gender) for row in rows for one in row.values if one.gender not in SEX_OF
        )
        message = f"{row.kpi}, {row.municipality}, {row.period}: gender {gender!r}, which Kolada never had"
        raise BrokenSourceError(message)
    return _SEXES[np.frombuffer("".join(genders).encode(), np.uint8)]


def _refuse_unknown_status(rows: Sequence[Row]) -> None:
    """Refuse a value that is said to be something: a null is missing whatever its status says."""
    for row in rows:
        for one in row.values:
            if one.status and one.value is not None and not one.isdeleted:
                message = f"{row.kpi}, {row.municipality}, {row.period}: a value of status {one.status!r}"
                raise BrokenSourceError(message)


def _refuse_lost_digits(fetched: Fetched, values: Floats) -> None:
    """Refuse a number whose digits a float does not keep; what is short is sure, the rest is read again."""
    size, small = np.abs(values), np.where(np.abs(values) < _SURE, values, 0.0)
    whole = (np.rint(values) == values) & (size < LARGEST_COUNT)
    short = np.rint(small * _NINE_DECIMALS) / _NINE_DECIMALS == values
    unsure = set(values[~(whole | short | np.isnan(values))].tolist())
    if not unsure:
        return
    lost = [number_text(number) for number in unsure if abs(number) >= LARGEST_COUNT]
    for match in _LONG_NUMBER.finditer(fetched.body):
        text = match[1].decode()
        if float(text) in unsure and Decimal(text) != Decimal(repr(float(text))):
            lost.append(text)
    if lost:
        message = f"{fetched.address}: more digits than can be kept, {lost[0]}"
        raise BrokenSourceError(message)
