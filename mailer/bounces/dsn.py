"""Delivery status notifications: the groups of fields of RFC 3464 and RFC 6533, wherever they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailer.bounces.addresses import of_field

MAX_GROUPS = 500
_FOLD = re.compile(r"\n[ \t]+")
_FIELD = re.compile(r"[ \t>]{0,4}([A-Za-z][A-Za-z0-9-]{2,40})[ \t]*:[ \t]*(.*)")
_RECIPIENT = ("final-recipient", "original-recipient")
#: Actions of RFC 3464 2.3.3; the others say that it arrived, or was passed on, and are no bounce (A73).
FAILED, DELAYED = "failed", "delayed"
ARRIVED = frozenset({"delivered", "relayed", "expanded", "delivered-to"})
#: Words that broken software writes in place of the five.
_ACTIONS = {"failure": FAILED, "fail": FAILED, "deferred": DELAYED, "delay": DELAYED, "transient": DELAYED}


@dataclass(frozen=True, slots=True)
class Group:
    """What one report says of one recipient."""

    recipient: str
    original: str
    action: str  #: lower case; empty where the report forgot it
    status: str
    diagnostic: str


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A message/delivery-status body: its recipients, and the envelope id of the whole (RFC 3464 2.2.1)."""

    groups: tuple[Group, ...]
    envelope_id: str


def looks_like_one(text: str) -> bool:
    """Whether there are recipient fields in a text that is not labelled so."""
    low = text.lower()
    return "final-recipient:" in low or "original-recipient:" in low


def parse(text: str) -> StatusReport:
    """Groups of fields; groups that forgot the empty line between them too, fields in any order."""
    groups, envelope = [], ""
    for block in _blocks(text):
        envelope = envelope or block.get("original-envelope-id", "")
        recipient, original = (of_field(block.get(name, "")) for name in _RECIPIENT)
        recipient = recipient or of_field(block.get("x-actual-recipient", "")) or original
        if not recipient:
            continue
        action = block.get("action", "").split(";")[0].split("(")[0].strip().lower()
        groups.append(
            Group(
                recipient=recipient,
                original=original,
                action=_ACTIONS.get(action, action),
                status=block.get("status", ""),
                diagnostic=block.get("diagnostic-code", "") or block.get("x-diagnostic", ""),
            )
        )
        if len(groups) >= MAX_GROUPS:
            break
    return StatusReport(tuple(groups), envelope)


def _blocks(text: str) -> Iterator[dict[str, str]]:
    """One dict of fields per group; the first recipient field of a kind twice starts a new one."""
    block: dict[str, str] = {}
    for line in _FOLD.sub(" ", text.replace("\r", "")).split("\n"):
        match = _FIELD.match(line)
        if match is None:
            if not line.strip() and block:
                yield block
                block = {}
            elif block and line.strip() and "diagnostic-code" in block:
                # A diagnostic that was wrapped without the white space that folding needs.
                block["diagnostic-code"] += " " + line.strip()
            continue
        name, value = match[1].lower(), match[2].strip()
        if name in block and name in _RECIPIENT:
            yield block
            block = {}
        if name == "diagnostic-code" and name in block:
            value = f"{block[name]} {value}"
        block[name] = value
    if block:
        yield block
