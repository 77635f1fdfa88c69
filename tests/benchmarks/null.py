"""The fastest application there can be: the bytes of a recorded answer, whatever is asked.

`python -m tests.benchmarks.null` serves it exactly as `python -m api` would serve ours.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from granian import Granian

from api import server

RECORDING = "LANSDATA_BENCH_RECORDING"


class _NullGranian(Granian):  # type: ignore[misc, valid-type]
    """The server of the API, with every option that it is given, over another application."""

    def __init__(self, _: str, **options: Any) -> None:
        super().__init__("tests.benchmarks.null:served", **options)


def served() -> Any:
    """Return the application."""
    recording = Path(os.environ.pop(RECORDING))
    head, _, body = recording.read_bytes().partition(b"\n")
    headers = [(name.encode(), text.encode()) for name, text in json.loads(head)]

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await _live(receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return application


async def _live(receive: Any, send: Any) -> None:
    for stage in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{stage}.complete"})


if __name__ == "__main__":
    server.Granian = _NullGranian  # type: ignore[misc, assignment]
    sys.exit(server.serve())
