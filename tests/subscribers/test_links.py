"""The links in our mails: only as signed, only for their purpose, for as long as they must work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from mailer.keyring import Secrets, TokenKey
from mailer.subscribers.links import (
    ConfirmClaim,
    read_confirm,
    read_not_me,
    same_nonce,
    sign_confirm,
    sign_not_me,
)
from mailer.tokens import LinkClaim, Purpose, TokenError, TokenInvalid, Tokens, sign_link
from tests.subscribers.conftest import ADA, START, Desk, make_desk, seen

KEY = TokenKey("k1", bytes(range(32)), date(2026, 11, 1))
SECRETS = Secrets(token_keys=(KEY,), address_key=bytes(range(1, 33)), ledger_key=bytes(range(2, 34)))
WEEK = 7 * 86400
TOKENS = Tokens(SECRETS, confirm_seconds=WEEK)


@pytest.fixture(autouse=True)
def _frozen() -> Iterator[None]:
    with time_machine.travel(START, tick=False):
        yield


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=8, max_size=8))
def test_a_confirm_link_says_what_was_signed(tag: bytes, nonce: bytes) -> None:
    assert read_confirm(TOKENS, sign_confirm(TOKENS, tag, nonce=nonce)) == ConfirmClaim(tag, nonce)


@given(st.binary(min_size=32, max_size=32))
def test_a_not_me_link_says_what_was_signed(email_hash: bytes) -> None:
    assert read_not_me(TOKENS, sign_not_me(TOKENS, email_hash)) == email_hash


@pytest.mark.rule("A11")
@given(st.integers(0, 200), st.characters(codec="ascii"))
def test_a_link_with_one_other_character_is_refused(place: int, other: str) -> None:
    token = sign_confirm(TOKENS, bytes(16), nonce=bytes(8))
    place %= len(token)
    if token[place] == other:
        return
    with pytest.raises(TokenError):
        read_confirm(TOKENS, token[:place] + other + token[place + 1 :])


@pytest.mark.rule("A11")
@pytest.mark.parametrize("tail", ["=", "!!", ".", "A", "\n", " "])
def test_a_link_with_something_after_it_is_refused(tail: str) -> None:
    with pytest.raises(TokenInvalid):
        read_not_me(TOKENS, sign_not_me(TOKENS, bytes(32)) + tail)


@pytest.mark.parametrize("payload", [b"", bytes(16), bytes(23), bytes(25)])
def test_a_signed_confirm_payload_of_another_length_is_refused(payload: bytes) -> None:
    with pytest.raises(TokenInvalid):
        read_confirm(TOKENS, TOKENS.sign(Purpose.CONFIRM, payload))


@pytest.mark.parametrize("payload", [b"", bytes(31), bytes(33)])
def test_a_signed_not_me_payload_of_another_length_is_refused(payload: bytes) -> None:
    with pytest.raises(TokenInvalid):
        read_not_me(TOKENS, TOKENS.sign(Purpose.NOT_ME, payload))


def test_a_cleared_nonce_matches_no_link() -> None:
    assert not same_nonce(ConfirmClaim(bytes(16), b""), None)
    assert not same_nonce(ConfirmClaim(bytes(16), bytes(8)), None)
    assert same_nonce(ConfirmClaim(bytes(16), bytes(8)), bytes(8))


ACTS: dict[Purpose, list[Callable[[Desk, str], object]]] = {
    Purpose.CONFIRM: [
        lambda desk, token: desk.joining.look(token),
        lambda desk, token: desk.joining.confirm(token, seen()),
    ],
    Purpose.UNSUBSCRIBE: [
        lambda desk, token: desk.leaving.look(token),
        lambda desk, token: desk.leaving.leave(token, scope="all", via="one-click"),
        lambda desk, token: desk.joining.ask_back(token, seen()),
    ],
    Purpose.NOT_ME: [
        lambda desk, token: desk.joining.look_not_me(token),
        lambda desk, token: desk.joining.not_me(token, seen()),
    ],
}


@pytest.mark.rule("D1", "D4")
@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_token_of_one_purpose_fails_at_every_other_door(desk: Desk, purpose: Purpose) -> None:
    desk.join()
    before = desk.subscription()
    tag = before.tag
    payloads = {
        Purpose.CONFIRM: tag + bytes(8),
        Purpose.NOT_ME: desk.hash(),
        Purpose.FORM: b"",
    }
    token = desk.tokens.sign(purpose, payloads.get(purpose, tag))
    for wanted, acts in ACTS.items():
        if wanted is not purpose:
            for act in acts:
                with pytest.raises(TokenError):
                    act(desk, token)
    assert desk.subscription() == before and desk.reasons() == set()


# --- rotation and age ---


def rotated(secrets: Secrets, *, times: int, retire: bool) -> Secrets:
    """The secrets after so many new keys; older ones retired or not."""
    keys = list(secrets.token_keys)
    for number in range(times):
        keys = [replace(key, retired=key.retired or retire) for key in keys]
        keys.append(TokenKey(f"n{number}", bytes([number + 1]) * 16 + bytes(range(16)), date(2026, 11, 2)))
    return replace(secrets, token_keys=tuple(keys))


@pytest.mark.rule("C10", "D2")
@pytest.mark.parametrize("retire", [False, True])
def test_a_three_year_old_opt_out_link_works_after_two_rotations(desk: Desk, retire: bool) -> None:
    desk.join()
    token = desk.leave_token()
    with time_machine.travel(START + timedelta(days=3 * 365), tick=False) as clock:
        later = make_desk(desk.store, desk.settings, rotated(desk.secrets, times=2, retire=retire), clock)
        assert later.leaving.leave(token, scope="list", via="one-click").state == "left"
        assert later.state() == "unsubscribed"


@pytest.mark.rule("D2")
def test_a_confirm_link_dies_with_its_key_and_a_not_me_link_does_not(desk: Desk) -> None:
    desk.request()
    confirm, block = desk.confirm_token(), desk.not_me_token()
    later = make_desk(desk.store, desk.settings, rotated(desk.secrets, times=1, retire=True), desk.clock)
    with pytest.raises(TokenInvalid):
        later.joining.confirm(confirm, seen())
    later.joining.not_me(block, seen())
    assert later.state() is None


@pytest.mark.rule("D2")
def test_a_confirm_link_outlives_a_rotation_that_retires_nothing(desk: Desk) -> None:
    desk.request()
    confirm = desk.confirm_token()
    later = make_desk(desk.store, desk.settings, rotated(desk.secrets, times=2, retire=False), desk.clock)
    later.joining.confirm(confirm, seen())
    assert later.state() == "confirmed"


@pytest.mark.rule("A11")
def test_the_keys_of_another_site_open_nothing(desk: Desk) -> None:
    desk.join()
    foreign = sign_link(TOKENS, Purpose.UNSUBSCRIBE, LinkClaim(desk.subscription().tag))
    with pytest.raises(TokenInvalid):
        desk.leaving.leave(foreign, scope="all", via="one-click")
    assert desk.state() == "confirmed"


@pytest.mark.rule("D10")
def test_a_not_me_link_works_long_after_the_purge(desk: Desk) -> None:
    token = desk.not_me_token(ADA)
    desk.pass_time(days=400)
    desk.joining.not_me(token, seen())
    assert desk.reasons() == {("not_me", 0)}
