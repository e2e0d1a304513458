"""A site on a bad morning, believable and the same each time: a listing, complaints, a queue, a silent sender."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from mailer.addresses import parse_address
from mailer.application import Site
from mailer.keyring import address_hash
from mailer.store.schema import (
    AlertSending,
    Artefact,
    Campaign,
    Delivery,
    Freeze,
    PaceRow,
    RaisedAlert,
    Report,
    ReturnedMail,
    Subscriber,
    Suppression,
    Worker,
)

PROVIDERS = {
    "google": 44,
    "microsoft": 23,
    "GMX and WEB.DE": 15,
    "yahoo": 7,
    "telekom": 6,
    "apple": 3,
    "posteo": 2,
}
#: kind, severity, cause_group, reason, fault and how often on an ordinary day.
CAUSES = (
    ("bounce", "hard", "bad_address", "userunknown", "recipient", 14),
    ("bounce", "soft", "mailbox_full", "mailboxfull", "recipient", 9),
    ("bounce", "soft", "network", "timeout", "provider", 3),
    ("complaint", "complaint", "complaint", "abuse", "sender", 2),
)
LISTED = ("bounce", "soft", "policy", "listed", "sender", 0)
_NAMES = ("anna", "bela", "cem", "dora", "emil", "fine", "gül", "henrik", "ines", "jonas")
_DAYS = 30


def fill(site: Site, now: datetime) -> None:
    """Write the morning into the site's database."""
    chance = random.Random(47)  # seeded: every picture is the same
    with site.store.write() as connection:
        connection.execute(insert(Artefact).values(hash="0" * 64, content=b"", created_at=now))
        for row in _campaigns(now):
            connection.execute(insert(Campaign).values(**row))
        connection.execute(insert(Delivery), list(_deliveries(now, chance)))
        connection.execute(insert(Report), list(_reports(now, chance)))
        connection.execute(insert(PaceRow), list(_paces(now)))
        connection.execute(insert(Worker), list(_workers(now)))
        connection.execute(insert(ReturnedMail), list(_mails(now)))
        connection.execute(insert(Freeze), [_freeze(now)])
        for table, rows in _people(site, now, chance).items():
            connection.execute(insert(table), rows)
        connection.execute(insert(RaisedAlert), list(_alerts(now)))
        sent = {"channel": "mail", "send_at": None, "tries": 1, "sent_at": now}
        connection.execute(insert(AlertSending), [{"alert_id": 1, **sent}, {"alert_id": 2, **sent}])


def _campaigns(now: datetime) -> Iterator[dict[str, Any]]:
    moments: tuple[tuple[str, str, str, timedelta, str | None], ...] = (
        ("week-47", "Week 47 at the bench", "sending", timedelta(minutes=-38), None),
        (
            "autumn-clearance",
            "The last of the autumn shelf",
            "paused",
            timedelta(hours=-5),
            "38 % of 1,204 messages at microsoft were refused: the sender is listed",
        ),
        ("advent", "Twenty-four small circuits", "scheduled", timedelta(days=5), None),
    )
    for number, (slug, subject, state, when, reason) in enumerate(moments, 1):
        begun = state != "scheduled"
        yield {
            "id": number,
            "tag": bytes([number] * 6),
            "slug": slug,
            "subject": subject,
            "list_id": 1,
            "state": state,
            "reason": reason,
            "artefact_hash": "0" * 64,
            "timezone": "Europe/Berlin",
            "breaker": "provider" if reason else None,
            "expected_count": 11_840,
            "created_at": now,
            "scheduled_at": now + when,
            "started_at": now + when if begun else None,
            "audience_bound": 1 if begun else None,
            "audience_count": 0,
            "materialised_upto": 1,
        }


def _deliveries(now: datetime, chance: random.Random) -> Iterator[dict[str, Any]]:
    stands = {
        1: (("accepted", 4200), ("deferred", 310), ("rejected", 41), ("skipped", 17), ("queued", 2600)),
        2: (("accepted", 2900), ("deferred", 480), ("rejected", 95), ("unknown", 1), ("queued", 700)),
    }
    domains = ("gmail.com", "outlook.com", "hotmail.com", "gmx.de", "web.de", "t-online.de", "yahoo.com")
    for campaign, counts in stands.items():
        for state, count in counts:
            for _ in range(count):
                domain = chance.choice(domains[1:3] if state == "deferred" else domains)
                waits = state in ("queued", "deferred")
                yield {
                    "stream": campaign,
                    "campaign_id": campaign,
                    "kind": "campaign",
                    "state": state,
                    "domain": domain,
                    "created_at": now,
                    "settled_at": None if waits else now,
                    "next_attempt_at": now + timedelta(minutes=chance.randint(1, 50)) if waits else None,
                    "reply_code": 451 if state == "deferred" else None,
                    "status": "4.7.650" if state == "deferred" else None,
                }


def _reports(now: datetime, chance: random.Random) -> Iterator[dict[str, Any]]:
    for day in range(_DAYS):
        for cause in CAUSES:
            # A complaint spike nine days ago; a quarter more on days of sending.
            spike = 14 if day == 9 and cause[0] == "complaint" else 1
            for _ in range(int(cause[5] * spike * chance.uniform(0.6, 1.4))):
                where = chance.choices(list(PROVIDERS), list(PROVIDERS.values()))[0]
                ago = timedelta(days=day, minutes=chance.triangular(0, 1440, 500))
                yield _report(now - ago, cause, where)
    for number in range(140):
        at = now - timedelta(minutes=chance.triangular(0, 400, 120))
        frozen = {"effect": "frozen", "email_hash": number.to_bytes(32, "big")}
        yield _report(at, LISTED, "microsoft") | frozen


def _report(at: datetime, cause: tuple[Any, ...], provider: str) -> dict[str, Any]:
    unset = {"effect": "noted", "email_hash": None}
    names = ("kind", "severity", "cause_group", "reason", "fault")
    return {"received_at": at, "domain": "example.net", "provider": provider, **unset} | dict(
        zip(names, cause[:5], strict=True)
    )


def _paces(now: datetime) -> Iterator[dict[str, Any]]:
    slow = (
        ("provider:microsoft", 0.5, 12, "451 4.7.650: listed, too many from this address"),
        ("provider:yahoo", 4.0, 0, "421 4.7.0 [TSS04]: deferred for complaints"),
        ("relay:main", 80.0, 0, "452 4.3.1: queue is filling up"),
    )
    for key, limit, minutes, cause in slow:
        until = now + timedelta(minutes=minutes) if minutes else None
        yield {"key": key, "limit": limit, "cause": cause, "until": until, "updated_at": now, "memory": {}}


def _workers(now: datetime) -> Iterator[dict[str, Any]]:
    for number, (host, silent, stopped) in enumerate(
        (("post-1", 2, False), ("post-1", 3, False), ("post-2", 214, False), ("post-2", 9000, True)), 1
    ):
        beat = now - timedelta(seconds=silent)
        yield {
            "host": host,
            "pid": 2410 + number,
            "journal": "",
            "heartbeat_at": beat,
            "started_at": now - timedelta(hours=31),
            "stopped_at": beat if stopped else None,
        }


def _mails(now: datetime) -> Iterator[dict[str, Any]]:
    seen = (
        (
            "imap:bounces",
            "unsubscribe",
            "Somebody writes that they want to leave; nothing proves who.",
            "review",
        ),
        ("imap:bounces", "bounce", "It speaks of nobody we wrote to.", "review"),
        ("listener", "bounce", "It names an address, and nothing proves that the mail was ours.", "review"),
        ("pipe", None, None, "unreadable"),
    )
    for number, (source, kind, note, state) in enumerate(seen):
        at = now - timedelta(minutes=7 + 53 * number)
        yield {
            "received_at": at,
            "source": source,
            "digest": bytes([number] * 32),
            "size": 2100,
            "kind": kind,
            "note": note,
            "state": state,
            "rule": None if kind is None else "delivery-status",
        }


def _freeze(now: datetime) -> dict[str, Any]:
    opened = {"opened_at": now - timedelta(hours=5), "last_at": now, "facts": {"failures": 140}}
    return {"scope": "provider", "key": "microsoft", "reason": "policy"} | opened


def _people(site: Site, now: datetime, chance: random.Random) -> dict[Any, list[dict[str, Any]]]:
    people, stopped = [], []
    for number in range(40):
        address = parse_address(
            f"{chance.choice(_NAMES)}{number}@{chance.choice(['example.net', 'example.org'])}"
        )
        key = address_hash(site.secrets, address)
        people.append(
            {
                "email": str(address),
                "email_key": address.key,
                "email_hash": key,
                "language": "de",
                "domain": address.domain,
                "fields": {},
                "created_at": now,
                "updated_at": now,
            }
        )
        reason = chance.choice(["hard_bounce", "unsubscribed", "held", "complaint", "soft_bounce"])
        at = now - timedelta(minutes=31 * (40 - number))
        stopped.append(
            {"email_hash": key, "list_id": 0, "reason": reason, "source": "bounce", "created_at": at}
        )
    return {Subscriber: people, Suppression: stopped}


def _alerts(now: datetime) -> Iterator[dict[str, Any]]:
    told = (
        (
            "campaign_paused",
            "autumn-clearance was paused: listed at microsoft",
            "38 % of 1,204 messages were refused with 5.7.606. Nobody was suppressed for it.",
        ),
        ("worker_silent", "A sender on post-2 is silent", "Its claims have gone to the others."),
    )
    for number, (kind, subject, words) in enumerate(told):
        at = now - timedelta(hours=5 - 4 * number)
        yield {
            "kind": kind,
            "cause": kind,
            "hour_at": at.replace(minute=0),
            "raised_at": at,
            "subject": subject,
            "text": words,
            "facts": {},
        }
