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
_MAILBOX = re.compile(r"(?:unsubscribe|unsub|leave|abmelden|optout|opt-out)(?:[+._-]|\Z)", re.IGNORECASE)
_REPLY = re.compile(r"\s*(?:re|aw|antw|sv)\s?:\s*", re.IGNORECASE)


def wants_to_leave(subject: str, text: str, addressed_to: tuple[str, ...]) -> str:
    """Which rule says that a person wants to leave; empty if none does."""
    if any(_MAILBOX.match(address.partition("@")[0]) for address in addressed_to):
        return "sent to the unsubscribe address"
    if _WORDS.fullmatch(_own_words(text)) and _own_words(text):
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
