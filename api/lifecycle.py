"""How a route retires: declared beside it, told in `Deprecation` and `Sunset` headers and in the contract."""

from datetime import UTC, date, datetime, time
from email.utils import format_datetime

from litestar.types import Message, Scope
from msgspec import Struct

from api.links import PREFIX

LIFECYCLE = "lifecycle"
"""The name under which a route declares it, in its `opt`."""


class Lifecycle(Struct, frozen=True, kw_only=True):
    """From when a route is advised against, when it is gone at the earliest, and what to use instead."""

    deprecated: date
    sunset: date
    successor: str
    """A path under the versioned API."""

    def __post_init__(self) -> None:
        """Refuse an end that comes before the warning."""
        if self.sunset <= self.deprecated:
            message = f"gone on {self.sunset}, before it is deprecated on {self.deprecated}"
            raise ValueError(message)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers of RFC 9745 and RFC 8594, with the way to what comes instead."""
        deprecated, sunset = (datetime.combine(day, time.min, UTC) for day in (self.deprecated, self.sunset))
        return [
            (b"deprecation", f"@{int(deprecated.timestamp())}".encode()),
            (b"sunset", format_datetime(sunset, usegmt=True).encode()),
            (b"link", f'<{PREFIX}{self.successor}>; rel="successor-version"'.encode()),
        ]


async def tell_lifecycle(message: Message, scope: Scope) -> None:
    """Put the lifecycle of the route that answers on its answer, refusals included."""
    if message["type"] == "http.response.start":
        handler = scope.get("route_handler")
        declared = handler.opt.get(LIFECYCLE) if handler is not None else None
        if declared is not None:
            message["headers"] = [*message["headers"], *declared.headers()]
