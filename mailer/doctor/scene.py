"""What the checks look at: the settings, the folder, DNS, and from where this site's mail reaches the world."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from mailer.doctor.lookups import Address, Dns
from mailer.doctor.model import Unasked
from mailer.keyring import SecretsInvalid, load_secrets
from mailer.settings import Settings, load_settings
from mailer.settings.relay import ehlo_name, relays_in_use
from mailer.settings.samples import SAMPLE_DOMAIN
from mailer.settings.values import is_loopback
from mailer.site import SiteFolder
from mailer.store import Store, open_store
from mailer.tokens import Tokens

# RFC 2606 section 2, RFC 6761 section 6: names that the world's DNS never knows. `.test` may be a private one.
_NOWHERE = (".example", ".invalid", ".localhost", ".example.com", ".example.net", ".example.org")
_OWN_DOMAINS = "Put domains of your own into [lists.NAME] from and [sending] return_path, then ask again."
_CONNECT_SECONDS, _STATEMENT_SECONDS = 5, 8  # a check runs in a thread, which nobody can end from outside
#: Documentation addresses: a packet is routed towards them, and UDP sends none before there is data.
_FAR = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


@dataclass(frozen=True, slots=True)
class Senders:
    """Addresses from which mail reaches recipients, and how sure that is."""

    addresses: tuple[Address, ...]
    source: str  #: in words: whose they are
    is_certain: bool


@dataclass(frozen=True)
class Scene:
    """One run of the doctor on one site."""

    settings: Settings
    folder: SiteFolder
    dns: Dns
    store: Store | None = None  #: None: there is no database yet
    tokens: Tokens | None = None  #: None: the secrets cannot be read
    secrets_trouble: str = ""  #: why
    proof: bytes | None = None  #: a message as received

    @property
    def is_local(self) -> bool:
        """Whether the pages are on this machine only: nobody else can open a link."""
        return is_loopback(self.settings.site.host)

    @property
    def has_own_server(self) -> bool:
        """Whether a mail server on this machine is the relay, so that its address is ours to look after."""
        return is_loopback(self.settings.relay.host)

    @cached_property
    def bounce_domain(self) -> str:
        """The domain of the envelope sender."""
        return self.settings.sending.return_path_domain

    @cached_property
    def greetings(self) -> dict[str, str]:
        """The name with which each relay is greeted; may wait for this host's resolver."""
        used = relays_in_use(self.settings)
        return {relay.name: ehlo_name(self.settings, relay.smtp) for relay in used}

    @cached_property
    def from_domains(self) -> dict[str, tuple[str, ...]]:
        """Each domain of a From address, and the lists that use it."""
        found: dict[str, tuple[str, ...]] = {}
        for name, entry in self.settings.lists.items():
            domain = entry.from_mailbox.address.domain
            found[domain] = (*found.get(domain, ()), name)
        return found

    @property
    def database_file(self) -> Path | None:
        """SQLite's file; None for a database that is elsewhere."""
        return database_file(self.settings, self.folder.root)

    @property
    def signs(self) -> bool:
        """Whether this program signs with DKIM; else the relay does, or nobody."""
        return self.settings.dkim.signs

    def dkim_domain(self, from_domain: str) -> str | None:
        """The d= of our signature on mail from there; None when the relay signs, if anybody does."""
        return self.settings.dkim.signing_domain(from_domain) if self.signs else None

    @property
    def dkim_key_files(self) -> tuple[Path, ...]:
        """The private keys; to look for them makes no folder."""
        data = self.folder.root / "data"
        return tuple(sorted(self.folder.dkim_keys.glob("*.pem"))) if data.is_dir() else ()

    async def senders(self) -> Senders:
        """From where mail reaches the world, as far as it can be known from here."""
        told = self.settings.doctor.outgoing_addresses
        if told:
            return Senders(tuple(map(ip_address, told)), "[doctor] outgoing_addresses", is_certain=True)
        if self.has_own_server:
            own = tuple(address for address in own_addresses() if address.is_global)
            return Senders(own, "this machine", is_certain=True)
        _, found = await self.dns.addresses(self.settings.relay.host)
        return Senders(found, f"the relay {self.settings.relay.host}", is_certain=False)


def open_scene(folder: SiteFolder, dns: Dns, *, proof: bytes | None = None) -> Scene:
    """The scene of a site as it stands: nothing is made or changed in it. Raises SettingsInvalid."""
    settings = load_settings(folder.settings_path, folder.environ)
    try:
        secrets, trouble = load_secrets(folder.secrets_path), ""
    except SecretsInvalid as error:
        secrets, trouble = None, str(error)
    # A day: the probe's token is used at once, and no link that expires is made.
    tokens = None if secrets is None else Tokens(secrets, confirm_seconds=86_400)
    file = database_file(settings, folder.root)
    exists = file is None or file.is_file()
    store = open_store(_impatient(settings.database.url), root=folder.root) if exists else None
    return Scene(settings, folder, dns, store=store, tokens=tokens, secrets_trouble=trouble, proof=proof)


def _impatient(url: str) -> URL:
    """The address of the database, with an end to the patience of PostgreSQL's client."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return parsed
    limits = {
        "connect_timeout": str(_CONNECT_SECONDS),
        "options": f"-c statement_timeout={_STATEMENT_SECONDS}s",
    }
    return parsed.update_query_dict({key: value for key, value in limits.items() if key not in parsed.query})


def database_file(settings: Settings, root: Path) -> Path | None:
    """Where SQLite's file is or will be; None for a database that is elsewhere."""
    prefix = "sqlite:///"
    url = settings.database.url
    return root / url.removeprefix(prefix).partition("?")[0] if url.startswith(prefix) else None


def own_addresses() -> tuple[Address, ...]:
    """The addresses this machine would speak to the world from; nothing is sent to find out."""
    found: list[Address] = []
    for family, far in _FAR:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 53))
            found.append(ip_address(probe.getsockname()[0]))
    return tuple(found)


def nowhere(domain: str) -> Unasked | None:
    """Why DNS need not be asked about `domain`: it is a sample, or no domain at all."""
    if f".{domain}".endswith(_NOWHERE):
        what = "Still the sample value" if domain.endswith(SAMPLE_DOMAIN) else "A name for examples"
        return Unasked(domain, f"{what}: no DNS knows it.", _OWN_DOMAINS)
    return None
