"""What was published, release by release: `/releases`, and the same as Atom at `/releases.atom`."""

from typing import Any

from litestar import Request, Response, get
from msgspec import field

from api import links
from api.answers import Listing, Meta, answer_bytes, encoded
from api.atom import MEDIA_TYPE, TAKEN, News, feed_bytes
from api.links import Link, address
from api.parameters import DATASET, INDICATOR, LANGUAGE, LISTED, MUNICIPALITY, SINCE
from api.replies import FRESH, refuse_other_media, reply
from api.service import asked_in, place_in, service_in
from api.snapshot import Snapshot
from api.versions import VersionEntry, told_version
from datasets.ledger import Release

_PATH, _ATOM = "/releases", "/releases.atom"
_PARAMETERS = (SINCE, DATASET, INDICATOR, MUNICIPALITY, *LISTED)


class ReleaseEntry(VersionEntry, frozen=True, kw_only=True, rename="camel"):
    """One release: which version of which dataset it published, and where what changed is told."""

    dataset: str
    links: dict[str, Link] = field(name="_links")


class ReleasesMeta(Meta, frozen=True, kw_only=True, rename="camel"):
    """How much there is; `newest` is the last release of all, to be asked about with `since` next time."""

    newest: int
    warnings: list[str]


class ReleaseList(Listing, frozen=True, kw_only=True):
    """A page of releases, oldest first."""

    releases: list[ReleaseEntry]
    meta: ReleasesMeta = field(name="_meta")


@get(
    _PATH,
    operation_id="listReleases",
    summary="Vad som har publicerats / What was published",
    tags=["datasets"],
    opt={"parameters": _PARAMETERS, "answer": ReleaseList},
)
async def releases(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Det som publicerades efter utgåva `since`, den äldsta först. / What came after release `since`.

    Läs sida för sida, verkställ varje utgåvas `changes`, borttagna siffror också, och fråga nästa gång med
    `since` = `_meta.newest`. Med `indicator`, och `municipality`, bara utgåvor där indikatorns definition
    eller dess siffror för området ändrades.
    Read page by page, oldest first, apply the `changes` of each release, removals included, and ask next time
    with `since` = `_meta.newest`. With `indicator`, and `municipality`, only releases in which the
    indicator's definition or its figures for the area changed.
    """
    service, asked, place = service_in(request), asked_in(request), place_in(request, _PATH)
    snapshot = service.live.newest()
    line = await service.feed.releases(snapshot, asked)
    page, limit = asked["page"], asked["limit"]
    shown = line[(page - 1) * limit : page * limit] if page else []
    meta = ReleasesMeta(
        total_records=len(line),
        page=page,
        limit=limit,
        count=len(shown),
        newest=snapshot.number,
        warnings=_warnings(asked[SINCE.name], snapshot.number, asked[LANGUAGE.name]),
    )
    told = links.paging(place, page, -(-len(line) // limit), {})
    rows = b",".join(encoded(_entry(release, snapshot, place.base)) for release in shown)
    return reply(answer_bytes("releases", rows, meta, told), FRESH, told)


async def take_atom(request: Request[Any, Any, Any]) -> None:
    """Refuse a reader that takes no Atom; raises RefusalError."""
    refuse_other_media(",".join(request.headers.getall("accept", [])), TAKEN)


@get(
    _ATOM,
    operation_id="getReleasesFeed",
    summary="Vad som har publicerats, som Atom / What was published, as Atom",
    tags=["datasets"],
    before_request=take_atom,
    opt={"parameters": _PARAMETERS, "media": MEDIA_TYPE},
)
async def releases_atom(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Som `/releases`, nyaste först, för nyhetsläsare. / As `/releases`, newest first, for news readers."""
    service, asked, place = service_in(request), asked_in(request), place_in(request, _ATOM)
    snapshot = service.live.newest()
    line = (await service.feed.releases(snapshot, asked))[::-1]
    page, limit = asked["page"], asked["limit"]
    news = News(
        releases=line[(page - 1) * limit : page * limit] if page else [],
        datasets=snapshot.datasets,
        updated=max((one.published_at for one in line[:1] or snapshot.line[-1:]), default=None),
        links=links.paging(place, page, -(-len(line) // limit), {}),
        place=place,
        language=asked[LANGUAGE.name],
    )
    headers = {"Cache-Control": FRESH}
    return Response(feed_bytes(news), media_type=f"{MEDIA_TYPE}; charset=utf-8", headers=headers)


def _warnings(since: int, newest: int, language: str) -> list[str]:
    if since <= newest:
        return []
    if language == "sv":
        return [f"Utgåva {since} har inte kommit än; den nyaste är {newest}."]
    return [f"There is no release {since} yet; the newest is {newest}."]


def _entry(release: Release, newest: Snapshot, base: str) -> ReleaseEntry:
    told = told_version(release, newest, base)
    own = address(base, f"/datasets/{release.dataset}/versions/{release.version}")
    pairs = [("dataset", release.dataset), ("version", str(release.version))]
    return ReleaseEntry(
        **{name: getattr(told, name) for name in VersionEntry.__struct_fields__},
        dataset=release.dataset,
        links={
            "self": Link(own, "self"),
            "changes": Link(f"{own}/changes", "changes"),
            "files": Link(own, "files"),
            "item": Link(address(base, "/observations", pairs), "item"),
        },
    )
