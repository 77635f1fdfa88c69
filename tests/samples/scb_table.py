"""One small table of SCB's and the plan that takes it, to be spoilt by a test."""

from collections.abc import Callable
from typing import Any

import pytest

from loaders import scb
from loaders.source import BrokenSourceError, Plan, Source
from tests.samples.scb_small import (
    Json,
    Small,
    loaded,
    plan_of,
)

SOURCE: Source = scb
CODES = {
    "Region": ["00", "08", "0880"],
    "Kon": ["1", "2"],
    "ContentsCode": ["BE0101N1"],
    "Tid": ["2022", "2023", "2024"],
}
REGION = {"role": "municipality", "take": [{"codes": ["00", "08", "0880"]}]}
SEX = {"role": "sex", "take": [{"means": {"1": "men", "2": "women"}}]}
CONTENTS = {"role": "fixed", "take": [{"codes": ["BE0101N1"]}]}
YEAR = {"role": "year"}
DIMENSIONS: Json = {"Region": REGION, "Kon": SEX, "ContentsCode": CONTENTS, "Tid": YEAR}
BREAK = {"year": 2025, "text": {"sv": "Ny tabell"}}
MONTHS = ["2025M11", "2025M12", "2026M01"]
AGES = ["0", "TotSA", "-4", "0-9", "1", "5-9", "10", "10-14", "10-19", "100+", "100+10", "100+5"]
NOISE = "En liten slumpmässig osäkerhet är införd. Metoden heter Cell Key Method (CKM)."


def numbered(key: tuple[str, ...]) -> int:
    """A figure of its own for each cell, the same whatever else is asked for."""
    return sum((at + 1) * 31**place for place, part in enumerate(key) for at in [sum(map(ord, part)) % 97])


def table(**changes: Any) -> Small:
    return Small(**{"id": "TAB1", "codes": CODES, "cell": numbered, **changes})


def plan(*, told: Json | None = None, part: Json | None = None, **more: Any) -> Plan:
    tables = {"TAB1": {"dimensions": DIMENSIONS, **(told or {})}}
    return plan_of(tables, {"table": "TAB1", **(part or {})}, **more)


def with_dimensions(**changes: Any) -> Json:
    return {"dimensions": {**DIMENSIONS, **changes}}


def refused(reason: str, wanted: Plan, *tables: Small) -> None:
    with pytest.raises(BrokenSourceError, match=reason):
        loaded(wanted, *(tables or [table()]))


def cells(**given: Any) -> Callable[[tuple[str, ...]], Any]:
    """The cell of one code as given, and a number for every other."""

    def cell(key: tuple[str, ...]) -> Any:
        return next((given[part] for part in key if part in given), numbered(key))

    return cell
