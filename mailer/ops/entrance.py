"""Sign in, stay signed in, sign out (ASVS 3 and 7): one answer for whatever was wrong, each code once."""

from __future__ import annotations

import hashlib
import hmac
import secrets as random_source
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import Connection, delete, insert, select, update

from mailer import clock
from mailer.audit import Ledger
from mailer.keyring import Secrets, derive_key
from mailer.maillog import EventLog
from mailer.ops.accounts import normal_name, totp_secret
from mailer.ops.limits import keys_of, remember, wait_seconds
from mailer.ops.model import NewSession, SignInRefused, Staff, TooManyTries
from mailer.ops.passwords import verify_password
from mailer.ops.totp import SECRET_BYTES, step_of
from mailer.settings.ops import OpsSettings
from mailer.store import Store, StoreError
from mailer.store.schema import StaffMember, StaffSession
from mailer.store.vocabulary import Stream

_log = EventLog("ops")
_REFUSED = (
    "That did not work: the name, the password or the code is not right. "
    "Each code works once; wait for the next."
)
#: A session's last use is written down at most so often.
_SEEN_EVERY = timedelta(minutes=1)
#: A patience, in seconds, that no page notices.
_BRIEFLY = 0.2


class Entrance:
    """The door of /ops."""

    def __init__(self, store: Store, settings: OpsSettings, secrets: Secrets, ledger: Ledger) -> None:
        self._store = store
        self._life = timedelta(hours=settings.session_hours)
        self._idle = timedelta(minutes=settings.idle_minutes)
        self._secrets = secrets
        self._ledger = ledger
        self._form_key = derive_key(secrets.address_key, "mailer.ops.form")

    def sign_in(
        self, name: str, password: str, code: str, *, client: str | None, old_token: str | None = None
    ) -> NewSession:
        """Begin a session, always a new one; `old_token`'s ends. Raises SignInRefused, TooManyTries."""
        name, now = normal_name(name)[:64], clock.now()
        keys = keys_of(name, client)
        if wait := wait_seconds(self._store, keys, now):
            _log.ops_sign_in_too_often()
            raise TooManyTries(wait)
        with self._store.read() as connection:
            row = connection.execute(select(StaffMember.__table__).where(StaffMember.name == name)).first()
        right = verify_password(row.password_hash if row else None, password)
        seed = row.totp_seed if row and row.totp_seed else bytes(SECRET_BYTES)
        step = step_of(totp_secret(self._secrets, seed), code, at=now)
        if row is None or row.disabled_at is not None or not right or step is None:
            _log.ops_sign_in_refused()
            raise SignInRefused(_REFUSED)
        staff, token = Staff(row.id, row.name, row.role), random_source.token_urlsafe(32)
        with self._store.write() as connection:
            self._use_step(connection, staff, step, row.password_hash)
            remember(connection, keys, now)
            gone = (StaffSession.expires_at <= now) | (StaffSession.token_hash == _hash(old_token or ""))
            connection.execute(delete(StaffSession).where(gone))
            begun = {"created_at": now, "seen_at": now, "expires_at": now + self._life}
            connection.execute(
                insert(StaffSession).values(token_hash=_hash(token), staff_id=staff.id, **begun)
            )
            self._record(connection, "staff_signed_in", staff)
        return NewSession(staff, token, int(self._life.total_seconds()))

    def _use_step(self, connection: Connection, staff: Staff, step: int, checked: str) -> None:
        """Accept a step once (RFC 6238 5.2), and only if nobody has changed the account since it was read."""
        statement = update(StaffMember).where(
            StaffMember.id == staff.id,
            StaffMember.totp_step < step,
            StaffMember.password_hash == checked,
            StaffMember.disabled_at.is_(None),
        )
        if connection.execute(statement.values(totp_step=step)).rowcount != 1:
            raise SignInRefused(_REFUSED)

    def who(self, token: str | None, *, looks_by_itself: bool = False) -> Staff | None:
        """Whose session this is; a page that reloads itself does not keep it alive."""
        if not token:
            return None
        now, key = clock.now(), _hash(token)
        with self._store.read() as connection:
            row = connection.execute(
                select(StaffMember.id, StaffMember.name, StaffMember.role, StaffSession.seen_at)
                .join(StaffMember, StaffMember.id == StaffSession.staff_id)
                .where(
                    StaffSession.token_hash == key,
                    StaffSession.expires_at > now,
                    StaffSession.seen_at > now - self._idle,
                    StaffMember.disabled_at.is_(None),
                )
            ).first()
        if row is None:
            return None
        if not looks_by_itself and row.seen_at < now - _SEEN_EVERY:
            # A busy database never costs somebody the page.
            with suppress(StoreError), self._store.write(patience_seconds=_BRIEFLY) as connection:
                seen = update(StaffSession).where(StaffSession.token_hash == key)
                connection.execute(seen.values(seen_at=now))
        return Staff(row.id, row.name, row.role)

    def by_proxy(self, name: str) -> Staff | None:
        """The account that a trusted proxy names; None when there is none or it is disabled."""
        with self._store.read() as connection:
            row = connection.execute(
                select(StaffMember.id, StaffMember.name, StaffMember.role).where(
                    StaffMember.name == normal_name(name), StaffMember.disabled_at.is_(None)
                )
            ).first()
        return None if row is None else Staff(row.id, row.name, row.role)

    def sign_out(self, token: str, staff: Staff) -> None:
        """End the session for good, here and not only in the browser."""
        with self._store.write() as connection:
            connection.execute(delete(StaffSession).where(StaffSession.token_hash == _hash(token)))
            self._record(connection, "staff_signed_out", staff)

    def form_token(self, binding: str) -> str:
        """What proves that a form is ours and of this session (or, by a proxy, of this person)."""
        return hmac.new(self._form_key, binding.encode(), "sha256").hexdigest()

    def is_form_token(self, binding: str, given: str) -> bool:
        """Whether `form_token` made it."""
        return hmac.compare_digest(self.form_token(binding).encode(), given.encode())

    def _record(self, connection: Connection, event: str, staff: Staff) -> None:
        self._ledger.append(connection, stream=Stream.AUDIT, event=event, payload={"staff": staff.name})


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
