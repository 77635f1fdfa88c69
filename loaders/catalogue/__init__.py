"""The catalogue of what the night loads: one TOML a dataset, beside this file."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from msgspec import Struct

from datasets.catalogue import Dataset
from datasets.checks import Bounds
from datasets.errors import Fault, FaultyFileError
from loaders.corrections import Correction
from loaders.metadata import converted
from loaders.source import Plan


class Listed(Struct, frozen=True, kw_only=True):
    """One dataset of the catalogue: which source has it, what to ask for, and how it is judged."""

    source: str
    plan: Plan
    bounds: Bounds
    corrections: tuple[Correction, ...]


class _Form(Struct, frozen=True, forbid_unknown_fields=True):
    dataset: dict[str, Any]
    load: dict[str, Any]
    indicator: tuple[dict[str, Any], ...] = ()
    checks: dict[str, Any] = {}
    correction: tuple[dict[str, Any], ...] = ()


def catalogue_files() -> list[Path]:
    """Return the files of the catalogue, in the order of their names."""
    return sorted(Path(str(files("loaders.catalogue"))).glob("*.toml"))


def read_listed(path: Path) -> Listed:
    """Read one file of the catalogue; raises FaultyFileError with what is wrong in it."""
    faults: list[Fault] = []
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FaultyFileError([Fault(file=path.name, reason=f"is not TOML: {error}")]) from None
    form = converted(raw, _Form, path.name, "", faults)
    if form is None:
        raise FaultyFileError(faults)
    dataset = converted(form.dataset, Dataset, path.name, "dataset", faults)
    bounds = converted(form.checks, Bounds, path.name, "checks", faults)
    corrections = [converted(one, Correction, path.name, "correction", faults) for one in form.correction]
    source = form.load.get("source")
    if not isinstance(source, str):
        faults.append(Fault(file=path.name, column="load.source", reason="must name a source"))
    if faults or dataset is None or bounds is None or not isinstance(source, str):
        raise FaultyFileError(faults)
    load = {name: value for name, value in form.load.items() if name != "source"}
    return Listed(
        source=source,
        plan=Plan(dataset=dataset, load=load, indicators=form.indicator),
        bounds=bounds,
        corrections=tuple(one for one in corrections if one),
    )
