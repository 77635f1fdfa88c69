"""The figures: `/observations`."""

from typing import Any

from litestar import Request, Response, get
from litestar.enums import MediaType

from api.asked import Asked, asked_of
from api.history import look_back
from api.links import Place
from api.observations import PATH, ObservationList, answer
from api.parameters import OBSERVATIONS
from api.past import knowing_what_ended
from api.problems import InvalidParametersError
from api.question import question_of
from api.replies import FRESH, PINNED, headers_of
from api.service import Service, asked_in, place_in, service_in


@get(
    PATH,
    operation_id="listObservations",
    summary="Siffrorna / The figures",
    tags=["observations"],
    opt={"parameters": OBSERVATIONS, "answer": ObservationList},
)
async def observations(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Siffror efter indikator, område, kön och år. / Figures by indicator, area, sex and year.

    En siffra är ett tal precis som källan publicerade det, eller `null` med en `status` som säger varför.
    A figure is a number exactly as the source published it, or `null` with a `status` that says why.
    """
    body, headers = await _answered(service_in(request), asked_in(request), place_in(request, PATH))
    return Response(body, media_type=MediaType.JSON, headers=headers)


async def at_once(service: Service, query: bytes, base: str) -> tuple[bytes, dict[str, str]]:
    """Return what the handler above returns, without the framework; raises where the question is refused."""
    asked = asked_of(query, OBSERVATIONS)
    return await _answered(service, asked, Place(base, PATH, asked.pairs))


async def _answered(service: Service, asked: Asked, place: Place) -> tuple[bytes, dict[str, str]]:
    try:
        question = await question_of(asked, service.live)
    except InvalidParametersError as error:
        raise await knowing_what_ended(service.live, error) from None
    answered = await (look_back if question.looks_back else answer)(question, service.residents, place)
    location = "" if question.pinned else answered.pinned_address
    return answered.body, headers_of(PINNED if question.pinned else FRESH, answered.links, location)
