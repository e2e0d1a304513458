"""Every setting: its type, its default and what it means; the annotated file is printed from here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from mailer.settings.alerts import AlertsSettings
from mailer.settings.bounces import BouncesSettings
from mailer.settings.breakers import BreakersSettings
from mailer.settings.dkim import DkimSettings, is_aligned
from mailer.settings.doctor import DoctorSettings
from mailer.settings.hooks import HooksSettings
from mailer.settings.listener import ListenerSettings
from mailer.settings.mailbox import MailboxSettings
from mailer.settings.metrics import LoggingSettings, MetricsSettings
from mailer.settings.ops import OpsSettings
from mailer.settings.pace import PaceSettings
from mailer.settings.section import Section
from mailer.settings.smtp import SmtpSettings, StreamName
from mailer.settings.values import (
    MAX_GIVE_UP_HOURS,
    UNLIMITED,
    Addresses,
    AddressText,
    Hosts,
    HostText,
    Line,
    Lines,
    ListIdText,
    MailboxText,
    Names,
    Networks,
    RateText,
    UrlText,
    ZoneText,
    is_loopback,
)

Language = Literal["en", "de"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
#: Names a merge field cannot have: templates already know them as `subscriber.<name>`.
RESERVED_FIELDS = frozenset({"email", "language"})
_TYPES: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "number": (int, float),
    "boolean": bool,
    "date": date,
}
_NOTHING: dict[str, Any] = {"text": "", "number": None, "boolean": False, "date": None}


class SiteSettings(Section):
    """Who you are, in law and on the web."""

    name: Line = Field(description="Name of the site, as subscribers read it on pages and in mails.")
    legal_name: Line = Field(description="Legal name of the sender; every mailing states it.")
    base_url: UrlText = Field(
        description="Public address of this site, https; only this machine itself may be reached by http."
    )
    postal_address: Lines = Field(
        description="Postal address where letters reach you; every mailing states it."
    )
    privacy_contact: AddressText = Field(
        description="Mail address for questions about stored data; on every page and in every mailing. Read it."
    )
    imprint_url: UrlText | None = Field(None, description="Page with your imprint, where the law wants one.")
    timezone: ZoneText = Field("UTC", description="Time zone in which times are shown and understood.")
    language: Language = Field("en", description="Language when nothing else tells: en or de.")

    @property
    def host(self) -> str:
        """The host name of `base_url`."""
        return urlsplit(self.base_url).hostname or ""


class DatabaseSettings(Section):
    """Where people, consent, schedules and deliveries are kept."""

    url: Line = Field(
        "sqlite:///data/mailer.db",
        repr=False,
        description="sqlite:///FILE below this folder, or postgresql+psycopg://USER@HOST/NAME for many hosts; "
        "give a password by the environment: MAILER_DATABASE__URL.",
    )

    @field_validator("url")
    @classmethod
    def _known(cls, url: str) -> str:
        if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError('must begin with "sqlite:///" or "postgresql+psycopg://".')
        if url.removeprefix("sqlite:///") in ("", ":memory:"):
            raise ValueError("names no file; what people asked for must outlive the program.")
        try:
            _ = urlsplit(url).port
        except ValueError:
            raise ValueError("has no number where its port should be.") from None
        return url


class SendingSettings(Section):
    """How fast, how long, and with which return address mail leaves."""

    return_path: AddressText = Field(
        description="Where bounces go; each recipient gets an own tag: bounce+TAG@bounce.shop.example."
    )
    route: Name | None = Field(
        None, description="The one [smtp.NAME] to send everything through; default: all, each by its weight."
    )
    rate: RateText = Field(
        UNLIMITED, description='"unlimited", or messages per time: "10/s", "600/min", "36000/h".'
    )
    connections: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Connections of one host to each relay; default: what the relay's own section says.",
    )
    workers: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Sender processes of one host, never more than connections to any relay that has a share; "
        "default: one for each core. The first one keeps a connection free for confirmations, where it has two.",
    )
    batch_size: int = Field(
        1000,
        ge=1,
        le=1000,
        description="The most recipients that a sender process holds claimed and not yet recorded. So many are in "
        "doubt when its host never returns.",
    )
    journal_sync: bool = Field(
        False,
        description="Whether the journal is on the disk before a message may leave. Then a power cut leaves at most "
        "one message per connection in doubt; it costs speed, `make bench` prints how much.",
    )
    system_share: float = Field(
        0.2, gt=0, lt=1, description="Share of the rate kept free for confirmations while a campaign runs."
    )
    audience_drift: float = Field(
        0.05,
        ge=0,
        le=1,
        description="By how much the audience may differ from the approved count at the start.",
    )
    first_retry_minutes: float = Field(
        30, gt=0, description="Minutes before a deferred message is tried again."
    )
    retry_hours: float = Field(2.5, gt=0, description="Hours between later attempts (RFC 5321 4.5.4.1).")
    give_up_hours: float = Field(
        108, gt=0, le=MAX_GIVE_UP_HOURS, description="Hours after which a deferred message expires."
    )
    stop_seconds: float = Field(30, ge=1, description="Seconds that a stop waits for messages in flight.")
    max_message_kb: int = Field(1024, ge=16, le=20480, description="Largest message that may leave, in KiB.")
    proof_addresses: Addresses = Field(
        (), description="Your colleagues: the only addresses that a proof of a campaign may be sent to."
    )
    message_id_domain: HostText | None = Field(
        None, description="Right side of Message-IDs; default: the host of base_url, or of return_path."
    )

    @property
    def return_path_domain(self) -> str:
        """The domain of `return_path`."""
        return self.return_path.rpartition("@")[2]


class PrivacySettings(Section):
    """What is kept, for how long, and what a sign-up form lets through."""

    unconfirmed_days: int = Field(7, ge=1, le=30, description="Days until an unconfirmed sign-up is deleted.")
    asset_hosts: Hosts = Field(
        (), description="Further image hosts that you yourself operate; every other host is refused."
    )
    per_address_day: int = Field(1, ge=1, le=10, description="Confirmation mails to one address in 24 hours.")
    per_address_month: int = Field(3, ge=1, le=30, description="The same in 30 days, while unconfirmed.")
    per_ip_hour: int = Field(20, ge=1, description="Sign-ups from one IPv4 address or IPv6 /64 in an hour.")
    per_domain_hour: int = Field(200, ge=1, description="Confirmation mails to one domain in an hour.")
    global_hour: int = Field(2000, ge=1, description="Confirmation mails in an hour, all together.")
    invitations_hour: int = Field(
        1000, ge=1, description="Confirmation mails in an hour that `import --invite` sends, beside those."
    )


class WebSettings(Section):
    """Where the web pages listen."""

    host: HostText = Field("127.0.0.1", description="Address to listen on; put a TLS proxy in front of it.")
    port: int = Field(8025, ge=1, le=65535, description="Port to listen on.")
    trusted_proxies: Networks = Field(
        (), description="Addresses of your own proxies; only they are believed about a client's address."
    )
    client_ip_header: Line = Field(
        "x-forwarded-for", description="Header in which those proxies name the client."
    )


class ListSettings(Section):
    """A list that people join."""

    title: Line = Field(description="Title, as subscribers read it.")
    from_mailbox: MailboxText = Field(alias="from", description="Who the mails are from: Name <address>.")
    reply_to: MailboxText | None = Field(None, description="Where answers go, if not to that address.")
    list_id: ListIdText = Field(description="Name of the list for mail programs (RFC 2919); never change it.")
    description: Line = Field(description="What people get, in one sentence; on the sign-up page.")
    frequency: Line = Field(description="How often; on the sign-up page.")
    public: bool = Field(True, description="Whether anyone may sign up on the web.")


class FieldSettings(Section):
    """A merge field: subscriber.<name> in templates."""

    type: Literal["text", "number", "boolean", "date"] = Field(
        "text", description="text, number, boolean or date."
    )
    default: Any = Field(None, description="Value for people of whom it is not known.")
    columns: Names = Field((), description="Headings of CSV columns that hold it.")
    label: Line | None = Field(None, description="Its name for people; default: the field's name.")
    on_form: bool = Field(False, description="Whether the sign-up form asks for it; it is never required.")

    @field_validator("default")
    @classmethod
    def _fits(cls, default: Any, info: ValidationInfo) -> Any:
        kind = info.data.get("type")
        if kind is None or default is None:
            return default
        if not isinstance(default, _TYPES[kind]) or (kind == "number" and isinstance(default, bool)):
            raise ValueError(f"is no {kind}, which this field holds.")
        return default

    @property
    def empty(self) -> Any:
        """What the field holds when nobody said: the default, or nothing of its type."""
        return _NOTHING[self.type] if self.default is None else self.default


class Settings(Section):
    """Everything in mailer.toml."""

    site: SiteSettings = Field(description="Who you are, in law and on the web.")
    database: DatabaseSettings = Field(DatabaseSettings(), description="Where data is kept.")
    smtp: dict[Name, SmtpSettings] = Field(min_length=1, description="The relays that take your mail.")
    sending: SendingSettings = Field(description="How mail leaves.")
    pace: PaceSettings = Field(PaceSettings(), description="How sending adapts to what is taken.")
    privacy: PrivacySettings = Field(PrivacySettings(), description="What is kept, for how long.")
    web: WebSettings = Field(WebSettings(), description="Where the web pages listen.")
    ops: OpsSettings = Field(OpsSettings(), description="How staff get at /ops.")
    bounces: BouncesSettings = Field(BouncesSettings(), description="What comes back by mail.")
    mailbox: dict[Name, MailboxSettings] = Field(
        default_factory=dict, description="The mailboxes that it arrives in."
    )
    listener: ListenerSettings = Field(
        ListenerSettings(), description="The door at which your mail server hands it over."
    )
    hooks: HooksSettings = Field(HooksSettings(), description="What mail providers tell by webhook.")
    dkim: DkimSettings = Field(DkimSettings(), description="With which keys mail is signed.")
    doctor: DoctorSettings = Field(DoctorSettings(), description="What `mailer doctor` must be told.")
    breakers: BreakersSettings = Field(BreakersSettings(), description="When a campaign is paused by itself.")
    alerts: AlertsSettings = Field(AlertsSettings(), description="Where you are told what is wrong.")
    metrics: MetricsSettings = Field(MetricsSettings(), description="What Prometheus is told.")
    logging: LoggingSettings = Field(LoggingSettings(), description="How the log is written.")
    lists: dict[Name, ListSettings] = Field(min_length=1, description="The lists that people join.")
    fields: dict[FieldName, FieldSettings] = Field(default_factory=dict, description="The merge fields.")

    @field_validator("sending")
    @classmethod
    def _route_exists(cls, sending: SendingSettings, info: ValidationInfo) -> SendingSettings:
        relays = info.data.get("smtp")
        if relays is None:
            return sending
        if sending.route is not None and sending.route not in relays:
            raise ValueError(f'route "{sending.route}" is no [smtp.NAME]; there is: {", ".join(relays)}.')
        if sending.route is None and (stream := _untaken(relays)):
            raise ValueError(
                f'has no relay for {stream} mail; add "{stream}" to the streams of an [smtp.NAME].'
            )
        return sending

    @field_validator("lists")
    @classmethod
    def _ids_differ(cls, lists: dict[str, ListSettings]) -> dict[str, ListSettings]:
        seen: dict[str, str] = {}
        for name, entry in lists.items():
            if entry.list_id in seen:
                raise ValueError(
                    f"{seen[entry.list_id]} and {name} have the same list_id; each needs its own."
                )
            seen[entry.list_id] = name
        return lists

    @field_validator("lists")
    @classmethod
    def _signed_for(cls, lists: dict[str, ListSettings], info: ValidationInfo) -> dict[str, ListSettings]:
        dkim = info.data.get("dkim")
        for name, entry in lists.items():
            domain = entry.from_mailbox.address.domain
            if dkim is not None and not is_aligned(domain, dkim.signing_domain(domain)):
                raise ValueError(
                    f"{name} is from {domain}, which [dkim] domain {dkim.domain} does not sign for; "
                    "name a domain of which every From is, or leave it out."
                )
        return lists

    @field_validator("fields")
    @classmethod
    def _not_reserved(cls, fields: dict[str, FieldSettings]) -> dict[str, FieldSettings]:
        for name in RESERVED_FIELDS & fields.keys():
            raise ValueError(f"{name} is a name that templates already have; choose another.")
        return fields

    @property
    def relay_name(self) -> str:
        """The name of the main [smtp.NAME]: the route, or the first that takes campaigns."""
        return self.sending.route or next(
            name for name, relay in self.smtp.items() if "campaign" in relay.streams
        )

    @property
    def relay(self) -> SmtpSettings:
        """The main relay; all of them: `mailer.settings.relay.relays_in_use`."""
        return self.smtp[self.relay_name]

    @property
    def message_id_domain(self) -> str:
        """The right side of Message-IDs: a name the operator owns, never `localhost` (A26)."""
        host = self.site.host
        named = "." in host and not host.replace(".", "").isdigit() and not is_loopback(host)
        return self.sending.message_id_domain or (host if named else self.sending.return_path_domain)


def _untaken(relays: Mapping[str, SmtpSettings]) -> StreamName | None:
    """A kind of mail that no relay takes."""
    streams: tuple[StreamName, ...] = ("campaign", "system")
    return next((one for one in streams if all(one not in relay.streams for relay in relays.values())), None)
