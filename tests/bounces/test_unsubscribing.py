"""Wishes to leave, by mail: to the unsubscribe address, or in a person's own words (A19, A20, C33)."""

from __future__ import annotations

import pytest

from mailer.bounces import Kind, classify
from tests.bounces.messages import READER, mail


def written(body: str, *, to: str = "news@shop.example", subject: str = "Re: Offers") -> Kind:
    """What a person's mail is."""
    return classify(mail(body, **{"from": f"Anna <{READER}>", "to": to, "subject": subject})).kind


@pytest.mark.rule("A20")
def test_any_mail_to_the_unsubscribe_address_is_a_wish_to_leave() -> None:
    assert written("", to="unsubscribe+0123abcd@shop.example", subject="") is Kind.UNSUBSCRIBE


@pytest.mark.rule("C33")
@pytest.mark.parametrize(
    "words",
    [
        "stop",
        "STOP!",
        "Unsubscribe",
        "please unsubscribe me",
        "Unsubscribe me from this list please.",
        "Remove me from your list",
        "Abmelden",
        "Bitte abmelden!",
        "Newsletter abbestellen",
        "Bitte melden Sie mich ab",
        "keine weiteren E-Mails mehr",
        "désabonnement",
        "Dar de baja",
        "Отписаться",
        "退订",
        "stop\n\n-- \nAnna",
        "Please take me off this list.\n\nAnna",
        "Please unsubscribe me.\n\nBest regards,\nAnna von Ohm",
        "Bitte abmelden\n\nMit freundlichen Grüßen\nÄnne Müller-Lüdenscheidt",
        "unsubscribe\n\nOn Sunday, Shop wrote:\n> Offers for you",
    ],
)
def test_a_plain_word_is_enough(words: str) -> None:
    assert written(words) is Kind.UNSUBSCRIBE


@pytest.mark.rule("C33")
def test_the_word_may_stand_in_the_subject() -> None:
    assert written("", subject="unsubscribe") is Kind.UNSUBSCRIBE


@pytest.mark.parametrize(
    "words",
    [
        "Where is the bus stop?",
        "Do not stop sending these!",
        "How do I unsubscribe my mother, and keep my own subscription?",
        "Danke für den Newsletter",
        "> unsubscribe",
        "Stop\nthe press, this is wonderful",
        "Stop\nI want to tell you something",
        "",
    ],
)
def test_who_writes_about_it_does_not_leave(words: str) -> None:
    assert written(words) is Kind.NONE


def test_the_subject_of_what_we_sent_is_not_the_reader_s_wish() -> None:
    assert written("Nice.", subject="Re: unsubscribe") is Kind.NONE


def test_the_sender_is_handed_on_so_that_somebody_can_act() -> None:
    assert classify(mail("stop", **{"from": f"Anna <{READER}>", "to": "news@shop.example"})).sender == READER
