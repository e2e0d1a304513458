"""The frozen form of a compiled message: what scheduling approves by hash (law 9).

Canonical JSON, so that compiling the same source again gives the same bytes, and so that a
later version of the product still sends exactly what was approved.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mailer.errors import MailerError
from mailer.rendering.identity import FieldSpec
from mailer.rendering.program import Choice, HoleContext, Program, Static, Value

FORMAT = 1


class ArtefactUnreadable(MailerError):
    """A stored message is damaged or of another version; compile the campaign again."""


class MessageClass(StrEnum):
    """The three classes of message, each with its own way out (law 4)."""

    CAMPAIGN = "campaign"
    CONFIRMATION = "confirmation"
    PROOF = "proof"


@dataclass(frozen=True, slots=True)
class Artefact:
    """A message for everybody, short of what differs per recipient."""

    message_class: MessageClass
    language: str
    fields_before: tuple[str, ...]
    """Finished header fields that stand before the recipient's own."""
    fields_after: tuple[str, ...]
    unsubscribe_address: str | None
    subject: Program
    """Plain text; the field is encoded when its holes are filled."""
    boundary: str
    text: Program
    """Quoted-printable already, as is `html`."""
    html: Program
    fields: tuple[tuple[str, FieldSpec], ...]
    must_show: tuple[str, ...]
    """What a reader must see in both parts: the list, who sends, whom to ask (F3, C12)."""
    html_size_bound: int
    """Octets of UTF-8 that the HTML part can reach, whatever is merged into it (B17)."""
    size_bound: int
    """Octets that the whole message can reach (A36)."""

    def to_bytes(self) -> bytes:
        """Canonical JSON in UTF-8: sorted keys, no white space."""
        content = {
            "format": FORMAT,
            "message_class": self.message_class.value,
            "language": self.language,
            "fields_before": self.fields_before,
            "fields_after": self.fields_after,
            "unsubscribe_address": self.unsubscribe_address,
            "subject": _written(self.subject),
            "boundary": self.boundary,
            "text": _written(self.text),
            "html": _written(self.html),
            "fields": [[name, spec.type, spec.default] for name, spec in self.fields],
            "must_show": self.must_show,
            "html_size_bound": self.html_size_bound,
            "size_bound": self.size_bound,
        }
        return json.dumps(
            content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Artefact:
        """Read what `to_bytes` wrote; raises ArtefactUnreadable for anything else."""
        try:
            content = json.loads(data)
            if content.pop("format") != FORMAT:
                raise ArtefactUnreadable
            content |= {name: _read(content[name]) for name in ("subject", "text", "html")}
            content |= {name: tuple(content[name]) for name in ("fields_before", "fields_after", "must_show")}
            content["fields"] = tuple(
                (name, FieldSpec(kind, default)) for name, kind, default in content["fields"]
            )
            content["message_class"] = MessageClass(content["message_class"])
            return cls(**content)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArtefactUnreadable from error


def _written(program: Program) -> list[Any]:
    return [_written_node(node) for node in program]


def _written_node(node: Static | Value | Choice) -> Any:
    if isinstance(node, Static):
        return node.text
    if isinstance(node, Value):
        return {"value": node.expression, "context": node.context.value}
    return {"branches": [[condition, _written(program)] for condition, program in node.branches]}


def _read(content: Any) -> Program:
    if not isinstance(content, list):
        raise TypeError("a program is a list of nodes")
    return tuple(_read_node(node) for node in content)


def _read_node(node: Any) -> Static | Value | Choice:
    if isinstance(node, str):
        return Static(node)
    if "value" in node:
        return Value(node["value"], HoleContext(node["context"]))
    return Choice(tuple((condition, _read(program)) for condition, program in node["branches"]))
