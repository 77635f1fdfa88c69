"""The national REST API profile, rule by rule, over the contract; each test names the rules that it holds."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from litestar import get
from litestar.testing import create_test_client

from api.lifecycle import Lifecycle, tell_lifecycle
from api.routes.about import ApiInfo
from openapi.__main__ import COMMITTED
from openapi.document import _operation

CONTRACT: dict[str, Any] = msgspec.json.decode(COMMITTED.read_bytes())
INFO = CONTRACT["info"]
PATHS = sorted(CONTRACT["paths"])
OPERATIONS = {path: CONTRACT["paths"][path]["get"] for path in PATHS}
QUERY_NAME = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*|[a-z]+(?:[A-Z][a-z]*)*")
FIELD_NAME = re.compile(r"[a-z]+(?:_[a-z]+)*|[a-z]+(?:[A-Z][a-z]*)*")
PLAIN_PATH = re.compile(r"[a-z0-9/\-,.~]*")
NO_WORDS = ("/releases.atom",)
"""UFN.08: the feed's name holds a dot, as feed readers expect it (CONTRACT: releases.atom)."""
SINGULAR = frozenset(
    {"processing", "basedOn", "closest", "unmatched", "freshness", "history", "breakdown", "sex", "year"}
)
"""AME.06: lists whose names are plural in meaning, or that no plural word fits."""
HTTPS = re.compile(r"https://[^/]+(/[^/]+)*/v[0-9]+/?")
RETIRING = Lifecycle(deprecated=date(2027, 1, 1), sunset=date(2028, 1, 1), successor="/indicators")
every_operation = pytest.mark.parametrize("path", PATHS)


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = CONTRACT
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def words_of(path: str) -> list[str]:
    return [word for word in path.split("/") if word and not word.startswith("{")]


def parameters(path: str, place: str) -> list[dict[str, Any]]:
    return [one for one in OPERATIONS[path]["parameters"] if one["in"] == place]


def fields() -> Iterator[tuple[str, dict[str, Any]]]:
    for schema in CONTRACT["components"]["schemas"].values():
        yield from schema.get("properties", {}).items()


def answers(path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for status, answer in OPERATIONS[path]["responses"].items():
        yield status, resolved(answer)


def test_the_document_tells_who_what_and_on_which_terms() -> None:  # DOK.01 .03 .07 .08 .11 .17 .21, VER.04
    assert re.fullmatch(r"3\.\d+\.\d+", CONTRACT["openapi"])
    assert CONTRACT["externalDocs"]["description"]
    assert urlsplit(CONTRACT["externalDocs"]["url"]).scheme == "https"
    assert INFO["title"]
    assert {"name", "url", "email"} <= INFO["contact"].keys()
    assert {"name", "url"} == INFO["license"].keys()
    assert urlsplit(INFO["termsOfService"]).scheme == "https"
    assert {"availability", "responseTime", "support"} <= INFO["x-sla"].keys()
    assert CONTRACT["security"] == [{}]
    assert re.fullmatch(r"\d+\.\d+\.\d+", INFO["version"])


def test_the_document_speaks_swedish_and_english() -> None:  # DOK.06
    words = {*re.findall(r"\w+", INFO["description"].lower())}

    assert words & {"och", "att", "är", "för", "på"}
    assert words & {"the", "and", "of"}
    for path in PATHS:
        assert " / " in OPERATIONS[path]["description"] or "\n" in OPERATIONS[path]["description"], path
        assert " / " in OPERATIONS[path]["summary"], path


def test_known_limits_are_told() -> None:  # DOK.09
    assert INFO["x-limitations"]
    assert re.search("begränsning", INFO["description"].lower())


def test_the_server_is_reached_over_https_at_a_major_version() -> (
    None
):  # UFN.01 .02 .05 .07 .09, VER.05, SAK.01
    for server in CONTRACT["servers"]:
        parts = urlsplit(server["url"])
        assert HTTPS.fullmatch(server["url"])
        assert parts.port in {None, 443}
        assert len(server["url"]) <= 2048
        assert PLAIN_PATH.fullmatch(parts.path)
        assert server["url"].rstrip("/").rsplit("/v")[-1] == INFO["version"].split(".")[0]


@every_operation
def test_a_path_is_plain_words(path: str) -> None:  # UFN.07 .08 .09, RES.06
    assert PLAIN_PATH.fullmatch(re.sub(r"\{[^}]*\}", "", path))
    assert not re.search(r"[ _]", path)
    for word in words_of(path):
        if path not in NO_WORDS:
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", word)
        assert not re.match(r"(get|post|put|patch|delete)-", word)


def test_the_api_tells_what_it_is() -> None:  # VER.06 .07
    told = {"apiName", "apiVersion", "apiReleased", "apiDocumentation", "apiStatus"}
    schema = resolved(OPERATIONS["/api-info"]["responses"]["200"]["content"]["application/json"]["schema"])

    assert told <= schema["properties"].keys()
    assert told <= {*schema["required"]}


@every_operation
def test_an_operation_only_reads(path: str) -> None:  # FOR.02, MOG.03
    assert CONTRACT["paths"][path].keys() <= {"get", "parameters"}
    assert "requestBody" not in OPERATIONS[path]


@every_operation
def test_every_answer_is_described_with_a_whole_example(path: str) -> None:  # DOK.15 .19 .20
    for status, answer in answers(path):
        assert answer["description"], status
        for media, content in answer.get("content", {}).items():
            assert content.get("example") not in ({}, "", None) or content.get("examples"), (status, media)


@every_operation
def test_json_is_the_standard_answer(path: str) -> None:  # AME.01 .02
    if path not in NO_WORDS:
        assert next(iter(OPERATIONS[path]["responses"]["200"]["content"])) == "application/json"


@every_operation
def test_every_refusal_is_a_problem(path: str) -> None:  # FEL.01 .02
    for status, answer in answers(path):
        if int(status) >= 400:
            schema = resolved(answer["content"]["application/problem+json"]["schema"])
            assert schema["type"] == "object"
            assert {"type", "title", "status", "detail", "instance"} <= schema["properties"].keys()


@every_operation
def test_traces_are_taken_and_given(path: str) -> None:  # SPA.02 .04
    assert "traceparent" in {one["name"] for one in parameters(path, "header")}
    for status, answer in answers(path):
        assert "traceparent" in answer["headers"], status


@every_operation
def test_an_answer_may_be_kept_and_asked_for_again(path: str) -> None:  # CAC.01, ARQ.03
    headers = OPERATIONS[path]["responses"]["200"]["headers"]

    assert {"ETag", "Cache-Control"} <= headers.keys()
    assert headers["ETag"]["schema"]["format"] == "etag"
    assert "304" in OPERATIONS[path]["responses"]


@every_operation
def test_the_usual_refusals_are_told(path: str) -> None:  # ARP.02
    usual = {"400", "429", "500"} | ({"404"} if "{" in path else set())

    assert usual <= OPERATIONS[path]["responses"].keys()


def test_who_is_refused_for_haste_is_told_when_to_come_again() -> None:
    headers = resolved(CONTRACT["components"]["responses"]["429"])["headers"]

    assert {"Retry-After", "RateLimit", "RateLimit-Policy"} <= headers.keys()
    assert "Retry-After" in resolved(CONTRACT["components"]["responses"]["503"])["headers"]
    assert "Allow" in resolved(CONTRACT["components"]["responses"]["405"])["headers"]


@every_operation
def test_query_parameters_keep_the_rules(path: str) -> None:  # FNS.01 .03 .05 .06 .07 .08 .09, RES.02
    queries = {one["name"]: one for one in parameters(path, "query")}
    for name, one in queries.items():
        assert QUERY_NAME.fullmatch(name)
        assert not one.get("required")
        assert name.lower() not in {"pnr", "personnummer", "ssn"}
        assert one["description"].count(" / ") >= 1
        assert "example" in one
    if "page" in queries:
        assert queries["page"]["schema"]["default"] == 1
        # 1 000 figures a page, as the contract says; every other list has the profile's 20
        assert queries["limit"]["schema"]["default"] == (1000 if path == "/observations" else 20)


@every_operation
def test_a_paged_answer_tells_where_it_stands(path: str) -> None:  # FNS.10 .13
    content = OPERATIONS[path]["responses"]["200"]["content"].get("application/json")
    if content and "page" in {one["name"] for one in parameters(path, "query")}:
        schema = resolved(content["schema"])
        meta = resolved(schema["properties"]["_meta"])
        assert "_links" in schema["properties"]
        assert {"totalRecords", "page", "limit", "count"} <= meta["properties"].keys()
        assert {"totalRecords", "page", "limit", "count"} <= content["example"]["_meta"].keys()


def test_field_names_are_in_camel_case_without_digits() -> None:  # AME.04 .05 .07
    odd = {name for name, _ in fields() if not FIELD_NAME.fullmatch(name)} - {"_meta", "_links"}

    # sha256 is what the thing is called, and what the contract calls it
    assert odd <= {"sha256"}
    assert not [name for name, _ in fields() if "_" in name.lstrip("_")]


def test_lists_have_plural_names() -> None:  # AME.06
    lists = {name for name, schema in fields() if schema.get("type") == "array"}

    assert {name for name in lists - SINGULAR if not name.endswith("s")} == set()


def test_dates_and_times_in_examples_are_rfc_3339() -> None:  # DOT.01 .04
    text = COMMITTED.read_text("utf-8")
    times = re.findall(r'"(\d{4}-\d{2}-\d{2}T[^"]*)"', text)

    assert times
    assert all(re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z", one) for one in times)
    for one in re.findall(r'"(?:validFrom|periodStart|periodEnd)": "(\d{4}-\d{2}-\d{2})"', text):
        date.fromisoformat(one)


def test_no_caller_has_to_say_who_they_are() -> None:  # SAK.09 .10 .15 .16
    assert "securitySchemes" not in CONTRACT["components"]
    assert not any("security" in operation for operation in OPERATIONS.values())


def test_a_route_that_retires_says_so_in_its_answers_and_in_the_contract() -> None:  # VER.08 .09
    @get("/old", opt={"lifecycle": RETIRING, "answer": ApiInfo}, operation_id="getOld", summary="x")
    async def old() -> str:
        """Return something."""
        return "x"

    @get("/new")
    async def new() -> str:
        return "x"

    with create_test_client([old, new], before_send=[tell_lifecycle]) as client:
        told, untold = client.get("/old").headers, client.get("/new").headers

    assert told["deprecation"] == "@1798761600"
    assert told["sunset"] == "Sat, 01 Jan 2028 00:00:00 GMT"
    assert told["link"] == '</api/v1/indicators>; rel="successor-version"'
    assert not {"deprecation", "sunset"} & untold.keys()
    operation = _operation("/old", old)
    assert (operation["deprecated"], operation["x-sunset"]) == (True, "2028-01-01")
    assert {"Deprecation", "Sunset"} <= operation["responses"]["200"]["headers"].keys()


def test_a_route_cannot_be_gone_before_it_was_advised_against() -> None:
    with pytest.raises(ValueError, match="before"):
        Lifecycle(deprecated=date(2027, 1, 1), sunset=date(2027, 1, 1), successor="/indicators")
