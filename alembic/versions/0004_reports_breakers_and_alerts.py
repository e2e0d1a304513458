"""What comes back about a delivery, what a circuit breaker knows of its campaign, what ops are told."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UTC_TIME = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("campaigns", sa.Column("breaker", sa.String(length=32), nullable=True))
    op.add_column("campaigns", sa.Column("counted_from", UTC_TIME, nullable=True))
    op.add_column("campaigns", sa.Column("accepted_before", BIG_ID, nullable=True))
    _reports()
    _alerts()


def _reports() -> None:
    op.create_table(
        "reports",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("received_at", UTC_TIME, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("campaign_id", BIG_ID, nullable=True),
        sa.Column("delivery_id", BIG_ID, nullable=True),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("fault", sa.String(length=16), nullable=True),
        sa.Column("rule", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="fk_reports_campaign_id"),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name="fk_reports_delivery_id", ondelete="SET NULL"
        ),
    )
    op.create_index("ix_reports_campaign", "reports", ["campaign_id", "kind", "received_at"])
    op.create_index("ix_reports_delivery_id", "reports", ["delivery_id"])
    op.create_index("ix_reports_received_at", "reports", ["received_at"])


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("cause", sa.String(length=128), nullable=False),
        sa.Column("hour_at", UTC_TIME, nullable=False),
        sa.Column("raised_at", UTC_TIME, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        sa.UniqueConstraint("cause", "hour_at", name="uq_alerts_cause_hour_at"),
    )
    op.create_table(
        "alert_sendings",
        sa.Column("alert_id", BIG_ID, nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("send_at", UTC_TIME, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_at", UTC_TIME, nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("alert_id", "channel", name="pk_alert_sendings"),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name="fk_alert_sendings_alert_id", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    op.drop_table("alert_sendings")
    op.drop_table("alerts")
    op.drop_table("reports")
    op.drop_column("campaigns", "accepted_before")
    op.drop_column("campaigns", "counted_from")
    op.drop_column("campaigns", "breaker")
