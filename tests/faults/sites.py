"""Sites for the fault tests: one list, one campaign that is due, people by name; built once, copied often."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.engine import make_url

from mailer import clock
from mailer.addresses import parse_address
from mailer.application import Site, open_site
from mailer.keyring import address_hash, create_secrets
from mailer.site import SiteFolder
from mailer.store import migrate, open_store
from mailer.store.schema import MailingList, Subscriber, Subscription
from mailer.store.vocabulary import SubscriptionState
from tests.conftest import SETTINGS

CAMPAIGN = """\
---
subject: "Resistors are back, {{ subscriber.first_name | default('friend') }}"
preheader: All values of the E24 series.
list: weekly
---
# Resistors are back

Hello {{ subscriber.first_name | default("friend") }}, all values of the E24 series are in stock again.

.A line that begins with a dot, and

.

..one that is nothing but dots: ...

[See the shelf](http://127.0.0.1:8025/shelf)
"""
_ROWS = 5_000  # written at once


def plain_names(people: int) -> list[str]:
    """p0000, p0001 and so on."""
    return [f"p{number:04}" for number in range(people)]


def settings_text(port: int, *, sending: str, relay: str) -> str:
    """mailer.toml of a site that sends to this port."""
    found = SETTINGS.replace("port = 2525", f"port = {port}").replace('tls = "none"', relay)
    return found.replace("[sending]\n", f"[sending]\n{sending}\n")


def environ_of(url: str | None) -> dict[str, str]:
    """What `open_site` is to know of the environment."""
    return {"MAILER_DATABASE__URL": url} if url else {}


def build_site(
    root: Path, names: Sequence[str], *, url: str | None = None, fields: Mapping[str, str] | None = None
) -> None:
    """Write a site, its people and a campaign that is due; settings come when it is used.

    `fields` are first names by the name of who has another one than usual.
    """
    folder = SiteFolder(root)
    folder.settings_path.write_text(settings_text(2525, sending="", relay='tls = "none"'))
    create_secrets(folder.secrets_path)
    (folder.campaigns / "parts").mkdir(parents=True)
    (folder.campaigns / "parts" / "campaign.md").write_text(CAMPAIGN)
    store = open_store(url or "sqlite:///data/mailer.db", root=root)
    migrate.upgrade(store)
    store.dispose()
    site = open_site(root, environ_of(url))
    try:
        _add_people(site, names, fields or {})
        site.campaigns.schedule("parts", "now", expect=len(names))
        site.store.empty_log()
    finally:
        site.close()


def _add_people(site: Site, names: Sequence[str], fields: Mapping[str, str]) -> None:
    now = clock.now()
    for start in range(0, len(names), _ROWS):
        people, subscriptions = [], []
        with site.store.write() as connection:
            list_id = connection.execute(
                select(MailingList.id).where(MailingList.name == "weekly")
            ).scalar_one()
            for number, name in enumerate(names[start : start + _ROWS], start + 1):
                address = parse_address(f"{name}@example.net")
                people.append(
                    {
                        "id": number,
                        "email": str(address),
                        "email_key": address.key,
                        "email_hash": address_hash(site.secrets, address),
                        "domain": address.domain,
                        "language": "en",
                        "fields": {"first_name": fields.get(name, f"Ada{number}")},
                        "created_at": now,
                        "updated_at": now,
                    }
                )
                subscriptions.append(_subscription(number, list_id, now))
            connection.execute(insert(Subscriber), people)
            connection.execute(insert(Subscription), subscriptions)


def _subscription(subscriber_id: int, list_id: int, now: Any) -> dict[str, Any]:
    return {
        "subscriber_id": subscriber_id,
        "list_id": list_id,
        "tag": os.urandom(16),
        "state": SubscriptionState.CONFIRMED,
        "source": "form",
        "requested_at": now,
        "confirmed_at": now,
    }


@dataclass(frozen=True)
class Template:
    """A built site that rounds copy: a folder and, on PostgreSQL, a database beside it."""

    root: Path
    people: int
    url: str | None = None

    def copy(self, root: Path) -> str | None:
        """The same site at `root`; returns the URL of its own database, if it is not in the folder."""
        shutil.copytree(self.root, root)
        if self.url is None:
            return None
        original = make_url(self.url)
        name = f"round_{os.urandom(6).hex()}"
        _sql(self.url, f"CREATE DATABASE {name} TEMPLATE {original.database}")
        return original.set(database=name).render_as_string(hide_password=False)


def prepare_template(root: Path, people: int, *, cluster_url: str | None = None) -> Template:
    """Build a template; `cluster_url` names a PostgreSQL cluster to make a database in."""
    url = None
    if cluster_url is not None:
        name = f"template_{os.urandom(6).hex()}"
        _sql(cluster_url, f"CREATE DATABASE {name} TEMPLATE template0")
        url = make_url(cluster_url).set(database=name).render_as_string(hide_password=False)
    root.mkdir(parents=True)
    build_site(root, plain_names(people), url=url)
    return Template(root, people, url)


def drop_database(url: str) -> None:
    """Remove a round's database, whoever still is connected."""
    _sql(url, f"DROP DATABASE {make_url(url).database} WITH (FORCE)")


def _sql(url: str, statement: str) -> None:
    engine = create_engine(make_url(url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
