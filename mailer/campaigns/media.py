"""Find a campaign's image by its hash, for the page that serves it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from mailer.store import Store
from mailer.store.schema import Medium


@dataclass(frozen=True, slots=True)
class StoredMedium:
    """An image as it was frozen with its campaign."""

    content_type: str
    content: bytes


def find_medium(store: Store, hash_: str) -> StoredMedium | None:
    """The image whose SHA-256 is `hash_` (hex), or None."""
    with store.read() as connection:
        row = connection.execute(
            select(Medium.content_type, Medium.content).where(Medium.hash == hash_)
        ).one_or_none()
    return StoredMedium(row.content_type, row.content) if row else None
