"""Every error as `application/problem+json`: the only place where what went wrong becomes HTTP."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.status_codes import (
    HTTP_405_METHOD_NOT_ALLOWED,
    HTTP_416_REQUESTED_RANGE_NOT_SATISFIABLE,
    HTTP_500_INTERNAL_SERVER_ERROR,
)
from msgspec import Struct

from api.answers import encoded
from datasets.errors import ErasedError, FilesUnavailableError, StoreUnavailableError, UnknownCodeError

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
ALLOWED = "GET, HEAD, OPTIONS"
_LONGEST_INSTANCE = 200
_log = logging.getLogger(__name__)


class Kind(Struct, frozen=True):
    """A kind of problem: `type` and `title` never vary; the words explain it to a person."""

    slug: str
    status: int
    title: str
    sv: str
    en: str

    @property
    def type(self) -> str:
        """Return the address that names the kind and explains it."""
        return f"/problems/{self.slug}"


KINDS = (
    Kind(
        "invalid-parameters",
        400,
        "Invalid parameters",
        "En parameter finns inte eller har ett värde som den inte kan ha. `invalidParameters` säger vilken, "
        "varför, och vad som ligger närmast.",
        "A parameter does not exist or has a value that it cannot have. `invalidParameters` says which, why, "
        "and what is closest.",
    ),
    Kind(
        "too-much",
        400,
        "Too much asked",
        "Frågan gäller fler siffror än ett svar får rymma. Detaljen säger hur många, gränsen, och var hela "
        "datamängden finns att hämta.",
        "The question is for more figures than an answer may hold. The detail tells how many, the limit, and "
        "where the whole dataset can be had.",
    ),
    Kind(
        "bad-request",
        400,
        "Bad request",
        "Anropet kan inte läsas.",
        "The request cannot be read.",
    ),
    Kind(
        "not-found",
        404,
        "Not found",
        "Det finns inget på adressen. Detaljen säger vad som ligger närmast.",
        "There is nothing at the address. The detail tells what is closest.",
    ),
    Kind(
        "method-not-allowed",
        405,
        "Method not allowed",
        "Tjänsten kan bara läsas: GET och HEAD.",
        "The service can only be read: GET and HEAD.",
    ),
    Kind(
        "not-acceptable",
        406,
        "Not acceptable",
        "Ingen av de medietyper som `Accept` nämner finns här.",
        "None of the media types that `Accept` names is to be had here.",
    ),
    Kind(
        "too-large",
        413,
        "Too much for one file",
        "Svaret rymmer inte så många siffror i det här formatet. Detaljen säger hur många frågan gäller och "
        "gränsen, och `href` är filen där hela datamängden finns.",
        "An answer cannot hold as many figures in this format. The detail tells how many the question is for "
        "and the limit, and `href` is the file that has the whole dataset.",
    ),
    Kind(
        "erased",
        410,
        "Erased",
        "Här stod en siffra som aldrig borde ha varit offentlig. Den är raderad ur varje version och fil. "
        "Detaljen säger varför, och den nyaste versionen finns kvar utan den.",
        "Here stood a figure that should never have been public. It is erased from every version and file. "
        "The detail tells why, and the newest version is there without it.",
    ),
    Kind(
        "range-not-satisfiable",
        416,
        "Range not satisfiable",
        "Filen är kortare än det som efterfrågas. `Content-Range` säger hur lång den är.",
        "The file is shorter than what is asked for. `Content-Range` tells how long it is.",
    ),
    Kind(
        "uri-too-long",
        414,
        "Address too long",
        "Adressen är längre än gränsen i `/config`. Dela frågan, eller använd `dataset` och `county:08`.",
        "The address is longer than the limit in `/config`. Split the question, or use `dataset` and "
        "`county:08`.",
    ),
    Kind(
        "too-many-requests",
        429,
        "Too many requests",
        "Anropen kommer tätare än gränsen i `/config`. `Retry-After` säger hur många sekunder du ska vänta.",
        "Calls come faster than the limit in `/config`. `Retry-After` tells how many seconds to wait.",
    ),
    Kind(
        "internal",
        500,
        "Internal error",
        "Något gick fel hos oss. Ange `traceparent` om du hör av dig.",
        "Something went wrong on our side. Tell us the `traceparent` if you get in touch.",
    ),
    Kind(
        "unavailable",
        503,
        "Temporarily unavailable",
        "Databasen kan inte nås just nu, och svaret finns inte i minnet. Försök igen om en stund.",
        "The database cannot be reached right now, and the answer is not in memory. Try again shortly.",
    ),
)
BY_SLUG: Mapping[str, Kind] = {kind.slug: kind for kind in KINDS}
_BY_STATUS: Mapping[int, Kind] = {kind.status: kind for kind in KINDS}
"""The kind of a refusal that is not ours; of several with one status the last is the broadest."""


class InvalidParameter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One parameter that was refused: why, what it held, and the closest right values."""

    name: str
    reason: str
    value: str
    closest: tuple[str, ...] = ()


class Problem(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What went wrong, in the shape of RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    invalid_parameters: tuple[InvalidParameter, ...] = ()
    asked: int | None = None
    limit: int | None = None
    href: str = ""


class RefusalError(Exception):
    """A request that is answered with a problem."""

    def __init__(self, slug: str, detail: str, *, status: int = 0, **extra: Any) -> None:
        """Refuse with the kind *slug*; *extra* are further fields of the problem."""
        super().__init__(detail)
        self.kind = BY_SLUG[slug]
        self.detail = detail
        self.status = status or self.kind.status
        self.extra = extra


class InvalidParametersError(RefusalError):
    """Parameters that were refused, all of them at once."""

    def __init__(self, faults: Sequence[InvalidParameter]) -> None:
        """Keep *faults*, at least one."""
        first = "; ".join(
            f"{fault.name}{f' {fault.value!r}' if fault.value else ''} {fault.reason}" for fault in faults[:3]
        )
        super().__init__("invalid-parameters", first, invalid_parameters=tuple(faults))
        self.faults = tuple(faults)


def not_found(name: str, error: UnknownCodeError) -> RefusalError:
    """Return the refusal of a path whose part *name* is no such code."""
    fault = InvalidParameter(
        name=name, reason=f"is no {error.kind}", value=error.value, closest=error.closest
    )
    return RefusalError("not-found", str(error), invalid_parameters=(fault,))


def problem_bytes(problem: Problem) -> bytes:
    """Return the body of *problem*."""
    return encoded(problem)


def instance_of(path: str) -> str:
    """Return *path* as the address that a problem happened at, escaped again, within bounds."""
    return quote(path[:_LONGEST_INSTANCE], safe="/:@!$&'()*+,;=~")


def told(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer *error*, whatever it is, without anything that is not for outsiders."""
    refusal = refusal_of(error)
    if refusal.kind.slug == "internal":
        _log.error("%s failed", request.scope["path"], exc_info=error)
    problem = Problem(
        type=refusal.kind.type,
        title=refusal.kind.title,
        status=refusal.status,
        detail=refusal.detail,
        instance=instance_of(request.scope["path"]),
        **refusal.extra,
    )
    headers = {"Cache-Control": "no-store"}
    if refusal.status in {429, 503}:
        headers["Retry-After"] = str(RETRY_SECONDS)
    if refusal.status == HTTP_416_REQUESTED_RANGE_NOT_SATISFIABLE:
        headers["Content-Range"] = f"bytes */{refusal.extra.get('limit', 0)}"
    if refusal.status == HTTP_405_METHOD_NOT_ALLOWED:
        headers["Allow"] = ALLOWED
    return Response(
        problem_bytes(problem), status_code=refusal.status, media_type=MEDIA_TYPE, headers=headers
    )


def refusal_of(error: Exception) -> RefusalError:
    """Return *error*, whatever it is, as a refusal without anything that is not for outsiders."""
    if isinstance(error, RefusalError):
        return error
    if isinstance(error, ErasedError):
        return RefusalError("erased", f"a figure that is asked for was erased: {error}")
    if isinstance(error, FilesUnavailableError):
        return RefusalError("unavailable", "the baked files cannot be reached right now")
    if isinstance(error, StoreUnavailableError):
        return RefusalError("unavailable", "the database cannot be reached and this is not in memory")
    if isinstance(error, HTTPException) and error.status_code < HTTP_500_INTERNAL_SERVER_ERROR:
        kind = _BY_STATUS.get(error.status_code, BY_SLUG["bad-request"])
        return RefusalError(kind.slug, _DETAILS.get(kind.slug, kind.en))
    return RefusalError("internal", "something went wrong on our side")


_DETAILS = {"not-found": "there is nothing at this address"}
