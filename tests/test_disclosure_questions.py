from collections.abc import Mapping

import numpy as np
import pytest
from scipy.sparse import csr_array

from datasets.disclosure.attacker import attack
from datasets.disclosure.bounding import System
from datasets.disclosure.cuts import UnprotectableError
from datasets.disclosure.gate import breaches
from datasets.disclosure.hiding import Hidden, hide
from datasets.disclosure.linked import Asked, Earlier, Table, table_of
from datasets.disclosure.published import Published
from datasets.disclosure.relations import PEOPLE, Confidential, Key, Question, Target
from datasets.disclosure.suppression import Effort, suppress
from tests.linked import AREAS, county, found_out, key, published, rules

A, B, C = AREAS[:3]
Groups = Mapping[tuple[str, str], tuple[int, int]]
HEALTH: Groups = {(A, "women"): (1, 7), (A, "men"): (6, 2), (B, "women"): (12, 2), (B, "men"): (3, 3)}
TRUST: Groups = {(A, "women"): (0, 8), (A, "men"): (4, 4), (B, "women"): (7, 7), (B, "men"): (3, 3)}


def question(name: str, found: Groups, respondents: str) -> Question:
    """A question by area and sex, with every total: hits and the rest."""
    groups: dict[Key, tuple[int, ...]] = {}
    for (area, sex), (hits, rest) in found.items():
        for where in (key(area, sex), key(area), key("08", sex), key("08")):
            had = groups.get(where, (0, 0))
            groups[where] = (had[0] + hits, had[1] + rest)
    return Question(
        name=name, indicators=(name,), groups=groups, chosen=(frozenset({0}),), respondents=respondents
    )


def two(first: Groups, second: Groups, respondents: str) -> Confidential:
    asked = (question("health", first, respondents), question("trust", second, respondents))
    return Confidential(rules(), asked)


def met(people: Confidential, found: Hidden) -> int:
    """How many small numbers a stranger finds out who reads both questions together."""
    figures = [published(one, found.keys[one.name]).figures for one in people.questions]
    seen = Published({name: told for one in figures for name, told in one.items()})
    return len([*breaches(found.targets, {one.name: one for one in people.questions}, attack([seen]))])


def test_another_question_tells_how_many_answered_and_with_it_how_they_did() -> None:
    alone, together = two(HEALTH, TRUST, ""), two(HEALTH, TRUST, "pupils")

    assert met(together, hide(alone)) == 10
    assert met(together, hide(together)) == 0


def test_where_too_few_answered_the_same_groups_are_hidden_in_every_question() -> None:
    few: Groups = {
        (A, "women"): (2, 1), (A, "men"): (40, 40), (B, "women"): (14, 15), (B, "men"): (30, 30),
        (C, "women"): (15, 15), (C, "men"): (30, 30),
    }  # fmt: skip
    other = {**few, (B, "women"): (16, 16), (C, "women"): (14, 14)}
    alone, together = hide(two(few, other, "")), hide(two(few, other, "pupils"))

    assert alone.keys["health"] != alone.keys["trust"]
    assert together.keys["health"] == together.keys["trust"]


def test_a_group_too_small_in_one_question_is_hidden_in_the_other_too() -> None:
    larger = {**HEALTH, (A, "women"): (20, 20)}
    smaller = {**HEALTH, (A, "women"): (2, 1)}
    found = hide(two(larger, smaller, "pupils"))

    assert key(A, "women") in found.keys["health"]


def test_every_small_number_is_somebodys_target() -> None:
    people = two(HEALTH, TRUST, "pupils")
    small = {(one.question, one.key, one.sum) for one in hide(people).targets if not one.rest}

    assert ("health", key(A, "women"), "hits health") in small
    assert ("health", key(B, "women"), "others health") in small
    assert not any(name == PEOPLE for *_, name in small)


def test_nested_answers_give_their_difference_away_and_it_is_protected() -> None:
    groups = {key(A): (30, 3, 40), key(B): (20, 20, 20), key("08"): (50, 23, 60)}
    nested = Question(
        name="fraga",
        indicators=("mycket", "minst"),
        groups=groups,
        chosen=(frozenset({0}), frozenset({0, 1})),
    )
    people = Confidential(rules(), (nested,))
    kinds = [one.sum for one in hide(people).targets if one.key == key(A)]

    assert kinds == ["kind 1"]
    assert hide(people).keys["fraga"] >= {key(A), key(B)}


def test_the_attacker_knows_that_people_are_whole() -> None:
    system = System()
    system.within("doubled", 5, 7)
    system.equal({"some": 2, "others": 2, "doubled": -1})

    assert system.ranges([{"some": 1, "others": 1}]) == [(3, 3)]


def test_a_choice_that_is_safe_only_for_parts_of_people_is_not_taken() -> None:
    target = Target(question="q", key=key(A), sum=PEOPLE, value=3, floor=5, at=(0,))
    table = Table(
        values=np.array([3.0, 1.0, 4.0]),
        owner=np.arange(3),
        rows=csr_array(np.array([[3.0, -5.0, -1.0]])),
        targets=(target,),
        weights=np.array([1.0, 1.0, 3.0]),
        hidden=np.array([True, False, False]),
        known=np.zeros(3, np.bool_),
    )

    assert suppress(table).hidden.tolist() == [True, False, True]


def test_a_quick_choice_hides_nothing_that_protects_nobody() -> None:
    made, by = county((2, 3), (4, 7), (9, 12), (11, 3), (8, 15), (0, 6), (7, 1), (5, 9)), rules()
    table, keys = table_of([Asked(made)], by)
    hidden = suppress(table, Effort(exact_seconds=0)).hidden
    shown = {one for one, is_hidden in zip(keys, hidden, strict=True) if is_hidden}
    extra = {
        one for one, is_hidden, fixed in zip(keys, hidden, table.hidden, strict=True) if is_hidden > fixed
    }

    assert extra
    assert all(found_out(made, by, published(made, shown - {one})) for one in extra)


FEW: Groups = {
    (A, "women"): (5, 3), (A, "men"): (40, 40), (B, "women"): (14, 15), (B, "men"): (30, 30),
    (C, "women"): (15, 15), (C, "men"): (30, 30),
}  # fmt: skip
FEW_TOO: Groups = {**FEW, (B, "women"): (16, 16), (C, "women"): (14, 14)}
TWELVE = rules(respondents=12)


def both(first: Groups, second: Groups, respondents: str = "pupils") -> Confidential:
    asked = (question("health", first, respondents), question("trust", second, respondents))
    return Confidential(TWELVE, asked)


def test_too_few_to_rest_a_share_on_are_hidden_alike_in_every_question() -> None:
    alone, together = hide(both(FEW, FEW_TOO, "")), hide(both(FEW, FEW_TOO))

    assert alone.keys["health"] != alone.keys["trust"]
    assert together.keys["health"] == together.keys["trust"]


def test_what_was_hidden_in_all_questions_before_is_taken_again_instead_of_something_else() -> None:
    now = hide(both(FEW, FEW_TOO))
    other = {**FEW, (C, "women"): (60, 60)}
    before = hide(both(other, other)).keys
    again = hide(both(FEW, FEW_TOO), {name: [Earlier(hidden, {})] for name, hidden in before.items()})

    assert now.keys != before
    assert again.keys == before


def test_what_a_question_hid_before_stays_hidden() -> None:
    gone = frozenset({key(C, "women"), key(C, "men")})
    found = hide(both(FEW, FEW_TOO, ""), {"health": [Earlier(gone, {})]})

    assert found.keys["health"] >= gone


def test_a_share_shown_before_binds_though_another_of_the_same_answers_was_not() -> None:
    groups = {key(A): (3, 30, 40), key(B): (20, 20, 20), key("08"): (23, 50, 60)}
    chosen = (frozenset({0}), frozenset({0, 1}))
    nested = Question(name="fraga", indicators=("mycket", "minst"), groups=groups, chosen=chosen)
    shown = {key(A): {PEOPLE: 73, "hits mycket": 3, "others mycket": 70}}

    with pytest.raises(UnprotectableError):
        hide(Confidential(rules(), (nested,)), {"fraga": [Earlier(frozenset(), shown)]})


def test_a_range_narrower_than_the_threshold_is_not_enough() -> None:
    target = Target(question="q", key=key(A), sum=PEOPLE, value=3, floor=5, at=(0,))
    table = Table(
        values=np.array([3.0, 2.0, 1.0, 10.0]),
        owner=np.arange(4),
        # from 2 to 5 while the last is shown
        rows=csr_array(np.array([[1.0, 1.0, 0.0, 1.0], [1.0, 0.0, -1.0, 0.0]])),
        targets=(target,),
        weights=np.array([1.0, 1.0, 1.0, 5.0]),
        hidden=np.array([True, True, True, False]),
        known=np.zeros(4, np.bool_),
    )

    assert suppress(table).hidden.all()
