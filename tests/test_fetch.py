"""Fetching over real sockets: patience and its bounds, one host, and every answer kept once."""

import asyncio
import gzip
import itertools
import time
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest

from loaders.fetch import BrokenAnswerError, Fetched, Fetcher, ForeignHostError, Manners, SourceError
from tests.conftest import free_port
from tests.standins import Answer, Call, serving

QUICK = Manners(calls=1000, attempts=4, patience=10.0, attempt_seconds=2.0)


def in_turn(*answers: Answer) -> Callable[[Call], Answer]:
    """Give each answer once, and the last one for ever."""
    waiting = itertools.chain(answers, itertools.repeat(answers[-1]))
    return lambda _call: next(waiting)


def fetched(
    base: str, *targets: str, manners: Manners = QUICK, kept: list[Fetched] | None = None
) -> list[Fetched]:
    async def work() -> list[Fetched]:
        keep = (kept if kept is not None else []).append
        async with Fetcher(base, manners, keep) as fetcher:
            return [await fetcher.get(target, accept=no_html) for target in targets]

    return asyncio.run(work())


def no_html(answer: Fetched) -> None:
    if answer.body.startswith(b"<"):
        raise BrokenAnswerError(f"{answer.address}: HTML")  # noqa: EM102 a test's own words


@pytest.mark.parametrize(
    "broken",
    [
        Answer(500),
        Answer(502),
        Answer(429),
        Answer(body=b"<html>"),
        Answer(body=b"{}", cut=5),
        Answer(body=b"no gzip", headers={"Content-Encoding": "gzip"}),
    ],
    ids=["500", "502", "429", "html", "truncated", "gzip"],
)
def test_what_may_pass_is_tried_again_and_only_the_good_answer_is_kept(broken: Answer) -> None:
    kept: list[Fetched] = []
    with serving(in_turn(broken, Answer(body=b"good"))) as server:
        (answer,) = fetched(server.base, "page", kept=kept)

    assert answer.body == b"good"
    assert kept == [answer]
    assert len(server.calls) == 2


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 418, 501])
def test_a_status_that_will_not_pass_is_told_at_once_with_the_address(status: int) -> None:
    kept: list[Fetched] = []
    sent = Answer(status, b"we moved", {"Location": "/elsewhere"})
    with (
        serving(in_turn(sent)) as server,
        pytest.raises(SourceError, match=f"{server.base}/page: status {status}, b'we moved'"),
    ):
        fetched(server.base, "page", kept=kept)

    assert len(server.calls) == 1
    assert not kept


def test_a_status_that_is_an_answer_here_is_kept_as_one() -> None:
    async def work(base: str) -> Fetched:
        async with Fetcher(base, QUICK, [].append) as fetcher:
            return await fetcher.get("empty", known=frozenset({200, 404}))

    with serving(in_turn(Answer(404, b""))) as server:
        answer = asyncio.run(work(server.base))

    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize("status", [429, 503])
def test_a_source_that_says_when_to_come_back_is_asked_no_sooner(status: int) -> None:
    with serving(in_turn(Answer(status, headers={"Retry-After": "1"}), Answer())) as server:
        fetched(server.base, "page")
    first, second = server.calls

    assert second.at - first.at >= 1.0


@pytest.mark.parametrize("said", ["0", "soon", "-5", "Wed, 21 Oct 2026 07:28:00 GMT", "٣"])
def test_a_time_to_come_back_that_is_none_does_not_stop_the_retry(said: str) -> None:
    sent = Answer(503, headers={"Retry-After": said.encode("utf-8").decode("latin-1")})
    with serving(in_turn(sent, Answer(body=b"good"))) as server:
        (answer,) = fetched(server.base, "page")

    assert answer.body == b"good"


def test_a_source_that_asks_for_an_hour_is_given_up_at_once() -> None:
    began = time.monotonic()
    with (
        serving(in_turn(Answer(503, headers={"Retry-After": "3600"}))) as server,
        pytest.raises(SourceError, match="status 503, come back in 3600 s"),
    ):
        fetched(server.base, "page")

    assert time.monotonic() - began < 60
    assert len(server.calls) == 1


def test_a_source_that_never_answers_is_given_up_within_the_patience() -> None:
    impatient = Manners(calls=1000, attempts=400, patience=1.0, attempt_seconds=0.4)
    began = time.monotonic()
    with (
        serving(in_turn(Answer(wait=2.0))) as server,
        pytest.raises(SourceError, match=rf"{server.base}/page: (\w*Timeout|no whole answer)"),
    ):
        fetched(server.base, "page", manners=impatient)

    assert time.monotonic() - began < 60


def test_an_answer_that_trickles_for_ever_is_given_up_within_the_patience() -> None:
    impatient = Manners(calls=1000, attempts=4, patience=0.5)
    with (
        serving(in_turn(Answer(wait=1.5))) as server,
        pytest.raises(SourceError, match=r"page: no whole answer within 0\.5 s"),
    ):
        fetched(server.base, "page", manners=impatient)


def test_a_source_that_only_fails_is_asked_no_more_often_than_agreed() -> None:
    with (
        serving(in_turn(Answer(500))) as server,
        pytest.raises(SourceError, match=f"{server.base}/page: status 500"),
    ):
        fetched(server.base, "page", manners=Manners(calls=1000, attempts=3))

    assert len(server.calls) == 3


def test_nobody_at_the_address_is_told_with_the_address() -> None:
    base = f"http://127.0.0.1:{free_port()}"

    with pytest.raises(SourceError, match=f"{base}/page: ConnectError"):
        fetched(base, "page", manners=Manners(calls=1000, attempts=2))


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2/page",
        "https://example.org/page",
        "http://127.0.0.1:1/page",
        "http://127.0.0.1@example.org/page",
        "file:///etc/passwd",
        "http://[::1/page",
        "http://127.0.0.1:99999999/page",
    ],
)
def test_another_host_is_never_asked(target: str) -> None:
    with serving(in_turn(Answer())) as server, pytest.raises(ForeignHostError, match="points at"):
        fetched(server.base, target)

    assert not server.calls


def test_a_link_of_the_sources_own_is_followed_by_the_scheme_that_it_was_asked_by() -> None:
    with serving(in_turn(Answer()), "/v3") as server:
        (answer,) = fetched(server.base, server.base.replace("http:", "https:") + "/data?page=2")

    assert answer.address == f"{server.base}/data?page=2"
    assert [call.path for call in server.calls] == ["/v3/data?page=2"]


def test_an_address_that_cannot_be_asked_is_told_and_not_raised_as_something_else() -> None:
    with serving(in_turn(Answer())) as server, pytest.raises(SourceError, match="page"):
        fetched(server.base, f"page{chr(7)}")


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_larger_than_agreed_is_refused_and_not_asked_for_again(*, packed: bool) -> None:
    body = bytes(200_000)
    sent = (
        Answer(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})
        if packed
        else Answer(body=body)
    )
    with (
        serving(in_turn(sent)) as server,
        pytest.raises(SourceError, match="larger than 100000 bytes"),
    ):
        fetched(server.base, "page", manners=Manners(calls=1000, largest_body=100_000))

    assert len(server.calls) == 1


def test_a_packed_answer_is_kept_unpacked() -> None:
    sent = Answer(body=gzip.compress(b"figures"), headers={"Content-Encoding": "gzip"})
    with serving(in_turn(sent)) as server:
        (answer,) = fetched(server.base, "page")

    assert answer.body == b"figures"


def test_the_source_is_told_who_asks_and_how_to_reach_us() -> None:
    with serving(in_turn(Answer())) as server:
        fetched(server.base, "page")

    assert "lansdata" in server.calls[0].headers["User-Agent"]
    assert "@" in server.calls[0].headers["User-Agent"]


def gaps(calls: Iterable[Call]) -> list[float]:
    return [later.at - earlier.at for earlier, later in pairwise(calls)]


def test_calls_are_evenly_spaced_and_never_come_in_a_burst() -> None:
    with serving(in_turn(Answer())) as server:
        fetched(server.base, *"abcdef", manners=Manners(calls=10, seconds=1.0))

    assert min(gaps(server.calls)) > 0.07
    assert server.calls[-1].at - server.calls[0].at >= 0.45


def test_attempts_are_spaced_as_calls_are() -> None:
    with serving(in_turn(Answer(500, headers={"Retry-After": "0"}), Answer(500), Answer())) as server:
        fetched(server.base, "page", manners=Manners(calls=2, seconds=1.0))

    assert min(gaps(server.calls)) > 0.45


def test_what_is_posted_is_kept_with_its_answer() -> None:
    kept: list[Fetched] = []

    async def work(base: str) -> None:
        async with Fetcher(base, QUICK, kept.append) as fetcher:
            await fetcher.post("tables/data", b'{"selection": []}')

    with serving(in_turn(Answer(502), Answer(body=b"figures"))) as server:
        asyncio.run(work(server.base))

    assert [(one.asked, one.body) for one in kept] == [(b'{"selection": []}', b"figures")]
    assert [call.body for call in server.calls] == [b'{"selection": []}'] * 2
    assert server.calls[0].headers["Content-Type"] == "application/json"
