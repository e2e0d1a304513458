"""The log of every room: one method per event, its name and its facts stable, nobody named in it (D25, D26)."""

from __future__ import annotations

import logging

#: What becomes the text of a line, beside the name of its event, where a person reads it at once.
_Words = str | None


class EventLog:
    """Writes the events of one room. A fact is a number, a name that ops gave, or a sentence about machines."""

    def __init__(self, room: str) -> None:
        self._log = logging.getLogger(f"mailer.{room}")

    def _say(
        self,
        level: int,
        event: str,
        *,
        words: _Words = None,
        trace: BaseException | None = None,
        **facts: object,
    ) -> None:
        named = facts if words is None else {"event": event, **facts}
        self._log.log(level, words or event, extra=named, exc_info=trace)

    # --- delivery ---

    def worker_started(self, *, worker: int) -> None:
        """A sender has begun."""
        self._say(logging.INFO, "worker_started", worker=worker)

    def worker_stopped(self, *, worker: int, clean: bool) -> None:
        """A sender has ended; `clean`: nothing is left in its journal."""
        self._say(logging.INFO, "worker_stopped", worker=worker, clean=clean)

    def worker_recovered(self, *, worker: int, settled: int, unknown: int, released: int) -> None:
        """What a dead sender held was settled, named, or given back."""
        self._say(
            logging.WARNING,
            "worker_recovered",
            worker=worker,
            settled=settled,
            unknown=unknown,
            released=released,
        )

    def connected(self, *, relay: str, seconds: float) -> None:
        """A relay took a connection, after so many seconds."""
        self._say(logging.INFO, "connected", relay=relay, seconds=seconds)

    def route_up(self, *, relay: str, failures: int) -> None:
        """A relay that was down takes mail again."""
        self._say(logging.WARNING, "route_up", relay=relay, failures=failures)

    def route_down(self, *, relay: str, failures: int, reason: str) -> None:
        """A relay takes nothing."""
        self._say(logging.WARNING, "route_down", relay=relay, failures=failures, reason=reason)

    def sending_waits(self, *, reason: str) -> None:
        """A message could not be begun and was put back."""
        self._say(logging.ERROR, "sending_waits", reason=reason)

    def unrenderable(self, *, delivery: int, error: str, trace: BaseException | None) -> None:
        """A message cannot be made; `trace` where that is a bug."""
        level = logging.WARNING if trace is None else logging.ERROR
        self._say(level, "unrenderable", trace=trace, delivery=delivery, error=error)

    def messages_unprepared(self) -> None:
        """What campaigns need could not be loaded; each sender tries again."""
        self._say(logging.WARNING, "messages_unprepared")

    def claiming_waits(self, *, reason: str) -> None:
        """The database hands out nothing."""
        self._say(logging.ERROR, "claiming_waits", reason=reason)

    def outcomes_wait(self, *, reason: str, waiting: int) -> None:
        """Outcomes cannot be written; the journal has them."""
        self._say(logging.ERROR, "outcomes_wait", reason=reason, waiting=waiting)

    def outcomes_flow(self, *, waiting: int) -> None:
        """They can again."""
        self._say(logging.WARNING, "outcomes_flow", waiting=waiting)

    def outcomes_left_in_journal(self) -> None:
        """A sender ended before they could be written."""
        self._say(logging.ERROR, "outcomes_left_in_journal")

    def journal_unwritable(self, *, reason: str | None) -> None:
        """The journal takes nothing, so nothing leaves."""
        self._say(logging.ERROR, "journal_unwritable", reason=reason)

    def heartbeat_missed(self, *, reason: str) -> None:
        """A sender could not say that it lives."""
        self._say(logging.WARNING, "heartbeat_missed", reason=reason)

    def turns_wait(self, *, reason: str) -> None:
        """The shared rate cannot be read."""
        self._say(logging.ERROR, "turns_wait", reason=reason)

    def paces_wait(self, *, reason: str) -> None:
        """What is known of paces cannot be shared."""
        self._say(logging.WARNING, "paces_wait", reason=reason)

    def dns_is_silent(self, *, failures: int) -> None:
        """Providers cannot be looked up."""
        self._say(logging.WARNING, "dns_is_silent", failures=failures)

    def breaker_waits(self, *, campaign: int, reason: str) -> None:
        """A circuit breaker could not be asked."""
        self._say(logging.ERROR, "breaker_waits", campaign=campaign, reason=reason)

    # --- campaigns ---

    def campaign_scheduled(self, *, campaign: int, slug: str) -> None:
        """A campaign was approved."""
        self._say(
            logging.INFO, "campaign_scheduled", words="campaign scheduled", campaign=campaign, slug=slug
        )

    def campaign_started(self, *, campaign: int, slug: str, audience: int) -> None:
        """It is being sent."""
        self._say(
            logging.INFO,
            "campaign_started",
            words="campaign started",
            campaign=campaign,
            slug=slug,
            audience=audience,
        )

    def campaign_held(self, *, campaign: int, slug: str) -> None:
        """It was due and does not start."""
        self._say(logging.WARNING, "campaign_held", words="campaign held", campaign=campaign, slug=slug)

    def campaign_finished(self, *, campaign: int, slug: str, audience: int) -> None:
        """Everybody's message has ended."""
        self._say(
            logging.INFO,
            "campaign_finished",
            words="campaign finished",
            campaign=campaign,
            slug=slug,
            audience=audience,
        )

    def campaign_moved(self, *, campaign: int, slug: str, move: str) -> None:
        """A person paused, resumed or cancelled it."""
        self._say(
            logging.INFO, "campaign_moved", words="campaign moved", campaign=campaign, slug=slug, move=move
        )

    def campaign_paused(self, *, campaign: int, slug: str, breaker: str) -> None:
        """A circuit breaker paused it."""
        self._say(logging.ERROR, "campaign_paused", campaign=campaign, slug=slug, breaker=breaker)

    # --- what comes back ---

    def hook_taken(self, *, provider: str, kept: int, known: int, ignored: int) -> None:
        """A provider's call is stored."""
        self._say(logging.INFO, "hook_taken", provider=provider, kept=kept, known=known, ignored=ignored)

    def hook_refused(self, *, provider: str, reason: str, status: int) -> None:
        """A provider's call was refused, for one word's reason."""
        self._say(logging.WARNING, "hook_refused", provider=provider, reason=reason, status=status)

    def hook_subscription(self, *, provider: str, type: str, region: str) -> None:
        """A subscription at a provider has changed."""
        self._say(logging.WARNING, "hook_subscription", provider=provider, type=type, region=region)

    def mail_collected(self, *, mailbox: str, kept: int, known: int, left: int) -> None:
        """A mailbox was emptied."""
        self._say(logging.INFO, "mail_collected", mailbox=mailbox, kept=kept, known=known, left=left)

    def mail_heard(self, *, new: bool) -> None:
        """The listener took a message."""
        self._say(logging.INFO, "mail_heard", new=new)

    def mailbox_unreadable(self, *, mailbox: str, reason: str) -> None:
        """A mailbox cannot be read."""
        self._say(logging.WARNING, "mailbox_unreadable", mailbox=mailbox, reason=reason)

    def mailbox_broken(self, *, mailbox: str, reason: str) -> None:
        """Reading a mailbox failed in a way that is a bug."""
        self._say(logging.ERROR, "mailbox_broken", mailbox=mailbox, reason=reason)

    def listener_cannot_store(self, *, reason: str) -> None:
        """The listener refuses for now: the database is away."""
        self._say(logging.ERROR, "listener_cannot_store", reason=reason)

    def listener_broken(self, *, trace: BaseException) -> None:
        """The listener refuses for now: a bug."""
        self._say(logging.ERROR, "listener_broken", trace=trace)

    def unreadable(self, *, mail: int, error: str) -> None:
        """The reader failed at a message, which is kept."""
        self._say(logging.ERROR, "unreadable", mail=mail, error=error)

    # --- pages ---

    def request(self, *, method: str, route: str, status: int, ms: float) -> None:
        """One answer: the route, never the path, for a path holds a token."""
        self._say(logging.INFO, "request", method=method, route=route, status=status, ms=ms)

    def crash(self, *, reference: str, places: str) -> None:
        """A bug: where it was, never with what values."""
        self._say(logging.ERROR, "crash", reference=reference, places=places)

    def client_left(self) -> None:
        """Somebody went away before the answer."""
        self._say(logging.DEBUG, "client_left", words="client went away")

    def clear_text_refused(self, *, advice: str) -> None:
        """A request did not come over TLS, as far as we can know."""
        self._say(logging.WARNING, "clear_text_refused", words=advice)

    def store_error(self, *, kind: str) -> None:
        """The database refused a request's work."""
        self._say(logging.ERROR, "store_error", words="store error", kind=kind)

    def ops_sign_in_refused(self) -> None:
        """Somebody tried to sign in to /ops, wrongly."""
        self._say(logging.WARNING, "ops_sign_in_refused")

    def ops_sign_in_too_often(self) -> None:
        """Somebody tries to sign in to /ops again and again."""
        self._say(logging.WARNING, "ops_sign_in_too_often")

    # --- people ---

    def signup_judged(self, *, verdict: str) -> None:
        """A sign-up was judged."""
        self._say(logging.INFO, "signup_judged", words="sign-up judged", verdict=verdict)

    def signup_unjudgeable(self, *, request: int, error: str, place: str) -> None:
        """A sign-up cannot be judged; the others go on."""
        words = f"sign-up request {request} cannot be judged: {error} at {place}"
        self._say(logging.ERROR, "signup_unjudgeable", words=words, request=request)

    def signup_fuse_blown(self, *, limit: int, sent: int, setting: str) -> None:
        """The site's limit of confirmations is reached."""
        words = (
            f"sign-ups are held back: {limit} confirmation mails in an hour is the site's limit; "
            f"if this is not an attack, raise [privacy] {setting}"
        )
        self._say(logging.ERROR, "signup_fuse_blown", words=words, limit=limit, sent=sent)

    def subscriber_erased(self, *, found: bool) -> None:
        """Somebody was erased."""
        self._say(logging.INFO, "subscriber_erased", words="subscriber erased", found=found)

    def import_unrecorded(self) -> None:
        """A stopped import could not be put on record."""
        self._say(logging.WARNING, "import_unrecorded", words="the stopped import could not be put on record")

    def policy_unpublished(self, *, reason: str) -> None:
        """Today's policy cannot be published."""
        self._say(logging.ERROR, "policy_unpublished", words=f"no policy was published today: {reason}")

    def policy_changed(self, *, version: str, language: str) -> None:
        """A policy's file was changed after people consented under it."""
        words = (
            f"The privacy policy {version}.{language}.md was changed after people consented under it; they "
            "still see the published text. Save the change as a new file with its own date."
        )
        self._say(logging.WARNING, "policy_changed", words=words, version=version, language=language)

    # --- machinery ---

    def tick_failed(self, *, tick: str, reason: str, trace: BaseException | None) -> None:
        """Something that is looked after by the clock failed; it is tried again."""
        self._say(logging.ERROR, "tick_failed", tick=tick, reason=reason, trace=trace)

    def tick_recovered(self, *, tick: str) -> None:
        """It works again."""
        self._say(logging.WARNING, "tick_recovered", tick=tick)

    def check_failed(self, *, check: str, error: str) -> None:
        """A check of `mailer doctor` failed itself."""
        self._say(logging.ERROR, "check_failed", check=check, error=error)

    def alert(self, *, kind: str, alert: int) -> None:
        """Ops are told something."""
        self._say(logging.ERROR, "alert", kind=kind, alert=alert)

    def alert_waits(self, *, alert: int, channel: str, reason: str) -> None:
        """An alert was not taken and is tried again."""
        self._say(logging.WARNING, "alert_waits", alert=alert, channel=channel, reason=reason)

    def alert_given_up(self, *, alert: int, channel: str, reason: str) -> None:
        """An alert was not taken for a day."""
        self._say(logging.WARNING, "alert_given_up", alert=alert, channel=channel, reason=reason)
