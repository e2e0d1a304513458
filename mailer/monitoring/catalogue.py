"""Every metric by name: what it says and which labels it has; the dashboard and the alert rules are held to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Metric:
    """One gauge, read from the database; hosts that share a database tell the same."""

    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a metric; `labels` in the catalogue's order."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


DATABASE_UP = "mailer_database_up"
GAUGES: Mapping[str, Metric] = MappingProxyType(
    {
        DATABASE_UP: Metric("1 while the database answers; without it all others below are missing."),
        "mailer_campaigns": Metric("Campaigns by state.", ("state",)),
        "mailer_campaign_deliveries": Metric(
            "Messages by state, of campaigns that are sending, paused, or ended within a day.",
            ("campaign", "state"),
        ),
        "mailer_campaign_reports": Metric(
            "Bounces and complaints of those campaigns, so far.", ("campaign", "kind")
        ),
        "mailer_system_waiting": Metric("Confirmations and proofs that wait for being sent."),
        "mailer_system_overdue_seconds": Metric("For how long the oldest of them has been due."),
        "mailer_signups_waiting": Metric("Sign-ups that nobody has looked at yet."),
        "mailer_reports_last_hour": Metric("Bounces and complaints of the last hour.", ("severity", "fault")),
        "mailer_provider_reports_last_hour": Metric(
            "The same, of the 20 mailbox providers with the most.", ("provider", "severity")
        ),
        "mailer_returned_mails": Metric(
            "Messages that came back and are waiting, for review, or unreadable.", ("state",)
        ),
        "mailer_returned_waiting_seconds": Metric("For how long the oldest waiting one has been kept."),
        "mailer_holds": Metric("People who are held for a day after a hard bounce."),
        "mailer_freezes": Metric("Freezes that wait for a person's decision."),
        "mailer_alerts": Metric("Alerts to ops that still wait, or were given up.", ("state",)),
        "mailer_workers": Metric("Senders that run, and that fell silent without stopping.", ("state",)),
        "mailer_relay_limit": Metric("Messages per second that a relay is held to.", ("relay",)),
        "mailer_relay_stopped_seconds": Metric("For how long nothing leaves through a relay.", ("relay",)),
        "mailer_providers_stopped": Metric("Mailbox providers to which nothing leaves for now."),
        "mailer_ledger_unsealed": Metric("Records that the ledger's chain does not cover yet."),
        "mailer_subscriptions": Metric("Subscriptions by list and state; read rarely.", ("list", "state")),
        "mailer_suppressions": Metric("Suppressions by reason; read rarely.", ("reason",)),
        "mailer_scrape_seconds": Metric("How long reading these figures took."),
    }
)
REQUESTS = "mailer_http_requests_total"
DURATIONS = "mailer_http_request_seconds"
#: What each process tells of itself.
OF_PROCESS: Mapping[str, Metric] = MappingProxyType(
    {
        REQUESTS: Metric("Requests of this process.", ("method", "route", "status")),
        DURATIONS: Metric("How long they took.", ("route",)),
    }
)
