"""People who leave by mail: a token, a return path, a quoted link proves who; a name does not (A19, A20, C33)."""

from __future__ import annotations

import base64

import pytest

from mailer.store.schema import Subscription
from mailer.store.vocabulary import ReturnedState
from mailer.tokens import PROOF_TAG, LinkClaim, Purpose, sign_link
from tests.bounces.deciding.letters import letter
from tests.bounces.deciding.scene import AUTHSERV, Scene

ADA = "ada@example.net"
LEAVE = "unsubscribe@shop.example"


def states(scene: Scene) -> list[str]:
    """Where people stand, in order."""
    return [row.state.value for row in scene.rows(Subscription)]


@pytest.mark.rule("A19")
@pytest.mark.parametrize("to", [LEAVE, LEAVE.upper(), "goodbye@shop.example"])
@pytest.mark.parametrize("word", ["unsubscribe", "UNSUBSCRIBE", "Re: unsubscribe", ""])
def test_the_token_in_the_subject_opts_out_whoever_writes(one: Scene, to: str, word: str) -> None:
    mail = one.receive(letter(to, f"{word} {one.link(ADA)}", sender="else@where.example"))
    assert one.reasons(ADA) == {"unsubscribed"} and states(one) == ["unsubscribed"]
    assert mail.state is ReturnedState.SETTLED


@pytest.mark.rule("A19")
def test_a_long_subject_may_be_folded_anywhere(one: Scene) -> None:
    token = one.link(ADA)
    raw = f"From: ada@example.net\nTo: {LEAVE}\nSubject: unsubscribe\n {token[:40]}\n {token[40:]}\n\n\n"
    one.receive(raw.encode())
    assert one.reasons(ADA) == {"unsubscribed"}


@pytest.mark.rule("A20")
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_a_tag_in_the_address_opts_out_in_whatever_case(scene: Scene, case: object) -> None:
    assert callable(case)
    to = case(scene.path(scene.sent(ADA)))
    scene.receive(letter(to, "unsubscribe"))
    assert scene.reasons(ADA) == {"unsubscribed"}


@pytest.mark.rule("A19")
def test_a_forged_sender_without_a_token_removes_nobody(scene: Scene) -> None:
    scene.person(ADA)
    mail = scene.receive(letter(LEAVE, "unsubscribe", sender=ADA))
    assert scene.reasons(ADA) == set() and states(scene) == ["confirmed"]
    assert mail.state is ReturnedState.REVIEW


@pytest.mark.parametrize(
    "broken", [lambda t: t[:-8], lambda t: t.swapcase(), lambda t: "u" + "A" * 30 + t[31:]]
)
def test_a_damaged_token_removes_nobody(one: Scene, broken: object) -> None:
    assert callable(broken)
    one.receive(letter(LEAVE, f"unsubscribe {broken(one.link(ADA))}"))
    assert one.reasons(ADA) == set()


@pytest.mark.rule("A90")
def test_the_token_of_a_proof_acts_on_nothing(one: Scene) -> None:
    one.person(ADA)
    token = sign_link(one.tokens, Purpose.UNSUBSCRIBE, LinkClaim(PROOF_TAG))
    assert one.receive(letter(LEAVE, f"unsubscribe {token}")).state is ReturnedState.SETTLED
    assert one.reasons(ADA) == set()


@pytest.mark.rule("C33")
@pytest.mark.parametrize("encoded", [False, True])
def test_stop_above_a_quoted_newsletter_is_proven_by_the_link_in_it(one: Scene, encoded: bool) -> None:
    text = f"stop\n\n> Hello Ada\n> Leave: https://shop.example/u/{one.link(ADA)}\n"
    raw = letter("news@shop.example", "Re: parts", text)
    if encoded:
        body = base64.encodebytes(text.encode()).decode()
        raw = (
            "From: ada@example.net\nTo: news@shop.example\nSubject: Re: parts\nMIME-Version: 1.0\n"
            f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{body}"
        ).encode()
    one.receive(raw)
    assert one.reasons(ADA) == {"unsubscribed"}


@pytest.mark.rule("C33")
def test_stop_without_proof_waits_for_a_person(one: Scene) -> None:
    one.person(ADA)
    assert one.receive(letter("news@shop.example", "Re: parts", "stop")).state is ReturnedState.REVIEW
    assert one.reasons(ADA) == set()


@pytest.mark.rule("C33")
@pytest.mark.parametrize(
    ("results", "leaves"),
    [
        (f"{AUTHSERV}; dmarc=pass header.from=example.net", True),
        (f"{AUTHSERV}; dmarc=fail header.from=example.net", False),
        (f"{AUTHSERV}; dmarc=pass header.from=attacker.example", False),
        ("mx.attacker.example; dmarc=pass header.from=example.net", False),
        (
            f"mx.attacker.example; spf=pass\nAuthentication-Results: {AUTHSERV}; dmarc=pass header.from=example.net",
            False,
        ),
        (f"{AUTHSERV}; dmarc=pass header.from=example.net\nFrom: x@example.net", False),
    ],
)
def test_stop_opts_out_when_our_own_server_vouches_for_the_sender(
    one: Scene, results: str, leaves: bool
) -> None:
    one.person(ADA)
    head = f"Authentication-Results: {results}\n"
    one.receive(letter("news@shop.example", "Re: parts", "stop", sender=ADA, head=head))
    assert one.reasons(ADA) == ({"unsubscribed"} if leaves else set())
    assert states(one) == (["unsubscribed"] if leaves else ["confirmed"])


@pytest.mark.rule("A80", "A86")
def test_a_note_of_absence_that_quotes_the_link_removes_nobody(scene: Scene) -> None:
    delivery = scene.sent(ADA)
    text = f"I am away.\n> https://shop.example/u/{scene.link(ADA)}\n"
    raw = letter(scene.path(delivery), "Out of office", text, head="Auto-Submitted: auto-replied\n")
    assert scene.receive(raw).state is ReturnedState.SETTLED
    assert scene.reasons(ADA) == set() and scene.effects() == []


def test_our_own_newsletter_that_comes_back_by_a_redirect_removes_nobody(one: Scene) -> None:
    one.person(ADA)
    head = (
        f"List-Unsubscribe: <https://shop.example/u/{one.link(ADA)}>\nList-Id: <weekly.lists.shop.example>\n"
    )
    one.receive(letter("ops@shop.example", "New parts", "Hello", sender="news@shop.example", head=head))
    assert one.reasons(ADA) == set()
