"""The catalogue for harvesters: `/catalog.rdf`, `.ttl`, `.jsonld`, and where public bodies are looked for."""

from asyncio import to_thread
from typing import Any

from litestar import Request, Response, get

from api.replies import FRESH
from api.service import service_in

_SUFFIXES = {".ttl": "turtle", ".jsonld": "json-ld"}


@get(["/catalog.rdf", "/catalog.ttl", "/catalog.jsonld", "/datasets/dcat"], include_in_schema=False)
async def catalog(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return every dataset as DCAT-AP-SE; in RDF/XML unless the address or `Accept` asks for another form."""
    # a twentieth of the time that a process takes to start, for what is asked for once a night
    from api.dcat import catalogue  # noqa: PLC0415
    from api.rdf import MEDIA, taken, written  # noqa: PLC0415

    service, path = service_in(request), request.scope["path"]
    snapshot = service.live.newest()
    async with service.store.session() as session:
        files = {
            state.release.number: await session.files(state.release.number)
            for state in snapshot.datasets.values()
        }
    by_path = next((form for suffix, form in _SUFFIXES.items() if path.endswith(suffix)), "")
    form = by_path or taken(request.headers.get("accept", ""))
    graph = catalogue(snapshot, files, request.scope["state"]["base"])
    body = await to_thread(written, graph, form)
    return Response(body, media_type=MEDIA[form], headers={"Cache-Control": FRESH})
