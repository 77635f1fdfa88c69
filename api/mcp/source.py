"""Asks a running Länsdata; its refusals come as words that tell what would be right."""

from collections.abc import Mapping
from typing import Any

import httpx

from api.links import PREFIX
from api.mcp.protocol import RefusedError

_SECONDS = 30.0
_REFUSED = 400


class Source:
    """One Länsdata, by the address in front of its paths."""

    def __init__(self, base: str) -> None:
        """Ask the service at *base*."""
        self._client = httpx.Client(base_url=base.rstrip("/") + PREFIX, timeout=_SECONDS)

    def ask(self, path: str, asked: Mapping[str, Any] | None = None) -> Any:
        """Return the answer at *path* to what is *asked*; what is empty is not asked.

        Raises RefusedError.
        """
        given = {name: text for name, text in (asked or {}).items() if text not in {"", None}}
        try:
            reply = self._client.get(path, params=given)
            told = reply.json()
        except (httpx.HTTPError, ValueError):
            raise RefusedError("Länsdata cannot be reached; try again shortly") from None
        if reply.status_code >= _REFUSED:
            raise RefusedError(_reason(told))
        return told

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _reason(problem: Mapping[str, Any]) -> str:
    hints = [
        f"{fault['name']}: did you mean {', '.join(fault['closest'])}?"
        for fault in problem.get("invalidParameters", ())
        if fault.get("closest")
    ]
    return ". ".join([str(problem.get("detail", "refused")), *hints])
