"""Tokens: one purpose, one spelling, hard to forge, and the mailed ones for ever (D1-D5, A5, A11, A12)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import string
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from hypothesis import assume, given
from hypothesis import strategies as st
from itsdangerous import Signer

from mailer.keyring import Secrets, TokenKey
from mailer.tokens import (
    PROOF_TAG,
    PURPOSES,
    LinkClaim,
    Purpose,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    Tokens,
    read_link,
    sign_link,
)

WEEK = 7 * 24 * 3600
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def key(name: str, *, retired: bool = False) -> TokenKey:
    return TokenKey(name, hmac.digest(b"token", name.encode(), "sha256"), date(2026, 1, 2), retired)


def tokens(*keys: TokenKey) -> Tokens:
    secrets = Secrets(
        keys or (key("k1"),), hmac.digest(b"a", b"", "sha256"), hmac.digest(b"l", b"", "sha256")
    )
    return Tokens(secrets, confirm_seconds=WEEK)


TOKENS = tokens()
payloads = st.binary(max_size=64)
purposes = st.sampled_from(Purpose)
ALPHABET = string.ascii_letters + string.digits + "_.-"


@given(purposes, payloads)
def test_what_was_signed_is_what_is_read(purpose: Purpose, payload: bytes) -> None:
    assert TOKENS.read(purpose, TOKENS.sign(purpose, payload)) == payload


@pytest.mark.rule("D2")
@given(purposes, payloads)
def test_the_signature_is_the_one_itsdangerous_makes(purpose: Purpose, payload: bytes) -> None:
    """Every link ever mailed was signed by its Signer: whatever is fast must give the same characters."""
    body, signature, key_id = TOKENS.sign(purpose, payload).split(".")
    signer = Signer(
        key("k1").secret,
        salt=PURPOSES[purpose].salt,
        key_derivation="hmac",
        digest_method=hashlib.sha256,
    )
    assert signature.encode() == signer.get_signature(f"{body}.{key_id}")


@pytest.mark.rule("A5")
@given(purposes, payloads)
def test_a_token_is_url_safe_and_begins_and_ends_with_a_letter_or_digit(
    purpose: Purpose, payload: bytes
) -> None:
    token = TOKENS.sign(purpose, payload)
    assert set(token) <= set(ALPHABET)
    assert token[0].isalnum()
    assert token[-1].isalnum()


@pytest.mark.rule("D1")
@given(purposes, purposes, payloads)
def test_a_token_of_one_purpose_fails_at_every_other(made: Purpose, asked: Purpose, payload: bytes) -> None:
    assume(made is not asked)
    token = TOKENS.sign(made, payload)
    with pytest.raises(TokenInvalid):
        TOKENS.read(asked, token)
    with pytest.raises(TokenInvalid):
        TOKENS.read(asked, PURPOSES[asked].letter + token[1:])


def test_every_purpose_has_its_own_salt_and_letter() -> None:
    assert set(PURPOSES) == set(Purpose)
    assert len({rule.salt for rule in PURPOSES.values()}) == len(Purpose)
    assert len({rule.letter for rule in PURPOSES.values()}) == len(Purpose)


@pytest.mark.rule("A11")
@given(purposes, payloads, st.data())
def test_changing_any_character_breaks_a_token(purpose: Purpose, payload: bytes, data: st.DataObject) -> None:
    token = TOKENS.sign(purpose, payload)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(ALPHABET + "=!~+/\n\0é"))
    assume(other != token[place])
    with pytest.raises(TokenInvalid):
        TOKENS.read(purpose, token[:place] + other + token[place + 1 :])


@pytest.mark.rule("A11")
@pytest.mark.parametrize("purpose", Purpose)
def test_every_single_character_of_a_token_matters_in_every_place(purpose: Purpose) -> None:
    token = TOKENS.sign(purpose, bytes(range(16)))
    for place, right in enumerate(token):
        for other in ALPHABET:
            if other != right:
                with pytest.raises(TokenInvalid):
                    TOKENS.read(purpose, token[:place] + other + token[place + 1 :])


@pytest.mark.rule("A11")
@given(purposes, payloads, st.text(min_size=1, max_size=5))
def test_adding_anything_breaks_a_token(purpose: Purpose, payload: bytes, more: str) -> None:
    token = TOKENS.sign(purpose, payload)
    for changed in (
        token + more,
        more + token,
        token.replace(".", more + ".", 1),
        token.replace(".", "." + more),
    ):
        with pytest.raises(TokenInvalid):
            TOKENS.read(purpose, changed)


@pytest.mark.rule("A11")
@pytest.mark.parametrize("more", ["=", "==", "!!", "\n", " ", ".", "%20", "\u2028", "A"])
def test_a_lenient_base64_reading_is_not_a_second_token(more: str) -> None:
    token = TOKENS.sign(Purpose.UNSUBSCRIBE, bytes(17))
    head, signature, name = token.split(".")
    for changed in (f"{head}{more}.{signature}.{name}", f"{head}.{signature}{more}.{name}", token + more):
        with pytest.raises(TokenInvalid):
            TOKENS.read(Purpose.UNSUBSCRIBE, changed)


@pytest.mark.rule("A11")
def test_cutting_a_token_anywhere_breaks_it() -> None:
    token = TOKENS.sign(Purpose.VIEW, bytes(22))
    for end in range(1, len(token)):
        with pytest.raises(TokenInvalid):
            TOKENS.read(Purpose.VIEW, token[:end])


@given(purposes, st.text(max_size=120))
def test_foreign_text_is_never_a_token(purpose: Purpose, text: str) -> None:
    with pytest.raises((TokenInvalid, TokenMissing)):
        TOKENS.read(purpose, text)


def test_an_empty_token_is_missing() -> None:
    with pytest.raises(TokenMissing):
        TOKENS.read(Purpose.CONFIRM, "")


@pytest.mark.parametrize("letter", [rule.letter for rule in PURPOSES.values()])
def test_a_token_signed_with_another_sites_key_is_refused(letter: str) -> None:
    other = Tokens(
        Secrets((replace(key("k1"), secret=hmac.digest(b"other", b"", "sha256")),), b"", b""),
        confirm_seconds=WEEK,
    )
    purpose = next(purpose for purpose, rule in PURPOSES.items() if rule.letter == letter)
    with pytest.raises(TokenInvalid):
        TOKENS.read(purpose, other.sign(purpose, b"payload"))


@pytest.mark.rule("A12", "D4")
def test_a_decoded_token_shows_its_random_tags_and_nothing_else() -> None:
    claim = LinkClaim(bytes(range(16)), bytes(6))
    token = sign_link(TOKENS, Purpose.UNSUBSCRIBE, claim)
    head = token.split(".")[0][1:]
    assert (
        base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)) == claim.subscription_tag + claim.campaign_tag
    )


@pytest.mark.parametrize("campaign_tag", [b"", b"sixsix"])
@pytest.mark.parametrize("purpose", [Purpose.UNSUBSCRIBE, Purpose.VIEW])
def test_a_link_claim_survives_its_token(purpose: Purpose, campaign_tag: bytes) -> None:
    claim = LinkClaim(bytes(range(16)), campaign_tag)
    assert read_link(TOKENS, purpose, sign_link(TOKENS, purpose, claim)) == claim


@pytest.mark.parametrize("size", [0, 15, 17, 21, 23, 32])
def test_a_genuine_token_of_the_wrong_length_is_no_link(size: int) -> None:
    with pytest.raises(TokenInvalid):
        read_link(TOKENS, Purpose.VIEW, TOKENS.sign(Purpose.VIEW, bytes(size)))


@pytest.mark.rule("A90")
def test_only_the_proof_tag_makes_a_proof_link() -> None:
    assert LinkClaim(PROOF_TAG).is_proof
    assert not LinkClaim(bytes(15) + b"\x01").is_proof


@pytest.mark.rule("D3")
def test_a_confirm_token_works_to_the_last_second_of_its_life_and_not_beyond() -> None:
    with time_machine.travel(START, tick=False):
        token = TOKENS.sign(Purpose.CONFIRM, b"nonce")
    with time_machine.travel(START + timedelta(seconds=WEEK), tick=False):
        assert TOKENS.read(Purpose.CONFIRM, token) == b"nonce"
    with time_machine.travel(START + timedelta(seconds=WEEK + 1), tick=False), pytest.raises(TokenExpired):
        TOKENS.read(Purpose.CONFIRM, token)


@pytest.mark.rule("D3")
def test_a_confirm_token_from_the_future_is_refused() -> None:
    with time_machine.travel(START + timedelta(seconds=60), tick=False):
        token = TOKENS.sign(Purpose.CONFIRM, b"nonce")
    with time_machine.travel(START, tick=False), pytest.raises(TokenInvalid, match="out of step"):
        TOKENS.read(Purpose.CONFIRM, token)


def test_a_forged_old_token_is_invalid_rather_than_expired() -> None:
    with time_machine.travel(START, tick=False):
        token = TOKENS.sign(Purpose.FORM, b"")
    forged = token[:-4] + ("A" if token[-4] != "A" else "B") + token[-3:]
    with time_machine.travel(START + timedelta(days=30), tick=False), pytest.raises(TokenInvalid):
        TOKENS.read(Purpose.FORM, forged)


@pytest.mark.rule("C10", "D2", "D4")
@pytest.mark.parametrize("purpose", [Purpose.UNSUBSCRIBE, Purpose.VIEW, Purpose.NOT_ME])
def test_a_mailed_link_works_three_years_and_two_rotations_later(purpose: Purpose) -> None:
    with time_machine.travel(START, tick=False):
        token = tokens(key("k1")).sign(purpose, b"payload")
    rotated = tokens(key("k1", retired=True), key("k2", retired=True), key("k3"))
    with time_machine.travel(START + timedelta(days=3 * 366), tick=False):
        assert rotated.read(purpose, token) == b"payload"


@pytest.mark.rule("D2")
@pytest.mark.parametrize("purpose", [Purpose.CONFIRM, Purpose.FORM])
def test_a_short_lived_token_dies_with_its_key(purpose: Purpose) -> None:
    token = tokens(key("k1")).sign(purpose, b"payload")
    assert tokens(key("k1"), key("k2")).read(purpose, token) == b"payload"
    with pytest.raises(TokenInvalid):
        tokens(key("k1", retired=True), key("k2")).read(purpose, token)


@pytest.mark.rule("D2")
def test_the_newest_key_signs() -> None:
    assert tokens(key("k1"), key("k2")).sign(Purpose.VIEW, b"").endswith(".k2")


def test_a_token_cannot_be_moved_to_another_key_id() -> None:
    both = tokens(key("k1"), key("k2"))
    token = both.sign(Purpose.VIEW, b"payload")
    with pytest.raises(TokenInvalid):
        both.read(Purpose.VIEW, token[:-1] + "1")


@pytest.mark.rule("D3")
def test_a_form_left_open_for_a_day_still_works_and_a_second_later_does_not() -> None:
    with time_machine.travel(START, tick=False):
        token = TOKENS.sign(Purpose.FORM, b"")
    with time_machine.travel(START + timedelta(days=1), tick=False):
        assert TOKENS.read(Purpose.FORM, token) == b""
    with time_machine.travel(START + timedelta(days=1, seconds=1), tick=False), pytest.raises(TokenExpired):
        TOKENS.read(Purpose.FORM, token)
