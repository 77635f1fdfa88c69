"""Limits and manners: who is counted, what is never counted, and that no header evades it."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.manners import caller_of
from tests.conftest import served

CALLS = 20
PROXY = "127.0.0.1"
LISTS = "/api/v1/datasets"
FREE = ("/api/v1/config", "/health/live", "/health/ready")
LEFT = re.compile(r'"calls";r=(\d+);t=(\d+)')


@pytest.fixture(scope="module")
def counted(
    starter_database: str, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A service that counts and stands behind a proxy at the loopback address."""
    environment = {
        "LANSDATA_DATABASE_URL": starter_database,
        "LANSDATA_HOME": str(home),
        "LANSDATA_RATE": str(CALLS),
        "LANSDATA_PROXIES": PROXY,
    }
    with (
        served(environment, tmp_path_factory.mktemp("counted") / "log") as running,
        httpx.Client(base_url=running.url) as one,
    ):
        yield one


def asked(client: httpx.Client, path: str, caller: str, **headers: str) -> httpx.Response:
    return client.get(path, headers={"X-Forwarded-For": caller, **headers})


def left(answer: httpx.Response) -> int:
    found = LEFT.fullmatch(answer.headers["ratelimit"])
    assert found, answer.headers
    return int(found[1])


def test_each_answer_tells_the_limit_and_what_is_left(counted: httpx.Client) -> None:
    answers = [asked(counted, LISTS, "192.0.2.1") for _ in range(3)]

    assert [left(answer) for answer in answers] == [CALLS - 1, CALLS - 2, CALLS - 3]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {f'"calls";q={CALLS};w=60'}


def test_over_the_limit_is_refused_with_the_seconds_to_wait(counted: httpx.Client) -> None:
    trace = f"00-{'1' * 32}-{'2' * 16}-01"
    answers = [asked(counted, LISTS, "192.0.2.2") for _ in range(CALLS)]
    refused = asked(counted, LISTS, "192.0.2.2", traceparent=trace)
    problem = refused.json()

    assert {answer.status_code for answer in answers} == {200}
    assert refused.status_code == problem["status"] == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert left(refused) == 0
    assert problem["type"] == "/problems/too-many-requests"
    assert problem["limit"] == CALLS
    assert refused.headers["access-control-allow-origin"] == "*"
    assert refused.headers["traceparent"] == trace


def test_limits_and_health_are_never_counted(counted: httpx.Client) -> None:
    for path in FREE:
        answers = [asked(counted, path, "192.0.2.3") for _ in range(CALLS + 2)]
        assert {answer.status_code for answer in answers} == {200}
        assert not any("ratelimit" in answer.headers for answer in answers)

    assert left(asked(counted, LISTS, "192.0.2.3")) == CALLS - 1


def test_an_answer_that_the_caller_has_already_is_not_counted(counted: httpx.Client) -> None:
    tag = asked(counted, LISTS, "192.0.2.4").headers["etag"]
    unchanged = [asked(counted, LISTS, "192.0.2.4", **{"If-None-Match": tag}) for _ in range(CALLS + 2)]

    assert {answer.status_code for answer in unchanged} == {304}
    assert {left(answer) for answer in unchanged} == {CALLS - 1}


def test_a_refusal_counts_like_any_answer(counted: httpx.Client) -> None:
    answers = [asked(counted, "/api/v1/observations?sex=female", "192.0.2.5") for _ in range(CALLS + 1)]

    assert [answer.status_code for answer in answers] == [400] * CALLS + [429]


@pytest.mark.parametrize(
    "headers",
    [
        {"Forwarded": "for=198.51.100.{n}"},
        {"X-Real-IP": "198.51.100.{n}"},
        {"User-Agent": "caller {n}"},
        {"X-Forwarded-Host": "host{n}.example"},
    ],
)
def test_no_other_header_makes_another_caller(headers: dict[str, str], counted: httpx.Client) -> None:
    caller = f"203.0.113.{len(str(headers))}"
    answers = [
        asked(counted, LISTS, caller, **{name: text.format(n=n) for name, text in headers.items()})
        for n in range(3)
    ]

    assert [left(answer) for answer in answers] == [CALLS - 1, CALLS - 2, CALLS - 3]


def test_what_a_caller_writes_before_the_proxy_is_not_believed(counted: httpx.Client) -> None:
    answers = [asked(counted, LISTS, f"198.51.100.{n}, 203.0.113.200") for n in range(3)]

    assert [left(answer) for answer in answers] == [CALLS - 1, CALLS - 2, CALLS - 3]


def test_the_limit_stands_in_the_configuration(counted: httpx.Client, client: httpx.Client) -> None:
    told = counted.get("/api/v1/config").json()
    untold = client.get("/config").json()

    assert (told["callsPerWindow"], told["windowSeconds"]) == (CALLS, 60)
    assert (untold["callsPerWindow"], untold["windowSeconds"]) == (None, None)


def test_nothing_is_counted_where_no_limit_is_set(client: httpx.Client) -> None:
    assert "ratelimit" not in client.get("/datasets").headers


@pytest.mark.parametrize(
    ("peer", "said", "proxies", "caller"),
    [
        ("192.0.2.1", "", (), "192.0.2.1"),
        ("192.0.2.1", "198.51.100.1", (), "192.0.2.1"),
        ("192.0.2.1", "198.51.100.1", ("10.0.0.0/8",), "192.0.2.1"),
        ("10.0.0.1", "198.51.100.1", ("10.0.0.0/8",), "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1, 10.0.0.2", ("10.0.0.0/8",), "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3,10.0.0.2", ("10.0.0.0/8",), "10.0.0.3"),
        ("10.0.0.1", "nonsense", ("10.0.0.1",), "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1:4711", ("10.0.0.1",), "198.51.100.1"),
        ("10.0.0.1", "[2001:db8:1:2:3::4]:80", ("10.0.0.1",), "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "", (), "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "", (), "192.0.2.1"),
        ("", "", (), "unknown"),
    ],
)
def test_a_call_counts_for_whom_the_trusted_proxies_met(
    peer: str, said: str, proxies: tuple[str, ...], caller: str
) -> None:
    assert caller_of(peer, said, proxies) == caller
