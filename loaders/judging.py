"""What a source made on its way to the ledger: corrected, checked, and its release told."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from datasets.catalogue import Dataset, Indicator
from datasets.checks import FEW_PEOPLE, NOTHING_THERE, Judged, findings
from datasets.cube import Cube
from datasets.disclosure.rules import Rules
from datasets.publish import HeldError
from loaders.catalogue import Listed
from loaders.corrections import StaleCorrectionError, corrected
from loaders.source import Made


class About(Struct, frozen=True):
    """What is told of a release: its dataset, the source's own time, and what the hand-over says."""

    dataset: Dataset
    source_time: datetime | None
    note: str = ""
    protected_by: Rules | None = None
    """The rules by which the people were protected already, where they were."""
    stands_on: int | None = None
    """The newest release of the dataset that the protection reckoned with."""

    @property
    def floor(self) -> int | None:
        """Return the smallest number of people that may stand among the figures, zero included."""
        if not self.dataset.person_based or (self.protected_by and self.protected_by.zeros == "shown"):
            return None
        return self.dataset.threshold


class Judging:
    """A dataset that a source made, which remembers what the checks and the source said on the way."""

    def __init__(
        self, listed: Listed, accepted: Mapping[str, str], made: Iterator[Made], about: About
    ) -> None:
        """Take what is *made*, and the reason that a person *accepted* the findings of each check for."""
        self.dataset = about.dataset
        self.source_time = about.source_time
        self.stands_on = about.stands_on
        self._about = about
        self._listed = listed
        self._accepted = accepted
        self._answers = made
        self._met: set[str] = set()
        self._made: set[str] = set()
        self._empty: set[str] = set()

    @property
    def note(self) -> str:
        """Return what the hand-over says, what we corrected, and why findings were accepted."""
        told = [self._about.note] if self._about.note else []
        told += [one.said for one in self._listed.corrections]
        return "; ".join(
            (*told, *(f"{check} accepted: {self._accepted[check]}" for check in sorted(self._met)))
        )

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return a sentence for each indicator of the catalogue that the source had no figure for."""
        tables = (str(table.get("id")) for table in self._listed.plan.indicators)
        named = dict.fromkeys((*tables, *map(str, self._listed.plan.load.get("kpis", ()))))
        gone = [f"{name}: the source does not have it" for name in named if name not in self._made]
        return (*gone, *(f"{name}: the source has no figure for our areas" for name in sorted(self._empty)))

    def made(self) -> Iterator[tuple[Indicator, Cube]]:
        """Yield each indicator with its corrections; every correction must have met its figure by the end."""
        corrections = self._listed.corrections
        for one in self._answers:
            right = corrected(one, corrections, self.dataset.publisher)
            self._made.add(right.indicator.id)
            if not len(right.cube):
                self._empty.add(right.indicator.id)
            yield right.indicator, right.cube
        waiting = {one.indicator for one in corrections} - self._made
        if waiting:
            names = ", ".join(sorted(waiting))
            message = f"corrections are declared for {names}, which the source does not have"
            raise StaleCorrectionError(message)
        if self._made == self._empty and not self._is_accepted(NOTHING_THERE):
            raise HeldError(self.dataset.id, [f"{NOTHING_THERE}: {text}" for text in self.left_out])

    def judge(self, definition: Indicator, cube: Cube, before: Cube | None) -> list[str]:
        """Return what the checks say of an indicator, less what a person accepted."""
        this_year = datetime.now(UTC).year
        judged = Judged(
            definition=definition,
            cube=cube,
            before=before,
            bounds=self._listed.bounds,
            this_year=this_year,
            floor=self._about.floor,
        )
        return [
            f"{one.check}: {one.indicator}: {one.reason}"
            for one in findings(judged)
            if not self._is_accepted(one.check)
        ]

    def _is_accepted(self, check: str) -> bool:
        if check not in self._accepted or check == FEW_PEOPLE:
            return False
        self._met.add(check)
        return True
