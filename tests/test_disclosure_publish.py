import json
import stat
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from datasets import retract
from datasets.canonical import canonical_csv
from datasets.cube import Cube
from datasets.disclosure.attacker import Bound, attack
from datasets.disclosure.guard import guarded
from datasets.disclosure.shown import by_key, published, versions_of, without
from datasets.errors import FaultyFileError, PublishRefusedError
from datasets.ledger import Draft
from datasets.publish import HeldError, publish
from datasets.store import Store
from datasets.vocabulary import Observation, Sex, Status
from loaders.kinds import read_file
from tests import given, pupils

InStore = Callable[[Callable[[Store], Coroutine[Any, Any, Any]]], Any]


def handed_over(folder: Path, found: pupils.Counts, **said: str) -> Draft:
    folder.mkdir(exist_ok=True)
    return read_file(pupils.written(folder, found, **said))


def figures(draft: Draft) -> dict[tuple[str, str], Observation]:
    return {
        (name, f"{one.municipality} {one.sex} {one.year} {one.breakdown.text}"): one
        for name, cube in draft.cubes.items()
        for one in cube
    }


@pytest.fixture(scope="module")
def pupils_of_three() -> pupils.Counts:
    return pupils.counts(3, 2, ["Högstadiet"])


def test_a_hand_over_with_small_numbers_is_published_without_them_and_with_nothing_else_changed(
    tmp_path: Path, in_store: InStore, pupils_of_three: pupils.Counts
) -> None:
    raw = handed_over(tmp_path, pupils_of_three)

    async def work(store: Store) -> Draft:
        safe = await guarded(store, raw, tmp_path)
        assert (await publish(store, safe)).release
        return safe

    before, after = figures(raw), figures(in_store(work))
    hidden = {name for name, one in after.items() if one.status is Status.SUPPRESSED}
    assert 0 < len(hidden) < len(after)
    assert {name: one for name, one in after.items() if name not in hidden} == {
        name: one for name, one in before.items() if name not in hidden
    }
    for one in (after[name] for name in hidden):
        assert (one.value, one.count, one.interval, one.flags) == (None, None, None, frozenset())
    assert min(one.count or 0 for one in after.values() if one.status is None) >= 5


def test_what_is_kept_and_every_tag_made_of_it_are_the_same_whatever_is_behind_what_is_hidden(
    tmp_path: Path, pupils_of_three: pupils.Counts
) -> None:
    found = {key: people + 2 if key[1] == "Kille" else people for key, people in pupils_of_three.items()}
    before, after = (
        handed_over(tmp_path / name, one) for name, one in (("a", pupils_of_three), ("b", found))
    )
    for indicator, cube in before.cubes.items():
        other = after.cubes[indicator]
        moved = frozenset(by_key(cube)) & frozenset(
            key for key, one in by_key(other).items() if one != by_key(cube).get(key)
        )

        assert moved
        assert canonical_csv(without(cube, moved)) == canonical_csv(without(other, moved))
        assert canonical_csv(cube) != canonical_csv(other)


def test_the_report_is_for_its_owner_alone_and_tells_no_number_of_people(
    tmp_path: Path, in_store: InStore, pupils_of_three: pupils.Counts
) -> None:
    raw = handed_over(tmp_path, pupils_of_three)
    in_store(lambda store: guarded(store, raw, tmp_path / "home"))

    (path,) = (tmp_path / "home" / "disclosure").iterdir()
    report = json.loads(path.read_bytes())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one["indicator"] for one in report["indicators"]] == ["lupp-prov-f1", "lupp-prov-f2"]
    assert report["rules"]["decidedBy"] == "Prov"
    assert report["exact"]
    one = report["indicators"][0]
    assert one["primary"] + one["complementary"] < one["figures"]


def test_figures_of_people_that_nobody_protected_are_given_to_nobody(
    tmp_path: Path, in_store: InStore, pupils_of_three: pupils.Counts
) -> None:
    raw = handed_over(tmp_path, pupils_of_three)

    with pytest.raises(PublishRefusedError, match="not protected yet"):
        in_store(lambda store: publish(store, raw))


def test_a_draft_that_reckoned_with_another_version_than_the_newest_is_refused(
    tmp_path: Path, in_store: InStore, pupils_of_three: pupils.Counts
) -> None:
    raw = handed_over(tmp_path, pupils_of_three)

    async def work(store: Store) -> None:
        late = await guarded(store, raw)
        await publish(store, structs.replace(await guarded(store, raw), note="först"))
        await publish(store, late)

    with pytest.raises(PublishRefusedError, match="another version was published meanwhile"):
        in_store(work)


def test_a_revision_keeps_hiding_and_gives_the_attacker_nothing(
    tmp_path: Path, in_store: InStore, pupils_of_three: pupils.Counts
) -> None:
    later = pupils.revised(pupils_of_three, 4, seed=3)

    async def work(store: Store) -> list[Draft]:
        drafts = []
        for number, found in enumerate((pupils_of_three, later)):
            drafts.append(await guarded(store, handed_over(tmp_path / str(number), found)))
            await publish(store, drafts[-1])
        return drafts

    first, second = ({name for name, one in figures(made).items() if one.status} for made in in_store(work))
    assert first <= second


def test_a_threshold_that_is_raised_over_what_was_shown_holds_the_dataset(
    tmp_path: Path, in_store: InStore, pupils_of_three: pupils.Counts
) -> None:
    higher = pupils.RULES.replace("threshold = 5", "threshold = 20")

    async def work(store: Store) -> None:
        await publish(store, await guarded(store, handed_over(tmp_path / "a", pupils_of_three)))
        await guarded(store, handed_over(tmp_path / "b", pupils_of_three, rules=higher))

    with pytest.raises(HeldError, match="known whatever is hidden"):
        in_store(work)


def test_a_rule_below_the_datasets_own_threshold_is_refused(
    tmp_path: Path, in_store: InStore, pupils_of_three: pupils.Counts
) -> None:
    lower = pupils.RULES.replace("threshold = 5", "threshold = 3")

    with pytest.raises(PublishRefusedError, match="less than dataset"):
        in_store(lambda store: guarded(store, handed_over(tmp_path, pupils_of_three, rules=lower)))


def test_a_kind_of_file_that_is_not_protected_yet_refuses_the_rules_instead_of_ignoring_them(
    tmp_path: Path,
) -> None:
    end = '\n[disclosure]\nthreshold = 5\ndecidedBy = "Prov"\ndecidedOn = 2026-11-01\n'
    path = given.handed_over(tmp_path, given.rows("0880,total,2020,1.5"), end=end)

    with pytest.raises(FaultyFileError, match="disclosure: is used by lupp alone"):
        read_file(path)


def test_what_the_suppression_was_not_told_of_the_attacker_finds_and_the_dataset_is_held(
    tmp_path: Path, in_store: InStore, pupils_of_three: pupils.Counts
) -> None:
    raw = handed_over(tmp_path, pupils_of_three)
    assert raw.confidential
    blind = [
        structs.replace(one, groups={key: found for key, found in one.groups.items() if key[1] != "total"})
        for one in raw.confidential.questions
    ]
    told = structs.replace(raw.confidential, questions=tuple(blind))

    with pytest.raises(HeldError, match="numbers of people could be worked out too closely"):
        in_store(lambda store: guarded(store, structs.replace(raw, confidential=told)))


def test_an_erased_figure_cannot_be_worked_out_from_its_neighbours_and_never_comes_back(
    tmp_path: Path, in_store: InStore, pupils_of_three: pupils.Counts
) -> None:
    raw = handed_over(tmp_path / "a", pupils_of_three)
    later = handed_over(tmp_path / "b", pupils.revised(pupils_of_three, 4, seed=3))
    name = "lupp-prov-f1"

    async def work(store: Store) -> tuple[Observation, Cube, Draft, list[Bound]]:
        first = await guarded(store, raw)
        await publish(store, first)
        told = next(one for one in first.cubes[name] if one.status is None and one.sex is Sex.MEN)
        key = retract.Key(name, str(told.municipality), told.sex, int(told.year), told.breakdown)
        await retract.erase(store, key, "Röjer en person")
        async with store.session() as session:
            stay = (await session.stays(2, indicators=[name]))[-1]
            left = (await session.cubes({stay.data_sha256}))[stay.data_sha256]
        safe = await guarded(store, later)
        await publish(store, safe)
        async with store.session() as session:
            versions, _ = await versions_of(session, "lupp-prov")
        return told, left, safe, attack([published(one) for one in versions])

    told, left, safe, bounds = in_store(work)
    key = str(told.municipality), told.sex.value, int(told.year), told.breakdown.text
    assert key not in by_key(left)
    assert {one.status for one in left} == {Status.SUPPRESSED}
    assert by_key(safe.cubes[name])[key].status is Status.SUPPRESSED
    about = [one for one in bounds if (one.indicator, one.key) == (name, key) and one.what == "hits"]
    assert about
    assert all(one.high - one.low >= 5 for one in about)
