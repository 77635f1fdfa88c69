"""What a refusal says, so that it can be repaired: the closest right codes, sizes, limits and addresses."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_from_bytes

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.problems import KINDS
from datasets.areas import areas
from datasets.cube import NO_COUNT, NO_DAY, Columns, Cube, cube_of
from datasets.vocabulary import Breakdown
from tests import given as made
from tests.conftest import Server, fresh_database, served
from tests.drafts import published
from tests.test_refusals import PAGED, PARAMETERS, faults, problem

YEARS = range(1800, 2200)


@pytest.mark.parametrize(
    ("question", "name", "value", "closest"),
    [
        ("observations?indicator=N2001", "indicator", "N2001", "N20014"),
        ("observations?indicator=scb-folkmängd", "indicator", "scb-folkmängd", "scb-folkmangd"),
        ("observations?indicator=Ginikoefficient", "indicator", "Ginikoefficient", "U00907"),
        ("observations?indicator=fohm-riskspelande,n20014", "indicator", "n20014", "N20014"),
        ("observations?sex=female", "sex", "female", "women"),
        ("observations?sex=male", "sex", "male", "men"),
        ("observations?sex=Women", "sex", "Women", "women"),
        ("observations?municipality=880", "municipality", "880", "0880"),
        ("observations?municipality=Kalmar", "municipality", "Kalmar", "0880"),
        ("observations?municipality=kalmar län", "municipality", "kalmar län", "08"),
        ("observations?municipality=county:Kalmar", "municipality", "county:Kalmar", "county:08"),
        ("observations?municipality=county:0880", "municipality", "county:0880", "county:08"),
        ("observations?municipality=county:8", "municipality", "county:8", "county:08"),
        ("observations?dataset=scb-befolknin", "dataset", "scb-befolknin", "scb-befolkning"),
        ("observations?dataset=scb-befolkning&version=1.0.1", "version", "1.0.1", "1.0.0"),
        ("observations?dataset=region-kalmar-aldre&breakdown=age:80", "breakdown", "age:80", "age:80-"),
        ("observations?dataset=region-kalmar-aldre&breakdown=agee:80-", "breakdown", "agee", "age"),
        ("observations?indicator=scb-folkmangd&breakdown=reporter:polis", "breakdown", "reporter", None),
        ("observations?year=newest", "year", "newest", "latest"),
        ("observations?sort=-valu", "sort", "-valu", "-value"),
        ("observations?fields=values", "fields", "values", "value"),
        ("indicators?municipality=880", "municipality", "880", "0880"),
        ("indicators?dataset=scb-befolknin", "dataset", "scb-befolknin", "scb-befolkning"),
        ("indicators?source=SCB", "source", "SCB", "scb"),
        ("municipalities?parent=8", "parent", "8", "08"),
        ("municipalities?type=municipalities", "type", "municipalities", "municipality"),
    ],
)
def test_a_wrong_code_is_told_the_closest_right_one(
    question: str, name: str, value: str, closest: str | None, client: httpx.Client
) -> None:
    answer = client.get(f"/{question}")

    assert faults(answer) == [(name, value)]
    assert answer.json()["invalidParameters"][0].get("closest", [None])[0] == closest
    assert value in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("version=1.0.0", "needs one dataset beside it"),
        ("dataset=scb-befolkning&version=latest", "must be a number; leave it out for the latest"),
        ("dataset=scb-befolkning&version=%2B1.0.0", "is not a version like 2.1.0"),
        ("dataset=scb-befolkning&version=01.0.0", "is not a version like 2.1.0"),
        ("dataset=scb-befolkning&version=1.0.0&asOf=2026-01-01", "only one of them can pin the answer"),
        ("year=2001,latest", "stands alone; other years cannot stand beside it"),
        ("year=1066", "1066 is not a year from 1749 to 2200"),
        ("year=000000000000002001x", "is not a year in four digits"),
        ("asOf=2026-02-30", "is no moment of the calendar"),
        ("asOf=2026-W47-7", "is not a date or an RFC 3339 time"),
        ("asOf=20261122T101112Z", "is not a date or an RFC 3339 time"),
        ("asOf=2026-11-22T10:11:12", "is a time without its zone; add Z for UTC"),
        ("asOf=0001-01-01T00:00:00%2B23:59", "is no moment of the calendar"),
        ("asOf=9999-12-31T23:59:59-23:59", "is no moment of the calendar"),
        ("breakdown=age", "is not a dimension and its category like age:80-"),
        ("format=xml", "is no format; there is json, csv, ndjson, jsonstat, parquet, xlsx"),
    ],
)
def test_a_value_that_cannot_be_is_told_why(query: str, reason: str, client: httpx.Client) -> None:
    answer = client.get(f"/observations?{query}")

    assert len(faults(answer)) == 1
    assert reason in answer.json()["detail"]


def test_several_faults_are_told_at_once(client: httpx.Client) -> None:
    written = client.get("/observations?sex=female,kvinna&year=x&nosuch=1&limit=0")
    meant = client.get("/observations?indicator=N2001&municipality=880&breakdown=age:80-&dataset=scb")

    assert sorted(faults(written)) == [
        ("limit", "0"),
        ("nosuch", "1"),
        ("sex", "female"),
        ("sex", "kvinna"),
        ("year", "x"),
    ]
    assert sorted(name for name, _ in faults(meant)) == ["breakdown", "dataset", "indicator", "municipality"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.slug)
def test_the_type_of_a_problem_leads_to_a_page_that_explains_it(kind: object, server: Server) -> None:
    slug, title, status = (getattr(kind, name) for name in ("slug", "title", "status"))
    page = httpx.get(f"{server.url}/problems/{slug}")

    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<h1>{title} ({status})</h1>" in page.text
    assert '<html lang="sv">' in page.text
    assert '<p lang="en">' in page.text


def _grown() -> Cube:
    """Return half a million figures and a few: every area, sex and year from 1800 to 2199."""
    codes = tuple(areas())[:330]
    place, sex, year = (
        axis.ravel() for axis in np.meshgrid(np.arange(330), np.arange(4), np.array(YEARS), indexing="ij")
    )
    size = len(place)
    columns = Columns(
        municipality=place.astype(np.uint16),
        sex=sex.astype(np.uint8),
        year=year.astype(np.int16),
        start=np.full(size, NO_DAY, np.int32),
        end=np.full(size, NO_DAY, np.int32),
        breakdown=np.zeros(size, np.uint32),
        value=np.arange(size, dtype=np.float64),
        status=np.zeros(size, np.uint8),
        flags=np.zeros(size, np.uint8),
        low=np.full(size, np.nan),
        high=np.full(size, np.nan),
        count=np.full(size, NO_COUNT, np.int64),
    )
    return cube_of(codes, (Breakdown(),), columns)


@pytest.fixture(scope="module")
def crowded(cluster: str, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service with more than may be asked for at once: two large cubes, and 501 indicators."""
    with fresh_database(cluster) as address:
        grown = _grown()
        published(
            address,
            made.draft("stor", {"stor-ena": grown, "stor-andra": grown}),
            made.draft("bred", {f"bred-{number}": made.cube() for number in range(501)}),
        )
        log = tmp_path_factory.mktemp("crowded") / "log"
        with (
            served({"LANSDATA_DATABASE_URL": address, "LANSDATA_HOME": str(home)}, log) as running,
            httpx.Client(base_url=f"{running.url}/api/v1", timeout=120) as one,
        ):
            yield one


@pytest.mark.parametrize(
    ("query", "asked", "limit", "dataset"),
    [
        ("dataset=stor", 2 * 330 * 4 * len(YEARS), "rowsPerAnswer", "stor"),
        ("dataset=bred", 501, "indicatorsPerQuery", "bred"),
    ],
)
def test_too_much_tells_the_size_the_limit_and_where_it_all_is(
    query: str, asked: int, limit: str, dataset: str, crowded: httpx.Client
) -> None:
    most = crowded.get("/config").json()[limit]
    body = problem(crowded.get(f"/observations?{query}"), 400, "too-much")

    assert (body["asked"], body["limit"]) == (asked, most)
    assert f" {asked} " in body["detail"]
    assert f" {most}." in body["detail"]
    assert body["href"].endswith(f"/datasets/{dataset}/versions/1.0.0/files/observations.csv.gz")


def test_as_much_as_may_be_asked_for_is_answered_whole(crowded: httpx.Client) -> None:
    last = crowded.get("/observations?indicator=stor-ena&limit=10000&page=53").json()

    assert last["_meta"]["totalRecords"] == 528_000
    assert [row["value"] for row in last["observations"]] == list(range(520_000, 528_000))


def test_two_indicators_with_the_same_figures_keep_their_names(crowded: httpx.Client) -> None:
    body = crowded.get("/observations?dataset=stor&municipality=0880&sex=men&year=1900").json()

    assert [row["indicator"] for row in body["observations"]] == ["stor-andra", "stor-ena"]
    assert len({row["value"] for row in body["observations"]}) == 1


def test_many_indicators_are_listed_page_by_page(crowded: httpx.Client) -> None:
    ids = [
        one["id"]
        for page in range(1, 7)
        for one in crowded.get(f"/indicators?dataset=bred&limit=100&page={page}").json()["indicators"]
    ]

    assert ids == sorted(f"bred-{number}" for number in range(501))


WORDS = st.sampled_from(
    [
        *("", "*", "%", "%zz", "%f", "%00", "%ff", "=", "+", ";", ",,", "-1", "9" * 40, "latest", "women"),
        *("0880", "08", "county:08", "scb-folkmangd", "N20014", "scb-befolkning", "1.0.0", "age:80-"),
        *("2001", "2026-11-22", "value", "-value"),
    ]
)
PIECES = (
    WORDS
    | st.text(max_size=12).map(lambda text: quote(text.encode("utf-8", "surrogatepass")))
    | st.binary(max_size=8).map(quote_from_bytes)
    | st.text(st.sampled_from("!$&'()*+,;=:@-._~/?[]{}|\\^`"), max_size=8)
)
NAMES = st.sampled_from(sorted({parameter.name for _, parameter in PARAMETERS}))
PAIRS = st.tuples(NAMES | PIECES, st.lists(PIECES, max_size=3).map(",".join)).map("=".join)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from([*PAGED, "/api/v1/config"]), pairs=st.lists(PAIRS, max_size=5))
@example(path="/api/v1/observations", pairs=["municipality=county:0880"])
@example(path="/api/v1/observations", pairs=["asOf=0001-01-01T00:00:00%2B23:59"])
def test_whatever_is_asked_the_answer_is_json_of_ours_and_never_a_failure(
    path: str, pairs: list[str], client: httpx.Client
) -> None:
    answer = client.get(client.base_url.copy_with(raw_path=f"{path}?{'&'.join(pairs)}".encode()))

    assert answer.status_code in {200, 400, 414}
    if answer.status_code == 200:
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()
    else:
        problem(
            answer, answer.status_code, "uri-too-long" if answer.status_code == 414 else "invalid-parameters"
        )
