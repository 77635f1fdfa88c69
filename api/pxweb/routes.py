"""The addresses of the PxWeb face."""

from asyncio import to_thread
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from api.answers import encoded
from api.manners import WINDOW_SECONDS
from api.pxweb import answers, problems
from api.pxweb.answers import PREFIX
from api.pxweb.asked import LANGUAGES, Parameters, Selection, parameters_of, selection_of
from api.pxweb.extract import MOST_CELLS, default_selection, everything, extracted, grid_in
from api.pxweb.problems import NO_CODELIST, NO_FORMAT, NO_PAGE, PxWebError
from api.pxweb.tables import Table, table_in, tables_in
from api.replies import FRESH, REVALIDATED, UNCACHED
from api.service import service_in

VERSION = "2.3.0"
_LANGUAGES = {"sv": "Svenska", "en": "English"}
_SOURCES = {
    "sv": "Källa: se tabellens source; bearbetat där det sägs",
    "en": "Source: as the table's source tells; derived where it says so",
}
_PAGE, _LARGEST_PAGE = 20, 10_000
_LARGEST_BODY = 1 << 20
OWN_QUERY = {"reads_its_own_query": True}

Asking = Request[Any, Any, Any]


@get("/config", opt=OWN_QUERY)
async def config(request: Asking) -> Response[bytes]:
    """Return the limits, languages and formats; 0 calls in 0 seconds means that they are not limited."""
    parameters_of(request.scope["query_string"])
    calls = service_in(request).settings.rate
    told = {
        "apiVersion": VERSION,
        "appVersion": VERSION,
        "languages": [{"id": one, "label": _LANGUAGES[one]} for one in LANGUAGES],
        "defaultLanguage": LANGUAGES[0],
        "maxDataCells": MOST_CELLS,
        "maxCallsPerTimeWindow": calls,
        "timeWindow": WINDOW_SECONDS if calls else 0,
        "license": "https://creativecommons.org/publicdomain/zero/1.0/",
        "sourceReferences": [{"language": one, "text": _SOURCES[one]} for one in LANGUAGES],
        "defaultDataFormat": answers.FORMATS[0],
        "dataFormats": list(answers.FORMATS),
        "features": [{"id": "CORS", "params": [{"key": "enabled", "value": "True"}]}],
    }
    return _json(told)


@get("/tables", opt=OWN_QUERY)
async def tables(request: Asking) -> Response[bytes]:
    """Return a page of the tables that a search meets, each of its words somewhere."""
    asked = parameters_of(request.scope["query_string"])
    language, base = asked.language, request.scope["state"]["base"]
    query = asked.texts.get("query", "").casefold().replace("*", " ").split()
    found = list(tables_in(service_in(request).live.newest()).values())
    found = [table for table in found if all(word in table.text(language) for word in query)]
    days = asked.whole("pastdays", 0, 36_500) if asked.texts.get("pastdays") else 0
    if days:
        since = datetime.now(UTC) - timedelta(days=days)
        found = [table for table in found if table.dataset.release.published_at >= since]
    told = _page(found, asked, base)
    return _json(told, REVALIDATED if days else FRESH)


@get("/tables/{name:str}", opt=OWN_QUERY)
async def table(request: Asking, name: FromPath[str]) -> Response[bytes]:
    """Return one table as the list tells it."""
    asked, found = _asked(request, name)
    language, base = asked.language, request.scope["state"]["base"]
    return _json({"language": language, **answers.entry(found, base, language)})


@get("/tables/{name:str}/metadata", opt=OWN_QUERY)
async def metadata(request: Asking, name: FromPath[str]) -> Response[bytes]:
    """Return the variables of a table and all their codes."""
    asked, found = _asked(request, name)
    language, service = asked.language, service_in(request)
    grid = await grid_in(found, service.live.now.number, language, service.residents)
    extract = await everything(found, grid, language, service.residents)
    told = answers.head(found, extract, request.scope["state"]["base"], language)
    return _json({**told, "value": []})


@get("/tables/{name:str}/defaultselection", opt=OWN_QUERY)
async def defaultselection(request: Asking, name: FromPath[str]) -> Response[bytes]:
    """Return what an empty selection means."""
    asked, found = _asked(request, name)
    language, service = asked.language, service_in(request)
    grid = await grid_in(found, service.live.now.number, language, service.residents)
    own = answers.link(
        request.scope["state"]["base"], "self", f"/tables/{found.id}/defaultselection", language
    )
    chosen = default_selection(grid)
    return _json(
        {
            "language": language,
            "selection": chosen.selection,
            "placement": chosen.placement,
            "links": [own],
        }
    )


@get("/tables/{name:str}/data", opt=OWN_QUERY)
async def data(request: Asking, name: FromPath[str]) -> Response[bytes]:
    """Return the figures that a query string selects."""
    asked, found = _asked(request, name)
    return await _figures(request, found, asked, asked.selection, FRESH)


@post("/tables/{name:str}/data", opt=OWN_QUERY, status_code=HTTP_200_OK)
async def posted_data(request: Asking, name: FromPath[str]) -> Response[bytes]:
    """Return the figures that a body selects."""
    asked, found = _asked(request, name)
    selection = selection_of(await request.body())
    return await _figures(request, found, asked, selection, UNCACHED)


@get(["/codelists/{name:str}", "/codeLists/{name:str}"], opt=OWN_QUERY)
async def codelist(name: FromPath[str]) -> Response[bytes]:
    """Refuse: no variable has code lists here."""
    raise PxWebError((404, NO_CODELIST[1]), f"{name[:100]!r}: no variable has code lists here")


def face() -> Router:
    """Return the face, to be put beside the versioned API."""
    return Router(
        PREFIX,
        route_handlers=[config, tables, table, metadata, defaultselection, data, posted_data, codelist],
        exception_handlers={PxWebError: problems.told},
        request_max_body_size=_LARGEST_BODY,
        include_in_schema=False,
    )


async def _figures(
    request: Asking, found: Table, asked: Parameters, selection: Selection, caching: str
) -> Response[bytes]:
    wanted = asked.texts.get("outputformat") or answers.FORMATS[0]
    params = asked.texts.get("outputformatparams", "")
    if wanted not in answers.FORMATS or (params and wanted != "csv"):
        raise PxWebError(
            NO_FORMAT,
            f"outputFormat {wanted[:100]!r} with {params[:100]!r}; there is {', '.join(answers.FORMATS)}",
        )
    language, service, base = asked.language, service_in(request), request.scope["state"]["base"]
    whole = await grid_in(found, service.live.now.number, language, service.residents)
    extract, cells = await extracted(found, whole, selection, language, service.residents)
    if wanted == "csv":
        body = await to_thread(answers.as_csv, found, extract, cells, language, params)
        return _reply(body, "text/csv", caching, f"{found.id}.csv")
    body = await to_thread(answers.dataset, found, extract, cells, base, language)
    return _reply(body, "application/json", caching, f"{found.id}.json")


def _page(found: list[Table], asked: Parameters, base: str) -> dict[str, Any]:
    language = asked.language
    size, number = asked.whole("pagesize", _PAGE, _LARGEST_PAGE), asked.whole("pagenumber", 1)
    pages = max(-(-len(found) // size), 1)
    if number > pages:
        raise PxWebError(NO_PAGE, f"page {number}; there are {pages}")
    query = "".join(
        f"&{name}={quote(asked.texts[name])}" for name in ("query", "pastdays") if asked.texts.get(name)
    )

    def to(rel: str, page: int) -> dict[str, Any]:
        return answers.link(base, rel, "/tables", language, f"{query}&pageSize={size}&pageNumber={page}")

    turns = [("next", number + 1)] if number < pages else []
    turns += [("previous", number - 1)] if number > 1 else []
    turns += [("last", pages)] if pages > 1 else []
    shown = found[(number - 1) * size : number * size]
    return {
        "language": language,
        "tables": [answers.entry(one, base, language) for one in shown],
        "page": {
            "pageNumber": number,
            "pageSize": size,
            "totalElements": len(found),
            "totalPages": pages,
            "links": [to(rel, page) for rel, page in turns],
        },
        "links": [to("self", number)],
    }


def _asked(request: Asking, name: str) -> tuple[Parameters, Table]:
    asked = parameters_of(request.scope["query_string"])
    return asked, table_in(service_in(request).live.newest(), name)


def _json(told: Any, caching: str = FRESH) -> Response[bytes]:
    return _reply(encoded(told), "application/json", caching)


def _reply(body: bytes, media: str, caching: str, name: str = "") -> Response[bytes]:
    named = {"Content-Disposition": f'inline; filename="{name}"'} if name else {}
    return Response(body, media_type=media, headers={"Cache-Control": caching, **named})
