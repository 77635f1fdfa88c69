"""What the catalogue says of tables that nobody has recorded, against samples in their sources' form."""

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from datasets.checks import Judged, findings
from datasets.ledger import PUBLISHED
from datasets.vocabulary import Flag, Interval, Period
from loaders.catalogue import Listed, catalogue_files, read_listed
from loaders.inbox import INBOX
from loaders.source import Ask, BrokenSourceError, Made
from loaders.sources import SOURCES
from loaders.starter import starter_files
from tests.samples.scb_small import Small, figures, loaded, tables_answer
from tests.standins import Answer, Call, ledger, night_here, serving
from tests.test_fohm import extract

AGES = [*map(str, range(100)), "100+"]
PROJECTION = "scb-befolkningsframskrivning"
RISK = "folkhalsomyndigheten-riskspelande"
RISK_TABLE = "A_Folkhalsodata/A_Mo8/6_Levanor/01Begrans/06.10riskspel/riskspelyreg.px"


def listed(name: str) -> Listed:
    return next(read_listed(path) for path in catalogue_files() if path.stem == name)


def number(key: tuple[str, ...]) -> int:
    """An invented figure, another for every cell."""
    return 1 + sum(7**at * sum(map(ord, code)) for at, code in enumerate(key)) % 9_999


def projection(**said: Any) -> Small:
    codes = {
        "Region": ["08", "0880", "0821", "0180"],
        "InrikesUtrikes": ["13", "23", "83"],
        "Alder": AGES,
        "Kon": ["1", "2"],
        "ContentsCode": ["000005RC"],
        "Tid": ["2024", "2035", "2070"],
    }
    told = {"label": "Befolkningsframskrivning", "updated": "2024-06-11T06:00:00Z", "cell": number}
    return Small("TAB6008", codes, **(told | said))


def areas_2574(**said: Any) -> Small:
    codes = {
        "Region": ["00", "08", "0880", "0880R001", "0880R001_RegSO2025", "0180R001", "0880A0010_DeSO2025"],
        "Alder": ["-4", "5-9", "80-", "totalt"],
        "Kon": ["1", "2", "1+2"],
        "ContentsCode": ["000007Y7"],
        "Tid": ["2022", "2023", "2024", "2025"],
    }
    return Small("TAB6574", codes, number, label="Folkmängden efter region, ålder och kön", **said)


def standard() -> Small:
    codes = {
        "Region": ["00", "08", "0880", "0880R001", "0880R001_RegSO2025", "0180", "0180R001_RegSO2025"],
        "Alder": ["tot", "0-19", "20-64", "65+"],
        "ContentsCode": ["000008AC", "000008AD", "000008AE"],
        "Tid": ["2021", "2023", "2024"],
    }
    label = "Låg respektive hög ekonomisk standard efter region och ålder"
    return Small("TAB6685", codes, lambda key: number(key) % 100 + 0.5, label=label)


def made_of(name: str, table: Small) -> Made:
    (made,) = loaded(listed(name).plan, table)
    return made


# --- population ------------------------------------------------------------------------------------------


def codelist(name: str, *codes: str) -> dict[str, dict[str, Any]]:
    values = [{"code": code} for code in codes]
    return {
        quote(name): {"id": name, "type": "Valueset" if name[:2] == "vs" else "Aggregation", "values": values}
    }


def offering(table: Small, name: str) -> Small:
    table.metadata_more = lambda body: body["dimension"]["Alder"]["extension"].update(
        codelists=[{"id": name}]
    )
    return table


TENS = [f"{first}-{first + 9}" for first in range(10, 100, 10)]


def population() -> tuple[Small, Small]:
    """The two tables of the population, with years that they share, overlapping ages and a civil status."""
    regions = {"Region": ["00", "08", "0880", "0180"]}
    contents = {"ContentsCode": ["BE0101N1", "BE0101N2"]}
    to_2024 = regions | {"Civilstand": ["OG", "G"], "Alder": [*AGES, "tot"], "Kon": ["1", "2"]}
    to_2024 |= contents | {"Tid": ["2001", "2024", "2025"]}
    overlapping = [*AGES, "-4", "5-9", "0-9", "10-14", *TENS, "100+5", "100+10", "TotSA"]
    monthly = regions | {"Alder": overlapping, "Kon": ["TotSa", "1", "2"], "ContentsCode": ["000007SF"]}
    monthly |= {"Tid": ["2024M12", "2025M11", "2025M12", "2026M01"]}
    yearly = Small(
        "TAB638",
        to_2024,
        number,
        label="Folkmängden efter region, civilstånd, ålder och kön",
        eliminable=("Civilstand",),
        codelists={"Alder": codelist("agg_Ålder10årJ", "-9", *TENS, "100+")},
    )
    noise = "Från 2025 har varje tal en slumpmässig osäkerhet (Cell Key Method)."
    months = Small(
        "TAB6471",
        monthly,
        number,
        label="Folkmängden per månad efter region, ålder och kön",
        notes=[noise],
        mandatory=[True],
        codelists={"Alder": codelist("vs_CKM0410årN", "0-9", *TENS, "100+10")},
    )
    return offering(yearly, "agg_Ålder10årJ"), offering(months, "vs_CKM0410årN")


def test_the_population_goes_over_to_its_successor_in_2025_with_totals_only_where_they_are_stated() -> None:
    by_age, by_class = loaded(listed("scb-befolkning-arlig").plan, *population())
    sexes = {"TotSa": "total", "1": "men", "2": "women"}
    parts = {age: f"age:{age.replace('+', '-')}" for age in AGES}
    stated = {
        (place, sexes[sex], year, part): number((place, "", age, sex, "BE0101N1", str(year)))
        for place, (age, part), sex, year in product(
            ["00", "08", "0880"], ({**parts, "tot": ""}).items(), ["1", "2"], [2001, 2024]
        )
    } | {
        (place, sexes[sex], 2025, part): number((place, age, sex, "000007SF", "2025M12"))
        for place, (age, part), sex in product(["00", "08", "0880"], ({**parts, "TotSA": ""}).items(), sexes)
    }

    assert figures(by_age) == stated
    assert {one.breakdown.text for one in by_class.cube} == {
        "age:0-9",
        *(f"age:{ten}" for ten in TENS),
        "age:100-",
    }
    for made in (by_age, by_class):
        assert [one.year for one in made.indicator.breaks] == [2025]
        flags = {int(one.year): set(one.flags) for one in made.cube}
        assert flags == {2001: set(), 2024: set(), 2025: {Flag.PERTURBED}}
        assert [note.years for note in made.indicator.notes if note.mandatory] == [(2025,), (2025,)]


# --- population to come ----------------------------------------------------------------------------------


def test_a_projection_has_every_figure_of_its_table_and_no_other() -> None:
    sexes = {"1": "men", "2": "women"}
    stated = {
        (place, sexes[sex], int(year), f"age:{age.replace('+', '-')}"): number(
            (place, "83", age, sex, "000005RC", year)
        )
        for place, age, sex, year in product(["08", "0880", "0821"], AGES, sexes, ["2024", "2035", "2070"])
    }

    assert figures(made_of(PROJECTION, projection())) == stated


def test_the_vintage_of_a_projection_stands_in_a_note_that_must_be_shown() -> None:
    def told(updated: str) -> list[str]:
        made = made_of(PROJECTION, projection(updated=updated))
        return [note.text.sv for note in made.indicator.notes if note.mandatory]

    assert any("SCB publicerade 2024-06-11" in text for text in told("2024-06-11T06:00:00Z"))
    assert any("SCB publicerade 2027-05-05" in text for text in told("2027-05-05T06:00:00Z"))


def judged(name: str, made: Made) -> list[str]:
    bounds = listed(name).bounds
    told = Judged(definition=made.indicator, cube=made.cube, before=None, bounds=bounds, this_year=2026)
    return [one.check for one in findings(told)]


def test_a_projection_may_be_for_years_ahead_and_no_other_dataset_may() -> None:
    made = made_of(PROJECTION, projection())

    assert judged(PROJECTION, made) == []
    assert judged("scb-regso-befolkning", made) == ["future-year"]
    assert {path.stem for path in catalogue_files() if read_listed(path).bounds.years_ahead} == {PROJECTION}


def scb_of(*tables: Small) -> Callable[[Call], Answer]:
    def answer(call: Call) -> Answer:
        ask = Ask(target=call.path.removeprefix("/api/v2/"), body=call.body)
        return Answer(body=json.dumps(tables_answer(ask, tables)).encode())

    return answer


def test_a_new_projection_is_a_new_version_and_the_old_one_stays(tmp_path: Path, database: str) -> None:
    def night(table: Small) -> dict[str, Any]:
        with serving(scb_of(table), "/api/v2") as served:
            return night_here(tmp_path, database, "--only", PROJECTION, scb=served.base).line

    first, again = night(projection()), night(projection())
    second = night(projection(updated="2027-05-05T06:00:00Z", cell=lambda key: number(key) + 1))
    told = ledger(database)

    assert [line["outcome"] for line in (first, again, second)] == [PUBLISHED, "unchanged", PUBLISHED]
    assert [str(release.version) for release in told.releases] == ["1.0.0", "1.0.1"]
    assert [release.source_time for release in told.releases] == [
        datetime(2024, 6, 11, 6, tzinfo=UTC),
        datetime(2027, 5, 5, 6, tzinfo=UTC),
    ]
    old, new = told.figures(0), told.figures(1)
    assert {key: value + 1 for key, value in old.items()} == new


# --- small areas -----------------------------------------------------------------------------------------


def test_small_areas_follow_the_division_of_each_year_and_no_other_area_comes_along() -> None:
    made = made_of("scb-regso-befolkning", areas_2574())
    sexes = {"1+2": "total", "1": "men", "2": "women"}
    code = {
        "2022": "0880R001",
        "2023": "0880R001",
        "2024": "0880R001_RegSO2025",
        "2025": "0880R001_RegSO2025",
    }
    stated = {
        ("0880R001", sexes[sex], int(year), ""): number((code[year], "totalt", sex, "000007Y7", year))
        for sex, year in product(sexes, code)
    }

    assert figures(made) == stated
    assert {int(one.year): one.flags for one in made.cube if one.sex == "total"} == {
        2022: frozenset(),
        2023: frozenset(),
        2024: frozenset(),
        2025: frozenset({Flag.PERTURBED}),
    }
    assert [one.year for one in made.indicator.breaks] == [2024]


def test_low_economic_standard_is_taken_from_the_country_down_to_small_areas_for_all_and_for_children() -> (
    None
):
    made = made_of("scb-ekonomisk-standard", standard())
    places = {
        **{place: dict.fromkeys(("2021", "2023", "2024"), place) for place in ("00", "08", "0880")},
        "0880R001": {"2021": "0880R001", "2023": "0880R001", "2024": "0880R001_RegSO2025"},
    }
    stated = {
        (place, "total", int(year), part): number((code, age, "000008AC", year)) % 100 + 0.5
        for place, codes in places.items()
        for year, code in codes.items()
        for age, part in {"tot": "", "0-19": "age:0-19"}.items()
    }

    assert figures(made) == stated


def test_the_age_that_scb_has_is_not_taken_for_the_decks() -> None:
    notes = made_of("scb-ekonomisk-standard", standard()).indicator.notes
    (mine,) = [note for note in notes if note.breakdown == {"age": "0-19"}]

    assert mine.mandatory
    assert "inte samma mått" in mine.text.sv


def test_a_small_area_that_nobody_knows_stops_the_load() -> None:
    table = areas_2574()
    table.codes["Region"].append("0880R099_RegSO2025")

    with pytest.raises(BrokenSourceError, match="0880R099"):
        made_of("scb-regso-befolkning", table)


# --- the public health survey ----------------------------------------------------------------------------


def survey(*codes: str) -> dict[str, Any]:
    """The recorded form of one of the agency's tables, with figures that are made up."""
    sample = json.loads((Path(__file__).parent / "samples/fohm_spelvanor.json").read_text("utf-8"))
    sample["variables"][1] = {"code": "Riskabelt spelande", "text": "x", "values": [*codes]}
    sample["variables"][1]["valueTexts"] = [*codes]
    sample["title"] = "Riskabelt spelande efter region, kön och år"
    county = {key: cell for key, cell in sample["cells"].items() if key.startswith("08 ")}
    sample["cells"] |= {key.replace("08 ", "0880 ", 1): cell for key, cell in county.items()}
    return dict(sample)


def fohm_of(sample: Mapping[str, Any], asked: list[str]) -> Callable[[Call], Answer]:
    def answer(call: Call) -> Answer:
        asked.append(call.path)
        if call.path.endswith("?config"):
            return Answer(
                body=b'{"maxValues": 10000, "maxCells": 100000, "maxCalls": 1000, "timeWindow": 10}'
            )
        if call.method == "GET":
            return Answer(body=json.dumps({name: sample[name] for name in ("title", "variables")}).encode())
        query = json.loads(call.body)["query"]
        codes = {one["code"]: one["selection"]["values"] for one in query}
        return Answer(body=json.dumps(extract(dict(sample), codes)).encode())

    return answer


def test_risky_gambling_is_loaded_by_night_from_the_address_that_is_set(
    tmp_path: Path, database: str
) -> None:
    asked: list[str] = []
    sample = survey("01")
    with serving(fohm_of(sample, asked), "/Folkhalsodata/api/v1/sv") as served:
        told = night_here(tmp_path, database, "--only", RISK, fohm=served.base)
    (cube,) = ledger(database).cubes[-1].values()

    sexes = {"00": "total", "01": "women", "02": "men"}
    years = {"2015-2018": 2018, "07": 2021, "2021-2024": 2024}
    stated = {
        (place, sexes[sex], years[year]): None if cell[0] == ".." else cell[0]
        for key, cell in sample["cells"].items()
        for place, sex, year in [key.split()]
    }
    kalmar = next(one for one in cube if (one.municipality, one.sex, one.year) == ("08", "total", 2018))
    assert told.line["outcome"] == PUBLISHED
    assert {(str(one.municipality), str(one.sex), int(one.year)): one.value for one in cube} == stated
    assert (kalmar.value, kalmar.interval, kalmar.count) == (3.2, Interval(2.3, 4.2), 1310)
    assert kalmar.period == Period(date(2015, 1, 1), date(2018, 12, 31))
    assert asked[1] == f"/Folkhalsodata/api/v1/sv/{RISK_TABLE}"


def test_a_question_with_two_answers_is_not_taken_for_risky_gambling(tmp_path: Path, database: str) -> None:
    with serving(fohm_of(survey("01", "02"), []), "/sv") as served:
        told = night_here(tmp_path, database, "--only", RISK, fohm=served.base)

    assert told.code == 1
    assert "is to be one code, and takes 2" in told.line["detail"][0]


# --- the whole of it -------------------------------------------------------------------------------------


def declared() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path in catalogue_files():
        yield path.stem, tomllib.loads(path.read_text("utf-8"))


def test_every_dataset_of_the_catalogue_has_the_name_of_its_file_and_a_source_that_is_known() -> None:
    for name, raw in declared():
        assert raw["dataset"]["id"] == name
        assert raw["load"]["source"] in {*SOURCES, INBOX}


def test_no_id_of_the_catalogue_is_another_datasets_or_the_starter_collections() -> None:
    starter = [tomllib.loads(path.read_text("utf-8")) for path in starter_files()]
    ids = [one["id"] for raw in [*starter, *(raw for _, raw in declared())] for one in raw["indicator"]]
    datasets = [raw["dataset"]["id"] for raw in [*starter, *(raw for _, raw in declared())]]

    assert len(set(ids)) == len(ids)
    assert len(set(datasets)) == len(datasets)


def test_every_text_of_the_catalogue_is_there_in_swedish_and_in_english() -> None:
    def texts(value: Any, place: str) -> Iterator[tuple[str, Mapping[str, str]]]:
        if isinstance(value, dict):
            if "sv" in value or "en" in value:
                yield place, value
            else:
                for name, one in value.items():
                    yield from texts(one, f"{place}.{name}")
        elif isinstance(value, list):
            for at, one in enumerate(value):
                yield from texts(one, f"{place}[{at}]")

    for name, raw in declared():
        for place, text in texts(raw, name):
            # a title or a definition that a source states itself is Swedish there, and ours in English
            if raw["load"]["source"] != "kolada" or not place.endswith((".title", ".definition")):
                assert {"sv", "en"} <= text.keys(), place
            assert text["en"], place
