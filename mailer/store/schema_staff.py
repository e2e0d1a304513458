"""The tables of /ops: who may sign in, who is signed in, and how often it was tried."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mailer.store.base import Base
from mailer.store.types import BigId, EnumText, keyed_hash, row_id, utc, utc_or_none
from mailer.store.vocabulary import StaffRole


class StaffMember(Base):
    """Somebody who may sign in to /ops."""

    __tablename__ = "staff"
    id: Mapped[row_id]
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[StaffRole] = mapped_column(EnumText(StaffRole))
    password_hash: Mapped[str | None] = mapped_column(Text)  #: argon2id; null: comes by the proxy alone
    totp_seed: Mapped[bytes | None] = mapped_column(LargeBinary(20))  #: a secret only with the site's key
    totp_step: Mapped[int] = mapped_column(BigId, default=0)  #: the last that was accepted
    created_at: Mapped[utc]
    disabled_at: Mapped[utc_or_none]


class StaffSession(Base):
    """One browser that is signed in; known by the hash of its cookie."""

    __tablename__ = "staff_sessions"
    token_hash: Mapped[keyed_hash] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(BigId, ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[utc]
    seen_at: Mapped[utc]
    expires_at: Mapped[utc] = mapped_column(index=True)


class StaffLimit(Base):
    """How fast sign-in may be tried from one client, for one name, or for one name from one client."""

    __tablename__ = "staff_limits"
    key_hash: Mapped[keyed_hash] = mapped_column(primary_key=True)
    free_at: Mapped[utc] = mapped_column(index=True)  #: when all earlier tries are forgotten
    known_until: Mapped[utc_or_none]  #: this name has signed in from this client
