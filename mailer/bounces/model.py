"""What reading one message that came back gives: frozen values, and the two vocabularies of causes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What one incoming message is."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTOREPLY = "autoreply"
    UNSUBSCRIBE = "unsubscribe"
    NONE = "none"


class Severity(StrEnum):
    """What one report says of one address: nobody is there, not this time, or please stop."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"


class Fault(StrEnum):
    """Whose doing it was (law 10): only the recipient's counts against a person."""

    RECIPIENT = "recipient"
    MESSAGE = "message"
    SENDER = "sender"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class Cause:
    """What a fine reason means: its coarse group, whose fault it is, and whether the address is dead."""

    group: str
    fault: Fault
    dead: bool = False


#: The fine reasons, under the names that other parsers use too, so that figures can be compared.
REASONS: Mapping[str, Cause] = MappingProxyType(
    {
        "userunknown": Cause("bad_address", Fault.RECIPIENT, dead=True),
        "hasmoved": Cause("bad_address", Fault.RECIPIENT, dead=True),
        "hostunknown": Cause("bad_domain", Fault.RECIPIENT, dead=True),
        "notaccept": Cause("bad_domain", Fault.RECIPIENT, dead=True),
        "mailboxfull": Cause("mailbox_full", Fault.RECIPIENT),
        "suspend": Cause("disabled", Fault.RECIPIENT),
        "filtered": Cause("policy", Fault.PROVIDER),
        "mesgtoobig": Cause("too_big", Fault.MESSAGE),
        "exceedlimit": Cause("too_big", Fault.MESSAGE),
        "contenterror": Cause("content", Fault.MESSAGE),
        "spamdetected": Cause("content", Fault.MESSAGE),
        "virusdetected": Cause("content", Fault.MESSAGE),
        "authfailure": Cause("policy", Fault.SENDER),
        "badreputation": Cause("policy", Fault.SENDER),
        "blocked": Cause("policy", Fault.SENDER),
        "notcompliantrfc": Cause("policy", Fault.SENDER),
        "policyviolation": Cause("policy", Fault.SENDER),
        "rejected": Cause("policy", Fault.SENDER),
        "requireptr": Cause("policy", Fault.SENDER),
        "norelaying": Cause("policy", Fault.PROVIDER),
        "securityerror": Cause("policy", Fault.PROVIDER),
        "speeding": Cause("rate_limited", Fault.SENDER),
        "toomanyconn": Cause("rate_limited", Fault.SENDER),
        "expired": Cause("network", Fault.PROVIDER),
        "networkerror": Cause("network", Fault.PROVIDER),
        "mailererror": Cause("system", Fault.PROVIDER),
        "syntaxerror": Cause("system", Fault.PROVIDER),
        "systemerror": Cause("system", Fault.PROVIDER),
        "systemfull": Cause("system", Fault.PROVIDER),
        "undefined": Cause("system", Fault.PROVIDER),
        "feedback": Cause("complaint", Fault.SENDER),
    }
)


@dataclass(frozen=True, slots=True)
class Bounce:
    """The verdict on one address; `recipient` is None where a complaint hides its reader (RFC 6590)."""

    recipient: str | None
    status: str  #: RFC 3463, or empty
    kind: Severity
    reason: str  #: a key of REASONS
    delayed: bool  #: the reporting server still tries: information, no failure (A73)
    rule: str  #: the row that decided

    @property
    def group(self) -> str:
        """The coarse cause."""
        return REASONS[self.reason].group

    @property
    def fault(self) -> Fault:
        """Whose doing it was."""
        return REASONS[self.reason].fault


@dataclass(frozen=True, slots=True)
class Reading:
    """All that one message says; `addressed_to` and the two ids are what correlation starts from (A74)."""

    kind: Kind
    bounces: tuple[Bounce, ...] = ()
    rule: str = ""  #: what made it this kind
    addressed_to: tuple[str, ...] = ()  #: where the message came to, our VERP address among them
    envelope_id: str = ""  #: Original-Envelope-Id (RFC 3464 2.2.1), case kept
    message_id: str = ""  #: of the returned message, without angle brackets
    sender: str = ""  #: address in From, lower case
