"""Make the ledger, and the role that may only read it."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# a role that others may have made before; who migrates must be able to lend it out. Roles are the cluster's,
# not the database's, and so are not under the lock: another database's migration may make it meanwhile
_READER = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lansdata_api') THEN
        BEGIN
            CREATE ROLE lansdata_api LOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    IF NOT pg_has_role(current_user, 'lansdata_api', 'MEMBER') THEN
        BEGIN
            EXECUTE format('GRANT lansdata_api TO %I', current_user);
        EXCEPTION WHEN unique_violation THEN
            NULL;
        END;
    END IF;
END
$$
"""


def upgrade() -> None:
    """Make the ledger, and the role that may only read it."""
    _blocks()
    _releases()
    _validity()
    _attempts()
    op.execute(_READER)
    op.execute("GRANT USAGE ON SCHEMA public TO lansdata_api")
    op.execute("GRANT SELECT ON cube, metadata, release, cube_validity, attempt TO lansdata_api")


def _blocks() -> None:
    op.create_table(
        "cube",
        sa.Column("sha256", sa.LargeBinary, primary_key=True, comment="of the canonical CSV"),
        sa.Column("encoding", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("coverage", sa.LargeBinary, nullable=False, comment="what the figures cover, as JSON"),
    )
    op.create_table(
        "metadata",
        sa.Column("sha256", sa.LargeBinary, primary_key=True),
        sa.Column(
            "body", sa.LargeBinary, nullable=False, comment="canonical JSON, byte for byte what was hashed"
        ),
    )
    # bodies are compressed already
    op.execute("ALTER TABLE cube ALTER COLUMN body SET STORAGE EXTERNAL")


def _releases() -> None:
    op.create_table(
        "release",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False, unique=True),
        sa.Column(
            "source_time",
            sa.DateTime(timezone=True),
            comment="the source's own time, where it states one",
        ),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
        sa.Column("dataset_sha256", sa.LargeBinary, sa.ForeignKey("metadata.sha256"), nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("observations", "added")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("revised", "removed")),
    )
    op.create_index("release_of_dataset", "release", ["dataset", "version"], unique=True)


def _validity() -> None:
    op.create_table(
        "cube_validity",
        sa.Column("dataset", sa.Text, primary_key=True),
        sa.Column("indicator", sa.Text, primary_key=True),
        sa.Column("from_release", sa.BigInteger, sa.ForeignKey("release.number"), primary_key=True),
        sa.Column("until_release", sa.BigInteger, sa.ForeignKey("release.number")),
        sa.Column("data_sha256", sa.LargeBinary, sa.ForeignKey("cube.sha256"), nullable=False),
        sa.Column("metadata_sha256", sa.LargeBinary, sa.ForeignKey("metadata.sha256"), nullable=False),
    )
    op.create_index(
        "cube_validity_now",
        "cube_validity",
        ["indicator"],
        unique=True,
        postgresql_where=sa.text("until_release IS NULL"),
    )


def _attempts() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("dataset", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.Text, nullable=False, comment="published, unchanged, held or failed"),
        sa.Column("release", sa.BigInteger, sa.ForeignKey("release.number")),
        sa.Column("detail", sa.Text, nullable=False),
    )
    op.create_index("attempt_of_dataset", "attempt", ["dataset", "finished_at"])
