"""The gate: nothing is published of which the attacker learns more than the rules allow."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from datasets.disclosure.attacker import Bound
from datasets.disclosure.relations import SEX, Key, Question, Target, rests_of

Named = tuple[str, Key, str, str]
"""An indicator, a key, a rest, and what is meant of it."""


class Breach(Struct, frozen=True):
    """A small number and what the attacker knows of it; confidential."""

    target: Target
    bound: Bound


def breaches(
    targets: Iterable[Target], questions: Mapping[str, Question], bounds: Iterable[Bound]
) -> Iterator[Breach]:
    """Yield every target that some of the attacker's *bounds* come too close to.

    Bounds that come of a wrong assumption tell the attacker nothing: those that the number is not within, and
    those of somebody who takes it that every sex is shown where it is not.
    """
    found: dict[Named, list[Bound]] = {}
    for bound in bounds:
        found.setdefault((bound.indicator, bound.key, bound.rest, bound.what), []).append(bound)
    with_rest = {
        name
        for name, one in questions.items()
        for line, left in rests_of(one)
        if line.dimension == SEX and any(left)
    }
    for target in targets:
        for named in _names(target, questions[target.question]):
            for bound in found.get(named, []):
                if bound.nobody_left_over and target.question in with_rest:
                    continue
                if bound.low <= target.value <= bound.high and not _is_safe(target, bound):
                    yield Breach(target, bound)


def _is_safe(target: Target, bound: Bound) -> bool:
    """Tell whether the number might be large enough to show, might be less, and is one of enough."""
    return (
        bound.high >= target.floor
        and bound.low <= target.value - target.down
        and bound.high - bound.low >= target.floor
    )


def _names(target: Target, question: Question) -> Iterator[Named]:
    what, _, indicator = target.sum.partition(" ")
    for one in [indicator] if indicator else question.indicators:
        yield one, target.key, target.rest, what
