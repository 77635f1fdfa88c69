"""Search as people type: over the starter collection, and over words made up for the purpose."""

from typing import Any

import httpx
import pytest

from api.search.words import Splitter, folded, stem, tokens
from tests.test_lists import ids


def found(client: httpx.Client, question: str, **more: str) -> dict[str, Any]:
    answer = client.get("/indicators", params={"q": question, **more})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("N20014", "N20014"),
        ("riskspelande", "fohm-riskspelande"),
        ("gambling", "fohm-riskspelande"),
        ("spelproblem", "fohm-riskspelande"),
        ("NETTOKOSTNAD äldreomsorg", "N20014"),
        ("äldreomsorgens nettokostnader", "N20014"),
        ("nettokostnad aldreomsorg inv 65+", "N20028"),
        ("nettokosnad äldreomsog", "N20014"),
        ("orosanmälan", "socialstyrelsen-anmalningar"),
        ("orosanmälningarna", "socialstyrelsen-anmalningar"),
        ("gini", "U00907"),
        ("inkomstskillnader", "U00907"),
    ],
)
def test_the_right_indicator_is_found_first(question: str, first: str, client: httpx.Client) -> None:
    assert ids(found(client, question))[0].startswith(first)


@pytest.mark.parametrize(
    ("asked", "same"),
    [
        ("hemtjänst", "hemtjänstens"),
        ("hemtjänst", "HEMTJANST"),
        ("hemtjänst", "hemhjälp hemtjänst"),
        ("äldreomsorg", "aldreomsorgen"),
        ("sjukfrånvaro", "sjukfrånvaron"),
    ],
)
def test_forms_of_one_word_find_the_same(asked: str, same: str, client: httpx.Client) -> None:
    assert set(ids(found(client, asked))) <= set(ids(found(client, same)))


def test_a_word_that_covers_others_finds_them_after_itself(client: httpx.Client) -> None:
    titles = [one["title"].casefold() for one in found(client, "äldreomsorg")["indicators"]]

    assert "äldreomsorg" in titles[0]
    assert any("hemtjänst" in title and "äldreomsorg" not in title for title in titles)


def test_words_in_titles_go_before_words_in_texts(client: httpx.Client) -> None:
    titles = [one["title"].casefold() for one in found(client, "kostnad")["indicators"]]
    held = ["kostnad" in title for title in titles]

    assert held == sorted(held, reverse=True), titles


def test_what_was_not_understood_is_told_and_the_rest_still_found(client: httpx.Client) -> None:
    body = found(client, "hemtjänst qwxzk")

    assert body["_meta"]["search"]["match"] == "some"
    assert body["_meta"]["search"]["unmatched"] == ["qwxzk"]
    assert ids(body) == ids(found(client, "hemtjänst"))


@pytest.mark.parametrize(
    ("question", "instead"),
    [("hemsjänsten qwxzk", "hemtjänst"), ("qwxzk vbnmqw zxqwv hemtjänst", "hemtjänst")],
)
def test_where_nothing_is_found_a_question_with_an_answer_is_suggested(
    question: str, instead: str, client: httpx.Client
) -> None:
    body = found(client, question, source="kolada")
    suggestions = body["_meta"]["search"]["suggestions"]

    if body["indicators"]:
        assert suggestions == []
    else:
        assert instead in suggestions
        assert all(found(client, one, source="kolada")["indicators"] for one in suggestions)


def test_nonsense_finds_nothing_and_says_so(client: httpx.Client) -> None:
    body = found(client, "finnsinte")

    assert body["indicators"] == []
    assert body["_meta"]["totalRecords"] == 0
    assert body["_meta"]["search"]["match"] == "none"


@pytest.mark.parametrize("question", ["", "kostnad"])
def test_the_facets_count_what_was_found_and_choosing_one_finds_as_many(
    question: str, client: httpx.Client
) -> None:
    asked = {"q": question} if question else {}
    facets = client.get("/indicators", params=asked).json()["_meta"]["facets"]

    assert facets.keys() == {"source", "theme", "sex", "municipality", "year"}
    for name, counts in facets.items():
        for code in sorted(counts)[:3]:
            chosen = client.get("/indicators", params={**asked, name: code}).json()
            assert chosen["_meta"]["totalRecords"] == counts[code], (name, code)


def test_a_list_without_a_search_tells_nothing_of_one(client: httpx.Client) -> None:
    assert "search" not in client.get("/indicators").json()["_meta"]


def test_a_filter_narrows_what_words_find(client: httpx.Client) -> None:
    assert ids(found(client, "gini", source="kolada", municipality="0880")) == ["U00907"]
    assert ids(found(client, "gini", source="scb")) == []


@pytest.mark.parametrize(
    "question", ["%", "'; drop table", "((((", "a" * 200, " ".join("ab" * 60), "و", "65+ +"]
)
def test_no_question_breaks_the_search(question: str, client: httpx.Client) -> None:
    found(client, question[:200])


def test_a_question_that_is_too_long_is_refused(client: httpx.Client) -> None:
    assert client.get("/indicators", params={"q": "a" * 201}).status_code == 400


def test_text_is_folded_as_people_type_it_without() -> None:
    assert tokens("Äldre på Öland, 65+ (N20014)") == ["aldre", "pa", "oland", "65+", "n20014"]
    assert folded("Ærø É") == "aro e"


@pytest.mark.parametrize(
    "forms",
    [
        "hemtjänst hemtjänsten hemtjänstens",
        "skola skolan skolans skolor skolorna",
        "kommun kommunen kommuner kommunernas",
        "gymnasium gymnasiet gymnasiets",
        "bistånd biståndet",
        "elev elever elevernas",
    ],
)
def test_the_forms_of_a_word_have_one_stem(forms: str) -> None:
    assert len({stem(word) for word in tokens(forms)}) == 1


def test_words_that_only_look_alike_keep_their_stems() -> None:
    assert stem("demens") != stem("dem")
    assert stem("plan") != stem("pl")


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("aldreomsorgspersonal", ("aldreomsorg", "personal")),
        ("forskolebarn", ("forskola", "barn")),
        ("barnomsorg", ("barn", "omsorg")),
        ("omsorg", ()),
        ("barnxyzzyomsorg", ()),
        ("n20014omsorg", ()),
    ],
)
def test_a_compound_is_split_into_words_that_are_known(word: str, parts: tuple[str, ...]) -> None:
    known = ("aldre", "omsorg", "aldreomsorg", "personal", "forskola", "barn")

    assert Splitter(dict.fromkeys(known, 2)).parts(word) == tuple(map(stem, parts))
