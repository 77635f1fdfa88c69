"""How many calls a caller may make: counted in front of everything, only where `LANSDATA_RATE` says so."""

import math
import time
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from api.links import PREFIX
from api.problems import BY_SLUG, MEDIA_TYPE, Problem, instance_of, problem_bytes

WINDOW_SECONDS = 60
NEVER_COUNTED = frozenset(
    {f"{PREFIX}/config", "/pxweb/api/v2/config", "/health/live", "/health/ready", "/metrics"}
)
_UNCHANGED = 304
_TELLING = b"x-forwarded-for"
_WHOLE_NETWORK = 64
"""An IPv6 caller is its network: whoever has one address there has them all."""
_REFUSED = [
    (b"content-type", MEDIA_TYPE.encode()),
    (b"cache-control", b"no-store"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"RateLimit, RateLimit-Policy, Retry-After, traceparent"),
    (b"x-content-type-options", b"nosniff"),
]


class Counted:
    """An application whose callers are counted: what is over the limit is refused before anything is read.

    One process counts for itself; with several workers a caller may get through more, never less, than told.
    """

    def __init__(
        self, inner: ASGIApp, calls: int, proxies: Iterable[str] = (), window: int = WINDOW_SECONDS
    ) -> None:
        self._inner = inner
        self._item = RateLimitItemPerSecond(calls, window)
        self._storage = MemoryStorage()
        self._limiter = FixedWindowRateLimiter(self._storage)
        self._proxies = tuple(proxies)
        self._policy = (b"ratelimit-policy", f'"calls";q={calls};w={window}'.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count one call, or pass on what is never counted."""
        # a browser's preflight is for the call that follows it
        if (
            scope["type"] != ScopeType.HTTP
            or scope["path"] in NEVER_COUNTED
            or scope["method"] == HttpMethod.OPTIONS
        ):
            await self._inner(scope, receive, send)
            return
        caller = _caller(scope, self._proxies)
        within = self._limiter.hit(self._item, caller)
        if not within:
            await self._refuse(scope, send, caller)
            return

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == _UNCHANGED:
                    self._storage.decr(self._item.key_for(caller))
                message = {**message, "headers": [*message["headers"], self._policy, self._left(caller)[1]]}
            await send(message)

        await self._inner(scope, receive, tell)

    def _left(self, caller: str) -> tuple[int, tuple[bytes, bytes]]:
        """Return in how many seconds the window of *caller* ends, and the header that tells what is left."""
        stats = self._limiter.get_window_stats(self._item, caller)
        seconds = max(math.ceil(stats.reset_time - time.time()), 1)
        return seconds, (b"ratelimit", f'"calls";r={stats.remaining};t={seconds}'.encode())

    async def _refuse(self, scope: HTTPScope, send: Send, caller: str) -> None:
        seconds, left = self._left(caller)
        kind = BY_SLUG["too-many-requests"]
        problem = Problem(
            type=kind.type,
            title=kind.title,
            status=kind.status,
            detail=f"more than {self._item.amount} calls in {self._item.get_expiry()} seconds; "
            f"try again in {seconds} seconds",
            instance=instance_of(scope["path"]),
            limit=self._item.amount,
        )
        body = problem_bytes(problem)
        traces = [pair for pair in scope["headers"] if pair[0] == b"traceparent"]
        headers = [
            *_REFUSED,
            *traces[:1],
            (b"content-length", str(len(body)).encode()),
            (b"retry-after", str(seconds).encode()),
            self._policy,
            left,
        ]
        await send({"type": "http.response.start", "status": kind.status, "headers": headers})
        sent = b"" if scope["method"] == "HEAD" else body
        await send({"type": "http.response.body", "body": sent, "more_body": False})


def _caller(scope: HTTPScope, proxies: tuple[str, ...]) -> str:
    client = scope.get("client")
    said = b",".join(text for name, text in scope["headers"] if name == _TELLING) if proxies else b""
    return caller_of(client[0] if client else "", said.decode("latin-1"), proxies)


@lru_cache(maxsize=4096)
def caller_of(peer: str, forwarded_for: str, proxies: tuple[str, ...]) -> str:
    """Return whom a call counts for: the *peer*, or whom the trusted *proxies* met.

    Each proxy adds at the end of `X-Forwarded-For` the address that it met, so the list is read from there,
    as far as it is written by proxies that are trusted; what stands further left anybody may have made up.
    """
    met = peer
    for said in reversed(forwarded_for.split(",")):
        address = _address(met)
        if address is None or not _is_among(address, proxies) or _address(said.strip()) is None:
            break
        met = said.strip()
    address = _address(met)
    if address is None:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _WHOLE_NETWORK), strict=False))
    return str(address)


def _is_among(address: IPv4Address | IPv6Address, proxies: tuple[str, ...]) -> bool:
    return any(address in ip_network(proxy, strict=False) for proxy in proxies)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address that *text* is, without a port and as IPv4 where it is one in disguise."""
    bare = text.partition("]")[0].removeprefix("[")
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
