"""The Model Context Protocol, spoken with a real process: no number comes bare."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.conftest import ROOT, Server

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def spoken(server: Server) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "api.mcp", "--url", server.url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()
        assert process.wait(60) == 0


@pytest.fixture
def ask(spoken: subprocess.Popen[str]) -> Ask:
    def say(line: str) -> dict[str, Any]:
        assert spoken.stdin
        assert spoken.stdout
        spoken.stdin.write(line + "\n")
        spoken.stdin.flush()
        told: dict[str, Any] = json.loads(spoken.stdout.readline())
        return told

    def asked(method: str = "", *, line: str = "", **params: Any) -> dict[str, Any]:
        return say(line or json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}))

    return asked


def called(ask: Ask, tool: str, **arguments: Any) -> dict[str, Any]:
    result: dict[str, Any] = ask("tools/call", name=tool, arguments=arguments)["result"]
    assert result["isError"] is False, result
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
    told: dict[str, Any] = result["structuredContent"]
    return told


def test_a_client_is_told_what_the_server_is_and_how_to_tell_a_figure(ask: Ask) -> None:
    told = ask("initialize", protocolVersion="2025-03-26", capabilities={}, clientInfo={"name": "x"})[
        "result"
    ]

    assert told["protocolVersion"] == "2025-03-26"
    assert told["capabilities"] == {"tools": {}}
    assert "never zero" in told["instructions"]
    assert ask("initialize", protocolVersion="1999-01-01")["result"]["protocolVersion"] == "2025-06-18"
    assert ask("ping")["result"] == {}


def test_the_tools_only_read_and_describe_their_arguments(ask: Ask) -> None:
    tools = ask("tools/list")["result"]["tools"]

    assert [tool["name"] for tool in tools] == [
        "search_indicators",
        "describe_indicator",
        "list_areas",
        "get_figures",
    ]
    for tool in tools:
        assert tool["annotations"]["readOnlyHint"]
        assert tool["inputSchema"]["type"] == "object"
        assert tool["inputSchema"]["additionalProperties"] is False


def test_every_figure_carries_unit_version_address_and_mandatory_notes(ask: Ask) -> None:
    told = called(ask, "get_figures", indicator="fohm-riskspelande,scb-folkmangd", municipality="08,0880")

    assert told["total"] == len(told["figures"]) > 1
    for figure in told["figures"]:
        assert figure["unit"]
        assert figure["version"] == "1.0.0"
        assert figure["attribution"]
        exactly = httpx.get(figure["address"]).json()
        assert [one["value"] for one in exactly["observations"]] == [figure["value"]]
        assert exactly["_meta"]["datasets"][0]["version"] == figure["version"]
        notes = [note["text"] for note in exactly["_meta"]["notes"] if note["mandatory"]]
        assert figure["mandatoryNotes"] == notes
    assert any(figure["mandatoryNotes"] for figure in told["figures"])


def test_a_figure_that_is_not_there_tells_why_and_a_breakdown_keeps_its_address(ask: Ask) -> None:
    told = called(ask, "get_figures", indicator="U07418", municipality="county:08", lang="en")
    divided = called(
        ask, "get_figures", indicator="socialstyrelsen-anmalningar-anmalare", municipality="08", breakdown="*"
    )

    assert all((figure["value"] is None) == ("status" in figure) for figure in told["figures"])
    for figure in divided["figures"][:3]:
        assert len(httpx.get(figure["address"]).json()["observations"]) == 1


def test_indicators_are_found_and_described(ask: Ask) -> None:
    found = called(ask, "search_indicators", query="äldreomsorgens nettokostnad")
    detail = called(ask, "describe_indicator", indicator=found["indicators"][0]["id"])

    assert found["indicators"][0]["id"] == "N20014"
    assert httpx.get(found["indicators"][0]["address"]).status_code == 200
    assert detail["definition"]
    assert detail["version"] == "1.0.0"


def test_areas_have_codes_and_names(ask: Ask) -> None:
    areas = called(ask, "list_areas")["areas"]

    assert {"code": "0880", "name": "Kalmar", "type": "municipality"} in areas


@pytest.mark.parametrize(
    ("tool", "arguments", "hint"),
    [
        ("get_figures", {"indicator": "N2001", "municipality": "0880"}, "N20014"),
        ("get_figures", {"indicator": "N20014", "municipality": "880"}, "0880"),
        ("get_figures", {"indicator": "N20014"}, "municipality"),
        ("get_figures", {"indicator": "N20014", "municipality": "0880", "colour": "red"}, "colour"),
        ("describe_indicator", {"indicator": "../datasets"}, ""),
    ],
)
def test_what_is_asked_wrongly_is_told_to_the_model(
    tool: str, arguments: dict[str, str], hint: str, ask: Ask
) -> None:
    result = ask("tools/call", name=tool, arguments=arguments)["result"]

    assert result["isError"] is True
    assert hint in result["content"][0]["text"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("{", -32700),
        ("[]", -32600),
        ('{"jsonrpc": "2.0", "id": 1, "method": "resources/list"}', -32601),
        ('{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "drop"}}', -32602),
        ('{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {}}', -32602),
    ],
)
def test_a_message_that_cannot_be_answered_is_refused_by_its_code(line: str, code: int, ask: Ask) -> None:
    assert ask(line=line)["error"]["code"] == code
    assert ask("ping")["result"] == {}


def test_a_notification_is_not_answered(ask: Ask) -> None:
    line = '{"jsonrpc": "2.0", "method": "notifications/initialized"}\n'
    told = ask(line=line + '{"jsonrpc": "2.0", "id": 9, "method": "ping"}')

    assert (told["id"], told["result"]) == (9, {})
