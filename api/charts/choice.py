"""What a picture is asked to show: the parameters of `/observations` with the indicator in the path."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from api.asked import Asked
from api.charts.figures import MOST_BARS, Figure, bars_of, figure_of, refuse_too_many
from api.charts.look import LEAST_WIDTH, MOST_WIDTH, USUAL_WIDTH
from api.charts.words import Told, told_of
from api.parameters import (
    AS_OF,
    BREAKDOWN,
    FIGURES,
    LANGUAGE,
    MUNICIPALITY,
    SEX,
    VERSION,
    YEAR,
    YEAR_FROM,
    YEAR_TO,
    Parameter,
)
from api.past import not_there
from api.question import Question, question_of
from api.service import Service
from api.texts import whole

WIDTH = Parameter(
    name="width",
    description="Bildens bredd. / Width of the picture.",
    read=whole(LEAST_WIDTH, MOST_WIDTH),
    schema={"type": "integer", "minimum": LEAST_WIDTH, "maximum": MOST_WIDTH, "default": USUAL_WIDTH},
    example="480",
    default=USUAL_WIDTH,
)
CHOICE = (MUNICIPALITY, SEX, YEAR, YEAR_FROM, YEAR_TO, BREAKDOWN, VERSION, AS_OF, LANGUAGE)
CHART = (*CHOICE, WIDTH)
_UNASKED = {one.name: () if one.many else one.default for one in FIGURES}


class Chosen(Struct, frozen=True):
    """A choice, the figure it means, and its words."""

    question: Question
    figure: Figure
    told: Told

    @property
    def lasting(self) -> bool:
        """Tell whether it is the same for ever; what is withdrawn may be looked at again."""
        return self.question.pinned and not self.figure.warnings


def refuse_crowded(found: Chosen) -> None:
    """Refuse a picture with more bars than anybody could read; a page has the table all the same."""
    if found.figure.kind == "crowded":
        refuse_too_many("bars", bars_of(found.figure), MOST_BARS)


async def chosen(service: Service, indicator: str, asked: Asked) -> Chosen:
    """Return what *asked* chooses of *indicator*.

    Raises RefusalError for what there is not, StoreUnavailableError for what cannot be read just now.
    """
    question = await question_for(service, indicator, asked)
    resident = (await service.residents.cubes(question.indicators))[0]
    figure = figure_of(question, resident)
    return Chosen(question, figure, told_of(figure))


async def question_for(service: Service, indicator: str, asked: Asked) -> Question:
    """Return the question for one *indicator*, refused as its own resource is where it is not there."""
    newest, values = service.live.newest(), {**_UNASKED, **asked.values}
    known = newest.indicators.get(indicator)
    if known is None and (values["version"] or values["asOf"]):
        # what is pinned stays, also when the indicator has ended
        known = (await service.live.past(newest.number, indicators=[indicator])).last.get(indicator)
    if known is None:
        raise await not_there(service.live, newest, indicator, values["asOf"])
    if values["version"]:
        # a version is of one dataset, and an indicator is of one
        values["dataset"] = known.dataset
    question = await question_of(Asked(values | {"indicator": (indicator,)}, asked.pairs), service.live)
    if not question.indicators:
        line = question.snapshot.line
        moment = values["asOf"] or (line[-1].published_at if line else None)
        raise await not_there(service.live, newest, indicator, moment)
    return question


def with_values(asked: Asked, **values: Any) -> Asked:
    """Return *asked* with other values."""
    return replace(asked, values={**asked.values, **values})
