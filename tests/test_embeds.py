"""Figures on other pages: pinned ones keep their bytes and say that there is newer, the others follow."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from api.replies import FRESH, PINNED
from api.web import assets
from tests.browsing import chromium, foreign, needs_chromium, page_with
from tests.conftest import ROOT, Server, fresh_database, served
from tests.drafts import draft, published
from tests.test_refusals import faults, problem

VALUES = ("1", "2", "2", "3")
"""The figure of Kalmar in each release; the third release changes another area only."""


def state(number: int) -> list[str]:
    return [f"0880 total 2020 {VALUES[number]}", "0880 total 2021 5", f"0834 total 2020 {number}"]


@pytest.fixture(scope="module")
def site(pictured: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=pictured.url, timeout=120) as one:
        yield one


def test_a_pinned_figure_keeps_its_bytes_and_the_others_follow_and_both_outlive_the_database(
    cluster: str, home: Path, tmp_path: Path
) -> None:
    with ExitStack() as ends:
        database = ends.enter_context(ExitStack())
        address = database.enter_context(fresh_database(cluster))
        published(address, draft("prov", {"prov-andel": state(0)}))
        settings = {"LANSDATA_DATABASE_URL": address, "LANSDATA_HOME": str(home)}
        server = ends.enter_context(served(settings, tmp_path / "log"))
        _keeps_and_follows(server, address, tmp_path)
        database.close()  # it is gone

        for path in ("embed/prov-andel", "embed/prov-andel/figure.json", "charts/prov-andel.svg"):
            assert httpx.get(f"{server.url}/{path}?municipality=0834", timeout=120).status_code == 200
        page = httpx.get(f"{server.url}/indikator/prov-andel", headers={"Accept": "text/html"})
        assert page.status_code == 200


def _keeps_and_follows(server: Server, address: str, folder: Path) -> None:
    first = httpx.get(f"{server.url}/api/v1/datasets/prov/versions").json()["versions"][0]
    pins = (f"version={first['version']}", f"asOf={first['publishedAt']}")
    choice = "municipality=0880"
    kinds = (
        "embed/prov-andel",
        "embed/prov-andel/figure.json",
        "charts/prov-andel.svg",
        "charts/prov-andel.png",
    )
    pinned = [f"{server.url}/{kind}?{choice}&{pin}" for kind in kinds for pin in pins]
    before = {one: httpx.get(one, timeout=120) for one in pinned}
    for number in (1, 2, 3):
        published(address, draft("prov", {"prov-andel": state(number)}))
    _until_release(server, 4)
    # another address of the same choice, so that nothing kept can answer
    after = {one: httpx.get(f"{one}&", timeout=120) for one in pinned}
    latest = httpx.get(f"{server.url}/embed/prov-andel/figure.json?{choice}").json()

    assert {one.headers["cache-control"] for one in before.values()} == {PINNED}
    assert {one: answer.content for one, answer in before.items()} == {
        one: answer.content for one, answer in after.items()
    }
    assert latest["table"]["rows"][0]["cells"][0]["exact"] == "3"
    assert latest["newer"] == ""
    ask = before[pinned[2]].json()["newer"]
    assert httpx.get(ask).json()["newer"] is True
    _browse(server, pins, folder)


def _until_release(server: Server, number: int) -> None:
    for _ in range(200):
        if httpx.get(f"{server.url}/health/ready").json()["release"] >= number:
            return
    raise AssertionError


def _browse(server: Server, pins: tuple[str, str], folder: Path) -> None:
    """Look at the pinned and the latest figure as a reader does, where there is a browser."""
    if needs_chromium.args[0]:
        return
    version = pins[0].partition("=")[2]
    name = assets.assets()["lansdata-figure.js"].name
    script = f'<script type="module" src="{server.url}/static/{name}"></script>'
    element = '<lansdata-figure indicator="prov-andel" municipality="0880"{}></lansdata-figure>'
    page_with(folder, "index.html", script + element.format(f' version="{version}"') + element.format(""))
    with chromium() as browser, foreign(folder) as address:
        page = browser.new_page()
        page.set_default_timeout(20_000)
        page.goto(address)
        old, new = page.locator("lansdata-figure").nth(0), page.locator("lansdata-figure").nth(1)

        assert old.locator(".notice").inner_text().startswith("Det finns nyare siffror")
        assert old.locator("data").first.get_attribute("value") == "1"
        assert new.locator("data").first.get_attribute("value") == "3"
        assert new.locator(".notice").count() == 0
        page.goto(f"{server.url}/embed/prov-andel?municipality=0880&{pins[1]}")
        page.locator("#newer").wait_for(state="visible")


def test_figures_that_are_still_the_latest_say_nothing_of_newer_ones(site: httpx.Client) -> None:
    told = site.get("/embed/prov-enkat/figure.json", params={"version": "1.0.0"}).json()

    assert site.get(told["newer"]).json() == {"newer": False, "version": "1.0.0"}
    assert site.get(told["newer"]).headers["cache-control"] == FRESH


def test_the_component_is_told_exactly_what_the_api_answers(site: httpx.Client) -> None:
    choice = {"municipality": "0880,08", "sex": "women,men"}
    told = site.get("/embed/N21704/figure.json", params=choice | {"lang": "en"}).json()
    observed = site.get("/api/v1/observations", params=choice | {"indicator": "N21704"}).json()[
        "observations"
    ]
    cells = [cell for row in told["table"]["rows"] for cell in row["cells"]]

    assert sorted(float(cell["exact"]) for cell in cells if cell["exact"]) == sorted(
        one["value"] for one in observed if one["value"] is not None
    )
    assert [cell["absent"] for cell in cells if cell["absent"]] == ["suppressed"]
    assert told["language"] == "en"
    assert told["title"].startswith("Inhabitants")
    assert site.get(told["chart"]).status_code == 200
    assert site.get(told["page"], headers={"Accept": "text/html"}).status_code == 200


def test_a_frame_may_stand_anywhere_and_a_page_nowhere(site: httpx.Client) -> None:
    frame = site.get("/embed/N21704", headers={"Accept": "text/html"})
    wrong = site.get("/embed/N2170", headers={"Accept": "text/html"})
    page = site.get("/indikator/N21704", headers={"Accept": "text/html"})

    assert frame.headers["content-security-policy"].endswith("frame-ancestors *")
    assert wrong.headers["content-security-policy"].endswith("frame-ancestors *")
    assert page.headers["content-security-policy"].endswith("frame-ancestors 'none'")
    assert wrong.status_code == 404


def test_oembed_gives_the_frame_within_bounds_and_pages_lead_to_it(site: httpx.Client) -> None:
    page = str(site.base_url.join("/en/indikator/N21704?municipality=0880&sex=men"))
    told = site.get("/oembed", params={"url": page, "maxwidth": "400", "maxheight": "300"}).json()

    assert (told["type"], told["version"], told["width"], told["height"]) == ("rich", "1.0", 400, 300)
    assert 'lang="en" width="400" height="300"' in told["html"]
    assert "/embed/N21704?municipality=0880&amp;sex=men&amp;lang=en" in told["html"]
    assert 'title="Inhabitants 80+' in told["html"]
    text = site.get("/indikator/N21704", headers={"Accept": "text/html"}).text
    assert 'type="application/json+oembed"' in text


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://example.org/indikator/N21704",
        "javascript:alert(1)",
        "http://[",
        "{}/indikator/",
        "{}/",
        "{}/x",
    ],
)
def test_oembed_knows_no_other_address(url: str, site: httpx.Client) -> None:
    answer = site.get("/oembed", params={"url": url.format(str(site.base_url).rstrip("/"))} if url else {})

    problem(answer, 404, "not-found")


def test_oembed_refuses_what_it_does_not_speak(site: httpx.Client) -> None:
    page = str(site.base_url.join("/indikator/N21704"))

    assert site.get("/oembed", params={"url": page, "format": "xml"}).status_code == 501
    assert faults(site.get("/oembed", params={"url": page, "maxwidth": "0"})) == [("maxwidth", "0")]


def test_what_others_have_pasted_is_never_changed() -> None:
    # change a file by adding one: the name of a released file is that of its bytes
    folder = ROOT / "api" / "web" / "released"
    right = {
        f"{path.name.split('.')[0]}.{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}{path.suffix}"
        for path in folder.iterdir()
    }

    assert {path.name for path in folder.iterdir()} == right
    assert set(assets.RELEASED.values()) <= right
    assert right <= assets.served().keys()
