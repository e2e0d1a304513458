"""What a misbehaving SMTP server is told to do: rules per verb, by name, by share, by moment."""

from __future__ import annotations

import random
import ssl
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

#: What a step does when no rule speaks: the reply of a healthy server.
HEALTHY: Mapping[str, str] = {
    "connect": "220 ready",
    "mail": "250 2.1.0 ok",
    "rcpt": "250 2.1.5 ok",
    "data": "354 go on",
    "dot": "250 2.0.0 taken",
    "rset": "250 2.0.0 reset",
    "noop": "250 2.0.0 ok",
    "quit": "221 2.0.0 bye",
}


@dataclass
class Rule:
    """At `verb`, for a recipient whose local part starts with `who`, or every `every`-th time: `do`.

    `verb` is connect, ehlo, mail, rcpt, data, body (its first bytes are here), dot, rset or quit.
    `do` is a reply, or one of
    close, reset (hang up, in order or with a RST), stall (say nothing more, keep the connection),
    nonsense, two-replies, no-reply (go on as if healthy, but swallow the reply),
    accept-close, accept-stall, accept-nonsense (at the dot: log it as taken, then do that),
    reply-close (the healthy reply, then hang up), wait SECONDS (then the healthy reply),
    away SECONDS (the whole server stops listening, drops everybody, comes back).
    """

    verb: str
    do: str
    who: str = ""
    every: int = 1
    times: int | None = None  #: how often it may fire
    share: float = 1.0  #: of the steps it looks at, by dice of `seed`
    seed: int = 0
    once: bool = False  #: at most once for each recipient; before RCPT, for each return path
    after: int = 0  #: it sleeps until so many messages were taken
    seen: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        self._met: set[str] = set()

    def fires(self, verb: str, name: str, *, taken: int = 0) -> bool:
        """Whether this is the step to misbehave at; `name` is the recipient, or the return path."""
        if verb != self.verb or not name.startswith(self.who) or taken < self.after:
            return False
        self.seen += 1
        if self.seen % self.every or (self.times is not None and self.fired >= self.times):
            return False
        if self.share < 1.0 and self._dice.random() >= self.share:
            return False
        if self.once and name in self._met:
            return False
        self._met.add(name)
        self.fired += 1
        return True


@dataclass
class Script:
    """How the server behaves."""

    rules: list[Rule] = field(default_factory=list)
    offers: tuple[str, ...] = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES")
    split_replies: bool = False  #: every reply byte by byte
    delay_seconds: float = 0.0  #: before each reply to the dot
    messages_per_connection: int | None = None  #: hang up after so many, without a word
    data_without_rcpt: bool = False  #: 354 even when nobody is named, as RFC 2920 3.1 allows
    keep_bodies: bool = True  #: False: of each message only its digest, for long runs
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    starttls_offered: bool = True
    inject_before_tls: bytes = b""  #: sent in clear right behind the reply to STARTTLS
    password: str | None = None  #: AUTH is asked for before MAIL

    @property
    def names(self) -> frozenset[str]:
        """The keywords of what is offered."""
        return frozenset(offer.partition(" ")[0] for offer in self.offers)


def as_json(script: Script) -> dict[str, Any]:
    """A script for a server in another process; TLS stays at home."""
    plain = {entry.name: getattr(script, entry.name) for entry in fields(script) if entry.name in _PLAIN}
    return plain | {"rules": [asdict(rule) for rule in script.rules]}


def from_json(plain: Mapping[str, Any]) -> Script:
    """The other end of `as_json`; what is left out is a healthy server's."""
    values = {name: value for name, value in plain.items() if name in _PLAIN}
    values["offers"] = tuple(values.get("offers", Script.offers))
    return Script(rules=[Rule(**rule) for rule in plain.get("rules", ())], **values)


_PLAIN = frozenset(
    {
        "offers",
        "split_replies",
        "delay_seconds",
        "messages_per_connection",
        "data_without_rcpt",
        "keep_bodies",
        "password",
    }
)
