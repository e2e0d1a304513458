"""A proof that came back: which signature counts, who made it, and what its receiver said (A14, RFC 8058)."""

from __future__ import annotations

import pytest

from tests.doctor.name_server import Zone, serving
from tests.doctor.practice import Practice, only_one, said, verdicts
from tests.doctor.signing import MAIL, SHORT, Key, signed
from tests.doctor.zones import spoilt

pytestmark = pytest.mark.rule("A14")
RESULTS = (
    b"Authentication-Results: mx.example.net; dkim=pass header.d=shop.test;\r\n spf=pass; dmarc=pass\r\n"
)


@pytest.fixture(scope="module")
def keys() -> dict[str, Key]:
    """Ours, and the relay's."""
    return {"shop": Key.make(1024), "relay": Key.make(1024)}


def zone(keys: dict[str, Key]) -> Zone:
    """Both keys published."""
    return spoilt(
        {
            ("s1._domainkey.shop.test", "TXT"): [keys["shop"].record],
            ("s1._domainkey.relay.test", "TXT"): [keys["relay"].record],
        }
    )


def test_our_signature_over_both_fields_is_what_there_should_be(
    practice: Practice, keys: dict[str, Key]
) -> None:
    lines = practice.look("proof", zone=zone(keys), proof=RESULTS + signed(keys["shop"]))
    assert verdicts(lines) == ["ok", "note"], said(lines)
    assert "d=shop.test s=s1 holds and covers both one-click fields" in lines[0].reason
    assert "mx.example.net; dkim=pass" in lines[1].reason


def test_a_relay_that_signs_with_its_own_name_covers_but_does_not_belong(
    practice: Practice, keys: dict[str, Key]
) -> None:
    lines = practice.look(
        "proof", zone=zone(keys), proof=RESULTS + signed(keys["relay"], domain="relay.test")
    )
    assert lines[0].verdict.value == "warning"
    assert "of relay.test, not of the From" in lines[0].reason


def test_a_relay_that_signs_for_us_is_as_good_as_we(practice: Practice, keys: dict[str, Key]) -> None:
    """d= may be another domain of the same organisation: alignment is relaxed."""
    records: Zone = {**zone(keys), ("s1._domainkey.mail.shop.test", "TXT"): [keys["relay"].record]}
    proof = signed(keys["relay"], domain="mail.shop.test")
    assert practice.look("proof", zone=records, proof=proof)[0].verdict.value == "ok"


def test_a_careless_relay_leaves_the_one_click_fields_out(practice: Practice, keys: dict[str, Key]) -> None:
    lines = practice.look("proof", zone=zone(keys), proof=signed(keys["shop"], fields=SHORT))
    assert lines[0].verdict.value == "failure"
    assert "does not cover both" in lines[0].reason
    assert "unsubscribe button" in lines[0].reason


def test_one_good_signature_is_enough_beside_a_careless_one(practice: Practice, keys: dict[str, Key]) -> None:
    both = signed(keys["relay"], mail=signed(keys["shop"]), domain="relay.test", fields=SHORT)
    assert practice.look("proof", zone=zone(keys), proof=both)[0].verdict.value == "ok"


def test_a_second_signature_that_does_not_hold_is_only_noted(
    practice: Practice, keys: dict[str, Key]
) -> None:
    both = signed(keys["relay"], mail=signed(keys["shop"]), domain="gone.test")
    lines = practice.look("proof", zone=zone(keys), proof=both)
    assert verdicts(lines)[:2] == ["ok", "note"]
    assert "d=gone.test s=s1 does not hold" in lines[1].reason


def test_a_message_changed_on_its_way_holds_nothing(practice: Practice, keys: dict[str, Key]) -> None:
    proof = signed(keys["shop"]).replace(b"Good morning", b"[EXTERNAL] Good morning")
    line = practice.look("proof", zone=zone(keys), proof=proof)[0]
    assert line.verdict.value == "failure"
    assert "the body was changed on its way" in line.reason


def test_a_key_that_is_not_published_is_named(practice: Practice, keys: dict[str, Key]) -> None:
    line = practice.look("proof", proof=signed(keys["shop"]))[0]
    assert line.verdict.value == "failure"
    assert "d=shop.test s=s1: its key is not in DNS" in line.reason


def test_a_proof_that_nobody_signed(practice: Practice) -> None:
    line = practice.look("proof", proof=MAIL)[0]
    assert line.verdict.value == "failure"
    assert "no DKIM signature" in line.reason
    assert "mailer dkim new" in line.remedy


@pytest.mark.rule("A1", "A2")
@pytest.mark.parametrize(
    "raw",
    [
        b"From: a@shop.test\r\nSubject: hello\r\n\r\nNo list mail.\r\n",
        MAIL.replace(b"List-Unsubscribe-Post", b"X-Post"),
        b"List-Unsubscribe: <https://other.test>\r\n" + MAIL,
        b"",
        b"\x00\xff\xfe not a mail",
    ],
)
def test_a_file_that_is_no_proof_is_told_so(practice: Practice, raw: bytes) -> None:
    line = only_one(practice.look("proof", proof=raw))
    assert line.verdict.value == "failure"
    assert "mailer campaign proof" in line.remedy


def test_what_the_receiver_did_not_let_pass_is_a_warning(practice: Practice, keys: dict[str, Key]) -> None:
    results = b"Authentication-Results: mx.example.net; dkim=pass; spf=softfail; dmarc=fail\r\n"
    lines = practice.look("proof", zone=zone(keys), proof=results + signed(keys["shop"]))
    assert verdicts(lines) == ["ok", "warning"]
    assert "spf=softfail, dmarc=fail" in lines[1].remedy


def test_without_the_receiver_s_word_that_is_said(practice: Practice, keys: dict[str, Key]) -> None:
    lines = practice.look("proof", zone=zone(keys), proof=signed(keys["shop"]))
    assert "No Authentication-Results" in lines[1].reason


def test_without_a_proof_the_way_to_get_one_is_shown(practice: Practice) -> None:
    line = only_one(practice.look("proof"))
    assert line.verdict.value == "skipped"
    assert "mailer campaign proof SLUG" in line.remedy


@pytest.mark.rule("D36")
@pytest.mark.usefixtures("impatient")
def test_a_flood_of_signatures_is_not_followed(practice: Practice, keys: dict[str, Key]) -> None:
    flood = b"".join(
        b"DKIM-Signature: a=rsa-sha256; d=x%d.test; s=s; h=from; bh=; b=\r\n" % n for n in range(500)
    )
    with serving(zone(keys)) as names:
        practice.look("proof", names=names, proof=flood + signed(keys["shop"]))
    assert len([name for name, _, _ in names.asked if "_domainkey" in name]) <= 8
