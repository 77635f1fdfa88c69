"""Refusals in the shape and with the titles of PxWebApi 2; its clients judge by status and title."""

from typing import Any

from litestar import Request, Response
from msgspec import Struct

from api import problems
from api.answers import encoded

NO_VARIABLE = (400, "Non-existent variable")
NO_VALUE = (400, "Non-existent value")
NO_CODELIST = (400, "Non-existent codelist")
# the word is PxWeb's own, and clients look for it
MISSING_SELECTION = (400, "Missing selection for mandantory variable")
ILLEGAL_EXPRESSION = (400, "Illegal selection expression")
ILLEGAL_PLACEMENT = (400, "Illegal placment")
ILLEGAL_BODY = (400, "One or more validation errors occurred.")
ILLEGAL_PARAMETER = (400, "Illegal parameter")
NO_FORMAT = (400, "Unsupported output format")
NO_LANGUAGE = (400, "Unsupported language")
# SCB answers 400 here against its own specification, which says 403 as version 1 does
TOO_MANY_CELLS = (403, "Too many cells selected")
NO_TABLE = (404, "Non-existent table")
NO_PAGE = (404, "Non-existent page")


class _Told(Struct, frozen=True):
    """The body of a refusal."""

    type: str
    title: str
    status: int
    detail: str


class PxWebError(Exception):
    """A request that is refused, with a *detail* that helps."""

    def __init__(self, kind: tuple[int, str], detail: str) -> None:
        super().__init__(detail)
        self.status, self.title = kind
        self.detail = detail


def told(_: Request[Any, Any, Any], error: PxWebError) -> Response[bytes]:
    """Answer a refusal; whatever else goes wrong is told as everywhere."""
    body = _Told("Parameter error", error.title, error.status, error.detail)
    return Response(
        encoded(body),
        status_code=error.status,
        media_type=problems.MEDIA_TYPE,
        headers={"Cache-Control": "no-store"},
    )
