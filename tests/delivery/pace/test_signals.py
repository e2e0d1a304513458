"""What replies say about our speed: the table, row by row, in servers' own words."""

from __future__ import annotations

import pytest

from mailer.delivery.classify import Reply, classify
from mailer.delivery.model import Outcome, Verb
from mailer.delivery.pace.signals import STOP_SECONDS, Says, by_policy, named_wait, read

NOTHING, MAYBE, SLOWER, STOP = Says.NOTHING, Says.MAYBE, Says.SLOWER, Says.STOP


def outcome(code: int, text: str) -> Outcome:
    return classify(Verb.RCPT, Reply(code, text))


@pytest.mark.rule("A59", "B12")
@pytest.mark.parametrize(
    ("code", "text", "says"),
    [
        (421, "4.7.28 Gmail has detected an unusual rate of mail originating from your SPF domain", STOP),
        (450, "4.7.28 Our system has detected an unusual rate", STOP),
        (421, "4.7.0 Too many connections from your host", SLOWER),
        (421, "4.7.0 [TSS04] Messages temporarily deferred due to unexpected volume", SLOWER),
        (421, "RP-001 Unfortunately, some messages have been rate limited", SLOWER),
        (450, "4.7.1 Error: too much mail from 192.0.2.1", SLOWER),
        (451, "4.7.1 You are sending too fast, slow down", SLOWER),
        (451, "4.7.500 Server busy. Please try again later", SLOWER),
        (452, "4.5.3 Too many recipients this hour", SLOWER),
        (454, "4.7.0 Quota exceeded, try again in 60 seconds", SLOWER),
        (421, "4.4.2 mail.example closing: too many messages in this session", NOTHING),
        (421, "4.3.2 Service shutting down", NOTHING),
        (450, "4.2.1 The user you are trying to contact is receiving mail at a rate that prevents", NOTHING),
        (452, "4.2.2 Mailbox full, quota exceeded", NOTHING),
        (452, "The recipient's mailbox is full", NOTHING),
        (451, "4.1.8 Domain of sender address does not resolve", NOTHING),
        (451, "4.7.1 Greylisted, please try again in 300 seconds", NOTHING),
        (451, "4.3.0 Temporary lookup failure", MAYBE),
        (451, "Try later", MAYBE),
        (450, "4.7.1 Service unavailable", MAYBE),
        (450, "4.4.1 No answer from host", NOTHING),
        (550, "5.7.1 Rate limit exceeded", NOTHING),
        (250, "2.0.0 Ok", NOTHING),
    ],
)
def test_a_reply_says_this_about_our_speed(code: int, text: str, says: Says) -> None:
    refusal = read(outcome(code, text))
    assert (NOTHING if refusal is None else refusal.says) is says


@pytest.mark.rule("B12")
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("4.7.1 try again in 300 seconds", 300),
        ("Please retry after 5 minutes.", 300),
        ("4.7.0 Try again in 1 hour", 3600),
        ("please wait 90s before the next message", 90),
        ("again in 2 h", 7200),
        ("come back in 10 min", 600),
        ("try again in 99999 hours", 7200),
        ("try again later", 0),
        ("4.7.1 limit of 300 messages reached", 0),
        ("try again. 300 seconds of silence", 0),
    ],
)
def test_the_wait_that_a_server_names_is_read(text: str, seconds: float) -> None:
    assert named_wait(text) == seconds


@pytest.mark.rule("B11")
def test_4728_stops_for_ten_minutes_or_longer_if_it_says_so() -> None:
    short = read(outcome(421, "4.7.28 unusual rate, try again in 60 seconds"))
    long = read(outcome(421, "4.7.28 unusual rate, try again in 2 hours"))
    assert short is not None
    assert long is not None
    assert (short.wait_seconds, long.wait_seconds) == (STOP_SECONDS, 7200)
    assert STOP_SECONDS >= 600


@pytest.mark.rule("A77", "B11")
def test_a_providers_own_refusal_by_policy_is_about_us() -> None:
    refused = by_policy(
        outcome(550, "5.7.26 This mail has been blocked because the sender is unauthenticated")
    )
    assert refused is not None
    assert refused.says is SLOWER
    assert by_policy(outcome(550, "5.1.1 no such user")) is None


@pytest.mark.rule("D26")
def test_the_cause_has_our_words_and_the_codes_and_nothing_of_the_servers() -> None:
    refusal = read(outcome(421, "4.7.0 too many from \x1b[31mada@shop.example"))
    assert refusal is not None
    assert refusal.cause == "it asked us to slow down (421 4.7.0)"
