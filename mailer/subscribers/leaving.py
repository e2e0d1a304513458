"""Leaving a list: at once, for ever, idempotent (F2, A10, A13, A17, C10, D33, RFC 8058)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from sqlalchemy import Connection

from mailer import clock
from mailer.audit import Entry, Ledger
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


@dataclass(frozen=True, slots=True)
class _Leave:
    """A wish of somebody who is still stored."""

    wish: Wish
    standing: Standing
    everywhere: Sequence[Standing]

    @property
    def list_id(self) -> int:
        """What the opt-out is remembered for."""
        return ALL_LISTS if self.wish.scope == "all" else self.standing.list_id

    @property
    def ending(self) -> Sequence[Standing]:
        """The subscriptions that it ends."""
        return self.everywhere if self.wish.scope == "all" else [self.standing]

    @property
    def changes(self) -> bool:
        """Whether one of them is not ended yet, or could be confirmed again by an old link."""
        ended = SubscriptionState.UNSUBSCRIBED
        return any(row.state is not ended or row.confirm_nonce is not None for row in self.ending)

    @property
    def view(self) -> LeaveView:
        """What the page says once it is done."""
        others = self.wish.scope == "list" and _elsewhere(self.everywhere, self.standing)
        return _view_of(self.standing, LeaveState.LEFT, other_lists=others)


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
        """Opt-outs in one transaction; committed when this returns (A10).

        Raises StoreError when nothing could be written. Many at once cost hardly more than one.
        """
        with self._store.write() as connection:
            return self.leave_in(connection, wishes)

    def leave_in(self, connection: Connection, wishes: Sequence[Wish]) -> list[LeaveView]:
        """The same, in the caller's transaction."""
        tags = {wish.claim.subscription_tag for wish in wishes if not wish.claim.is_proof}
        people = queries.lock_people_of_tags(connection, tags) if tags else []
        standings = queries.standings_of_people(connection, people) if people else []
        leaves = [_leave_of(wish, standings) for wish in wishes]
        # Who pressed twice in this moment left once.
        once = {(leave.standing.tag, leave.wish.scope): leave for leave in leaves if leave}
        self._opt_out(connection, list(once.values()))
        return [
            leave.view if leave else self._view_of_nobody(connection, wish.claim)
            for wish, leave in zip(wishes, leaves, strict=True)
        ]

    def _opt_out(self, connection: Connection, leaves: Sequence[_Leave]) -> None:
        """End, unqueue and remember; what was so already leaves no trace, however often it is asked (A13)."""
        if not leaves:
            return
        now, said = clock.now(), SuppressionReason.UNSUBSCRIBED
        ids = sorted({row.subscription_id for leave in leaves for row in leave.ending})
        hashes = {leave.standing.email_hash for leave in leaves}
        remembered = queries.suppressed_for(connection, hashes, reason=said)
        queries.end_subscriptions(connection, ids, now=now)
        queries.skip_waiting(connection, ids, reason=SkipReason.UNSUBSCRIBED, now=now)
        entries = []
        for leave in leaves:
            email_hash = leave.standing.email_hash
            known = not remembered.isdisjoint({(email_hash, ALL_LISTS), (email_hash, leave.list_id)})
            if not known:
                queries.add_suppression(
                    connection,
                    email_hash=email_hash,
                    list_id=leave.list_id,
                    reason=said,
                    source="link",
                    now=now,
                )
            if leave.changes or not known:
                entries.append(_entry(leave))
        self._ledger.append_many(connection, entries)

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


def _leave_of(wish: Wish, standings: Sequence[Standing]) -> _Leave | None:
    standing = next((row for row in standings if row.tag == wish.claim.subscription_tag), None)
    if standing is None or wish.claim.is_proof:
        return None
    own = [row for row in standings if row.subscriber_id == standing.subscriber_id]
    return _Leave(wish, standing, own)


def _entry(leave: _Leave) -> Entry:
    wish = leave.wish
    payload: dict[str, object] = {
        "list": leave.standing.list_name,
        "scope": wish.scope,
        "via": wish.via,
        "campaign": wish.claim.campaign_tag.hex(),
    }
    if wish.evidence is not None:
        payload |= {"ip": wish.evidence.ip or "", "language": wish.evidence.language}
    return Entry(Stream.CONSENT, "unsubscribed", payload, leave.standing.email_hash)


def _view_of(standing: Standing, state: LeaveState, *, other_lists: bool) -> LeaveView:
    return LeaveView(
        standing.list_title, standing.list_name, standing.language, state, other_lists=other_lists
    )


def _elsewhere(standings: Sequence[Standing], this: Standing) -> bool:
    return any(
        row.subscription_id != this.subscription_id and row.state is not SubscriptionState.UNSUBSCRIBED
        for row in standings
    )
