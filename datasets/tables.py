"""The tables of the ledger. Migrations make them; statements read and write them."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    column,
    table,
    text,
)

ledger = MetaData()

revision = table("alembic_version", column("version_num"))
"""Alembic's own: which revisions the database has seen."""

cube = Table(
    "cube",
    ledger,
    Column("sha256", LargeBinary, primary_key=True, comment="of the canonical CSV"),
    Column("encoding", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("coverage", LargeBinary, nullable=False, comment="what the figures cover, as JSON"),
)

metadata = Table(
    "metadata",
    ledger,
    Column("sha256", LargeBinary, primary_key=True),
    Column("body", LargeBinary, nullable=False, comment="canonical JSON, byte for byte what was hashed"),
)

release = Table(
    "release",
    ledger,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("dataset", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("published_at", DateTime(timezone=True), nullable=False, unique=True),
    Column("source_time", DateTime(timezone=True), comment="the source's own time, where it states one"),
    Column("note", Text, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("dataset_sha256", LargeBinary, ForeignKey("metadata.sha256"), nullable=False),
    Column("observations", BigInteger, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("revised", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    Index("release_of_dataset", "dataset", "version", unique=True),
)

cube_validity = Table(
    "cube_validity",
    ledger,
    Column("dataset", Text, primary_key=True),
    Column("indicator", Text, primary_key=True),
    Column("from_release", BigInteger, ForeignKey("release.number"), primary_key=True),
    Column("until_release", BigInteger, ForeignKey("release.number")),
    Column("data_sha256", LargeBinary, ForeignKey("cube.sha256"), nullable=False),
    Column("metadata_sha256", LargeBinary, ForeignKey("metadata.sha256"), nullable=False),
    # an indicator stands in one dataset only: its id never moves
    Index("cube_validity_now", "indicator", unique=True, postgresql_where=text("until_release IS NULL")),
    # what stood at a release, in the same time however many there are
    Index("cube_validity_as_of", text("int8range(from_release, until_release)"), postgresql_using="gist"),
    Index("cube_validity_begun", "from_release"),
    Index("cube_validity_ended", "until_release"),
)

attempt = Table(
    "attempt",
    ledger,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True), nullable=False),
    Column("outcome", Text, nullable=False, comment="published, unchanged, held or failed"),
    Column("release", BigInteger, ForeignKey("release.number")),
    Column("detail", Text, nullable=False),
    Column(
        "next_at",
        DateTime(timezone=True),
        comment="when the one who tried means to try again, where that is planned",
    ),
    Index("attempt_of_dataset", "dataset", "outcome", "finished_at"),
)

pack = Table(
    "pack",
    ledger,
    Column("release", BigInteger, ForeignKey("release.number"), primary_key=True, autoincrement=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("byte_size", BigInteger, nullable=False),
)

made = Table(
    "made",
    ledger,
    Column("data_sha256", LargeBinary, ForeignKey("cube.sha256"), primary_key=True),
    Column("indicator", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False, comment="which pieces of packs hold the cube, as JSON"),
)

file = Table(
    "file",
    ledger,
    Column("release", BigInteger, ForeignKey("release.number"), primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("byte_size", BigInteger, nullable=False),
    Column("rows", BigInteger),
    Column("sha256", LargeBinary, nullable=False),
    Column("parts", LargeBinary, nullable=False, comment="which pieces it is composed of, as JSON"),
)

notice = Table(
    "notice",
    ledger,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    Column("body", LargeBinary, nullable=False, comment="a withdrawal or an erasure, as JSON"),
)
