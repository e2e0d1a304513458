"""Raw messages that came back, what a report says and does, holds, scores, failures that are alike."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

UTC_TIME = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

REPORT_COLUMNS = (
    ("source", sa.String(length=32)),
    ("severity", sa.String(length=32)),
    ("cause_group", sa.String(length=32)),
    ("effect", sa.String(length=32)),
    ("matched_by", sa.String(length=16)),
    ("email_hash", sa.LargeBinary(length=32)),
    ("list_id", BIG_ID),
    ("origin", sa.String(length=64)),
    ("provider", sa.String(length=255)),
    ("relay", sa.String(length=255)),
    ("reader_version", sa.Integer()),
)


def upgrade() -> None:
    _returned_mails()
    for name, kind in REPORT_COLUMNS:
        op.add_column("reports", sa.Column(name, kind, nullable=True))
    # SQLite adds a foreign key only by writing the table anew.
    with op.batch_alter_table("reports") as batch:
        batch.add_column(sa.Column("mail_id", BIG_ID, nullable=True))
        batch.create_foreign_key(
            "fk_reports_mail_id", "returned_mails", ["mail_id"], ["id"], ondelete="SET NULL"
        )
    op.create_index("ix_reports_mail_id", "reports", ["mail_id"])
    op.create_index("ix_reports_email_hash", "reports", ["email_hash"])
    _deciding()


def _returned_mails() -> None:
    op.create_table(
        "returned_mails",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("received_at", UTC_TIME, nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("envelope_to", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=True),
        sa.Column("rule", sa.String(length=128), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("read_at", UTC_TIME, nullable=True),
        sa.Column("reader_version", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_returned_mails"),
        sa.UniqueConstraint("digest", name="uq_returned_mails_digest"),
    )
    op.create_index("ix_returned_mails_received_at", "returned_mails", ["received_at"])
    op.create_index("ix_returned_mails_state", "returned_mails", ["state", "id"])


def _deciding() -> None:
    op.create_table(
        "holds",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("email_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("report_id", BIG_ID, nullable=True),
        sa.Column("provider", sa.String(length=255), nullable=False),
        sa.Column("campaign_id", BIG_ID, nullable=True),
        sa.Column("held_at", UTC_TIME, nullable=False),
        sa.Column("due_at", UTC_TIME, nullable=True),
        sa.Column("end", sa.String(length=32), nullable=True),
        sa.Column("ended_at", UTC_TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
        sa.ForeignKeyConstraint(
            ["report_id"], ["reports.id"], name="fk_holds_report_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="fk_holds_campaign_id"),
    )
    op.create_index("ix_holds_email_hash", "holds", ["email_hash"])
    op.create_index("ix_holds_due_at", "holds", ["due_at"])
    op.create_table(
        "bounce_scores",
        sa.Column("email_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("first_at", UTC_TIME, nullable=False),
        sa.Column("last_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("email_hash", name="pk_bounce_scores"),
    )
    op.create_table(
        "freezes",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("opened_at", UTC_TIME, nullable=False),
        sa.Column("last_at", UTC_TIME, nullable=False),
        sa.Column("closed_at", UTC_TIME, nullable=True),
        sa.Column("decision", sa.String(length=16), nullable=True),
        sa.Column("facts", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_freezes"),
    )
    op.create_index("ix_freezes_closed_at", "freezes", ["closed_at"])


def downgrade() -> None:
    op.drop_table("freezes")
    op.drop_table("bounce_scores")
    op.drop_table("holds")
    op.drop_index("ix_reports_email_hash", "reports")
    op.drop_index("ix_reports_mail_id", "reports")
    with op.batch_alter_table("reports") as batch:
        batch.drop_constraint("fk_reports_mail_id", type_="foreignkey")
        for name in ("mail_id", *(name for name, _ in REPORT_COLUMNS)):
            batch.drop_column(name)
    op.drop_table("returned_mails")
