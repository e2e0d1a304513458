"""Leaving a list: at once, for ever, idempotent (F2, A10, A13, A17, C10, D33, RFC 8058)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from sqlalchemy import Connection

from mailer import clock
from mailer.audit import Ledger
from mailer.settings import Settings
from mailer.store import Store
from mailer.store.vocabulary import ALL_LISTS, SkipReason, Stream, SubscriptionState, SuppressionReason
from mailer.subscribers import queries
from mailer.subscribers.evidence import Evidence
from mailer.subscribers.queries import Standing
from mailer.tokens import LinkClaim, Purpose, Tokens, read_link

Scope = Literal["list", "all"]
Via = Literal["one-click", "page", "mail", "staff"]


class LeaveState(StrEnum):
    """What an opt-out link finds."""

    SUBSCRIBED = "subscribed"
    LEFT = "left"
    GONE = "gone"  #: purged or erased: there is nobody to opt out, which is what was asked for
    PROOF = "proof"  #: a link from a proof; it acts on nothing (A90)


@dataclass(frozen=True, slots=True)
class LeaveView:
    """What the page behind an opt-out link may know; never the address (D4, D23)."""

    list_title: str  #: "" when not even the campaign is known any more
    list_name: str
    language: str
    state: LeaveState
    other_lists: bool  #: whether "all lists" would end more than this one


@dataclass(frozen=True, slots=True)
class Wish:
    """One opt-out that somebody asked for; made by `Leaving.wish`, so its link is genuine."""

    claim: LinkClaim
    scope: Scope
    via: Via
    evidence: Evidence | None


class Leaving:
    """The service behind the unsubscribe page and the one-click POST."""

    def __init__(self, store: Store, settings: Settings, tokens: Tokens, ledger: Ledger) -> None:
        self._store = store
        self._settings = settings
        self._tokens = tokens
        self._ledger = ledger

    def look(self, token: str) -> LeaveView:
        """What an opt-out link would do; changes nothing (A16). Raises TokenMissing or TokenInvalid."""
        claim = read_link(self._tokens, Purpose.UNSUBSCRIBE, token)
        with self._store.read() as connection:
            standing = None if claim.is_proof else queries.standing_of_tag(connection, claim.subscription_tag)
            return self._view(connection, claim, standing)

    def leave(self, token: str, *, scope: Scope, via: Via, evidence: Evidence | None = None) -> LeaveView:
        """Opt out of the link's list, or of every list; committed when this returns (A10).

        Raises TokenMissing or TokenInvalid, and StoreError when nothing could be written: never
        answer success then (D34).
        """
        return self.leave_together([self.wish(token, scope=scope, via=via, evidence=evidence)])[0]

    def wish(self, token: str, *, scope: Scope, via: Via, evidence: Evidence | None = None) -> Wish:
        """What an opt-out link asks for; changes nothing. Raises TokenMissing or TokenInvalid."""
        return Wish(read_link(self._tokens, Purpose.UNSUBSCRIBE, token), scope, via, evidence)

    def leave_together(self, wishes: Sequence[Wish]) -> list[LeaveView]:
        """Opt-outs in the order they came, in one transaction; committed when this returns (A10).

        Raises StoreError when nothing could be written. More than one at a time is for SQLite, which has
        one write lock: on PostgreSQL the order in which they lock people is the order of the clicks.
        """
        with self._store.write() as connection:
            return [self._leave(connection, wish) for wish in wishes]

    def _leave(self, connection: Connection, wish: Wish) -> LeaveView:
        tag = wish.claim.subscription_tag
        person = None if wish.claim.is_proof else queries.lock_person_of_tag(connection, tag)
        standings = queries.standings_of_person(connection, person) if person else []
        standing = next((row for row in standings if row.tag == tag), None)
        if standing is None:
            return self._view_of_nobody(connection, wish.claim)
        ending = standings if wish.scope == "all" else [standing]
        if self._opt_out(connection, standing, ending, scope=wish.scope):
            self._record(connection, standing, wish)
        others = wish.scope == "list" and _elsewhere(standings, standing)
        return _view_of(standing, LeaveState.LEFT, other_lists=others)

    def _opt_out(
        self, connection: Connection, standing: Standing, ending: Sequence[Standing], *, scope: Scope
    ) -> bool:
        """End, remember and unqueue; False when all of it was so already."""
        now = clock.now()
        ids = [row.subscription_id for row in ending]
        ended = queries.end_subscriptions(connection, ids, now=now)
        queries.skip_waiting(connection, ids, reason=SkipReason.UNSUBSCRIBED, now=now)
        wanted = ALL_LISTS if scope == "all" else standing.list_id
        remembered = self._remembered(connection, standing, list_id=wanted)
        if not remembered:
            said = SuppressionReason.UNSUBSCRIBED
            queries.add_suppression(
                connection,
                email_hash=standing.email_hash,
                list_id=wanted,
                reason=said,
                source="link",
                now=now,
            )
        return ended > 0 or not remembered

    @staticmethod
    def _remembered(connection: Connection, standing: Standing, *, list_id: int) -> bool:
        """Whether this opt-out, or a wider one, is a suppression already."""
        reasons = queries.reasons_in_scope(connection, standing.email_hash, list_id=list_id)
        return SuppressionReason.UNSUBSCRIBED in reasons

    def _record(self, connection: Connection, standing: Standing, wish: Wish) -> None:
        """One event per opt-out, however often the button is pressed (A13)."""
        payload = {
            "list": standing.list_name,
            "scope": wish.scope,
            "via": wish.via,
            "campaign": wish.claim.campaign_tag.hex(),
        }
        if wish.evidence is not None:
            payload |= {"ip": wish.evidence.ip or "", "language": wish.evidence.language}
        self._ledger.append(
            connection,
            stream=Stream.CONSENT,
            event="unsubscribed",
            subject=standing.email_hash,
            payload=payload,
        )

    def _view(self, connection: Connection, claim: LinkClaim, standing: Standing | None) -> LeaveView:
        if standing is None:
            return self._view_of_nobody(connection, claim)
        others = queries.standings_of_person(connection, standing.subscriber_id)
        left = standing.state is SubscriptionState.UNSUBSCRIBED
        state = LeaveState.LEFT if left else LeaveState.SUBSCRIBED
        return _view_of(standing, state, other_lists=_elsewhere(others, standing))

    def _view_of_nobody(self, connection: Connection, claim: LinkClaim) -> LeaveView:
        known = queries.list_of_campaign(connection, claim.campaign_tag)
        return LeaveView(
            known.title if known else "",
            known.name if known else "",
            self._settings.site.language,
            LeaveState.PROOF if claim.is_proof else LeaveState.GONE,
            other_lists=False,
        )


def _view_of(standing: Standing, state: LeaveState, *, other_lists: bool) -> LeaveView:
    return LeaveView(
        standing.list_title, standing.list_name, standing.language, state, other_lists=other_lists
    )


def _elsewhere(standings: Sequence[Standing], this: Standing) -> bool:
    return any(
        row.subscription_id != this.subscription_id and row.state is not SubscriptionState.UNSUBSCRIBED
        for row in standings
    )
