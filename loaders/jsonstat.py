"""JSON-stat 2.0 (https://json-stat.org/full): every form that an answer may take, read into one.

Values come dense or sparse, statuses as one text, a list or an object, categories in a list, an object or by
their label alone. The digits of a number stay as they were written.
"""

from collections.abc import Mapping
from decimal import Decimal
from math import prod
from types import NoneType
from typing import Any, NoReturn, TypeVar

import msgspec
from msgspec import Struct

from loaders.source import BrokenSourceError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MOST_CELLS = 20_000_000
"""A sparse answer of some bytes may claim more cells than any memory has."""

_Cell = TypeVar("_Cell")
Figure = int | float | str | None
"""What one cell holds; None where the source has nothing, which a status should explain."""


class Unit(Struct, frozen=True):
    """What a category of a metric dimension is measured in, as far as the source says."""

    base: str = ""
    label: str = ""
    symbol: str = ""
    position: str = ""
    decimals: int | None = None


class Remark(Struct, frozen=True, kw_only=True):
    """A note of the source: on the whole table, on a dimension, or on one category of it."""

    text: str
    mandatory: bool
    dimension: str = ""
    code: str = ""


class Dimension(Struct, frozen=True, kw_only=True):
    """One dimension with its codes in the order of the table."""

    id: str
    label: str = ""
    codes: tuple[str, ...]
    labels: Mapping[str, str] = {}
    units: Mapping[str, Unit] = {}
    children: Mapping[str, tuple[str, ...]] = {}
    eliminable: bool = False
    codelists: tuple[str, ...] = ()
    measuring: Mapping[str, str] = {}
    """PxWeb's `measuringType` by code: Stock, Flow, Average, Other."""


class Table(Struct, frozen=True, kw_only=True):
    """A table or an extract of one: row-major, the last dimension fastest."""

    id: str = ""
    """PxWeb's own name of the table; empty at other sources."""
    label: str = ""
    source: str = ""
    updated: str = ""
    dimensions: tuple[Dimension, ...]
    roles: Mapping[str, tuple[str, ...]] = {}
    values: tuple[Figure, ...] = ()
    statuses: Mapping[int, str] = {}
    remarks: tuple[Remark, ...] = ()

    @property
    def size(self) -> tuple[int, ...]:
        """Return how many categories each dimension has."""
        return tuple(len(dimension.codes) for dimension in self.dimensions)


class _Category(Struct, frozen=True):
    index: list[str] | dict[str, int] | None = None
    label: dict[str, str] = {}
    unit: dict[str, Unit] = {}
    child: dict[str, tuple[str, ...]] = {}
    note: dict[str, list[str]] = {}


class _Named(Struct, frozen=True):
    id: str = ""
    tableid: str = ""


class _Extension(Struct, frozen=True, rename="camel"):
    """What PxWeb adds; other sources' own extensions are passed over."""

    px: _Named = _Named()
    note_mandatory: dict[str, bool] = {}
    category_note_mandatory: dict[str, dict[str, bool]] = {}
    elimination: bool = False
    codelists: list[_Named] = []
    measuring_type: dict[str, str] = {}


class _Dimension(Struct, frozen=True):
    category: _Category
    label: str = ""
    note: list[str] = []
    extension: _Extension = _Extension()


class _Dataset(Struct, frozen=True):
    id: list[str]
    size: list[int]
    dimension: dict[str, _Dimension]
    value: list[Any] | dict[str, Any]
    status: str | list[str | None] | dict[str, str | None] | None = None
    role: dict[str, tuple[str, ...]] = {}
    label: str = ""
    source: str = ""
    updated: str = ""
    note: list[str] = []
    extension: _Extension = _Extension()


class _Kind(Struct, frozen=True, rename={"kind": "class"}):
    kind: str = ""
    version: str = ""


def _exact(literal: str) -> float:
    """Read a decimal, refusing one whose digits a float would lose."""
    number = float(literal)
    if Decimal(repr(number)) != Decimal(literal):
        message = f"{literal} has more digits than can be kept"
        raise ValueError(message)
    return number


_kind = msgspec.json.Decoder(_Kind)
_dataset = msgspec.json.Decoder(_Dataset, float_hook=_exact)


def without_mark(body: bytes) -> bytes:
    """Return *body* without the byte order mark that PxWeb 1 puts first."""
    return body.removeprefix(_BYTE_ORDER_MARK)


def read_table(body: bytes, place: str, *, described_only: bool = False) -> Table:
    """Return the table in *body*; raises BrokenSourceError naming *place* for what is no whole dataset.

    *described_only* is for metadata, which tells full sizes and no value.
    """
    body = without_mark(body)
    try:
        _refuse_other_kinds(_kind.decode(body), place)
        raw = _dataset.decode(body)
    except msgspec.DecodeError as error:
        message = f"{place}: is no JSON-stat dataset: {error}"
        raise BrokenSourceError(message) from error
    dimensions = _dimensions(raw, place)
    cells = 0 if described_only else prod(raw.size)
    if cells > _MOST_CELLS:
        _broken(place, f"claims {cells} cells")
    values = _values(raw.value, cells, place)
    return Table(
        id=raw.extension.px.tableid,
        label=raw.label,
        source=raw.source,
        updated=raw.updated,
        dimensions=dimensions,
        roles=raw.role,
        values=values,
        statuses=_statuses(raw.status, cells, place),
        remarks=_remarks(raw),
    )


def _broken(place: str, reason: str) -> NoReturn:
    message = f"{place}: {reason}"
    raise BrokenSourceError(message)


def _refuse_other_kinds(told: _Kind, place: str) -> None:
    if told.kind and told.kind != "dataset":
        _broken(place, f"is a JSON-stat {told.kind}, not a dataset")
    if not told.kind or not told.version.startswith("2."):
        stated = told.version or "none stated"
        _broken(place, f"is not JSON-stat 2.0 (version: {stated}); JSON-stat 1 is another format")


def _dimensions(raw: _Dataset, place: str) -> tuple[Dimension, ...]:
    if len(raw.id) != len(raw.size) or len(set(raw.id)) != len(raw.id):
        _broken(place, f"names dimensions {raw.id} with sizes {raw.size}")
    for role, names in raw.role.items():
        if not set(names) <= set(raw.id):
            _broken(place, f"gives the role {role} to {', '.join(names)}, not all of which it has")
    return tuple(_dimension(raw, name, size, place) for name, size in zip(raw.id, raw.size, strict=True))


def _dimension(raw: _Dataset, name: str, size: int, place: str) -> Dimension:
    found = raw.dimension.get(name)
    if found is None:
        _broken(place, f"does not describe its dimension {name}")
    codes = _codes(found.category, f"{place}, {name}")
    if len(codes) != size:
        _broken(place, f"has {len(codes)} categories of {name} and says {size}")
    return Dimension(
        id=name,
        label=found.label,
        codes=codes,
        labels=found.category.label,
        units=found.category.unit,
        children=found.category.child,
        eliminable=found.extension.elimination,
        codelists=tuple(listed.id for listed in found.extension.codelists),
        measuring=found.extension.measuring_type,
    )


def _codes(category: _Category, place: str) -> tuple[str, ...]:
    """Return the codes in their order; without an index, one category is known by its label alone."""
    index = category.index
    if index is None:
        if len(category.label) != 1:
            _broken(place, "has no index and not exactly one label")
        return tuple(category.label)
    if isinstance(index, dict):
        codes = sorted(index, key=index.__getitem__)
        if [index[code] for code in codes] != list(range(len(codes))):
            _broken(place, "does not number its categories from 0 without gaps")
        return tuple(codes)
    if len(set(index)) != len(index):
        _broken(place, "has a category twice")
    return tuple(index)


def _values(value: list[Any] | dict[str, Any], cells: int, place: str) -> tuple[Figure, ...]:
    found = value if isinstance(value, list) else [None] * cells
    if isinstance(value, dict):
        for position, figure in _by_position(value, cells, place).items():
            found[position] = figure
    if len(found) != cells:
        _broken(place, f"has {len(found)} values for {cells} cells")
    if not {*map(type, found)} <= {int, float, str, NoneType}:
        _broken(place, "has a value that is neither a number nor a text")
    return tuple(found)


def _statuses(
    status: str | list[str | None] | dict[str, str | None] | None, cells: int, place: str
) -> dict[int, str]:
    """Return the statuses by position; one text, or a list of one, is the status of every cell."""
    if isinstance(status, list) and len(status) == 1:
        status = status[0]
    if status is None:
        return {}
    if isinstance(status, str):
        return dict.fromkeys(range(cells), status)
    if isinstance(status, list):
        if len(status) != cells:
            _broken(place, f"has {len(status)} statuses for {cells} cells")
        return {at: one for at, one in enumerate(status) if one is not None}
    return {at: one for at, one in _by_position(status, cells, place).items() if one is not None}


def _by_position(sparse: Mapping[str, _Cell], cells: int, place: str) -> dict[int, _Cell]:
    """Return what stands by the number of its cell."""
    odd = [text for text in sparse if not (text.isascii() and text.isdecimal())]
    found = {} if odd else dict(zip(map(int, sparse), sparse.values(), strict=True))
    if odd or max(found, default=-1) >= cells:
        _broken(place, f"speaks of cell {odd[0] if odd else max(found)} of {cells}")
    return found


def _remarks(raw: _Dataset) -> tuple[Remark, ...]:
    """Return every note, the table's own first, each with whether it must be shown."""
    mandatory = raw.extension.note_mandatory
    remarks = [Remark(text=text, mandatory=_must(mandatory, at)) for at, text in enumerate(raw.note)]
    for name in raw.id:
        dimension = raw.dimension[name]
        mandatory = dimension.extension.note_mandatory
        remarks += [
            Remark(text=text, mandatory=_must(mandatory, at), dimension=name)
            for at, text in enumerate(dimension.note)
        ]
        for code, texts in dimension.category.note.items():
            mandatory = dimension.extension.category_note_mandatory.get(code, {})
            remarks += [
                Remark(text=text, mandatory=_must(mandatory, at), dimension=name, code=code)
                for at, text in enumerate(texts)
            ]
    return tuple(remarks)


def _must(mandatory: Mapping[str, bool], position: int) -> bool:
    return mandatory.get(str(position), False)
