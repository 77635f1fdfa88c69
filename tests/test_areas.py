import pytest

from datasets.areas import COUNTRY, AreaType, area, areas, municipalities_of
from datasets.closest import closest
from datasets.errors import UnknownCodeError
from datasets.units import unit, units

OURS = ["0821", "0834", "0840", "0860", "0861", "0862", "0880", "0881", "0882", "0883", "0884", "0885"]


def test_the_county_has_its_twelve_municipalities() -> None:
    assert list(municipalities_of("08")) == OURS
    assert [area(code).name for code in (COUNTRY, "08", "0880")] == ["Riket", "Kalmar län", "Kalmar"]


def test_a_municipality_that_was_is_not_among_those_that_are() -> None:
    assert area("1917").valid_to == 2006
    assert "0331" in municipalities_of("03")
    assert not any("1917" in municipalities_of(county) for county in ("03", "19"))


def test_every_parent_and_member_is_an_area_itself() -> None:
    around = {known.parent for known in areas().values() if known.parent}
    inside = {member for known in areas().values() for member in known.members}

    assert around | inside <= areas().keys()
    assert list(areas()) == sorted(areas())


def test_an_area_lies_in_one_of_a_larger_kind() -> None:
    kinds = {(known.type, area(known.parent).type if known.parent else None) for known in areas().values()}

    assert kinds == {
        (AreaType.COUNTRY, None),
        (AreaType.COUNTY, AreaType.COUNTRY),
        (AreaType.MUNICIPALITY, AreaType.COUNTY),
        (AreaType.REGSO, AreaType.MUNICIPALITY),
        (AreaType.NAMED, AreaType.MUNICIPALITY),
        (AreaType.GROUP, None),
    }


def test_sweden_has_290_municipalities_and_21_counties() -> None:
    now = [known.type for known in areas().values() if known.valid_to is None]

    assert (now.count(AreaType.MUNICIPALITY), now.count(AreaType.COUNTY)) == (290, 21)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("880", "0880"), ("840", "0840"), ("8", "08"), ("0", "00"), ("Kalmar", "0880"), ("kalmar län", "08")],
)
def test_a_mangled_or_spelled_out_code_finds_the_right_one(written: str, meant: str) -> None:
    with pytest.raises(UnknownCodeError) as refusal:
        area(written)

    assert refusal.value.closest[0] == meant
    assert refusal.value.kind == "municipality"


def test_a_municipality_is_no_county() -> None:
    with pytest.raises(UnknownCodeError, match="is no county"):
        municipalities_of("0880")


def test_nothing_is_close_to_nonsense() -> None:
    assert closest("%%%%", ["total", "women"]) == ()
    assert closest("x" * 10_000, {"0880": "Kalmar"}) == ()


def test_a_unit_that_does_not_exist_finds_one_that_does() -> None:
    with pytest.raises(UnknownCodeError) as refusal:
        unit("procent")

    assert refusal.value.closest[0] == "percent"


def test_only_counts_of_people_are_held_to_a_floor_of_people() -> None:
    assert [code for code, known in units().items() if known.persons] == ["persons"]
