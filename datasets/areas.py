"""The areas that figures speak of, as data: country, counties, municipalities, sub-areas and named groups.

Source: SCB's regional codes, Kolada's groups; the file says where a validity is not known by staying empty.
"""

import csv
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from msgspec import Struct

from datasets.closest import closest
from datasets.errors import UnknownCodeError
from datasets.vocabulary import MunicipalityCode, Year

COUNTRY = MunicipalityCode("00")


class AreaType(StrEnum):
    """What kind of area a code stands for."""

    COUNTRY = "country"
    COUNTY = "county"
    MUNICIPALITY = "municipality"
    REGSO = "regso"
    GROUP = "group"
    NAMED = "named"


class Area(Struct, frozen=True, kw_only=True):
    """One area; `parent` is the code of the area around it, the years are its validity, both included."""

    code: MunicipalityCode
    name: str
    type: AreaType
    parent: MunicipalityCode | None = None
    valid_from: Year | None = None
    valid_to: Year | None = None
    members: tuple[MunicipalityCode, ...] = ()


@cache
def areas() -> Mapping[MunicipalityCode, Area]:
    """Return every area by its code, in the order of the codes."""
    text = files("datasets").joinpath("areas/areas.csv").read_text("utf-8")
    known = (_area(row) for row in csv.DictReader(text.splitlines()))
    return MappingProxyType({area.code: area for area in sorted(known, key=lambda area: area.code)})


def area(code: str) -> Area:
    """Return the area with *code*.

    Raises UnknownCodeError with the closest codes, found by code and by name.
    """
    found = areas().get(code)  # type: ignore[call-overload]
    if found is None:
        raise UnknownCodeError("municipality", code, closest(code, _names()))
    return found  # type: ignore[no-any-return]


def municipalities_of(county: str) -> tuple[MunicipalityCode, ...]:
    """Return today's municipalities of *county*, in the order of their codes.

    Raises UnknownCodeError for what is no county.
    """
    if area(county).type is not AreaType.COUNTY:
        counties = {known.code: known.name for known in areas().values() if known.type is AreaType.COUNTY}
        raise UnknownCodeError("county", county, closest(county, counties))
    return tuple(
        known.code
        for known in areas().values()
        if known.type is AreaType.MUNICIPALITY and known.parent == county and known.valid_to is None
    )


@cache
def _names() -> Mapping[str, str]:
    return {str(known.code): known.name for known in areas().values()}


def _area(row: Mapping[str, str]) -> Area:
    return Area(
        code=MunicipalityCode(row["code"]),
        name=row["name"],
        type=AreaType(row["type"]),
        parent=MunicipalityCode(row["parent"]) if row["parent"] else None,
        valid_from=Year(int(row["validFrom"])) if row["validFrom"] else None,
        valid_to=Year(int(row["validTo"])) if row["validTo"] else None,
        members=tuple(map(MunicipalityCode, row["members"].split())),
    )
