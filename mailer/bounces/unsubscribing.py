"""People who write that they want to leave: to the unsubscribe address, or in one plain word (A19, A20, C33)."""

from __future__ import annotations

import re

_POLITE = r"[\s\W]*(?:(?:please|bitte|hi|hello|hallo)[\s,.!]+)?"
_THANKS = r"[\s\W]*(?:(?:please|bitte|thanks|thank you|danke)[\s\W]*)?\Z"
_WISH = (
    r"(?:stop(?: (?:it|this|mailing|sending)[^\n]{0,40})?|unsubscribe(?: me)?(?: from [^\n]{0,60})?"
    r"|remove me(?: from [^\n]{0,60})?|take me off[^\n]{0,60}|opt.?out|cancel (?:my )?subscription"
    r"|(?:(?:den )?newsletter )?(?:abmelden|abbestellen|austragen|kündigen)"
    r"|(?:me )?dés(?:abonnement|abonner|inscription|inscrire)|(?:dar(?:me)? de )?baja|cancelar suscripción"
    r"|disiscri(?:zione|vimi)|cancella(?:mi|zione)|uitschrijven|afmelden|wypisz(?: mnie)?|wypisać|отписаться"
    r"|отпишите меня|descadastrar|cancelar (?:inscrição|assinatura)|avregistrera|退订|取消订阅|配信停止|수신거부"
    r"|(?:melden|tragen) sie mich (?:ab|aus)[^\n]{0,40}|keine (?:weiteren )?(?:e-?mails|newsletter)(?: mehr)?)"
)
_WORDS = re.compile(_POLITE + _WISH + _THANKS, re.IGNORECASE)
#: A line with which people end a mail, before their name.
_GREETING = re.compile(
    r"(?:(?:best|kind|warm)?\s*(?:regards|wishes)|cheers|sincerely|yours \w+|thanks|thank you"
    r"|(?:mit )?(?:freundliche[nr]?|viele[nr]?|beste[nr]?|liebe[nr]?) gr(?:ü|ue)(?:ß|ss)e?n?|gruß|mfg|lg|vg|danke"
    r"|merci|cordialement|saludos|cordiali saluti|met vriendelijke groet)[\s,.!]*",
    re.IGNORECASE,
)
_NAME_PARTS, _PARTICLES = 4, frozenset({"von", "van", "de", "der", "den", "da", "di", "la", "zu"})
_MAILBOX = re.compile(r"(?:unsubscribe|unsub|leave|abmelden|optout|opt-out)(?:[+._-]|\Z)", re.IGNORECASE)
_REPLY = re.compile(r"\s*(?:re|aw|antw|sv)\s?:\s*", re.IGNORECASE)


def wants_to_leave(subject: str, text: str, addressed_to: tuple[str, ...]) -> str:
    """Which rule says that a person wants to leave; empty if none does."""
    if any(_MAILBOX.match(address.partition("@")[0]) for address in addressed_to):
        return "sent to the unsubscribe address"
    own = _own_words(text)
    if own and (_WORDS.fullmatch(own) or _WORDS.fullmatch(_unsigned(own))):
        return "a person writes so"
    return "subject" if not _REPLY.match(subject) and _WORDS.fullmatch(subject[:200]) else ""


def _own_words(text: str) -> str:
    """The first lines that the writer wrote, without what was quoted or signed."""
    kept: list[str] = []
    for line in text[:4000].split("\n"):
        bare = line.strip()
        if (
            bare.startswith((">", "-- ", "-----", "On ", "Am ", "From:", "Von:", "Sent from", "Gesendet"))
            or bare == "--"
        ):
            break
        if bare:
            kept.append(bare)
        if len(kept) > 6:
            return ""
    return "\n".join(kept)[:400]


def _unsigned(words: str) -> str:
    """Without the greeting and the name below it; the first line is never one."""
    lines = words.split("\n")
    if len(lines) > 1 and _is_name(lines[-1]):
        lines.pop()
    if len(lines) > 1 and _GREETING.fullmatch(lines[-1]):
        lines.pop()
    return "\n".join(lines)


def _is_name(line: str) -> bool:
    parts = [part for part in line.rstrip(".!,").split() if part not in _PARTICLES]
    return 0 < len(parts) <= _NAME_PARTS and all(
        part[0].isupper() and part.replace("-", "").replace(".", "").replace("'", "").isalpha()
        for part in parts
    )
