"""Take in the calls of mail providers: proven, within limits, each event kept once, before anything is decided."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import timedelta

from mailer.bounces.webhooks import mailgun, postmark, sendgrid, sns
from mailer.bounces.webhooks.certificates import Certificates
from mailer.bounces.webhooks.fetching import Fetch, fetch
from mailer.bounces.webhooks.model import Call, Event, HookUnknown, Opened, Replayed, Taken
from mailer.bounces.webhooks.seen import Seen
from mailer.maillog import EventLog
from mailer.settings.hooks import HooksSettings, secrets_of

log = EventLog("bounces")

#: Stores one event: its content, where it came from, and the digest by which it counts once; False: known.
Keep = Callable[[bytes, str, bytes], bool]


class Hooks:
    """The webhooks of a site. A provider that the settings do not set up has none: closed unless opened."""

    def __init__(self, settings: HooksSettings, *, keep: Keep, get: Fetch | None = None) -> None:
        get = get or fetch
        window = timedelta(minutes=settings.window_minutes)
        certificates, topics = Certificates(get), settings.ses_topics
        passwords = secrets_of(settings.postmark_passwords)
        signing = secrets_of(settings.mailgun_signing_keys)
        public = settings.sendgrid_public_keys
        self._keep = keep
        self._seen = Seen(window)
        openers: dict[str, tuple[bool, Callable[[Call], Opened]]] = {
            "ses": (
                bool(topics),
                lambda call: sns.opened(call, topics, window=window, certificates=certificates, get=get),
            ),
            "postmark": (bool(passwords), lambda call: postmark.opened(call, passwords)),
            "sendgrid": (bool(public), lambda call: sendgrid.opened(call, public, window=window)),
            "mailgun": (bool(signing), lambda call: mailgun.opened(call, signing, window=window)),
        }
        self._openers: Mapping[str, Callable[[Call], Opened]] = {
            name: opener for name, (is_open, opener) in openers.items() if is_open
        }

    def serves(self, provider: str) -> bool:
        """Whether the settings set this provider up."""
        return provider in self._openers

    def receive(self, provider: str, call: Call) -> Taken:
        """Keep what a call tells. Raises CallRefused in one of its kinds; StoreError: nothing is lost, try again."""
        opener = self._openers.get(provider)
        if opener is None:
            raise HookUnknown("unknown", "There is no such webhook here.")
        opened = opener(call)
        proof = f"{provider}:{opened.once}"
        if opened.once and not self._seen.claim(proof):
            raise Replayed("replayed", "This very call was taken before.")
        try:
            kept = sum(self._keep_one(provider, event) for event in opened.events)
        except BaseException:
            self._seen.release(proof)
            raise
        taken = Taken(kept, len(opened.events) - kept, opened.ignored)
        log.hook_taken(provider=provider, kept=taken.kept, known=taken.known, ignored=taken.ignored)
        return taken

    def _keep_one(self, provider: str, event: Event) -> bool:
        content = json.dumps(event.content, sort_keys=True).encode()
        return self._keep(content, f"webhook:{provider}", digest(provider, event.id))


def digest(provider: str, event_id: str) -> bytes:
    """By which an event counts once, whenever and however often it is sent."""
    return hashlib.sha256(f"{provider}\n{event_id}".encode("utf-8", "replace")).digest()
