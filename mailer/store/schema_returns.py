"""The tables of what comes back: raw messages, holds, scores, and failures that are too much alike."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Double, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mailer.store.base import Base
from mailer.store.types import BigId, EnumText, Json, keyed_hash, row_id, utc, utc_or_none
from mailer.store.vocabulary import FreezeScope, HoldEnd, ReturnedKind, ReturnedState


class ReturnedMail(Base):
    """One message that came back, kept raw before anything is done with it."""

    __tablename__ = "returned_mails"
    __table_args__ = (Index("ix_returned_mails_state", "state", "id"),)
    id: Mapped[row_id]
    received_at: Mapped[utc] = mapped_column(index=True)
    source: Mapped[str] = mapped_column(String(64))  #: "imap:<name>", "pipe", "listener", "webhook:ses"
    digest: Mapped[keyed_hash] = mapped_column(unique=True)  #: the same message twice counts once
    size: Mapped[int]  #: bytes, uncompressed
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)  #: zlib; null once its retention is over
    envelope_to: Mapped[str | None] = mapped_column(Text)  #: RCPT TO, where the source knows it
    state: Mapped[ReturnedState] = mapped_column(EnumText(ReturnedState))
    kind: Mapped[ReturnedKind | None] = mapped_column(EnumText(ReturnedKind))  #: null until it was read
    rule: Mapped[str | None] = mapped_column(String(128))  #: what made it this kind
    note: Mapped[str | None] = mapped_column(Text)  #: why a person should look, or what was decided
    read_at: Mapped[utc_or_none]
    reader_version: Mapped[int | None]


class Hold(Base):
    """A person who is not mailed for a day, until the alarm of alike failures is ruled out (A76)."""

    __tablename__ = "holds"
    id: Mapped[row_id]
    email_hash: Mapped[keyed_hash] = mapped_column(index=True)
    report_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("reports.id", ondelete="SET NULL"))
    provider: Mapped[str] = mapped_column(String(255))
    campaign_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("campaigns.id"))
    held_at: Mapped[utc]
    due_at: Mapped[utc_or_none] = mapped_column(index=True)  #: suppressed then; null once it ended
    end: Mapped[HoldEnd | None] = mapped_column(EnumText(HoldEnd))
    ended_at: Mapped[utc_or_none]


class BounceScore(Base):
    """What soft bounces count against one person; success takes it back to nothing (A78)."""

    __tablename__ = "bounce_scores"
    email_hash: Mapped[keyed_hash] = mapped_column(primary_key=True)
    score: Mapped[float] = mapped_column(Double)
    first_at: Mapped[utc]
    last_at: Mapped[utc]


class Freeze(Base):
    """Many failures alike at one provider or of one campaign: nobody is blamed until a person decides (law 10)."""

    __tablename__ = "freezes"
    id: Mapped[row_id]
    scope: Mapped[FreezeScope] = mapped_column(EnumText(FreezeScope))
    key: Mapped[str] = mapped_column(String(255))  #: the provider, or the campaign's id
    reason: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[utc]
    last_at: Mapped[utc]
    closed_at: Mapped[utc_or_none] = mapped_column(index=True)
    decision: Mapped[str | None] = mapped_column(String(16))  #: "release" or "discard"
    facts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
