"""About the service itself: `/api-info`, `/openapi.json`, `/config`, `/statuses`."""

from functools import cache
from importlib.resources import files
from typing import Any

from litestar import Request, Response, get
from litestar.enums import MediaType
from msgspec import Struct

from api import about
from api.answers import Listing
from api.asked import LONGEST_LIST
from api.formats import FORMATS, MOST_CELLS, MOST_ROWS
from api.links import address
from api.manners import WINDOW_SECONDS
from api.observations import MOST_FIGURES
from api.parameters import LANGUAGE, LARGEST_PAGE, LIST_PAGE, LISTED, OBSERVATIONS_PAGE
from api.question import MOST_INDICATORS
from api.replies import FRESH, listed, one
from api.service import asked_in, service_in
from datasets.statuses import LEGEND


class ApiInfo(Struct, frozen=True, rename="camel"):
    """What the service is, in the words of the national REST API profile."""

    api_name: str
    api_version: str
    api_released: str
    api_documentation: str
    api_status: str


class Config(Struct, frozen=True, rename="camel"):
    """Every limit, so that no pull has to fail to find it; null where calls are not counted.

    `rowsPerFile` is the most figures of an answer in a format other than JSON, `cellsPerFile` the most cells
    of one in JSON-stat.
    """

    rows_per_page: int
    default_rows_per_page: int
    default_rows_per_list: int
    rows_per_answer: int
    rows_per_file: int
    cells_per_file: int
    indicators_per_query: int
    codes_per_parameter: int
    characters_per_address: int
    calls_per_window: int | None
    window_seconds: int | None
    formats: list[str]
    encodings: list[str]
    languages: list[str]
    default_language: str


class Meaning(Struct, frozen=True):
    """One status or flag and what it means."""

    code: str
    kind: str
    title: str
    text: str


class StatusList(Listing, frozen=True, kw_only=True):
    """The legend, as a list."""

    statuses: list[Meaning]


@cache
def openapi_bytes() -> bytes:
    """Return the committed contract."""
    return files("api").joinpath("openapi.json").read_bytes()


@get(
    "/api-info",
    operation_id="getApiInfo",
    summary="Om API:et / About the API",
    tags=["about"],
    opt={"answer": ApiInfo},
)
async def api_info(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Namn, version, status och dokumentation. / Name, version, status and documentation."""
    base = request.scope["state"]["base"]
    return one(
        ApiInfo(about.NAME, about.VERSION, about.RELEASED, address(base, "/openapi.json"), about.STATUS)
    )


@get("/openapi.json", include_in_schema=False)
async def openapi_json() -> Response[bytes]:
    """Return the contract, the same bytes as the committed file."""
    return Response(openapi_bytes(), media_type=MediaType.JSON, headers={"Cache-Control": FRESH})


@get(
    "/config",
    operation_id="getConfig",
    summary="Gränser / Limits",
    tags=["about"],
    opt={"answer": Config},
)
async def config(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Alla gränser, format och språk; räknas aldrig. / Every limit, format and language; never counted."""
    calls = service_in(request).settings.rate or None
    return one(
        Config(
            rows_per_page=LARGEST_PAGE,
            default_rows_per_page=OBSERVATIONS_PAGE,
            default_rows_per_list=LIST_PAGE,
            rows_per_answer=MOST_FIGURES,
            rows_per_file=MOST_ROWS,
            cells_per_file=MOST_CELLS,
            indicators_per_query=MOST_INDICATORS,
            codes_per_parameter=LONGEST_LIST,
            characters_per_address=about.LONGEST_ADDRESS,
            calls_per_window=calls,
            window_seconds=WINDOW_SECONDS if calls else None,
            formats=[*FORMATS],
            encodings=["zstd", "br", "gzip"],
            languages=["sv", "en"],
            default_language="sv",
        )
    )


@get(
    "/statuses",
    operation_id="listStatuses",
    summary="Statusar och flaggor / Statuses and flags",
    tags=["about"],
    opt={"parameters": LISTED, "answer": StatusList},
)
async def statuses(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Vad varje status och flagga betyder. / What every status and flag means."""
    language = asked_in(request)[LANGUAGE.name]
    meanings = [
        Meaning(sign.code, sign.kind, sign.title.spoken(language), sign.text.spoken(language))
        for sign in LEGEND
    ]
    return listed(request, "/statuses", "statuses", meanings)
