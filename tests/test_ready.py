"""Ready answers and the straight ways to them: bounded together, and gone together."""

from api.front import _way
from api.ready import Came, Question, ReadyAnswer, ReadyAnswers, Way

ROOM = 160_000
HEADERS = [(b"content-type", b"application/json")]


def question(number: int, release: int = 1) -> Question:
    return release, b"/api/v1/observations", b"page=%d" % number, "http://a", b""


def came(number: int, spelling: str = "", release: int = 1) -> Came:
    return release, "GET", b"/api/v1/observations", b"page=%d" % number, spelling


def kept(ready: ReadyAnswers, number: int, size: int = 10_000) -> ReadyAnswer:
    answer = ReadyAnswer(b"x" * size, HEADERS)
    ready.keep(question(number), answer)
    return answer


def led(ready: ReadyAnswers, number: int, answer: ReadyAnswer, spelling: str = "") -> Way:
    way = _way(answer, {}, "GET")
    ready.lead(came(number, spelling), question(number), way)
    return way


def test_a_request_that_comes_again_is_led_straight_to_its_answer() -> None:
    ready = ReadyAnswers(ROOM)
    way = led(ready, 1, kept(ready, 1))

    assert ready.way(came(1)) is way
    assert ready.way(came(1, release=2)) is None


def test_no_way_leads_to_an_answer_that_is_not_kept() -> None:
    ready = ReadyAnswers(ROOM)
    led(ready, 1, ReadyAnswer(b"x", HEADERS))

    assert ready.way(came(1)) is None


def test_an_answer_that_makes_room_takes_its_ways_along() -> None:
    ready = ReadyAnswers(ROOM)
    led(ready, 1, kept(ready, 1))
    for number in range(2, 40):
        kept(ready, number)

    assert ready.get(question(1)) is None
    assert ready.way(came(1)) is None


def test_an_answer_that_is_sent_the_straight_way_stays_while_others_go() -> None:
    ready = ReadyAnswers(ROOM)
    led(ready, 1, kept(ready, 1))
    for number in range(2, 40):
        kept(ready, number)
        asked = ready.way(came(1))
        if asked:
            asked.answer.was_asked = True

    assert ready.way(came(1))
    assert ready.get(question(2)) is None


def test_an_answer_that_is_made_anew_takes_the_place_of_the_old_one() -> None:
    ready = ReadyAnswers(ROOM)
    old = led(ready, 1, kept(ready, 1))
    new = led(ready, 1, kept(ready, 1))

    assert ready.way(came(1)) is new is not old


def test_spellings_of_one_request_do_not_fill_the_room() -> None:
    ready = ReadyAnswers(ROOM)
    answer = kept(ready, 1)
    for number in range(100):
        led(ready, 1, answer, str(number))

    assert sum(ready.way(came(1, str(number))) is not None for number in range(100)) == len(answer.ways) == 8
    assert ready.way(came(1, "99"))


def test_ways_have_their_own_bound() -> None:
    ready = ReadyAnswers(ROOM)
    answers = [kept(ready, number, 10) for number in range(30)]
    for number, answer in enumerate(answers):
        led(ready, number, answer, "y" * 2_000)
    found = [number for number in range(30) if ready.way(came(number, "y" * 2_000))]

    assert len(found) * 3_000 < ROOM / 8
    assert found[-1] == 29
    assert all(ready.get(question(number)) for number in range(30))


def test_a_request_too_long_to_remember_is_answered_all_the_same() -> None:
    ready = ReadyAnswers(ROOM)
    led(ready, 1, kept(ready, 1), "y" * 5_000)

    assert ready.way(came(1, "y" * 5_000)) is None
    assert ready.get(question(1))
