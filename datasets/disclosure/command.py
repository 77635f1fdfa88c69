"""The command `attack`: what a stranger can work out of a dataset, as a statistician wants to see it."""

from collections.abc import Sequence
from math import isinf

from rich.console import Console
from rich.table import Table

from datasets.areas import area
from datasets.catalogue import dataset_of
from datasets.closest import closest
from datasets.disclosure.attacker import Bound, attack
from datasets.disclosure.shown import published, versions_of
from datasets.errors import UnknownCodeError
from datasets.store import Store

_FLOOR = 5
_WHAT = {"people": "people", "hits": "of whom so", "others": "of whom not so"}
_SHOWN = 40


async def attack_dataset(store: Store, dataset: str, console: Console, threshold: int | None = None) -> int:
    """Attack everything that was ever published of *dataset*; return how many numbers were found out.

    A number is found out where it cannot be as large as the threshold: the one given, or the dataset's.
    """
    async with store.session() as session:
        line = await session.releases()
        mine = [one for one in line if one.dataset == dataset]
        if not mine:
            names = sorted({one.dataset for one in line})
            raise UnknownCodeError("published dataset", dataset, closest(dataset, names))
        versions, _ = await versions_of(session, dataset)
        bodies = await session.metadata({mine[-1].dataset_sha256})
    floor = threshold or dataset_of(bodies[mine[-1].dataset_sha256]).threshold or _FLOOR
    with console.status(f"attacking {len(versions)} versions of {dataset}"):
        bounds = attack([published(one) for one in versions])
    met = [one for one in bounds if is_found_out(one, floor)]
    console.print(_summary(bounds, floor))
    if met:
        console.print(_list(met), markup=False)
    console.print(
        f"{dataset}, {len(versions)} versions, {len(mine)} releases, threshold {floor}:"
        f" {len(bounds)} hidden numbers attacked, {len(met)} found out"
    )
    return len(met)


def is_found_out(bound: Bound, floor: int) -> bool:
    """Tell whether a stranger knows that a number of people is too small to show.

    Nobody being left over in a total is no finding: that there is such a group at all is one.
    """
    return bound.high < floor and (bound.low > 0 or not bound.rest)


def _summary(bounds: Sequence[Bound], floor: int) -> Table:
    table = Table("indicator", "number", "assumed", "attacked", "found out", "exactly", "narrowest", "widest")
    groups: dict[tuple[str, str, str], list[Bound]] = {}
    for one in bounds:
        number = _WHAT[one.what] + (" left over" if one.rest else "")
        groups.setdefault((one.indicator, number, one.assumed), []).append(one)
    for names, found in groups.items():
        widths = [one.high - one.low for one in found if not one.rest]
        met = sum(is_found_out(one, floor) for one in found)
        exact = sum(one.low == one.high for one in found)
        ends = (_number(min(widths)), _number(max(widths))) if widths else ("", "")
        table.add_row(*names, str(len(found)), str(met), str(exact), *ends)
    return table


def _list(found: Sequence[Bound]) -> Table:
    table = Table("indicator", "area", "sex", "year", "breakdown", "number", "least", "most", "assumed")
    for one in found[:_SHOWN]:
        code, sex, year, breakdown = one.key
        number = _WHAT[one.what] + (f" left over by {one.rest}" if one.rest else "")
        ends = (_number(one.low), _number(one.high))
        name = f"{code} {area(code).name}"
        table.add_row(one.indicator, name, sex, str(year), breakdown, number, *ends, one.assumed)
    return table


def _number(number: float) -> str:
    return "no end" if isinf(number) else str(round(number))
