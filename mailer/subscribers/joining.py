"""Joining a list: request, confirm, ask back. Double opt-in, always (F1, C3, D3, D7, D33)."""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row

from mailer import clock
from mailer.addresses import EmailAddress, parse_address
from mailer.audit import Ledger
from mailer.keyring import Secrets
from mailer.maillog import EventLog
from mailer.settings import Settings
from mailer.store import Store, StoreError
from mailer.store.vocabulary import Stream, SubscriptionState
from mailer.subscribers import caps, denial, links, queries, suppressions
from mailer.subscribers.evidence import Evidence
from mailer.subscribers.fields import typed_fields
from mailer.subscribers.judging import Judge, Signup
from mailer.subscribers.lists import ListUnknown
from mailer.subscribers.model import Event, SignupVerdict, after
from mailer.tokens import Purpose, TokenExpired, Tokens, read_link

_logger = EventLog("subscribers")


class ConfirmState(StrEnum):
    """What a confirm link is worth."""

    WAITING = "waiting"  #: one button away
    ALREADY = "already"  #: confirmed, by this link or another
    EXPIRED = "expired"
    VOID = "void"  #: used up, replaced by a newer one, or followed by an opt-out (D3)


@dataclass(frozen=True, slots=True)
class ConfirmView:
    """What the page behind a confirm link may know; never the address (D23)."""

    list_title: str  #: "" when nothing is stored behind the link any more
    list_name: str
    language: str
    state: ConfirmState


class Joining:
    """The service behind the subscribe, confirm and not-me pages, and `mailer subscriber add`."""

    def __init__(
        self, store: Store, settings: Settings, secrets: Secrets, tokens: Tokens, ledger: Ledger
    ) -> None:
        self._store = store
        self._settings = settings
        self._tokens = tokens
        self._ledger = ledger
        self._judge = Judge(settings, secrets, ledger)
        self._faulty: set[int] = set()

    # --- the request ---

    def request(
        self,
        list_name: str,
        address: EmailAddress,
        *,
        fields: Mapping[str, object],
        evidence: Evidence,
        source: str = "form",
    ) -> None:
        """Keep a sign-up to be judged later: the same work whoever it is for (D7).

        Raises ListUnknown or FieldInvalid, neither of which depends on the address.
        """
        self._known(list_name)
        typed = typed_fields(self._settings.fields, fields)
        with self._store.write() as connection:
            _keep(connection, list_name, str(address), fields=typed, evidence=evidence, source=source)

    def ask_back(self, unsubscribe_token: str, evidence: Evidence) -> None:
        """ "I left by mistake": a fresh confirmation mail, within the same caps as any sign-up.

        Does nothing for a proof or an erased holder. Raises TokenError.
        """
        claim = read_link(self._tokens, Purpose.UNSUBSCRIBE, unsubscribe_token)
        with self._store.write() as connection:
            standing = None if claim.is_proof else queries.standing_of_tag(connection, claim.subscription_tag)
            if standing:
                email, list_name = standing.email, standing.list_name
                _keep(
                    connection, list_name, email, fields={}, evidence=evidence, source="form", asked_back=True
                )

    def invite(
        self, list_name: str, address: EmailAddress, *, fields: Mapping[str, object], evidence: Evidence
    ) -> SignupVerdict:
        """A sign-up entered by staff: pending, with a confirmation mail, and the verdict told at once.

        Raises ListUnknown or FieldInvalid.
        """
        self._known(list_name)
        signup = Signup(
            list_name=list_name,
            address=address,
            evidence=evidence,
            source="staff",
            fields=typed_fields(self._settings.fields, fields),
            capped_by=caps.STAFF,
        )
        with self._store.write() as connection:
            return self._judge.judge(connection, signup)

    def _known(self, list_name: str) -> None:
        if list_name not in self._settings.lists:
            known = ", ".join(self._settings.lists)
            raise ListUnknown(f"There is no list named {list_name!r}; the lists are: {known}.")

    # --- the judging ---

    def process_requests(self, limit: int = 200) -> int:
        """Judge waiting sign-ups, each in its own short transaction; returns how many.

        Held back while the site's hourly fuse is blown (D8): the rows wait, they are not lost.
        """
        done, after_id = 0, 0
        while done < limit:
            with self._store.read() as connection:
                request = queries.next_request(connection, after_id=after_id)
                if request is None or self._judge.caps.fuse_blown(connection, clock.now()):
                    break
            after_id = request.id
            done += self._process(request)
        return done

    def _process(self, request: Row[*tuple[Any, ...]]) -> int:
        """Judge one; a row that no rule foresaw stays where it is and lets the others pass."""
        if request.id in self._faulty:
            return 0
        try:
            with self._store.write() as connection:
                if not queries.take_request(connection, request.id):
                    return 0
                verdict = self._judge.judge(connection, _signup_of(request))
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one row, the others go on
            self._faulty.add(request.id)
            # Kind and place only: a driver's message quotes the row, and with it the address (D25).
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{place.name}:{place.lineno}"
            _logger.signup_unjudgeable(request=request.id, error=type(error).__name__, place=where)
            return 0
        _logger.signup_judged(verdict=verdict.value)
        return 1

    # --- the confirmation ---

    def look(self, token: str) -> ConfirmView:
        """What a confirm link would do; changes nothing (law 5). Raises TokenMissing or TokenInvalid."""
        claim = self._read(token)
        with self._store.read() as connection:
            standing = queries.standing_of_tag(connection, claim.subscription_tag) if claim else None
            return self._view(connection, claim, standing)

    def confirm(self, token: str, evidence: Evidence) -> ConfirmView:
        """The button: act if the link is alive, then say where the subscription stands ("already").

        A link acts once; after an opt-out it never does, however the two race (D3, D33).
        Raises TokenMissing or TokenInvalid.
        """
        claim = self._read(token)
        with self._store.write() as connection:
            locked = claim and queries.lock_person_of_tag(connection, claim.subscription_tag)
            standing = (
                queries.standing_of_tag(connection, claim.subscription_tag) if claim and locked else None
            )
            view = self._view(connection, claim, standing)
            if standing is None or view.state is not ConfirmState.WAITING:
                return view
            self._confirm(connection, standing, evidence=evidence, token=token)
            return ConfirmView(view.list_title, view.list_name, view.language, ConfirmState.ALREADY)

    def _read(self, token: str) -> links.ConfirmClaim | None:
        """What a confirm token claims, or None when it is genuine and too old."""
        try:
            return links.read_confirm(self._tokens, token)
        except TokenExpired:
            return None

    def _view(
        self, connection: Connection, claim: links.ConfirmClaim | None, standing: queries.Standing | None
    ) -> ConfirmView:
        if claim is None or standing is None:
            state = ConfirmState.EXPIRED if claim is None else ConfirmState.VOID
            return ConfirmView("", "", self._settings.site.language, state)
        request = queries.ledger_payload(connection, standing.consent_id)
        return ConfirmView(
            standing.list_title,
            standing.list_name,
            request.get("language") or standing.language,
            _state_of(claim, standing, clock.now()),
        )

    def _confirm(
        self, connection: Connection, standing: queries.Standing, *, evidence: Evidence, token: str
    ) -> None:
        now = clock.now()
        request = queries.ledger_payload(connection, standing.consent_id)
        lifted = suppressions.lift_by_confirming(
            connection, standing.email_hash, list_id=standing.list_id, now=now
        )
        consent = self._ledger.append(
            connection,
            stream=Stream.CONSENT,
            event="confirmed",
            subject=standing.email_hash,
            payload={
                **evidence.as_payload(),
                "list": standing.list_name,
                "request": standing.consent_id,
                "token_id": token_id(token),
                "lifted": sorted(lifted),
            },
        )
        queries.change_subscription(
            connection,
            standing.subscription_id,
            state=after(standing.state, Event.CONFIRM),
            confirm_nonce=None,
            expires_at=None,
            confirmed_at=now,
            unsubscribed_at=None,
            consent_id=consent,
        )
        queries.void_confirmation(connection, standing.subscription_id, now=now)
        queries.adopt_profile(
            connection,
            standing.subscriber_id,
            language=request.get("language"),
            fields=request.get("fields") or {},
            now=now,
        )
        self._judge.caps.forgive(connection, parse_address(standing.email))

    # --- not me ---

    def look_not_me(self, token: str) -> bool:
        """Whether the address of a not-me link is blocked already. Raises TokenMissing or TokenInvalid."""
        email_hash = links.read_not_me(self._tokens, token)
        with self._store.read() as connection:
            return denial.is_denied(connection, email_hash)

    def not_me(self, token: str, evidence: Evidence) -> None:
        """Never mail this address, on any list (D10). Idempotent. Raises TokenMissing or TokenInvalid."""
        email_hash = links.read_not_me(self._tokens, token)
        with self._store.write() as connection:
            denial.deny(connection, self._ledger, email_hash, evidence)


def token_id(token: str) -> str:
    """What the ledger keeps of a token: enough to recognise it, nothing to use (D25)."""
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def _state_of(claim: links.ConfirmClaim, standing: queries.Standing, now: datetime) -> ConfirmState:
    if not links.same_nonce(claim, standing.confirm_nonce):
        confirmed = standing.state is SubscriptionState.CONFIRMED
        return ConfirmState.ALREADY if confirmed else ConfirmState.VOID
    if standing.expires_at is None or standing.expires_at <= now:
        return ConfirmState.EXPIRED
    return ConfirmState.WAITING


def _keep(
    connection: Connection,
    list_name: str,
    email: str,
    *,
    fields: Mapping[str, Any],
    evidence: Evidence,
    source: str,
    asked_back: bool = False,
) -> None:
    queries.add_request(
        connection,
        list_name=list_name,
        email=email,
        language=evidence.language,
        fields=dict(fields),
        evidence={**evidence.as_payload(), "source": source, "asked_back": asked_back},
        received_at=clock.now(),
    )


def _signup_of(request: Row[*tuple[Any, ...]]) -> Signup:
    return Signup(
        list_name=request.list_name,
        address=parse_address(request.email),
        evidence=Evidence.from_payload(request.evidence),
        source=request.evidence["source"],
        fields=request.fields,
        asked_back=request.evidence["asked_back"],
    )
