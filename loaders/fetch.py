"""Fetching: the only module that talks to the network; politely, bounded in time and size, to one host."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import httpx
import stamina
from aiolimiter import AsyncLimiter
from msgspec import Struct

from datasets.errors import LansdataError

USER_AGENT = "lansdata/1.0 (+https://lansdata.regionkalmar.se/; lansdata@regionkalmar.se)"
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})


class SourceError(LansdataError):
    """A source that did not answer as it should; the message says which address and why."""


class ForeignHostError(SourceError):
    """A source that points at another host than its own: never followed."""


class BrokenAnswerError(SourceError):
    """An answer that is not what the source sends when it is well: tried again, like a lost connection."""


class _TryLaterError(SourceError):
    """An answer that asks to come back; `seconds` where it says when."""

    def __init__(self, message: str, seconds: float | None) -> None:
        super().__init__(message)
        self.seconds = seconds


class Manners(Struct, frozen=True, kw_only=True):
    """How a source wants to be asked, and how long we wait for it."""

    calls: int = 5
    seconds: float = 1.0
    attempts: int = 8
    patience: float = 180.0
    """The most seconds for one question, all its attempts together."""
    attempt_seconds: float = 60.0
    largest_body: int = 64 << 20


class Fetched(Struct, frozen=True, kw_only=True):
    """One answer as it came: raw bytes, never altered, with where and when they are from."""

    address: str
    asked: bytes = b""
    """What was posted, if anything."""
    at: datetime
    status: int
    body: bytes

    @property
    def sha256(self) -> str:
        """Return what names the body."""
        return hashlib.sha256(self.body).hexdigest()


Accept = Callable[[Fetched], None]
"""Raises BrokenAnswerError for an answer that must be asked for again."""


class Fetcher:
    """A client of one source; every answer it returns has been handed to *keep*."""

    def __init__(self, base: str, manners: Manners, keep: Callable[[Fetched], None]) -> None:
        self._base = base.rstrip("/")
        self._manners = manners
        self._keep = keep
        # one call at a time and evenly spaced, so that no window of the source's sees a burst
        self._turn = AsyncLimiter(1, manners.seconds / manners.calls)
        self._client = httpx.AsyncClient(
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
            timeout=httpx.Timeout(manners.attempt_seconds, connect=10.0),
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def adopt(self, manners: Manners) -> None:
        """Go on with the *manners* that the source itself has stated; the call that stated them counts."""
        pause = manners.seconds / manners.calls
        self._manners, self._turn = manners, AsyncLimiter(1, pause)
        await asyncio.sleep(pause)

    async def get(
        self,
        target: str,
        *,
        query: Mapping[str, str] | None = None,
        accept: Accept | None = None,
        known: frozenset[int] = frozenset({200}),
    ) -> Fetched:
        """Return the answer at *target*, a path under the base or an address that the source gave.

        *known* are the statuses that are answers here. Raises SourceError when all attempts are used up,
        ForeignHostError for another host.
        """
        return await self._tried("GET", self._own(target), {"params": query} if query else {}, accept, known)

    async def post(self, target: str, body: bytes, *, accept: Accept | None = None) -> Fetched:
        """Return the answer to JSON *body* posted to *target*; raises as `get`."""
        sent = {"content": body, "headers": {"Content-Type": "application/json"}}
        return await self._tried("POST", self._own(target), sent, accept, frozenset({200}))

    def _own(self, target: str) -> str:
        """Return the address of *target* on our source, or refuse another host's."""
        address = target if "://" in target else f"{self._base}/{target.lstrip('/')}"
        try:
            mine, theirs = urlsplit(self._base), urlsplit(address)
            is_own = (mine.hostname, mine.port) == (theirs.hostname, theirs.port)
        except ValueError as error:
            message = f"{self._base} points at no address at all: {address!r}"
            raise ForeignHostError(message) from error
        if not is_own:
            message = f"{self._base} points at another host: {theirs.scheme}://{theirs.netloc}"
            raise ForeignHostError(message)
        # a source may write http although it was asked by https (seen at Socialstyrelsen 2026-06)
        return urlunsplit(theirs._replace(scheme=mine.scheme))

    async def _tried(
        self, method: str, address: str, sent: dict[str, Any], accept: Accept | None, known: frozenset[int]
    ) -> Fetched:
        manners = self._manners
        attempts = stamina.retry_context(
            on=_backoff,
            attempts=manners.attempts,
            timeout=manners.patience,
            wait_initial=0.2,
            wait_max=10.0,
            wait_jitter=0.5,
        )
        try:
            async with asyncio.timeout(manners.patience):
                async for attempt in attempts:
                    with attempt:
                        fetched = await self._once(method, address, sent, known)
                        if accept:
                            accept(fetched)
                        self._keep(fetched)
                        return fetched
        except TimeoutError as error:
            message = f"{address}: no whole answer within {manners.patience:g} s"
            raise SourceError(message) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            message = f"{address}: {type(error).__name__} {error}".rstrip()
            raise SourceError(message) from error
        raise SourceError(address)

    async def _once(self, method: str, address: str, sent: dict[str, Any], known: frozenset[int]) -> Fetched:
        async with self._turn, self._client.stream(method, address, **sent) as answer:
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > self._manners.largest_body:
                    message = f"{address}: the answer is larger than {self._manners.largest_body} bytes"
                    raise SourceError(message)
        if answer.status_code in _RETRIED:
            message, seconds = f"{address}: status {answer.status_code}", _seconds(answer.headers)
            if seconds is not None and seconds > self._manners.patience:
                message = f"{message}, come back in {seconds:g} s"
                raise SourceError(message)
            raise _TryLaterError(message, seconds)
        if answer.status_code not in known:
            message = f"{address}: status {answer.status_code}, {bytes(body[:200])!r}"
            raise SourceError(message)
        return Fetched(
            address=str(answer.request.url),
            asked=sent.get("content", b""),
            at=datetime.now(UTC),
            status=answer.status_code,
            body=bytes(body),
        )


def _backoff(error: Exception) -> bool | float:
    """Tell whether to try again, and after how long where the source says."""
    if isinstance(error, _TryLaterError) and error.seconds is not None:
        return error.seconds
    return isinstance(error, httpx.TransportError | httpx.DecodingError | BrokenAnswerError | _TryLaterError)


def _seconds(headers: httpx.Headers) -> float | None:
    retry_after = headers.get("Retry-After", "")
    return float(retry_after) if retry_after.isascii() and retry_after.isdecimal() else None
