"""The server process: granian over the application, with the database of the settings."""

import gc
import logging

from granian import Granian
from granian.constants import Interfaces, Loops
from litestar.types import ASGIApp
from rich.console import Console

from api.app import application
from datasets.database import reading_store
from datasets.embedded import lease
from datasets.errors import LansdataError
from datasets.lean import leave_out
from datasets.settings import read_settings


def serve() -> int:
    """Serve until told to stop; return 0, or 1 when the settings or the database do not let it start."""
    console = Console(stderr=True)
    try:
        settings = read_settings()
        held = None if settings.database_url else lease(settings.home_path)
    except LansdataError as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return 1
    console.print(f"serving on http://{settings.host}:{settings.port}", highlight=False)
    server = Granian(
        "api.server:served",
        factory=True,
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        log_access=False,
        workers_kill_timeout=1,  # what a stuck request costs; gone within two seconds of SIGTERM in all
        respawn_failed_workers=True,
    )
    try:
        server.serve()
    finally:
        if held:
            held.release()
    return 0


def served() -> ASGIApp:
    """Return the application of one worker process; it holds the database for as long as it lives."""
    leave_out()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    settings = read_settings()
    # an answer makes many small objects and hardly a cycle; looking for one at each cost a tenth of its time
    gc.set_threshold(50_000, 20, 20)
    return application(settings, reading_store(settings))
