from datetime import date

import msgspec
import numpy as np
import pytest
from msgspec import structs

from datasets.disclosure.attacker import Bound, attack
from datasets.disclosure.cuts import UnprotectableError, is_protected
from datasets.disclosure.gate import breaches
from datasets.disclosure.linked import Asked, Earlier, table_of
from datasets.disclosure.relations import Key, Question, primary
from datasets.disclosure.rules import RuleMissingError, Rules, rules_for
from datasets.disclosure.shown import without
from datasets.disclosure.suppression import suppress
from datasets.vocabulary import Flag, Interval, Status
from tests import given, linked
from tests.linked import county, found_out, key, naively, protected, published, ranges, rules, targets

TWELVE = [
    (2, 3), (4, 7), (9, 12), (11, 3), (8, 15), (0, 6), (61, 83), (14, 21), (19, 30), (33, 44), (7, 1), (5, 9),
]  # fmt: skip
A, B, C, D, E = linked.AREAS[:5]
K = linked.AREAS[10]
SDC = {
    "w": (30, 47, 64, 89),
    "x": (90, 124, 5, 31),
    "y": (92, 100, 59, 85),
    "z": (800, 991, 651, 685),
}
TWO_IN_EVERY_LINE = ("wa", "wb", "wc", "xa", "xc", "yb", "yd", "zb", "zd")


def cell(name: str) -> Key:
    """The cell `wb` of the table that sdcTable tests itself with: an area and a category."""
    return key(linked.AREAS["wxyz".index(name[0])], breakdown=f"rub:{name[1]}")


def crossed() -> Question:
    groups: dict[Key, tuple[int, ...]] = {}
    for row, numbers in SDC.items():
        area = linked.AREAS["wxyz".index(row)]
        groups |= {cell(row + column): (number,) for column, number in zip("abcd", numbers, strict=True)}
        groups[key(area)] = (sum(numbers),)
    for column, numbers in zip("abcd", zip(*SDC.values(), strict=True), strict=True):
        groups[key("08", breakdown=f"rub:{column}")] = (sum(numbers),)
    groups[key("08")] = (sum(sum(numbers) for numbers in SDC.values()),)
    return Question(name="antal", indicators=("antal",), groups=groups)


def shares(*groups: tuple[str, int, int], others: tuple[int, int] = (0, 0)) -> Question:
    """A share by sex in one area: hits and the rest of each; *others* are in the total alone."""
    found = {key(A, sex): (hits, rest) for sex, hits, rest in groups}
    hits, rest = (sum(one) for one in zip(*found.values(), others, strict=True))
    found[key(A)] = (hits, rest)
    return Question(name="fraga", indicators=("andel",), groups=found, chosen=(frozenset({0}),))


# --- each worked attack: it succeeds where only the small is hidden, and fails against ours ---------------


def test_two_hidden_in_every_line_are_not_enough() -> None:
    hidden = {cell(name) for name in TWO_IN_EVERY_LINE}
    naive = ranges(published(crossed(), hidden))

    assert {name: naive[cell(name)] for name in TWO_IN_EVERY_LINE} == {
        "wa": (25, 94),
        "wb": (47, 47),
        "wc": (0, 69),
        "xa": (26, 95),
        "xc": (0, 69),
        "yb": (0, 185),
        "yd": (0, 185),
        "zb": (906, 1091),
        "zd": (585, 770),
    }


def test_one_more_cell_cures_the_linked_lines() -> None:
    by = rules(48)
    hidden = {cell(name) for name in TWO_IN_EVERY_LINE}
    table, keys = table_of([Asked(crossed())], by, hidden)
    only = tuple(one for one in table.targets if one.key == cell("wb"))
    forced = np.array([one in hidden for one in keys])
    found = suppress(structs.replace(table, targets=only, hidden=forced))
    chosen = {one for one, is_hidden in zip(keys, found.hidden, strict=True) if is_hidden}

    assert len(chosen - hidden) == 1
    assert ranges(published(crossed(), hidden | {cell("xb")}))[cell("wb")] == (0, 141)
    assert not found_out(crossed(), by, published(crossed(), protected(crossed(), by)[0]))


def test_the_county_less_eleven_and_the_other_sex_give_every_small_number_away() -> None:
    question, by = county(*TWELVE), rules()

    assert found_out(question, by, naively(question, by)) == {(one, "") for one in primary(question, by)}
    assert all(low == high for low, high in ranges(naively(question, by)).values())


def test_the_county_of_twelve_is_cured_by_three_more_cells_at_the_published_minimum() -> None:
    question, by = county(*TWELVE), rules()
    hidden, found = protected(question, by)

    assert hidden - primary(question, by) == {key(B, "men"), key(D, "women"), key(K, "women")}
    assert found.loss == pytest.approx(3.25)
    assert found.is_exact
    known = ranges(published(question, hidden))
    assert [known[one] for one in (key(A, "women"), key(A, "men"), key(B, "women"), key(D, "men"))] == [
        (0, 5),
        (0, 5),
        (0, 11),
        (0, 14),
    ]
    assert known[key(K, "men")] == (0, 8)
    assert not found_out(question, by, published(question, hidden))


def test_a_number_known_to_within_less_than_the_floor_is_found_out_and_cured() -> None:
    # a square of small cells can move by one person either way and no more: 4 is 3, 4 or 5
    question, by = county((4, 1), (1, 1), (40, 40), (60, 50)), rules()
    naive, target = published(question, primary(question, by)), key(A, "women")
    hidden, _ = protected(question, by)
    low, high = ranges(published(question, hidden))[target]

    assert ranges(naive)[target] == (3, 5)
    assert (target, "") in found_out(question, by, naive)
    assert high - low >= 5
    assert not found_out(question, by, published(question, hidden))


@pytest.mark.parametrize(
    ("up", "down", "is_safe"), [(1, 4, True), (4, 1, True), (1, 3, False), (0, 5, False), (5, 0, False)]
)
def test_a_number_is_safe_that_may_be_more_may_be_less_and_is_one_of_enough(
    up: int, down: int, *, is_safe: bool
) -> None:
    four = next(one for one in targets(county((4, 9), (20, 30)), rules()) if one.value == 4)

    assert is_protected(four, up, down) == is_safe


@pytest.mark.parametrize(
    ("low", "high", "is_breach"),
    [(0, 5, False), (3, 9, False), (3, 5, True), (0, 4, True), (4, 20, True), (5, 9, False)],
)
def test_the_gate_lets_pass_what_may_be_more_may_be_less_and_is_one_of_enough(
    low: int, high: int, *, is_breach: bool
) -> None:
    question = county((4, 9), (20, 30))
    four = next(one for one in targets(question, rules()) if one.value == 4)
    bound = Bound(
        indicator="antal", key=four.key, what="people", low=low, high=high, nobody_left_over=False, assumed=""
    )

    # from 5 to 9 is a wrong guess, which tells nothing
    assert bool([*breaches([four], {"antal": question}, [bound])]) == is_breach


def test_a_rounded_share_and_two_bases_give_the_third_groups_count_to_the_person() -> None:
    question, by = shares(("women", 301, 87), ("men", 7, 17)), rules(10)
    naive = naively(question, by)

    assert primary(question, by) == {key(A, "men")}
    assert ranges(naive, what="hits")[key(A, "men")] == (7, 7)
    assert found_out(question, by, naive) == {(key(A, "men"), "")}
    assert not found_out(question, by, published(question, protected(question, by)[0]))


def test_whole_percents_do_not_help_where_the_group_is_small() -> None:
    question, by = shares(("women", 31, 9), ("men", 2, 10)), rules()

    assert found_out(question, by, published(question, {key(A, "men")}, decimals=0))
    assert not found_out(question, by, published(question, protected(question, by)[0], decimals=0))


def test_the_total_less_two_sexes_hands_out_the_third() -> None:
    question, by = shares(("women", 20, 20), ("men", 20, 20), others=(1, 2)), rules()
    naive = naively(question, by)

    assert not primary(question, by)
    assert found_out(question, by, naive) == {(key(A), "sex")}
    hidden, _ = protected(question, by)
    assert len(hidden) == 1
    assert not found_out(question, by, published(question, hidden))


def test_two_versions_that_are_safe_alone_give_the_number_away_together() -> None:
    question, by = county((3, 9), (12, 14), (11, 20)), rules()
    first, second = (
        published(question, {key(area, sex) for area in (A, other) for sex in ("women", "men")})
        for other in (B, C)
    )

    assert ranges(first)[key(A, "women")] == ranges(second)[key(A, "women")] == (0, 12)
    assert not found_out(question, by, first) | found_out(question, by, second)
    assert ranges(first, second)[key(A, "women")] == (3, 3)
    assert found_out(question, by, first, second)


def test_a_later_version_keeps_hiding_what_an_earlier_one_hid() -> None:
    question, by = county((3, 9), (12, 14), (11, 20)), rules()
    before = frozenset(key(area, sex) for area in (A, C) for sex in ("women", "men"))
    hidden, _ = protected(question, by, [Earlier(before, {})])

    assert hidden == before
    assert not found_out(question, by, published(question, before), published(question, hidden))


def test_what_an_earlier_version_showed_protects_nothing_any_more() -> None:
    first = county((6, 9), (12, 14), (11, 20))
    second = county((3, 9), (12, 14), (11, 20))
    by = rules()
    kept = {one: {"people": sum(people)} for one, people in first.groups.items()}
    naive, _ = protected(second, by)
    hidden, _ = protected(second, by, [Earlier(frozenset(), kept)])

    assert found_out(second, by, published(first), published(second, naive))
    assert not found_out(second, by, published(first), published(second, hidden))


def test_what_an_earlier_version_says_of_the_hidden_binds_though_its_totals_have_changed() -> None:
    sexes = ("women", "other", "men")
    first, second = county((3, 6, 20), sexes=sexes), county((3, 6, 21), sexes=sexes)
    hidden = frozenset(key(area, sex) for area in (A, "08") for sex in ("women", "other"))
    shown = {one: {"people": sum(people)} for one, people in first.groups.items() if one not in hidden}

    naive, _ = protected(second, rules(10), [Earlier(hidden, {})])
    assert found_out(second, rules(10), published(first, hidden), published(second, naive))
    with pytest.raises(UnprotectableError):
        protected(second, rules(10), [Earlier(hidden, shown)])


# --- the rules -------------------------------------------------------------------------------------------


def test_both_sexes_are_hidden_where_either_are_too_few_to_answer() -> None:
    question = shares(("women", 60, 60), ("men", 6, 6))
    by = rules(5, respondents=100)

    assert primary(question, by) == {key(A, "men")}
    assert primary(question, structs.replace(by, sexes="either")) == {key(A, "men"), key(A, "women")}


@pytest.mark.parametrize("all_or_nobody", [(0, 40), (40, 0)])
def test_nobody_and_everybody_are_hidden_where_the_rules_say_so(all_or_nobody: tuple[int, int]) -> None:
    question = shares(("women", *all_or_nobody), ("men", 20, 20))

    assert primary(question, rules(zeros="hidden")) == {key(A, "women")}
    assert not primary(question, rules(zeros="shown"))


def test_a_rule_that_nothing_applies_is_refused() -> None:
    told = {"threshold": 5, "decidedBy": "Prov", "decidedOn": "2026-01-01", "dominance": {"largest": 1}}

    with pytest.raises(msgspec.ValidationError, match="dominance"):
        msgspec.convert(told, Rules)


def test_a_dataset_of_people_without_rules_is_refused() -> None:
    people = given.dataset(person_based=True, threshold=10)
    lower = Rules(threshold=5, decided_by="Prov", decided_on=date(2026, 1, 1))

    with pytest.raises(RuleMissingError, match=r"no \[disclosure\] says how"):
        rules_for(people, None)
    with pytest.raises(RuleMissingError, match=r"less than dataset\.threshold, 10"):
        rules_for(people, lower)


def test_the_attacker_knows_nothing_of_a_lonely_hidden_group() -> None:
    question = Question(name="antal", indicators=("antal",), groups={key(A): (3,)})

    assert [(one.low, one.high) for one in attack([naively(question, rules())])] == [(0, float("inf"))]


def test_nothing_of_a_hidden_figure_is_left_but_the_marker() -> None:
    told = given.figure(value=40, interval=Interval(30, 50), count=10, flags=frozenset({Flag.PRELIMINARY}))
    kept = given.figure("0834", value=50, interval=Interval(40, 60), count=90)
    hidden = ("0880", "total", 2020, "")

    assert [*without(given.cube(told, kept), {hidden})] == [kept, given.figure(status=Status.SUPPRESSED)]
