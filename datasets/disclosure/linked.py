"""From groups of people to a table of cells: what is told by each, what adds up, what must not be told."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.sparse import csr_array

from datasets.areas import AreaType, area
from datasets.disclosure.relations import (
    Key,
    Line,
    People,
    Question,
    Target,
    left_over,
    primary,
    rests_of,
    small_sums,
)
from datasets.disclosure.rules import Rules
from datasets.vocabulary import Sex

_TOTAL, _COUNTY, _PERSON = 5.0, 20.0, 0.01
"""What a total over the sexes, a county, and each person in a group add to the loss of hiding it, which is
1 for a group of nobody: totals are kept, and of two groups the smaller goes."""
_NOBODY = -1
_LARGE = frozenset({AreaType.COUNTY, AreaType.COUNTRY})


class Table(Struct, frozen=True, kw_only=True):
    """Cells, each shown or hidden as one; the quantities they tell; and what adds up to zero in those."""

    values: NDArray[np.float64]
    owner: NDArray[np.int64]
    """The cell that tells each quantity, or -1 where none does."""
    rows: csr_array
    """Each row: a sum over quantities that everybody knows to be constant."""
    targets: tuple[Target, ...]
    weights: NDArray[np.float64]
    hidden: NDArray[np.bool_]
    """Cells that must be hidden, for their own sake or since they were hidden before."""
    known: NDArray[np.bool_]
    """Quantities that are known whatever is hidden, since they were shown before."""


class Earlier(Struct, frozen=True):
    """What one earlier version told of a question: the groups that it hid, and the sums that it showed."""

    hidden: frozenset[Key]
    shown: Mapping[Key, Mapping[str, int]]


class Asked(Struct, frozen=True):
    """A question as it goes into a table, and what earlier versions told of it."""

    question: Question
    earlier: Sequence[Earlier] = ()


def table_of(
    asked: Sequence[Asked],
    rules: Rules,
    hidden: Collection[Key] = (),
    *,
    also: Collection[Key] = (),
    bases_known: bool = False,
) -> tuple[Table, tuple[Key, ...]]:
    """Return the table of the groups of all *asked*, hidden or shown together by their key, and its cells.

    The groups in *hidden* are hidden already. With *bases_known* everybody knows how many answered in each
    of the others, as when another question, put to the same people, tells it; those in *also* are hidden too.
    """
    builder = _Builder(asked, rules, frozenset(hidden), also)
    for one in asked:
        builder.add(one, bases_known=bases_known)
    return builder.table(), builder.keys


class _Builder:
    """A table under construction."""

    def __init__(
        self, asked: Sequence[Asked], rules: Rules, hidden: frozenset[Key], also: Collection[Key]
    ) -> None:
        self.keys = tuple(sorted({key for one in asked for key in one.question.groups}))
        self._cells = {key: at for at, key in enumerate(self.keys)}
        self._rules = rules
        self._fixed = hidden
        self._hidden = {*hidden, *also}
        self._values: list[int] = []
        self._owner: list[int] = []
        self._known: list[bool] = []
        self._rows: list[dict[int, float]] = []
        self._targets: list[Target] = []
        self._largest = dict.fromkeys(self.keys, 0)

    def add(self, asked: Asked, *, bases_known: bool) -> None:
        """Add a question: its groups, who is left over in its totals, what adds up, what is small."""
        question = asked.question
        starts = {key: self._put(question, key, people) for key, people in question.groups.items()}
        for key, people in question.groups.items():
            self._largest[key] = max(self._largest[key], sum(people))
        rests: dict[tuple[str, Key], int] = {}
        additive = []
        for line, rest in rests_of(question):
            additive.append(line)
            if sum(rest):
                rests[line.dimension, line.total] = self._put(question, line.total, rest, line.dimension)
            self._rows += self._sums(line, starts, rests, len(rest))
        self._hidden |= primary(question, self._rules)
        for one in asked.earlier:
            self._hidden |= one.hidden & starts.keys()
            self._remember(question, one, starts)
            self._rows += _old_rows(question, additive, one, starts, rests)
        if bases_known:
            self._rows += [
                {starts[key] + kind: 1.0 for kind in range(len(people))}
                for key, people in question.groups.items()
                if key not in self._fixed
            ]

    def table(self) -> Table:
        """Return what was built."""
        columns = [at for row in self._rows for at in row]
        rows = [number for number, row in enumerate(self._rows) for _ in row]
        factors = [factor for row in self._rows for factor in row.values()]
        return Table(
            values=np.array(self._values, np.float64),
            owner=np.array(self._owner, np.int64),
            rows=csr_array((factors, (rows, columns)), shape=(len(self._rows), len(self._values))),
            targets=tuple(self._targets),
            weights=np.array([_weight(key, self._largest[key]) for key in self.keys]),
            hidden=np.array([key in self._hidden for key in self.keys], np.bool_),
            known=np.array(self._known, np.bool_),
        )

    def _put(self, question: Question, key: Key, people: People, rest: str = "") -> int:
        """Add the quantities of a group or of the *rest* of one, and its targets; return where they begin."""
        start = len(self._values)
        self._values += people
        self._owner += [_NOBODY if rest else self._cells[key]] * len(people)
        self._known += [False] * len(people)
        for name, value, floor in small_sums(question, people, self._rules):
            at = tuple(sorted(start + kind for kind in question.sums[name]))
            target = Target(
                question=question.name, key=key, rest=rest, sum=name, value=value, floor=floor, at=at
            )
            self._targets.append(target)
        return start

    def _sums(
        self, line: Line, starts: Mapping[Key, int], rests: Mapping[tuple[str, Key], int], kinds: int
    ) -> Iterator[dict[int, float]]:
        rest = rests.get((line.dimension, line.total))
        for kind in range(kinds):
            row = {starts[line.total] + kind: 1.0} | {starts[part] + kind: -1.0 for part in line.parts}
            yield row if rest is None else row | {rest + kind: -1.0}

    def _remember(self, question: Question, earlier: Earlier, starts: Mapping[Key, int]) -> None:
        """Mark what was shown before as it is now: to hide it protects nothing."""
        told = {name for name in question.sums if not name.startswith("kind ")}
        for key in earlier.shown.keys() & starts.keys():
            people, start = question.groups[key], starts[key]
            shown = earlier.shown[key]
            # where a part has changed, nobody can tell which while all of it is hidden
            if any(shown[name] != _sum(question, people, name) for name in shown):
                continue
            if told <= shown.keys():
                self._known[start : start + len(people)] = [True] * len(people)
            self._rows += [{start + kind: 1.0 for kind in question.sums[name]} for name in shown]


def _old_rows(
    question: Question,
    additive: Sequence[Line],
    earlier: Earlier,
    starts: Mapping[Key, int],
    rests: Mapping[tuple[str, Key], int],
) -> Iterator[dict[int, float]]:
    """Yield what an earlier version says of the groups that it hid, as far as it is still true of them.

    It is where its sums agree with today's numbers of those groups: then nothing in them has changed.
    """
    for line in additive:
        signs = {line.total: 1.0} | dict.fromkeys(line.parts, -1.0)
        if not all(key in earlier.shown or key in earlier.hidden for key in signs):
            continue
        rest, left = rests.get((line.dimension, line.total)), left_over(question, line)
        rows: list[dict[int, float]] = []
        gaps: list[float] = []
        for name, kinds in question.sums.items():
            shown = {key: earlier.shown.get(key, {}).get(name) for key in signs}
            if any(told is None and key not in earlier.hidden for key, told in shown.items()):
                continue
            row: dict[int, float] = {} if rest is None else {rest + kind: -1.0 for kind in kinds}
            gap = -float(sum(left[kind] for kind in kinds))
            for key, told in shown.items():
                gap += signs[key] * (_sum(question, question.groups[key], name) if told is None else told)
                if told is None:
                    row |= {starts[key] + kind: signs[key] for kind in kinds}
            rows.append(row)
            gaps.append(gap)
        if not any(gaps):
            yield from (row for row in rows if row)


def _sum(question: Question, people: People, name: str) -> int:
    return sum(people[kind] for kind in question.sums[name])


def _weight(key: Key, people: int) -> float:
    code, sex, *_ = key
    total = _TOTAL if sex == Sex.TOTAL else 0.0
    return 1.0 + total + (_COUNTY if area(code).type in _LARGE else 0.0) + _PERSON * people
