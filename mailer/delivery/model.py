"""What a delivery is and may become: its state machine as data, its envelope, its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from mailer.addresses import EmailAddress
from mailer.errors import MailerError
from mailer.store.vocabulary import SYSTEM_STREAM, DeliveryState


class Event(StrEnum):
    """What can happen to a delivery."""

    CLAIM = "claim"  #: a worker took it
    RELEASE = "release"  #: it goes back without an attempt
    SKIP = "skip"  #: settled without an attempt
    ACCEPT = "accept"  #: the next hop said 250
    DEFER = "defer"  #: 4yz, or no body left: try later
    EXPIRE = "expire"  #: deferred once too often
    REJECT = "reject"  #: 5yz
    LOSE = "lose"  #: the final dot may have left, the reply was never read
    RETRY = "retry"  #: staff order one more attempt
    PROVE = "prove"  #: evidence, or an operator's word: the next hop took it
    RESEND = "resend"  #: evidence, or an operator's word: it never arrived


_S = DeliveryState

#: Every legal edge; what is not here is illegal. RELEASE of a row that was attempted
#: before goes back to `deferred` (`queries.release`).
EDGES: Mapping[tuple[DeliveryState, Event], DeliveryState] = {
    (_S.QUEUED, Event.CLAIM): _S.ATTEMPTING,
    (_S.DEFERRED, Event.CLAIM): _S.ATTEMPTING,
    (_S.QUEUED, Event.SKIP): _S.SKIPPED,
    (_S.DEFERRED, Event.SKIP): _S.SKIPPED,
    (_S.ATTEMPTING, Event.SKIP): _S.SKIPPED,
    (_S.ATTEMPTING, Event.RELEASE): _S.QUEUED,
    (_S.ATTEMPTING, Event.ACCEPT): _S.ACCEPTED,
    (_S.ATTEMPTING, Event.DEFER): _S.DEFERRED,
    (_S.ATTEMPTING, Event.EXPIRE): _S.EXPIRED,
    (_S.ATTEMPTING, Event.REJECT): _S.REJECTED,
    (_S.ATTEMPTING, Event.LOSE): _S.UNKNOWN,
    (_S.DEFERRED, Event.RETRY): _S.DEFERRED,
    (_S.EXPIRED, Event.RETRY): _S.DEFERRED,
    (_S.REJECTED, Event.RETRY): _S.DEFERRED,
    (_S.SKIPPED, Event.RETRY): _S.DEFERRED,
    (_S.UNKNOWN, Event.PROVE): _S.ACCEPTED,
    # A report proves a copy that a lost journal has forgotten, or a wrong word has put back.
    (_S.QUEUED, Event.PROVE): _S.ACCEPTED,
    (_S.DEFERRED, Event.PROVE): _S.ACCEPTED,
    (_S.UNKNOWN, Event.RESEND): _S.DEFERRED,
}

#: What only staff or evidence bring about; nothing else leads out of a settled state.
BY_HAND = frozenset({Event.RETRY, Event.PROVE, Event.RESEND})

#: States that wait for a claim, and states nothing leaves on its own.
WAITING = frozenset({_S.QUEUED, _S.DEFERRED})
SETTLED = frozenset({_S.ACCEPTED, _S.REJECTED, _S.EXPIRED, _S.SKIPPED, _S.UNKNOWN})


class IllegalEdge(MailerError):
    """A delivery was asked to change in a way its state does not allow."""


def follow(state: DeliveryState, event: Event) -> DeliveryState:
    """The state after `event`. Raises IllegalEdge when the table has no such edge."""
    try:
        return EDGES[state, event]
    except KeyError:
        raise IllegalEdge(f"A delivery that is {state} cannot {event}.", state=state, event=event) from None


class Verb(StrEnum):
    """The step of the SMTP dialogue a reply belongs to."""

    CONNECT = "connect"  #: greeting, EHLO, STARTTLS, AUTH
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"  #: the reply that should be 354
    DOT = "dot"  #: the reply to the message itself
    RSET = "rset"
    QUIT = "quit"


class OutcomeKind(StrEnum):
    """What became of one attempt."""

    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    ROUTE_DOWN = "route_down"  #: the relay's trouble, not the message's: no attempt is counted


#: The edge each outcome takes. A deferral past its retry life expires instead.
EVENT_OF: Mapping[OutcomeKind, Event] = {
    OutcomeKind.ACCEPTED: Event.ACCEPT,
    OutcomeKind.DEFERRED: Event.DEFER,
    OutcomeKind.REJECTED: Event.REJECT,
    OutcomeKind.UNKNOWN: Event.LOSE,
    OutcomeKind.ROUTE_DOWN: Event.RELEASE,
}


class Outcome(NamedTuple):
    """What the courier reports; callers never read reply text to decide anything."""

    kind: OutcomeKind
    reply_code: int | None = None
    status: str | None = None  #: enhanced status, RFC 3463
    reply: str = ""  #: the server's words on one line, or ours for a lost connection
    suppress: bool = False  #: this address does not exist: no further mail to it


class Envelope(NamedTuple):
    """One recipient, one return path (A49)."""

    return_path: str
    recipient: EmailAddress
    envelope_id: str  #: ENVID of RFC 3461; the local part of the Message-ID
    smtputf8: bool = False


class Attempt(NamedTuple):
    """One attempt and what is known of it: the unit of the journal and of recording."""

    delivery_id: int
    number: int  #: 1 for the first; a record of an older number says nothing about this one
    message_id: str | None
    digest: bytes | None  #: SHA-256 of the bytes that left
    attempted_at: datetime  #: the Date header, to the second
    outcome: Outcome | None = None  #: None: intended, not known to have ended
    relay: str | None = None  #: "host:port" that it went to
    # Not in the journal, for it matters while it is news:
    stream: int = SYSTEM_STREAM  #: the campaign it belongs to
    domain: str = ""  #: the recipient's
