"""What a request asks: its query read by the declared parameters, every fault told at once."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from litestar.connection import ASGIConnection
from litestar.enums import HttpMethod
from litestar.handlers import BaseRouteHandler
from msgspec import Struct

from api.parameters import Parameter
from api.problems import InvalidParameter, InvalidParametersError
from api.texts import LONGEST_TEXT, RefusedTextError
from datasets.closest import closest

LONGEST_LIST = 500
_MOST_PARAMETERS = 50


class Asked(Struct, frozen=True):
    """What a request asks: the value of each of the handler's parameters, and the pairs as they came."""

    values: dict[str, Any]
    pairs: tuple[tuple[str, str], ...]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def asked_of(query: bytes, parameters: Sequence[Parameter]) -> Asked:
    """Read a query string by the declared *parameters*.

    Raises InvalidParametersError that tells every fault at once, unknown names included.
    """
    pairs = _pairs(query)
    known = {parameter.name: parameter for parameter in parameters}
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        texts.setdefault(name, []).append(text)
    faults = [
        InvalidParameter(
            name=name[:LONGEST_TEXT],
            reason="is no parameter here",
            value=given[0][:LONGEST_TEXT],
            closest=closest(name, known),
        )
        for name, given in texts.items()
        if name not in known
    ]
    values = {name: () if one.many else one.default for name, one in known.items()}
    for name, given in texts.items():
        if name in known:
            values[name] = _value(known[name], given, faults)
    if faults:
        raise InvalidParametersError(faults)
    return Asked(values, tuple(pairs))


def _pairs(query: bytes) -> list[tuple[str, str]]:
    """Return names and texts as they came, decoded; most queries have nothing to decode."""
    if query.count(b"&") >= _MOST_PARAMETERS:
        reason = f"has more than {_MOST_PARAMETERS} parameters"
        raise InvalidParametersError([InvalidParameter(name="query", reason=reason, value="")])
    try:
        text = query.decode("ascii")
        if "%" not in text and "+" not in text:
            return [
                (name, value) for name, _, value in [one.partition("=") for one in text.split("&") if one]
            ]
        return parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise InvalidParametersError(
            [InvalidParameter(name="query", reason="is not percent-encoded UTF-8", value="")]
        ) from None


async def check_query(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Read the query of a request before its handler; a guard of every route."""
    if connection.scope.get("method") == HttpMethod.OPTIONS or "reads_its_own_query" in handler.opt:
        return  # a browser's preflight: what is asked is for the request that follows
    if handler.opt.get("reads_itself"):
        return  # a page's form: what it leaves empty is not a fault
    query = connection.scope["query_string"]
    # what `connection.state` shows; making that view costs as much as reading the query
    connection.scope["state"]["asked"] = asked_of(query, handler.opt.get("parameters", ()))


def _value(parameter: Parameter, texts: Sequence[str], faults: list[InvalidParameter]) -> Any:
    if len(texts) > 1 and not parameter.many:
        faults.append(InvalidParameter(name=parameter.name, reason="stands more than once", value=texts[1]))
        return parameter.default
    parts = [part for text in texts for part in text.split(",")] if parameter.many else list(texts)
    if len(parts) > LONGEST_LIST:
        reason = f"has {len(parts)} parts; the most is {LONGEST_LIST}"
        faults.append(InvalidParameter(name=parameter.name, reason=reason, value=""))
        return ()
    values = []
    for part in parts:
        try:
            values.append(_read(parameter.read, part.strip()))
        except RefusedTextError as error:
            value = part[:LONGEST_TEXT]
            faults.append(
                InvalidParameter(name=parameter.name, reason=str(error), value=value, closest=error.closest)
            )
    if parameter.many:
        return tuple(dict.fromkeys(values))
    return values[0] if values else parameter.default


@lru_cache(maxsize=4096)
def _read(read: Callable[[str], Any], text: str) -> Any:
    """Return what *text* says; the same few codes are read again and again."""
    if not text:
        raise RefusedTextError("is empty; leave the parameter out instead")
    return read(text)
