"""The checks, in the order in which the page shows them."""

from __future__ import annotations

from typing import Any

from mailer.doctor import (
    alignment,
    by_hand,
    clocks,
    database,
    dkim_check,
    dmarc_check,
    files,
    host_names,
    mail_hosts,
    proof,
    relay,
    spf_check,
    web,
)
from mailer.doctor.model import Check

_HERE, _RELAY, _NAMES, _SITE = "This machine", "The relay", "Your names in DNS", "The site"
_PROOF, _HAND = "A proof that came back", "For you to do"

#: One row per check; a row is added here and nowhere else.
CHECKS: tuple[Check[Any], ...] = (
    Check("files", "nobody else can read secrets, keys and data", _HERE, files.gather, files.judge, False),
    Check(
        "database", "schema, integrity, log, room on its disk", _HERE, database.gather, database.judge, False
    ),
    Check("clock", "it agrees with clocks elsewhere", _HERE, clocks.gather, clocks.judge),
    Check("relay", "it answers, TLS is sound, it lets us in", _RELAY, relay.gather, relay.judge),
    Check(
        "ehlo",
        "the greeting name leads here and back",
        _RELAY,
        host_names.gather_greeting,
        host_names.judge_greeting,
    ),
    Check(
        "ptr",
        "our address has a name that leads back",
        _RELAY,
        host_names.gather_reverse,
        host_names.judge_reverse,
    ),
    Check("spf", "one record, within its limits, allows our mail", _NAMES, spf_check.gather, spf_check.judge),
    Check("dkim", "DNS holds the key that signs", _NAMES, dkim_check.gather, dkim_check.judge),
    Check("dmarc", "a policy, and reports that somebody gets", _NAMES, dmarc_check.gather, dmarc_check.judge),
    Check(
        "alignment", "From, signature and bounces belong together", _NAMES, alignment.gather, alignment.judge
    ),
    Check("bounce-mx", "bounces have somewhere to go", _NAMES, mail_hosts.gather_bounces, mail_hosts.judge),
    Check(
        "answer-mx",
        "answers to From and Reply-To arrive",
        _NAMES,
        mail_hosts.gather_answers,
        mail_hosts.judge,
    ),
    Check("web", "https, a certificate, no redirect", _SITE, web.gather_site, web.judge_site),
    Check("one-click", "a real POST is answered at once", _SITE, web.gather_one_click, web.judge_one_click),
    Check("proof", "its signature covers both one-click fields", _PROOF, proof.gather, proof.judge),
    Check("roles", "postmaster and abuse are read", _HAND, by_hand.gather_hand, by_hand.judge_roles, False),
    Check(
        "registrations",
        "Google, Yahoo, Microsoft",
        _HAND,
        by_hand.gather_hand,
        by_hand.judge_registrations,
        False,
    ),
    Check("bimi", "a logo, once DMARC is strict", _HAND, by_hand.gather_bimi, by_hand.judge_bimi),
)
