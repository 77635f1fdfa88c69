"""A PxWebApi 2 in a few lines, for what the real one has not been recorded doing; figures are made up."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from math import prod
from typing import Any

import msgspec

from datasets.catalogue import Dataset, Text
from datasets.vocabulary import Source
from loaders import scb
from loaders.fetch import Fetched
from loaders.source import Ask, Made, Plan

BASE = "https://scb.invalid/api/v2"
AT = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
Json = dict[str, Any]

DATASET = Dataset(
    id="scb-prov",
    title=Text("Prov"),
    description=Text("Påhittade siffror"),
    source=Source.SCB,
    publisher="SCB",
    attribution="Källa: SCB",
    processing="asPublished",
    theme="befolkning",
    update_frequency="annual",
)


@dataclass
class Small:
    """One table: its codes by dimension, and a number or a symbol for each cell."""

    id: str
    codes: dict[str, list[str]]
    cell: Callable[[tuple[str, ...]], Any]
    label: str = "Folkmängden efter region, kön och år"
    updated: str = "2025-02-21T07:00:00Z"
    eliminable: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    mandatory: list[bool] = field(default_factory=list)
    codelists: dict[str, dict[str, Json]] = field(default_factory=dict)
    discontinued: bool | None = None
    spoil: Callable[[Json], None] = lambda _: None
    """Changes an answer with figures, to be what a source in trouble would send."""
    metadata_more: Callable[[Json], None] = lambda _: None

    def entry(self) -> Json:
        times = self.codes["Tid"]
        more = {"firstPeriod": times[0], "lastPeriod": times[-1], "discontinued": self.discontinued}
        return {"id": self.id, "label": self.label, "updated": self.updated, **more}

    def metadata(self) -> Json:
        body = self._dataset(self.codes)
        for name, dimension in body["dimension"].items():
            lists = [{"id": one} for one in self.codelists.get(name, {})]
            dimension["extension"] = {"elimination": name in self.eliminable, "codelists": lists}
        self.metadata_more(body)
        return {**body, "value": []}

    def data(self, asked: Json) -> Json:
        wanted = {one["variableCode"]: one["valueCodes"] for one in asked["selection"]}
        kept = {name: wanted[name] for name in self.codes if name in wanted}
        cells = [self._figure(kept, key) for key in product(*kept.values())]
        body = self._dataset(kept)
        body["value"] = [None if isinstance(cell, str) else cell for cell in cells]
        body["status"] = {str(at): cell for at, cell in enumerate(cells) if isinstance(cell, str) and cell}
        self.spoil(body)
        return body

    def _figure(self, kept: Mapping[str, Sequence[str]], key: tuple[str, ...]) -> Any:
        found = dict(zip(kept, key, strict=True))
        return self.cell(tuple(found.get(name, "") for name in self.codes))

    def _dataset(self, codes: Mapping[str, Sequence[str]]) -> Json:
        dimensions = {
            name: {"label": name.lower(), "category": {"index": {code: at for at, code in enumerate(some)}}}
            for name, some in codes.items()
        }
        must = {str(at): must for at, must in enumerate(self.mandatory)}
        return {
            "version": "2.0",
            "class": "dataset",
            "label": self.label,
            "updated": self.updated,
            "note": self.notes,
            "role": {"time": ["Tid"], "metric": ["ContentsCode"]},
            "id": list(codes),
            "size": [len(some) for some in codes.values()],
            "dimension": dimensions,
            "extension": {"noteMandatory": must, "px": {"tableid": self.id}},
        }


def conversation(plan: Plan, *tables: Small, most_cells: int = 0) -> list[Fetched]:
    """Every answer that the tables give to what is asked for *plan*."""
    asks = scb.asks(plan)
    kept: list[Fetched] = []
    ask: Ask | None = next(asks)
    while ask is not None:
        body = json.dumps(_answer(ask, {table.id: table for table in tables}, most_cells)).encode()
        kept.append(Fetched(address=f"{BASE}/{ask.target}", asked=ask.body, at=AT, status=200, body=body))
        try:
            ask = asks.send(kept[-1])
        except StopIteration:
            ask = None
    return kept


def tables_answer(ask: Ask, tables: Sequence[Small]) -> Json:
    """What the tables answer to one question, without any limit."""
    return _answer(ask, {table.id: table for table in tables}, 0)


def _answer(ask: Ask, tables: Mapping[str, Small], most_cells: int) -> Json:
    path = ask.target.partition("?")[0].split("/")
    if path == ["config"]:
        return {"maxDataCells": most_cells, "maxCallsPerTimeWindow": 3, "timeWindow": 1}
    if path[0] == "codelists":
        every = (one for table in tables.values() for lists in table.codelists.values() for one in [lists])
        return next(lists[path[1]] for lists in every if path[1] in lists)
    table = tables[path[1]]
    if path[2:] == ["data"]:
        asked = msgspec.json.decode(ask.body)
        cells = prod(len(one["valueCodes"]) for one in asked["selection"])
        assert not most_cells or cells <= most_cells
        return table.data(asked)
    return table.metadata() if path[2:] == ["metadata"] else table.entry()


def questions(kept: Sequence[Fetched]) -> Iterator[dict[str, list[str]]]:
    """The codes of each question for figures, by variable."""
    for one in kept:
        if one.asked:
            selection = msgspec.json.decode(one.asked)["selection"]
            yield {variable["variableCode"]: variable["valueCodes"] for variable in selection}


def loaded(plan: Plan, *tables: Small, most_cells: int = 0) -> list[Made]:
    """What the load of *plan* makes of the tables."""
    return list(scb.normalise(plan, conversation(plan, *tables, most_cells=most_cells)))


def figures(made: Made) -> dict[tuple[str, str, int, str], float | str]:
    """Each figure, or the status that stands for it, by municipality, sex, year and breakdown."""
    return {
        (str(one.municipality), str(one.sex), int(one.year), one.breakdown.text): (
            str(one.status) if one.value is None else one.value
        )
        for one in made.cube
    }


def plan_of(
    tables: Json, *parts: Json, symbols: Json | None = None, marks: Json | None = None, **more: Any
) -> Plan:
    """A plan of one indicator taken from *parts*; *more* are fields of the indicator."""
    indicator = {
        "id": "scb-prov-antal",
        "title": {"sv": "Antal"},
        "definition": {"sv": "Antal"},
        "unit": "persons",
        "load": {"tables": list(parts)},
        **more,
    }
    load = {"tables": tables, "symbols": symbols or {}, "marks": marks or {}}
    return Plan(dataset=DATASET, load=load, indicators=(indicator,))


def age(*codes: str) -> Json:
    """The breakdown by age with *codes*."""
    return {"age": {"title": {"sv": "Ålder"}, "categories": {code: {"sv": code} for code in codes}}}
