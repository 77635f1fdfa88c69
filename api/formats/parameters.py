"""The parameters of `/observations`: those of its figures, and those of their format."""

from api.formats import FORMATS, JSON
from api.parameters import FIGURES, Parameter
from api.texts import one_of, yes_or_no

FORMAT = Parameter(
    name="format",
    description=(
        "Svarets format; går före `Accept`. I alla utom `json` är en sida hela svaret, upp till gränsen i "
        "`/config`, och `limit` gäller inte. / "
        "Format of the answer; goes before `Accept`. In all but `json` a page is the whole answer, up to the "
        "limit in `/config`, and `limit` does not count."
    ),
    read=one_of(FORMATS, "format"),
    schema={"type": "string", "enum": [*FORMATS], "default": JSON.name},
    example="json",
)
LABELS = Parameter(
    name="labels",
    description=(
        "`true`: kolumner med namn bredvid koderna, och anmärkningar som måste visas; i `csv`, `parquet` och "
        "`xlsx`. / "
        "`true`: columns of names beside the codes, and notes that must be shown; in `csv`, `parquet` and "
        "`xlsx`."
    ),
    read=yes_or_no,
    schema={"type": "boolean", "default": False},
    example="false",
    default=False,
)
OBSERVATIONS = (*FIGURES, FORMAT, LABELS)
