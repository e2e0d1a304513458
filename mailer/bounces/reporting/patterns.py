"""What may be wrong, as data: which reports, concentrated where, from how many on, whose fault, what to do.

They are tried in this order; what one explains is no longer there for those below it. Urgent ones stand first.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailer.bounces.reporting.model import Cell, Sort

_OURS = "The fault is on our side; nobody is suppressed for it."
_THEIRS = "The fault is theirs; nobody is suppressed for it."
_UNAUTHENTIC = frozenset({"authfailure"})
_OUTAGE = frozenset(
    {"expired", "networkerror", "mailererror", "syntaxerror", "systemerror", "systemfull", "undefined"}
)
_SPEED = frozenset({"speeding", "toomanyconn"})
_CONTENT = frozenset({"contenterror", "spamdetected", "virusdetected"})


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way in which things go wrong. In its words `{key}` is what it is about, `{example}` a report."""

    name: str
    sorts: frozenset[Sort]
    along: str  #: the dimension in which it stands out; empty: it is told of everything together
    least: int  #: reports; fewer are noise
    rate: float  #: of the messages that could have been hit, from 0 to 1
    title: str
    fault: str
    remedy: str
    reasons: frozenset[str] = frozenset()  #: empty: any
    begins: str = ""  #: how the key begins
    times: float = 3.0  #: so many times the rate of all others
    merged: str = ""  #: the title for three and more of them at once, which have one cause

    def covers(self, cell: Cell) -> bool:
        """Whether a report may be one of these."""
        return cell.sort in self.sorts and (not self.reasons or cell.reason in self.reasons)


def _pattern(name: str, sort: Sort, along: str, least: int, rate: float, **words: object) -> Pattern:
    return Pattern(name, frozenset({sort}), along, least, rate, **words)  # type: ignore[arg-type]  # names checked by tests


PATTERNS: tuple[Pattern, ...] = (
    _pattern(
        "authentication", Sort.POLICY, "", 20, 0.0005,
        reasons=_UNAUTHENTIC,
        title="Our mail does not prove that it is ours: DKIM, SPF or DMARC fails at {providers}",
        fault=_OURS,
        remedy="Run `mailer doctor` to see which record or key is broken; pause sending until it is mended.",
    ),
    _pattern(
        "listing", Sort.POLICY, "provider", 20, 0.01,
        title="{key} refuses us by policy, as one does with a sender on a block list",
        merged="{number} providers refuse us by policy at once, as they do with an address on a block list: {key}",
        fault=_OURS,
        remedy="Read what they say (`mailer bounce show {example}`), ask their postmaster to take us off, and send "
        "slowly meanwhile (`mailer delivery pace`).",
    ),
    _pattern(
        "bad_import", Sort.HARD, "import", 20, 0.03,
        begins="import:",
        title="Many addresses of {key} do not exist",
        fault="The fault is with the source of these addresses; each is held, then suppressed.",
        remedy="Import nothing more from there; ask how old these addresses are and how they were collected.",
    ),
    _pattern(
        "complaints_import", Sort.COMPLAINT, "import", 10, 0.003,
        begins="import:",
        title="Readers who came by {key} call our mail spam",
        fault="The fault is on our side: they do not know that they agreed, or never did. Who complained is "
        "suppressed everywhere.",
        remedy="Leave these people out until their consent is proven; complaints above 0.3 % cost us the inbox.",
    ),
    _pattern(
        "complaints_campaign", Sort.COMPLAINT, "campaign", 10, 0.002,
        title="Readers of {key} call it spam",
        fault="The fault is on our side: what was sent, or to whom. Who complained is suppressed everywhere.",
        remedy="Read that campaign as a reader: is it what they signed up for, as often as was said? Complaints "
        "above 0.3 % cost us the inbox.",
    ),
    _pattern(
        "complaints_list", Sort.COMPLAINT, "list", 10, 0.002,
        title="Readers of the list {key} call our mail spam",
        fault="The fault is on our side. Who complained is suppressed everywhere.",
        remedy="Compare what the sign-up form of this list says with what is sent, and how often.",
    ),
    _pattern(
        "alike", Sort.HARD, "provider", 30, 0.05,
        title="{key} suddenly calls many of our readers unknown",
        fault="So many at once are rarely all gone: the fault may be theirs. Nobody is suppressed while it is open.",
        remedy="Ask one of these readers by another way; then `mailer bounce release` or `mailer bounce discard`.",
        times=5.0,
    ),
    _pattern(
        "content", Sort.SOFT, "campaign", 20, 0.005,
        reasons=_CONTENT,
        title="Filters take {key} for spam or harm",
        fault="The fault is in the message; nobody is suppressed for it.",
        remedy="Read its text, links and images as a filter would; look up its links' domains on block lists.",
    ),
    _pattern(
        "outage", Sort.SOFT, "provider", 20, 0.01,
        reasons=_OUTAGE,
        title="{key} has an outage: its servers cannot take mail",
        merged="Servers of {number} providers cannot be reached, so look at our relay first: {key}",
        fault=_THEIRS,
        remedy="Wait: what is deferred is tried again; try what failed again later with `mailer delivery retry`.",
    ),
    _pattern(
        "too_fast", Sort.SOFT, "provider", 20, 0.005,
        reasons=_SPEED,
        title="{key} says that we send too fast",
        fault=_OURS,
        remedy="Look at `mailer delivery pace`; set a lower rate for it if it does not settle by itself.",
    ),
    _pattern(
        "mailbox_full", Sort.SOFT, "provider", 30, 0.02,
        reasons=frozenset({"mailboxfull"}),
        title="Many mailboxes at {key} are full",
        fault="The fault is the readers', or their provider lowered its limits; each counts once a day at most.",
        remedy="Nothing to do: who stays full for two weeks is suppressed by itself.",
    ),
    _pattern(
        "hard_everywhere", Sort.HARD, "", 50, 0.02,
        title="Many addresses do not exist, from no single source",
        fault="The fault is with old addresses; each is held, then suppressed.",
        remedy="Write more often than once a year, and retire who has been silent for long.",
    ),
    _pattern(
        "policy_everywhere", Sort.POLICY, "", 50, 0.02,
        title="Many providers refuse us by policy, none of them more than others",
        fault=_OURS,
        remedy="Run `mailer doctor`, and look the relay's address up on the public block lists.",
    ),
    _pattern(
        "complaints_everywhere", Sort.COMPLAINT, "", 20, 0.001,
        title="Readers call our mail spam, whatever we send",
        fault="The fault is on our side. Who complained is suppressed everywhere.",
        remedy="Above 0.1 % providers notice, above 0.3 % they act: send less, or to those who asked last.",
    ),
)  # fmt: skip
