"""JSON-RPC as the Model Context Protocol has it: what a client says, and what it is answered.

Written by hand: the official SDK brings a second web framework, a second validator and cryptography for
what is four methods here (2026-11).
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from api import about

VERSIONS = ("2025-06-18", "2025-03-26", "2024-11-05")
"""The protocol's versions that are spoken, newest first; they differ in nothing that is used here."""
NOT_JSON, NOT_A_REQUEST, NO_METHOD, BAD_ARGUMENTS, FAILED = -32700, -32600, -32601, -32602, -32603
INSTRUCTIONS = (
    "Figures on Kalmar county, Sweden. Search for indicators first, then describe one, then ask for its "
    "figures. Tell each figure with its unit, year, area, sex, version and attribution, show its mandatory "
    "notes, and link to its address. A null value is never zero: tell its status. Do not add or average "
    "figures as if that had been published."
)


class ProtocolError(Exception):
    """A message that cannot be answered; `code` is JSON-RPC's."""

    def __init__(self, code: int, reason: str) -> None:
        """Keep the *code* and the *reason*."""
        super().__init__(reason)
        self.code = code


class RefusedError(Exception):
    """What was asked of a tool cannot be had; the reason is for the model, which may ask otherwise."""


class Tool(Struct, frozen=True):
    """One thing that a model may ask for: its words, the form of its arguments, and who answers."""

    name: str
    title: str
    description: str
    arguments: type[Struct]
    call: Callable[[Any], Mapping[str, Any]]

    def told(self) -> dict[str, Any]:
        """Return the tool as a client lists it."""
        schema = msgspec.json.schema(self.arguments)
        form = schema["$defs"][self.arguments.__name__]
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": {**form, "additionalProperties": False},
            "annotations": {"readOnlyHint": True, "idempotentHint": True, "openWorldHint": False},
        }


class _Request(Struct, frozen=True):
    jsonrpc: str
    method: str
    id: int | str | UnsetType = UNSET
    params: Raw = Raw(b"{}")


class _Start(Struct, frozen=True, rename="camel"):
    protocol_version: str = ""


class _Call(Struct, frozen=True):
    name: str
    arguments: Raw = Raw(b"{}")


def answer(line: bytes, tools: Mapping[str, Tool]) -> bytes | None:
    """Return the reply to the message in *line*; None to one that wants none."""
    name: int | str | None = None
    try:
        request = _read(line)
        if request.id is UNSET:
            return None  # a notification
        name = request.id
        result = _result(request, tools)
    except ProtocolError as error:
        told = {"code": error.code, "message": str(error)}
        return msgspec.json.encode({"jsonrpc": "2.0", "id": name, "error": told})
    return msgspec.json.encode({"jsonrpc": "2.0", "id": name, "result": result})


def _read(line: bytes) -> _Request:
    try:
        return msgspec.json.decode(line, type=_Request)
    except msgspec.ValidationError as error:
        raise ProtocolError(NOT_A_REQUEST, str(error)) from None
    except msgspec.DecodeError as error:
        raise ProtocolError(NOT_JSON, str(error)) from None


def _result(request: _Request, tools: Mapping[str, Tool]) -> Mapping[str, Any]:
    match request.method:
        case "initialize":
            wanted = _params(request, _Start).protocol_version
            return {
                "protocolVersion": wanted if wanted in VERSIONS else VERSIONS[0],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "lansdata", "title": about.NAME, "version": about.VERSION},
                "instructions": INSTRUCTIONS,
            }
        case "ping":
            return {}
        case "tools/list":
            return {"tools": [tool.told() for tool in tools.values()]}
        case "tools/call":
            return _called(_params(request, _Call), tools)
    message = f"there is no method {request.method}"
    raise ProtocolError(NO_METHOD, message)


def _params(request: _Request, form: type[Any]) -> Any:
    try:
        return msgspec.json.decode(request.params, type=form)
    except msgspec.DecodeError as error:
        raise ProtocolError(BAD_ARGUMENTS, str(error)) from None


def _called(call: _Call, tools: Mapping[str, Tool]) -> Mapping[str, Any]:
    tool = tools.get(call.name)
    if tool is None:
        message = f"there is no tool {call.name}; there is {', '.join(tools)}"
        raise ProtocolError(BAD_ARGUMENTS, message)
    try:
        told = tool.call(msgspec.json.decode(call.arguments, type=tool.arguments))
    except (RefusedError, msgspec.DecodeError) as error:
        return {"content": [{"type": "text", "text": str(error)}], "isError": True}
    text = msgspec.json.encode(told).decode()
    return {"content": [{"type": "text", "text": text}], "structuredContent": told, "isError": False}
