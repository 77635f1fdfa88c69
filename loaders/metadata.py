"""From the TOML of a hand-over to the definitions of a dataset and its indicators: every fault at once."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import NODEFAULT, Meta, Struct

from datasets.areas import area
from datasets.catalogue import Dataset, Indicator
from datasets.closest import closest
from datasets.errors import Fault, FaultyFileError, UnknownCodeError
from datasets.units import unit
from loaders.description import Description

_Metadata = TypeVar("_Metadata", bound=Struct)


class Form(Struct, frozen=True, forbid_unknown_fields=True):
    """The TOML of a hand-over as it stands; `file` names the table beside it."""

    file: str
    dataset: dict[str, Any]
    indicator: Annotated[list[dict[str, Any]], Meta(min_length=1)]
    kind: str = "tidy"
    sheet: str = ""
    encoding: str = "utf-8-sig"
    note: str = ""
    retrieved: Any = None
    """A TOML date or time, which one type annotation cannot say."""
    unstated_bases: dict[str, str] = msgspec.field(default_factory=dict, name="unstatedBases")
    """Indicators whose figures tell no number of people behind them, each with why they may be shown."""
    disclosure: dict[str, Any] | None = None
    """How the people behind the figures are protected; without it a small number holds the dataset, whole."""

    def __post_init__(self) -> None:
        """Refuse a time that is none, and a note that no terminal should be shown."""
        if self.retrieved is not None and not isinstance(self.retrieved, date):
            raise ValueError("retrieved must be a date like 2026-03-04, without quotes")
        if not self.note.replace("\n", "").isprintable():
            raise ValueError("note must hold no control characters")


class Definitions(Struct, frozen=True):
    """What the TOML defines; a part that is faulty is None."""

    form: Form
    dataset: Dataset | None
    indicators: dict[str, Indicator | None]
    faults: tuple[Fault, ...]


def definitions_of(told: Description) -> Definitions:
    """Return what *told* defines; raises FaultyFileError where it has not the form of a hand-over."""
    form = _form(told)
    faults: list[Fault] = []
    dataset = converted(form.dataset, Dataset, told.name, "dataset", faults)
    indicators: dict[str, Indicator | None] = {}
    for number, table in enumerate(form.indicator, 1):
        name = str(table.get("id", f"indicator {number}"))
        if name in indicators:
            faults.append(Fault(file=told.name, column=f"indicator {name}", reason="stands twice"))
        indicator = converted(table, Indicator, told.name, f"indicator {name}", faults)
        if indicator:
            faults += _wrong_codes(indicator, told.name)
        indicators[name] = indicator
    return Definitions(form, dataset, indicators, tuple(faults))


def source_time(form: Form) -> datetime | None:
    """Return when the source had the figures so, in UTC; a bare date is its midnight."""
    when: date | datetime | None = form.retrieved
    if when is None:
        return None
    moment = when if isinstance(when, datetime) else datetime.combine(when, time(), UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _form(told: Description) -> Form:
    faults: list[Fault] = []
    form = converted(told.raw, Form, told.name, "", faults)
    if form and Path(form.file).name != form.file:
        reason = "must name a file beside the TOML, without folders"
        faults.append(Fault(file=told.name, column="file", value=form.file, reason=reason))
    if form is None or faults:
        raise FaultyFileError(faults)
    return form


def converted(
    table: Mapping[str, Any], kind: type[_Metadata], file: str, place: str, faults: list[Fault]
) -> _Metadata | None:
    """Return *table* as a *kind*, or None with every field's fault added to *faults*."""
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    found = [
        Fault(
            file=file,
            column=_joined(place, name),
            reason="is no field of the form",
            closest=closest(name, known),
        )
        for name in table.keys() - known.keys()
    ]
    for name, field in known.items():
        if name in table:
            try:
                msgspec.convert(table[name], field.type)
            except (msgspec.ValidationError, ValueError) as error:
                found.append(_field_fault(file, _joined(place, name), table[name], str(error)))
        elif field.default is NODEFAULT and field.default_factory is NODEFAULT:
            found.append(Fault(file=file, column=_joined(place, name), reason="is missing"))
    faults += sorted(found)
    if found:
        return None
    try:
        return msgspec.convert(table, kind)
    except (msgspec.ValidationError, ValueError) as error:
        faults.append(Fault(file=file, column=place, reason=str(error)))
        return None


def _field_fault(file: str, column: str, value: object, error: str) -> Fault:
    reason, _, where = error.partition(" - at `$")
    text = value if isinstance(value, str) else ""
    return Fault(file=file, column=column + where.rstrip("`"), value=text, reason=reason)


def _wrong_codes(indicator: Indicator, file: str) -> list[Fault]:
    """Return the faults of the codes that the form itself cannot judge."""
    place = f"indicator {indicator.id}"
    faults = []
    try:
        unit(indicator.unit)
    except UnknownCodeError as error:
        faults.append(_code_fault(file, f"{place}.unit", error))
    for note in indicator.notes:
        for code in note.municipalities:
            try:
                area(code)
            except UnknownCodeError as error:
                faults.append(_code_fault(file, f"{place}.notes.municipalities", error))
        for name, category in note.breakdown.items():
            dimension = indicator.breakdowns.get(name)
            if dimension is None or category not in dimension.categories:
                reason = "is no breakdown of this indicator"
                value = f"{name}:{category}"
                faults.append(Fault(file=file, column=f"{place}.notes.breakdown", value=value, reason=reason))
    return faults


def _code_fault(file: str, column: str, error: UnknownCodeError) -> Fault:
    return Fault(
        file=file, column=column, value=error.value, reason=f"is no {error.kind}", closest=error.closest
    )


def _joined(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
