"""A message passes through fewer indexes: one for rows in a worker's hand, one for what became of the rest."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _index(name: str, columns: list[str], where: str | None = None) -> None:
    condition = None if where is None else sa.text(where)
    op.create_index(
        name, "deliveries", columns, unique=False, sqlite_where=condition, postgresql_where=condition
    )


def upgrade() -> None:
    op.drop_index("ix_deliveries_stream_state", table_name="deliveries")
    op.drop_index("ix_deliveries_claimed", table_name="deliveries")
    _index("ix_deliveries_claimed", ["worker_id"], "state = 'attempting'")
    _index("ix_deliveries_tried", ["stream", "state"], "state NOT IN ('queued', 'attempting')")


def downgrade() -> None:
    op.drop_index("ix_deliveries_tried", table_name="deliveries")
    op.drop_index("ix_deliveries_claimed", table_name="deliveries")
    _index("ix_deliveries_claimed", ["worker_id"], "worker_id IS NOT NULL")
    _index("ix_deliveries_stream_state", ["stream", "state"])
