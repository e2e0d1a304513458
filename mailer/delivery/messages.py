"""The bytes of a claim: its compiled message filled, its links signed, DKIM, the gate passed (law 4, law 9)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from mailer import clock
from mailer.addresses import parse_address
from mailer.campaigns.proof import ProofContext
from mailer.campaigns.recipients import Linker, Person
from mailer.campaigns.service import ArtefactMissing, Campaigns
from mailer.delivery.claim import Claim
from mailer.delivery.courier import BodyWithheld
from mailer.delivery.model import Envelope
from mailer.delivery.sender import Letter
from mailer.dkim import DkimSigner, SiteSigners
from mailer.errors import MailerError
from mailer.keyring import Secrets, derive_key, keyed_mac
from mailer.rendering import ArtefactUnreadable, CompiledMessage, FilledMessage, Gate, RecipientValues
from mailer.rendering.from_settings import list_identity
from mailer.rendering.renderer import Renderer
from mailer.return_path import encode_return_path
from mailer.settings import Settings
from mailer.store.vocabulary import DeliveryKind
from mailer.tokens import Tokens

# 96 bits of a keyed digest: nobody can guess the Message-ID of another's copy.
_MESSAGE_ID_BYTES = 12


class ListGone(MailerError):
    """The list that was asked for is not in mailer.toml any more."""


class MessageTooLarge(MailerError):
    """The message is larger than [sending] max_message_kb allows."""


#: A compiled message and the values it is filled with.
_Draft: TypeAlias = tuple[CompiledMessage, RecipientValues]
_SECOND = timedelta(seconds=1)


class SiteMessages:
    """Makes the messages of one site; compiled ones are kept in memory."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        tokens: Tokens,
        *,
        campaigns: Campaigns,
        renderer: Renderer,
        signers: SiteSigners,
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._tokens = tokens
        self._campaigns = campaigns
        self._renderer = renderer
        self._signers: Mapping[DeliveryKind, DkimSigner | None] = {
            DeliveryKind.CAMPAIGN: signers.campaign,
            DeliveryKind.PROOF: signers.campaign,
            DeliveryKind.CONFIRMATION: signers.system,
        }
        self._gate = Gate()
        self._linker = Linker(tokens, settings.site.base_url, settings.message_id_domain)
        self._zone = ZoneInfo(settings.site.timezone)
        self._return_path = parse_address(settings.sending.return_path)
        self._message_id_mac = keyed_mac(derive_key(secrets.address_key, "mailer.message-id"))
        self._at = clock.now().replace(microsecond=0)
        self._confirmations: dict[tuple[str, str], CompiledMessage] = {}

    def prepare(self, claims: Iterable[Claim]) -> None:
        """Load and compile what these claims need; slow, so called in a thread. Raises StoreError."""
        # One of a campaign's messages is enough: it is read in full, the others are known by their shape.
        for claim in {claim.artefact_hash or claim.id: claim for claim in claims}.values():
            try:
                self.build(claim)
            except (MailerError, ValueError, KeyError):
                continue  # `build` says what is wrong, about this one claim

    def build(self, claim: Claim) -> Letter:
        """One message, ready for the wire.

        Raises StoreError, BodyWithheld when the campaign's artefact cannot be used now, or
        another MailerError when this message can never be sent.
        """
        at = self._second()
        try:
            compiled, values = _DRAFTS[claim.kind](self, claim, at)
        except (ArtefactMissing, ArtefactUnreadable) as error:
            # Nobody on the list is to blame: they wait until an operator has put it right.
            raise BodyWithheld(str(error)) from error
        expected = compiled.expected(values)
        filled = compiled.fill(values)
        signer = self._signers[claim.kind]
        if signer is not None:
            # The gate has the last word, over the signed bytes: nothing is changed after it (A45).
            signed = signer.sign(filled.pieces, shape=filled.shape, at=at)
            filled = FilledMessage(signed, filled.shape)
        data = self._gate.check(filled, compiled.message_class, expected=expected)
        if len(data) > self._settings.sending.max_message_kb * 1024:
            raise MessageTooLarge()
        envelope = Envelope(
            return_path=encode_return_path(self._secrets, claim.id, self._return_path),
            recipient=values.address,
            envelope_id=values.message_id.partition("@")[0],
            smtputf8=compiled.needs_smtputf8 or values.address.needs_smtputf8,
        )
        return Letter(envelope, data, values.message_id, hashlib.sha256(data).digest(), at)

    def _second(self) -> datetime:
        """The current second: one object for as long as it lasts, so that its Date is written once."""
        now = clock.now()
        if not self._at <= now < self._at + _SECOND:
            self._at = now.replace(microsecond=0)
        return self._at

    def message_id(self, delivery_id: int) -> str:
        """The local part of a delivery's Message-ID: the same for every copy of it (A56)."""
        return self._message_id_mac(delivery_id.to_bytes(8, "big"))[:_MESSAGE_ID_BYTES].hex()

    def _draft(self, compiled: CompiledMessage, claim: Claim, person: Person, at: datetime) -> _Draft:
        message_id = self.message_id(claim.id)
        return compiled, self._linker.values(
            person, links=compiled.links, campaign_tag=claim.campaign_tag, message_id=message_id, at=at
        )

    def _campaign(self, claim: Claim, at: datetime) -> _Draft:
        address = parse_address(claim.email)
        person = Person("a subscriber", address, claim.language, claim.fields, claim.subscription_tag)
        return self._draft(self._campaigns.compiled(claim.artefact_hash), claim, person, at)

    def _proof(self, claim: Claim, at: datetime) -> _Draft:
        context = ProofContext.read(claim.context)
        # Without a tag of its own a person has the proof tag: the links act on nothing real (A90).
        person = Person("a proof", context.address, context.language, context.fields)
        return self._draft(self._campaigns.compiled(context.artefact_hash), claim, person, at)

    def _confirmation(self, claim: Claim, at: datetime) -> _Draft:
        recipient = claim.confirmation
        assert recipient is not None  # a claim of this kind is made from one
        urls = recipient.urls(self._tokens, base_url=self._settings.site.base_url)
        person = Person("a sign-up", recipient.address, recipient.language, {})
        expires = recipient.expires_at.astimezone(self._zone)
        compiled = self._compiled_confirmation(recipient.list_name, recipient.language)
        _, values = self._draft(compiled, claim, person, at)
        return compiled, values._replace(
            confirm_url=urls.confirm_url,
            not_me_url=urls.not_me_url,
            expires_at=f"{expires:%Y-%m-%d %H:%M} ({self._settings.site.timezone})",
        )

    def _compiled_confirmation(self, list_name: str, language: str) -> CompiledMessage:
        found = self._confirmations.get((list_name, language))
        if found is None:
            if list_name not in self._settings.lists:
                raise ListGone()
            identity = list_identity(self._settings, list_name)
            found = self._renderer.compile_confirmation(language=language, list_=identity)
            self._confirmations[list_name, language] = found
        return found


#: How each of the three message classes is made.
_DRAFTS: Mapping[DeliveryKind, Callable[[SiteMessages, Claim, datetime], _Draft]] = {
    DeliveryKind.CAMPAIGN: SiteMessages._campaign,
    DeliveryKind.CONFIRMATION: SiteMessages._confirmation,
    DeliveryKind.PROOF: SiteMessages._proof,
}
