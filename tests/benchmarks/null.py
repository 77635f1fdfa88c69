"""The fastest application there can be: the bytes of a recorded answer, whatever is asked.

`python -m tests.benchmarks.null` serves it exactly as `python -m api` would serve ours.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from api import server

RECORDING = "BENCH_RECORDING"


def served() -> Any:
    """Return the application."""
    recording = Path(os.environ[RECORDING])
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


# a worker process of the server runs this too, before it asks for the application
server.served = served

if __name__ == "__main__":
    sys.exit(server.serve())
