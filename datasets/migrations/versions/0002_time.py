"""Ask the ledger about time: what stood at a release, what began or ended after one, when to look again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the indexes for time, and to an attempt when the next one is meant to come."""
    op.create_index(
        "cube_validity_as_of",
        "cube_validity",
        [sa.text("int8range(from_release, until_release)")],
        postgresql_using="gist",
    )
    op.create_index("cube_validity_begun", "cube_validity", ["from_release"])
    op.create_index("cube_validity_ended", "cube_validity", ["until_release"])
    op.add_column(
        "attempt",
        sa.Column(
            "next_at",
            sa.DateTime(timezone=True),
            comment="when the one who tried means to try again, where that is planned",
        ),
    )
    op.drop_index("attempt_of_dataset", "attempt")
    op.create_index("attempt_of_dataset", "attempt", ["dataset", "outcome", "finished_at"])
