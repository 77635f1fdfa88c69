"""The areas: `/municipalities`."""

from typing import Any

from litestar import Request, Response, get
from msgspec import Struct

from api.answers import Listing
from api.parameters import AREA_TYPE, LISTED, PARENT
from api.problems import InvalidParameter, InvalidParametersError
from api.replies import listed
from api.service import asked_in
from datasets.areas import area, areas
from datasets.errors import UnknownCodeError


class AreaEntry(Struct, frozen=True, kw_only=True, rename="camel"):
    """One area; the years of its validity are null where they are open or not known."""

    code: str
    name: str
    type: str
    parent: str | None
    valid_from: int | None
    valid_to: int | None
    members: tuple[str, ...]


class AreaList(Listing, frozen=True, kw_only=True):
    """A page of areas, by code."""

    municipalities: list[AreaEntry]


@get(
    "/municipalities",
    operation_id="listMunicipalities",
    summary="Områden / Areas",
    tags=["municipalities"],
    opt={"parameters": (AREA_TYPE, PARENT, *LISTED), "answer": AreaList},
)
async def municipalities(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Riket, län, kommuner, delområden, grupper. / Country, counties, municipalities, sub-areas, groups."""
    asked = asked_in(request)
    kind, parent = asked["type"], asked["parent"]
    if parent is not None:
        _check_parent(parent)
    rows = [
        AreaEntry(
            code=known.code,
            name=known.name,
            type=known.type,
            parent=known.parent,
            valid_from=known.valid_from,
            valid_to=known.valid_to,
            members=known.members,
        )
        for known in areas().values()
        if kind in {None, known.type} and parent in {None, known.parent}
    ]
    return listed(request, "/municipalities", "municipalities", rows)


def _check_parent(code: str) -> None:
    try:
        area(code)
    except UnknownCodeError as error:
        fault = InvalidParameter(name="parent", reason="is no area", value=error.value, closest=error.closest)
        raise InvalidParametersError([fault]) from None
