"""The documentation that people use: its examples run, its pages exist, and it asks no other host."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from api import about
from api.guide import pages
from api.guide.limits import LIMITS
from api.problems import KINDS
from datasets.statuses import LEGEND
from tests.browsing import chromium, needs_chromium, violations
from tests.conftest import ROOT, Server

GUIDE = ROOT / "api" / "guide"
FENCED = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUNS = {
    "bash": ["bash", "-euo", "pipefail", "-c"],
    "python": [sys.executable, "-W", "error", "-c"],
    "r": ["Rscript", "-e"],
}
NEEDS = {"bash": "curl", "r": "Rscript"}
NODE = shutil.which("node")
NOT_TRIED = {"quickstart-excel", "quickstart-power-bi"}


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.found += [value for name, value in attrs if name in {"href", "src"} and value]


def examples() -> Iterator[tuple[str, str, str, str]]:
    """Yield the page, language, code and printed text of each example that a tool here can run."""
    for path in sorted(GUIDE.glob("*.md")):
        blocks = FENCED.findall(path.read_text("utf-8"))
        for at, (language, more, code) in enumerate(blocks):
            if language in {*RUNS, "javascript"} and "no-run" not in more:
                printed = blocks[at + 1][2] if blocks[at + 1 : at + 2] and blocks[at + 1][0] == "text" else ""
                yield path.stem, language, code, printed


EXAMPLES = list(examples())


def _r_has(package: str) -> bool:
    asked = f"quit(status = !requireNamespace('{package}', quietly = TRUE))"
    return subprocess.run(["Rscript", "-e", asked], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(("page", "language", "code", "printed"), EXAMPLES)
def test_an_example_prints_what_its_page_says(  # noqa: PLR0913, PLR0917
    page: str, language: str, code: str, printed: str, server: Server, tmp_path: Path
) -> None:
    there = code.replace(about.ADDRESS, server.url)
    if language == "javascript":
        if NODE is None:
            pytest.skip("there is no node here")
        script = tmp_path / "example.mjs"
        script.write_text(there, "utf-8")
        command = [NODE, str(script)]
    else:
        tool = NEEDS.get(language)
        if tool and shutil.which(tool) is None:
            pytest.skip(f"there is no {tool} here")
        if language == "r" and "library(jsonlite)" in code and not _r_has("jsonlite"):
            pytest.skip("R has no jsonlite here")
        command = [*RUNS[language], there]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)

    assert done.returncode == 0, (page, done.stderr)
    assert [line.rstrip() for line in done.stdout.splitlines()] == [
        line.rstrip() for line in printed.splitlines()
    ]


def test_a_page_whose_examples_nobody_ran_says_so() -> None:
    tried = {page for page, *_ in EXAMPLES}

    assert tried >= {
        "quickstart-curl",
        "quickstart-python",
        "quickstart-r",
        "quickstart-javascript",
        "migrate",
    }
    for page in NOT_TRIED:
        assert re.search(r"inte körd i våra prov", pages.source(page).lower()), page


def test_every_page_is_listed_and_every_file_is_a_page() -> None:
    index = pages.source("index")

    assert {path.stem for path in GUIDE.glob("*.md")} == {*pages.PAGES}
    for page in {*pages.PAGES} - {"index"}:
        assert f"(/docs/{page})" in index


def test_every_link_of_the_documentation_leads_somewhere(server: Server) -> None:
    with httpx.Client(base_url=server.url, follow_redirects=True) as client:
        waiting, seen = ["/docs", "/docs/api", "/llms.txt"], set[str]()
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            answer = client.get(path)
            assert answer.status_code == 200, path
            if "html" in answer.headers["content-type"] and path.startswith("/docs"):
                links = Links()
                links.feed(answer.text)
                for link in links.found:
                    target = urlsplit(urljoin(f"{server.url}{path}", link))
                    assert target.netloc == urlsplit(server.url).netloc, (path, link)
                    waiting.append(target.path)

    assert {f"/docs/statuses/{sign.code}" for sign in LEGEND} <= seen
    assert {f"/docs/limits/{name}" for name in LIMITS} <= seen
    assert {kind.type for kind in KINDS} <= seen


def test_every_limit_of_the_configuration_has_a_page(client: httpx.Client) -> None:
    told = {name for name, limit in client.get("/config").json().items() if not isinstance(limit, str | list)}

    assert told == LIMITS.keys()


def test_a_page_that_is_not_there_names_the_closest(server: Server) -> None:
    problem = httpx.get(f"{server.url}/docs/quickstart-pyton").json()

    assert problem["status"] == 404
    assert "quickstart-python" in problem["invalidParameters"][0]["closest"]


def test_a_page_behind_a_proxy_leads_through_the_proxy(server: Server) -> None:
    headers = {
        "X-Forwarded-Host": "data.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/oppna",
    }
    page = httpx.get(f"{server.url}/docs", headers=headers).text
    text = httpx.get(f"{server.url}/llms.txt", headers=headers).text

    assert 'href="/oppna/docs/api"' in page
    assert "https://data.example/oppna/api/v1/config" in text
    assert about.ADDRESS not in page + text


@needs_chromium
def test_the_contract_can_be_tried_in_a_browser_without_another_host(server: Server) -> None:
    asked: list[str] = []
    with chromium() as browser:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{server.url}/docs")
        faults = violations(page)
        page.goto(f"{server.url}/docs/api")
        page.locator("#operations-about-getConfig").click()
        page.locator("#operations-about-getConfig .execute").click()
        page.locator("#operations-about-getConfig .live-responses-table").wait_for()
        shown = page.locator("#operations-about-getConfig .live-responses-table").inner_text()

    assert faults == []
    assert "rowsPerPage" in shown
    assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {
        f"127.0.0.1:{server.port}"
    }
    assert f"{server.url}/api/v1/config" in asked
