"""Small datasets to publish under a running service, written as their figures: `0880 women 2023 25.7`."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from datasets.ledger import Draft
from datasets.publish import Outcome, publish
from datasets.store import Store
from datasets.vocabulary import Flag, Observation, Sex, Status
from tests import given


def figure(text: str) -> Observation:
    """Read `municipality sex year value-or-status [breakdown [flag ...]]`; a dash for no breakdown."""
    area, sex, year, said, *rest = text.split()
    told: dict[str, Any] = {"status": Status(said)} if said in list(Status) else {"value": float(said)}
    if rest[1:]:
        told["flags"] = frozenset(map(Flag, rest[1:]))
    breakdown = rest[0] if rest and rest[0] != "-" else ""
    return given.figure(area, Sex(sex), int(year), breakdown, **told)


def draft(dataset: str, indicators: Mapping[str, Iterable[str]], **definition: Any) -> Draft:
    """Return *dataset* with the figures of its *indicators*, which all share the rest of the *definition*."""
    return given.draft(
        dataset,
        {name: given.cube(*map(figure, texts)) for name, texts in indicators.items()},
        indicators={name: given.indicator(name, **definition) for name in indicators},
    )


def published(address: str, *drafts: Draft) -> list[Outcome]:
    """Publish *drafts* in the database at *address*, one after the other."""

    async def run() -> list[Outcome]:
        store = Store.at(address)
        try:
            return [await publish(store, one) for one in drafts]
        finally:
            await store.close()

    return asyncio.run(run())
