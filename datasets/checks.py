"""Checks before publishing, each a small pure function; a finding holds the dataset as it stands."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct

from datasets.catalogue import Indicator
from datasets.changes import difference
from datasets.cube import Cube
from datasets.sums import totals_off
from datasets.units import unit
from datasets.vocabulary import Text

NOTHING_THERE = "nothing-there"
FEW_PEOPLE = "few-people"
"""The check that nobody can accept away."""
_SHARE = "percent"
_NOISE = 1e-9


class Bounds(Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What is still usual for a dataset, as the catalogue declares it."""

    largest_loss: float = 0.1
    """The largest share of figures that may go missing from one version to the next."""
    largest_jump: float | None = None
    """The largest relative change of one figure from one version to the next; None for no bound."""
    years_ahead: Annotated[int, Meta(ge=0)] = 0
    """How many years ahead of today figures may be; only a projection's are."""
    unstated_bases: Mapping[str, str] = {}
    """Indicators of people whose figures tell no number behind them, each with why they may be shown."""
    adds_up: tuple[str, ...] = ()
    """Over what the source says that its totals are the sum of their parts: `sex`, `municipality` or the
    name of a breakdown; never assumed."""
    not_shares: tuple[str, ...] = ()
    """The indicators in percent that are no part of a whole, such as a change: not bound to 0 and 100."""


class Judged(Struct, frozen=True, kw_only=True):
    """One indicator on its way out: what is new, what stands, and by which bounds it is judged."""

    definition: Indicator
    cube: Cube
    before: Cube | None
    bounds: Bounds
    this_year: int
    floor: int | None = None
    """The smallest count of people that the dataset may show; None where it does not count people."""


class Finding(Struct, frozen=True):
    """Why an indicator is held, and by which check."""

    check: str
    indicator: str
    reason: str


def findings(judged: Judged) -> list[Finding]:
    """Return everything that any check has against *judged*."""
    name = judged.definition.id
    return [Finding(check, name, reason) for check, look in CHECKS.items() for reason in look(judged)]


def unprotected(
    cube: Cube, definition: Indicator, floor: int, unstated: Mapping[str, str] = {}
) -> Iterator[str]:
    """Yield why figures of people may not be shown while nothing but the *floor* protects them.

    Zero is under the floor too, and so is a share whose people, or whose others, are too few. A figure that
    counts no people itself must tell on how many it rests, unless *unstated* says why it need not.
    """
    columns, measure = cube.columns, unit(definition.unit)
    based = columns.count >= 0
    under = based & (columns.count < floor)
    if measure.code == _SHARE:
        people = np.rint(columns.value * columns.count / 100)
        under = under | (based & (np.minimum(people, columns.count - people) < floor))
    if measure.persons:
        under = under | (np.abs(columns.value) < floor)
    elif not unstated.get(definition.id, "").strip():
        baseless = int((~np.isnan(columns.value) & ~based).sum())
        if baseless:
            yield f"{baseless} figures do not tell on how many people they rest"
    few = int(under.sum())
    if few:
        yield f"{few} figures are under the floor of {floor} persons"


def _few_people(judged: Judged) -> Iterator[str]:
    if judged.floor is not None:
        yield from unprotected(judged.cube, judged.definition, judged.floor, judged.bounds.unstated_bases)


def _nothing_there(judged: Judged) -> Iterator[str]:
    if judged.before is not None and not len(judged.cube):
        yield "there is no figure at all"


def _future_year(judged: Judged) -> Iterator[str]:
    years, last = judged.cube.columns.year, judged.this_year + judged.bounds.years_ahead
    late = int((years > last).sum())
    if late:
        yield f"{late} figures are for years after {last}, the last for {int(years.max())}"


def _share_outside(judged: Judged) -> Iterator[str]:
    if unit(judged.definition.unit).code != _SHARE or judged.definition.id in judged.bounds.not_shares:
        return
    values = judged.cube.columns.value
    wrong = int(((values < 0) | (values > 100)).sum())  # noqa: PLR2004 a share in percent
    if wrong:
        yield f"{wrong} shares lie outside 0 to 100, from {np.nanmin(values)} to {np.nanmax(values)}"


def _negative_count(judged: Judged) -> Iterator[str]:
    if unit(judged.definition.unit).persons and "förändring" not in judged.definition.title.sv.lower():
        wrong = int((judged.cube.columns.value < 0).sum())
        if wrong:
            yield f"{wrong} counts of people are negative"


def _figures_lost(judged: Judged) -> Iterator[str]:
    if judged.before is None or not len(judged.before):
        return
    changed = difference(judged.before, judged.cube)
    had = ~np.isnan(judged.before.columns.value[changed.revised_before])
    emptied = had & np.isnan(judged.cube.columns.value[changed.revised_after])
    lost = len(changed.removed) + int(emptied.sum())
    if lost > judged.bounds.largest_loss * len(judged.before):
        yield f"{lost} of {len(judged.before)} figures are gone"


def _areas_lost(judged: Judged) -> Iterator[str]:
    if judged.before is not None:
        lost = sorted(set(judged.before.municipalities) - set(judged.cube.municipalities))
        if lost:
            yield f"no figure any more for {', '.join(lost[:20])}"


def _jump(judged: Judged) -> Iterator[str]:
    bound = judged.bounds.largest_jump
    if judged.before is None or bound is None:
        return
    changed = difference(judged.before, judged.cube)
    old = judged.before.columns.value[changed.revised_before]
    new = judged.cube.columns.value[changed.revised_after]
    jumps = np.abs(new - old) > bound * np.maximum(np.abs(old), _NOISE)
    if jumps.any():
        at = changed.revised_after[int(np.argmax(jumps))]
        figure = judged.cube.observation(int(at))
        place = f"{figure.municipality}, {figure.sex}, {figure.year} {figure.breakdown.text}".rstrip()
        yield f"{int(jumps.sum())} figures jump by more than {bound:.0%}, the first for {place}"


def _totals_off(judged: Judged) -> Iterator[str]:
    for dimension in judged.bounds.adds_up:
        off = totals_off(judged.cube, dimension)
        if off:
            yield f"{off} totals are not the sum of their parts by {dimension}, as the source says they are"


CHECKS: Mapping[str, Callable[[Judged], Iterator[str]]] = {
    FEW_PEOPLE: _few_people,
    NOTHING_THERE: _nothing_there,
    "future-year": _future_year,
    "share-outside": _share_outside,
    "negative-count": _negative_count,
    "figures-lost": _figures_lost,
    "areas-lost": _areas_lost,
    "jump": _jump,
    "totals-add-up": _totals_off,
}
EXPLAINED: Mapping[str, Text] = {
    FEW_PEOPLE: Text(
        "Någon siffra är, eller vilar på, färre personer än gränsen för datamängden.",
        "Some figure is, or rests on, fewer people than the dataset's floor.",
    ),
    NOTHING_THERE: Text(
        "Källan har inte längre någon siffra.",
        "The source no longer has any figure.",
    ),
    "future-year": Text(
        "Någon siffra gäller ett år som inte har varit än.",
        "Some figure is for a year that has not been yet.",
    ),
    "share-outside": Text(
        "Någon andel ligger utanför 0 till 100 procent.",
        "Some share lies outside 0 to 100 per cent.",
    ),
    "negative-count": Text(
        "Något antal personer är negativt.",
        "Some count of people is negative.",
    ),
    "figures-lost": Text(
        "Ovanligt många siffror saknas jämfört med förra versionen.",
        "Unusually many figures are gone since the last version.",
    ),
    "areas-lost": Text(
        "Något område har inte längre någon siffra.",
        "Some area has no figure any more.",
    ),
    "jump": Text(
        "Någon siffra skiljer sig ovanligt mycket från förra versionen.",
        "Some figure differs unusually much from the last version.",
    ),
    "totals-add-up": Text(
        "Någon totalsiffra är inte summan av sina delar, fast källan säger att den är det.",
        "Some total is not the sum of its parts, though the source says that it is.",
    ),
}
"""What each check looks for, in words for the public: no figure that was held back stands in them."""
