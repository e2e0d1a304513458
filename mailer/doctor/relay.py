"""Each relay: it answers, TLS is sound, it lets us in; then QUIT, and nothing was sent (A60-A62, B5)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import aiosmtplib

from mailer.delivery.smtp import tls_context
from mailer.doctor.certificates import Certificate, days_left, peer_certificate
from mailer.doctor.model import Finding, Unasked, Verdict
from mailer.doctor.scene import Scene
from mailer.doctor.words import words_of
from mailer.settings import SmtpSettings
from mailer.settings.relay import relays_in_use

_SECONDS = 8.0
SOON_DAYS = 14


@dataclass(frozen=True, slots=True)
class RelayFacts:
    """How far we came with one relay."""

    label: str
    tls: str  #: as configured: starttls, implicit, none
    trouble: str = ""  #: why it cannot be used
    distrusted: str = ""  #: why its certificate is not believed
    offers_starttls: bool = True
    clear_auth: bool = False  #: it asks for passwords before the line is private
    certificate: Certificate | None = None
    wants_login: bool = False
    signed_in: bool = False
    size_limit: int | None = None
    our_limit: int = 0
    is_trial: bool = False  #: nothing of this site is public


async def gather(scene: Scene) -> Sequence[RelayFacts | Unasked]:
    """Try all relays in use at once."""
    relays = relays_in_use(scene.settings)
    return await asyncio.gather(*(_try(scene, relay.name, relay.smtp) for relay in relays))


async def _try(scene: Scene, name: str, relay: SmtpSettings) -> RelayFacts:
    facts: dict[str, object] = {
        "label": f"[smtp.{name}] {relay.host}:{relay.port}",
        "tls": relay.tls,
        "our_limit": scene.settings.sending.max_message_kb * 1024,
        "is_trial": scene.is_local and scene.has_own_server,
    }
    try:
        async with asyncio.timeout(_SECONDS):
            await _visit(facts, relay, scene.greetings[name])
    except aiosmtplib.SMTPResponseException as error:
        facts["trouble"] = f"it answered {error.code} {error.message[:200]}"
    except TimeoutError:
        facts["trouble"] = f"it did not answer within {_SECONDS:.0f} s"
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
        if isinstance(cause, ssl.SSLCertVerificationError):
            facts["distrusted"] = cause.verify_message
        else:
            facts["trouble"] = words_of(error)
    return RelayFacts(**facts)  # type: ignore[arg-type]  # collected under the names of its own fields


async def _visit(facts: dict[str, object], relay: SmtpSettings, name: str) -> None:
    client = aiosmtplib.SMTP(
        hostname=relay.host,
        port=relay.port,
        local_hostname=name,
        use_tls=relay.tls == "implicit",
        start_tls=False,
        timeout=_SECONDS,
        tls_context=None if relay.tls == "none" else tls_context(relay),
    )
    try:
        await client.connect()
        await client.ehlo()
        if relay.tls == "starttls":
            facts["clear_auth"] = "auth" in client.esmtp_extensions
            facts["offers_starttls"] = client.supports_extension("starttls")
            if not facts["offers_starttls"]:
                return
            await client.starttls()
            await client.ehlo()
        facts["certificate"] = peer_certificate(client.transport)
        size = client.esmtp_extensions.get("size", "")
        facts["size_limit"] = int(size) if size.isdigit() and int(size) else None
        if relay.username is not None:
            facts["wants_login"] = True
            if relay.password is not None and relay.tls != "none":
                await client.login(relay.username, relay.password.get_secret_value())
                facts["signed_in"] = True
        await client.quit()
    finally:
        client.close()


def judge(facts: RelayFacts) -> Iterator[Finding]:
    """What stops mail, then what will."""
    label = facts.label
    if facts.trouble:
        yield _unusable(facts)
        return
    if facts.distrusted:
        reason = f"Its certificate is not trusted: {facts.distrusted}."
        remedy = "Use the name the certificate is made for as host; for an authority of your own set ca_file."
        yield Finding(label, Verdict.FAILURE, reason, remedy)
        return
    if not facts.offers_starttls:
        remedy = "Try port 587, or tls = implicit on port 465; we never fall back to clear text."
        yield Finding(label, Verdict.FAILURE, "It does not offer STARTTLS, so nothing can be sent.", remedy)
        return
    if facts.wants_login and not facts.signed_in:
        reason = "It has a username, and the password is not known here."
        remedy = "Set MAILER_SMTP__<NAME>__PASSWORD or password_file, and ask again."
        yield Finding(label, Verdict.WARNING, reason, remedy)
    yield _line(facts)
    if facts.clear_auth:
        reason = "It invites passwords before TLS; we never send ours so, others will."
        yield Finding(label, Verdict.NOTE, reason, "If it is yours: smtpd_tls_auth_only = yes (Postfix).")
    if facts.size_limit is not None and facts.size_limit < facts.our_limit:
        reason = (
            f"It takes messages up to {facts.size_limit // 1024} KiB, we may send {facts.our_limit // 1024}."
        )
        yield Finding(label, Verdict.WARNING, reason, "Lower [sending] max_message_kb.")


def _unusable(facts: RelayFacts) -> Finding:
    if facts.is_trial:
        reason = f"No mail can leave yet: {facts.trouble}."
        remedy = (
            "Fine while you look around. To send, name your relay in [smtp.NAME]: host, port, tls, username."
        )
        return Finding(facts.label, Verdict.NOTE, reason, remedy)
    remedy = "Check host, port, tls, username and password, and whether a firewall is between."
    return Finding(facts.label, Verdict.FAILURE, f"No mail can leave: {facts.trouble}.", remedy)


def _line(facts: RelayFacts) -> Finding:
    signed_in = ", and it lets us in" if facts.signed_in else ""
    if facts.certificate is None:
        return Finding(
            facts.label, Verdict.OK, f"It answers on this machine, where clear text is fine{signed_in}."
        )
    left, protocol = days_left(facts.certificate), facts.certificate.protocol
    reason = f"{protocol}, certificate trusted for {left} more days{signed_in}."
    if left < SOON_DAYS:
        return Finding(facts.label, Verdict.WARNING, reason, "Ask its operator to renew the certificate.")
    return Finding(facts.label, Verdict.OK, reason)
