"""One call of a mail provider, what is taken from it, and the ways in which it is refused (D31)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mailer.errors import MailerError

Json = dict[str, Any]


class CallRefused(MailerError):
    """A call proves nothing, or proves it wrongly; `reason` is one word for answer and log."""

    def __init__(self, reason: str, sentence: str) -> None:
        self.reason = reason
        super().__init__(sentence, reason=reason)


class Unsigned(CallRefused):
    """The call carries no proof of who makes it."""


class Forged(CallRefused):
    """The proof is wrong, stale, or another's."""


class Replayed(CallRefused):
    """The same signed call was taken before."""


class Malformed(CallRefused):
    """The call is not what this provider sends."""


class HookUnknown(CallRefused):
    """No such provider, or none that the settings set up."""


class NotNow(CallRefused):
    """What is needed to check the call cannot be had now: the provider should try again."""


@dataclass(frozen=True, slots=True)
class Call:
    """A POST as it came in; names of header fields are in lower case."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a provider tells: its own id, by which it counts once, and its content."""

    id: str
    content: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """A call whose proof holds: the events that matter, and how many do not."""

    events: tuple[Event, ...] = ()
    ignored: int = 0
    once: str = ""  #: of a proof that is made anew for each call: it is taken once; empty for others


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a call."""

    kept: int = 0
    known: int = 0  #: events that were kept before
    ignored: int = 0  #: deliveries, openings, clicks
