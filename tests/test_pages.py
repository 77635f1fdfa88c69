"""The pages as bytes: what every one has, that their figures are the API's, that input is text."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from api.replies import FRESH, PINNED
from api.web.assets import assets
from api.web.phrases import phrases
from datasets.areas import AreaType, areas
from tests.conftest import Server
from tests.pictured import BREAK

PATHS = (
    "/",
    "/indikatorer",
    "/indikatorer?q=hemtjänst",
    "/indikatorer?theme=aldre",
    "/datamangder",
    "/kommuner",
    "/tillganglighet",
    "/indikator/N21704",
    "/indikator/prov-alla-kommuner",
    "/indikator/prov-ingen",
    "/indikator/prov-en-punkt",
    "/datamangd/prov",
    "/kommun/0880",
)
REFUSED = {"/nosuch": 404, "/indikator/N2170": 404, "/kommun/880": 404, "/indikator/N21704?sex=female": 400}
EVERY = [prefix + path for prefix in ("", "/en") for path in (*PATHS, *REFUSED)]
COUNTIES = [str(one.code) for one in areas().values() if one.type is AreaType.COUNTY]
AS_A_BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{ 7*7 }}",
    "\N{RIGHT-TO-LEFT OVERRIDE}abc",
    "a" * 1500,
    "%00",
)


class Page(HTMLParser):
    """What a page is made of: each element with its attributes, and the text of some."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.rows: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip()

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def site(pictured: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=pictured.url, headers=AS_A_BROWSER, timeout=120) as one:
        yield one


@pytest.mark.parametrize("path", EVERY)
def test_every_page_has_what_every_page_needs(path: str, site: httpx.Client) -> None:
    answer = site.get(path)
    page = Page(answer.text)
    english = path.startswith("/en")
    plain = path.removeprefix("/en")

    assert answer.status_code == REFUSED.get(plain, 200), answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == ("no-store" if plain in REFUSED else FRESH)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert "set-cookie" not in answer.headers
    assert page.all("html") == [{"lang": "en" if english else "sv"}]
    assert len(page.all("h1")) == 1
    assert [one["id"] for one in page.all("main")] == ["main"]
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(one.get("scope") for one in page.all("th"))
    assert all(one.get("alt") for one in page.all("img"))
    assert not [one for _, attributes in page.elements for one in attributes if one.startswith("on")]
    assert not [attributes for _, attributes in page.elements if "style" in attributes]


@pytest.mark.parametrize("path", PATHS)
def test_a_page_asks_nobody_else_for_anything(path: str, site: httpx.Client) -> None:
    page = Page(site.get(path).text)
    asked = [one["src"] for tag in ("img", "script") for one in page.all(tag) if "src" in one]
    asked += [one["href"] for one in page.all("link") if one["rel"] in {"stylesheet", "icon"}]

    assert asked
    assert all(one.startswith("/") and not one.startswith("//") for one in asked)


def test_the_table_of_an_indicator_holds_exactly_what_the_api_answers(site: httpx.Client) -> None:
    page = Page(site.get("/indikator/N21704?municipality=0880,08,00&sex=women,men").text)
    api = next(one["href"] for one in page.all("a") if "/api/v1/observations" in one["href"])
    observations = site.get(api, headers={"Accept": "*/*"}).json()["observations"]

    assert len(observations) == 3 * 2 * 9 - 1
    assert sorted(float(one["value"]) for one in page.all("data")) == sorted(
        one["value"] for one in observations if one["value"] is not None
    )


def test_what_is_hidden_absent_or_broken_is_said_in_the_table(site: httpx.Client) -> None:
    rows = {
        row[0]: row[1:] for row in Page(site.get("/indikator/N21704?municipality=0880,08").text).rows if row
    }
    by_sex = Page(site.get("/indikator/N21704?municipality=0880,08&sex=women,men").text).rows
    told = {row[0]: row[1:] for row in by_sex if row}

    assert rows["2019"] == ["26,2", "28,2"]
    assert f"Tidsseriebrott 2020: {BREAK}" in rows
    assert told["2021"] == ["24,8", "16,8", "26,8", "dold av sekretesskäl"]
    assert told["2017"][0] == "ingen uppgift\N{EN DASH}"


def test_a_form_may_leave_fields_empty_and_repeat_others(site: httpx.Client) -> None:
    query = "municipality=0880&municipality=08&sex=women&year=&yearFrom=2021&yearTo="
    page = Page(site.get(f"/indikator/N21704?{query}").text)
    chosen = [one["value"] for one in page.all("input") if "checked" in one]

    assert chosen == ["08", "0880", "women"]
    assert next(one for one in page.all("option") if "selected" in one) is not None
    assert [row[0] for row in page.rows[1:4]] == ["2021", "2022", "2023"]


def test_the_address_holds_the_whole_choice_in_both_languages(site: httpx.Client) -> None:
    page = Page(site.get("/indikator/N21704?municipality=0880&sex=women&version=1.0.0").text)
    other = next(one["href"] for one in page.all("a") if one.get("hreflang") == "en")

    assert other.startswith("/en/indikator/N21704?")
    assert parse_qs(urlsplit(other).query) == {
        "municipality": ["0880"],
        "sex": ["women"],
        "version": ["1.0.0"],
    }
    assert site.get(other).status_code == 200


def test_what_is_too_much_for_a_picture_is_still_a_table(site: httpx.Client) -> None:
    everything = "municipality=" + ",".join(f"county:{code}" for code in COUNTIES) + "&sex=women,men,total"
    page = Page(site.get(f"/indikator/prov-trangsel?{everything}").text)
    picture = site.get(f"/charts/prov-trangsel.svg?{everything}")

    assert len(page.all("data")) == 3 * 290
    assert page.all("img") == []
    assert (picture.status_code, picture.json()["asked"], picture.json()["limit"]) == (400, 870, 700)
    assert Page(site.get("/indikator/prov-trangsel").text).all("img")


def test_search_finds_and_tells_what_is_near(site: httpx.Client) -> None:
    found = [one["href"] for one in Page(site.get("/indikatorer?q=hemtjänst andel").text).all("a")]
    near = site.get("/indikatorer?q=N2170").text

    assert "/indikator/N21704" in found
    assert 'href="/indikator/N21704"' in near


def test_a_profile_stands_beside_the_county_and_the_country(site: httpx.Client) -> None:
    rows = {row[0]: row[1:] for row in Page(site.get("/kommun/0880").text).rows if row}
    percent = "\N{NO-BREAK SPACE}%"

    assert rows["Invånare 80+ med hemtjänst i ordinärt boende, andel (%)"] == [
        "2023",
        f"23,4{percent}",
        f"21,4{percent}",
        f"18,4{percent}",
    ]
    assert rows["Andel som är dold, kvinnor"][:2] == ["2023", "dold av sekretesskäl"]


def test_a_dataset_is_described_for_gatherers(site: httpx.Client) -> None:
    text = re.search(r'<script type="application/ld\+json">(.*?)</script>', site.get("/datamangd/prov").text)
    assert text
    told = json.loads(text[1])

    assert (told["@type"], told["identifier"], told["version"]) == ("Dataset", "prov", "1.0.0")
    assert told["temporalCoverage"] == "2013/2023"
    assert site.get(told["distribution"][0]["contentUrl"]).status_code == 200


def test_a_refusal_leads_to_what_is_closest(site: httpx.Client) -> None:
    wrong = site.get("/indikator/N2170")
    as_json = site.get("/indikator/N2170", headers={"Accept": "*/*"})

    assert 'href="/indikator/N21704"' in wrong.text
    assert as_json.headers["content-type"] == "application/problem+json"
    assert site.get("/api/v1/nosuch").headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_hostile_input_is_text_or_refused(text: str, site: httpx.Client) -> None:
    texts = ("/indikatorer", "q"), ("/indikator/N21704", "municipality"), ("/kommun/0880", "theme")
    for path, name in texts:
        answer = site.get(path, params={name: text})
        page = Page(answer.text)

        assert answer.status_code in {200, 400, 414}
        assert not page.all("script")
        assert all(one.get("src", "/").startswith("/") for one in page.all("img"))
        assert "49" not in answer.text or text != "{{ 7*7 }}"
        assert not [one for one in page.all("a") if one["href"].startswith("javascript:")]


def test_files_of_pages_are_for_ever_and_named_by_what_they_hold(site: httpx.Client) -> None:
    for asset in assets().values():
        answer = site.get(f"/static/{asset.name}")

        assert (answer.content, answer.headers["cache-control"]) == (asset.body, PINNED)
    assert site.get("/static/style.css").status_code == 404


def test_both_languages_say_everything() -> None:
    assert phrases("sv").keys() == phrases("en").keys()
    assert all([*phrases("sv").values(), *phrases("en").values()])
