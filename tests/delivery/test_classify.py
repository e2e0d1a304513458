"""What each reply means, verb by verb: the table of A53, A56, A59, A64."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.delivery.classify import MAX_REPLY_CHARS, RULES, Reply, classify, goes_on, lost, one_line
from mailer.delivery.model import OutcomeKind as K
from mailer.delivery.model import Verb


@pytest.mark.parametrize(
    ("verb", "code", "text", "kind"),
    [
        (Verb.MAIL, 421, "4.3.2 shutting down", K.ROUTE_DOWN),
        (Verb.MAIL, 451, "4.3.0 later", K.DEFERRED),
        (Verb.MAIL, 452, "4.3.1 no space", K.DEFERRED),
        (Verb.MAIL, 530, "5.7.0 sign in", K.ROUTE_DOWN),
        (Verb.MAIL, 550, "5.7.1 sender refused", K.REJECTED),
        (Verb.MAIL, 554, "no", K.REJECTED),
        (Verb.RCPT, 421, "4.7.0 too many connections", K.DEFERRED),
        (Verb.RCPT, 450, "4.2.0 greylisted", K.DEFERRED),
        (Verb.RCPT, 452, "4.5.3 too many recipients", K.DEFERRED),
        (Verb.RCPT, 552, "too many recipients", K.DEFERRED),
        (Verb.RCPT, 552, "5.5.3 too many recipients", K.DEFERRED),
        (Verb.RCPT, 552, "5.2.2 mailbox full", K.REJECTED),
        (Verb.RCPT, 550, "5.1.1 no such user", K.REJECTED),
        (Verb.RCPT, 530, "5.7.0 sign in", K.ROUTE_DOWN),
        (Verb.RCPT, 599, "never heard of it", K.REJECTED),
        (Verb.RCPT, 499, "never heard of it", K.DEFERRED),
        (Verb.DATA, 421, "bye", K.DEFERRED),
        (Verb.DATA, 451, "later", K.DEFERRED),
        (Verb.DATA, 554, "5.7.1 policy", K.REJECTED),
        (Verb.DOT, 250, "2.0.0 queued", K.ACCEPTED),
        (Verb.DOT, 251, "fine", K.ACCEPTED),
        (Verb.DOT, 421, "bye", K.DEFERRED),
        (Verb.DOT, 451, "4.7.1 later", K.DEFERRED),
        (Verb.DOT, 554, "5.7.1 spam", K.REJECTED),
        # Neither yes nor no: nobody knows.
        (Verb.DOT, 354, "what", K.UNKNOWN),
        (Verb.DOT, 199, "what", K.UNKNOWN),
        (Verb.DATA, 250, "what", K.DEFERRED),
        (Verb.RCPT, 354, "what", K.DEFERRED),
        (Verb.MAIL, 354, "what", K.ROUTE_DOWN),
    ],
)
def test_each_reply_has_one_meaning(verb: Verb, code: int, text: str, kind: K) -> None:
    """A53: unknown codes are judged by their first digit."""
    assert classify(verb, Reply(code, text)).kind is kind


@pytest.mark.parametrize("status", ["5.1.1", "5.1.10"])
@pytest.mark.parametrize("code", [550, 551, 553, 556])
def test_no_such_address_at_rcpt_stops_further_mail(code: int, status: str) -> None:
    outcome = classify(Verb.RCPT, Reply(code, f"{status} no such user"))
    assert outcome.suppress
    assert outcome.status == status


@pytest.mark.parametrize(
    ("verb", "code", "text"),
    [
        (Verb.RCPT, 550, "5.7.1 we do not like you"),  # policy: the sender's fault
        (Verb.RCPT, 550, "no such user"),  # no enhanced status: only words, and words lie
        (Verb.RCPT, 550, "5.1.10.7 not a status"),
        (Verb.RCPT, 550, "5.1.11 something else"),
        (Verb.RCPT, 450, "4.1.1 maybe later"),
        (Verb.MAIL, 550, "5.1.1 about the sender"),
        (Verb.DOT, 550, "5.1.1 too late to be about the address"),
    ],
)
def test_nothing_else_suppresses_anybody(verb: Verb, code: int, text: str) -> None:
    """Law 10: blame is placed before anyone is suppressed."""
    assert not classify(verb, Reply(code, text)).suppress


@pytest.mark.parametrize(
    ("code", "text", "status"),
    [
        (550, "5.1.1 gone", "5.1.1"),
        (550, "5.1.10", "5.1.10"),
        (550, "4.1.1 the class must fit the code", None),
        (550, "gone", None),
        (250, "2.0.0 ok", "2.0.0"),
        (550, "5.1.1234 too long", None),
    ],
)
def test_the_enhanced_status_is_taken_only_where_it_is_one(code: int, text: str, status: str | None) -> None:
    """RFC 3463: class.subject.detail, and the class agrees with the reply (RFC 2034 4)."""
    assert Reply(code, text).status == status


@pytest.mark.parametrize(
    ("verb", "kind"),
    [
        (Verb.CONNECT, K.ROUTE_DOWN),
        (Verb.MAIL, K.ROUTE_DOWN),
        (Verb.RCPT, K.DEFERRED),
        (Verb.DATA, K.DEFERRED),
        (Verb.DOT, K.UNKNOWN),
    ],
)
def test_a_lost_connection_is_judged_by_how_far_it_got(verb: Verb, kind: K) -> None:
    """A53, A56: before RCPT the route, before the dot later, after it nobody knows."""
    outcome = lost(verb, "The server closed the connection.")
    assert outcome.kind is kind
    assert outcome.reply_code is None


@given(verb=st.sampled_from([Verb.MAIL, Verb.RCPT, Verb.DATA, Verb.DOT]), code=st.integers(400, 499))
def test_no_4yz_is_ever_final(verb: Verb, code: int) -> None:
    """A53."""
    assert classify(verb, Reply(code, "4.0.0 x")).kind in (K.DEFERRED, K.ROUTE_DOWN)


@given(verb=st.sampled_from([Verb.DATA, Verb.DOT]), code=st.integers(500, 599))
def test_every_5yz_after_rcpt_is_final(verb: Verb, code: int) -> None:
    """A53, B13: never repeated unchanged."""
    assert classify(verb, Reply(code, "x")).kind is K.REJECTED


@given(verb=st.sampled_from([Verb.MAIL, Verb.RCPT, Verb.DATA, Verb.DOT]), code=st.integers(0, 999))
def test_acceptance_is_only_ever_a_2yz_to_the_dot(verb: Verb, code: int) -> None:
    reply = Reply(code, "x")
    if verb is not Verb.DOT and goes_on(verb, reply):
        return
    accepted = classify(verb, reply).kind is K.ACCEPTED
    assert accepted == (verb is Verb.DOT and 200 <= code <= 299)


@given(text=st.text())
def test_reply_text_is_kept_as_one_harmless_line(text: str) -> None:
    """D26: no line break, no escape sequence, no bidirectional trick, bounded."""
    line = one_line(text)
    assert len(line) <= MAX_REPLY_CHARS
    assert line.splitlines() in ([], [line])
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in line)
    line.encode("utf-8")


def test_a_hostile_multi_line_reply_stays_one_line() -> None:
    """D26."""
    outcome = classify(Verb.RCPT, Reply(550, "5.7.1 no\n\x1b[31mERROR worker died\u2028\u202eevil"))
    assert outcome.reply == "5.7.1 no [31mERROR worker died evil"


def test_every_rule_has_a_name_of_its_own() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
