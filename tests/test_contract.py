import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from openapi.__main__ import COMMITTED
from openapi.document import document, document_bytes
from tests.conftest import ROOT

CONTRACT: dict[str, Any] = msgspec.json.decode(COMMITTED.read_bytes())
PATHS = sorted(CONTRACT["paths"])
FILES = [path for path in PATHS if path.endswith("{fileName}")]
LISTED = [path for path in PATHS if not path.endswith(".atom") and path not in FILES]
OPERATIONS = [CONTRACT["paths"][path]["get"] for path in PATHS]
WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
CAMEL = re.compile(r"[a-z]+[0-9]*(?:[A-Z][a-z]*[0-9]*)*")


def _resolved(node: dict[str, Any]) -> dict[str, Any]:
    reference = node.get("$ref")
    if reference is None:
        return node
    found: Any = CONTRACT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def _conforms(instance: object, schema: dict[str, Any]) -> list[str]:
    resource = DRAFT202012.create_resource(CONTRACT)
    registry = Registry().with_resource("urn:contract", resource)
    pointed = {"$ref": "urn:contract" + schema["$ref"]} if "$ref" in schema else schema
    return [error.message for error in OAS31Validator(pointed, registry=registry).iter_errors(instance)]


def _examples() -> Iterator[tuple[str, str, object, dict[str, Any]]]:
    for path, operation in zip(PATHS, OPERATIONS, strict=True):
        for status, response in operation["responses"].items():
            for content in _resolved(response).get("content", {}).values():
                for example in [
                    content.get("example"),
                    *(one["value"] for one in content.get("examples", {}).values()),
                ]:
                    if example is not None:
                        yield path, status, example, content["schema"]


def test_the_contract_is_valid_openapi() -> None:
    validate(CONTRACT)


def test_the_committed_contract_is_what_the_routes_say() -> None:
    assert COMMITTED.read_bytes() == document_bytes()


def test_the_contract_is_the_same_whenever_it_is_made() -> None:
    assert document() == document()


def test_the_served_contract_is_the_committed_one_byte_for_byte(client: httpx.Client) -> None:
    assert client.get("/openapi.json").content == COMMITTED.read_bytes()


def test_the_check_command_refuses_a_contract_that_is_not_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "openapi", "check"], cwd=ROOT, check=False, capture_output=True
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", PATHS)
def test_every_path_follows_the_national_profile(path: str) -> None:
    words = [word for word in path.removesuffix(".atom").split("/") if word and not word.startswith("{")]

    assert all(WORD.fullmatch(word) for word in words)
    assert "_" not in path


@pytest.mark.parametrize("operation", OPERATIONS, ids=PATHS)
def test_every_operation_is_described_named_and_tagged(operation: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in CONTRACT["tags"]}

    assert operation["description"]
    assert operation["summary"]
    assert operation["operationId"]
    assert set(operation["tags"]) <= tags
    assert {"400", "405", "406", "500", "503"} <= operation["responses"].keys()


def test_operation_ids_are_unique() -> None:
    names = [operation["operationId"] for operation in OPERATIONS]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("operation", OPERATIONS, ids=PATHS)
def test_every_query_parameter_is_optional_and_in_camel_case(operation: dict[str, Any]) -> None:
    queries = [parameter for parameter in operation["parameters"] if parameter["in"] == "query"]

    assert all(CAMEL.fullmatch(parameter["name"]) for parameter in queries)
    assert not any(parameter["required"] for parameter in queries)


@pytest.mark.parametrize("operation", OPERATIONS, ids=PATHS)
def test_a_paged_operation_has_page_and_limit_with_their_defaults(operation: dict[str, Any]) -> None:
    schemas = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}

    assert ("page" in schemas) == ("limit" in schemas)
    if "page" in schemas:
        assert schemas["page"]["default"] == 1
        assert schemas["limit"]["default"] in {20, 1000}


def test_every_example_is_whole_and_fits_its_own_schema() -> None:
    faults = [(path, status, _conforms(example, schema)) for path, status, example, schema in _examples()]

    assert {path for path, _, _ in faults} == set(PATHS)
    assert [fault for fault in faults if fault[2]] == []


@pytest.mark.parametrize("path", LISTED)
def test_what_is_served_fits_the_schema_that_is_promised(path: str, client: httpx.Client) -> None:
    real = path.replace("{datasetId}", "scb-befolkning").replace("{indicatorId}", "fohm-riskspelande")
    schema = CONTRACT["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]

    answer = client.get(
        real.replace("{version}", "1.0.0"), params={"limit": 50} if path == "/datasets" else {}
    )

    assert answer.status_code == 200
    assert _conforms(answer.json(), schema) == []


def test_every_field_name_is_in_one_case() -> None:
    names = {
        name
        for schema in CONTRACT["components"]["schemas"].values()
        for name in schema.get("properties", {})
        if name not in {"_meta", "_links"}
    }

    assert [name for name in sorted(names) if not CAMEL.fullmatch(name)] == []
