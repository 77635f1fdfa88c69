"""The figures: `/observations`."""

from asyncio import to_thread
from typing import Any

from litestar import Request, Response, get
from msgspec.structs import replace

from api.asked import Asked, asked_of
from api.formats import FORMATS, JSON, MOST_ROWS, Format, accepted
from api.formats.parameters import OBSERVATIONS
from api.formats.writing import headers, refuse_what_it_lacks, written
from api.history import look_back
from api.links import Place
from api.observations import PATH, ObservationList, ShownFields, answer
from api.past import knowing_what_ended
from api.problems import InvalidParametersError
from api.question import question_of
from api.replies import FRESH, PINNED, headers_of
from api.service import Service, asked_in, place_in, service_in
from api.telling import withdrawals_told


@get(
    PATH,
    operation_id="listObservations",
    summary="Siffrorna / The figures",
    tags=["observations"],
    opt={
        "parameters": OBSERVATIONS,
        "answer": ObservationList,
        "narrowed": {"observations": ShownFields},
        "formats": FORMATS,
    },
)
async def observations(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Siffror efter indikator, område, kön och år. / Figures by indicator, area, sex and year.

    En siffra är ett tal precis som källan publicerade det, eller `null` med en `status` som säger varför.
    A figure is a number exactly as the source published it, or `null` with a `status` that says why.
    """
    asked = asked_in(request)
    taken = ",".join(request.headers.getall("accept", []))
    form = FORMATS[asked["format"]] if asked["format"] else accepted(taken)
    body, told = await _answered(service_in(request), asked, place_in(request, PATH), form)
    return Response(body, media_type=form.media, headers=told)


async def at_once(service: Service, query: bytes, base: str) -> tuple[bytes, dict[str, str]]:
    """Return what the handler above returns as JSON, without the framework; raises for all else."""
    asked = asked_of(query, OBSERVATIONS)
    if asked["format"] not in {None, JSON.name}:
        raise LookupError(asked["format"])
    return await _answered(service, asked, Place(base, PATH, asked.pairs), JSON)


async def _answered(
    service: Service, asked: Asked, place: Place, form: Format
) -> tuple[bytes, dict[str, str]]:
    """Return the answer in *form* and the headers of its own."""
    try:
        question = await question_of(asked, service.live)
    except InvalidParametersError as error:
        raise await knowing_what_ended(service.live, error) from None
    if form is not JSON or asked["labels"]:
        question = replace(question, format=form, labels=asked["labels"], limit=MOST_ROWS)
        refuse_what_it_lacks(question)
        if not asked["format"]:
            place = Place(place.base, place.path, (*place.pairs, ("format", form.name)))
    answered = await (look_back if question.looks_back else answer)(question, service.residents, place)
    # what is withdrawn may be looked at again: that it is, is told in the answer
    caching = PINNED if question.pinned and not withdrawals_told(question) else FRESH
    location = "" if question.pinned else answered.pinned_address
    if form is JSON:
        return answered.json(), headers_of(caching, answered.links, location)
    told = {"Cache-Control": caching, **({"Content-Location": location} if location else {})}
    body = await to_thread(written, question, answered)
    return body, told | headers(question, answered, place)
