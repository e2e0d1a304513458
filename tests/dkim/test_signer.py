"""What is signed and how: dkimpy, which shares nothing with the product, verifies each signature."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mailer.dkim import KeyKind, Unaligned
from mailer.dkim.fields import LIFE, SIGNED
from mailer.settings.values import MAX_GIVE_UP_HOURS
from tests.dkim.signing import AT, signer, tags, verdicts
from tests.rendering.wire.cast import compiled, confirmation, recipient

ADA = recipient({"first_name": "Ada"})


def signed(*kinds: KeyKind, domain: str | None = None) -> bytes:
    """A campaign mail to Ada."""
    filled = compiled().fill(ADA)
    return "".join(signer(*kinds, domain=domain).sign(filled.pieces, shape=filled.shape, at=AT)).encode()


@pytest.mark.rule("A14", "A37", "A40")
def test_a_campaign_mail_carries_a_signature_that_verifies() -> None:
    data = signed()
    assert verdicts(data) == [True]
    said = tags(data)
    assert (said["v"], said["a"], said["c"]) == ("1", "rsa-sha256", "relaxed/relaxed")
    assert (said["d"], said["s"]) == ("shop.example", "rsa1")


@pytest.mark.rule("A14", "A41")
def test_the_signature_covers_exactly_the_fields_that_it_should() -> None:
    covered = tags(signed())["h"].split(":")
    assert set(covered) == set(SIGNED)
    assert {"from", "reply-to", "to", "cc", "subject", "date", "message-id"} < set(covered)
    assert {"mime-version", "content-type", "content-transfer-encoding", "feedback-id"} < set(covered)
    assert {"list-unsubscribe", "list-unsubscribe-post", "list-id", "list-help", "list-owner"} < set(covered)
    assert not {"return-path", "received", "bcc", "dkim-signature", "comments", "keywords"} & set(covered)


@pytest.mark.rule("A42")
def test_every_covered_field_is_named_once_more_than_it_is_present() -> None:
    data = signed()
    head = data.partition(b"\r\n\r\n")[0].lower()
    covered = tags(data)["h"].split(":")
    for name in SIGNED:
        present = head.startswith(f"{name}:".encode()) + head.count(f"\r\n{name}:".encode())
        assert covered.count(name) == present + 1, name


@pytest.mark.rule("A42", "A14")
@pytest.mark.parametrize(
    "extra",
    [b"Subject: You have won", b"From: <boss@shop.example>", b"List-Unsubscribe: <https://evil.example/>"]
    + [b"Reply-To: <evil@evil.example>", b"Cc: <all@shop.example>", b"To: <eve@example.org>"]
    + [b"List-Unsubscribe-Post: List-Unsubscribe=One-Click", b"Feedback-ID: a:b:c:other", b"Date: never"]
    + [b"Content-Type: text/plain", b"Content-Transfer-Encoding: base64", b"List-Subscribe: <mailto:x@y.z>"],
)
@pytest.mark.parametrize("on_top", [True, False])
def test_no_covered_field_can_be_added(extra: bytes, *, on_top: bool) -> None:
    data = signed()
    head, _, body = data.partition(b"\r\n\r\n")
    changed = extra + b"\r\n" + data if on_top else head + b"\r\n" + extra + b"\r\n\r\n" + body
    assert verdicts(changed) == [False]


@pytest.mark.rule("A14")
@pytest.mark.parametrize(
    "name", ["List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID", "To"]
)
def test_no_covered_field_can_be_taken_away(name: str) -> None:
    lines = signed().split(b"\r\n")
    kept = [line for line in lines if not line.startswith(f"{name}:".encode())]
    assert len(kept) == len(lines) - 1
    assert verdicts(b"\r\n".join(kept)) == [False]


@pytest.mark.rule("A43")
def test_no_text_can_be_appended() -> None:
    data = signed()
    assert "l" not in tags(data)
    assert verdicts(data + b"Buy my pills.\r\n") == [False]


@pytest.mark.rule("A44")
def test_a_signature_outlives_every_queue() -> None:
    said = tags(signed())
    assert int(said["t"]) == AT.timestamp()
    assert timedelta(seconds=int(said["x"]) - int(said["t"])) == LIFE == timedelta(days=14)
    assert timedelta(hours=MAX_GIVE_UP_HOURS) < LIFE


@pytest.mark.rule("A38")
def test_an_ed25519_signature_stands_beside_the_rsa_one_and_both_verify() -> None:
    data = signed(KeyKind.RSA, KeyKind.ED25519)
    assert verdicts(data) == [True, True]
    assert [tags(data)["a"], tags(data[10:])["a"]] == ["rsa-sha256", "ed25519-sha256"]


@pytest.mark.rule("A40")
def test_a_signature_survives_what_relays_do_to_folds_and_spaces() -> None:
    """Fields re-folded or unfolded, names in capitals, white space added or taken at the ends of lines."""
    head, _, body = signed(KeyKind.RSA, KeyKind.ED25519).partition(b"\r\n\r\n")
    unfolded = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    tabbed = head.replace(b"\r\n ", b"\r\n\t  ").replace(b"Subject: ", b"SUBJECT:  ")
    spaced = body.replace(b"</p>\r\n", b"</p>  \t\r\n") + b"\r\n\r\n"
    for changed in (unfolded + b"\r\n\r\n" + body, tabbed + b"\r\n\r\n" + spaced):
        assert verdicts(changed) == [True, True]


@pytest.mark.rule("A45", "A15")
def test_a_changed_letter_breaks_the_signature() -> None:
    data = signed()
    for place in (data.index(b"Subject: ") + 12, data.index(b"Message-ID: <") + 15, len(data) - 60):
        assert verdicts(data[:place] + b"~" + data[place + 1 :]) == [False]


@pytest.mark.rule("A39")
def test_a_domain_above_the_one_of_from_may_sign_and_another_may_not() -> None:
    filled = compiled().fill(ADA)
    with pytest.raises(Unaligned):
        signer(domain="other.example").sign(filled.pieces, shape=filled.shape, at=AT)
    text = filled.data.decode().replace("@shop.example>", "@news.shop.example>", 1)
    data = signer(domain="shop.example").sign_text(text, AT).encode()
    assert tags(data)["d"] == "shop.example"
    assert verdicts(data) == [True]


def test_a_confirmation_is_signed_too_and_nobody_can_add_a_way_out_that_is_none() -> None:
    filled = confirmation().fill(ADA)
    data = "".join(signer().sign(filled.pieces, shape=filled.shape, at=AT)).encode()
    assert verdicts(data) == [True]
    assert verdicts(b"List-Unsubscribe: <https://evil.example/>\r\n" + data) == [False]


def test_the_lines_of_the_field_are_short() -> None:
    head = signed(KeyKind.RSA, KeyKind.ED25519).partition(b"\r\nFrom: ")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78


def test_the_same_message_is_signed_the_same() -> None:
    """Law 9: t= is the second of Date, and neither kind of signature holds anything by chance."""
    assert signed(KeyKind.RSA, KeyKind.ED25519) == signed(KeyKind.RSA, KeyKind.ED25519)
