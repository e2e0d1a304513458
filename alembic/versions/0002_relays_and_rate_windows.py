"""Which relay an attempt went to, and the sending rate that all workers of a site share."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("relay", sa.String(length=255), nullable=True))
    op.create_table(
        "rate_windows",
        sa.Column("route", sa.String(length=255), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("route", name="pk_rate_windows"),
    )


def downgrade() -> None:
    op.drop_table("rate_windows")
    # Not by Alembic's copy of the table: SQLite drops a column that nothing refers to by itself.
    op.drop_column("deliveries", "relay")
