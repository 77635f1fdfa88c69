"""The formats that the figures are told in, and which of them a caller takes."""

import re
from collections.abc import Mapping

from msgspec import Struct

from api.problems import RefusalError

MOST_ROWS = 100_000
"""The most figures in one answer of a format other than JSON; more are to be had as a baked file."""
MOST_CELLS = 250_000
"""The most cells of one JSON-stat answer, which tells every combination, those without a figure too."""


class Format(Struct, frozen=True, kw_only=True):
    """One format: its name in `format`, what it is called in headers, and the baked file that is like it."""

    name: str
    media: str
    """What an answer says that it is."""
    also: tuple[str, ...] = ()
    """Other names by which it may be asked for in `Accept`."""
    suffix: str
    baked: str

    @property
    def types(self) -> tuple[str, ...]:
        """Return every media type that means it, the one it is served as first."""
        return (self.media.partition(";")[0], *self.also)


JSON = Format(name="json", media="application/json", suffix="json", baked="observations.json.gz")
CSV = Format(
    name="csv",
    media="text/csv; header=present",
    suffix="csv",
    baked="observations.csv.gz",
)
NDJSON = Format(
    name="ndjson",
    media="application/x-ndjson",
    also=("application/ndjson", "application/jsonl", "application/x-jsonlines"),
    suffix="ndjson",
    baked="observations.ndjson.gz",
)
# JSON-stat has no registered type of its own; this one keeps it apart from our JSON in `Accept`
JSONSTAT = Format(
    name="jsonstat",
    media="application/vnd.json-stat+json",
    also=("application/json-stat+json", "application/json-stat"),
    suffix="json",
    baked="observations.json.gz",
)
PARQUET = Format(
    name="parquet",
    media="application/vnd.apache.parquet",
    also=("application/x-parquet", "application/parquet"),
    suffix="parquet",
    baked="observations.parquet",
)
XLSX = Format(
    name="xlsx",
    media="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    suffix="xlsx",
    baked="observations.xlsx",
)
FORMATS: Mapping[str, Format] = {one.name: one for one in (JSON, CSV, NDJSON, JSONSTAT, PARQUET, XLSX)}
"""Every format by its name, in our order of choice among those that a caller takes as gladly."""
_WEIGHT = re.compile(r"(?:^|;)\s*q\s*=\s*([01](?:\.[0-9]*)?)")


def accepted(accept: str) -> Format:
    """Return the format that a caller with *accept* takes most gladly.

    Raises RefusalError where it takes none of them.
    """
    weights = weights_of(accept)
    if not weights:
        return JSON
    best = max(FORMATS.values(), key=lambda one: _weight(one, weights))
    if not _weight(best, weights):
        known = ", ".join(one.types[0] for one in FORMATS.values())
        raise RefusalError("not-acceptable", f"there is {known}")
    return best


def _weight(one: Format, weights: Mapping[str, float]) -> float:
    """Return how gladly a format is taken; the most exact name that is told counts."""
    exact = [weights[kind] for kind in one.types if kind in weights]
    if exact:
        return max(exact)
    family = f"{one.types[0].partition('/')[0]}/*"
    return weights.get(family, weights.get("*/*", 0.0))


def weights_of(accept: str) -> dict[str, float]:
    """Return how gladly a caller with *accept* takes each media type that it names, from 0 to 1."""
    weights = {}
    for part in accept.lower().split(","):
        kind, _, rest = part.partition(";")
        if part.strip():
            told = _WEIGHT.search(rest)
            weights[kind.strip()] = float(told[1]) if told else 1.0
    return weights
