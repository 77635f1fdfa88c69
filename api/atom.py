"""The line of releases as an Atom feed (RFC 4287, its pages by RFC 5005), for readers of news."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import msgspec

from api.about import NAME, PUBLISHER
from api.links import Link, Place, address
from api.snapshot import DatasetState
from datasets.ledger import Release

MEDIA_TYPE = "application/atom+xml"
TAKEN = (MEDIA_TYPE, "application/xml", "text/xml", "application/*", "text/*", "*/*")
"""What means Atom in an `Accept`, the most exact first."""
_JSON = "application/json"
_AUTHORITY = "tag:lansdata.regionkalmar.se,2026:"
"""What every id begins with, wherever the service is called from: an id never changes (RFC 4151)."""
_SPACE = "http://www.w3.org/2005/Atom"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML 1.0 may hold, and a note that somebody typed might."""
_FILTERS = frozenset({"dataset", "indicator", "municipality"})

ET.register_namespace("", _SPACE)


class News(NamedTuple):
    """What a feed is made of: the releases on the page, newest first, and what is told around them."""

    releases: Iterable[Release]
    datasets: Mapping[str, DatasetState]
    updated: datetime | None
    links: Mapping[str, Link]
    place: Place
    language: str


def feed_bytes(news: News) -> bytes:
    """Return the feed as XML."""
    feed = ET.Element(f"{{{_SPACE}}}feed", {_LANGUAGE: news.language})
    filters = sorted((name, text) for name, text in news.place.pairs if name in _FILTERS)
    named = f": {', '.join(text for _, text in filters)}" if filters else ""
    title = "publicerade versioner" if news.language == "sv" else "published versions"
    _put(feed, "id", f"{_AUTHORITY}releases" + (f"?{urlencode(filters)}" if filters else ""))
    _put(feed, "title", f"{NAME}, {title}{named}")
    _put(feed, "updated", _time(news.updated or datetime(1970, 1, 1, tzinfo=UTC)))
    _put(_put(feed, "author"), "name", PUBLISHER)
    for rel, link in news.links.items():
        _put(feed, "link", rel=rel, href=link.href, type=MEDIA_TYPE)
    listed = Place(news.place.base, news.place.path.removesuffix(".atom"), news.place.pairs)
    _put(feed, "link", rel="alternate", href=listed.link("alternate").href, type=_JSON)
    for release in news.releases:
        _entry(feed, release, news)
    body: bytes = ET.tostring(feed, encoding="utf-8", xml_declaration=True)
    return body


def _entry(feed: ET.Element, release: Release, news: News) -> None:
    entry, about = _put(feed, "entry"), news.datasets[release.dataset].description
    own = address(news.place.base, f"/datasets/{release.dataset}/versions/{release.version}")
    _put(entry, "id", f"{_AUTHORITY}{release.dataset}/{release.version}")
    _put(entry, "title", f"{about.title.spoken(news.language)} {release.version}")
    _put(entry, "updated", _time(release.published_at))
    _put(entry, "published", _time(release.published_at))
    _put(entry, "category", term=release.dataset)
    _put(entry, "summary", _summary(release, news.language))
    _put(entry, "rights", about.attribution)
    _put(entry, "link", rel="alternate", href=own, type=_JSON)
    _put(entry, "link", rel="related", href=f"{own}/changes", type=_JSON, title="changes")
    figures = [("dataset", release.dataset), ("version", str(release.version))]
    href = address(news.place.base, "/observations", figures)
    _put(entry, "link", rel="related", href=href, type=_JSON, title="observations")


def _summary(release: Release, language: str) -> str:
    counts = release.counts
    text = (
        f"{counts.added} figures added, {counts.revised} revised, {counts.removed} removed;"
        f" {counts.observations} in all. Release {release.number}."
    )
    if language == "sv":
        text = (
            f"{counts.added} siffror tillagda, {counts.revised} ändrade, {counts.removed} borttagna;"
            f" {counts.observations} i allt. Utgåva {release.number}."
        )
    return f"{text} {release.note}".strip()


def _put(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, f"{{{_SPACE}}}{name}", attributes)
    child.text = _UNFIT.sub("", text) or None
    return child


def _time(moment: datetime) -> str:
    text: str = msgspec.to_builtins(moment)
    return text
