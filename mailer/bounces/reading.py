"""Reads one raw message that came back: what it is, whom it is about, and what became of them (A72-A82)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from mailer.bounces import dsn, kinds, legacy, returned
from mailer.bounces.addresses import cleaned, found_in, is_official, of_field
from mailer.bounces.complaints import (
    NO_COMPLAINT,
    complaints,
    feedback,
    holds_the_reader,
    is_feedback,
    is_look_alike,
    opens_with_feedback,
)
from mailer.bounces.mime import RETURNED, Part, leaves, read
from mailer.bounces.model import Bounce, Kind, Reading
from mailer.bounces.notices import read_notice
from mailer.bounces.text import decoded, header_text, text_of
from mailer.bounces.unsubscribing import wants_to_leave
from mailer.bounces.verdict import Evidence, decide

STATUS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RECEIPT = "message/disposition-notification"
_FEEDBACK = "message/feedback-report"
#: Fields of a message that name whom it was sent to, nearest first.
_DIALOGUE = re.compile(r"^[ \t]{0,8}RCPT TO:", re.MULTILINE)
#: Points from which a text is a report: a sender that is no person gives 1 or 2, a subject 2, the rest 1 each.
ENOUGH, SURE = 3, 2
_TO = ("to", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "apparently-to")


@dataclass(slots=True)
class Taken:
    """A message taken apart, each thing once."""

    whole: Part
    subject: str
    human: str = ""  #: the report's own words
    below: str = ""  #: what the text holds of the returned message
    status: dsn.StatusReport | None = None
    feedback: str | None = None
    returned: Part | None = None
    receipt: bool = False


def classify(raw: bytes) -> Reading:
    """What one raw RFC 5322 message is and says. Never raises for what is in it; pure."""
    taken = _take(read(raw))
    reading = _judge(taken)
    whole = taken.whole
    to = dict.fromkeys(
        cleaned(match[0]).lower()
        for name in _TO
        for value in whole.every(name)[:5]
        for match in found_in(header_text(value))
    )
    ids = (
        taken.returned or read(taken.below.encode("utf-8", "replace").lstrip())
        if taken.below
        else taken.returned
    )
    return replace(
        reading,
        addressed_to=tuple(to),
        sender=kinds.sender_of(whole),
        envelope_id=taken.status.envelope_id if taken.status else "",
        message_id=header_text(ids.first("message-id")).strip(" <>") if ids else "",
    )


def _take(whole: Part) -> Taken:
    taken = Taken(whole, kinds.subject_of(whole))
    texts: list[str] = []
    html = ""
    for part in leaves(whole):
        if part.media in STATUS:
            found = dsn.parse(text_of(part))
            before = taken.status.groups if taken.status else ()
            taken.status = dsn.StatusReport(before + found.groups, found.envelope_id)
        elif part.media == _FEEDBACK:
            taken.feedback = text_of(part)
        elif part.media in RETURNED:
            if taken.returned is None:
                taken.returned = read(decoded(part) if part.first("content-transfer-encoding") else part.body)
        elif part.media == _RECEIPT:
            taken.receipt = True
        elif part.media == "text/html":
            html = html or text_of(part)
        elif part.media.startswith(("text/", "message/", "application/json")) or not part.media:
            texts.append(text_of(part))
    text = "\n".join(texts)
    if len(text.strip()) < 20 or (html and "@" not in text):
        text = f"{text}\n{html}"
    human, taken.below = returned.split(text)
    taken.human = kinds.without_our_subject(human)
    # Anybody may write about such fields; software sends them.
    by_software = kinds.from_a_daemon(whole) > 0 and not kinds.is_bulk(whole)
    if taken.status is None and by_software and dsn.looks_like_one(text):
        taken.status = dsn.parse(text)
    # Alone in a person's letter, such fields are what the letter is about.
    formed = taken.returned or taken.below or by_software or opens_with_feedback(text)
    if taken.feedback is None and formed and not kinds.is_bulk(whole) and is_feedback(text):
        taken.feedback = text
    if taken.returned is None and holds_the_reader(text):
        taken.returned = read(text.lstrip().encode("utf-8", "replace"))
    return taken


def _judge(taken: Taken) -> Reading:
    """The kind, and the verdicts that go with it."""
    if taken.feedback is not None:
        found = feedback(taken.feedback)
        if found.type in NO_COMPLAINT:
            return Reading(Kind.NONE, rule=f"feedback report: {found.type}")
        return _complaint(found.readers, taken, "feedback report")
    whole, subject = taken.whole, taken.subject
    if "{" in taken.human[:2000] and (notice := read_notice(taken.human + taken.below)) is not None:
        kind = Kind.COMPLAINT if any(one.reason == "feedback" for one in notice) else Kind.BOUNCE
        return Reading(kind if notice else Kind.NONE, notice, rule="json notification")
    if taken.receipt or whole.params.get("report-type", "").lower() == "disposition-notification":
        if kinds.is_refusal(taken.human) and (refused := _from_refusal(taken)):
            return Reading(Kind.BOUNCE, refused, rule="a receipt that refuses")
        return Reading(Kind.AUTOREPLY, rule="read receipt")
    if is_look_alike(subject, kinds.sender_of(whole), taken.returned):
        return _complaint((), taken, "a provider's own complaint form")
    passed_on = _is_passed_on(taken)
    if taken.status and taken.status.groups and not passed_on:
        return _from_status(taken)
    if not passed_on and (bounces := _from_text(taken)):
        return Reading(Kind.BOUNCE, bounces, rule="text of a report")
    return _other(taken)


def _is_passed_on(taken: Taken) -> bool:
    """Whether a person answers or forwards a report; a few programs write `Re:` too, and then a dialogue."""
    if not kinds.is_passed_on(taken.subject):
        return False
    by_program = kinds.from_a_daemon(taken.whole) > 0
    return not (by_program and (not taken.whole.first("in-reply-to") or _DIALOGUE.search(taken.human)))


def _complaint(readers: tuple[str, ...], taken: Taken, rule: str) -> Reading:
    source = taken.returned or (
        read(taken.below.lstrip().encode("utf-8", "replace")) if taken.below else None
    )
    return Reading(Kind.COMPLAINT, complaints(readers, source, rule), rule=rule)


def _other(taken: Taken) -> Reading:
    to = tuple(
        cleaned(match[0]) for value in taken.whole.every("to")[:3] for match in found_in(header_text(value))
    )
    if kinds.is_automatic(taken.whole, taken.subject):
        return Reading(Kind.AUTOREPLY, rule="automatic reply")
    if rule := wants_to_leave(taken.subject, taken.human, to):
        return Reading(Kind.UNSUBSCRIBE, rule=rule)
    if kinds.says_automatic(taken.whole):
        return Reading(Kind.AUTOREPLY, rule="Auto-Submitted")
    return Reading(Kind.NONE, rule="nothing speaks for a bounce")


def _from_status(taken: Taken) -> Reading:
    """Verdicts from the groups of a delivery status notification; only failures and delays count (A73)."""
    assert taken.status is not None
    groups = [
        group
        for group in taken.status.groups
        if group.action not in dsn.ARRIVED
        and not (group.status.startswith("2") and group.action != dsn.FAILED)
    ]
    if not groups:
        return Reading(Kind.NONE, rule="a report of success")
    blocks = {one.recipient.lower(): one.words for one in legacy.recipients(taken.human, ours=())}
    made: dict[str, Bounce] = {}
    for group in groups:
        words = blocks.get(group.recipient.lower()) or blocks.get(group.original.lower()) or ""
        if not words and len(groups) == 1:
            words = taken.human
        made.setdefault(
            group.recipient.lower(),
            decide(
                Evidence(
                    group.recipient,
                    group.status,
                    group.diagnostic,
                    words,
                    delayed=group.action == dsn.DELAYED,
                )
            ),
        )
    return Reading(Kind.BOUNCE, tuple(made.values()), rule="delivery status notification")


def _from_refusal(taken: Taken) -> tuple[Bounce, ...]:
    """The verdict of a mailbox that refuses by a receipt, as Dovecot does when it is full (RFC 5429 2.2)."""
    meant = [one.recipient for one in legacy.recipients(taken.human, ours=())] or _of_returned(taken)
    return tuple(decide(Evidence(address, context=kinds.after_refusal(taken.human))) for address in meant[:1])


def _from_text(taken: Taken) -> tuple[Bounce, ...]:
    """Verdicts from a report in words, if enough speaks for its being one."""
    whole, subject, human = taken.whole, taken.subject, taken.human
    listed = [
        of_field(one) for value in whole.every("x-failed-recipients") for one in header_text(value).split(",")
    ]
    listed = [address for address in listed if address]
    if not listed and not _speaks_for_a_bounce(taken):
        return ()
    ours = [
        cleaned(match[0])
        for name in ("to", "from")
        for value in whole.every(name)
        for match in found_in(header_text(value))
    ]
    found = legacy.recipients(human, ours=[] if listed else ours)
    words = {one.recipient.lower(): one.words for one in found}
    nobody = whole.first("return-path").strip() in (b"", b"<>")
    sure = nobody and (
        kinds.signs_as_a_daemon(whole) or (kinds.has_a_daemon_s_name(whole) and kinds.names_a_bounce(subject))
    )
    if not (listed or taken.returned or taken.below or sure) and all(
        _is_of_ours(one.recipient, ours, whole) for one in found
    ):
        return ()  # a letter that frightens its own addressee, and returns nothing
    if not (listed or taken.returned or taken.below or kinds.has_a_code(human)) and kinds.is_masked(whole):
        return ()  # a name that daemons have, over the address of somebody else
    addresses = list(dict.fromkeys(listed)) or [one.recipient for one in found] or _of_returned(taken)
    delayed = kinds.names_a_delay(subject, human)
    return tuple(
        decide(
            Evidence(
                address,
                diagnostic=words.get(address.lower(), ""),
                context=human if len(addresses) == 1 else "",
                delayed=delayed,
            )
        )
        for address in addresses
    )


def _is_of_ours(address: str, ours: list[str], whole: Part) -> bool:
    """Whether an address is one that a message was sent to or from.

    Unless sender and subject are those of a report, also an address of the house that it was sent to: so
    write those who want to frighten a whole house, and postmasters who welcome it.
    """
    if address.lower() in {one.lower() for one in ours}:
        return True
    if is_official(kinds.sender_of(whole)) and kinds.names_a_bounce(kinds.subject_of(whole)):
        return False
    domain = address.lower().rpartition("@")[2]
    houses = [cleaned(match[0]).lower() for match in found_in(header_text(whole.first("to")))]
    return any(house.endswith((f"@{domain}", f".{domain}")) for house in houses)


def _speaks_for_a_bounce(taken: Taken) -> bool:
    """Whether sender, subject, words, codes and the returned message make three points together."""
    whole, subject, human = taken.whole, taken.subject, taken.human
    daemon, named = kinds.from_a_daemon(whole), kinds.names_a_bounce(subject)
    if kinds.is_automatic(whole, subject) or kinds.is_summary(subject) or kinds.says_arrived(subject, human):
        return False
    if kinds.is_bulk(whole) and not (daemon == SURE and named):
        return False
    points = (
        daemon
        + 2 * named
        + kinds.opens_like_a_bounce(human)
        + bool(taken.returned or taken.below)
        + kinds.has_a_code(human)
    )
    # A person's note of absence has no return path either, and may quote what it answers; it attaches nothing.
    attached = taken.returned is not None
    return points >= ENOUGH and daemon > 0 and (named or attached or kinds.has_a_daemon_s_name(whole))


def _of_returned(taken: Taken) -> list[str]:
    source = taken.returned or (
        read(taken.below.lstrip("\n -").encode("utf-8", "replace")) if taken.below else None
    )
    found = [cleaned(match[0]) for match in found_in(header_text(source.first("to")))] if source else []
    return [address for address in found if not is_official(address)][:1]
