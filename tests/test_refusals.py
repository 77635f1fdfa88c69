"""Every refusal, over every route that is registered: a new route is covered by being there."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from api.app import routes
from api.parameters import Parameter
from api.problems import KINDS
from api.routes import health
from tests.conftest import Server

CODES = {
    "datasetId": "scb-befolkning",
    "indicatorId": "fohm-riskspelande",
    "version": "1.0.0",
    "slug": "not-found",
    "fileName": "manifest.txt",
}
"""A right code for every part of a path; a new kind of part needs one here."""
INNER = re.compile(
    r"Traceback|File \"|\.py|/work|/tmp|/home|SELECT|sqlalchemy|asyncpg|litestar|msgspec", re.IGNORECASE
)
FREE_TEXT = {"q"}
"""What people may write as they like."""


def _handlers() -> Iterator[tuple[str, HTTPRouteHandler]]:
    app = Litestar([routes(), health.live, health.ready, health.problem], openapi_config=None)
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if "GET" in handler.http_methods:
                yield re.sub(r"{(\w+)}", lambda part: CODES[part[1]], route.path_format), handler


ROUTES = dict(_handlers())
PARAMETERS: list[tuple[str, Parameter]] = [
    (path, parameter) for path, handler in ROUTES.items() for parameter in handler.opt.get("parameters", ())
]
IN_JSON = [path for path in ROUTES if path.startswith("/api/") and not path.endswith((".atom", ".txt"))]
TAKEN = [f"{path}?{parameter.name}" for path, parameter in PARAMETERS]
PAGED = [path for path, parameter in PARAMETERS if parameter.name == "page" and path in IN_JSON]
CODED = [path for path in ROUTES if any(path.endswith(code) for code in CODES.values())]
every_route = pytest.mark.parametrize("path", ROUTES)
every_parameter = pytest.mark.parametrize(("path", "parameter"), PARAMETERS, ids=TAKEN)


@pytest.fixture(scope="module")
def root(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as one:
        yield one


def problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """Return the body of a refusal that is right in every respect that all have in common."""
    body = answer.json()
    assert (answer.status_code, body["type"]) == (status, f"/problems/{slug}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["traceparent"]
    assert body["status"] == status
    assert body["title"] == next(kind.title for kind in KINDS if kind.slug == slug)
    assert len(body["detail"]) > 10
    assert body["instance"] == answer.url.raw_path.partition(b"?")[0].decode()[:200]
    assert not INNER.search(answer.text)
    return body  # type: ignore[no-any-return]


def faults(answer: httpx.Response) -> list[tuple[str, str]]:
    """Return the refused parameters of an answer and the values they had."""
    body = problem(answer, 400, "invalid-parameters")
    assert all(fault["reason"] for fault in body["invalidParameters"])
    return [(fault["name"], fault["value"]) for fault in body["invalidParameters"]]


def test_the_routes_of_the_contract_are_all_here() -> None:
    resources = {path.removeprefix("/api/v1") for path in ROUTES}

    assert {
        "/observations",
        "/datasets",
        "/indicators",
        "/municipalities",
        "/statuses",
        "/config",
    } <= resources
    assert len(TAKEN) > 30


@every_route
def test_an_unknown_parameter_is_refused_by_its_name(path: str, root: httpx.Client) -> None:
    assert faults(root.get(path, params={"nosuch": "1"})) == [("nosuch", "1")]


@every_parameter
def test_a_misspelt_parameter_is_told_its_right_name(
    path: str, parameter: Parameter, root: httpx.Client
) -> None:
    answer = root.get(path, params={f"{parameter.name}x": "1"})

    assert faults(answer) == [(f"{parameter.name}x", "1")]
    assert answer.json()["invalidParameters"][0]["closest"][0] == parameter.name


@every_parameter
def test_the_documented_example_of_a_parameter_is_right(
    path: str, parameter: Parameter, root: httpx.Client
) -> None:
    beside = {"dataset": "scb-befolkning"} if parameter.name == "version" else {}
    if parameter.name == "municipality" and "/releases" in path:
        beside = {"indicator": "scb-folkmangd"}
    answer = root.get(path, params={**beside, parameter.name: parameter.example})
    # one indicator may not have been published by then, which is no fault of the example
    not_yet = answer.status_code == 404 and parameter.name == "asOf" and "first published" in answer.text

    assert answer.status_code == 200 or not_yet


@every_parameter
@pytest.mark.parametrize("value", ["", "\x00", "a" * 201, "\u202e"], ids=["empty", "NUL", "long", "override"])
def test_a_value_that_no_parameter_can_have_is_refused(
    path: str, parameter: Parameter, value: str, root: httpx.Client
) -> None:
    assert faults(root.get(path, params={parameter.name: value})) == [(parameter.name, value[:200])]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [pair for pair in PARAMETERS if pair[1].name not in FREE_TEXT],
    ids=[name for name in TAKEN if name.rpartition("?")[2] not in FREE_TEXT],
)
@pytest.mark.parametrize("value", ["no-such", "-1", "1.5", "٣"])
def test_a_value_of_the_wrong_kind_is_refused(
    path: str, parameter: Parameter, value: str, root: httpx.Client
) -> None:
    assert faults(root.get(path, params={parameter.name: value})) == [(parameter.name, value)]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [pair for pair in PARAMETERS if not pair[1].many],
    ids=[name for name, (_, parameter) in zip(TAKEN, PARAMETERS, strict=True) if not parameter.many],
)
def test_a_parameter_with_one_value_may_stand_once(
    path: str, parameter: Parameter, root: httpx.Client
) -> None:
    answer = root.get(path, params={parameter.name: [parameter.example, parameter.example]})

    assert "stands more than once" in answer.json()["detail"]
    assert (parameter.name, parameter.example) in faults(answer)


@pytest.mark.parametrize(
    ("path", "parameter"),
    [pair for pair in PARAMETERS if pair[1].many],
    ids=[name for name, (_, parameter) in zip(TAKEN, PARAMETERS, strict=True) if parameter.many],
)
def test_a_list_longer_than_the_limit_tells_its_length_and_the_limit(
    path: str, parameter: Parameter, root: httpx.Client
) -> None:
    limit = root.get("/api/v1/config").json()["codesPerParameter"]
    answer = root.get(f"{path}?{parameter.name}={'1,' * limit}1")

    assert faults(answer) == [(parameter.name, "")]
    assert f"has {limit + 1} parts; the most is {limit}" in answer.json()["detail"]


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize(("limit", "closest"), [("0", "1"), ("10001", "10000"), ("9" * 99, "10000")])
def test_a_page_of_an_impossible_size_is_refused(
    path: str, limit: str, closest: str, root: httpx.Client
) -> None:
    answer = root.get(path, params={"limit": limit})

    assert faults(answer) == [("limit", limit)]
    assert answer.json()["invalidParameters"][0]["closest"] == [closest]


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize("page", ["0", "1000000", "000000000000000002"])
def test_a_page_outside_the_range_is_empty(path: str, page: str, root: httpx.Client) -> None:
    body = root.get(path, params={"page": page, "limit": "10000"}).json()

    assert next(iter(body.values())) == []
    assert body["_meta"]["count"] == 0
    assert body["_meta"]["page"] == int(page)
    assert body["_meta"]["totalRecords"] > 0


@every_route
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "NOSUCH"])
def test_nothing_but_reading_is_allowed(path: str, method: str, root: httpx.Client) -> None:
    answer = root.request(method, path, content=b"{}" if method != "TRACE" else None)

    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


@every_route
@pytest.mark.parametrize("more", ["/no-such/thing", "x%20y/åäö", "//..//x/y"])
def test_where_there_is_nothing_that_is_said(path: str, more: str, root: httpx.Client) -> None:
    problem(root.get(f"{path}{more}"), 404, "not-found")


@pytest.mark.parametrize("path", CODED)
def test_a_wrong_code_in_an_address_is_told_the_right_one(path: str, root: httpx.Client) -> None:
    start, _, code = path.rpartition("/")
    body = problem(
        root.get(f"{start}/{code}.0" if code == "1.0.0" else f"{start}/{code[:-1]}"), 404, "not-found"
    )

    assert body["invalidParameters"][0]["closest"][0] == code
    assert f"closest: {code}" in body["detail"]


@pytest.mark.parametrize("path", [path for path in IN_JSON if not path.endswith("/observations")])
@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "text/csv, application/xml",
        "application/json;q=0",
        "application/json; q=0.000, */*",
        "*/*;q=0",
    ],
)
def test_a_caller_that_takes_no_json_is_told_so(path: str, accept: str, root: httpx.Client) -> None:
    problem(root.get(path, headers={"Accept": accept}), 406, "not-acceptable")


@every_route
@pytest.mark.parametrize("length", [2049, 8000, 60_000])
def test_an_address_beyond_the_limit_is_refused_with_the_limit(
    path: str, length: int, root: httpx.Client
) -> None:
    start = f"{path}?limit="
    body = problem(
        root.get(start + "1" * (length - len(str(root.base_url)) - len(start))), 414, "uri-too-long"
    )

    assert body["limit"] == root.get("/api/v1/config").json()["charactersPerAddress"] == 2048


def test_an_address_as_long_as_the_limit_is_read(root: httpx.Client) -> None:
    start = f"{str(root.base_url).rstrip('/')}/api/v1/observations?limit="

    assert root.get(start + "1" * (2048 - len(start))).status_code == 400
    assert root.get(start + "1" * (2049 - len(start))).status_code == 414


@every_route
@pytest.mark.parametrize("query", ["lang=%ff", "%c3%28=1", "q=%ed%a0%80"])
def test_a_query_that_is_not_utf_8_is_refused(path: str, query: str, root: httpx.Client) -> None:
    answer = root.get(httpx.URL(f"{root.base_url}{path}").copy_with(query=query.encode()))

    assert faults(answer) == [("query", "")]
    assert "percent-encoded UTF-8" in answer.json()["detail"]
