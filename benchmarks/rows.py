"""A database with as many delivery rows as asked for, written by the database itself: quick at millions."""

from __future__ import annotations

from sqlalchemy import Connection

from mailer.store import Store

#: Each to everybody; the last three are sending, with a quarter of their people still waiting.
CAMPAIGNS = 5
SENDING = 3

_SQLITE = {
    "false": "0",
    "now": "'2026-11-22 09:00:00.000000'",
    "series": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {last})",
    "octets": "CAST(printf('%0{size}d', n) AS BLOB)",
}
_POSTGRESQL = {
    "false": "false",
    "now": "timestamptz '2026-11-22 09:00:00+00'",
    "series": "WITH s(n) AS (SELECT generate_series(1, {last}))",
    "octets": "convert_to(lpad(n::text, {size}, '0'), 'UTF8')",
}


def fill(store: Store, count: int) -> None:
    """Write about `count` deliveries of several campaigns into an empty database."""
    people = count // CAMPAIGNS
    words = _SQLITE if store.is_sqlite else _POSTGRESQL
    with store.write() as connection:
        if not store.is_sqlite:  # its own rows need no check row by row
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        _write(connection, words, CAMPAIGNS, _CAMPAIGNS)
        _write(connection, words, people, _PEOPLE)
        for campaign in range(1, CAMPAIGNS + 1):
            sending = campaign > CAMPAIGNS - SENDING
            settled = people * 3 // 4 if sending else people
            _write(connection, words, people, _DELIVERIES, campaign=campaign, settled=settled)


def _write(connection: Connection, words: dict[str, str], last: int, statements: str, **given: int) -> None:
    octets, series = words["octets"], words["series"].format(last=last)
    filled = statements.format(
        **given,
        now=words["now"],
        no=words["false"],
        tag6=octets.format(size=6),
        tag16=octets.format(size=16),
        hash32=octets.format(size=32),
        sending=CAMPAIGNS - SENDING,
        series=series,
    )
    for statement in filled.split(";"):
        connection.exec_driver_sql(statement)


_CAMPAIGNS = """
INSERT INTO lists (name, list_id, title, created_at) VALUES ('news', 'news.shop.example', 'News', {now});
{series} INSERT INTO artefacts (hash, content, created_at)
SELECT CAST(n AS VARCHAR(64)), {tag6}, {now} FROM s;
{series} INSERT INTO campaigns (tag, slug, subject, list_id, state, artefact_hash, scheduled_at, timezone,
    expected_count, drift_approved, created_at, audience_bound, audience_count, materialised_upto)
SELECT {tag6}, 'week', 'Parts', 1, CASE WHEN n > {sending} THEN 'sending' ELSE 'finished' END,
    CAST(n AS VARCHAR(64)), {now}, 'UTC', 1, {no}, {now}, 1, 1, 1 FROM s
"""
_PEOPLE = """
{series} INSERT INTO subscribers (email, email_key, email_hash, domain, language, fields, created_at, updated_at)
SELECT 'reader' || n || '@shop.example', 'reader' || n || '@shop.example', {hash32}, 'shop.example', 'en',
    '{{}}', {now}, {now} FROM s;
{series} INSERT INTO subscriptions (subscriber_id, list_id, tag, state, source, requested_at, confirmed_at)
SELECT n, 1, {tag16}, 'confirmed', 'form', {now}, {now} FROM s
"""
_DELIVERIES = """
{series} INSERT INTO deliveries (stream, kind, campaign_id, subscription_id, domain, state, attempts,
    next_attempt_at, settled_at, created_at)
SELECT {campaign}, 'campaign', {campaign}, n, 'shop.example',
    CASE WHEN n <= {settled} THEN 'accepted' ELSE 'queued' END, CASE WHEN n <= {settled} THEN 1 ELSE 0 END,
    CASE WHEN n <= {settled} THEN NULL ELSE {now} END, CASE WHEN n <= {settled} THEN {now} END, {now} FROM s
"""
