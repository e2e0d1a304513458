"""Notifications that are JSON, sent by mail or kept as files: of Amazon SES, bare or in an SNS envelope."""

from __future__ import annotations

import json
from typing import Any

from mailer.bounces.addresses import of_field
from mailer.bounces.model import Bounce, Severity
from mailer.bounces.verdict import Evidence, decide

MAX_JSON = 256 * 1024
#: SES bounce types and subtypes as words that the rules know.
_SUBTYPES = {
    "NoEmail": "no such user",
    "Suppressed": "",
    "OnAccountSuppressionList": "",
    "MailboxFull": "mailbox full",
    "MessageTooLarge": "message too large",
    "ContentRejected": "content rejected",
    "AttachmentRejected": "attachment rejected",
}


def read_notice(text: str) -> tuple[Bounce, ...] | None:
    """The verdicts of a JSON notification; None if the text is none; empty for a delivery or an opening."""
    value = _loaded(text)
    for _ in range(3):  # SNS puts the notification as a string into "Message"
        if isinstance(value, dict) and isinstance(value.get("Message"), str):
            value = _loaded(value["Message"])
    if not isinstance(value, dict):
        return None
    kind = str(value.get("notificationType") or value.get("eventType") or "").lower()
    body = value.get(kind)
    if kind == "bounce" and isinstance(body, dict):
        return tuple(_bounces(body))
    if kind == "complaint" and isinstance(body, dict):
        return tuple(
            Bounce(
                of_field(str(one.get("emailAddress", ""))) or None,
                "",
                Severity.COMPLAINT,
                "feedback",
                False,
                "json",
            )
            for one in _list(body, "complainedRecipients")
        )
    return () if kind else None


def _bounces(body: dict[str, Any]) -> list[Bounce]:
    around = _SUBTYPES.get(str(body.get("bounceSubType", "")), "")
    made = []
    for one in _list(body, "bouncedRecipients"):
        if recipient := of_field(str(one.get("emailAddress", ""))):
            made.append(
                decide(
                    Evidence(
                        recipient,
                        str(one.get("status", "")),
                        str(one.get("diagnosticCode", "")),
                        around,
                        delayed=str(one.get("action", "")).lower() == "delayed",
                    )
                )
            )
    return made


def _list(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = body.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _loaded(text: str) -> Any:
    start = text.find("{")
    if start < 0 or start > 2000 or len(text) > MAX_JSON:
        return None
    try:
        return json.JSONDecoder().raw_decode(text, start)[0]
    except (ValueError, RecursionError):
        return None
