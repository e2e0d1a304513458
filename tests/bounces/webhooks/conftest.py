"""Webhooks with every provider set up, on a clock that stands still, keeping events in a list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from pydantic import SecretStr

from mailer.bounces.webhooks import Hooks
from mailer.settings.hooks import HooksSettings
from tests.bounces.webhooks import signing

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass
class Shelf:
    """Keeps events as the intake does: each digest once."""

    rows: dict[bytes, tuple[str, bytes]] = field(default_factory=dict)
    error: Exception | None = None

    def keep(self, raw: bytes, source: str, digest: bytes) -> bool:
        """Keep one; False if it is there."""
        if self.error is not None:
            raise self.error
        is_new = digest not in self.rows
        self.rows.setdefault(digest, (source, raw))
        return is_new

    @property
    def raws(self) -> list[bytes]:
        """What was kept, in order."""
        return [raw for _, raw in self.rows.values()]


def every_provider(**changed: Any) -> HooksSettings:
    """Settings that set up all four, with two secrets each."""
    return HooksSettings(
        **{
            "ses_topics": (signing.TOPIC,),
            "sendgrid_public_keys": (
                signing.shown(signing.curve_key(0)),
                signing.shown(signing.curve_key(1)),
            ),
            "mailgun_signing_keys": (
                SecretStr(signing.MAILGUN_KEY),
                SecretStr(signing.NEXT_MAILGUN_KEY),
            ),
            "postmark_passwords": (SecretStr(signing.PASSWORD), SecretStr(signing.NEXT_PASSWORD)),
        }
        | changed
    )


@pytest.fixture
def clock() -> Iterator[Any]:
    """Nine o'clock, until a test moves it."""
    with time_machine.travel(START, tick=False) as moved:
        yield moved


@pytest.fixture
def shelf() -> Shelf:
    """Where events go."""
    return Shelf()


@pytest.fixture
def fetched() -> list[tuple[str, str]]:
    """What was asked of Amazon: host and path."""
    return []


@pytest.fixture
def get(fetched: list[tuple[str, str]], clock: Any) -> Callable[[str, str], bytes]:
    """Stands for Amazon's host."""

    def answer(host: str, path: str) -> bytes:
        fetched.append((host, path))
        return signing.certificate()

    return answer


@pytest.fixture
def hooks(shelf: Shelf, get: Callable[[str, str], bytes]) -> Hooks:
    """The receiving end."""
    return Hooks(every_provider(), keep=shelf.keep, get=get)
