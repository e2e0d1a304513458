"""The site from outside: https that browsers trust, no redirect, and a one-click POST that is answered (A6-A9)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailer.doctor.certificates import days_left
from mailer.doctor.http import Reply, request
from mailer.doctor.model import Finding, Unasked, Verdict
from mailer.doctor.relay import SOON_DAYS
from mailer.doctor.scene import Scene
from mailer.tokens import PROOF_TAG, LinkClaim, Purpose, sign_link

_FORM = b"List-Unsubscribe=One-Click"
_START = "Start the pages (mailer up), then ask again."


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """How the pages answered at base_url."""

    url: str
    is_local: bool
    reply: Reply


@dataclass(frozen=True, slots=True)
class OneClickFacts:
    """The answers to a POST with a token that acts on nobody, and to one with a token that is none."""

    url: str
    is_local: bool
    genuine: Reply
    forged: Reply


async def gather_site(scene: Scene) -> Sequence[SiteFacts | Unasked]:
    """Ask for the smallest page."""
    url = scene.settings.site.base_url
    return [SiteFacts(url, scene.is_local, await request("GET", f"{url}/healthz"))]


def judge_site(facts: SiteFacts) -> Iterator[Finding]:
    """Links in mails carry base_url for ever."""
    reply, url = facts.reply, facts.url
    if facts.is_local and reply.trouble:
        yield Finding(url, Verdict.NOTE, f"The pages do not run: {reply.trouble}.", _START)
    elif reply.distrusted:
        remedy = "Renew it, or have it made for this name; every browser and mailbox provider refuses it so."
        yield Finding(url, Verdict.FAILURE, f"The certificate is not trusted: {reply.distrusted}.", remedy)
    elif reply.trouble:
        remedy = f"Look at DNS, firewall and proxy; nobody can leave a list now. {_START}"
        yield Finding(url, Verdict.FAILURE, f"The site cannot be reached: {reply.trouble}.", remedy)
    elif 300 <= reply.status < 400:
        reason = f"It redirects ({reply.status}) to {reply.field('location')[:200]}."
        yield Finding(
            url, Verdict.FAILURE, reason, "Make that address [site] base_url, or take the redirect away."
        )
    elif reply.status != 200:
        remedy = "The proxy must pass every path on to [web] host and port. " + _START
        yield Finding(url, Verdict.FAILURE, f"It answered {reply.status} where 200 was due.", remedy)
    elif facts.is_local:
        remedy = "For anybody else set [site] base_url to a public https address with a proxy in front."
        yield Finding(url, Verdict.NOTE, "The pages answer, on this machine only.", remedy)
    elif reply.certificate is not None:
        left = days_left(reply.certificate)
        reason = f"{reply.certificate.protocol}, certificate trusted for {left} more days, no redirect."
        soon = left < SOON_DAYS
        verdict = Verdict.WARNING if soon else Verdict.OK
        yield Finding(
            url, verdict, reason, "Renew the certificate; why did that not happen by itself?" if soon else ""
        )


async def gather_one_click(scene: Scene) -> Sequence[OneClickFacts | Unasked]:
    """POST as a mailbox provider does, with a token whose tag belongs to nobody (A90)."""
    base = scene.settings.site.base_url
    if scene.tokens is None:
        return [Unasked(base, "The secrets cannot be read, so no link can be made.", "See the check files.")]
    token = sign_link(scene.tokens, Purpose.UNSUBSCRIBE, LinkClaim(PROOF_TAG))
    payload, signature, key = token.split(".")
    forged = f"{payload}.{signature[::-1]}.{key}"
    genuine = await request("POST", f"{base}/u/{token}", body=_FORM)
    return [
        OneClickFacts(base, scene.is_local, genuine, await request("POST", f"{base}/u/{forged}", body=_FORM))
    ]


def judge_one_click(facts: OneClickFacts) -> Iterator[Finding]:
    """RFC 8058 section 3.1: the POST itself is the way out; nobody follows a redirect or keeps a cookie."""
    reply, url = facts.genuine, f"{facts.url}/u/…"
    where = " (on this machine)" if facts.is_local else ""
    if trouble := reply.trouble or reply.distrusted:
        verdict = Verdict.NOTE if facts.is_local else Verdict.FAILURE
        yield Finding(url, verdict, f"Nobody answers the one-click POST: {trouble}.", _START)
    elif 300 <= reply.status < 400:
        reason = (
            f"The one-click POST is redirected ({reply.status}); providers do not follow, nobody gets off."
        )
        yield Finding(url, Verdict.FAILURE, reason, "Set base_url to where it leads, or change the proxy.")
    elif reply.status in (400, 404, 410):
        reason = f"It answered {reply.status}: other pages, or the same with other keys."
        yield Finding(
            url, Verdict.FAILURE, reason, "Give all hosts the same secrets.toml, and the proxy all paths."
        )
    elif reply.status != 200:
        remedy = (
            "Look into the log of the pages and of the proxy; a firewall may refuse posts from strangers."
        )
        yield Finding(url, Verdict.FAILURE, f"The one-click POST was answered with {reply.status}.", remedy)
    elif not 400 <= facts.forged.status < 500:
        reason = (
            f"A forged link is answered with {facts.forged.status or 'nothing'}: is it this program at all?"
        )
        yield Finding(url, Verdict.FAILURE, reason, "base_url must lead to the pages of this site.")
    else:
        reason = f"A real POST is answered with 200{where}: no redirect, no cookie asked for; a forged one is refused."
        yield Finding(url, Verdict.OK, reason)
