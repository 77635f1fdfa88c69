"""The files that describe a version: `indicators.json`, and `datapackage.json` as Frictionless has it."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from datasets.catalogue import Dataset
from datasets.files import File
from datasets.ledger import Release
from datasets.tabular import SCHEMA

_TYPES = {"int16": "integer", "int64": "integer", "double": "number", "date32[day]": "date"}
_TITLES = {
    "indicator": "Indikator / Indicator",
    "municipality": "Områdeskod / Area code",
    "sex": "Kön / Sex",
    "year": "År / Year",
    "periodStart": "Periodens första dag / First day of the period",
    "periodEnd": "Periodens sista dag / Last day of the period",
    "breakdown": "Uppdelning / Breakdown",
    "value": "Värde / Value",
    "status": "Varför värde saknas / Why there is no value",
    "flags": "Att veta om värdet / What to know of the value",
    "low": "Intervallets undre gräns / Lower bound of the interval",
    "high": "Intervallets övre gräns / Upper bound of the interval",
    "count": "Antal bakom värdet / Count behind the value",
}
TABLE = "observations.csv.gz"


def indicators_json(dataset: bytes, definitions: Iterable[bytes]) -> bytes:
    """Return the definitions of a version; each is, byte for byte, what its sha256 in the manifest names."""
    return b'{"dataset":' + dataset + b',"indicators":[\n' + b",\n".join(definitions) + b"\n]}\n"


def datapackage_json(about: Dataset, release: Release, files: Sequence[File]) -> bytes:
    """Return the description of a version's *files* that programs understand."""
    licences = [{"path": about.licence}] if about.licence else []
    told = {
        "profile": "data-package",
        "name": about.id.lower(),
        "title": about.title.sv,
        "description": about.description.sv,
        "version": str(release.version),
        "created": release.published_at,
        "keywords": about.keywords,
        "sources": [{"title": about.attribution}],
        "contributors": [{"title": about.publisher, "role": "publisher"}],
        **({"licenses": licences} if licences else {}),
        "release": release.number,
        "fingerprint": release.fingerprint.hex(),
        "resources": [_resource(one) for one in files],
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n"


def _resource(file: File) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": file.name.removesuffix(".gz").replace(".", "-"),
        "path": file.name,
        "mediatype": file.media_type,
        "bytes": file.byte_size,
        "hash": f"sha256:{file.sha256.hex()}",
    }
    if file.name == TABLE:
        told |= {"profile": "tabular-data-resource", "format": "csv", "compression": "gz"}
        told |= {"encoding": "utf-8", "schema": _schema()}
    return told


def _schema() -> dict[str, Any]:
    return {
        "fields": [
            {"name": field.name, "title": _TITLES[field.name], "type": _TYPES.get(str(field.type), "string")}
            for field in SCHEMA
        ],
        "missingValues": [""],
        "primaryKey": ["indicator", "municipality", "sex", "year", "breakdown"],
    }
