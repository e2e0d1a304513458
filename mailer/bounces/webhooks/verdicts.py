"""From what a provider says of one recipient to a verdict: the server's words first, then the provider's class."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mailer.addresses import AddressInvalid, parse_address
from mailer.bounces.addresses import of_field
from mailer.bounces.model import REASONS, Bounce, Kind, Reading, Severity
from mailer.bounces.verdict import Evidence, decide

MAX_RULE = 64  #: characters of a rule's name that a report keeps


@dataclass(frozen=True, slots=True)
class Class:
    """What a provider's own class of an event means where the server's words say nothing.

    `dead`: the provider vouches that nobody is there. Without it the verdict is never hard: a living
    address called dead is the worst error, and most classes mix full mailboxes with unknown users.
    """

    reason: str  #: a key of REASONS
    dead: bool = False
    alone: bool = (
        False  #: the provider did not ask the server (its own list, its own filter): its words say nothing
    )
    kind: Kind = Kind.BOUNCE


#: Classes that are no bounce.
COMPLAINT = Class("feedback", alone=True, kind=Kind.COMPLAINT)
LEFT = Class("feedback", alone=True, kind=Kind.UNSUBSCRIBE)
AUTOMATIC = Class("undefined", alone=True, kind=Kind.AUTOREPLY)
NOTHING = Class("undefined", alone=True, kind=Kind.NONE)
#: The provider holds the address on a list of its own, since it bounced before, perhaps for another sender.
LISTED = Class("userunknown", alone=True)


@dataclass(frozen=True, slots=True)
class Said:
    """What one event says of one recipient."""

    recipient: str
    status: str = ""
    words: str = ""  #: of the server that refused
    delayed: bool = False  #: the provider still tries
    soft: bool = False  #: the provider calls it temporary, or not the address' doing


def verdict(said: Said, group: Class, rule: str) -> Bounce | None:
    """One verdict; None without an address to pass it on. `rule` names the row of the provider's table."""
    recipient = of_field(said.recipient)
    if not recipient:
        return None
    if group.kind is Kind.COMPLAINT:
        return Bounce(recipient, "", Severity.COMPLAINT, "feedback", delayed=False, rule=rule)
    heard = decide(Evidence(recipient, said.status, said.words, delayed=said.delayed))
    if group.alone or heard.reason == "undefined":
        hard = group.dead and REASONS[group.reason].dead and not said.delayed
        kind = Severity.HARD if hard else Severity.SOFT
        heard = Bounce(recipient, heard.status, kind, group.reason, said.delayed, rule)
    else:
        heard = replace(heard, rule=f"{rule}; {heard.rule}"[:MAX_RULE])
    return replace(heard, kind=Severity.SOFT) if said.soft and heard.kind is Severity.HARD else heard


def reading(
    group: Class, rule: str, said: list[Said], *, message_id: str = "", return_path: str = ""
) -> Reading:
    """The reading of one event; who left is named as `sender`, as in a mail of theirs."""
    found = {} if group.kind in _SILENT else _verdicts(said, group, rule)
    leaver = _leaver(said) if group.kind is Kind.UNSUBSCRIBE else ""
    return Reading(
        kind=group.kind if found or leaver or group.kind in _ABOUT_NOBODY else Kind.NONE,
        bounces=tuple(found.values()),
        rule=rule,
        addressed_to=(return_path.lower(),) if "@" in return_path else (),
        message_id=message_id.strip(" <>"),
        sender=leaver,
    )


_ABOUT_NOBODY = frozenset({Kind.AUTOREPLY, Kind.NONE})
_SILENT = _ABOUT_NOBODY | {Kind.UNSUBSCRIBE}


def _leaver(said: list[Said]) -> str:
    """The address that left, as other rooms can look it up; empty for what is none."""
    try:
        return str(parse_address(of_field(said[0].recipient)).key) if said else ""
    except AddressInvalid:
        return ""


def _verdicts(said: list[Said], group: Class, rule: str) -> dict[str, Bounce]:
    made = (verdict(one, group, rule) for one in said)
    return {str(one.recipient).lower(): one for one in made if one is not None}
