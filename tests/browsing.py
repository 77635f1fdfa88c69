"""A real Chromium for the pages: where there is none, the tests that need one say so and are skipped."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import ROOT

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium at hand; install the package chromium to run this"
)
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCREENSHOTS = ROOT / ".artefacts" / "screenshots"
_ALIKE = [["tbody tr:nth-child(n+15)"], [".options label:nth-child(n+20)"]]
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        try:
            yield browser
        finally:
            browser.close()


def violations(page: Page) -> list[str]:
    """Return what axe-core finds wrong with *page*, one line each; the hundredth row is like the tenth."""
    options = {"runOnly": {"type": "tag", "values": _TAGS}, "resultTypes": ["violations"]}
    found = Axe().run(page, context={"exclude": _ALIKE}, options=options)
    return [
        f"{one['id']}: {one['help']}: {node['html'][:200]}"
        for one in found.response["violations"]
        for node in one["nodes"]
    ]


def kept(page: Page, name: str, **how: Any) -> None:
    """Keep a screenshot to be looked at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True, **how)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the name of the library's
        pass


@contextmanager
def foreign(folder: Path) -> Iterator[str]:
    """Serve *folder* as somebody else's site, from another origin; give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def page_with(folder: Path, name: str, code: str) -> None:
    """Write a page of somebody else's, with *code* pasted into it."""
    head = '<!doctype html><html lang="sv"><meta charset="utf-8"><title>Annan sida</title>'
    head += '<link rel="icon" href="data:,">'
    (folder / name).write_text(f"{head}<main><h1>Vår sida</h1><h2>Siffror</h2>{code}</main>", "utf-8")
