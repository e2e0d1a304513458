"""Erase one person on request: all that names them goes, only their "no" stays, as a keyed hash (C20, GDPR 17)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, update

from mailer import clock
from mailer.addresses import EmailAddress
from mailer.audit import Ledger
from mailer.errors import MailerError
from mailer.keyring import Secrets, address_hash
from mailer.maillog import EventLog
from mailer.store import Store
from mailer.store.schema import Delivery
from mailer.store.vocabulary import ALL_LISTS, WAITING, DeliveryState, SkipReason, Stream, SuppressionReason
from mailer.subscribers import queries, returned_traces, traces
from mailer.subscribers.model import LIFTED_BY_CONFIRMING, SUPPRESSION_POLICY

_logger = EventLog("subscribers")
#: A person's own "no" that outlasts a wish to be forgotten: leaving adds nothing to it.
STRONGER = frozenset(
    reason
    for reason, policy in SUPPRESSION_POLICY.items()
    if policy.ends_subscriptions and reason not in LIFTED_BY_CONFIRMING
)


class ErasureRefused(MailerError):
    """The reason given cannot be kept."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What one erasure came to, in numbers; nothing here tells who it was."""

    found: bool  #: whether anything but a keyed hash was stored
    subscriptions: int = 0
    requests: int = 0  #: sign-ups that nobody had judged yet
    skipped: int = 0  #: deliveries that waited
    in_flight: int = 0  #: deliveries a sender has in hand: they may still arrive
    deliveries: int = 0  #: deliveries kept without the person, those above included
    records: int = 0  #: ledger records whose contents were erased
    mails: int = 0  #: messages that came back and were kept raw
    reasons: tuple[SuppressionReason, ...] = ()  #: why the address stays off every list
    overwritten: bool = True  #: False: other readers kept old pages in SQLite's log; erase again later

    def counts(self) -> dict[str, int]:
        """The numbers that go on record."""
        return {
            "subscriptions": self.subscriptions,
            "requests": self.requests,
            "skipped": self.skipped,
            "in_flight": self.in_flight,
            "deliveries": self.deliveries,
            "records": self.records,
            "mails": self.mails,
        }


class Erasure:
    """The service behind `mailer subscriber erase`."""

    def __init__(self, store: Store, secrets: Secrets, ledger: Ledger) -> None:
        self._store = store
        self._secrets = secrets
        self._ledger = ledger

    def erase(self, address: EmailAddress, *, why: str) -> Erased:
        """Erase all that is stored about an address, in one transaction; harmless when repeated.

        An address that is not stored is left alone: no trace of it is made. Raises ErasureRefused
        when `why` is empty or holds the address.
        """
        reason = _checked(why, address)
        with self._store.read() as connection:
            # The searches that read many rows are done outside of the write lock.
            newest = traces.last_delivery(connection)
            proofs = traces.proofs_to(connection, address)
            newest_mail = returned_traces.last_mail(connection)
            mails = returned_traces.mails_naming(connection, address)
        with self._store.write() as connection:
            proofs += traces.proofs_to(connection, address, after_id=newest)
            mails += returned_traces.mails_naming(connection, address, after_id=newest_mail)
            done = self._erase(connection, address, proofs=proofs, mails=mails, why=reason)
        # On SQLite deleted bytes are overwritten, but the log still holds the pages as they were.
        emptied = self._store.empty_log()
        _logger.subscriber_erased(found=done.found)
        return replace(done, overwritten=emptied)

    def _erase(
        self, connection: Connection, address: EmailAddress, *, proofs: list[int], mails: list[int], why: str
    ) -> Erased:
        email_hash = address_hash(self._secrets, address)
        holder = traces.lock_holder(connection, email_hash)
        subscriptions = holder.subscription_ids if holder else ()
        deliveries = [*traces.deliveries_of(connection, subscriptions), *proofs]
        skipped = _skip(connection, deliveries)
        requests = traces.remove_requests(connection, address)
        in_flight = traces.in_flight(connection, deliveries)
        traces.blank_deliveries(connection, deliveries)
        if holder:
            traces.remove_holder(connection, holder)
        records = traces.blank_records(connection, email_hash)
        notes = traces.blank_notes(connection, email_hash)
        mails = [*mails, *returned_traces.mails_of(connection, email_hash)]
        returned = returned_traces.blank_mails(connection, mails)
        returned_traces.blank_reports(connection, email_hash)
        if not (holder or deliveries or requests or records or notes or returned):
            return Erased(found=False, reasons=_reasons(connection, email_hash))
        self._remember(connection, email_hash)
        done = Erased(
            found=True,
            subscriptions=len(subscriptions),
            requests=requests,
            skipped=skipped,
            in_flight=in_flight,
            deliveries=len(deliveries),
            records=records,
            mails=returned,
            reasons=_reasons(connection, email_hash),
        )
        self._ledger.append(
            connection,
            stream=Stream.CONSENT,
            event=traces.ERASED_EVENT,
            subject=email_hash,
            payload={"why": why, **done.counts()},
        )
        return done

    def _remember(self, connection: Connection, email_hash: bytes) -> None:
        """Keep the address off every list until its holder confirms a sign-up of their own (law 7)."""
        if STRONGER.isdisjoint(_reasons(connection, email_hash)):
            queries.add_suppression(
                connection,
                email_hash=email_hash,
                list_id=ALL_LISTS,
                reason=SuppressionReason.UNSUBSCRIBED,
                source="erasure",
                note=None,
                now=clock.now(),
            )


def _skip(connection: Connection, delivery_ids: list[int]) -> int:
    """Settle what waits without an attempt; a claim in a sender's hand finishes or is put down there."""
    return connection.execute(
        update(Delivery)
        .where(Delivery.id.in_(delivery_ids), Delivery.state.in_(WAITING))
        .values(
            state=DeliveryState.SKIPPED,
            skip_reason=SkipReason.ERASED,
            next_attempt_at=None,
            settled_at=clock.now(),
        )
    ).rowcount


def _reasons(connection: Connection, email_hash: bytes) -> tuple[SuppressionReason, ...]:
    return tuple(sorted(queries.reasons_in_scope(connection, email_hash, list_id=ALL_LISTS)))


def _checked(why: str, address: EmailAddress) -> str:
    said = why.strip()
    if not said:
        raise ErasureRefused("Erasing needs a reason: how and when the person asked for it.")
    spellings = {address.key, f"{address.local}@{address.unicode_domain}".lower()}
    if any(spelling in said.lower() for spelling in spellings):
        raise ErasureRefused("The reason is kept for good: leave the address out of it.")
    return said
