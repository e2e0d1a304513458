"""What the settings say, in rendering's own terms: the site, its lists and its merge fields."""

from __future__ import annotations

from mailer.rendering.identity import FieldSpec, ListIdentity, SiteIdentity
from mailer.settings import Settings


def site_identity(settings: Settings) -> SiteIdentity:
    """Who sends, as every message and page says it."""
    site = settings.site
    return SiteIdentity(
        name=site.name,
        legal_name=site.legal_name,
        base_url=site.base_url,
        postal_address=site.postal_address,
        privacy_contact=site.privacy_contact,
        imprint_url=site.imprint_url,
        asset_hosts=settings.privacy.asset_hosts,
        unsubscribe_address=settings.bounces.unsubscribe_address,
        message_id_domain=settings.message_id_domain,
        language=site.language,
    )


def list_identity(settings: Settings, name: str) -> ListIdentity:
    """The list `name` of [lists]; a KeyError when it is not declared there."""
    declared = settings.lists[name]
    return ListIdentity(
        name=name,
        title=declared.title,
        list_id=declared.list_id,
        from_mailbox=declared.from_mailbox,
        reply_to=declared.reply_to,
        description=declared.description,
        frequency=declared.frequency,
    )


def field_specs(settings: Settings) -> dict[str, FieldSpec]:
    """The merge fields of [fields]."""
    return {name: FieldSpec(declared.type, declared.default) for name, declared in settings.fields.items()}
