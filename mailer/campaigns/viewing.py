"""A campaign as one person got it, shown in the browser from its frozen artefact (law 9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, select

from mailer.addresses import EmailAddress, parse_address
from mailer.campaigns.recipients import Linker, Person
from mailer.rendering import CompiledMessage
from mailer.store import Store
from mailer.store.schema import Campaign, Subscriber, Subscription
from mailer.tokens import LinkClaim, Purpose, read_link

#: Stands where the address of somebody would be of whom nothing is stored any more.
_NOBODY = EmailAddress("\N{HORIZONTAL ELLIPSIS}", "\N{HORIZONTAL ELLIPSIS}")


def view_html(
    store: Store, linker: Linker, compiled: Callable[[str], CompiledMessage], token: str
) -> str | None:
    """The HTML part behind a view link; None for a proof or a campaign no longer known.

    The address is shown masked: links are passed on (D23). Changes nothing. `compiled` finds a
    frozen message by its hash. Raises TokenMissing or TokenInvalid.
    """
    claim = read_link(linker.tokens, Purpose.VIEW, token)
    with store.read() as connection:
        campaign = _campaign(connection, claim)
        row = _subscriber(connection, claim)
    if campaign is None or claim.is_proof:
        return None
    message = compiled(campaign.artefact_hash)
    values = linker.values(_reader(row, claim), links=message.links, campaign_tag=claim.campaign_tag)
    return message.html(values)


def _reader(row: Row[Any] | None, claim: LinkClaim) -> Person:
    """Whoever the link was made for, or somebody unknown once they are erased (law 6)."""
    if row is None:
        return Person("nobody", _NOBODY, "", {}, tag=claim.subscription_tag)
    local, _, domain = parse_address(row.email).masked.rpartition("@")
    masked = EmailAddress(local, domain)
    return Person("the reader", masked, row.language, row.fields, tag=claim.subscription_tag)


def _campaign(connection: Connection, claim: LinkClaim) -> Row[Any] | None:
    return connection.execute(
        select(Campaign.artefact_hash).where(Campaign.tag == claim.campaign_tag)
    ).one_or_none()


def _subscriber(connection: Connection, claim: LinkClaim) -> Row[Any] | None:
    return connection.execute(
        select(Subscriber.email, Subscriber.language, Subscriber.fields)
        .join(Subscription, Subscription.subscriber_id == Subscriber.id)
        .where(Subscription.tag == claim.subscription_tag)
    ).one_or_none()
