"""The query parameters of the search for indicators, declared once like all others."""

from typing import get_args

from api.parameters import CODES, DATASET, LISTED, SOURCE, YEARS, Parameter
from api.texts import one_of, words, year
from datasets.catalogue import Theme
from datasets.vocabulary import SEX_WORDS, Sex

QUERY = Parameter(
    name="q",
    description=(
        "Sök på svenska eller engelska i titel, definition och nyckelord: böjningar, sammansättningar, "
        "synonymer, utan å ä ö och med små stavfel. Bäst först. / Search title, definition and keywords, "
        "in Swedish or English: inflected forms, compounds, synonyms, without å ä ö and with small typing "
        "errors. Best first."
    ),
    read=words,
    schema=CODES,
    example="hemtjänst",
)
ONE_MUNICIPALITY = Parameter(
    name="municipality",
    description="Bara indikatorer med siffror för området. / Only indicators with figures for the area.",
    read=words,
    schema=CODES,
    example="0880",
)
THEME = Parameter(
    name="theme",
    description="Tema. / Theme.",
    read=one_of(get_args(Theme), "theme"),
    schema={"type": "string", "enum": [*get_args(Theme)]},
    example="aldre",
)
ONE_SEX = Parameter(
    name="sex",
    description="Bara indikatorer med siffror för könet. / Only indicators with figures for the sex.",
    read=one_of(SEX_WORDS, "sex"),
    schema={"type": "string", "enum": [*Sex]},
    example="women",
)
ONE_YEAR = Parameter(
    name="year",
    description="Bara indikatorer med siffror för året. / Only indicators with figures for the year.",
    read=year,
    schema=YEARS,
    example="2012",
)
INDICATORS = (QUERY, DATASET, SOURCE, THEME, ONE_MUNICIPALITY, ONE_SEX, ONE_YEAR, *LISTED)
