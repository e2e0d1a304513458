"""The first schema: lists, people, consent ledger, campaigns and deliveries."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UTC_TIME = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TABLES = (
    "seals",
    "ledger",
    "lists",
    "subscribers",
    "subscriptions",
    "suppressions",
    "signup_requests",
    "signup_counts",
    "policies",
    "artefacts",
    "media",
    "campaigns",
    "deliveries",
    "workers",
)

# The ledger is append-only for every client of the database, this product included (C4);
# a payload may be erased with its salt (C20), a seal may be set once.
_REFUSAL = "the ledger is append-only"
_FIXED = ("id", "stream", "event", "at", "subject", "commitment", "digest")
_ERASABLE = ("payload", "salt")


def _triggers(dialect: str) -> list[str]:
    same = "IS" if dialect == "sqlite" else "IS NOT DISTINCT FROM"
    allowed = " AND ".join(
        [f"NEW.{name} {same} OLD.{name}" for name in _FIXED]
        + [f"(NEW.{name} IS NULL OR NEW.{name} {same} OLD.{name})" for name in _ERASABLE]
        + [f"(OLD.seal_id IS NULL OR NEW.seal_id {same} OLD.seal_id)"]
    )
    if dialect == "sqlite":
        each, refuse = "", f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    else:
        each, refuse = "FOR EACH ROW", "EXECUTE FUNCTION refuse_edit()"
    return [
        f"CREATE TRIGGER ledger_update BEFORE UPDATE ON ledger {each} WHEN (NOT ({allowed})) {refuse}",
        f"CREATE TRIGGER ledger_delete BEFORE DELETE ON ledger {each} {refuse}",
        f"CREATE TRIGGER seals_update BEFORE UPDATE ON seals {each} {refuse}",
        f"CREATE TRIGGER seals_delete BEFORE DELETE ON seals {each} {refuse}",
    ]


def upgrade() -> None:
    _create_ledger()
    _create_people()
    _create_content()
    _create_deliveries()
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_edit() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
        )
    for statement in _triggers(dialect):
        op.execute(statement)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_edit()")


def _create_ledger() -> None:
    op.create_table(
        "seals",
        sa.Column("id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("ids", sa.Text(), nullable=False),
        sa.Column("previous", sa.LargeBinary(length=32), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_seals"),
    )
    op.create_table(
        "ledger",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("stream", sa.String(32), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column("at", UTC_TIME, nullable=False),
        sa.Column("subject", sa.LargeBinary(length=32), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("salt", sa.LargeBinary(length=16), nullable=True),
        sa.Column("commitment", sa.LargeBinary(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("seal_id", BIG_ID, nullable=True),
        sa.ForeignKeyConstraint(["seal_id"], ["seals.id"], name="fk_ledger_seal_id"),
        sa.PrimaryKeyConstraint("id", name="pk_ledger"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ledger_subject", "ledger", ["subject"], unique=False)
    op.create_index(
        "ix_ledger_unsealed",
        "ledger",
        ["id"],
        unique=False,
        sqlite_where=sa.text("seal_id IS NULL"),
        postgresql_where=sa.text("seal_id IS NULL"),
    )


def _create_people() -> None:
    op.create_table(
        "lists",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("list_id", sa.String(length=255), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("removed_at", UTC_TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_lists"),
        sa.UniqueConstraint("name", name="uq_lists_name"),
    )
    op.create_table(
        "subscribers",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("email_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("updated_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_subscribers"),
        sa.UniqueConstraint("email_key", name="uq_subscribers_email_key"),
    )
    op.create_index("ix_subscribers_email_hash", "subscribers", ["email_hash"], unique=False)
    op.create_table(
        "subscriptions",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("subscriber_id", BIG_ID, nullable=False),
        sa.Column("list_id", BIG_ID, nullable=False),
        sa.Column("tag", sa.LargeBinary(length=16), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("requested_at", UTC_TIME, nullable=False),
        sa.Column("expires_at", UTC_TIME, nullable=True),
        sa.Column("confirm_nonce", sa.LargeBinary(length=8), nullable=True),
        sa.Column("confirmed_at", UTC_TIME, nullable=True),
        sa.Column("unsubscribed_at", UTC_TIME, nullable=True),
        sa.Column("consent_id", BIG_ID, nullable=True),
        sa.ForeignKeyConstraint(["consent_id"], ["ledger.id"], name="fk_subscriptions_consent_id"),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_subscriptions_list_id"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_subscriptions_subscriber_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_subscriptions"),
        sa.UniqueConstraint("subscriber_id", "list_id", name="uq_subscriptions_subscriber_id_list_id"),
        sa.UniqueConstraint("tag", name="uq_subscriptions_tag"),
    )
    op.create_index("ix_subscriptions_audience", "subscriptions", ["list_id", "state", "id"], unique=False)
    op.create_index(
        "ix_subscriptions_expiry",
        "subscriptions",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("expires_at IS NOT NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.create_table(
        "suppressions",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("email_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("list_id", BIG_ID, nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_suppressions"),
        sa.UniqueConstraint(
            "email_hash", "list_id", "reason", name="uq_suppressions_email_hash_list_id_reason"
        ),
    )
    op.create_table(
        "signup_requests",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("list_name", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("received_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signup_requests"),
    )
    op.create_table(
        "signup_counts",
        sa.Column("key_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("window_at", UTC_TIME, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", "window_at", name="pk_signup_counts"),
    )
    op.create_index("ix_signup_counts_window", "signup_counts", ["window_at"], unique=False)
    op.create_table(
        "policies",
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("published_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("version", "language", name="pk_policies"),
    )


def _create_content() -> None:
    op.create_table(
        "artefacts",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_artefacts"),
    )
    op.create_table(
        "media",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("content_type", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_media"),
    )
    op.create_table(
        "campaigns",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("tag", sa.LargeBinary(length=6), nullable=False),
        sa.Column("slug", sa.String(length=128), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("list_id", BIG_ID, nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("artefact_hash", sa.String(length=64), nullable=False),
        sa.Column("scheduled_at", UTC_TIME, nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("give_up_hours", sa.Integer(), nullable=True),
        sa.Column("expected_count", sa.Integer(), nullable=False),
        sa.Column("drift_approved", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("started_at", UTC_TIME, nullable=True),
        sa.Column("finished_at", UTC_TIME, nullable=True),
        sa.Column("audience_bound", BIG_ID, nullable=True),
        sa.Column("audience_count", sa.Integer(), nullable=True),
        sa.Column("materialised_upto", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["artefact_hash"], ["artefacts.hash"], name="fk_campaigns_artefact_hash"),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name="fk_campaigns_list_id"),
        sa.PrimaryKeyConstraint("id", name="pk_campaigns"),
        sa.UniqueConstraint("tag", name="uq_campaigns_tag"),
    )
    op.create_index("ix_campaigns_slug", "campaigns", ["slug"], unique=False)
    op.create_index("ix_campaigns_state", "campaigns", ["state", "scheduled_at"], unique=False)


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("stream", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("campaign_id", BIG_ID, nullable=True),
        sa.Column("subscription_id", BIG_ID, nullable=True),
        sa.Column("context", JSON, nullable=True),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("skip_reason", sa.String(32), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UTC_TIME, nullable=True),
        sa.Column("worker_id", BIG_ID, nullable=True),
        sa.Column("created_at", UTC_TIME, nullable=False),
        sa.Column("attempted_at", UTC_TIME, nullable=True),
        sa.Column("settled_at", UTC_TIME, nullable=True),
        sa.Column("reply_code", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("message_id", sa.String(length=255), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=True),
        sa.CheckConstraint(
            "(next_attempt_at IS NOT NULL) = (state IN ('queued', 'deferred'))",
            name="ck_deliveries_due_iff_waiting",
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name="fk_deliveries_campaign_id"),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["subscriptions.id"],
            name="fk_deliveries_subscription_id",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint(
            "campaign_id", "subscription_id", name="uq_deliveries_campaign_id_subscription_id"
        ),
    )
    op.create_index(
        "ix_deliveries_claimed",
        "deliveries",
        ["worker_id"],
        unique=False,
        sqlite_where=sa.text("worker_id IS NOT NULL"),
        postgresql_where=sa.text("worker_id IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["stream", "next_attempt_at", "id"],
        unique=False,
        sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.create_index("ix_deliveries_stream_state", "deliveries", ["stream", "state"], unique=False)
    op.create_index("ix_deliveries_subscription", "deliveries", ["subscription_id"], unique=False)
    op.create_table(
        "workers",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("journal", sa.Text(), nullable=False),
        sa.Column("started_at", UTC_TIME, nullable=False),
        sa.Column("heartbeat_at", UTC_TIME, nullable=False),
        sa.Column("stopped_at", UTC_TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_workers"),
    )
