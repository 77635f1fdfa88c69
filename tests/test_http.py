"""What HTTP promises of every answer: tags, conditional answers, HEAD, encodings, CORS, traces, caching."""

import gzip
import re
import time
from collections.abc import Iterator

import brotli
import httpx
import pytest
import zstandard
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import Server
from tests.test_refusals import ROUTES

QUESTION = "/api/v1/observations?dataset=kolada-aldre-2013"
REFUSED = ("/api/v1/observations?sex=female", "/api/v1/nosuch", "/api/v1/datasets/scb", "/problems/nosuch")
FRESH = "public, max-age=60, stale-while-revalidate=600, stale-if-error=86400"
PINNED = "public, max-age=31536000, immutable"
STRONG = re.compile('"[0-9a-f]{32}(?:[0-9a-f]{32})?"')  # a file is known by its whole sha256
TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
KEPT = [path for path in ROUTES if not path.startswith("/health")]
DECODERS = {
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}
kept_route = pytest.mark.parametrize("path", KEPT)


@pytest.fixture(scope="module")
def root(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"Accept-Encoding": "identity"}) as one:
        yield one


def raw(client: httpx.Client, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """Return an answer and its body as it came, still encoded."""
    with client.stream("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()}) as answer:
        return answer, b"".join(answer.iter_raw())


@kept_route
def test_an_answer_has_a_strong_tag_and_may_be_cached(path: str, root: httpx.Client) -> None:
    answer = root.get(path)

    assert STRONG.fullmatch(answer.headers["etag"])
    assert answer.headers["cache-control"] in {FRESH, PINNED, "no-cache"}
    # a file is the same bytes whatever a caller takes
    assert answer.headers.get("vary") == (None if "/files/" in path else "Accept, Accept-Encoding")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["date"].endswith("GMT")


@kept_route
@pytest.mark.parametrize("held", ["{tag}", '"other", {tag}', "W/{tag}", "*"])
def test_who_holds_the_answer_is_told_so_without_a_body(path: str, held: str, root: httpx.Client) -> None:
    whole = root.get(path)
    answer = root.get(path, headers={"If-None-Match": held.format(tag=whole.headers["etag"])})

    assert (answer.status_code, answer.content) == (304, b"")
    for name in ("etag", "cache-control", "vary", "content-location", "access-control-allow-origin"):
        assert answer.headers.get(name) == whole.headers.get(name), name


@kept_route
def test_who_holds_another_answer_gets_this_one(path: str, root: httpx.Client) -> None:
    whole = root.get(path)
    answer = root.get(path, headers={"If-None-Match": '"0123456789abcdef0123456789abcdef"'})

    assert answer.status_code == 200
    assert answer.content == whole.content


@pytest.mark.parametrize("path", [*ROUTES, QUESTION, *REFUSED])
def test_head_is_get_without_its_body(path: str, root: httpx.Client) -> None:
    get, head = root.get(path), root.head(path)
    for answer in (get, head):
        del answer.headers["date"], answer.headers["traceparent"]

    assert head.content == b""
    assert get.content
    assert (head.status_code, head.headers) == (get.status_code, get.headers)


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_is_never_kept(path: str, root: httpx.Client) -> None:
    assert root.get(path).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [*ROUTES, QUESTION])
def test_any_page_may_ask_from_a_browser(path: str, root: httpx.Client) -> None:
    asking = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
    answer = root.options(path, headers=asking | {"Access-Control-Request-Headers": "if-none-match"})

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert answer.headers["access-control-allow-headers"] == "*"
    assert answer.headers["access-control-max-age"] == "86400"
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", [*ROUTES, QUESTION, *REFUSED])
def test_a_browser_shows_a_page_what_it_needs_of_every_answer(path: str, root: httpx.Client) -> None:
    answer = root.get(path, headers={"Origin": "https://example.org"})
    exposed = answer.headers["access-control-expose-headers"].split(", ")

    assert answer.headers["access-control-allow-origin"] == "*"
    assert {"ETag", "Link", "RateLimit", "Retry-After", "Content-Location", "traceparent"} <= {*exposed}


@pytest.mark.parametrize("encoding", DECODERS)
def test_an_encoded_answer_decodes_to_the_same_bytes_and_has_a_tag_of_its_own(
    encoding: str, root: httpx.Client
) -> None:
    plain, body = raw(root, QUESTION)
    answer, encoded = raw(root, QUESTION, Accept_Encoding=encoding)

    assert answer.headers["content-encoding"] == encoding
    assert "content-encoding" not in plain.headers
    assert DECODERS[encoding](encoded) == body
    assert int(answer.headers["content-length"]) == len(encoded) < len(body) / 4
    assert STRONG.fullmatch(answer.headers["etag"])
    assert answer.headers["vary"] == plain.headers["vary"] == "Accept, Accept-Encoding"


def test_no_two_encodings_share_a_tag_and_each_has_its_304(root: httpx.Client) -> None:
    tags = {
        encoding: raw(root, QUESTION, Accept_Encoding=encoding)[0].headers["etag"]
        for encoding in ("identity", *DECODERS)
    }
    statuses = {
        (encoding, held): raw(root, QUESTION, Accept_Encoding=encoding, If_None_Match=tag)[0].status_code
        for encoding in tags
        for held, tag in tags.items()
    }

    assert len(set(tags.values())) == 4
    assert statuses == {(one, other): 304 if one == other else 200 for one in tags for other in tags}


@pytest.mark.parametrize("encoding", DECODERS)
def test_an_answer_is_encoded_to_the_same_bytes_at_any_time(encoding: str, root: httpx.Client) -> None:
    first, body = raw(root, QUESTION, Accept_Encoding=encoding)
    time.sleep(1.1)
    # an address that means the same and has not been answered yet
    later, again = raw(root, f"{QUESTION}&", Accept_Encoding=encoding)

    assert again == body
    assert later.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("", None),
        ("identity", None),
        ("deflate, compress", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("gzip;q=0.2, br;q=0.9, zstd;q=0.5", "br"),
        ("gzip;q=0", None),
        ("*", "zstd"),
        ("*;q=0", None),
        ("zstd;q=0, *", "br"),
        ("gzip;q=0.5, identity", None),
        ("gzip, identity;q=0", "gzip"),
        ("gzip;q=nonsense", None),
        ("gzip ; q = 0.7", "gzip"),
    ],
)
def test_the_encoding_is_the_best_that_the_caller_takes(
    accepted: str, encoding: str | None, root: httpx.Client
) -> None:
    answer, _ = raw(root, QUESTION, Accept_Encoding=accepted)

    assert answer.headers.get("content-encoding") == encoding


def test_lines_of_one_header_are_one_list(root: httpx.Client) -> None:
    lines = [("Accept-Encoding", "br"), ("Accept-Encoding", "gzip;q=0.5")]
    with root.stream("GET", QUESTION, headers=[("Accept", "text/html"), ("Accept", "*/*"), *lines]) as answer:
        encoding = answer.headers["content-encoding"]

    assert (answer.status_code, encoding) == (200, "br")


def test_what_is_too_small_to_gain_is_not_encoded(root: httpx.Client) -> None:
    answer, body = raw(root, "/api/v1/api-info", Accept_Encoding="gzip, br, zstd")

    assert len(body) < 600
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/*",
        "text/html, */*;q=0.1",
        "text/html;q=0.9, application/json;q=0.1",
    ],
)
def test_whoever_takes_json_gets_it(accept: str, root: httpx.Client) -> None:
    answer = root.get(QUESTION, headers={"Accept": accept})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize("path", [*ROUTES, QUESTION, *REFUSED])
def test_a_trace_is_carried_on(path: str, root: httpx.Client) -> None:
    given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    assert root.get(path, headers={"traceparent": given}).headers["traceparent"] == given
    assert root.post(path, headers={"traceparent": given}).headers["traceparent"] == given


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "nonsense",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-<script>",
    ],
)
def test_a_malformed_trace_is_replaced_by_one_of_ours(given: str | None, root: httpx.Client) -> None:
    told = [
        root.get(QUESTION, headers={} if given is None else {"traceparent": given}).headers["traceparent"]
        for _ in range(2)
    ]

    assert all(TRACE.fullmatch(one) for one in told)
    assert given not in told
    assert told[0] != told[1]


def test_the_same_question_gives_the_same_bytes(root: httpx.Client) -> None:
    asked = "indicator=scb-folkmangd&municipality=0880,0834&sex=women,men&yearFrom=2001&yearTo=2004"
    path = f"/api/v1/observations?{asked}"
    first, second = root.get(path), root.get(path)

    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]
    assert root.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    ("query", "caching"),
    [
        ("dataset=kolada-aldre-2013", FRESH),
        ("dataset=kolada-aldre-2013&version=1.0.0", PINNED),
        ("dataset=kolada-aldre-2013&asOf=2026-01-01", PINNED),
        ("dataset=kolada-aldre-2013&asOf=2199-12-31", FRESH),
    ],
)
def test_only_an_address_that_pins_its_answer_is_for_ever(
    query: str, caching: str, root: httpx.Client
) -> None:
    answer = root.get(f"/api/v1/observations?{query}")

    assert answer.headers["cache-control"] == caching
    assert ("content-location" in answer.headers) == (caching == FRESH)


def test_an_answer_tells_the_address_that_gives_its_figures_for_ever(root: httpx.Client) -> None:
    answer = root.get(f"{QUESTION}&sort=-value&limit=7&page=2")
    pinned = root.get(answer.headers["content-location"])

    assert pinned.headers["cache-control"] == PINNED
    assert pinned.json()["observations"] == answer.json()["observations"]
    assert pinned.json()["_meta"] == answer.json()["_meta"]
    assert answer.json()["_links"]["bookmark"]["href"] == answer.headers["content-location"]


def test_the_latest_leads_to_its_number_which_may_still_be_withdrawn(root: httpx.Client) -> None:
    latest = root.get("/api/v1/datasets/scb-befolkning/versions/latest")
    version = root.get(latest.headers["location"])

    assert (latest.status_code, latest.headers["cache-control"]) == (307, FRESH)
    assert latest.headers["location"].endswith("/api/v1/datasets/scb-befolkning/versions/1.0.0")
    assert (version.status_code, version.headers["cache-control"]) == (200, FRESH)


def test_what_is_asked_again_and_again_still_heeds_every_line_of_every_header(root: httpx.Client) -> None:
    plain = [raw(root, QUESTION)[1] for _ in range(3)]
    lines = [("Accept-Encoding", "identity;q=0.1"), ("Accept-Encoding", "gzip")]
    own = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    encoded = root.send(httpx.Request("GET", f"{root.base_url}{QUESTION}", headers=lines))
    traced = raw(root, QUESTION, **own)[0]

    assert len(set(plain)) == 1
    assert encoded.headers["content-encoding"] == "gzip"
    assert traced.headers["traceparent"] == own["traceparent"]


def test_prometheus_reads_what_is_answered_from(root: httpx.Client) -> None:
    answer = root.get("/metrics")
    told = {
        sample.name: sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }

    assert answer.headers["content-type"].startswith("text/plain; version=1.0.0")
    assert answer.headers["cache-control"] == "no-store"
    assert told["lansdata_release"] == root.get("/health/ready").json()["release"]
    assert told["lansdata_datasets"] == root.get("/api/v1/datasets").json()["_meta"]["totalRecords"]
    assert told["lansdata_database_reachable"] == 1
    assert told["process_resident_memory_bytes"] > 0
