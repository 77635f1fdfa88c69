"""What goes wrong with Kolada, each trap a sentence, on small samples in its own form."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, date, datetime
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.cube import Cube
from datasets.errors import UnknownCodeError
from datasets.vocabulary import Flag, Interval, Observation, Sex, Status, Text
from loaders import kolada
from loaders.fetch import BrokenAnswerError, Fetched
from loaders.kolada_catalogue import preliminary_year, proposed_uncertainties, tidied, unit_of
from loaders.kolada_codes import PER_PAGE, Kpi
from loaders.source import Ask, BrokenSourceError, Made, Plan
from tests.given import dataset

Item = dict[str, Any]
Answer = Callable[[Ask], Item]

SAMPLES = Path(__file__).parent / "samples"
BASE = "https://api.kolada.se/v3"
TODAY = datetime(2026, 6, 1, 2, tzinfo=UTC)
EVERYWHERE = ("0880", "0834", "0980", "08", "00", "G33618")


@cache
def sample(name: str) -> list[Item]:
    return msgspec.json.decode((SAMPLES / f"kolada_{name}.json").read_bytes())["values"]  # type: ignore[no-any-return]


def rows(kpi: str = "") -> list[Item]:
    """Copy the figures of the sample, those of one KPI if one is named."""
    return [deepcopy(row) for row in sample("data") if kpi in ("", row["kpi"])]


def page(items: list[Item], following: str | None = None) -> Item:
    return {"values": items, "count": 7, "next_url": following, "previous_url": None}


def plan_of(*kpis: str, areas: tuple[str, ...] = EVERYWHERE, first: int = 2020, **said: Any) -> Plan:
    load = {"kpis": list(kpis), "municipalities": list(areas), "years": {"from": first}}
    stated = said.pop("indicators", ())
    return Plan(dataset=dataset("kolada-prov"), load=load | said, indicators=stated)


def replying(figures: list[Item] | None = None, **lists: list[Item]) -> Answer:
    """Answer as Kolada does: what is asked for by id, of *figures* and of the lists of metadata."""

    def reply(ask: Ask) -> Item:
        name, *ids = urlsplit(ask.target).path.split("/")
        if name == "data":
            kpis, areas, years = (segment.split(",") for segment in ids[1::2])
            if "page=1&" not in ask.target:
                return page([])
            return page(
                [
                    row
                    for row in (rows() if figures is None else figures)
                    if row["kpi"] in kpis and row["municipality"] in areas and str(row["period"]) in years
                ]
            )
        known = lists.get(name, sample(name)) if "page=1&" in ask.target else []
        return page([one for one in known if not ids or one["id"] in ids[0].split(",")])

    return reply


def fetched(ask: Ask, body: bytes) -> Fetched:
    address = ask.target if "://" in ask.target else f"{BASE}/{ask.target}"
    return Fetched(address=address, at=TODAY, status=200, body=body)


def answered(plan: Plan, answer: Answer) -> list[Fetched]:
    """Put every question to *answer*, as the night does to the source."""
    asks = kolada.asks(plan)
    kept: list[Fetched] = []
    ask = next(asks, None)
    while ask is not None:
        kept.append(fetched(ask, msgspec.json.encode(answer(ask))))
        kolada.check_answer(kept[-1])
        try:
            ask = asks.send(kept[-1])
        except StopIteration:
            ask = None
    return kept


def made(plan: Plan, figures: list[Item] | None = None, **lists: list[Item]) -> dict[str, Made]:
    kept = answered(plan, replying(figures, **lists))
    return {one.indicator.id: one for one in kolada.normalise(plan, kept)}


def cube(kpi: str, figures: list[Item] | None = None) -> Cube:
    return made(plan_of(kpi), figures)[kpi].cube


def figure(cube: Cube, municipality: str, sex: Sex, year: int) -> Observation:
    key = (municipality, sex, year)
    return next(one for one in cube if (one.municipality, one.sex, one.year) == key)


def notes(one: Made) -> dict[str, bool]:
    """Return the Swedish text of each note, and whether it must be shown."""
    return {note.text.sv: note.mandatory for note in one.indicator.notes}


def with_body(kept: list[Fetched], change: Callable[[bytes], bytes]) -> list[Fetched]:
    return [
        msgspec.structs.replace(one, body=change(one.body)) if "/data/" in one.address else one
        for one in kept
    ]


def changed_kpi(**said: Any) -> list[Item]:
    """Return the catalogue with its first KPI changed."""
    first, *others = sample("kpi")
    return [first | said, *others]


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


# --- sexes, nulls and digits ---


def test_the_first_value_of_a_row_is_not_the_total() -> None:
    first = rows("N99001")[0]
    orders = [first | {"values": list(order)} for order in permutations(first["values"])]
    cubes = [list(cube("N99001", [row])) for row in orders]

    assert all(one == cubes[0] for one in cubes)
    assert [(one.sex, one.value) for one in cubes[0]] == [
        (Sex.TOTAL, 21.88749),
        (Sex.WOMEN, 25.688929),
        (Sex.MEN, 15.778849),
    ]


@given(st.permutations(range(14)), st.randoms())
def test_the_order_of_rows_and_genders_changes_no_figure(order: list[int], chance: Any) -> None:
    mixed = [rows()[at] for at in order]
    for row in mixed:
        chance.shuffle(row["values"])
    plan = plan_of("N99001", "N99002", "N99003", "U99004")

    assert {name: list(one.cube) for name, one in made(plan, mixed).items()} == {
        name: list(one.cube) for name, one in made(plan).items()
    }


@pytest.mark.parametrize("gender", ["X", "", "TK", "Å", "t"])
def test_a_gender_kolada_never_had_is_not_guessed(gender: str) -> None:
    wrong = rows("N99001")
    wrong[0]["values"][0]["gender"] = gender

    with pytest.raises(BrokenSourceError, match="N99001, 0880, 2023"):
        cube("N99001", wrong)


@pytest.mark.parametrize("status", ["", "Missing", "Not applicable", "Private", None])
def test_a_null_is_missing_whatever_its_status_and_count_say(status: str | None) -> None:
    row = rows("N99001")[:1]
    row[0]["values"] = [{"gender": "T", "count": 1, "status": status, "value": None, "isdeleted": False}]
    (one,) = cube("N99001", row)

    assert (one.value, one.status) == (None, Status.MISSING)


def test_zero_is_a_value_and_null_is_not() -> None:
    torsas = [one for one in cube("N99001") if one.municipality == "0834"]

    assert [(one.sex, one.value, one.status) for one in torsas] == [
        (Sex.TOTAL, 0.0, None),
        (Sex.WOMEN, None, Status.MISSING),
        (Sex.MEN, None, Status.MISSING),
    ]


def test_a_value_with_a_status_nobody_has_seen_is_not_published() -> None:
    wrong = rows("N99001")
    wrong[0]["values"][0]["status"] = "Private"

    with pytest.raises(BrokenSourceError, match="a value of status 'Private'"):
        cube("N99001", wrong)


def test_a_deleted_figure_is_not_there() -> None:
    of_2024 = [one for one in cube("N99001") if one.year == 2024]

    assert [(one.sex, one.value) for one in of_2024] == [(Sex.TOTAL, 21.5)]


@pytest.mark.parametrize(
    "text", ["79.545454", "80.12345678", "0.1", "1234567.25", "25.688929", "0.00012", "-3.5"]
)
def test_every_digit_is_kept(text: str) -> None:
    plan = plan_of("N99001", areas=("0880",))
    kept = with_body(answered(plan, replying()), lambda body: body.replace(b"21.88749", text.encode()))
    value = figure(next(kolada.normalise(plan, kept)).cube, "0880", Sex.TOTAL, 2023).value

    assert repr(value) == text or f"{value:.5f}" == text


@pytest.mark.parametrize(
    "text", ["0.12345678901234567891", "9007199254740993", "12345678.1234567891", "1e300"]
)
def test_a_number_whose_digits_would_be_lost_stops_the_load(text: str) -> None:
    plan = plan_of("N99001", areas=("0880",))
    kept = with_body(answered(plan, replying()), lambda body: body.replace(b"21.88749", text.encode()))

    with pytest.raises(BrokenSourceError, match="more digits than can be kept"):
        list(kolada.normalise(plan, kept))


def test_a_bare_nan_is_not_json() -> None:
    body = msgspec.json.encode(page(rows("N99001")[:1])).replace(b"21.88749", b"NaN")

    with pytest.raises(BrokenAnswerError, match="malformed"):
        kolada.check_answer(fetched(Ask(target="data"), body))


def test_percent_stays_percent() -> None:
    one = made(plan_of("N99001"))["N99001"]

    assert one.indicator.unit == "percent"
    assert figure(one.cube, "00", Sex.MEN, 2023).value == 81.0


# --- areas ---


def test_the_country_and_the_region_get_their_official_codes() -> None:
    assert {one.municipality for one in cube("N99002")} == {"00", "08"}
    assert {one.municipality for one in cube("N99003")} == {"08", "0880"}


def test_regions_are_not_asked_for_municipal_kpis_nor_municipalities_for_regional_ones() -> None:
    kept = answered(plan_of("N99001", "N99002", "N99003"), replying())
    asked = {
        segments[-5]: segments[-3].split(",")
        for segments in (urlsplit(one.address).path.split("/") for one in kept if "/data/" in one.address)
    }

    assert asked == {
        "N99001": ["0000", "0834", "0880", "0980", "G33618"],
        "N99002": ["0000", "0008"],
        "N99003": ["0000", "0008", "0834", "0880", "0980", "G33618"],
    }


def test_a_kpi_that_does_not_say_what_it_is_for_is_asked_for_everywhere() -> None:
    kept = answered(plan_of("N99001"), replying(kpi=changed_kpi(municipality_type=None)))

    assert "/0000,0008,0834,0880,0980,G33618/" in kept[-1].address


def test_gotland_the_region_is_not_gotland_the_municipality() -> None:
    figures = [rows("N99003")[0] | {"municipality": code} for code in ("0009", "0980")]
    plan = plan_of("N99003", areas=("09", "0980"))

    assert [one.municipality for one in made(plan, figures)["N99003"].cube] == ["09", "0980"]


def test_a_group_is_marked_as_an_unweighted_mean_of_its_members() -> None:
    one = made(plan_of("N99001"))["N99001"]
    (note,) = [note for note in one.indicator.notes if note.municipalities]

    assert figure(one.cube, "G33618", Sex.TOTAL, 2023).value == 10.94
    assert figure(one.cube, "G33618", Sex.TOTAL, 2023).count is None
    assert note.mandatory
    assert note.municipalities == ("G33618",)
    assert "ovägda medelvärdet av gruppens kommuner (Kalmar, Torsås)" in note.text.sv


def test_an_indicator_without_a_value_for_a_group_says_nothing_of_groups() -> None:
    assert not [note for note in made(plan_of("N99003"))["N99003"].indicator.notes if note.municipalities]


def test_an_area_that_kolada_does_not_have_stops_the_load() -> None:
    with pytest.raises(BrokenSourceError, match="0885: Kolada knows no such area"):
        answered(plan_of("N99001", areas=("0880", "0885")), replying())


def test_a_county_is_not_a_code_that_kolada_writes() -> None:
    with pytest.raises(UnknownCodeError):
        answered(plan_of("N99001", areas=("0008",)), replying())


def test_a_regional_kpi_for_municipalities_alone_is_refused() -> None:
    with pytest.raises(BrokenSourceError, match="N99002: none of the areas"):
        answered(plan_of("N99002", areas=("0880",)), replying())


# --- what only the prose says ---


def test_double_spaces_and_written_line_breaks_become_single_spaces() -> None:
    indicator = made(plan_of("N99001"))["N99001"].indicator

    assert indicator.title == Text("Invånare 80+ med prov i ordinärt boende, andel (%)")
    assert indicator.definition.sv.startswith(
        "Antal personer 80+ med prov, dividerat med antal invånare 80+."
    )


@pytest.mark.parametrize(
    ("title", "unit"),
    [
        ("Invånare, 0-19 år, med prov, andel (%)", "percent"),
        ("Startade prov, andel (%).", "percent"),
        ("Skattesats till kommun (%)", "percent"),
        ("Prov, antal (-2023)", "number"),
        ("Prov,  andel (%) (- 2024)", "percent"),
        ("Prov, antal/100 000 inv", "per100000Inhabitants"),
        ("Prov,  kr/DRG-poäng", "kronorPerDrgPoint"),
    ],
)
def test_the_unit_is_the_end_of_the_title(title: str, unit: str) -> None:
    assert unit_of(Kpi(id="N99001", title=title)) == unit


@pytest.mark.parametrize(
    "title", ["Prov - Kommunindex", "Prov, ton CO2e", "Prov, andel (%) av något", "Prov"]
)
def test_a_unit_that_is_not_known_is_not_guessed(title: str) -> None:
    with pytest.raises(BrokenSourceError, match=title.rpartition(",")[2].strip().partition("(")[0]):
        unit_of(Kpi(id="N99001", title=title))


def test_the_toml_states_what_the_catalogue_does_not() -> None:
    stated = {
        "id": "N99006",
        "unit": "index",
        "title": {"en": "Test index"},
        "polarity": "higherIsBetter",
        "breaks": [{"year": 2021, "text": {"sv": "Ny metod."}}],
        "notes": [{"text": {"sv": "Obs."}, "mandatory": True}],
    }
    indicator = made(plan_of("N99006", indicators=(stated,)))["N99006"].indicator

    assert (indicator.unit, indicator.polarity) == ("index", "higherIsBetter")
    assert indicator.title == Text("Prov - Kommunindex", "Test index")
    assert [one.year for one in indicator.breaks] == [2021]
    assert indicator.notes[0].text == Text("Obs.")


def test_what_kolada_calls_its_source_becomes_a_note() -> None:
    told = notes(made(plan_of("N99001"))["N99001"]) | notes(made(plan_of("N99002"))["N99002"])

    assert told["Kolada anger ursprunget: SCB och Socialstyrelsen."] is False
    assert told["Kolada anger ursprunget: SCB:s Räkenskapssammandrag."] is False


def test_a_series_that_has_ended_says_so() -> None:
    told = notes(made(plan_of("N99003"))["N99003"])

    assert told["Serien har upphört: enligt Kolada är 2023 dess sista år."] is True
    assert "Kolada anger ursprunget: SCB." in told


def test_the_same_id_with_another_definition_is_another_definition() -> None:
    plan = plan_of("N99001")
    before = made(plan, kpi=changed_kpi(description="Dividerat med antal invånare 65+."))["N99001"]
    after = made(plan, kpi=changed_kpi(description="Dividerat med antal invånare 80+."))["N99001"]

    assert before.indicator.definition != after.indicator.definition
    assert list(before.cube) == list(after.cube)


@pytest.mark.parametrize(
    ("day", "year"),
    [("2026-03-31", None), ("2026-04-01", 2025), ("2026-08-27", 2025), ("2026-08-28", None)],
)
def test_figures_are_preliminary_between_their_two_publications(day: str, year: int | None) -> None:
    kpi = msgspec.convert(sample("kpi")[1], Kpi)

    assert preliminary_year(kpi, date.fromisoformat(day)) == year


def test_no_publication_date_and_no_period_mean_no_preliminary_figure() -> None:
    kpi = msgspec.convert(sample("kpi")[1], Kpi)
    unsaid = [{"prel_publication_date": None}, {"publication_date": None}, {"publ_period": "2024/2025"}]

    assert all(
        preliminary_year(msgspec.structs.replace(kpi, **said), TODAY.date()) is None for said in unsaid
    )


def test_a_preliminary_year_is_marked_and_explained() -> None:
    one = made(plan_of("N99002"))["N99002"]

    assert [(figure.year, figure.flags) for figure in one.cube] == [
        (2024, frozenset()),
        (2025, frozenset({Flag.PRELIMINARY})),
    ]
    assert any("preliminär publicering 2026-04-01 och slutlig 2026-08-28" in text for text in notes(one))


# --- numbers of uncertainty ---


def joined(**lists: list[Item]) -> Mapping[str, Made]:
    return made(plan_of("U99004", uncertainty={"U99004": "U99005"}), **lists)


def test_a_number_of_uncertainty_becomes_the_interval_of_its_kpi_without_float_noise() -> None:
    assert 71.3 + 2.1 != 73.4
    one = joined()["U99004"]

    assert list(joined()) == ["U99004"]
    assert figure(one.cube, "0880", Sex.TOTAL, 2024).interval == Interval(69.2, 73.4)
    assert figure(one.cube, "0880", Sex.MEN, 2024).interval == Interval(70.1, 74.7)


def test_a_value_without_a_number_of_uncertainty_has_no_interval() -> None:
    one = joined()["U99004"].cube

    assert figure(one, "0880", Sex.WOMEN, 2024).interval is None
    assert figure(one, "0834", Sex.TOTAL, 2024).interval is None


def test_an_interval_is_told_as_our_own_processing_and_the_value_as_koladas() -> None:
    one = joined()["U99004"]

    assert any("egen bearbetning av data från Kolada" in text for text, shown in notes(one).items() if shown)
    assert one.indicator.processing is None
    assert not any("bearbetning" in text for text in notes(made(plan_of("U99004"))["U99004"]))


def test_an_uncertainty_below_zero_stops_the_load() -> None:
    wrong = rows()
    wrong[11]["values"][0]["value"] = -0.5

    with pytest.raises(BrokenSourceError, match="U99005: an uncertainty below zero"):
        made(plan_of("U99004", uncertainty={"U99004": "U99005"}), wrong)


def test_an_uncertainty_that_kolada_dropped_stops_the_load() -> None:
    with pytest.raises(BrokenSourceError, match="U99005"):
        joined(kpi=[kpi for kpi in sample("kpi") if kpi["id"] != "U99005"])


def test_a_kpi_and_its_uncertainty_are_always_asked_for_together() -> None:
    kpis = [f"U99{number:03}" for number in range(100, 124)]
    plan = plan_of(*kpis, "U99124", areas=("00",), uncertainty={"U99124": "U99900"})
    known = [sample("kpi")[3] | {"id": kpi} for kpi in [*kpis, "U99124", "U99900"]]
    kept = answered(plan, replying(kpi=known))

    assert ["U99124,U99900" in one.address for one in kept if "/data/" in one.address] == [False, True]


def test_titles_of_uncertainties_seldom_match_so_pairs_are_only_proposed() -> None:
    kpis = [msgspec.convert(kpi, Kpi) for kpi in sample("kpi")]

    assert proposed_uncertainties(kpis)["U99005"][0] == "U99004"
    assert figure(cube("U99004"), "0880", Sex.TOTAL, 2024).interval is None


# --- the catalogue's own faults ---


@pytest.mark.parametrize(
    ("load", "reason"),
    [
        ({"kpis": ["N99001", "N99001"]}, "N99001: named twice"),
        ({"uncertainty": {"U99004": "U99005"}}, "U99004: not among the kpis"),
        ({"uncertainty": {"N99001": "N99001"}}, "N99001: named twice"),
        ({"kpis": ["N2170"]}, "kpis"),
        ({"kpis": []}, "kpis"),
        ({"years": {"from": 2000, "to": 2020}}, "years"),
        ({"kpi": ["N99001"]}, "kpi"),
    ],
)
def test_a_faulty_load_table_is_refused_with_its_place(load: dict[str, Any], reason: str) -> None:
    with pytest.raises(BrokenSourceError, match=rf"kolada-prov: \[load\] .*{reason}"):
        next(kolada.asks(plan_of("N99001", **load)))


def test_an_indicator_table_of_no_kpi_is_refused() -> None:
    with pytest.raises(BrokenSourceError, match="N99002"):
        next(kolada.asks(plan_of("N99001", indicators=({"id": "N99002"},))))


def test_a_unit_or_field_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownCodeError, match="percents"):
        made(plan_of("N99001", indicators=({"id": "N99001", "unit": "percents"},)))
    with pytest.raises(BrokenSourceError, match=r"N99001.*polarty"):
        made(plan_of("N99001", indicators=({"id": "N99001", "polarty": "neutral"},)))


def test_kolada_states_no_time_of_its_figures() -> None:
    assert kolada.source_time(plan_of("N99001"), []) is None


@given(st.text())
def test_a_tidied_text_is_tidy(text: str) -> None:
    assert tidied(tidied(text)) == tidied(text)
    assert "  " not in tidied(text)
