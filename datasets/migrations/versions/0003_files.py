"""Remember the baked files of each version, and what was withdrawn or erased."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables, which the API may read."""
    op.create_table(
        "pack",
        _of_release(),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("byte_size", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "made",
        sa.Column("data_sha256", sa.LargeBinary, sa.ForeignKey("cube.sha256"), primary_key=True),
        sa.Column("indicator", sa.Text, primary_key=True),
        sa.Column(
            "body", sa.LargeBinary, nullable=False, comment="which pieces of packs hold the cube, as JSON"
        ),
    )
    op.create_table(
        "file",
        _of_release(),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("byte_size", sa.BigInteger, nullable=False),
        sa.Column("rows", sa.BigInteger),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("parts", sa.LargeBinary, nullable=False, comment="which pieces it is composed of, as JSON"),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False, comment="a withdrawal or an erasure, as JSON"),
    )
    op.execute("GRANT SELECT ON pack, made, file, notice TO lansdata_api")


def _of_release() -> "sa.Column[int]":
    return sa.Column(
        "release", sa.BigInteger, sa.ForeignKey("release.number"), primary_key=True, autoincrement=False
    )
