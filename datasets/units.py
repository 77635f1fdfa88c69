"""The units of the figures, as data."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import msgspec

from datasets.closest import closest
from datasets.errors import UnknownCodeError
from datasets.vocabulary import Unit


@cache
def units() -> Mapping[str, Unit]:
    """Return every unit by its code."""
    table = tomllib.loads(files("datasets").joinpath("units.toml").read_text("utf-8"))
    known = msgspec.convert(table["unit"], list[Unit])
    return MappingProxyType({unit.code: unit for unit in known})


def unit(code: str) -> Unit:
    """Return the unit with *code*; raises UnknownCodeError with the closest ones."""
    found = units().get(code)
    if found is None:
        names = {known.code: known.title.sv for known in units().values()}
        raise UnknownCodeError("unit", code, closest(code, names))
    return found
