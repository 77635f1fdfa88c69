"""What may be shown of people, as somebody decided it for a dataset: the `[disclosure]` table of its TOML."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

from datasets.catalogue import Dataset, Words
from datasets.errors import PublishRefusedError


class RuleMissingError(PublishRefusedError):
    """A dataset of people that nobody has said how to protect."""


class Rules(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """How the people of a dataset are protected, and who decided that."""

    threshold: Annotated[int, Meta(ge=2)]
    """The smallest number of people that is shown; a hidden one may also be at least this, and this much
    lies between the least and the most that anybody can work out for it."""
    respondents: Annotated[int, Meta(ge=2)] | None = None
    """The smallest number of people that a share may rest on; the threshold unless told."""
    sexes: Literal["either", "each"] = "either"
    """Whether women and men are hidden together where either are too few."""
    zeros: Literal["hidden", "shown"] = "hidden"
    """Whether nobody, and everybody, is as telling as a small number: it tells something of each."""
    decided_by: Words
    decided_on: date
    reason: str = ""

    @property
    def base(self) -> int:
        """Return the smallest number of people that a share may rest on."""
        return max(self.respondents or 0, self.threshold)

    def is_small(self, people: int, floor: int) -> bool:
        """Tell whether *people* are too few to show."""
        return people < floor and (people > 0 or self.zeros == "hidden")


def rules_for(dataset: Dataset, rules: Rules | None) -> Rules:
    """Return the *rules* of a dataset of people; raises RuleMissingError where they protect too little."""
    if rules is None:
        message = f"{dataset.id} counts people, and no [disclosure] says how they are protected"
        raise RuleMissingError(message)
    if rules.threshold < (dataset.threshold or 0):
        message = (
            f"{dataset.id}: disclosure.threshold is {rules.threshold},"
            f" less than dataset.threshold, {dataset.threshold}"
        )
        raise RuleMissingError(message)
    return rules
