"""The door of /ops on a clock that stands still, and words for coming through it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from argon2 import PasswordHasher

from mailer import clock
from mailer.audit import Ledger
from mailer.keyring import Secrets
from mailer.ops import passwords
from mailer.ops.accounts import Accounts
from mailer.ops.entrance import Entrance
from mailer.ops.model import NewSession
from mailer.ops.totp import STEP_SECONDS, code_at
from mailer.settings.ops import OpsSettings
from mailer.store import Store
from mailer.store.vocabulary import StaffRole

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PASSWORD = "solder smells like Sunday"


@dataclass
class Door:
    """Accounts and entrance of one site; Ada operates, Bob looks."""

    store: Store
    accounts: Accounts
    entrance: Entrance
    secrets: dict[str, bytes]
    clock: Any

    def code(self, name: str = "ada", *, later: int = 0) -> str:
        """What the authenticator app of somebody shows now, or `later` steps on."""
        return code_at(self.secrets[name], int(clock.now().timestamp()) // STEP_SECONDS + later)

    def sign_in(
        self, name: str = "ada", password: str = PASSWORD, code: str | None = None, **how: Any
    ) -> NewSession:
        """Come in as somebody who knows everything, unless said otherwise."""
        given = self.code(name) if code is None and name in self.secrets else code or "000000"
        return self.entrance.sign_in(name, password, given, client=how.pop("client", "192.0.2.7"), **how)


@pytest.fixture(autouse=True)
def cheap_argon2(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same hash with less work: what a password costs is tested apart."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def door(store: Store, secrets: Secrets, ledger: Ledger) -> Iterator[Door]:
    """A door with Ada and Bob."""
    with time_machine.travel(START, tick=False) as steered:
        accounts = Accounts(store, secrets, ledger)
        given = {
            name: accounts.add(name, role, password=PASSWORD) or b""
            for name, role in (("ada", StaffRole.OPERATOR), ("bob", StaffRole.VIEWER))
        }
        entrance = Entrance(store, OpsSettings(), secrets, ledger)
        yield Door(store, accounts, entrance, given, steered)
