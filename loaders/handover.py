"""The hand-over source: a TOML beside a table that a person filled in, checked whole."""

from collections.abc import Mapping
from pathlib import Path

from datasets.catalogue import Dataset, Indicator
from datasets.checks import below_floor
from datasets.cube import Cube
from datasets.errors import Fault, FaultyFileError
from datasets.ledger import Draft
from datasets.units import unit
from loaders.metadata import Definitions, read_definitions, source_time
from loaders.sheets import read_sheet
from loaders.tidy import Reading, read_tidy


def read_handover(path: Path) -> Draft:
    """Return the draft that the TOML at *path* and the table beside it make.

    Raises FaultyFileError with every fault of both files; nothing is guessed, nothing half kept.
    """
    definitions = read_definitions(path)
    reading, faults = _reading(path, definitions)
    faults = [*definitions.faults, *faults]
    if not faults:
        faults = _unused(definitions, reading, path.name)
    dataset = definitions.dataset
    indicators = {name: known for name, known in definitions.indicators.items() if known}
    if dataset and not faults:
        faults = _below_floor(dataset, indicators, reading.cubes, definitions.form.file)
    if faults or dataset is None:
        raise FaultyFileError(faults)
    return Draft(
        dataset=dataset,
        indicators=indicators,
        cubes=reading.cubes,
        note=definitions.form.note,
        source_time=source_time(definitions.form),
    )


def _reading(path: Path, definitions: Definitions) -> tuple[Reading, list[Fault]]:
    form = definitions.form
    try:
        sheet = read_sheet(path.parent / form.file, sheet=form.sheet, encoding=form.encoding)
    except FaultyFileError as error:
        return Reading({}, ()), list(error.faults)
    except LookupError:
        reason = "is no encoding; usual ones are utf-8 and latin-1"
        fault = Fault(file=path.name, column="encoding", value=form.encoding, reason=reason)
        return Reading({}, ()), [fault]
    reading = read_tidy(sheet, definitions.indicators)
    return reading, list(reading.faults)


def _unused(definitions: Definitions, reading: Reading, file: str) -> list[Fault]:
    return [
        Fault(file=file, column=f"indicator {name}", reason="has no row in the table")
        for name in definitions.indicators
        if name not in reading.cubes
    ]


def _below_floor(
    dataset: Dataset, indicators: Mapping[str, Indicator], cubes: Mapping[str, Cube], file: str
) -> list[Fault]:
    """Hold a table of people whole while any count of it, zero too, is under the dataset's floor."""
    if not dataset.person_based or dataset.threshold is None:
        return []
    floor = dataset.threshold
    return [
        Fault(
            file=file,
            column=name,
            reason=f"{small} figures are under the floor of {floor} persons; the dataset is held, whole",
        )
        for name, cube in cubes.items()
        if (small := below_floor(cube, floor, unit(indicators[name].unit)))
    ]
