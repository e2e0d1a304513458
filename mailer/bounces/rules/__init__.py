"""The table of rules in the order they are asked: clear texts, clear codes, vague texts, vague codes (A75, A76).

A clear text contradicts any code. What excuses an address stands before what ends it.
"""

from __future__ import annotations

from mailer.bounces.rules import abroad
from mailer.bounces.rules.message import CONTENT, POLICY, REFUSED, SIZE
from mailer.bounces.rules.person import DISABLED, DOMAIN, FULL, MOVED, UNKNOWN
from mailer.bounces.rules.provider import EXPIRED, LOOP, NETWORK, PROGRAM, SYSTEM
from mailer.bounces.rules.row import Rule
from mailer.bounces.rules.sender import AUTHENTICATION, PACE, RELAY, REPUTATION, SENDER, SERVER_NAME

#: Texts that say one thing only.
CLEAR: tuple[Rule, ...] = (
    *FULL,
    *abroad.FULL,
    *PROGRAM,
    *SIZE,
    *AUTHENTICATION[:1],
    *SENDER,
    *SERVER_NAME,
    *PACE,
    *abroad.PACE,
    *DISABLED,
    *abroad.DISABLED,
    *MOVED,
    *DOMAIN,
    *abroad.DOMAIN,
    *UNKNOWN[:1],
    *abroad.UNKNOWN,
    *UNKNOWN[1:],
    *RELAY,
    *LOOP,
    *abroad.CONTENT,
    *CONTENT,
    *REPUTATION,
    *abroad.REPUTATION,
    *AUTHENTICATION[1:],
)
#: Texts that any cause may use; a clear code knows better.
VAGUE: tuple[Rule, ...] = (*EXPIRED[:1], *abroad.NETWORK, *NETWORK, *SYSTEM, *POLICY)
#: Texts that say no more than that it did not work.
LEAST: tuple[Rule, ...] = (*REFUSED, *EXPIRED[1:])
#: What a report's own words may say to save an address that the server's words end.
EXCUSES: tuple[Rule, ...] = (*FULL, *abroad.FULL)
