"""How fresh everything is: `/freshness`."""

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get
from msgspec import field

from api import links
from api.answers import Listing, Meta, Moment, answer_bytes, encoded
from api.freshness import DatasetFreshness, SourceFreshness, datasets_told, sources_told
from api.freshness_words import stale_warning
from api.parameters import DATASET, LANGUAGE, LISTED, SOURCE
from api.problems import InvalidParameter, InvalidParametersError
from api.replies import REVALIDATED, reply
from api.service import asked_in, place_in, service_in
from datasets.closest import closest

_PATH = "/freshness"


class FreshnessMeta(Meta, frozen=True, kw_only=True, rename="camel"):
    """How much there is, and each source taken together; `knownAt` where the ledger cannot be asked now."""

    sources: list[SourceFreshness]
    known_at: Moment | None
    warnings: list[str]


class FreshnessList(Listing, frozen=True, kw_only=True):
    """A page of datasets, by source and id."""

    freshness: list[DatasetFreshness]
    meta: FreshnessMeta = field(name="_meta")


@get(
    _PATH,
    operation_id="listFreshness",
    summary="Hur färskt allt är / How fresh everything is",
    tags=["datasets"],
    opt={"parameters": (SOURCE, DATASET, *LISTED), "answer": FreshnessList},
)
async def freshness(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Senaste försök, lyckade försök, ändring och nästa. / Last attempt, success, change, and the next.

    `statement` säger det i ord, också att en kontroll inte gav någon förändring.
    `statement` says it in words, also that a check found no change.
    """
    service, asked, place = service_in(request), asked_in(request), place_in(request, _PATH)
    language, page, limit = asked[LANGUAGE.name], asked["page"], asked["limit"]
    snapshot, known = service.live.newest(), await service.freshness.known()
    every = datasets_told(snapshot, known.attempts, datetime.now(UTC), language)
    dataset, source = asked[DATASET.name], asked[SOURCE.name]
    names = [one.dataset for one in every]
    if dataset is not None and dataset not in names:
        fault = InvalidParameter(
            name=DATASET.name, reason="is no dataset", value=dataset, closest=closest(dataset, names)
        )
        raise InvalidParametersError([fault])
    rows = [one for one in every if dataset in {None, one.dataset} and source in {None, one.source}]
    shown = rows[(page - 1) * limit : page * limit] if page else []
    stale = known.stale_since
    meta = FreshnessMeta(
        total_records=len(rows),
        page=page,
        limit=limit,
        count=len(shown),
        sources=sources_told(rows, language),
        known_at=stale,
        warnings=[stale_warning(stale, language)] if stale else [],
    )
    told = links.paging(place, page, -(-len(rows) // limit), {})
    body = answer_bytes("freshness", encoded(shown)[1:-1], meta, told)
    # an attempt that published nothing makes no release, so nobody may keep the answer without asking again
    return reply(body, REVALIDATED, told)
