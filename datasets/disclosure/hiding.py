"""All questions of a dataset: what is hidden in each, so that none helps with another."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct, structs

from datasets.disclosure.linked import Asked, Earlier, Table, table_of
from datasets.disclosure.relations import PEOPLE, Confidential, Key, Question, Target, islands
from datasets.disclosure.rules import Rules
from datasets.disclosure.suppression import Effort, Suppression, suppress


class Hidden(Struct, frozen=True):
    """What is hidden of each question, for which numbers' sake, and how good the choice is."""

    keys: Mapping[str, frozenset[Key]]
    targets: tuple[Target, ...]
    choices: tuple[Suppression, ...]


@dataclass
class _Hiding:
    """What is hidden so far."""

    rules: Rules
    earlier: Mapping[str, Sequence[Earlier]]
    also: Mapping[str, Collection[Key]]
    effort: Effort | None
    keys: dict[str, set[Key]] = field(default_factory=dict)
    targets: list[Target] = field(default_factory=list)
    choices: list[Suppression] = field(default_factory=list)

    def remembered(self, table: Table, cells: Sequence[Key]) -> set[Key]:
        """Return which of the *cells* of *table* are hidden, and remember for which numbers' sake."""
        choice = suppress(table, self.effort)
        self.targets += table.targets
        self.choices.append(choice)
        return {key for key, is_hidden in zip(cells, choice.hidden, strict=True) if is_hidden}

    def hide_in_all(self, together: Sequence[Question]) -> set[Key]:
        """Return what is hidden in each of the questions *together*, since too few answered some of them."""
        rules = structs.replace(self.rules, threshold=self.rules.base, zeros="shown")
        asked = [Asked(_people(one), [*self._answered(one, together)]) for one in together]
        found: set[Key] = set()
        for part in islands({key for one in together for key in one.groups}):
            within = [Asked(_within(one.question, part), one.earlier) for one in asked]
            found |= self.remembered(*table_of(within, rules))
        return found

    def hide_in(self, question: Question, common: Collection[Key], *, shared: bool) -> None:
        """Hide what must be in *question*, beyond what is hidden in all."""
        found = self.keys.setdefault(question.name, set())
        for part in islands(question.groups):
            asked = Asked(_within(question, part), self.earlier.get(question.name, ()))
            also, fixed = self.also.get(question.name, ()), part & set(common)
            found |= self.remembered(
                *table_of([asked], self.rules, fixed, also=part & set(also), bases_known=shared)
            )

    def _answered(self, question: Question, together: Sequence[Question]) -> Iterator[Earlier]:
        """Yield what earlier versions told of how many answered; hidden is what no question told then."""
        hidden = [
            frozenset().union(*(version.hidden for version in self.earlier.get(one.name, ())))
            for one in together
        ]
        for version in self.earlier.get(question.name, ()):
            shown = {key: {PEOPLE: sums[PEOPLE]} for key, sums in version.shown.items() if PEOPLE in sums}
            yield Earlier(frozenset.intersection(*hidden), shown)


def hide(
    people: Confidential,
    earlier: Mapping[str, Sequence[Earlier]] | None = None,
    *,
    also: Mapping[str, Collection[Key]] | None = None,
    effort: Effort | None = None,
) -> Hidden:
    """Return what to hide of every question, given what *earlier* versions told of each.

    What is in *also*, by the question's name, is hidden in any case.

    Questions that the same people answered tell nearly the same numbers of them. So where too few answered,
    the group is hidden in all of them, with one choice of further groups for all; and when answers are
    hidden in one question, everybody is taken to know from the others how many answered.
    """
    hiding = _Hiding(people.rules, earlier or {}, also or {}, effort)
    for together in _by_respondents(people.questions):
        shared = len(together) > 1
        common = hiding.hide_in_all(together) if shared else set()
        for question in together:
            hiding.hide_in(question, common, shared=shared)
    keys = {name: frozenset(found) for name, found in hiding.keys.items()}
    return Hidden(keys, tuple(hiding.targets), tuple(hiding.choices))


def _by_respondents(questions: Sequence[Question]) -> list[list[Question]]:
    """Return *questions* in lists that the same people answered."""
    found: dict[str, list[Question]] = {}
    for one in questions:
        found.setdefault(f"same {one.respondents}" if one.respondents else f"only {one.name}", []).append(one)
    return [*found.values()]


def _within(question: Question, keys: Collection[Key]) -> Question:
    return structs.replace(question, groups={key: one for key, one in question.groups.items() if key in keys})


def _people(question: Question) -> Question:
    """Return *question* as a count of those who answered it."""
    groups = {key: (sum(people),) for key, people in question.groups.items()}
    return structs.replace(question, groups=groups, chosen=())
