"""The compact set of addresses seen: a set, told apart by kind."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from mailer.subscribers.importing.seen import Seen


@given(st.lists(st.tuples(st.binary(min_size=8, max_size=8), st.integers(0, 7)), max_size=200))
def test_it_answers_as_a_set_does(hashes: list[tuple[bytes, int]]) -> None:
    seen, plain = Seen(), set()
    for email_hash, kind in hashes:
        number = (int.from_bytes(email_hash, "big") + kind * 0x9E3779B97F4A7C15) % 2**64 or 1
        assert seen.add(email_hash, kind=kind) == (number not in plain)
        plain.add(number)


def test_it_grows_and_forgets_nothing() -> None:
    seen = Seen()
    hashes = [hashlib.sha256(str(number).encode()).digest() for number in range(50_000)]
    assert all(seen.add(email_hash) for email_hash in hashes)
    assert not any(seen.add(email_hash) for email_hash in hashes)
    assert all(seen.add(email_hash, kind=3) for email_hash in hashes[:100])


def test_the_hash_of_zeros_is_remembered_like_any_other() -> None:
    seen = Seen()
    assert seen.add(bytes(32))
    assert not seen.add(bytes(32))
