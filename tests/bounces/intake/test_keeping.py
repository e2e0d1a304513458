"""What came back is kept raw, once, and comes out as it went in (A79, A89)."""

from __future__ import annotations

import zlib

import pytest
from sqlalchemy import select, update

from mailer.bounces.intake import keep, raw_of
from mailer.store import Store
from mailer.store.schema_returns import ReturnedMail

MAIL = b"From: mx@relay.example\r\nSubject: Undelivered\r\n\r\nNo such user: \xff\x00 anna@reader.example\r\n"


def only_id(store: Store) -> int:
    """The id of the one mail that is kept."""
    with store.read() as connection:
        return connection.scalars(select(ReturnedMail.id)).one()


def test_a_message_waits_with_all_that_is_known_about_it(store: Store) -> None:
    assert keep(store, MAIL, source="imap:bounces", envelope_to="bounce+00@bounce.shop.example")
    with store.read() as connection:
        row = connection.execute(select(ReturnedMail.__table__)).one()
        assert raw_of(connection, row.id) == MAIL
    assert (row.source, row.size, row.state.value) == ("imap:bounces", len(MAIL), "waiting")
    assert row.envelope_to == "bounce+00@bounce.shop.example"
    assert zlib.decompress(row.raw) == MAIL
    assert row.kind is row.read_at is None


@pytest.mark.rule("A79")
def test_the_same_message_twice_counts_once(store: Store) -> None:
    assert keep(store, MAIL, source="imap:bounces")
    assert not keep(store, MAIL, source="pop3:other")
    only_id(store)


def test_line_ends_of_a_file_make_no_other_message(store: Store) -> None:
    assert keep(store, MAIL, source="imap:bounces")
    assert not keep(store, MAIL.replace(b"\r\n", b"\n"), source="file")


def test_an_event_counts_once_by_the_digest_that_its_provider_gives(store: Store) -> None:
    assert keep(store, b"{}", source="webhook:ses", digest=b"a" * 32)
    assert not keep(store, b"{ }", source="webhook:ses", digest=b"a" * 32)
    assert keep(store, b"{}", source="webhook:ses", digest=b"b" * 32)


def test_an_empty_message_is_kept_like_any_other(store: Store) -> None:
    assert keep(store, b"", source="pipe")
    with store.read() as connection:
        assert raw_of(connection, only_id(store)) == b""


def test_an_address_with_bytes_that_no_database_takes_stops_nothing(store: Store) -> None:
    assert keep(store, MAIL, source="listener", envelope_to="a\0b\udcff@shop.example")


def test_nothing_is_kept_of_whom_nobody_knows(store: Store) -> None:
    with store.read() as connection:
        assert raw_of(connection, 17) is None


def test_a_row_that_unpacks_to_more_than_it_says_gives_what_it_says(store: Store) -> None:
    keep(store, MAIL, source="pipe")
    with store.write() as connection:
        connection.execute(update(ReturnedMail).values(raw=zlib.compress(b"0" * 50_000_000), size=100))
    with store.read() as connection:
        assert raw_of(connection, only_id(store)) == b"0" * 100
