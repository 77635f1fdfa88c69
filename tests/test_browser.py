"""The pages in a real browser: no violation, nothing foreign, light, narrow, by keyboard, no scripts."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, Response

from tests.browsing import chromium, foreign, kept, needs_chromium, page_with, violations
from tests.conftest import Server

pytestmark = needs_chromium
KINDS = {
    "start": "/",
    "search": "/indikatorer?q=andel",
    "datasets": "/datamangder",
    "municipalities": "/kommuner",
    "statement": "/tillganglighet",
    "lines": "/indikator/N21704?municipality=0880,08,00&sex=women,men",
    "bars": "/indikator/prov-alla-kommuner",
    "none": "/indikator/prov-ingen",
    "dataset": "/datamangd/prov",
    "profile": "/kommun/0880",
    "missing": "/indikator/N2170",
}
MOST_BYTES, MOST_REQUESTS = 150_000, 8


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as one:
        yield one


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(20_000)
    yield page
    page.context.close()


def visited(page: Page, address: str) -> list[Response]:
    """Go to *address* and return all that was asked for on the way, before any interaction."""
    answers: list[Response] = []

    def take(answer: Response) -> None:
        answers.append(answer)

    page.on("response", take)
    page.goto(address, wait_until="load")
    page.remove_listener("response", take)
    return answers


def is_narrow(page: Page) -> bool:
    page.set_viewport_size({"width": 320, "height": 800})
    return bool(page.evaluate("document.documentElement.scrollWidth <= 320"))


@pytest.mark.parametrize(("language", "wide"), [("sv", 1200), ("en", 360)])
def test_every_kind_of_page_is_accessible_light_and_keeps_to_itself(
    language: str, wide: int, page: Page, pictured: Server
) -> None:
    prefix = "/en" if language == "en" else ""
    for kind, path in KINDS.items():
        page.set_viewport_size({"width": wide, "height": 900})
        answers = visited(page, pictured.url + prefix + path)
        bytes_taken = sum(one.request.sizes()["responseBodySize"] for one in answers)
        if language == "sv":
            kept(page, kind)

        assert violations(page) == [], kind
        assert {urlsplit(one.url).netloc for one in answers} == {urlsplit(pictured.url).netloc}, kind
        assert len(answers) <= MOST_REQUESTS, kind
        assert bytes_taken < MOST_BYTES, kind
        assert page.context.cookies() == [], kind
        assert is_narrow(page), kind


@pytest.mark.parametrize("scripts", ["with scripts", "without scripts"])
def test_an_editor_goes_from_the_start_to_a_figure_on_another_page(
    scripts: str, browser: Browser, pictured: Server, tmp_path: Path
) -> None:
    context = browser.new_context(java_script_enabled=scripts == "with scripts")
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(pictured.url)
    page.get_by_label("Sök indikator").fill("80+ med hemtjänst")
    page.get_by_role("button", name="Sök").click()
    page.get_by_role("link", name="Invånare 80+ med hemtjänst").click()
    page.get_by_label("Kalmar", exact=True).check()
    page.get_by_label("totalt").uncheck()
    page.get_by_label("kvinnor").check()
    page.get_by_label("män").check()
    page.get_by_role("button", name="Visa").click()
    code = page.locator("pre", has_text="<lansdata-figure").inner_text()
    api = page.locator("p.address a").first.get_attribute("href") or ""
    context.close()

    assert 'municipality="08,00,0880"' in code
    observed = httpx.get(api).json()["observations"]
    page_with(tmp_path, "index.html", code)
    with foreign(tmp_path) as address:
        there = browser.new_page(viewport={"width": 800, "height": 900})
        failures: list[str] = []
        there.on("console", lambda message: failures.append(message.text))
        there.goto(address)
        there.locator("lansdata-figure table").wait_for(state="attached")
        shown = there.locator("lansdata-figure data").evaluate_all("them => them.map(one => one.value)")
        there.locator("lansdata-figure img").evaluate("one => one.decode()")
        kept(there, "embedded-component")

        assert sorted(map(float, shown)) == sorted(
            one["value"] for one in observed if one["value"] is not None
        )
        assert violations(there) == []
        there.get_by_role("button", name="Visa tabell").press("Enter")
        assert there.locator("lansdata-figure .frame").is_visible()
        assert there.locator("lansdata-figure button").evaluate(
            "one => one.getRootNode().activeElement === one"
        )
        assert "dold av sekretesskäl" in there.locator("lansdata-figure .frame").inner_text()
        kept(there, "embedded-component-table")
        assert violations(there) == []
        assert failures == []
        there.context.close()


def test_a_frame_on_another_page_grows_to_its_height(page: Page, pictured: Server, tmp_path: Path) -> None:
    site = httpx.get(f"{pictured.url}/oembed", params={"url": f"{pictured.url}/indikator/N21704"}).json()
    code = httpx.get(f"{pictured.url}/indikator/N21704", headers={"Accept": "text/html"}).text
    script = code[code.index("&lt;script") : code.index("&lt;/script&gt;")]
    script = script.replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", '"') + "</script>"
    page_with(tmp_path, "index.html", script + site["html"].replace('height="640"', 'height="99"'))
    with foreign(tmp_path) as address:
        page.goto(address, wait_until="networkidle")
        page.wait_for_function("document.querySelector('iframe').height > 300")
        inside = page.frames[1]
        kept(page, "embedded-frame")

        assert inside.locator("h1").inner_text().startswith("Invånare 80+")
        assert inside.evaluate("document.documentElement.scrollHeight <= innerHeight + 1")
        inside.locator("summary").press("Enter")
        assert inside.locator("table").is_visible()
        assert violations(page) == []


def test_the_keyboard_reaches_everything_in_order(page: Page, pictured: Server) -> None:
    page.goto(f"{pictured.url}/indikator/N21704")
    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(90):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "(one => one === document.body ? '' : one.outerHTML.slice(0, 90))(document.activeElement)"
        )
        if not name:
            break
        reached.add(name)
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", name
    wanted = page.evaluate(
        """Array.from(document.querySelectorAll('a, button, input:not([type=hidden]), select, summary, pre'))
           .filter(one => one.checkVisibility() && one.className !== 'skip')
           .map(one => one.outerHTML.slice(0, 90))"""
    )
    assert set(wanted) <= reached


def test_a_page_can_be_enlarged_and_printed(page: Page, pictured: Server) -> None:
    page.set_viewport_size({"width": 640, "height": 500})  # 1280 pixels at 200 per cent
    page.goto(f"{pictured.url}/indikator/N21704", wait_until="networkidle")

    assert page.evaluate("document.documentElement.scrollWidth <= 640")
    page.emulate_media(media="print", reduced_motion="reduce")
    assert not page.locator("form").is_visible()
    assert page.locator("table").first.is_visible()
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    kept(page, "print")


def test_a_text_with_markup_is_shown_as_text(page: Page, pictured: Server) -> None:
    page.goto(f"{pictured.url}/indikator/prov-en-punkt?municipality=08")

    assert "<b>denna</b>" in page.locator(".words").inner_text()
    hostile = '"><script>document.title="taken"</script><img src=x onerror=document.title="taken">'
    page.goto(f"{pictured.url}/indikatorer?q={hostile}")
    assert "taken" not in page.title()
    assert page.get_by_label("Sök indikator").input_value() == hostile
