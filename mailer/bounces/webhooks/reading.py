"""The reading of a kept event: the same verdicts as of a mail, from the provider's own table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from mailer.bounces.model import Kind, Reading
from mailer.bounces.webhooks import mailgun, postmark, sendgrid, ses
from mailer.bounces.webhooks.model import CallRefused, Json
from mailer.bounces.webhooks.payload import an_object, loaded

PREFIX = "webhook:"
READERS: Mapping[str, Callable[[Json], Reading]] = MappingProxyType(
    {"ses": ses.read, "postmark": postmark.read, "sendgrid": sendgrid.read, "mailgun": mailgun.read}
)


def reading(source: str, raw: bytes) -> Reading:
    """What a kept event says; `source` is "webhook:<provider>". Never raises for what is in it; pure.

    Who made the call is proven, so an address in it is the provider's word. `addressed_to` holds our return
    path where the provider repeats it, `message_id` our Message-ID, and `sender` who left by a provider's link.
    """
    reader = READERS.get(source.removeprefix(PREFIX))
    if reader is None:
        return Reading(Kind.NONE, rule="webhook of an unknown provider")
    try:
        return reader(an_object(loaded(raw)))
    except CallRefused:
        return Reading(Kind.NONE, rule="webhook that cannot be read")
