"""Kolada v3 as it writes: its answers as types, its area and gender codes against ours, its pages."""

from collections.abc import Callable, Generator, Iterable
from datetime import date, datetime
from typing import Annotated, Generic, Literal, NoReturn, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
from msgspec import Meta, Struct

from datasets.areas import AreaType, area, municipalities_of
from datasets.cube import SEXES
from datasets.vocabulary import MunicipalityCode, Sex
from loaders.fetch import Fetched
from loaders.source import Ask, BrokenSourceError

PER_PAGE = 5000
"""Asked for by name: what Kolada gives unasked is known only from its clients."""
MOST_IDS = 25
"""More ids in one segment of a path are a 422."""
BOTH = "A"
KINDS = ("K", "L", BOTH)
"""What a KPI is for: municipalities, regions or both; one that does not say is asked for as both."""
SEX_OF = {
    "T": SEXES.index(Sex.TOTAL),
    "K": SEXES.index(Sex.WOMEN),
    "M": SEXES.index(Sex.MEN),
}
_COUNTY_PREFIX = "county:"
_Body = TypeVar("_Body")
_Item = TypeVar("_Item")


class Figure(Struct, frozen=True, gc=False):
    """One gender's figure; `count` is left unread: it is 1 for a value, and members for a group."""

    gender: str
    value: float | None
    status: str | None = ""
    isdeleted: bool = False


class Row(Struct, frozen=True, gc=False):
    """The figures of one KPI, area and year, genders in random order."""

    kpi: str
    municipality: str
    period: Annotated[int, Meta(ge=1749, le=2200)]
    values: list[Figure]


class Page(Struct, Generic[_Item], frozen=True):
    """A page of anything. `next_url` must be there, null on the last page; v2 called it otherwise.

    The envelope's `count` is left unread: it is the page's length to some, the grand total to others.
    """

    values: list[_Item]
    next_url: str | None


class Listing(Struct, Generic[_Item], frozen=True):
    """All items of a list of metadata, and when Kolada said so."""

    items: list[_Item]
    at: datetime


class Kpi(Struct, frozen=True, kw_only=True):
    """One key figure of Kolada's catalogue; before v3 only id, title and description are sure to be there."""

    id: str
    title: str
    description: str | None = None
    municipality_type: Literal["K", "L", "A"] | None = None
    prel_publication_date: date | None = None
    publication_date: date | None = None
    publ_period: str | None = None


class Place(Struct, frozen=True):
    """One area: type K a municipality, L a region or the country."""

    id: str
    title: str
    type: Literal["K", "L"]


class Member(Struct, frozen=True):
    """One municipality of a group."""

    member_id: str
    member_title: str


class Group(Struct, frozen=True):
    """A named group, whose value is the unweighted mean of its members."""

    id: str
    title: str
    members: list[Member]


class Fullest(Struct):
    """The most rows that one page of a load was seen to hold: a page of fewer is not cut off."""

    rows: int = 0


_unread_pages = msgspec.json.Decoder(Page[msgspec.Raw])


def decoded(decoder: msgspec.json.Decoder[_Body], fetched: Fetched) -> _Body:
    """Return the body of *fetched*; raises BrokenSourceError where it has another shape than ever."""
    try:
        return decoder.decode(fetched.body)
    except msgspec.DecodeError as error:
        message = f"{fetched.address}: {error}"
        raise BrokenSourceError(message) from error


def unread_page(fetched: Fetched) -> Page[msgspec.Raw]:
    """Return a page with its rows unread."""
    return decoded(_unread_pages, fetched)


def kolada_code(code: MunicipalityCode) -> str:
    """Return Kolada's id of an area: the country is 0000 and the region of county 08 is 0008."""
    match area(code).type:
        case AreaType.COUNTRY | AreaType.COUNTY:
            return f"00{code}"
        case AreaType.MUNICIPALITY | AreaType.GROUP:
            return str(code)
        case other:
            message = f"Kolada has no figures for {code}, a {other}"
            raise BrokenSourceError(message)


def codes_of(wanted: Iterable[str]) -> tuple[MunicipalityCode, ...]:
    """Return the areas of a `[load]` table, `county:08` as its municipalities, in the order of their codes.

    Raises UnknownCodeError for what is no area of ours.
    """
    codes: set[MunicipalityCode] = set()
    for text in wanted:
        if text.startswith(_COUNTY_PREFIX):
            codes |= set(municipalities_of(text.removeprefix(_COUNTY_PREFIX)))
        else:
            codes.add(area(text).code)
    return tuple(sorted(codes))


def is_for(kind: str, code: MunicipalityCode) -> bool:
    """Tell whether a KPI of *kind* can have a figure for *code*; the country has both kinds."""
    match area(code).type:
        case AreaType.COUNTRY:
            return True
        case AreaType.COUNTY:
            return kind != "K"
        case _:
            return kind != "L"


def pages(
    path: str,
    read: Callable[[Fetched], tuple[int, str | None]],
    *,
    most: int | None = None,
    fullest: Fullest | None = None,
) -> Generator[Ask, Fetched, None]:
    """Ask for every page of *path*; *read* takes each and returns its number of rows and its next address.

    A full page that names no next one proves nothing: the page after it is asked for and must be empty. With
    *fullest* a page is full from as many rows as any page of the load held, since a source may have come to
    hold back what is over a size of its own; unless all rows are there, as many as *most*. Raises
    BrokenSourceError where the pages do not end as they should, or hold more rows than *most*.
    """
    asked, rows, full = [f"{path}?page=1&per_page={PER_PAGE}"], 0, fullest or Fullest(PER_PAGE)
    while True:
        fetched = yield Ask(target=asked[-1])
        size, following = read(fetched)
        rows += size
        if most is not None and rows > most:
            _refuse(fetched, f"{rows} rows where at most {most} were asked for")
        if following is None:
            break
        if not size or following in asked or _path(following) != _path(fetched.address):
            _refuse(fetched, f"its next page is said to be {following}")
        full.rows = max(full.rows, size)
        asked.append(following)
    if rows != most and size >= max(full.rows, 1):
        fetched = yield Ask(target=f"{path}?page={len(asked) + 1}&per_page={PER_PAGE}")
        if read(fetched) != (0, None):
            _refuse(fetched, "there is more, though the page before named no next one")
        full.rows = size


def is_answer_to(ask: Ask, fetched: Fetched) -> bool:
    """Tell whether *fetched* was got by *ask*, whatever the base address was then."""
    return f"/{_path(fetched.address)}".endswith(f"/{_path(ask.target)}") and (
        _query(fetched.address) == _query(ask.target)
    )


def _path(address: str) -> str:
    return unquote(urlsplit(address).path).strip("/")


def _query(address: str) -> list[tuple[str, str]]:
    return sorted(parse_qsl(urlsplit(address).query))


def _refuse(fetched: Fetched, reason: str) -> NoReturn:
    message = f"{fetched.address}: {reason}"
    raise BrokenSourceError(message)


def listing(path: str, kind: type[_Item], most: int | None = None) -> Generator[Ask, Fetched, Listing[_Item]]:
    """Ask for every page of a list of metadata, of *most* items where it is asked for by id."""
    decoder = msgspec.json.Decoder(Page[kind])  # type: ignore[valid-type]
    found: list[_Item] = []
    times: list[datetime] = []

    def read(fetched: Fetched) -> tuple[int, str | None]:
        page = decoded(decoder, fetched)
        found.extend(page.values)
        times.append(fetched.at)
        return len(page.values), page.next_url

    yield from pages(path, read, most=most, fullest=None if most is None else Fullest())
    return Listing(found, times[0])
