"""Which changes of the contract break its callers, told by a table of them."""

import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from openapi.__main__ import COMMITTED
from openapi.compatibility import breaks
from tests.conftest import ROOT

Change = Callable[[dict[str, Any]], object]
CONTRACT: dict[str, Any] = msgspec.json.decode(COMMITTED.read_bytes())
LIST = "/indicators"


def operation(contract: dict[str, Any], path: str = LIST) -> dict[str, Any]:
    found: dict[str, Any] = contract["paths"][path]["get"]
    return found


def parameter(contract: dict[str, Any], name: str, path: str = LIST) -> dict[str, Any]:
    return next(one for one in operation(contract, path)["parameters"] if one["name"] == name)


def schema(contract: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = contract["components"]["schemas"][name]
    return found


def added(contract: dict[str, Any], **said: Any) -> None:
    one = {"name": "more", "in": "query", "required": False, "schema": {"type": "string"}}
    operation(contract)["parameters"].append({**one, **said})


BREAKING: dict[str, Change] = {
    "a path is gone": lambda c: c["paths"].pop(LIST),
    "a method is gone": lambda c: c["paths"][LIST].pop("get"),
    "a parameter is gone": lambda c: operation(c)["parameters"].remove(parameter(c, "q")),
    "a parameter is renamed": lambda c: parameter(c, "q").update(name="query"),
    "a parameter is now required": lambda c: parameter(c, "q").update(required=True),
    "a new parameter is required": lambda c: added(c, required=True),
    "a parameter has another type": lambda c: parameter(c, "q")["schema"].update(type="integer"),
    "a parameter takes fewer codes": lambda c: parameter(c, "source")["schema"]["enum"].pop(),
    "a parameter is bound to codes": lambda c: parameter(c, "q")["schema"].update(enum=["a"]),
    "a parameter may not be as large": lambda c: parameter(c, "limit")["schema"].update(maximum=100),
    "a parameter must be larger": lambda c: parameter(c, "page")["schema"].update(minimum=1),
    "a parameter may not be as long": lambda c: parameter(c, "q")["schema"].update(maxLength=10),
    "a parameter has a pattern": lambda c: parameter(c, "q")["schema"].update(pattern="^a$"),
    "a parameter means another thing left out": lambda c: parameter(c, "limit")["schema"].update(default=50),
    "a list is written otherwise": lambda c: parameter(c, "sex", "/observations").update(explode=True),
    "each of a list takes fewer codes": (
        lambda c: parameter(c, "sex", "/observations")["schema"]["items"]["enum"].remove("other")
    ),
    "an answer is gone": lambda c: operation(c)["responses"].pop("400"),
    "a media type is gone": (
        lambda c: operation(c)["responses"]["200"]["content"].update(
            {"text/json": operation(c)["responses"]["200"]["content"].pop("application/json")}
        )
    ),
    "a header is gone": lambda c: operation(c)["responses"]["200"]["headers"].pop("ETag"),
    "a field is gone": lambda c: schema(c, "IndicatorEntry")["properties"].pop("title"),
    "a field may be left out": lambda c: schema(c, "IndicatorEntry")["required"].remove("title"),
    "a field has another type": lambda c: schema(c, "Meta")["properties"]["page"].update(type="string"),
    "a field may be null": (
        lambda c: schema(c, "IndicatorEntry")["properties"].update(
            id={"anyOf": [{"type": "string"}, {"type": "null"}]}
        )
    ),
    "the rows of a list are others": (
        lambda c: schema(c, "IndicatorList")["properties"]["indicators"].update(items={"type": "string"})
    ),
    "a field has another format": (
        lambda c: schema(c, "ToldObservation")["properties"]["periodEnd"].update(format="date-time")
    ),
    "a field deep inside is gone": lambda c: schema(c, "ToldUnit")["properties"].pop("symbol"),
    "callers must say who they are": lambda c: c.update(security=[{"key": []}]),
    "the address is another": lambda c: c.update(servers=[{"url": "https://other.example/api/v1"}]),
}
NOT_BREAKING: dict[str, Change] = {
    "nothing changed": lambda c: c,
    "a new path": lambda c: c["paths"].update({"/more": deepcopy(c["paths"][LIST])}),
    "a new parameter": added,
    "a parameter takes more codes": lambda c: parameter(c, "source")["schema"]["enum"].append("more"),
    "a parameter may be larger": lambda c: parameter(c, "limit")["schema"].update(maximum=20_000),
    "a parameter is bound no longer": lambda c: parameter(c, "q")["schema"].pop("maxLength"),
    "a new field": lambda c: schema(c, "IndicatorEntry")["properties"].update(more={"type": "string"}),
    "a field is always there": lambda c: schema(c, "Problem")["required"].append("limit"),
    "a field is never null": (
        lambda c: schema(c, "IndicatorEntry")["properties"].update(firstYear={"type": "integer"})
    ),
    "a new answer": lambda c: operation(c)["responses"].update({"410": {"description": "gone"}}),
    "a new media type": (
        lambda c: operation(c)["responses"]["200"]["content"].update({"text/csv": {"schema": {}}})
    ),
    "other words": lambda c: operation(c).update(description="other", summary="words"),
    "another example": lambda c: parameter(c, "q").update(example="annat"),
    "a new server beside": lambda c: c["servers"].append({"url": "https://test.example/api/v1"}),
    "another major": lambda c: (c["info"].update(version="2.0.0"), c["paths"].pop(LIST)),
}


@pytest.mark.parametrize("change", BREAKING)
def test_a_change_that_breaks_callers_is_told(change: str) -> None:
    changed = deepcopy(CONTRACT)
    BREAKING[change](changed)

    assert breaks(CONTRACT, changed)


@pytest.mark.parametrize("change", NOT_BREAKING)
def test_a_change_that_breaks_nobody_passes(change: str) -> None:
    changed = deepcopy(CONTRACT)
    NOT_BREAKING[change](changed)

    assert breaks(CONTRACT, changed) == []


@pytest.mark.parametrize("command", ["check", "write"])
def test_the_commands_refuse_what_breaks_callers_and_name_it(command: str, tmp_path: Path) -> None:
    had = deepcopy(CONTRACT)
    added(had, name="gone")
    held = tmp_path / "held.json"
    held.write_bytes(msgspec.json.encode(had))
    before = COMMITTED.read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "openapi", command, "--against", str(held)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert "GET /indicators: the parameter gone is gone" in done.stdout
    assert COMMITTED.read_bytes() == before
