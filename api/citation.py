"""The ready citation of an answer: whose figures, from where, in which version, at which lasting address."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from api.about import NAME, PUBLISHER
from api.answers import Moment

_NAMED_AT_MOST = 10


class Cited(Struct, frozen=True):
    """What stands beside a single resource."""

    citation: str


class CitedVersion(NamedTuple):
    """One version of a dataset that is cited."""

    dataset: str
    version: str
    published_at: Moment


def citation(
    attributions: Iterable[str], versions: Iterable[CitedVersion], address: str, language: str
) -> str:
    """Return the citation of what is at *address*, which must mean the same for ever."""
    return f"{_before_address(tuple(attributions), tuple(versions), language)} {address}"


@lru_cache(maxsize=256)
def _before_address(attributions: tuple[str, ...], versions: tuple[CitedVersion, ...], language: str) -> str:
    whose = "; ".join(dict.fromkeys(text.strip().removesuffix(".") for text in attributions))
    word = "publicerad" if language == "sv" else "published"
    named = [f"{one.dataset} version {one.version}, {word} {one.published_at.date()}" for one in versions]
    more = len(named) - _NAMED_AT_MOST
    if more > 0:
        named[_NAMED_AT_MOST:] = [f"och {more} till" if language == "sv" else f"and {more} more"]
    what = "; ".join(named)
    return " ".join(f"{part}." for part in (whose, f"{NAME}, {PUBLISHER}", what) if part)
