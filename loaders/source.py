"""What every source is made of: pure functions between what the catalogue says, answers, and cubes.

`asks` yields what to ask next and is sent each answer; `normalise` makes cubes of the answers. Neither knows
the network, a clock or a file, so kept answers give the same cubes again.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from datasets.catalogue import Dataset, Indicator
from datasets.cube import Cube
from datasets.errors import LansdataError
from loaders.fetch import Fetched, Manners


class BrokenSourceError(LansdataError):
    """A source that says something it never said before, or not all of what it was asked; stops that load."""


StatedManners = Callable[[Fetched], Manners | None]
"""`manners_from` of a source that states its own limits in an answer; other sources have none."""


class Plan(Struct, frozen=True, kw_only=True):
    """What the catalogue says of one dataset: its description, and what its source needs to know."""

    dataset: Dataset
    load: Mapping[str, Any]
    """The `[load]` table without `source`; each source reads it into a type of its own."""
    indicators: tuple[Mapping[str, Any], ...]
    """The `[[indicator]]` tables as they stand; `load` inside one is the source's, the rest is metadata."""


class Ask(Struct, frozen=True, kw_only=True):
    """One question to a source: a path under its base or an address that it gave; posted if it has a body."""

    target: str
    body: bytes = b""
    known: frozenset[int] = frozenset({200})
    """The statuses that are answers here; at some sources an empty slice is a 404."""


class Made(Struct, frozen=True):
    """One indicator with its figures."""

    indicator: Indicator
    cube: Cube


class Source(Protocol):
    """A module that knows one source."""

    def manners(self, plan: Plan) -> Manners:
        """Return how the source wants to be asked."""

    def check_answer(self, fetched: Fetched) -> None:
        """Raise BrokenAnswerError for an answer that must be asked for again, such as HTML for JSON."""

    def asks(self, plan: Plan) -> Generator[Ask, Fetched, None]:
        """Yield each question, and take its answer, until everything is there."""

    def normalise(self, plan: Plan, answers: Iterable[Fetched]) -> Iterator[Made]:
        """Yield every indicator with its cube; raises BrokenSourceError for what is unknown or missing."""

    def source_time(self, plan: Plan, answers: Iterable[Fetched]) -> datetime | None:
        """Return the source's own time of these figures, where it states one."""
