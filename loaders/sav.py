"""SPSS files as grids: each value as its label says it, a value without one as it stands."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyreadstat

from loaders.grids import LARGEST_FILE, Cell, Grid, refused


def read_sav(path: Path) -> Grid:
    """Return the table in *path*, the names of its variables as its first row.

    Values that are declared missing are kept, so that a count among them is not lost without a word. Raises
    FaultyFileError where the file is none of SPSS's.
    """
    if not path.is_file():
        raise refused(path, "there is no such file beside the TOML")
    if path.stat().st_size > LARGEST_FILE:
        raise refused(path, f"the file is larger than {LARGEST_FILE >> 20} MB")
    try:
        columns, metadata = pyreadstat.read_sav(
            str(path), output_format="dict", user_missing=True, disable_datetime_conversion=True
        )
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError, UnicodeDecodeError) as error:
        raise refused(path, f"is no SPSS file that can be read: {error}") from None
    names = list(metadata.column_names)
    labels = metadata.variable_value_labels
    texts = [[_cell(value, labels.get(name, {})) for value in columns[name]] for name in names]
    rows = list(zip(*texts, strict=True))
    return Grid([names, *rows], range(len(rows) + 1))


def _cell(value: object, labels: Mapping[Any, str]) -> Cell:
    if value is None:
        return ""
    if value in labels:
        return labels[value]
    return float(value) if isinstance(value, float | int) else str(value)
