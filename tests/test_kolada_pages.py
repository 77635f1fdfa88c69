"""What goes wrong with Kolada's answers: pages, batches, what is missing or was not asked for."""

from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from loaders import kolada
from loaders.fetch import BrokenAnswerError
from loaders.kolada_codes import PER_PAGE
from loaders.source import Ask, BrokenSourceError, Plan
from tests.samples.kolada_small import (
    BASE,
    Answer,
    Item,
    answered,
    cube,
    fetched,
    made,
    page,
    plan_of,
    replying,
    rows,
    sample,
    with_body,
)

# --- whole answers ---


def full_page(following: str | None = None) -> Item:
    return page([rows("N99001")[0]] * PER_PAGE, following)


def wide_plan() -> Plan:
    """Make a plan whose first call may give more than a page of rows."""
    return plan_of(
        *(f"N99{number:03}" for number in range(100, 125)), areas=("county:08", "county:12"), first=2000
    )


def many_kpis(plan: Plan) -> list[Item]:
    return [sample("kpi")[0] | {"id": kpi} for kpi in plan.load["kpis"]]


def many_places() -> list[Item]:
    return [{"id": f"{code:04}", "title": "Prov", "type": "K"} for code in range(800, 1300)]


def wide(answer_data: Answer) -> Answer:
    plan = wide_plan()
    others = replying(kpi=many_kpis(plan), municipality=many_places())
    return lambda ask: answer_data(ask) if "data/" in ask.target else others(ask)


def test_a_full_page_that_names_no_next_one_is_followed_by_a_question_for_it() -> None:
    asked: list[str] = []

    def answer(ask: Ask) -> Item:
        asked.append(ask.target)
        return page([]) if "page=2" in ask.target or len(asked) > 2 else full_page()

    answered(wide_plan(), wide(answer))

    assert [target.partition("?")[2] for target in asked[:2]] == [
        "page=1&per_page=5000",
        "page=2&per_page=5000",
    ]
    assert asked[0].partition("?")[0] == asked[1].partition("?")[0]


def test_a_last_page_that_is_just_full_loses_no_figure() -> None:
    kpis = [f"N99{number:03}" for number in range(100, 125)]
    plan = plan_of(
        *kpis, areas=tuple(f"{code:04}" for code in (821, 834, 840, 860, 861, 862, 880, 881, 882)), first=2002
    )
    places = plan.load["municipalities"][:-1]
    figures = [
        rows("N99001")[3] | {"kpi": kpi, "municipality": place, "period": year}
        for kpi in kpis
        for place in places
        for year in range(2002, 2027)
    ]
    kept = answered(plan, replying(figures, kpi=many_kpis(plan), municipality=many_places()))

    assert len(figures) == PER_PAGE
    assert sum(len(one.cube) for one in kolada.normalise(plan, kept)) == PER_PAGE
    assert "page=2" in kept[-1].address


def test_rows_after_a_last_page_of_5000_stop_the_load() -> None:
    with pytest.raises(BrokenSourceError, match="there is more"):
        answered(wide_plan(), wide(lambda _: full_page()))


def test_a_page_that_names_its_successor_as_v2_did_is_no_page() -> None:
    body = msgspec.json.encode({"values": [], "count": 0, "next_page": f"{BASE}/kpi?page=2"})

    with pytest.raises(BrokenAnswerError, match="next_url"):
        kolada.check_answer(fetched(Ask(target="kpi"), body))


@pytest.mark.parametrize(
    "following",
    [f"{BASE}/kpi/N99001?page=2", "https://api.kolada.se/v2/data?page=2", "kpi"],
)
def test_a_next_page_of_another_question_is_not_asked_for(following: str) -> None:
    with pytest.raises(BrokenSourceError, match="next page"):
        answered(wide_plan(), wide(lambda _: full_page(following)))


def test_pages_that_name_each_other_for_ever_stop_the_load() -> None:
    def answer(ask: Ask) -> Item:
        path = ask.target.removeprefix(f"{BASE}/").partition("?")[0]
        return page(rows("N99001")[:1], f"{BASE}/{path}?page=2&per_page=5000")

    with pytest.raises(BrokenSourceError, match="next page"):
        answered(wide_plan(), wide(answer))


def test_more_rows_than_were_asked_for_stop_the_load() -> None:
    plan = plan_of("N99001", areas=("0880",), first=2026)
    answer = replying()

    with pytest.raises(BrokenSourceError, match="5000 rows where at most 1"):
        answered(plan, lambda ask: full_page() if "data/" in ask.target else answer(ask))


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><h1>Service Unavailable</h1>", b"", b'{"values": [{"id"'])
def test_html_and_half_an_answer_are_asked_for_again(body: bytes) -> None:
    with pytest.raises(BrokenAnswerError, match=r"api\.kolada\.se"):
        kolada.check_answer(fetched(Ask(target="kpi"), body))


def test_the_count_of_an_answer_is_never_believed() -> None:
    plan = plan_of("N99001")
    kept = answered(plan, replying())
    counted = with_body(kept, lambda body: body.replace(b'"count":7', b'"count":900000'))

    assert list(next(kolada.normalise(plan, kept)).cube) == list(next(kolada.normalise(plan, counted)).cube)


def test_no_segment_of_a_path_names_more_than_25_ids() -> None:
    targets: list[str] = []
    plan = plan_of(
        *(f"N99{number:03}" for number in range(100, 160)), areas=("county:12", "county:14"), first=1970
    )
    answer = replying(
        kpi=many_kpis(plan),
        municipality=[{"id": f"{code:04}", "title": "Prov", "type": "K"} for code in range(1200, 1500)],
    )

    def watching(ask: Ask) -> Item:
        targets.append(ask.target)
        return answer(ask)

    answered(plan, watching)

    assert max(piece.count(",") + 1 for target in targets for piece in target.split("/")) == 25
    assert {kpi for target in targets if "data/" in target for kpi in target.split("/")[2].split(",")} == set(
        plan.load["kpis"]
    )


def test_figures_are_asked_for_by_path_since_a_wrong_name_in_a_query_gives_an_empty_list() -> None:
    kept = answered(plan_of("N99001", first=2024), replying())
    targets = [urlsplit(one.address) for one in kept if "/data" in one.address]

    assert {target.path for target in targets} == {
        "/v3/data/kpi/N99001/municipality/0000,0834,0880,0980,G33618/year/2026,2025,2024"
    }
    assert {name for target in targets for name, _ in parse_qsl(target.query)} == {"page", "per_page"}


def test_a_list_that_does_not_mind_which_ids_were_asked_for_stops_the_load() -> None:
    whole = replying()

    def ignoring(ask: Ask) -> Item:
        return page(sample("kpi")) if ask.target.startswith("kpi/") else whole(ask)

    with pytest.raises(BrokenSourceError, match="rows where at most 1 were asked for"):
        answered(plan_of("N99001"), ignoring)


def test_another_kpi_in_the_place_of_the_one_that_was_asked_for_stops_the_load() -> None:
    whole = replying()

    def mistaken(ask: Ask) -> Item:
        return page([sample("kpi")[1]]) if ask.target.startswith("kpi/") else whole(ask)

    with pytest.raises(BrokenSourceError, match="a KPI that nobody asked for"):
        answered(plan_of("N99001"), mistaken)


def test_an_answer_that_was_lost_is_missed_and_never_passed_over() -> None:
    plan = plan_of("N99001", "N99002", first=1990)
    kept = answered(plan, replying())

    for lost in range(len(kept)):
        with pytest.raises(BrokenSourceError):
            list(kolada.normalise(plan, kept[:lost] + kept[lost + 1 :]))


def test_answers_to_another_plan_are_not_taken_for_this_ones() -> None:
    kept = answered(plan_of("N99001", "N99003"), replying())

    with pytest.raises(BrokenSourceError):
        list(kolada.normalise(plan_of("N99001"), kept))
    with pytest.raises(BrokenSourceError):
        list(kolada.normalise(plan_of("N99001", "N99003", areas=("0880",)), kept))


def test_kept_answers_tell_the_year_that_they_were_asked_in() -> None:
    plan = plan_of("N99001", areas=("0880",), first=1990)
    kept = answered(plan, replying())
    newest = next(at for at, one in enumerate(kept) if "/year/2026," in one.address)

    with pytest.raises(BrokenSourceError, match="/year/2026,"):
        list(kolada.normalise(plan, kept[:newest] + kept[newest + 1 :]))


def capped(answer: Answer, most: int) -> Answer:
    """Answer as *answer*, but hold back the rows over *most* until their page is asked for by number."""

    def reply(ask: Ask) -> Item:
        number = int(dict(parse_qsl(urlsplit(ask.target).query))["page"])
        whole = answer(Ask(target=ask.target.replace(f"page={number}&", "page=1&")))["values"]
        return page(whole[(number - 1) * most : number * most])

    return reply


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_page_size_that_became_smaller_without_a_word_stops_the_load(most: int) -> None:
    plan = plan_of("N99001", "N99002", "N99003", first=1990)
    whole = replying()

    def answer(ask: Ask) -> Item:
        return capped(whole, most)(ask) if "data/" in ask.target else whole(ask)

    with pytest.raises(BrokenSourceError, match="there is more"):
        answered(plan, answer)


def test_a_list_of_kpis_that_is_cut_off_does_not_make_the_rest_of_them_gone() -> None:
    whole = replying()

    with pytest.raises(BrokenSourceError, match="there is more"):
        answered(
            plan_of("N99001", "N99002"),
            lambda ask: (capped(whole, 1) if "kpi/" in ask.target else whole)(ask),
        )


def test_only_the_fullest_page_so_far_is_followed_by_a_question_for_one_more() -> None:
    figures = [
        rows("N99001")[3] | {"municipality": "0880", "period": year} for year in (1990, 2024, 2025, 2026)
    ]
    kept = answered(plan_of("N99001", areas=("0880", "0834"), first=1960), replying(figures))
    asked = [one.address for one in kept if "/data/" in one.address]

    assert ["page=2" in address for address in asked] == [False, True, False, False]
    assert "/year/2026," in asked[1]


def test_all_years_are_asked_for_anew_since_registers_change_backwards() -> None:
    targets = [
        one.address for one in answered(plan_of("N99001", first=1995), replying()) if "/data/" in one.address
    ]
    years = {int(year) for target in targets for year in urlsplit(target).path.rpartition("/")[2].split(",")}

    assert years == set(range(1995, 2027))


# --- what is there, and what is not ---


def test_of_a_kpi_that_kolada_dropped_nothing_is_made_and_the_others_are() -> None:
    assert made(plan_of("N99001", "N12345")).keys() == {"N99001"}


def test_a_silently_empty_answer_gives_an_empty_cube_that_a_check_can_see() -> None:
    assert len(cube("N99001", [])) == 0


@pytest.mark.parametrize(
    ("field", "strange"), [("kpi", "N99006"), ("municipality", "0180"), ("period", 1999), ("period", 2027)]
)
def test_a_row_that_nobody_asked_for_stops_the_load(field: str, strange: str | int) -> None:
    plan = plan_of("N99001")
    wrong = [row | {field: strange} for row in rows("N99001")[:1]]
    kept = answered(plan, replying())
    spoilt = with_body(kept, lambda _: msgspec.json.encode(page(wrong)))

    with pytest.raises(BrokenSourceError, match=f"{strange}.* was not asked for"):
        list(kolada.normalise(plan, spoilt))


def test_the_same_row_twice_is_one_figure() -> None:
    assert list(cube("N99001", rows("N99001") * 2)) == list(cube("N99001"))


def test_two_values_for_one_figure_stop_the_load() -> None:
    other = rows("N99001")[0]
    other["values"][1]["value"] = 21.9

    with pytest.raises(BrokenSourceError, match=r"N99001, 0880, 2023 stands twice: 21\.88749 and 21\.9"):
        cube("N99001", [*rows("N99001"), other])


def test_no_figure_is_made_that_the_source_does_not_state() -> None:
    stated = {
        (
            row["municipality"].removeprefix("00") if row["municipality"] < "0100" else row["municipality"],
            row["period"],
        )
        for row in rows("N99001")
    }

    assert {(one.municipality, one.year) for one in cube("N99001")} == stated
    assert len(cube("N99001")) == 11
