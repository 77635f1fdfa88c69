"""Checks before publishing, each a small pure function; a finding holds the dataset as it stands."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from msgspec import Struct

from datasets.catalogue import Indicator
from datasets.changes import difference
from datasets.cube import SEXES, Cube
from datasets.units import unit
from datasets.vocabulary import Sex, Text, Unit

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
    sexes_add_up: bool = False
    """Whether the source's total is the sum of its sexes; never assumed."""


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


def below_floor(cube: Cube, floor: int, measure: Unit) -> int:
    """Return how many figures of *cube* are, or rest on, fewer than *floor* people; zero is fewer too."""
    columns = cube.columns
    under = (columns.count >= 0) & (columns.count < floor)
    if measure.persons:
        under = under | (np.abs(columns.value) < floor)
    return int(under.sum())


def _few_people(judged: Judged) -> Iterator[str]:
    if judged.floor is not None:
        few = below_floor(judged.cube, judged.floor, unit(judged.definition.unit))
        if few:
            yield f"{few} figures are under the floor of {judged.floor} people"


def _nothing_there(judged: Judged) -> Iterator[str]:
    if judged.before is not None and not len(judged.cube):
        yield "there is no figure at all"


def _future_year(judged: Judged) -> Iterator[str]:
    years = judged.cube.columns.year
    late = int((years > judged.this_year).sum())
    if late:
        yield f"{late} figures are for years after {judged.this_year}, the last for {int(years.max())}"


def _share_outside(judged: Judged) -> Iterator[str]:
    if unit(judged.definition.unit).code != _SHARE:
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


def _sexes_do_not_add_up(judged: Judged) -> Iterator[str]:
    if not judged.bounds.sexes_add_up:
        return
    columns = judged.cube.columns
    sums: dict[tuple[int, int, int], list[float]] = {}
    for place, sex, year, part, value in zip(
        *(column.tolist() for column in (columns.municipality, columns.sex, columns.year, columns.breakdown)),
        columns.value.tolist(),
        strict=True,
    ):
        sums.setdefault((place, year, part), [np.nan] * len(SEXES))[sex] = value
    total, women, men = (SEXES.index(sex) for sex in (Sex.TOTAL, Sex.WOMEN, Sex.MEN))
    wrong = sum(
        abs(one[total] - one[women] - one[men]) > _NOISE * max(abs(one[total]), 1) for one in sums.values()
    )
    if wrong:
        yield f"{wrong} totals are not the sum of women and men, though the source says they are"


CHECKS: Mapping[str, Callable[[Judged], Iterator[str]]] = {
    FEW_PEOPLE: _few_people,
    NOTHING_THERE: _nothing_there,
    "future-year": _future_year,
    "share-outside": _share_outside,
    "negative-count": _negative_count,
    "figures-lost": _figures_lost,
    "areas-lost": _areas_lost,
    "jump": _jump,
    "sexes-add-up": _sexes_do_not_add_up,
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
    "sexes-add-up": Text(
        "Någon totalsiffra är inte summan av kvinnor och män, fast källan säger att den är det.",
        "Some total is not the sum of women and men, though the source says that it is.",
    ),
}
"""What each check looks for, in words for the public: no figure that was held back stands in them."""
