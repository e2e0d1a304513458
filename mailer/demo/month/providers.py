"""The mailbox providers of the simulated world: how many people each has, and in which words it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailer.demo.month.plan import Plan


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. Every name ends in .example: nothing of this can reach anybody."""

    domain: str
    share: float  #: of the people
    mta: str  #: in whose format its reports come; a key of reports.FORMATS
    unknown: str  #: reply to an address that does not exist
    full: str  #: to one whose mailbox is full
    checks_dkim: bool = True
    feedback: str | None = None  #: how it tells of complaints: "whole" or "redacted"


PROVIDERS: tuple[Provider, ...] = (
    Provider(
        "bigmail.example",
        0.36,
        "google",
        "550-5.1.1 The email account that you tried to reach does not exist. 550 5.1.1 NoSuchUser",
        "452-4.2.2 The recipient's inbox is out of storage space. 452 4.2.2 OverQuotaTemp",
    ),
    Provider(
        "lookout.example",
        0.17,
        "exchange",
        "550 5.5.0 Requested action not taken: mailbox unavailable",
        "552 5.2.2 The recipient's mailbox is full",
        feedback="whole",
    ),
    Provider(
        "yonder.example",
        0.12,
        "sendmail",
        "554 delivery error: dd This user doesn't have a {domain} account ({address})",
        "552 5.2.2 Mailbox size limit exceeded: user is over quota",
        feedback="redacted",
    ),
    Provider(
        "gmz.example",
        0.12,
        "postfix",
        "550 Requested action not taken: mailbox unavailable. No such user here",
        "552 Requested mail action aborted: exceeded storage allocation. Quota exceeded",
    ),
    Provider(
        "telemail.example",
        0.07,
        "exim",
        "550 5.1.1 unknown user",
        "552 5.2.2 mailbox full",
        checks_dkim=False,
    ),
    Provider(
        "plum.example",
        0.06,
        "postfix",
        "550 5.1.1 <{address}>: user does not exist",
        "552 5.2.2 <{address}>: user is over quota",
        feedback="whole",
    ),
)
#: The provider that will list us.
LISTING = PROVIDERS[1]
#: Small servers of firms and clubs have the rest, one in a hundred and twenty each.
SMALL = 40
_SMALL_MTAS = ("postfix", "exim", "qmail", "exchange")


def providers() -> tuple[Provider, ...]:
    """All of them, the small ones too."""
    left = 1 - sum(one.share for one in PROVIDERS)
    small = (
        Provider(
            f"firm{number:02}.example",
            left / SMALL,
            _SMALL_MTAS[number % len(_SMALL_MTAS)],
            "550 5.1.1 <{address}>: Recipient address rejected: User unknown in virtual mailbox table",
            "452 4.2.2 <{address}>: Mailbox is full",
            checks_dkim=False,
        )
        for number in range(SMALL)
    )
    return (*PROVIDERS, *small)


def pick_provider(plan: Plan, number: int, known: Sequence[Provider]) -> Provider:
    """Where person `number` has a mailbox."""
    return plan.dice("provider", number).choices(known, [one.share for one in known])[0]
