"""The TOML beside a file that is no tidy table: the same definitions, and how its source drew the file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from datasets.catalogue import Dataset, Indicator
from datasets.cube import Cube
from datasets.errors import Fault, FaultyFileError, UnknownCodeError
from datasets.ledger import Draft
from datasets.units import unit
from loaders.description import Description
from loaders.metadata import Form, converted, source_time

_Form = TypeVar("_Form", bound=Form)


@dataclass(frozen=True)
class Declared(Generic[_Form]):
    """What a TOML says: its form, the dataset, and each indicator with what its `load` says of the file."""

    form: _Form
    dataset: Dataset
    indicators: Mapping[str, Indicator]
    loads: Mapping[str, Mapping[str, Any]]

    def draft(self, cubes: Mapping[str, Cube]) -> Draft:
        """Return the draft of *cubes*, one for each indicator."""
        return Draft(
            dataset=self.dataset,
            indicators=self.indicators,
            cubes=cubes,
            note=self.form.note,
            source_time=source_time(self.form),
        )


def declared_in(told: Description, kind: type[_Form]) -> Declared[_Form]:
    """Return what *told* says as a *kind*; raises FaultyFileError with all that is wrong in it."""
    faults: list[Fault] = []
    form = converted(told.raw, kind, told.name, "", faults)
    if form is None:
        raise FaultyFileError(faults)
    if Path(form.file).name != form.file:
        reason = "must name a file beside the TOML, without folders"
        faults.append(Fault(file=told.name, column="file", value=form.file, reason=reason))
    if "encoding" in told.raw:
        reason = "is found out for this kind of file; leave it away"
        faults.append(Fault(file=told.name, column="encoding", value=form.encoding, reason=reason))
    dataset = converted(form.dataset, Dataset, told.name, "dataset", faults)
    indicators: dict[str, Indicator] = {}
    loads: dict[str, Mapping[str, Any]] = {}
    for number, table in enumerate(form.indicator, 1):
        name = str(table.get("id", f"indicator {number}"))
        if name in indicators:
            faults.append(Fault(file=told.name, column=f"indicator {name}", reason="stands twice"))
        loads[name] = table.get("load", {})
        metadata = {field: value for field, value in table.items() if field != "load"}
        indicator = converted(metadata, Indicator, told.name, f"indicator {name}", faults)
        if indicator:
            indicators[name] = indicator
            faults += _wrong_unit(told.name, indicator)
    if faults or dataset is None:
        raise FaultyFileError(faults)
    return Declared(form, dataset, indicators, loads)


def _wrong_unit(file: str, indicator: Indicator) -> list[Fault]:
    try:
        unit(indicator.unit)
    except UnknownCodeError as error:
        column = f"indicator {indicator.id}.unit"
        return [
            Fault(file=file, column=column, value=error.value, reason="is no unit", closest=error.closest)
        ]
    return []
