"""The baked files that a page offers: those of a version, or that of one indicator."""

from msgspec import Struct

from api.charts.numerals import numeral
from api.service import Service
from api.versions import path_of
from api.web.site import Site
from datasets.errors import StoreUnavailableError
from datasets.ledger import Release

_KILO = 1000


class Offer(Struct, frozen=True):
    """One file: where it is and how large."""

    name: str
    href: str
    size: str


async def offers_of(service: Service, release: Release, site: Site) -> list[Offer]:
    """Return the files of a version; none where nobody can tell just now."""
    try:
        found = await service.files.downloads(release)
    except StoreUnavailableError:
        return []
    return [
        Offer(one.name, site.api(f"{path_of(release)}/files/{one.name}"), _size(one.byte_size, site.language))
        for one in found
    ]


def _size(size: int, language: str) -> str:
    """Return a size as people read it; nothing is smaller than one kilobyte."""
    kilobytes = max(round(size / _KILO), 1)
    if kilobytes < _KILO:
        return f"{kilobytes} kB"
    return f"{numeral(round(kilobytes / _KILO, 1), None, language)} MB"
