"""Each fault at each verb, with and without pipelining: the right end for every recipient, and no spin."""

from __future__ import annotations

import pytest

from mailer.return_path import decode_return_path
from tests.faults.conftest import Make
from tests.faults.rounds import SHORT
from tests.faults.running import RunningSite, stop
from tests.faults.script import Rule, Script
from tests.faults.taken import Turned
from tests.faults.verdict import check

AGAIN = {("accepted", 2)}  #: deferred once, then taken
AT_ONCE = {("accepted", 1)}
LOST = {("unknown", 1)}
REJECTED = {("rejected", 1)}
#: Verb, what the server does there to one recipient, and the states and attempts that may come of it.
MATRIX: tuple[tuple[str, str, set[tuple[str, int]]], ...] = (
    ("rcpt", "421 4.3.2 closing", AGAIN),
    ("rcpt", "450 4.2.0 greylisted", AGAIN),
    ("rcpt", "451 4.7.1 later", AGAIN),
    ("rcpt", "452 4.5.3 too many", AGAIN),
    ("rcpt", "552 5.5.3 too many", AGAIN),
    ("rcpt", "550 5.1.1 nobody", REJECTED),
    ("rcpt", "554-5.7.1 one\r\n554-5.7.1 two\r\n554 5.7.1 three", REJECTED),
    ("rcpt", "close", AGAIN),
    ("rcpt", "reset", AGAIN),
    ("rcpt", "stall", AGAIN),
    ("rcpt", "nonsense", AGAIN),
    ("rcpt", "two-replies", AGAIN),
    ("rcpt", "no-reply", AGAIN),
    ("rcpt", "wait 0.5", AT_ONCE),
    ("data", "421 4.3.2 closing", AGAIN),
    ("data", "451 4.3.0 later", AGAIN),
    ("data", "452 4.3.1 full", AGAIN),
    ("data", "550 5.7.1 no", REJECTED),
    ("data", "554 5.5.1 no valid recipients", REJECTED),
    ("data", "close", AGAIN),
    ("data", "stall", AGAIN),
    ("data", "nonsense", AGAIN),
    # The body may have left before the end of the connection was seen, or not.
    ("data", "reply-close", AGAIN | LOST),
    ("body", "close", LOST),
    ("body", "reset", LOST),
    ("body", "stall", LOST),
    ("dot", "421 4.3.2 closing", AGAIN),
    ("dot", "451 4.7.1 slow down", AGAIN),
    ("dot", "452 4.3.1 full", AGAIN),
    ("dot", "550 5.7.1 spam", REJECTED),
    ("dot", "554-5.6.0 one\r\n554 5.6.0 two", REJECTED),
    ("dot", "close", LOST),
    ("dot", "reset", LOST),
    ("dot", "stall", LOST),
    ("dot", "nonsense", LOST),
    ("dot", "accept-close", LOST),
    ("dot", "accept-reset", LOST),
    ("dot", "accept-stall", LOST),
    ("dot", "accept-nonsense", LOST),
    ("dot", "accept-two-replies", AT_ONCE),
    ("dot", "reply-close", AT_ONCE),
    ("dot", "wait 0.5", AT_ONCE),
)
#: Before RCPT nobody is named, so these meet anybody: the share of the audience that a 5yz costs is counted.
BEFORE_RCPT = (
    "421 4.3.2 closing",
    "451 4.3.0 later",
    "452 4.3.1 full",
    "550 5.7.1 no",
    "close",
    "stall",
    "nonsense",
)
RETRIES = "batch_size = 20\nfirst_retry_minutes = 0.01\nretry_hours = 0.0003\ngive_up_hours = 0.0012"


def _rules() -> list[Rule]:
    named = [Rule(verb, do, who=f"m{number:02}", once=True) for number, (verb, do, _) in enumerate(MATRIX)]
    anybody = [Rule("mail", do, every=11 + index, times=1) for index, do in enumerate(BEFORE_RCPT)]
    greetings = [
        Rule("connect", do, every=5 + index, times=1) for index, do in enumerate(("421 no", "close"))
    ]
    always = [Rule("rcpt", "451 4.7.1 never", who="never"), Rule("rset", "close", every=7, times=2)]
    return named + anybody + greetings + always


def met_before_rcpt(site: RunningSite) -> set[str]:
    """Whom the faults at MAIL fell on, by their return paths."""
    names = {row.id: row.email.partition("@")[0] for row in site.rows()}
    met = [event.sender for event in site.book if isinstance(event, Turned) and event.verb == "mail"]
    with site.open() as opened:
        return {names[decode_return_path(opened.secrets, sender) or 0] for sender in met}


@pytest.mark.rule("A53", "A56", "A59", "A64")
@pytest.mark.parametrize("how", ["pipelined", "plain", "byte by byte"])
def test_every_fault_ends_as_it_should_for_its_recipient_and_for_nobody_else(make: Make, how: str) -> None:
    """Accepted, deferred and then accepted, rejected, unknown or expired; each person once."""
    offers = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")
    script = Script(_rules(), offers=offers if how != "plain" else offers[1:])
    script.split_replies = how == "byte by byte"
    names = [f"m{number:02}" for number in range(len(MATRIX))]
    # Shuffled among people to whom nothing is done, so that faults fall into others' groups of commands.
    names = [
        name for pair in zip(names, [f"p{n:03}" for n in range(len(names))], strict=True) for name in pair
    ]
    site = make(names=["never", *names], sending=RETRIES, connections=6)
    site.patches = {"set": SHORT | {"mailer.delivery.dialogue:Timeouts.dot": 2.0}}
    site.start_server(script=script)
    worker = site.start_worker()
    site.wait(site.settled, seconds=60)
    seen = site.order()
    assert stop(worker) == 0
    check(site, doubts=0)
    rows = {row.email.partition("@")[0]: row for row in site.rows()}
    ends = {name: (row.state.value, row.attempts) for name, row in rows.items()}
    unlucky = met_before_rcpt(site)
    wrong = {
        f"{verb}: {do}": ends[f"m{number:02}"]
        for number, (verb, do, allowed) in enumerate(MATRIX)
        if ends[f"m{number:02}"] not in allowed and f"m{number:02}" not in unlucky
    }
    others = {name: end for name, end in ends.items() if name[0] == "p" and name not in unlucky}
    assert {end[0] for end in others.values()} == {"accepted"}
    # A reply too many after the dot stands where the answer to the next one's MAIL should: only that one,
    # whoever it is, tries again.
    again = [*wrong.values(), *(end for end in others.values() if end not in AT_ONCE)]
    assert set(again) <= AGAIN and len(again) <= 1, wrong
    assert ends["never"][0] == "expired"
    assert seen["connections"] < 3 * len(MATRIX)
    assert seen["commands"]["mail"] < 4 * len(names)
