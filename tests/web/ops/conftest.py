"""Staff who sign in to /ops as a browser does, with what the pages show behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from argon2 import PasswordHasher
from httpx import Response

from mailer import clock
from mailer.bounces.intake import keep
from mailer.ops import passwords
from mailer.ops.totp import STEP_SECONDS, code_at
from mailer.store.vocabulary import StaffRole
from tests.web.conftest import Desk, Reader

PASSWORD = "solder smells like Sunday"
OWN = {"sec-fetch-site": "same-origin"}
#: A human "stop" that nothing proves.
STOP = (
    b"From: Ada <ada@example.net>\r\nTo: news@shop.example\r\nSubject: unsubscribe\r\n"
    b"Message-ID: <stop@example.net>\r\nDate: Mon, 23 Nov 2026 08:00:00 +0000\r\n\r\n"
    b"unsubscribe <script>alert(1)</script>\r\n"
)


@dataclass
class Office:
    """Ada operates, Bob looks."""

    desk: Desk
    secrets: dict[str, bytes]

    def try_sign_in(self, name: str = "ada", *, headers: Any = None, **changed: str) -> Response:
        """Post the form."""
        code = code_at(self.secrets[name], int(clock.now().timestamp()) // STEP_SECONDS)
        fields = {"name": name, "password": PASSWORD, "code": code} | changed
        return self.desk.client.post("/ops/sign-in", data=fields, headers=OWN if headers is None else headers)

    def sign_in(self, name: str = "ada") -> Browser:
        """A browser that is signed in."""
        answer = self.try_sign_in(name)
        assert answer.status_code == 303, answer.text
        cookie = answer.headers["set-cookie"].split(";")[0]
        return Browser(self, {"cookie": cookie})

    def keep_mail(self, raw: bytes = STOP) -> int:
        """A message that waits for a person; its number."""
        assert keep(self.desk.store, raw, source="pipe")
        self.desk.site.deciding.process_waiting()
        return self.desk.site.deciding.review().mails[0].id


@dataclass
class Browser:
    """Keeps headers from one request to the next."""

    office: Office
    headers: dict[str, str]

    def get(self, path: str) -> Response:
        """GET."""
        return self.office.desk.client.get(path, headers=self.headers)

    def page(self, path: str) -> Reader:
        """A page that is there."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return Reader.of(answer.text)

    def form(self) -> str:
        """The token that this browser's forms carry."""
        return str(self.page("/ops").input("form")["value"])

    def post(self, path: str, *, headers: Any = None, **fields: str) -> Response:
        """Send a form of ours, unless said otherwise."""
        data = {"form": self.form(), "why": "looked at it"} | fields
        sent = self.headers | (OWN if headers is None else headers)
        return self.office.desk.client.post(path, data=data, headers=sent)


@pytest.fixture
def office(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office of two, with passwords that cost little to check."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    roles = {"ada": StaffRole.OPERATOR, "bob": StaffRole.VIEWER}
    accounts = desk.site.accounts
    return Office(
        desk, {name: accounts.add(name, role, password=PASSWORD) or b"" for name, role in roles.items()}
    )
