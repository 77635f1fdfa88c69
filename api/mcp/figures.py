"""Figures for a model: each by itself with its unit, version, address and the notes that must be shown."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from api.links import PREFIX, address
from api.mcp.source import Source

_KEY = ("municipality", "sex", "year")
_BESIDE = ("periodStart", "periodEnd", "breakdown", "flags", "low", "high", "count")


def figures(source: Source, asked: Mapping[str, Any], limit: int) -> Mapping[str, Any]:
    """Return the figures that are *asked* for, at most *limit*; none of them without what must follow it."""
    answer = source.ask("/observations", {**asked, "limit": limit})
    meta, told = answer["_meta"], answer["observations"]
    base = answer["_links"]["self"]["href"].partition(PREFIX)[0]
    names = sorted({figure["indicator"] for figure in told})
    details = {name: source.ask(f"/indicators/{quote(name)}", {"lang": asked.get("lang")}) for name in names}
    versions = {one["id"]: one for one in meta["datasets"]}
    return {
        "figures": [_figure(figure, details[figure["indicator"]], versions, meta, base) for figure in told],
        "total": meta["totalRecords"],
        "leftOut": meta["totalRecords"] - len(told),
        "warnings": meta["warnings"],
        "address": answer["_links"].get("bookmark", answer["_links"]["self"])["href"],
    }


def _figure(
    figure: Mapping[str, Any],
    detail: Mapping[str, Any],
    versions: Mapping[str, Mapping[str, Any]],
    meta: Mapping[str, Any],
    base: str,
) -> dict[str, Any]:
    version = versions[detail["dataset"]]["version"]
    said = {
        "indicator": figure["indicator"],
        "title": detail["title"],
        **{name: figure[name] for name in _KEY},
        "value": figure["value"],
        "unit": detail["unit"]["title"],
        **{name: figure[name] for name in _BESIDE if name in figure},
        "dataset": detail["dataset"],
        "version": version,
        "attribution": detail["attribution"],
        "address": _address(figure, detail["dataset"], version, base),
        "mandatoryNotes": _notes(figure, meta["notes"]),
    }
    if "status" in figure:
        said["status"] = figure["status"]
    return said


def _address(figure: Mapping[str, Any], dataset: str, version: str, base: str) -> str:
    """Return where exactly this figure of exactly this version stands, for ever."""
    pairs = [("dataset", dataset), ("version", version), ("indicator", figure["indicator"])]
    pairs += [(name, str(figure[name])) for name in _KEY]
    if figure.get("breakdown"):
        pairs.append(("breakdown", ",".join(f"{name}:{code}" for name, code in figure["breakdown"].items())))
    return address(base, "/observations", pairs)


def _notes(figure: Mapping[str, Any], notes: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        note["text"]
        for note in notes
        if note["mandatory"] and note["indicator"] == figure["indicator"] and _concerns(note, figure)
    ]


def _concerns(note: Mapping[str, Any], figure: Mapping[str, Any]) -> bool:
    """Tell whether *note* is of *figure*; one without a scope is of all."""
    scopes = (("years", "year"), ("sexes", "sex"), ("municipalities", "municipality"))
    broken = note.get("breakdown", {}).items() <= figure.get("breakdown", {}).items()
    return broken and all(figure[one] in note[many] for many, one in scopes if note.get(many))
