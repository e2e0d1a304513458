"""Rows are written in the order of their hashes, a window at a time, each once and no address twice at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.addresses import parse_address
from mailer.subscribers.importing import windows
from mailer.subscribers.importing.options import Standing
from mailer.subscribers.importing.rows import ImportRow
from mailer.subscribers.importing.windows import collector_at_rest, slices
from mailer.tokens import TAG_BYTES

ADA = parse_address("ada@shop.example")


def row(line: int, email_hash: bytes) -> ImportRow:
    return ImportRow(line, ADA, email_hash, Standing.SUBSCRIBED, None, True, None, {}, None)


rows = st.lists(st.binary(min_size=1, max_size=2), max_size=40).map(
    lambda hashes: [row(line, email_hash) for line, email_hash in enumerate(hashes, start=2)]
)
sizes = st.lists(st.integers(1, 9), min_size=1, max_size=5)


def cut(given_rows: list[ImportRow], wanted: list[int]) -> list[list[ImportRow]]:
    sizes = cycle(wanted)
    return list(slices(iter(given_rows), size=lambda: next(sizes)))


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "WINDOW_ROWS", 16)


@given(rows, sizes)
def test_every_row_comes_once(given_rows: list[ImportRow], wanted: list[int]) -> None:
    lines = [one.line for part in cut(given_rows, wanted) for one in part]
    assert sorted(lines) == [one.line for one in given_rows]


@given(rows, sizes)
def test_no_slice_is_empty_longer_than_wanted_or_holds_an_address_twice(
    given_rows: list[ImportRow], wanted: list[int]
) -> None:
    for part in cut(given_rows, wanted):
        hashes = [one.email_hash for one in part]
        assert 0 < len(hashes) == len(set(hashes)) <= max(wanted)
        assert hashes == sorted(hashes)


@given(rows, sizes)
def test_the_later_row_of_one_address_is_written_later(
    given_rows: list[ImportRow], wanted: list[int]
) -> None:
    last: dict[bytes, int] = {}
    for part in cut(given_rows, wanted):
        for one in part:
            assert last.get(one.email_hash, 0) < one.line
            last[one.email_hash] = one.line


@given(rows)
def test_every_row_has_a_random_tag_of_its_own(given_rows: list[ImportRow]) -> None:
    tags = [one.tag for part in cut(given_rows, [7]) for one in part]
    assert len(set(tags)) == len(tags)
    assert all(len(tag) == TAG_BYTES for tag in tags)


def test_tags_of_two_cuts_have_nothing_in_common() -> None:
    same = [row(line, bytes([line])) for line in range(10)]
    first = {one.tag for part in cut(same, [5]) for one in part}
    assert first.isdisjoint(one.tag for part in cut(same, [5]) for one in part)


def test_no_more_than_a_window_is_read_ahead() -> None:
    read = []

    def endless() -> Iterator[ImportRow]:
        for line in range(10_000):
            read.append(line)
            yield row(line, line.to_bytes(2, "big"))

    next(slices(endless(), size=lambda: 4))
    assert len(read) == windows.WINDOW_ROWS


def test_the_collector_works_again_afterwards_whatever_happened() -> None:
    with pytest.raises(KeyboardInterrupt), collector_at_rest():
        assert not gc.isenabled()
        raise KeyboardInterrupt
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with collector_at_rest():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
