"""What an SMTP reply means: one table, judged by first digit where no row is nearer (RFC 5321 4.2.1, A53)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mailer.delivery.model import Outcome, OutcomeKind, Verb

# Enough for every multi-line refusal seen in the wild; a server cannot fill the table with more.
MAX_REPLY_CHARS = 1000
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
# C0, DEL, C1 and the Unicode line and direction marks: reply text stays one harmless line (D26).
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)


class Reply(NamedTuple):
    """One complete, possibly multi-line, server reply."""

    code: int
    text: str

    @property
    def status(self) -> str | None:
        """The enhanced status, if the text begins with one of the reply's own class (RFC 2034)."""
        match = _STATUS.match(self.text)
        return match.group(0) if match and match.group(1) == str(self.code // 100) else None


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: the first whose conditions all hold gives the verdict."""

    name: str
    kind: OutcomeKind
    verbs: frozenset[Verb]
    codes: frozenset[int] | None = None  #: None: any
    statuses: frozenset[str | None] | None = None  #: None: any; None inside: a reply without one
    suppress: bool = False

    def matches(self, verb: Verb, reply: Reply) -> bool:
        """Whether this row speaks about this reply."""
        return (
            verb in self.verbs
            and (self.codes is None or reply.code in self.codes)
            and (self.statuses is None or reply.status in self.statuses)
        )


_BEFORE_DATA = frozenset({Verb.MAIL, Verb.RCPT})

RULES: tuple[Rule, ...] = (
    # A59: 421 closes the connection without failing the recipient; before RCPT nobody was named yet.
    Rule("route-closing", OutcomeKind.ROUTE_DOWN, frozenset({Verb.MAIL}), frozenset({421})),
    # RFC 4954 6, RFC 3207 4: the relay wants a login or TLS first; every recipient would fail alike.
    Rule("route-login", OutcomeKind.ROUTE_DOWN, _BEFORE_DATA, frozenset({454, 530, 534, 535, 538})),
    # RFC 5321 4.5.3.1.10: an old server's "too many recipients" is transient (A59).
    Rule(
        "too-many", OutcomeKind.DEFERRED, frozenset({Verb.RCPT}), frozenset({552}), frozenset({None, "5.5.3"})
    ),
    # RFC 3463 3.2: no such mailbox; RFC 7505: the domain takes no mail.
    Rule(
        "no-such-address",
        OutcomeKind.REJECTED,
        frozenset({Verb.RCPT}),
        frozenset(range(500, 600)),
        frozenset({"5.1.1", "5.1.10"}),
        suppress=True,
    ),
)

#: A digit no row speaks about. What is not here is nonsense: see LOST.
BY_DIGIT: Mapping[int, OutcomeKind] = {
    4: OutcomeKind.DEFERRED,
    5: OutcomeKind.REJECTED,
}

#: No reply, or one that makes no sense, at each step. Before RCPT nobody was named: the route's
#: trouble. Before the dot nothing left: try later. After it nobody knows (A56, RFC 1047).
LOST: Mapping[Verb, OutcomeKind] = {
    Verb.CONNECT: OutcomeKind.ROUTE_DOWN,
    Verb.MAIL: OutcomeKind.ROUTE_DOWN,
    Verb.RCPT: OutcomeKind.DEFERRED,
    Verb.DATA: OutcomeKind.DEFERRED,
    Verb.DOT: OutcomeKind.UNKNOWN,
}

#: First digit of the reply that means "go on" at each step.
GO_ON: Mapping[Verb, int] = {Verb.MAIL: 2, Verb.RCPT: 2, Verb.DATA: 3, Verb.DOT: 2, Verb.RSET: 2}


def goes_on(verb: Verb, reply: Reply) -> bool:
    """Whether the dialogue may take its next step."""
    return reply.code // 100 == GO_ON[verb]


def classify(verb: Verb, reply: Reply) -> Outcome:
    """The outcome of a reply that ends the dialogue: a refusal, or 2yz to the final dot."""
    text = one_line(reply.text)
    if verb is Verb.DOT and goes_on(verb, reply):
        return Outcome(OutcomeKind.ACCEPTED, reply.code, reply.status, text)
    for rule in RULES:
        if rule.matches(verb, reply):
            return Outcome(rule.kind, reply.code, reply.status, text, rule.suppress)
    kind = BY_DIGIT.get(reply.code // 100)
    if kind is None:
        return lost(verb, f"The server answered {verb} with {reply.code} {text}.")
    return Outcome(kind, reply.code, reply.status, text)


def lost(verb: Verb, words: str) -> Outcome:
    """The outcome when the connection ended, timed out or turned to nonsense at `verb`."""
    return Outcome(LOST[verb], reply=one_line(words))


def one_line(text: str) -> str:
    """Reply text as one printable line of bounded length (D26)."""
    return _UNPRINTABLE.sub(" ", text).strip()[:MAX_REPLY_CHARS]
