"""The door of /ops, attacked: guessing, replay, fixation, lock-out, and sessions that should be over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from mailer.ops import entrance, passwords
from mailer.ops.model import SignInRefused, TooManyTries
from mailer.store.schema import LedgerEntry, StaffLimit, StaffMember, StaffSession
from mailer.store.vocabulary import StaffRole
from tests.ops.conftest import PASSWORD, Door

pytestmark = pytest.mark.rule("D24")


def test_name_password_and_code_open_a_session(door: Door) -> None:
    session = door.sign_in(" Ada ", code=door.code())
    staff = door.entrance.who(session.token)
    assert staff is not None
    assert (staff.name, staff.role, staff.may_act) == ("ada", StaffRole.OPERATOR, True)


@pytest.mark.parametrize(
    ("name", "password", "code"),
    [
        ("ada", "wrong horse battery", None),
        ("ada", PASSWORD, "000000"),
        ("ada", PASSWORD, ""),
        ("ada", "", None),
        ("nobody", PASSWORD, "000000"),
        ("", "", ""),
        ("ada", PASSWORD, "４２４２４２"),
        ("ada' OR 1=1 --", PASSWORD, "000000"),
        ("x" * 5000, "y" * 5000, "z" * 5000),
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(
    door: Door, name: str, password: str, code: str | None
) -> None:
    with pytest.raises(SignInRefused) as refused:
        door.sign_in(name, password, code)
    assert str(refused.value) == entrance._REFUSED


def test_somebody_unknown_costs_the_same_work_as_somebody_known(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str | None] = []

    def counted(stored: str | None, password: str) -> bool:
        checked.append(stored)
        return passwords.verify_password(stored, password)

    monkeypatch.setattr(entrance, "verify_password", counted)
    for name in ("ada", "nobody"):
        with pytest.raises(SignInRefused):
            door.sign_in(name, "wrong horse battery", "000000")
    assert len(checked) == 2
    assert checked[1] is None  # the hash of nobody's password is computed in its place


def test_a_code_opens_the_door_once(door: Door) -> None:
    code = door.code()
    door.sign_in(code=code)
    with pytest.raises(SignInRefused):
        door.sign_in(code=code, client="198.51.100.9")


def test_an_older_code_is_dead_once_a_newer_one_was_used(door: Door) -> None:
    older = door.code(later=-1)
    door.sign_in(code=door.code())
    with pytest.raises(SignInRefused):
        door.sign_in(code=older)


def test_a_clock_may_be_wrong_by_half_a_minute_and_no_more(door: Door) -> None:
    for wrong in (-2, 2):
        with pytest.raises(SignInRefused):
            door.sign_in(code=door.code(later=wrong))
    door.sign_in(code=door.code(later=-1))


def test_five_tries_are_free_then_one_a_minute(door: Door) -> None:
    for _ in range(5):
        with pytest.raises(SignInRefused):
            door.sign_in(password="wrong horse battery")
    with pytest.raises(TooManyTries) as waits:
        door.sign_in()
    assert waits.value.seconds == pytest.approx(60)
    door.clock.shift(timedelta(seconds=61))
    door.sign_in()


def test_a_refused_try_does_not_make_the_wait_longer(door: Door) -> None:
    for _ in range(5):
        with pytest.raises(SignInRefused):
            door.sign_in(password="wrong horse battery")
    for _ in range(50):
        with pytest.raises(TooManyTries):
            door.sign_in()
    door.clock.shift(timedelta(seconds=61))
    door.sign_in()


def test_one_client_cannot_try_every_name(door: Door) -> None:
    for number in range(20):
        with pytest.raises(SignInRefused):
            door.sign_in(f"name{number}", "wrong horse battery")
    with pytest.raises(TooManyTries):
        door.sign_in("name20", "wrong horse battery")


def test_an_ipv6_network_is_one_client(door: Door) -> None:
    for number in range(5):
        with pytest.raises(SignInRefused):
            door.sign_in(password="wrong horse battery", client=f"2001:db8::{number + 1}")
    with pytest.raises(TooManyTries):
        door.sign_in(password="wrong horse battery", client="2001:db8::ffff")
    with pytest.raises(SignInRefused):
        door.sign_in(password="wrong horse battery", client="2001:db8:0:1::1")


def test_a_flood_from_everywhere_does_not_lock_out_whoever_came_from_here_before(door: Door) -> None:
    door.sign_in(client="192.0.2.7")
    door.clock.shift(timedelta(hours=2))
    with pytest.raises(TooManyTries):
        for number in range(200):
            try:
                door.sign_in(password="wrong horse battery", client=f"198.51.100.{number}")
            except SignInRefused:
                continue
    with pytest.raises(TooManyTries):
        door.sign_in(client="203.0.113.5")  # a stranger, even with the right password
    door.sign_in(client="192.0.2.7")


def test_each_session_has_a_token_of_its_own_and_the_old_one_ends(door: Door) -> None:
    first = door.sign_in()
    door.clock.shift(timedelta(seconds=60))
    second = door.sign_in(old_token=first.token)
    assert first.token != second.token
    assert door.entrance.who(first.token) is None
    assert door.entrance.who(second.token) is not None


def test_a_token_that_an_attacker_has_set_is_never_taken_over(door: Door) -> None:
    planted = "planted" * 6
    session = door.sign_in(old_token=planted)
    assert session.token != planted
    assert door.entrance.who(planted) is None


def test_the_database_holds_neither_token_nor_secret_nor_password(door: Door) -> None:
    session = door.sign_in()
    with door.store.read() as connection:
        rows = [
            tuple(row)
            for table in (StaffMember, StaffSession, StaffLimit)
            for row in connection.execute(select(table.__table__))
        ]
    kept = repr(rows)
    assert session.token not in kept
    assert PASSWORD not in kept
    assert repr(door.secrets["ada"])[2:-1] not in kept
    assert "$argon2id$" in kept


def _disable(door: Door) -> None:
    door.accounts.disable("ada")


def _reset(door: Door) -> None:
    door.accounts.reset("ada", password="another sentence altogether")


def _sign_out(door: Door) -> None:
    with door.store.read() as connection:
        assert connection.scalar(select(StaffSession.staff_id)) is not None
    session = door.sign_in(code=door.code(later=1))
    door.entrance.sign_out(session.token, session.staff)
    assert door.entrance.who(session.token) is None
    door.accounts.disable("ada")


@pytest.mark.parametrize("end", [_disable, _reset, _sign_out])
def test_a_session_ends_at_once(door: Door, end: Callable[[Door], None]) -> None:
    session = door.sign_in()
    assert door.entrance.who(session.token) is not None
    end(door)
    assert door.entrance.who(session.token) is None


def test_a_session_ends_after_its_hours_however_busy_it_is(door: Door) -> None:
    session = door.sign_in()
    for _ in range(23):
        door.clock.shift(timedelta(minutes=30))
        assert door.entrance.who(session.token) is not None
    door.clock.shift(timedelta(minutes=31))
    assert door.entrance.who(session.token) is None


def test_a_session_ends_when_nobody_uses_it(door: Door) -> None:
    session = door.sign_in()
    door.clock.shift(timedelta(minutes=61))
    assert door.entrance.who(session.token) is None


def test_a_page_that_reloads_itself_does_not_keep_a_session_alive(door: Door) -> None:
    session = door.sign_in()
    for _ in range(5):
        door.clock.shift(timedelta(minutes=10))
        assert door.entrance.who(session.token, looks_by_itself=True) is not None
    door.clock.shift(timedelta(minutes=11))
    assert door.entrance.who(session.token, looks_by_itself=True) is None


def test_whoever_is_disabled_does_not_come_in_by_either_way(door: Door) -> None:
    door.accounts.disable("ada")
    with pytest.raises(SignInRefused):
        door.sign_in()
    assert door.entrance.by_proxy("ada") is None


def test_a_proxy_names_only_whom_we_know(door: Door) -> None:
    found = door.entrance.by_proxy("Bob")
    assert found is not None
    assert not found.may_act
    assert door.entrance.by_proxy("mallory") is None


def test_somebody_who_comes_by_proxy_has_no_password_to_guess(door: Door) -> None:
    door.accounts.add("eve", StaffRole.VIEWER, password=None)
    for password in ("", "the password of nobody at all"):
        with pytest.raises(SignInRefused):
            door.sign_in("eve", password, "000000")
    assert door.entrance.by_proxy("eve") is not None


def test_a_form_s_token_belongs_to_one_session(door: Door) -> None:
    token = door.entrance.form_token("one")
    assert door.entrance.is_form_token("one", token)
    for binding, given in (("two", token), ("one", ""), ("one", token[:-1]), ("one", "é" * 64)):
        assert not door.entrance.is_form_token(binding, given)


@pytest.mark.rule("D27")
def test_who_came_and_went_is_in_the_ledger_without_a_secret(door: Door) -> None:
    session = door.sign_in()
    door.entrance.sign_out(session.token, session.staff)
    door.accounts.disable("bob")
    with door.store.read() as connection:
        told = connection.execute(
            select(LedgerEntry.event, LedgerEntry.payload).order_by(LedgerEntry.id)
        ).all()
    assert [row.event for row in told] == [
        *("staff_added", "staff_added", "staff_signed_in", "staff_signed_out", "staff_disabled")
    ]
    assert session.token not in repr(told)
    assert PASSWORD not in repr(told)


def test_old_limits_and_sessions_are_cleared_away(door: Door) -> None:
    door.sign_in()
    door.clock.shift(timedelta(days=40))
    door.sign_in(client="203.0.113.5")
    with door.store.read() as connection:
        assert len(connection.execute(select(StaffSession.staff_id)).all()) == 1
        assert len(connection.execute(select(StaffLimit.free_at)).all()) == 3
