"""Links: absolute, right behind any proxy, with every parameter that was asked, and pinned to one release."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from tests.conftest import Server, served
from tests.test_refusals import IN_JSON

ASKED = "dataset=kolada-aldre-2013&year=2001,2002&fields=year,value&lang=en&sort=-value&limit=10"
WALK = f"/api/v1/observations?{ASKED}"

LINKED = [path for path in IN_JSON if not path.endswith("openapi.json")]


@pytest.fixture(scope="module")
def root(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as one:
        yield one


def links_in(node: Any) -> Iterator[dict[str, str]]:
    """Yield every link anywhere in an answer."""
    if isinstance(node, dict):
        yield from node.get("_links", {}).values()
        for part in node.values():
            yield from links_in(part)
    elif isinstance(node, list):
        for part in node:
            yield from links_in(part)


def asked_by(link: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(link).query))


def test_every_link_keeps_what_was_asked_and_pins_one_release(root: httpx.Client) -> None:
    body = root.get(f"{WALK}&page=3").json()
    asked = asked_by(WALK)
    newest = root.get("/api/v1/datasets/kolada-aldre-2013").json()["publishedAt"]
    pages = {rel: asked_by(link["href"]).pop("page", "") for rel, link in body["_links"].items()}
    rest = {rel: {**asked_by(link["href"]), "page": ""} for rel, link in body["_links"].items()}

    assert pages == {"self": "3", "first": "1", "prev": "2", "next": "4", "last": "7", "bookmark": "3"}
    assert rest.pop("self") == {**asked, "page": ""}
    assert all(one == {**asked, "page": "", "asOf": newest} for one in rest.values())


@pytest.mark.parametrize(
    ("page", "rels"),
    [
        (0, {"self", "first", "last", "bookmark"}),
        (1, {"self", "first", "next", "last", "bookmark"}),
        (7, {"self", "first", "prev", "last", "bookmark"}),
        (99, {"self", "first", "prev", "last", "bookmark"}),
    ],
)
def test_a_page_leads_only_to_pages_that_there_are(page: int, rels: set[str], root: httpx.Client) -> None:
    links = root.get(f"{WALK}&page={page}").json()["_links"]

    assert links.keys() == rels
    assert all((link["rel"], link["method"]) == (rel, "GET") for rel, link in links.items())
    assert asked_by(links["last"]["href"])["page"] == "7"
    assert asked_by(links.get("prev", links["first"])["href"])["page"] == (
        "1" if page < 2 else str(min(page - 1, 7))
    )


def test_a_walk_along_next_has_every_figure_once(root: httpx.Client) -> None:
    whole = root.get(WALK.replace("limit=10", "limit=1000")).json()["observations"]
    walked, at = [], WALK
    while at:
        answer = root.get(at)
        walked += answer.json()["observations"]
        told = re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers["link"])
        assert {rel: href for href, rel in told} == {
            rel: link["href"] for rel, link in answer.json()["_links"].items() if rel in {"next", "prev"}
        }
        at = answer.json()["_links"].get("next", {}).get("href", "")

    assert walked == whole
    assert len(walked) == 67


@pytest.mark.parametrize("path", LINKED)
def test_every_link_of_every_answer_leads_somewhere(path: str, root: httpx.Client) -> None:
    links = list(links_in(root.get(path).json()))

    assert all(link.keys() == {"href", "rel", "method"} for link in links)
    for href in {link["href"] for link in links}:
        assert href.startswith(f"{root.base_url}/api/v1/")
        assert root.head(href).status_code == 200, href


@pytest.mark.parametrize(
    "path", ["/api/v1/datasets", "/api/v1/indicators?q=äldre&lang=en", "/api/v1/municipalities?parent=08"]
)
def test_lists_link_their_pages_with_everything_asked(path: str, root: httpx.Client) -> None:
    joint = "&" if "?" in path else "?"
    body = root.get(f"{path}{joint}limit=2&page=2").json()

    assert body["_links"].keys() == {"self", "first", "prev", "next", "last"}
    for rel, link in body["_links"].items():
        assert {**asked_by(link["href"]), "page": ""} == {**asked_by(path), "limit": "2", "page": ""}, rel
    assert asked_by(body["_links"]["next"]["href"])["page"] == "3"
    assert root.get(body["_links"]["next"]["href"]).json()["_meta"]["page"] == 3


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"Host": "data.example:8443"}, "http://data.example:8443"),
        ({"Forwarded": "for=192.0.2.1;host=data.example;proto=https"}, "https://data.example"),
        ({"Forwarded": 'proto="https";host="data.example:8443"'}, "https://data.example:8443"),
        ({"Forwarded": 'Host="[2001:db8::1]:80";Proto=http'}, "http://[2001:db8::1]:80"),
        (
            {"Forwarded": "host=data.example;proto=https, host=inner.example;proto=http"},
            "https://data.example",
        ),
        ({"X-Forwarded-Host": "data.example", "X-Forwarded-Proto": "https"}, "https://data.example"),
        (
            {"X-Forwarded-Host": "data.example, inner.example", "X-Forwarded-Proto": "https, http"},
            "https://data.example",
        ),
        ({"X-Forwarded-Host": "data.example", "X-Forwarded-Prefix": "/stat/"}, "http://data.example/stat"),
        (
            {"Forwarded": "host=data.example;proto=https", "X-Forwarded-Host": "other.example"},
            "https://data.example",
        ),
        (
            {"Forwarded": "for=192.0.2.1;proto=https", "X-Forwarded-Host": "data.example"},
            "https://data.example",
        ),
    ],
)
def test_links_are_right_behind_a_proxy(headers: dict[str, str], base: str, root: httpx.Client) -> None:
    answer = root.get(f"{WALK}&page=2", headers=headers)
    latest = root.get("/api/v1/datasets/scb-befolkning/versions/latest", headers=headers)
    info = root.get("/api/v1/api-info", headers=headers).json()

    hrefs = [link["href"] for link in answer.json()["_links"].values()]
    told = [answer.headers["content-location"], *re.findall("<([^>]*)>", answer.headers["link"])]
    assert len(hrefs) + len(told) == 9
    assert all(href.startswith(f"{base}/api/v1/observations?") for href in [*hrefs, *told])
    assert latest.headers["location"] == f"{base}/api/v1/datasets/scb-befolkning/versions/1.0.0"
    assert info["apiDocumentation"] == f"{base}/api/v1/openapi.json"


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": 'a"><script>'},
        {"X-Forwarded-Host": "evil.example/path?"},
        {"X-Forwarded-Host": "user@evil.example"},
        {"X-Forwarded-Host": "data.example", "X-Forwarded-Prefix": "//evil.example"},
        {"X-Forwarded-Host": "data.example", "X-Forwarded-Prefix": "/<script>"},
        {"X-Forwarded-Proto": "javascript"},
        {"Forwarded": 'host="a\\"<b>";proto=javascript'},
        {"Forwarded": "host=evil.example\u00e5"},
    ],
    ids=str,
)
def test_what_is_no_host_is_not_echoed(headers: dict[str, str], root: httpx.Client) -> None:
    answer = root.get(WALK, headers={name: text.encode("latin-1") for name, text in headers.items()})  # type: ignore[arg-type]
    links = {urlsplit(link["href"]) for link in answer.json()["_links"].values()}

    assert answer.status_code == 200
    assert {link.scheme for link in links} == {"http"}
    assert {link.path for link in links} == {"/api/v1/observations"}
    assert {link.netloc for link in links} <= {"localhost", "data.example", root.base_url.netloc.decode()}
    assert not re.search("<script|evil|javascript", answer.text + str(answer.headers))


@pytest.mark.parametrize("host", [b'a"><script>', b"evil.example/x", b"evil example", b""])
def test_a_hostile_host_is_refused_without_an_echo(host: bytes, server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as line:
        line.sendall(b"GET /api/v1/api-info HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: line.recv(65536), b""))

    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 200"))
    assert b"evil" not in answer
    assert b"script" not in answer
    assert (b"/problems/bad-request" in answer) == answer.startswith(b"HTTP/1.1 400")


def test_a_caller_never_gets_the_links_of_another(root: httpx.Client) -> None:
    hosts = ["one.example", "two.example", "one.example", "two.example"]
    answers = [root.get(WALK, headers={"Host": host}) for host in hosts]

    assert [urlsplit(one.json()["_links"]["self"]["href"]).netloc for one in answers] == hosts
    assert answers[0].content == answers[2].content
    assert answers[0].headers["etag"] != answers[1].headers["etag"]


def test_the_address_that_is_set_goes_before_what_anybody_says(
    starter_database: str, home: Path, tmp_path: Path
) -> None:
    environment = {
        "LANSDATA_DATABASE_URL": starter_database,
        "LANSDATA_HOME": str(home),
        "LANSDATA_PUBLIC_URL": "https://data.example/lans/",
    }
    with served(environment, tmp_path / "log") as running:
        answer = httpx.get(
            f"{running.url}{WALK}", headers={"Host": "x.example", "X-Forwarded-Host": "y.example"}
        )

    hrefs = [link["href"] for link in answer.json()["_links"].values()]
    assert all(href.startswith("https://data.example/lans/api/v1/observations?") for href in hrefs)
