"""What rendering is told: the source of a message, who sends it, and what it answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from mailer.addresses import Mailbox


@dataclass(frozen=True, slots=True)
class Body:
    """One authored text and where it stands, so that a problem can be pointed at."""

    text: str
    kind: Literal["markdown", "mjml", "text"]
    path: str
    first_line: int = 1
    """The line of `path` that `text` begins on; a front matter comes before it."""


@dataclass(frozen=True, slots=True)
class MessageSource:
    """Everything an author wrote about one message."""

    slug: str
    subject: str
    preheader: str
    language: str
    body: Body
    text_body: Body | None = None
    layout: str = "default"
    images: Mapping[str, str] = field(default_factory=dict)
    """Relative path as written, such as `images/week.png` -> absolute URL on the site."""
    image_sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """The same path -> width and height in pixels, where known: an image that says no size gets it."""
    campaign: Mapping[str, Any] = field(default_factory=dict)
    """Further front matter, seen in templates as `campaign.<name>`."""


@dataclass(frozen=True, slots=True)
class ListIdentity:
    """The list a message goes to, as the settings describe it."""

    name: str
    title: str
    list_id: str
    from_mailbox: Mailbox
    reply_to: Mailbox | None = None
    description: str = ""
    frequency: str = ""


@dataclass(frozen=True, slots=True)
class SiteIdentity:
    """Who sends, in law and on the web."""

    name: str
    legal_name: str
    base_url: str
    postal_address: str
    privacy_contact: str
    imprint_url: str | None = None
    asset_hosts: tuple[str, ...] = ()
    unsubscribe_address: str | None = None
    message_id_domain: str = ""
    language: str = "en"

    @property
    def postal_lines(self) -> tuple[str, ...]:
        """The postal address line by line: as the block writes it, so the gate looks for it."""
        lines = (line.strip(" ,") for line in self.postal_address.splitlines())
        return tuple(line for line in lines if line)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A merge field: what it holds, and what it holds when nobody said."""

    type: Literal["text", "number", "boolean", "date"]
    default: Any = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding, as a compiler would print it: place, rule, what is wrong, what to do."""

    path: str
    line: int | None
    rule: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return " ".join(part for part in (f"{place}: {self.message}", self.remedy, f"[{self.rule}]") if part)
