"""What a reply says about how fast we send: one table of rows, read from the top (RFC 3463, A59, B11)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from mailer.delivery.model import Outcome

# B11: after Gmail's 4.7.28 nothing goes there for ten minutes, and a little more for clocks that differ.
STOP_SECONDS = 610.0
# Whatever number a server writes, it is asked again after this: its words may be those of one recipient's
# server, passed on, and one domain must not stop everybody's mail for a day.
MAX_WAIT_SECONDS = 7200.0
# A reply that only may be about our speed may name the wait of its one recipient.
MAX_MAYBE_SECONDS = 600.0
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600}
_AGAIN_IN = re.compile(
    r"(?:again|retry|wait|resume|back)\b(?:[^.;\d]{0,30}\b(?:in|after|for|least))?[ :]+"
    r"(\d{1,6})\s*(s|m|h)(?:ec|in|our|r)?(?:ond|ute)?s?\b",
    re.I,
)


class Says(IntEnum):
    """How much a reply says about our speed; the higher, the graver."""

    NOTHING = 0
    MAYBE = 1  #: many of these do
    SLOWER = 2
    STOP = 3


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reply, or report, that asks us to slow down."""

    says: Says
    cause: str  #: in our words, with its code and status; never the server's text
    wait_seconds: float = 0.0  #: that the server named
    #: How long mail of before a change may still cause reports like this one.
    lag_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Row:
    """The first row whose conditions all hold says what the reply means."""

    says: Says
    words: str  #: for the operator: why
    codes: frozenset[int] | None = None  #: None: any
    status: re.Pattern[str] | None = None
    text: re.Pattern[str] | None = None

    def matches(self, code: int, status: str, text: str) -> bool:
        """Whether this row speaks about this reply."""
        return (
            (self.codes is None or code in self.codes)
            and (self.status is None or bool(self.status.match(status)))
            and (self.text is None or bool(self.text.search(text)))
        )


_LATER = frozenset({421, 450, 451, 452, 454})
_POLICY = re.compile(r"4\.7\.")
_RATE = re.compile(
    r"\brate|too (?:many|much|fast|quick)|throttl|slow|\blimit|quota|exceed|unusual|overload|busy|congest"
    r"|(?:again|retry) (?:in|after) \d",
    re.I,
)
_MAILBOX = re.compile(r"(?:mailbox|user|recipient|account)\b.{0,60}\b(?:full|quota|storage|receiving)", re.I)
_GREYLIST = re.compile(r"gr[ae]y-?list", re.I)
_SESSION = re.compile(
    r"(?:this|per|the|same) (?:session|connection)|idle|time[d-]? ?out|shutting|restart", re.I
)

ROWS: tuple[Row, ...] = (
    Row(Says.STOP, "an unusual rate of mail was found", status=re.compile(r"4\.7\.28$")),
    # The address's or the mailbox's trouble, whatever it is: Gmail's 4.2.1 is a rate, of the recipient.
    Row(Says.NOTHING, "about the mailbox", status=re.compile(r"4\.[126]\.")),
    Row(Says.NOTHING, "about the mailbox", text=_MAILBOX),
    # RFC 6647: a stranger to this recipient is told to come again, however slowly they came.
    Row(Says.NOTHING, "greylisting", text=_GREYLIST),
    # A59: a peer that ends a session after so many messages only wants a new one.
    Row(Says.NOTHING, "about the session", codes=frozenset({421}), text=_SESSION),
    Row(Says.SLOWER, "it asked us to slow down", codes=_LATER, text=_RATE),
    Row(Says.SLOWER, "it closed the connection by its policy", codes=frozenset({421}), status=_POLICY),
    # None of these needs to be about our speed: a share of the mail that gets them is.
    Row(Says.MAYBE, "it refused too much for now by its policy", status=_POLICY),
    Row(Says.MAYBE, "it refused too much for now", codes=frozenset({421, 451, 452, 454})),
)
#: What a server refuses for good by policy says nothing of a speed, unless it is the provider that did.
POLICY_STATUS = re.compile(r"[45]\.7\.")


def read(outcome: Outcome) -> Refusal | None:
    """What a refusal says about our speed; None: nothing."""
    code, status = _code(outcome), outcome.status or ""
    if not 400 <= code < 500:
        return None
    row = next((row for row in ROWS if row.matches(code, status, outcome.reply)), None)
    if row is None or row.says is Says.NOTHING:
        return None
    return Refusal(row.says, f"{row.words} ({_shown(outcome)})", _wait(row.says, outcome.reply))


def by_policy(outcome: Outcome) -> Refusal | None:
    """What a refusal says when a mailbox provider is known to have made it (B11, A77)."""
    if refusal := read(outcome):
        return refusal
    if not POLICY_STATUS.match(outcome.status or ""):
        return None
    return Refusal(Says.SLOWER, f"it refused by its policy ({_shown(outcome)})")


def named_wait(text: str) -> float:
    """The seconds after which a server wants to be asked again; 0.0: it named none."""
    found = _AGAIN_IN.search(text)
    if found is None:
        return 0.0
    return min(MAX_WAIT_SECONDS, float(int(found[1]) * _UNIT_SECONDS[found[2].lower()]))


def _wait(says: Says, text: str) -> float:
    if says is Says.MAYBE:
        return min(named_wait(text), MAX_MAYBE_SECONDS)
    return max(named_wait(text), STOP_SECONDS if says is Says.STOP else 0.0)


def _code(outcome: Outcome) -> int:
    """Its reply code; a report may have a status alone, whose first digit means the same; 0: neither."""
    if outcome.reply_code is None and outcome.status:
        return int(outcome.status[0]) * 100 + 50
    return outcome.reply_code or 0


def _shown(outcome: Outcome) -> str:
    return " ".join(str(part) for part in (outcome.reply_code, outcome.status) if part)
