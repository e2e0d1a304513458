"""Mail comes back and something follows: for the right person, once, and never for what is not their doing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine

from mailer import clock
from mailer.bounces.deciding import Limits
from mailer.bounces.intake import keep
from mailer.store.vocabulary import DeliveryState
from tests.bounces.deciding.post import Post, dsn

REFUSED = {
    "status": "5.7.26",
    "words": "550 5.7.26 This mail has been blocked because the sender is unauthenticated",
}
FULL = {"status": "5.2.2", "words": "552 5.2.2 Mailbox full"}


@contextmanager
def after(**time: float) -> Iterator[None]:
    """So much later."""
    with time_machine.travel(clock.now() + timedelta(**time), tick=True):
        yield


@pytest.mark.rule("A76")
def test_a_hard_bounce_holds_at_once_and_suppresses_after_a_day(post: Post) -> None:
    post.send(["ada", "ben"])
    post.bounce("ada")
    assert (post.reasons("ada"), post.reasons("ben")) == ({"held"}, set())
    assert post.deciding.ripen() == 0
    with after(hours=25):
        assert post.deciding.ripen() == 1
        assert post.deciding.ripen() == 0
    assert post.reasons("ada") == {"hard_bounce"}
    assert post.effects() == ["suppressed"]


@pytest.mark.rule("A79")
def test_the_same_message_twice_counts_once(post: Post) -> None:
    post.send(["ada"])
    raw = dsn(post.return_path("ada"), "ada@example.net")
    assert post.arrive(raw)
    assert not post.arrive(raw.replace(b"\r\n", b"\n"))
    assert not post.arrive(raw, source="imap:main")
    assert post.effects() == ["held"]


def test_the_same_news_in_another_message_counts_once_too(post: Post) -> None:
    post.send(["ada"])
    post.bounce("ada", **FULL)
    post.bounce("ada", **FULL, number=2)
    assert post.effects() == ["scored"]
    assert post.mails() == ["settled", "settled"]


@pytest.mark.rule("A79")
@pytest.mark.parametrize("tag", ["bounce@bounce.shop.example", f"bounce+{'0' * 32}@bounce.shop.example"])
def test_a_forged_bounce_changes_nothing_and_waits_for_a_person(post: Post, tag: str) -> None:
    post.send(["ada"])
    post.arrive(dsn(tag, "ada@example.net"))
    assert post.reasons("ada") == set()
    assert (post.effects(), post.mails()) == ([], ["review"])


@pytest.mark.rule("A74")
def test_a_bounce_of_the_address_that_mail_is_forwarded_to_finds_the_subscriber(post: Post) -> None:
    """But says less of theirs: it scores, it does not hold."""
    post.send(["ada"])
    post.arrive(dsn(post.return_path("ada"), "ada.private@elsewhere.example"))
    assert post.effects() == ["scored"]


@pytest.mark.rule("A74")
def test_the_tag_may_stand_in_the_envelope_alone(post: Post) -> None:
    post.send(["ada"])
    raw = dsn("postmaster@shop.example", "ada@example.net")
    post.arrive(raw, envelope_to=post.return_path("ada").upper())
    assert post.reasons("ada") == {"held"}


@pytest.mark.rule("A73")
def test_a_delay_is_information(post: Post) -> None:
    post.send(["ada"])
    post.bounce("ada", status="4.4.1", words="451 4.4.1 no answer", action="delayed")
    assert (post.effects(), post.reasons("ada")) == (["noted"], set())


@pytest.mark.rule("A77")
def test_what_is_held_against_the_sender_counts_against_nobody_and_stops_the_campaign(post: Post) -> None:
    names = [f"p{number}" for number in range(40)]
    post.limits = Limits(alike_least=20)
    post.send(names)
    for name in names:
        post.bounce(name, **REFUSED)
    assert all(post.reasons(name) == set() for name in names)
    assert set(post.effects()) == {"noted"}
    assert "alike_bounces" in post.alerts()


@pytest.mark.rule("A78")
def test_soft_bounces_suppress_only_when_there_are_five_over_two_weeks(post: Post) -> None:
    post.send(["ada"])
    for week in range(5):
        with after(days=7 * week):
            if week:
                post.send_again("ada")
            assert post.reasons("ada") == set()
            post.bounce("ada", **FULL, number=week)
    assert post.reasons("ada") == {"soft_bounce"}


@pytest.mark.rule("A78")
def test_soft_bounces_of_one_day_count_once(post: Post) -> None:
    post.send(["ada"])
    for number in range(8):
        post.bounce("ada", **FULL, number=number)
        post.send_again("ada")
    assert post.score("ada") == 1.0


@pytest.mark.rule("A78")
def test_mail_that_arrived_in_between_takes_the_score_back(post: Post) -> None:
    """Accepted, and no report for five days."""
    post.send(["ada"])
    post.bounce("ada", **FULL)
    with after(days=7):
        post.send_again("ada")
    with after(days=14):
        post.send_again("ada")
        post.bounce("ada", **FULL, number=2)
    assert post.score("ada") == 1.0


def test_many_hard_bounces_alike_blame_nobody_until_a_person_decides(post: Post) -> None:
    names = [f"p{number}" for number in range(30)]
    post.limits = Limits(alike_least=20)
    post.send([*names, "well"])
    for name in names:
        post.bounce(name)
    assert all(post.reasons(name) == set() for name in names)
    assert set(post.effects()) == {"frozen"}
    (freeze,) = post.deciding.review().freezes
    assert (freeze.scope, freeze.label, freeze.group, freeze.people) == (
        "campaign",
        "parts",
        "bad_address",
        30,
    )
    with after(hours=30):
        assert post.deciding.ripen() == 0
    assert post.deciding.discard(freeze.id, why="a bought list") == 30
    assert all(post.reasons(name) == {"held"} for name in names)
    assert post.deciding.review().freezes == ()


def test_released_people_are_free_for_good(post: Post) -> None:
    names = [f"p{number}" for number in range(20)]
    post.limits = Limits(alike_least=20)
    post.send(names)
    for name in names:
        post.bounce(name)
    (freeze,) = post.deciding.review().freezes
    assert post.deciding.release(freeze.id, why="their directory was down") == 20
    assert set(post.effects()) == {"released"}
    with after(days=2):
        assert post.deciding.ripen() == 0
    assert all(post.reasons(name) == set() for name in names)


@pytest.mark.rule("A82")
def test_a_complaint_suppresses_everywhere_at_once(post: Post) -> None:
    post.send(["ada"])
    report = (
        f"From: fbl@isp.example\r\nTo: {post.return_path('ada')}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nAn abuse report.\r\n"
        "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nUser-Agent: x/1\r\nVersion: 1\r\n"
        "\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: news@shop.example\r\nTo: redacted@isp.example\r\n"
        "Subject: parts\r\n\r\nHello\r\n--b--\r\n"
    )
    post.arrive(report.encode())
    assert post.reasons("ada") == {"complaint"}


@pytest.mark.rule("A80")
def test_a_note_of_absence_changes_nothing(post: Post) -> None:
    post.send(["ada"])
    note = (
        f"From: ada@example.net\r\nTo: {post.return_path('ada')}\r\nSubject: Out of office\r\n"
        "Auto-Submitted: auto-replied\r\n\r\nI am away until Monday.\r\n"
    )
    post.arrive(note.encode())
    assert (post.effects(), post.mails(), post.reasons("ada")) == ([], ["settled"], set())


def test_a_report_settles_what_was_in_doubt(post: Post) -> None:
    """Nobody else knows that return path: the relay did take it."""
    post.send(["ada"], state=DeliveryState.UNKNOWN)
    post.bounce("ada")
    assert post.world.states() == {"ada": "accepted"}


def test_one_message_that_trips_the_reader_stops_no_other(post: Post) -> None:
    post.send(["ada"])
    keep(post.store, b"\xff\x00" * 500, source="pipe")
    post.bounce("ada")
    assert post.reasons("ada") == {"held"}
    assert post.mails()[-1] == "settled"
