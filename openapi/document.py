"""The contract as a document: OpenAPI 3.1, made from the routes' own declarations."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.status_codes import (
    HTTP_404_NOT_FOUND,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
    HTTP_416_REQUESTED_RANGE_NOT_SATISFIABLE,
)

from api import about
from api.app import routes
from api.formats import JSON, JSONSTAT, PARQUET, XLSX, Format
from api.lifecycle import LIFECYCLE
from api.links import PREFIX
from api.parameters import Parameter
from api.problems import KINDS, MEDIA_TYPE, Kind, Problem
from openapi.words import DESCRIPTION, LIMITATIONS, SERVICE_LEVEL, TAGS

Document = dict[str, Any]
_SCHEMAS = "#/components/schemas/{name}"
_PATH_PARAMETERS = {
    "datasetId": "En datamängds id. / The id of a dataset.",
    "indicatorId": "En indikators id. / The id of an indicator.",
    "fileName": "En fils namn. / The name of a file.",
    "version": "En version som 1.0.0, eller `latest`. / A version such as 1.0.0, or `latest`.",
}
_HEADERS = {
    "ETag": ("Stark etikett för svaret. / Strong tag of the answer.", "etag"),
    "Cache-Control": ("Hur länge svaret gäller. / How long the answer holds.", ""),
    "traceparent": ("Spår enligt W3C Trace Context. / Trace as in W3C Trace Context.", ""),
    "RateLimit": ("Anrop som är kvar, där de räknas. / Calls that are left, where they are counted.", ""),
    "RateLimit-Policy": ("Gränsen, där anrop räknas. / The limit, where calls are counted.", ""),
    "Retry-After": ("Sekunder att vänta. / Seconds to wait.", ""),
    "Allow": ("Metoderna som finns. / The methods that there are.", ""),
    "Deprecation": ("När adressen började avrådas. / When the address was first advised against.", ""),
    "Sunset": ("När adressen tidigast försvinner. / When the address is gone at the earliest.", ""),
}
_KEPT = ("ETag", "Cache-Control", "traceparent")
_COUNTED = ("RateLimit", "RateLimit-Policy")
_RETIRING = ("Deprecation", "Sunset")
_TELLING = {405: ("Allow",), 429: ("Retry-After", *_COUNTED), 503: ("Retry-After",)}
"""The headers that a refusal has beside those of all."""


def document() -> Document:
    """Return the contract; always the same for the same routes."""
    handlers = _handlers()
    kinds = [handler.opt["answer"] for handler in handlers.values() if "answer" in handler.opt]
    narrowed = [handler.opt for handler in handlers.values() if "narrowed" in handler.opt]
    kinds += [kind for opt in narrowed for kind in opt["narrowed"].values()]
    _, schemas = msgspec.json.schema_components([*kinds, Problem], ref_template=_SCHEMAS)
    for opt in narrowed:
        _narrow(schemas[opt["answer"].__name__]["properties"], opt["narrowed"])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": about.NAME,
            "version": about.VERSION,
            "description": DESCRIPTION,
            "termsOfService": f"{about.ADDRESS}/docs/villkor",
            "contact": {
                "name": about.CONTACT_NAME,
                "url": about.CONTACT_ADDRESS,
                "email": about.CONTACT_MAIL,
            },
            "license": {"name": "CC0 1.0", "url": "https://creativecommons.org/publicdomain/zero/1.0/"},
            "x-sla": SERVICE_LEVEL,
            "x-limitations": LIMITATIONS,
        },
        "externalDocs": {
            "description": "Dokumentation och exempel / Documentation and examples",
            "url": f"{about.ADDRESS}/docs",
        },
        "servers": [{"url": about.ADDRESS + PREFIX}],
        "security": [{}],
        "tags": TAGS,
        "paths": {path: {"get": _operation(path, handler)} for path, handler in sorted(handlers.items())},
        "components": {"schemas": dict(sorted(schemas.items())), "responses": _refusals()},
    }


def _narrow(lists: dict[str, Any], narrowed: Mapping[str, type]) -> None:
    """Let the rows of *lists* be the *narrowed* kinds too, which callers may ask for."""
    for name, kind in narrowed.items():
        rows = lists[name]
        rows["items"] = {"anyOf": [rows["items"], {"$ref": _SCHEMAS.format(name=kind.__name__)}]}


def document_bytes() -> bytes:
    """Return the contract as the bytes that are committed and served."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=2) + b"\n"


def _handlers() -> dict[str, HTTPRouteHandler]:
    """Return every documented handler by its path without the prefix."""
    app = Litestar(route_handlers=[routes()], openapi_config=None)
    return {
        route.path_format.removeprefix(PREFIX): handler
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if handler.opt.keys() & {"answer", "media", "files"}
    }


def _operation(path: str, handler: HTTPRouteHandler) -> Document:
    lifecycle = handler.opt.get(LIFECYCLE)
    retiring = len(_RETIRING) if lifecycle else 0
    return {
        **({"deprecated": True, "x-sunset": lifecycle.sunset.isoformat()} if lifecycle else {}),
        "operationId": handler.operation_id,
        "summary": handler.summary,
        "description": _description(handler),
        "tags": list(handler.tags or ()),
        "parameters": [
            *(_path_parameter(name) for name in _PATH_PARAMETERS if f"{{{name}}}" in path),
            *(_query_parameter(parameter) for parameter in handler.opt.get("parameters", ())),
            _trace(),
        ],
        "responses": {
            "200": {
                "description": "Svaret. / The answer.",
                "headers": {name: _header(name) for name in (*_KEPT, *_COUNTED, *_RETIRING[:retiring])},
                "content": _content(path, handler),
            },
            **({"206": _part(path, handler)} if "files" in handler.opt else {}),
            "304": {"$ref": "#/components/responses/304"},
            **({"307": _redirect()} if "{version}" in path else {}),
            **{
                str(status): {"$ref": f"#/components/responses/{status}"}
                # only an address with a code in it can miss, and only a file can be too large
                for status in _statuses()
                if (status != HTTP_404_NOT_FOUND or "{" in path)
                and (status != HTTP_413_REQUEST_ENTITY_TOO_LARGE or "formats" in handler.opt)
                and (status != HTTP_416_REQUESTED_RANGE_NOT_SATISFIABLE or "files" in handler.opt)
            },
        },
    }


def _content(path: str, handler: HTTPRouteHandler) -> Document:
    """Return the answer's media type with its schema and a whole, real example."""
    example = _examples().get(path, {})
    if "files" in handler.opt:
        binary = {"schema": {"type": "string", "format": "binary"}}
        return dict.fromkeys(sorted(handler.opt["files"]), binary)
    if "media" in handler.opt:
        return {handler.opt["media"]: {"schema": {"type": "string"}, "example": example}}
    answer = _SCHEMAS.format(name=handler.opt["answer"].__name__)
    others = [form for form in handler.opt.get("formats", {}).values() if form != JSON]
    return {
        JSON.media: {"schema": {"$ref": answer}, "example": example},
        **{form.types[0]: _other(form, _examples()[f"{path}?format={form.name}"]) for form in others},
    }


def _other(form: Format, example: Any) -> Document:
    """Return what an answer is in a format other than JSON; a file's example is the way to it."""
    if form == JSONSTAT:
        return {"schema": {"type": "object"}, "example": example}
    if form in {PARQUET, XLSX}:
        return {"schema": {"type": "string", "format": "binary"}, "example": example}
    return {"schema": {"type": "string"}, "example": example}


def _part(path: str, handler: HTTPRouteHandler) -> Document:
    return {
        "description": "Den del som `Range` ber om. / The part that `Range` asks for.",
        "headers": {name: _header(name) for name in _HEADERS},
        "content": _content(path, handler),
    }


def _description(handler: HTTPRouteHandler) -> str:
    text: str = handler.fn.__doc__ or ""
    return "\n".join(line.strip() for line in text.strip().splitlines())


def _path_parameter(name: str) -> Document:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": _PATH_PARAMETERS[name],
        "schema": {"type": "string"},
    }


def _query_parameter(parameter: Parameter) -> Document:
    schema: Mapping[str, Any] = parameter.schema
    if parameter.many:
        schema = {"type": "array", "items": schema}
    return {
        "name": parameter.name,
        "in": "query",
        "required": False,
        "description": parameter.description,
        "schema": schema,
        **({"style": "form", "explode": False} if parameter.many else {}),
        "example": parameter.example.split(",") if parameter.many else _typed(parameter),
    }


def _typed(parameter: Parameter) -> Any:
    return int(parameter.example) if parameter.schema.get("type") == "integer" else parameter.example


def _trace() -> Document:
    return {
        "name": "traceparent",
        "in": "header",
        "required": False,
        "description": _HEADERS["traceparent"][0],
        "schema": {"type": "string"},
    }


def _header(name: str) -> Document:
    description, form = _HEADERS[name]
    return {"description": description, "schema": {"type": "string"} | ({"format": form} if form else {})}


def _redirect() -> Document:
    return {
        "description": "`latest` leder till numret. / `latest` leads to the number.",
        "headers": {
            "Location": {"description": "Versionens adress. / The address.", "schema": {"type": "string"}},
            "traceparent": _header("traceparent"),
        },
    }


def _statuses() -> list[int]:
    return sorted({kind.status for kind in KINDS})


def _refusals() -> Document:
    """Return the answers that all operations share: unchanged, and the problems of each status together."""
    unchanged = {
        "description": "Oförändrat sedan `If-None-Match`; räknas aldrig. / Unchanged; never counted.",
        "headers": {name: _header(name) for name in _KEPT},
    }
    return {"304": unchanged} | {
        str(status): _refusal([kind for kind in KINDS if kind.status == status]) for status in _statuses()
    }


def _refusal(kinds: list[Kind]) -> Document:
    examples = {
        kind.slug: {
            "summary": kind.title,
            "value": {
                "type": kind.type,
                "title": kind.title,
                "status": kind.status,
                "detail": kind.en,
                "instance": f"{PREFIX}/observations",
            },
        }
        for kind in kinds
    }
    return {
        "description": " ".join(f"{kind.sv} / {kind.en}" for kind in kinds),
        "headers": {name: _header(name) for name in ("traceparent", *_TELLING.get(kinds[0].status, ()))},
        "content": {MEDIA_TYPE: {"schema": {"$ref": _SCHEMAS.format(name="Problem")}, "examples": examples}},
    }


@cache
def _examples() -> Mapping[str, Any]:
    """Return a whole, real answer for every path."""
    examples: Mapping[str, Any] = msgspec.json.decode(files("openapi").joinpath("examples.json").read_bytes())
    return examples
