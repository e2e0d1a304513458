"""Recipients and explanations in the free text of a report: no format, but habits that all formats share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mailer.bounces.addresses import cleaned, found_in, is_official

MAX_LINES = 1500
MAX_FOUND = 500
MAX_LINE = 2000
_SMTP = re.compile(r"rcpt to:", re.IGNORECASE)
#: What stands between the start of a line and the address, and means nothing.
_MARKS = " \t\r\f\v\u3000-*•>·|([<\"'`=«"
#: A label before an address that the line is about; what is tried is short, so that no line is slow.
_LABEL = re.compile(
    r"(?:(?:final |original |failed |intended |invalid |e-?mail |smtp )?"
    r"(?:recipients?|address(?:es|ee)?|mailbox|user|users?\(s\)|empfänger|destinataire|destinatarios?|destinatário"
    r"|ontvanger|odbiorca|получатель|the user\(s\) account)(?:\(s\))?(?: address| name)?\s?[:：=]"
    r"|the user|user|account|unknown user:|undeliverable to)?[ \[<(\"']{0,4}(?:smtp:|mailto:|rfc822;)?",
    re.IGNORECASE,
)
MAX_LABEL = 60
#: The field of a message that is quoted: it may name more than those that failed.
_TO = re.compile(r"(?:to|an|a|para|pour|für|til|till|do|кому|宛先|받는 사람|收件人)\s?[:：]", re.IGNORECASE)
#: Words before an address that say it is somebody else's.
_OTHERS = re.compile(
    r"(?:from|sender|sent by|mail from:?|contact|contacting|e-?mail(?:ing)? us at|write to|help[^:]{0,40}to"
    r"|assistance[^:]{0,40}to|reply-to|cc|message-id|return-path|reports? to|generated from|forwarded by"
    r"|questions[^:]{0,30}|administrator|support|von|absender|de|da|expéditeur|remitente|mittente|remetente"
    r"|afzender|от|отправитель|envelope-from|on behalf of|postmaster|originator|message id)[\s:<\"'(\[=]*\Z",
    re.IGNORECASE,
)
#: Words of a line that says what went wrong.
_FAILURE = re.compile(
    r"\b[45]\d\d[ -]|\b[45]\.\d\.\d|unknown|not found|no such|does ?n[o']t exist|undeliver|could not|couldn't"
    r"|cannot|can't|unable|fail|error|trouble|problem|reject|refuse|full|quota|invalid|nicht|impossible"
    r"|no se pudo|non è|não|kunde|niet|не |nie |できません|无法|無法|退信|失败|실패|없",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Found:
    """One failed address and the words about it."""

    recipient: str
    words: str


def recipients(text: str, *, ours: Iterable[str]) -> tuple[Found, ...]:
    """Who a report speaks of; `ours` are the addresses it was sent to and from, which it hardly means."""
    excluded = {address.lower() for address in ours}
    lines = text.split("\n")[:MAX_LINES]
    ranked: dict[str, tuple[int, str]] = {}
    spare: dict[str, tuple[int, str]] = {}  # ours, and postmasters: meant only if nobody else is
    places: dict[str, list[int]] = {}
    for number, line in enumerate(line[:MAX_LINE] for line in lines):
        if "@" not in line or len(ranked) >= MAX_FOUND:
            continue
        before = lines[number - 1][-60:] if number else ""
        for match in found_in(line):
            address = cleaned(match[0])
            key = address.lower()
            if weight := _weight(line, match, before):
                where = spare if key in excluded or is_official(key) else ranked
                places.setdefault(key, []).append(number)
                if weight > where.get(key, (0, ""))[0]:
                    where[key] = (weight, address)
    ranked = ranked or {key: found for key, found in spare.items() if found[0] >= 2}
    best = max((weight for weight, _ in ranked.values()), default=0)
    chosen = {key: address for key, (weight, address) in ranked.items() if weight == best}
    starts = {number for key in chosen for number in places[key]}
    return tuple(Found(address, _words(lines, places[key], starts)) for key, address in chosen.items())


def _weight(line: str, match: re.Match[str], before: str) -> int:
    """How surely a line names its address as the failed one: 0 not at all, 5 it is all the line is about."""
    ahead, after = line[: match.start()], line[match.end() :]
    if "://" in ahead[-60:].rpartition(" ")[2] or after.startswith(("/", "://")):
        return 0
    if _SMTP.search(ahead[-20:]):
        return 4
    if _OTHERS.search(ahead[-80:]) or (not ahead.strip(" <\t") and _OTHERS.search(before)):
        return 0
    label = ahead.strip(_MARKS)
    if len(label) <= MAX_LABEL and _TO.fullmatch(label):
        return 3
    if len(label) <= MAX_LABEL and _LABEL.fullmatch(label):
        return (
            5 if not after.strip(" >)]\"'.,;:") or after.lstrip("> )]\"'")[:1] in (":", "(", ";", ",") else 4
        )
    return 2 if _FAILURE.search(line) else 1


def _words(lines: list[str], places: list[int], starts: set[int]) -> str:
    """The blocks of lines that begin where an address stands, until the next address has its own."""
    return "\n".join(_near(lines, place, starts) for place in places[:6])


def _near(lines: list[str], place: int, starts: set[int]) -> str:
    block = [lines[place]]
    tells = len(lines[place].split()) > 3  # a line that says more than the address ends with its paragraph
    for number in range(place + 1, min(place + 15, len(lines))):
        if number in starts or (not lines[number].strip() and (len(block) > 2 or tells)):
            break
        block.append(lines[number])
    return "\n".join(block)
