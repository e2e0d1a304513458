"""Show a campaign as one reader would get it: HTML, text and raw message, without sending anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

from mailer.addresses import parse_address
from mailer.audit import Ledger
from mailer.campaigns import queries
from mailer.campaigns.draft import compile_source
from mailer.campaigns.images import CampaignImage
from mailer.campaigns.recipients import Linker, Person, person_of, sample_person
from mailer.campaigns.source import CampaignSource, read_campaign
from mailer.errors import MailerError
from mailer.rendering import Renderer
from mailer.rendering.from_settings import field_specs
from mailer.settings import Settings
from mailer.store import Store
from mailer.store.vocabulary import Stream


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


@dataclass(frozen=True)
class Previewer:
    """Renders previews of one site's campaigns."""

    store: Store
    settings: Settings
    campaigns: Path
    renderer: Renderer
    ledger: Ledger
    linker: Linker

    def preview(self, slug: str, subscriber: str | None = None) -> Preview:
        """Render for the subscriber with this address, or for a made-up reader.

        Looking at a real person's values is put on record (F4). Raises SourceInvalid,
        RenderError, AddressInvalid or NoSuchSubscriber.
        """
        source = read_campaign(self.campaigns, slug)
        compiled = compile_source(source, self.settings, self.renderer)
        person = self._person(source, subscriber)
        values = self.linker.values(person, campaign_tag=bytes(6))
        filled = compiled.fill(values)
        media = self.settings.site.base_url + "/media/"
        return Preview(
            slug=slug,
            reader=person.label,
            subject=_subject(filled.data),
            html=compiled.html(values).replace(media, "media/"),
            text=compiled.text(values),
            raw=filled.data,
            images=source.images,
        )

    def _person(self, source: CampaignSource, subscriber: str | None) -> Person:
        language = source.language or self.settings.site.language
        if subscriber is None:
            return sample_person(field_specs(self.settings), language)
        key = parse_address(subscriber).key
        with self.store.write() as connection:
            listed = queries.list_row(connection, source.list_name)
            row = queries.person_by_key(connection, listed.id, key) if listed is not None else None
            if row is None:
                raise NoSuchSubscriber(f"Nobody with this address is on the list {source.list_name}.")
            self.ledger.append(
                connection,
                stream=Stream.AUDIT,
                event="preview",
                payload={"slug": source.slug},
                subject=row.email_hash,
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


def _subject(raw: bytes) -> str:
    """The subject a mail program would show."""
    return str(message_from_bytes(raw, policy=policy.default)["Subject"])
