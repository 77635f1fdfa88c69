"""A Kolada in a few lines, in its own form, for what the real one has not been recorded doing."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from datasets.cube import Cube
from datasets.vocabulary import Observation, Sex
from loaders import kolada
from loaders.fetch import Fetched
from loaders.source import Ask, Made, Plan
from tests.given import dataset

Item = dict[str, Any]
Answer = Callable[[Ask], Item]

SAMPLES = Path(__file__).parent
BASE = "https://api.kolada.se/v3"
TODAY = datetime(2026, 6, 1, 2, tzinfo=UTC)
EVERYWHERE = ("0880", "0834", "0980", "08", "00", "G33618")


@cache
def sample(name: str) -> list[Item]:
    return msgspec.json.decode((SAMPLES / f"kolada_{name}.json").read_bytes())["values"]  # type: ignore[no-any-return]


def rows(kpi: str = "") -> list[Item]:
    """Copy the figures of the sample, those of one KPI if one is named."""
    return [deepcopy(row) for row in sample("data") if kpi in ("", row["kpi"])]


def page(items: list[Item], following: str | None = None) -> Item:
    return {"values": items, "count": 7, "next_url": following, "previous_url": None}


def plan_of(*kpis: str, areas: tuple[str, ...] = EVERYWHERE, first: int = 2020, **said: Any) -> Plan:
    load = {"kpis": list(kpis), "municipalities": list(areas), "years": {"from": first}}
    stated = said.pop("indicators", ())
    return Plan(dataset=dataset("kolada-prov"), load=load | said, indicators=stated)


def replying(figures: list[Item] | None = None, **lists: list[Item]) -> Answer:
    """Answer as Kolada does: what is asked for by id, of *figures* and of the lists of metadata."""

    def reply(ask: Ask) -> Item:
        name, *ids = urlsplit(ask.target).path.split("/")
        if name == "data":
            kpis, areas, years = (segment.split(",") for segment in ids[1::2])
            if "page=1&" not in ask.target:
                return page([])
            return page(
                [
                    row
                    for row in (rows() if figures is None else figures)
                    if row["kpi"] in kpis and row["municipality"] in areas and str(row["period"]) in years
                ]
            )
        known = lists.get(name, sample(name)) if "page=1&" in ask.target else []
        return page([one for one in known if not ids or one["id"] in ids[0].split(",")])

    return reply


def fetched(ask: Ask, body: bytes) -> Fetched:
    address = ask.target if "://" in ask.target else f"{BASE}/{ask.target}"
    return Fetched(address=address, at=TODAY, status=200, body=body)


def answered(plan: Plan, answer: Answer) -> list[Fetched]:
    """Put every question to *answer*, as the night does to the source."""
    asks = kolada.asks(plan)
    kept: list[Fetched] = []
    ask = next(asks, None)
    while ask is not None:
        kept.append(fetched(ask, msgspec.json.encode(answer(ask))))
        kolada.check_answer(kept[-1])
        try:
            ask = asks.send(kept[-1])
        except StopIteration:
            ask = None
    return kept


def made(plan: Plan, figures: list[Item] | None = None, **lists: list[Item]) -> dict[str, Made]:
    kept = answered(plan, replying(figures, **lists))
    return {one.indicator.id: one for one in kolada.normalise(plan, kept)}


def cube(kpi: str, figures: list[Item] | None = None) -> Cube:
    return made(plan_of(kpi), figures)[kpi].cube


def figure(cube: Cube, municipality: str, sex: Sex, year: int) -> Observation:
    key = (municipality, sex, year)
    return next(one for one in cube if (one.municipality, one.sex, one.year) == key)


def notes(one: Made) -> dict[str, bool]:
    """Return the Swedish text of each note, and whether it must be shown."""
    return {note.text.sv: note.mandatory for note in one.indicator.notes}


def with_body(kept: list[Fetched], change: Callable[[bytes], bytes]) -> list[Fetched]:
    return [
        msgspec.structs.replace(one, body=change(one.body)) if "/data/" in one.address else one
        for one in kept
    ]


def changed_kpi(**said: Any) -> list[Item]:
    """Return the catalogue with its first KPI changed."""
    first, *others = sample("kpi")
    return [first | said, *others]
