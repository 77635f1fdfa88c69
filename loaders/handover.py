"""The hand-over source: a TOML beside a table that a person filled in, checked whole."""

from collections.abc import Mapping

from datasets.catalogue import Dataset, Indicator
from datasets.checks import unprotected
from datasets.cube import Cube
from datasets.errors import Fault, FaultyFileError
from datasets.ledger import Draft
from loaders.description import Description
from loaders.metadata import Definitions, Form, definitions_of, source_time
from loaders.sheets import read_sheet
from loaders.tidy import Reading, read_tidy


def read_handover(told: Description) -> Draft:
    """Return the draft that *told* and the table in its folder make.

    Raises FaultyFileError with every fault of both; nothing is guessed, nothing half kept.
    """
    definitions = definitions_of(told)
    reading, faults = _reading(told, definitions)
    faults = [*definitions.faults, *faults]
    if not faults:
        faults = _unused(definitions, reading, told.name)
    dataset = definitions.dataset
    indicators = {name: known for name, known in definitions.indicators.items() if known}
    if dataset and not faults:
        faults = held(dataset, indicators, reading.cubes, definitions.form)
    if faults or dataset is None:
        raise FaultyFileError(faults)
    return Draft(
        dataset=dataset,
        indicators=indicators,
        cubes=reading.cubes,
        note=definitions.form.note,
        source_time=source_time(definitions.form),
    )


def _reading(told: Description, definitions: Definitions) -> tuple[Reading, list[Fault]]:
    form = definitions.form
    try:
        sheet = read_sheet(told.folder / form.file, sheet=form.sheet, encoding=form.encoding)
    except FaultyFileError as error:
        return Reading({}, ()), list(error.faults)
    except LookupError:
        reason = "is no encoding; usual ones are utf-8 and latin-1"
        fault = Fault(file=told.name, column="encoding", value=form.encoding, reason=reason)
        return Reading({}, ()), [fault]
    reading = read_tidy(sheet, definitions.indicators)
    return reading, list(reading.faults)


def _unused(definitions: Definitions, reading: Reading, file: str) -> list[Fault]:
    return [
        Fault(file=file, column=f"indicator {name}", reason="has no row in the table")
        for name in definitions.indicators
        if name not in reading.cubes
    ]


def held(
    dataset: Dataset, indicators: Mapping[str, Indicator], cubes: Mapping[str, Cube], form: Form
) -> list[Fault]:
    """Return why a table of people is held, whole: a small number in it, or a share of nobody knows whom."""
    if not dataset.person_based or dataset.threshold is None:
        return []
    return [
        Fault(file=form.file, column=name, reason=f"{reason}; the dataset is held, whole")
        for name, cube in cubes.items()
        for reason in unprotected(cube, indicators[name], dataset.threshold, form.unstated_bases)
    ]
