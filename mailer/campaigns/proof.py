"""Send a campaign to colleagues first: marked mail whose links act on nothing real (A90)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert

from mailer import clock
from mailer.addresses import EmailAddress, parse_address
from mailer.campaigns.draft import Workshop, try_on
from mailer.campaigns.findings import CampaignRefused, CheckReport
from mailer.campaigns.schedule import freeze
from mailer.errors import MailerError
from mailer.rendering import MessageClass
from mailer.settings import Settings
from mailer.store.schema import Delivery
from mailer.store.vocabulary import DeliveryKind, Stream
from mailer.subscribers.queries import system_mail


class NotAColleague(MailerError):
    """Proofs go only to the addresses in [sending] proof_addresses of mailer.toml."""


@dataclass(frozen=True, slots=True)
class ProofContext:
    """What a proof is made from; a proof has no subscription, so its row carries this itself."""

    artefact_hash: str
    address: EmailAddress
    language: str
    fields: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The form it is stored in, `Delivery.context`."""
        return {
            "artefact": self.artefact_hash,
            "address": str(self.address),
            "language": self.language,
            "fields": dict(self.fields),
        }

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> ProofContext:
        """What `as_json` wrote."""
        address = parse_address(stored["address"])
        return cls(stored["artefact"], address, stored["language"], stored["fields"])


@dataclass(frozen=True, slots=True)
class Proofs:
    """What was queued, for whom."""

    artefact_hash: str
    addresses: tuple[EmailAddress, ...]
    delivery_ids: tuple[int, ...]


def send_proof(shop: Workshop, slug: str, addresses: Iterable[str] = ()) -> Proofs:
    """Queue one proof per address; none given means every colleague.

    A proof is system mail: it leaves within seconds, whatever campaign is running. Raises
    NotAColleague, AddressInvalid, SourceInvalid, RenderError, or CampaignRefused when the
    message would not pass the gate.
    """
    colleagues = _colleagues(shop.settings, addresses)
    source = shop.read(slug)
    compiled = shop.compile(source, message_class=MessageClass.PROOF)
    person = shop.sample_reader(source)
    _specimens, failures = try_on(compiled, [person], shop.linker, path=source.path)
    if failures:
        raise CampaignRefused(CheckReport.of(slug, failures))
    contexts = [ProofContext(compiled.hash, to, person.language, person.fields) for to in colleagues]
    with shop.store.write() as connection:
        freeze(connection, compiled, source.images)
        statement = insert(Delivery).returning(Delivery.id, sort_by_parameter_order=True)
        ids = connection.scalars(statement, [_row(context) for context in contexts]).all()
        payload = {"slug": slug, "artefact": compiled.hash, "copies": len(ids)}
        shop.ledger.append(connection, stream=Stream.AUDIT, event="proof", payload=payload)
    return Proofs(compiled.hash, tuple(colleagues), tuple(ids))


def _colleagues(settings: Settings, addresses: Iterable[str]) -> Sequence[EmailAddress]:
    listed = {address.key: address for address in map(parse_address, settings.sending.proof_addresses)}
    if not listed:
        raise NotAColleague(
            "No colleague is named yet. Add their addresses to mailer.toml: "
            '[sending] proof_addresses = ["you@shop.example"].'
        )
    wanted = {address.key: address for address in map(parse_address, addresses)} or listed
    strangers = [address.masked for key, address in wanted.items() if key not in listed]
    if strangers:
        raise NotAColleague(
            f"{', '.join(strangers)} may not get a proof: only the addresses in "
            "[sending] proof_addresses of mailer.toml may."
        )
    return list(wanted.values())


def _row(context: ProofContext) -> dict[str, Any]:
    mail = system_mail(DeliveryKind.PROOF, domain=context.address.domain, now=clock.now())
    return {"context": context.as_json(), **mail}
