"""Show a campaign as one reader would get it: HTML, text and raw message, without sending anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mailer.addresses import parse_address
from mailer.campaigns import queries
from mailer.campaigns.draft import Workshop, subject_of
from mailer.campaigns.images import CampaignImage
from mailer.campaigns.recipients import Person, person_of
from mailer.campaigns.source import CampaignSource
from mailer.errors import MailerError
from mailer.store.vocabulary import Stream
from mailer.subscribers.queries import active_list


class NoSuchSubscriber(MailerError):
    """Nobody with this address is on the list of this campaign."""


@dataclass(frozen=True)
class Preview:
    """One reader's copy, with links that act on nothing real."""

    slug: str
    reader: str  #: who it is for, in words
    subject: str
    html: str  #: images under `media/<hash>`, relative, so that it can be looked at offline
    text: str
    raw: bytes  #: as it would leave, images where the site will serve them
    images: tuple[CampaignImage, ...]


def preview_campaign(shop: Workshop, slug: str, subscriber: str | None = None) -> Preview:
    """Render for the subscriber with this address, or for a made-up reader.

    Looking at a real person's values is put on record (F4). Raises SourceInvalid,
    RenderError, AddressInvalid or NoSuchSubscriber.
    """
    source = shop.read(slug)
    compiled = shop.compile(source)
    person = shop.sample_reader(source) if subscriber is None else _subscriber(shop, source, subscriber)
    values = shop.linker.values(person, links=compiled.links, campaign_tag=bytes(6))
    filled = compiled.fill(values)
    media = shop.settings.site.base_url + "/media/"
    return Preview(
        slug=slug,
        reader=person.label,
        subject=subject_of(filled.data),
        html=compiled.html(values).replace(media, "media/"),
        text=compiled.text(values),
        raw=filled.data,
        images=source.images,
    )


def _subscriber(shop: Workshop, source: CampaignSource, address: str) -> Person:
    key = parse_address(address).key
    with shop.store.write() as connection:
        list_ = active_list(connection, source.list_name)
        row = queries.person_by_key(connection, list_.id, key) if list_ is not None else None
        if row is None:
            raise NoSuchSubscriber(f"Nobody with this address is on the list {source.list_name}.")
        payload = {"slug": source.slug}
        shop.ledger.append(
            connection, stream=Stream.AUDIT, event="preview", payload=payload, subject=row.email_hash
        )
    return person_of(row, harmless=True)


def write_preview(preview: Preview, folder: Path) -> Sequence[Path]:
    """Write `preview.html`, `preview.txt`, `message.eml` and the images into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        folder / "preview.html": preview.html.encode("utf-8"),
        folder / "preview.txt": preview.text.encode("utf-8"),
        folder / "message.eml": preview.raw,
    }
    for image in preview.images:
        files[folder / "media" / image.hash] = image.content
    for path, content in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return list(files)[:3]
