"""The subject line, the preheader and the name of the sender (E12, E18, B14)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from mailer.campaigns.draft import Draft
from mailer.campaigns.preflight.lookalike import mixed_scripts
from mailer.campaigns.preflight.places import in_head, in_settings, shortened, specimens
from mailer.campaigns.recipients import EMPTY, SAMPLE
from mailer.rendering.authoring.dom import escape_text
from mailer.rendering.identity import Problem

#: What answers and forwards begin with, in the languages of common mail programs.
_REPLY = re.compile(r"\s*(re|fwd?|aw|wg|antw|sv|vs|ref|rif|enc|tr|odp)\s*(\[\d+\])?:", re.IGNORECASE)
_NOTHING = re.compile(r"[\s\W_]*")
#: Signs that pretend a check or a status of the mail program.
_LOOKALIKE_MARKS = frozenset("✓✔☑✅🗸⚠❗❕⭐★☆🔒🔐📧✉📩")
#: Signs that names of firms do hold.
_PLAIN_SIGNS = frozenset("№™®©°")
_LONGEST_SUBJECT = 150
PREHEADER_SHORTEST, PREHEADER_LONGEST = 40, 130


def empty_subject(draft: Draft) -> Iterator[Problem]:
    """A subject that has no word in it, for somebody."""
    for specimen in specimens(draft):
        if _NOTHING.fullmatch(specimen.subject):
            yield in_head(
                draft, "subject", "subject-empty", f"the subject is empty for {specimen.person.label}",
                "Add words, or `| default('…')` to its merge field.",
            )  # fmt: skip
            return


def false_reply(draft: Draft) -> Iterator[Problem]:
    """A subject that pretends to be an answer."""
    for specimen in specimens(draft, SAMPLE):
        found = _REPLY.match(specimen.subject)
        if found:
            yield in_head(
                draft, "subject", "subject-reply", f"the subject begins with `{found[0].strip()}`, as an answer would",
                "Nobody wrote to you first: remove it.",
            )  # fmt: skip


def long_subject(draft: Draft) -> Iterator[Problem]:
    """A subject that no inbox shows whole."""
    for specimen in specimens(draft, SAMPLE):
        length = len(specimen.subject)
        if length > _LONGEST_SUBJECT:
            yield in_head(
                draft, "subject", "subject-long", f"the subject has {length} characters",
                f"Inboxes show 40 to 70; keep it below {_LONGEST_SUBJECT}.",
            )  # fmt: skip


def preheader(draft: Draft) -> Iterator[Problem]:
    """A preheader that is missing, too short, too long, or shown nowhere."""
    length = len(draft.source.preheader)
    remedy = f"Say in {PREHEADER_SHORTEST} to {PREHEADER_LONGEST} characters what the subject leaves out."
    if not length:
        message = "there is no preheader, so inboxes show the first words of the mail"
        yield in_head(draft, "preheader", "preheader", message, remedy)
    elif not PREHEADER_SHORTEST <= length <= PREHEADER_LONGEST:
        yield in_head(draft, "preheader", "preheader", f"the preheader has {length} characters", remedy)
    if length and not _is_shown(draft):
        remedy = "Put {{ preheader }} at the top of the layout or of the MJML, in <mj-preview> for instance."
        yield in_head(draft, "preheader", "preheader", "the preheader stands nowhere in the mail", remedy)


def _is_shown(draft: Draft) -> bool:
    """Whether the words reach the mail; a preheader with merge fields differs per reader and is believed."""
    words = "".join(escape_text(draft.source.preheader).split())
    return "{" in words or all(words in "".join(each.html.split()) for each in specimens(draft, SAMPLE))


def sender_name(draft: Draft) -> Iterator[Problem]:
    """A display name with pictures, marks or letters that look like others."""
    name = draft.list_.from_mailbox.name
    remedy = f"Write the plain name of the shop into `from` of [lists.{draft.list_.name}]."
    if not name.strip():
        yield in_settings("sender-name", "the sender has no display name", remedy)
    if any(sign in _LOOKALIKE_MARKS or _is_picture(sign) for sign in name):
        yield in_settings(
            "sender-name", f"the sender's name `{shortened(name)}` holds a picture or mark", remedy
        )
    if mixed_scripts(name):
        message = f"the sender's name `{shortened(name)}` mixes letters of several alphabets"
        yield in_settings("sender-name", message, remedy)
    if "{" in name or "@" in name:
        yield in_settings("sender-name", f"the sender's name `{shortened(name)}` is not a name", remedy)


def _is_picture(sign: str) -> bool:
    return sign not in _PLAIN_SIGNS and unicodedata.category(sign) in ("So", "Sk", "Cn", "Co")


def sender_says_subject(draft: Draft) -> Iterator[Problem]:
    """A display name that carries the message."""
    name = draft.list_.from_mailbox.name.strip().lower()
    for specimen in specimens(draft, EMPTY):
        subject = specimen.subject.strip().lower()
        if name and (name == subject or (len(subject) > 3 and subject in name)):
            yield in_head(
                draft, "subject", "sender-subject", "the subject repeats the name of the sender",
                "The name says who writes, the subject says what about.",
            )  # fmt: skip
