"""The list of sources that the night can load."""

from collections.abc import Mapping

from datasets.closest import closest
from datasets.settings import Settings
from loaders import fohm, kolada, scb, socialstyrelsen
from loaders.source import BrokenSourceError, Source

SOURCES: Mapping[str, Source] = {
    "kolada": kolada,
    "scb": scb,
    "fohm": fohm,
    "socialstyrelsen": socialstyrelsen,
}


def source_of(name: str) -> Source:
    """Return the source *name*; raises BrokenSourceError for one that we do not know."""
    if name not in SOURCES:
        message = f"{name} is no source; closest: {', '.join(closest(name, SOURCES)) or ', '.join(SOURCES)}"
        raise BrokenSourceError(message)
    return SOURCES[name]


def base_of(name: str, settings: Settings) -> str:
    """Return the address that source *name* is asked at, down to the version."""
    return {
        "kolada": settings.kolada_url,
        "scb": settings.scb_url,
        "fohm": settings.fohm_url,
        "socialstyrelsen": settings.socialstyrelsen_url,
    }[name]
