"""One verdict from what a report says of one address: clear text, clear code, vague text, vague code (A75, A76)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailer.bounces.addresses import ADDRESS
from mailer.bounces.model import REASONS, Bounce, Severity
from mailer.bounces.rules import CLEAR, EXCUSES, LEAST, VAGUE
from mailer.bounces.rules.codes import BY_REPLY, BY_SUBJECT
from mailer.bounces.rules.codes import CLEAR as CLEAR_CODES
from mailer.bounces.rules.doubt import DOUBT, NAMED
from mailer.bounces.rules.row import Rule, bare

MAX_WORDS = 4000  #: characters of one explanation that are judged
MIN_WORDS = 3  #: below, a text is no more than its code
_WORD = re.compile(r"[^\W\d_]{2,}")
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d]|\.\d)")
_REPLY = re.compile(r"(?<![\d.:\[/#=-])([45][0-5]\d)(?=[ \t:;.,)-]|$)(?!\.\d)")
_REPEATED = re.compile(r"(?<![\d.])[45]\d\d-(?:[45]\.\d{1,3}\.\d{1,3})?\s?")
#: How IronPort begins every explanation, whatever the other server said.
_WRAPPED = re.compile(r"5\.\d\.\d - (?:unknown address error|other mail system problem) (?=['\d]|5\.)")
_BEFORE_RECIPIENT = re.compile(
    r"in (?:reply|response) to (?:mail from|ehlo|helo|end of data)?|after (?:mail from|ehlo|helo|initial connection)"
    r"|while (?:sending|performing the) (?:mail from|ehlo|helo)"
    r"|>>> (?:mail from|ehlo|helo)[^<>]{0,80}(?:<[^<>]{0,80}>)?[^<>]{0,40}<<< 5"
)
#: Words before which a report quotes the other server.
_QUOTES = re.compile(
    r"(?:the response(?: from the remote server)? was"
    r"|(?:remote|receiving|recipient's|destination) (?:mail )?(?:server|host)"
    r" (?:said|replied|returned|responded|answered)(?: with)?"
    r"|die antwort (?:des remoteservers )?lautete"
    r"|la réponse (?:du serveur distant )?(?:était|a été)|la respuesta (?:del servidor remoto )?(?:fue|era)"
    r"|la risposta (?:del server remoto )?è stata|a resposta (?:do servidor remoto )?foi)\s{0,9}:",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one report says of one address, nearest words first."""

    recipient: str | None
    status: str = ""  #: the Status field, as it came
    diagnostic: str = ""  #: the server's own words
    context: str = ""  #: what the report says around them
    delayed: bool = False


def decide(evidence: Evidence) -> Bounce:
    """The verdict, with the row that gave it."""
    said = evidence.diagnostic if _REPLY.search(evidence.diagnostic) else quoted(evidence.context)
    words, around = plain(server_words(said or evidence.diagnostic)), plain(server_words(evidence.context))
    status = _status(evidence, words, around)
    reply = _reply(evidence, words, around)
    reason, rule = _reason(words, around, status, reply)
    if REASONS[reason].dead and words and (row := first(EXCUSES, around)):
        reason, rule = row.reason, row.name
    dead = REASONS[reason].dead
    temporary = evidence.delayed or status.startswith("4.") or (not status and reply.startswith("4"))
    if dead and not temporary and _spoke_before_recipient(words or around):
        reason, rule, dead = "rejected", f"{rule}, said before the recipient was named", False
    if temporary and reason == "hostunknown":  # not found for now: the name service has trouble
        reason = "networkerror"
    return Bounce(
        recipient=evidence.recipient,
        status=status,
        kind=Severity.HARD if dead and not temporary else Severity.SOFT,
        reason=reason,
        delayed=evidence.delayed,
        rule=rule,
    )


def server_words(text: str) -> str:
    """Of a transcript, what the other server said: sendmail adds lines of its own that say less or wrong."""
    lines = [line for line in text.split("\n") if line.lstrip().startswith(("<<<", "(reason:"))]
    said = [line for line in lines if "need rcpt" not in line.lower()]
    return "\n".join(said) or text


def quoted(text: str) -> str:
    """What a report in prose quotes of the other server; empty if it quotes nothing."""
    match = _QUOTES.search(text[:MAX_WORDS])
    return text[match.end() :].strip()[:1000] if match else ""


def plain(text: str) -> str:
    """Text for the rules: lower case, plain letters, addresses as `@`, the codes that lines repeat taken out."""
    text = bare(" ".join(text[:MAX_WORDS].lower().replace("\u2019", "'").split()))
    text = ADDRESS.sub("@", text) if "@" in text else text
    return _WRAPPED.sub("", _REPEATED.sub("", text).replace("<@>", "@"))


def _reason(words: str, around: str, status: str, reply: str) -> tuple[str, str]:
    """The reason and its rule: what the server said, text before code, then what stands around it."""
    detail = status.partition(".")[2]
    subject = detail.partition(".")[0]
    if row := first(CLEAR, words):
        return row.reason, row.name
    if not words and (row := first(CLEAR, around)):
        return row.reason, row.name
    ends = detail in CLEAR_CODES and REASONS[CLEAR_CODES[detail]].dead
    if ends and (row := first(DOUBT, words) or first(VAGUE, words)):
        return row.reason, row.name
    if ends and _speaks_of_something_else(words, status):
        return "rejected", f"status {status} beside words that do not name the address"
    if detail in CLEAR_CODES:
        return CLEAR_CODES[detail], f"status {status}"
    if row := first(VAGUE, words) or first(CLEAR, around):
        return row.reason, row.name
    if subject in BY_SUBJECT:
        return BY_SUBJECT[subject], f"status {status}"
    if row := first(LEAST, words) or first(VAGUE, around) or first(LEAST, around):
        return row.reason, row.name
    if reply in BY_REPLY:
        return BY_REPLY[reply], f"reply {reply}"
    return "undefined", "nothing said"


def _speaks_of_something_else(words: str, status: str) -> bool:
    """Whether a text says something after its code, and nothing in it is about a recipient."""
    said = words.partition(status)[2].partition(" giving up on ")[0].partition("(in reply to")[0]
    return len(_WORD.findall(said)) >= MIN_WORDS and not NAMED.speaks_of(said)


def first(table: tuple[Rule, ...], text: str) -> Rule | None:
    """The first row that speaks of a text."""
    return next((row for row in table if row.speaks_of(text)), None)


def _status(evidence: Evidence, words: str, around: str) -> str:
    """The most telling enhanced status: a generic one (5.0.0) gives way to what the words carry."""
    found = [match for text in (words, evidence.status, around) for match in _STATUS.findall(text[:2000])]
    telling = [parts for parts in found if parts[1] != "0"]
    # A server's own 5.x.y in its words outranks the reporter's 5.x.0 and 4.x.0.
    telling.sort(key=lambda parts: parts[2] == "0")
    best = (telling or found)[:1]
    return ".".join(str(int(part)) for part in best[0]) if best else ""


def _reply(evidence: Evidence, words: str, around: str) -> str:
    for text in (words, evidence.status, around):
        if match := _REPLY.search(text):
            return match[1]
    return ""


def _spoke_before_recipient(text: str) -> bool:
    match = _BEFORE_RECIPIENT.search(text)
    return match is not None and any(word in match[0] for word in ("mail from", "ehlo", "helo", "initial"))
