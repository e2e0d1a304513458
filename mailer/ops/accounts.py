"""Who may sign in: add, list, disable, reset. Every change ends the sessions and is in the ledger (D24, D27)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from sqlalchemy import Connection, delete, func, select, update

from mailer import clock
from mailer.audit import Ledger
from mailer.keyring import Secrets, derive_key, keyed_mac
from mailer.ops.model import StaffExists, StaffNameInvalid, StaffRow, StaffUnknown
from mailer.ops.passwords import hash_password
from mailer.ops.totp import SECRET_BYTES
from mailer.store import Store
from mailer.store.bulk import insert_or_ignore
from mailer.store.schema import StaffMember, StaffSession
from mailer.store.vocabulary import StaffRole, Stream

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?\Z")


def totp_secret(secrets: Secrets, seed: bytes) -> bytes:
    """The secret of an authenticator app: a copy of the database alone does not hold it."""
    return keyed_mac(derive_key(secrets.address_key, "mailer.ops.totp"))(seed)[:SECRET_BYTES]


def normal_name(name: str) -> str:
    """A name as it is compared: "Ada " signs in as "ada"."""
    return name.strip().lower()


class Accounts:
    """The accounts of /ops."""

    def __init__(self, store: Store, secrets: Secrets, ledger: Ledger) -> None:
        self._store = store
        self._secrets = secrets
        self._ledger = ledger

    def add(self, name: str, role: StaffRole, *, password: str | None) -> bytes | None:
        """Let somebody in; returns the secret for their authenticator app, to be shown once.

        `password` None: they come by the sign-in proxy alone, and there is no secret.
        Raises StaffNameInvalid, StaffExists, PasswordWeak.
        """
        name = normal_name(name)
        if not _NAME.match(name):
            raise StaffNameInvalid(
                "A name has 1 to 64 of: letters a to z, digits, dot, dash, underscore, @; such as ada."
            )
        hashed = None if password is None else hash_password(password)
        seed = None if password is None else os.urandom(SECRET_BYTES)
        with self._store.write() as connection:
            row = {"name": name, "role": role, "password_hash": hashed, "totp_seed": seed, "totp_step": 0}
            statement = insert_or_ignore(connection, StaffMember).values(**row, created_at=clock.now())
            if connection.scalar(statement.returning(StaffMember.id)) is None:
                raise StaffExists(
                    f"{name} may sign in already; `mailer ops user reset {name}` starts afresh."
                )
            self._record(connection, "staff_added", name, role=role.value)
        return None if seed is None else totp_secret(self._secrets, seed)

    def reset(self, name: str, *, password: str) -> bytes:
        """A new password and a new authenticator secret; ends every session, lets a disabled account in again.

        Raises StaffUnknown, PasswordWeak.
        """
        hashed, seed = hash_password(password), os.urandom(SECRET_BYTES)
        with self._store.write() as connection:
            # The last step stays: a code that was used once is used, whatever the secret.
            values = {"password_hash": hashed, "totp_seed": seed, "disabled_at": None}
            self._change(connection, name, "staff_reset", values)
        return totp_secret(self._secrets, seed)

    def disable(self, name: str) -> None:
        """Nobody signs in by that name any more; ends every session at once. Raises StaffUnknown."""
        with self._store.write() as connection:
            self._change(connection, name, "staff_disabled", {"disabled_at": clock.now()})

    def list(self) -> list[StaffRow]:
        """Every account, by name."""
        live = (
            select(func.count())
            .where(StaffSession.staff_id == StaffMember.id, StaffSession.expires_at > clock.now())
            .scalar_subquery()
        )
        with self._store.read() as connection:
            rows = connection.execute(select(StaffMember.__table__, live).order_by(StaffMember.name)).all()
        return [
            StaffRow(row.name, row.role, row.created_at, row.disabled_at, row.password_hash is None, row[-1])
            for row in rows
        ]

    def _change(self, connection: Connection, name: str, event: str, values: Mapping[str, object]) -> None:
        found = StaffMember.name == normal_name(name)
        changed = update(StaffMember).where(found).values(**values).returning(StaffMember.id)
        staff_id = connection.scalar(changed)
        if staff_id is None:
            raise StaffUnknown(f"Nobody named {name!r} may sign in; see `mailer ops user list`.")
        connection.execute(delete(StaffSession).where(StaffSession.staff_id == staff_id))
        self._record(connection, event, normal_name(name))

    def _record(self, connection: Connection, event: str, name: str, **facts: str) -> None:
        payload = {"staff": name, **facts}
        self._ledger.append(connection, stream=Stream.AUDIT, event=event, payload=payload)
