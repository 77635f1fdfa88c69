"""Questions of 390 figures each, never the same twice, in the words of every contender."""

import random
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.benchmarks.figures import FIRST_YEAR, SEXES, municipalities
from tests.benchmarks.peers import TABLE
from tests.benchmarks.running import Service

AREAS, YEARS_ASKED = 13, 10
FIGURES = AREAS * len(SEXES) * YEARS_ASKED
_Figure = tuple[str, str, str, int, float | None, str | None]


class Question(NamedTuple):
    """One indicator, some municipalities, some years; every sex."""

    indicator: str
    municipalities: tuple[str, ...]
    first: int
    last: int


def questions(ids: list[str], years: int, count: int, seed: int) -> list[Question]:
    """Return *count* questions drawn at random."""
    drawn = random.Random(seed)
    codes = municipalities()
    found = []
    for _ in range(count):
        first = FIRST_YEAR + drawn.randrange(years - YEARS_ASKED + 1)
        places = tuple(sorted(drawn.sample(codes, AREAS)))
        found.append(Question(drawn.choice(ids), places, first, first + YEARS_ASKED - 1))
    return found


def to_us(question: Question) -> str:
    """Return our address of *question*."""
    return "/api/v1/observations?" + _query(question)


def to_fastapi(question: Question) -> str:
    """Return the FastAPI service's address of *question*."""
    return "/observations?" + _query(question)


def to_datasette(question: Question) -> str:
    """Return Datasette's address of *question*."""
    asked = {
        "indicator": question.indicator,
        "municipality__in": ",".join(question.municipalities),
        "year__gte": str(question.first),
        "year__lte": str(question.last),
        "breakdown__exact": "",
        "_shape": "objects",
        "_size": "max",
    }
    return f"/figures/{TABLE}.json?" + urlencode(asked, safe=",")


def figures_of(service: Service, path: str, name: str) -> list[_Figure]:
    """Return the figures that *service* answers under *name*, in one order and form."""
    rows: list[dict[str, Any]] = service.get(path)[name]
    keys = ("indicator", "municipality", "sex", "year", "value", "status")
    return sorted(tuple(row.get(key) for key in keys) for row in rows)  # type: ignore[arg-type,type-var]


def _query(question: Question) -> str:
    asked = {
        "indicator": question.indicator,
        "municipality": ",".join(question.municipalities),
        "yearFrom": str(question.first),
        "yearTo": str(question.last),
    }
    return urlencode(asked, safe=",")
