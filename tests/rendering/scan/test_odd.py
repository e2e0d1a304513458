"""The bytes that leave are clean whatever was written and whoever it is for (A25-A36)."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.addresses import EmailAddress, Mailbox, parse_address
from mailer.rendering import MessageClass, RenderError
from mailer.rendering.identity import ListIdentity
from tests.rendering.scan.odd import (
    ADDRESSES,
    BODIES,
    CURIOUS_SITE,
    LISTS,
    NAMES,
    SENDERS,
    SUBJECTS,
    compiled,
    confirmation,
    sent,
)
from tests.rendering.wire.cast import UNSUBSCRIBE, WEEKLY

GREETING = compiled("For {{ subscriber.first_name }}", "Hello {{ subscriber.first_name }}!\n")
#: Letters of every kind that a line of a subject or a body may hold.
_LETTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Co", "Cn", "Zl", "Zp"])
lines = st.text(_LETTERS, min_size=1, max_size=250)


@pytest.mark.rule("A28", "A34")
@pytest.mark.parametrize("name", SUBJECTS)
def test_any_subject_is_read_as_it_was_written(name: str) -> None:
    assert sent(compiled(SUBJECTS[name].replace("{", "{{ '{' }}"))).says("Subject") == SUBJECTS[name]


@pytest.mark.rule("A28", "A31", "A32", "A33")
@pytest.mark.parametrize("language", ["en", "de", "ar"])
@pytest.mark.parametrize("name", BODIES)
def test_any_body_leaves_in_clean_bytes(name: str, language: str) -> None:
    message = compiled(body=BODIES[name], language=language)
    for fields in ({"first_name": "Ada", "vip": True}, {"city": "Ü", "vip": False}):
        copy = sent(message, fields)
        assert UNSUBSCRIBE in copy.text.split("\n")
        assert f'href="{UNSUBSCRIBE}"' in copy.html


@pytest.mark.rule("A29", "A33", "A34", "E17")
@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_read_as_it_was_typed(name: str) -> None:
    fields, called = NAMES[name]
    copy = sent(GREETING, fields)
    assert f"\nHello {called}!\n" in copy.text
    assert copy.says("Subject") == " ".join(f"For {called}".split(" ")).strip().replace("  ", " ")


@pytest.mark.rule("A34")
def test_a_subject_of_which_nothing_is_left_is_empty() -> None:
    copy = sent(compiled("{{ subscriber.first_name }}"), {"first_name": ""})
    assert copy["Subject"] == ""


@pytest.mark.rule("A25", "A30")
@pytest.mark.parametrize("name", SENDERS)
def test_any_sender_is_one_mailbox_of_that_name(name: str) -> None:
    box = Mailbox(name, parse_address("news@shop.example"))
    copy = sent(compiled(list_=replace(WEEKLY, from_mailbox=box, reply_to=box)))
    assert copy.says("From") == copy.says("Reply-To") == name


@pytest.mark.rule("A25", "A30", "A67")
@pytest.mark.parametrize("address", ADDRESSES, ids=str)
def test_any_address_stands_alone_in_its_field(address: EmailAddress) -> None:
    assert sent(GREETING, address=address)["To"] == str(address)


@pytest.mark.rule("A3", "A21", "A22", "A23", "B10")
@pytest.mark.parametrize("message_class", [MessageClass.CAMPAIGN, MessageClass.PROOF])
@pytest.mark.parametrize("list_", LISTS, ids=[each.name for each in LISTS])
def test_any_list_has_clean_fields(list_: ListIdentity, message_class: MessageClass) -> None:
    copy = sent(compiled(list_=list_, site=CURIOUS_SITE, message_class=message_class))
    assert copy["List-Id"].endswith(f"<{list_.list_id}>")
    assert f"<{UNSUBSCRIBE}>" in copy["List-Unsubscribe"]


@pytest.mark.rule("A25", "A85", "C6")
@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("list_", LISTS, ids=[each.name for each in LISTS])
def test_any_list_confirms_in_clean_bytes(list_: ListIdentity, language: str) -> None:
    copy = sent(confirmation(list_, site=CURIOUS_SITE, language=language))
    assert not [name for name, _ in copy.fields if name.startswith("List-")]
    assert list_.title in copy.says("Subject")
    assert list_.title in " ".join(copy.text.split())


@pytest.mark.rule("B17", "A36")
def test_a_message_as_large_as_it_may_be_is_as_clean() -> None:
    copy = sent(compiled(body=BODIES["ninety kilobytes"]))
    assert 85_000 < len(copy.html.encode()) < 102_000


@pytest.mark.rule("A25", "A28", "A33")
def test_a_thousand_copies_are_clean() -> None:
    messages = [
        compiled(f"{{{{ subscriber.first_name }}}}: {subject}", body)
        for subject, body in zip(("Week 47", "部品 🎉", "مقاومات"), list(BODIES.values())[:3], strict=True)
    ]
    turns = zip(cycle(messages), cycle(NAMES.values()), cycle(ADDRESSES), range(1000))
    for message, (fields, _), address, number in turns:
        copy = sent(message, fields, address=address, message_id=f"{number:x}@news.shop.example")
        assert copy["Message-ID"] == f"<{number:x}@news.shop.example>"


@pytest.mark.rule("A28", "A34")
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(lines, lines)
def test_whatever_is_written_into_a_subject_comes_back(written: str, merged: str) -> None:
    said = sent(_SUBJECT, {"first_name": written, "city": merged}).says("Subject")
    assert "".join(said.split()).replace("\u2068", "").replace("\u2069", "") == "".join(
        f"{written}:{merged}".split()
    ).translate(_ISOLATES)


_SUBJECT = compiled("{{ subscriber.first_name }}: {{ subscriber.city }}")
#: Marks that turn the direction of text are taken out of merged values (E17).
_ISOLATES = dict.fromkeys(map(ord, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))


@pytest.mark.rule("A28", "A33")
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(lines, min_size=1, max_size=6).map("\n\n".join), lines)
def test_whatever_is_written_into_a_body_leaves_clean(body: str, name: str) -> None:
    try:
        message = compiled(body=f"{body}\n\n{{{{ subscriber.first_name }}}}\n")
    except RenderError:
        return  # half a tag, said with its line
    sent(message, {"first_name": name})


@pytest.mark.rule("A25", "A30", "A34")
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(lines.filter(lambda text: text == " ".join(text.split())))
def test_whatever_a_sender_is_called_is_one_mailbox(name: str) -> None:
    from_ = Mailbox(name, parse_address("news@shop.example"))
    assert sent(compiled(list_=replace(WEEKLY, from_mailbox=from_))).says("From") == name
