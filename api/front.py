"""What stands in front of routing, for every answer: ready answers, 304, HEAD, encodings, CORS, traces."""

import os
import re
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, cast

from litestar.enums import ScopeType
from litestar.status_codes import HTTP_200_OK
from litestar.types import (
    ASGIApp,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    HTTPScope,
    Message,
    Receive,
    Scope,
    Send,
)

from api.about import LONGEST_ADDRESS
from api.links import base_of
from api.live import Live
from api.problems import ALLOWED, BY_SLUG, MEDIA_TYPE, Problem, instance_of, problem_bytes
from api.ready import Came, Headers, ReadyAnswer, ReadyAnswers, Way, tag_matches

_TRACE = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_ALLOWED = ALLOWED.encode()
FILES = b"/files/"
_EXPOSED = b", ".join(
    (
        b"Accept-Ranges, Content-Range",
        b"ETag, Link, Content-Location, Content-Disposition, Lansdata-Mandatory-Notes",
        b"RateLimit, RateLimit-Policy, Retry-After, traceparent",
    )
)
_ALWAYS: Headers = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", _EXPOSED),
    (b"x-content-type-options", b"nosniff"),
]
_PREFLIGHT: Headers = [
    (b"access-control-allow-methods", _ALLOWED),
    (b"access-control-allow-headers", b"*"),
    (b"access-control-max-age", b"86400"),
]
_POSTED = b"/pxweb/"
_VARY = (b"vary", b"Accept, Accept-Encoding")
_JSON = (b"content-type", b"application/json")
_TAKES_JSON = frozenset({b"", b"*/*", b"application/json"})
_HOST = re.compile(rb"[A-Za-z0-9.-]{1,253}(:\d{1,5})?")
_NOT_KEPT = frozenset({b"content-length"})
_HTTP = ScopeType.HTTP
_START: Literal["http.response.start"] = "http.response.start"
_NOISE, _TRACES_AT_ONCE = 24, 256
_NAMING = (b"forwarded", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-prefix", b"host")
"""The headers that tell under which address we were called."""
_TELLING = (*_NAMING, b"accept", b"accept-encoding", b"if-none-match")
"""All headers that what is sent depends on, but for the trace."""

Shortcut = Callable[[bytes, str], Awaitable[tuple[bytes, dict[str, str]]]]
"""From a query and the address in front of every path to the answer's body and its own headers."""


class Front:
    """The outermost application: answers what is ready, asks the inner one for the rest and keeps it."""

    def __init__(
        self,
        inner: ASGIApp,
        live: Live,
        ready: ReadyAnswers,
        *,
        public_url: str,
        shortcuts: Mapping[bytes, Shortcut],
    ) -> None:
        self._inner = inner
        self._live = live
        self._ready = ready
        self._public_url = public_url
        self._shortcuts = shortcuts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass a connection of another kind on."""
        if scope["type"] != _HTTP:
            await self._inner(scope, receive, send)
            return
        asked = cast("HTTPScope", scope)
        pairs = cast("Sequence[tuple[bytes, bytes]]", asked["headers"])
        headers = dict(pairs)
        came = (
            self._live.mark,
            asked["method"],
            asked["raw_path"],
            asked["query_string"],
            asked["scheme"],
            *map(headers.get, _TELLING),
        )
        way = self._ready.way(came)
        # a header in several lines is a list, which only the slow way reads
        if way is None or len(headers) != len(pairs):
            await self._asked(asked, receive, send, came)
            return
        way.answer.was_asked = True
        trace = (b"traceparent", _trace_of(headers.get(b"traceparent")))
        await send({"type": _START, "status": way.status, "headers": [*way.headers, trace]})
        await send(way.body)

    async def _asked(self, scope: HTTPScope, receive: Receive, send: Send, came: Came) -> None:
        """Answer a request to which no straight way leads; the next that comes so may find one."""
        headers = _folded(scope["headers"])
        trace = (b"traceparent", _trace_of(headers.get(b"traceparent")))
        method = scope["method"]
        base = _base(tuple(map(headers.get, _NAMING)), scope["scheme"], self._public_url)
        path = scope["raw_path"] or scope["path"].encode()
        if method not in {"GET", "HEAD"}:
            scope.setdefault("state", {})["base"] = base
            await self._inner(scope, receive, _adding(send, [*_ALWAYS, *_preflight(path), trace]))
            return
        query, accept = scope["query_string"], headers.get(b"accept", b"")
        question = (self._live.mark, path, query, base, accept)
        answer = self._ready.get(question)
        is_known = answer is not None
        if answer is None:
            if len(base) + len(path) + len(b"?") * bool(query) + len(query) > LONGEST_ADDRESS:
                await _refuse_length(scope, send, trace, method)
                return
            if FILES in path:
                await self._streamed(scope, receive, _adding(send, [*_ALWAYS, trace]), base)
                return
            answer = await self._at_once(path, query, headers, base)
            if answer is None:
                answer = await self._fresh(scope, receive, _adding(send, [*_ALWAYS, trace]), base)
            if answer is None:
                return
            # the release that was answered from may have moved meanwhile: then the answer is not kept
            if question[0] == self._live.mark and answer.may_be_kept:
                self._ready.keep(question, answer)
        if answer.is_large:
            # it takes a while to compress, and the others should not wait for it
            await to_thread(answer.form, headers.get(b"accept-encoding", b""))
        way = _way(answer, headers, method)
        # most questions come but once: a way is worth its trouble at the second time
        if is_known and len(headers) == sum(1 for _ in scope["headers"]):
            self._ready.lead(came, question, way)
        await send({"type": _START, "status": way.status, "headers": [*way.headers, trace]})
        await send(way.body)

    async def _at_once(
        self, path: bytes, query: bytes, headers: Mapping[bytes, bytes], base: str
    ) -> ReadyAnswer | None:
        """Return the answer at a path that is worth a shortcut; None for whatever is not plainly well.

        The framework takes a tenth of a millisecond, a third of a cold answer's time; it tells all refusals.
        """
        shortcut = self._shortcuts.get(path)
        plain = headers.get(b"accept", b"") in _TAKES_JSON and _HOST.fullmatch(headers.get(b"host", b""))
        if shortcut is None or not plain:
            return None
        try:
            body, told = await shortcut(query, base)
        except Exception:  # noqa: BLE001 the inner application meets it again, and tells it
            return None
        own = [(name.lower().encode(), text.encode("latin-1")) for name, text in told.items()]
        return ReadyAnswer(body, [*own, _JSON, _VARY, *_ALWAYS])

    async def _streamed(self, scope: HTTPScope, receive: Receive, send: Send, base: str) -> None:
        """Let the inner application answer in parts: files have their own tags, and are never kept here."""
        is_head, scope["method"] = scope["method"] == "HEAD", "GET"
        scope.setdefault("state", {}).update(base=base, is_head=is_head)

        async def pass_on(message: Message) -> None:
            await send({**message, "body": b""} if is_head and "body" in message else message)  # type: ignore[arg-type]

        await self._inner(scope, receive, pass_on)

    async def _fresh(self, scope: HTTPScope, receive: Receive, send: Send, base: str) -> ReadyAnswer | None:
        """Return the inner application's answer; None when it is a refusal, which is sent already.

        Answers are whole, never in parts.
        """
        scope.setdefault("state", {})["base"] = base
        is_head, scope["method"] = scope["method"] == "HEAD", "GET"
        starts: list[HTTPResponseStartEvent] = []
        made: list[ReadyAnswer] = []

        async def take(message: Message) -> None:
            if message["type"] == "http.response.start":
                starts.append(message)
                if message["status"] != HTTP_200_OK:
                    await send(message)
            elif message["type"] == "http.response.body":
                if starts[0]["status"] == HTTP_200_OK:
                    made.append(ReadyAnswer(message["body"], _kept_headers(starts[0])))
                else:
                    await send({**message, "body": b""} if is_head else message)

        await self._inner(scope, receive, take)
        return made[0] if made else None


def _way(answer: ReadyAnswer, headers: Mapping[bytes, bytes], method: str) -> Way:
    """Return what is sent of *answer* to who asks with *headers*."""
    form = answer.form(headers.get(b"accept-encoding", b""))
    held = headers.get(b"if-none-match")
    if held is not None and tag_matches(held, form.tag):
        return Way(304, form.unchanged, _body(b""), answer)
    return Way(200, form.full, _body(form.body if method == "GET" else b""), answer)


def _body(body: bytes) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": body, "more_body": False}


@lru_cache(maxsize=256)
def _base(named: tuple[bytes | None, ...], scheme: str, public_url: str) -> str:
    """Return the address in front of every path; the same few callers' proxies name it again and again."""
    headers = {name: text for name, text in zip(_NAMING, named, strict=True) if text is not None}
    return base_of(headers, scheme, public_url)


def _preflight(path: bytes) -> Headers:
    """Return what a browser is told before it asks; selections of the PxWeb face may be posted."""
    if not path.startswith(_POSTED):
        return _PREFLIGHT
    return [(b"access-control-allow-methods", _ALLOWED + b", POST"), *_PREFLIGHT[1:]]


def _folded(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return headers by name; one that stands in several lines is the list of them all."""
    headers: dict[bytes, bytes] = {}
    for name, text in pairs:
        headers[name] = headers[name] + b", " + text if name in headers else text
    return headers


def _kept_headers(start: Any) -> Headers:
    own = [(name, text) for name, text in start["headers"] if name.lower() not in _NOT_KEPT]
    return [*own, _VARY, *_ALWAYS]


def _adding(send: Send, more: Headers) -> Send:
    """Return a *send* that puts *more* headers on whatever is answered."""

    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            # the framework forgets HEAD, which is answered here, when it is asked what is allowed
            told = ((name, _ALLOWED if name == b"allow" else text) for name, text in message["headers"])
            message["headers"] = [*told, *more]
        await send(message)

    return add


async def _refuse_length(scope: HTTPScope, send: Send, trace: tuple[bytes, bytes], method: str) -> None:
    kind = BY_SLUG["uri-too-long"]
    problem = Problem(
        type=kind.type,
        title=kind.title,
        status=kind.status,
        detail=f"the address is longer than {LONGEST_ADDRESS} characters",
        instance=instance_of(scope["path"]),
        limit=LONGEST_ADDRESS,
    )
    body = problem_bytes(problem)
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *_ALWAYS,
        trace,
    ]
    await send({"type": "http.response.start", "status": kind.status, "headers": headers})
    await send({"type": "http.response.body", "body": body if method == "GET" else b"", "more_body": False})


def _trace_of(given: bytes | None) -> bytes:
    """Return the caller's trace, or a new one."""
    return given if given is not None and _TRACE.fullmatch(given) else next(_traces)


def _new_traces() -> Iterator[bytes]:
    """Yield new traces for ever; noise is asked of the system for many at once."""
    while True:
        noise = os.urandom(_NOISE * _TRACES_AT_ONCE).hex().encode()
        for at in range(0, len(noise), 2 * _NOISE):
            yield b"00-%b-%b-00" % (noise[at : at + 32], noise[at + 32 : at + 48])


_traces = _new_traces()
