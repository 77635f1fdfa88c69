"""What differs between two versions: `/datasets/{datasetId}/versions/{version}/changes`."""

from datetime import date
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from msgspec import UNSET, Struct, UnsetType, field

from api import links
from api.answers import Listing, Meta, answer_bytes
from api.asked import Asked
from api.comparisons import MOST_COMPARED
from api.links import Place, address
from api.parameters import FROM, LANGUAGE, LISTED
from api.problems import InvalidParameter, InvalidParametersError, RefusalError
from api.question import nearest_versions
from api.replies import PINNED, reply
from api.routes.datasets import cited, to_version, version_in
from api.service import asked_in, place_in, service_in
from api.snapshot import Snapshot
from api.texts import LATEST
from datasets.compare import Compared, Overview, TooMuchToCompareError
from datasets.ledger import Release
from datasets.vocabulary import Flag, Sex, Status


class FigureState(Struct, frozen=True, kw_only=True, rename="camel"):
    """Everything that is told of a figure but its key."""

    value: float | None
    status: Status | UnsetType = UNSET
    flags: list[Flag] | UnsetType = UNSET
    low: float | UnsetType = UNSET
    high: float | UnsetType = UNSET
    count: int | UnsetType = UNSET
    period_start: date | UnsetType = UNSET
    period_end: date | UnsetType = UNSET


class _OfAFigure(Struct, frozen=True, kw_only=True, tag_field="change"):
    indicator: str
    municipality: str
    sex: Sex
    year: int
    breakdown: dict[str, str] | UnsetType = UNSET


class Added(_OfAFigure, frozen=True, kw_only=True, tag="added"):
    """A figure that was not there before."""

    before: None
    after: FigureState


class Revised(_OfAFigure, frozen=True, kw_only=True, tag="revised"):
    """A figure that is told otherwise; `fields` are those that differ: flags alone, or the value itself."""

    before: FigureState
    after: FigureState
    fields: list[str]


class Removed(_OfAFigure, frozen=True, kw_only=True, tag="removed"):
    """A figure that is no longer there."""

    before: FigureState
    after: None


class Redefined(Struct, frozen=True, kw_only=True, tag_field="change", tag="definition"):
    """A field of an indicator's or the dataset's definition.

    A whole new or ended indicator has the field `indicator`, the first version `dataset`, and null on one
    side.
    """

    indicator: str | UnsetType = UNSET
    dataset: str | UnsetType = UNSET
    field: str
    before: Any
    after: Any


class ChangesMeta(Meta, frozen=True, kw_only=True, rename="camel"):
    """What was compared, how many changes there are of each kind, and how to cite them."""

    dataset: str
    version: str
    previous: str | None
    counts: Compared
    citation: str


class ChangeList(Listing, frozen=True, kw_only=True):
    """A page of changes: the dataset's own, then by indicator its definition's, then its figures by key."""

    changes: list[Added | Revised | Removed | Redefined]
    meta: ChangesMeta = field(name="_meta")


@get(
    "/datasets/{datasetId:str}/versions/{version:str}/changes",
    operation_id="listChanges",
    summary="Vad som ändrades / What changed",
    tags=["datasets"],
    opt={"parameters": (FROM, *LISTED), "answer": ChangeList},
)
async def changes(
    request: Request[Any, Any, Any],
    datasetId: FromPath[str],  # noqa: N803
    version: FromPath[str],
) -> Response[bytes]:
    """Varje siffra och definition som skiljer, före och efter. / Every figure and definition that differs.

    Jämfört med versionen före, eller med `from`; mot den första är allt nytt.
    Compared with the version before, or with `from`; against the first all is new.
    """
    service, asked = service_in(request), asked_in(request)
    newest = service.live.newest()
    after = version_in(newest, datasetId, version)
    path = f"/datasets/{datasetId}/versions/{after.version}/changes"
    place = place_in(request, path)
    if version == LATEST:
        return to_version(address(place.base, path, place.pairs))
    before = _earlier(newest, after, asked[FROM.name])
    page, limit = asked["page"], asked["limit"]
    start = (page - 1) * limit if page else 0
    try:
        rows, found = await service.comparisons.page(before, after, start, start + limit if page else 0)
    except TooMuchToCompareError as error:
        raise _too_much(error, place, after) from None
    meta = _meta(found, place, asked, len(rows))
    told = links.paging(place, page, -(-meta.total_records // limit), {})
    return reply(answer_bytes("changes", b",".join(rows), meta, told), PINNED, told)


def _meta(found: Overview, place: Place, asked: Asked, rows: int) -> ChangesMeta:
    before, after, counts = found.before, found.after, found.counts
    pairs = [(FROM.name, str(before.version))] if before else []
    whole = address(place.base, place.path, pairs)
    return ChangesMeta(
        total_records=len(counts),
        page=asked["page"],
        limit=asked["limit"],
        count=rows,
        dataset=after.dataset,
        version=str(after.version),
        previous=str(before.version) if before else None,
        counts=counts,
        citation=cited(found.description, after, whole, asked[LANGUAGE.name]),
    )


def _earlier(newest: Snapshot, after: Release, asked: str | None) -> Release | None:
    """Return the release to compare with; raises a 400 for one that is none or comes later."""
    line = [release for release in newest.versions(after.dataset) if release.number <= after.number]
    if asked is None:
        return line[-2] if len(line) > 1 else None
    known = {str(release.version): release for release in line}
    if asked not in known:
        reason = f"is no version of {after.dataset} up to {after.version}"
        near = nearest_versions(asked, known)
        raise InvalidParametersError(
            [InvalidParameter(name=FROM.name, reason=reason, value=asked, closest=near)]
        )
    return known[asked]


def _too_much(error: TooMuchToCompareError, place: Place, after: Release) -> RefusalError:
    detail = (
        f"{error}; the most is {MOST_COMPARED}. Compare nearer versions, or take changes.ndjson.gz of each"
    )
    own = f"/datasets/{after.dataset}/versions/{after.version}"
    whole = address(place.base, f"{own}/files/changes.ndjson.gz")
    return RefusalError("too-much", detail, asked=error.size, limit=MOST_COMPARED, href=whole)
