"""Parts and identities become one multipart/alternative message (RFC 2046 5.1.4), still with holes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import quote, urlsplit

from mailer.rendering.identity import FieldSpec, ListIdentity, SiteIdentity
from mailer.rendering.program import Choice, HoleContext, Parts, Program, Static, Value
from mailer.rendering.wire import characters, headers
from mailer.rendering.wire.artefact import Artefact, MessageClass
from mailer.rendering.wire.encode import SOFT_BREAK, encode_chunk
from mailer.rendering.wire.expressions import OWN_LINKS

#: Octets that the fields of one recipient can add: addresses, identifiers and the link, twice over.
_RECIPIENT_HEADER_BOUND = 4_000
#: Octets that one hole can grow to, in UTF-8 (B17): the longest value, each character at its worst.
_HOLE_BOUND = {
    HoleContext.TEXT: characters.VALUE_LIMIT * 4,
    HoleContext.HTML: characters.VALUE_LIMIT * characters.HTML_GROWTH,
    HoleContext.URL: characters.VALUE_LIMIT * characters.URL_GROWTH,
    HoleContext.HREF: characters.URL_LIMIT,
}
#: Octets of one hole in quoted-printable: every character four octets, each written as three.
_WIRE_HOLE_BOUND = characters.VALUE_LIMIT * 12 * 79 // 75
#: Octets of a link that the site makes itself; its token has a fixed length.
_OWN_LINK_BOUND = 400
PROOF_PREFIX = "[Proof] "


def assemble(
    parts: Parts,
    *,
    message_class: MessageClass,
    slug: str,
    language: str,
    list_: ListIdentity,
    site: SiteIdentity,
    fields: Mapping[str, FieldSpec],
) -> Artefact:
    """Authored parts as the frozen message. Raises HeaderUnsafe for a name or subject unfit for a header."""
    text, html = _wire(parts.text), _wire(parts.html)
    mark: Program = (Static(PROOF_PREFIX),) if message_class is MessageClass.PROOF else ()
    subject: Program = (*mark, *parts.subject)
    if any(characters.CONTROL.search(node.text) for node in _statics(subject)):
        raise headers.HeaderUnsafe("The subject holds a line break or another control character; remove it.")
    boundary = "=_" + hashlib.sha256(repr((text, html)).encode()).hexdigest()[:24]
    after = (*_class_fields(message_class, slug, list_, site), *_closing_fields(language, list_, boundary))
    return Artefact(
        message_class=message_class,
        language=language,
        fields_before=(headers.mailbox("From", list_.from_mailbox),),
        fields_after=after,
        unsubscribe_address=None if message_class is MessageClass.CONFIRMATION else site.unsubscribe_address,
        subject=_merged(subject),
        boundary=boundary,
        text=text,
        html=html,
        fields=tuple(sorted(fields.items())),
        must_show=_must_show(list_, site),
        html_size_bound=_bound(
            parts.html, lambda text: len(text.encode("utf-8")), _HOLE_BOUND, _OWN_LINK_BOUND
        ),
        size_bound=_size_bound((text, html, subject), after),
    )


def _class_fields(
    message_class: MessageClass, slug: str, list_: ListIdentity, site: SiteIdentity
) -> tuple[str, ...]:
    """A campaign is list mail with a one-click way out (A2, A21-A23, B8); system mail is not (C6, A85)."""
    if message_class is MessageClass.CONFIRMATION:
        return (
            headers.field("Auto-Submitted", "auto-generated"),
            headers.field("X-Auto-Response-Suppress", "OOF, AutoReply"),
        )
    proof = (headers.field("X-Mailer-Proof", "yes"),) if message_class is MessageClass.PROOF else ()
    return (
        headers.field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        headers.field("List-Id", list_id(list_)),
        headers.field("List-Help", f"<mailto:{quote(site.privacy_contact, safe='@')}?subject=help>"),
        headers.field("List-Owner", f"<mailto:{quote(site.privacy_contact, safe='@')}>"),
        headers.field("List-Post", "NO"),
        headers.field("Feedback-ID", feedback_id(slug, list_.name, message_class, site)),
        headers.field("Precedence", "bulk"),
        headers.field("X-Auto-Response-Suppress", "OOF, AutoReply"),
        *proof,
    )


def _closing_fields(language: str, list_: ListIdentity, boundary: str) -> tuple[str, ...]:
    reply_to = (headers.mailbox("Reply-To", list_.reply_to),) if list_.reply_to else ()
    return (
        *reply_to,
        headers.field("Content-Language", language),
        headers.field("MIME-Version", "1.0"),
        headers.field("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"'),
    )


def list_id(list_: ListIdentity) -> str:
    """`"Shop News" <news.list-id.shop.example>`; a title that would have to be encoded or cut is left out.

    Encoded-words have no place in the field (A3, A22), and a phrase in quotes none where it could be folded.
    """
    identifier = f"<{list_.list_id.strip('<>')}>"
    phrase = headers.quoted(list_.title)
    width = len("List-Id: ") + len(phrase)
    plain = list_.title.isascii() and list_.title.isprintable() and "=?" not in list_.title
    if not plain or width > headers.FOLD_WIDTH:
        return identifier
    separator = " " if width + 1 + len(identifier) <= headers.FOLD_WIDTH else "\r\n "
    return f"{phrase}{separator}{identifier}"


def feedback_id(slug: str, list_name: str, message_class: MessageClass, site: SiteIdentity) -> str:
    """`campaign:list:kind:SenderId` for Gmail's feedback loop; no value is repeated (B10)."""
    host = urlsplit(site.base_url).hostname or site.message_id_domain
    letters = re.sub(r"[^a-z0-9]", "", host.removeprefix("www.").lower())
    sender = (letters + hashlib.sha256(host.encode()).hexdigest())[: max(5, min(15, len(letters)))]
    kind = "newsletter" if message_class is MessageClass.CAMPAIGN else message_class.value
    values: list[str] = []
    for value in (slug, list_name, kind, sender):
        clean = re.sub(r"[^A-Za-z0-9._-]", "-", value)[:60] or "none"
        values.append(clean if clean not in values else f"{clean}-{len(values)}")
    return ":".join(values)


def _must_show(list_: ListIdentity, site: SiteIdentity) -> tuple[str, ...]:
    return tuple(word for word in (list_.title, *site.postal_lines, site.privacy_contact) if word)


def _wire(program: Program) -> Program:
    """Static text in quoted-printable; every piece ends where the next may begin."""
    return _encoded(_merged((*program, Static("\n"))))


def _encoded(program: Program) -> Program:
    nodes: list[Static | Value | Choice] = []
    for node in program:
        if isinstance(node, Static):
            chunk = encode_chunk(node.text)
            nodes.append(Static(chunk if chunk == "" or chunk.endswith("\r\n") else chunk + SOFT_BREAK))
        elif isinstance(node, Choice):
            nodes.append(Choice(tuple((condition, _encoded(body)) for condition, body in node.branches)))
        else:
            nodes.append(node)
    return tuple(nodes)


def _merged(program: Program) -> Program:
    """Neighbouring static texts as one, so that no needless soft break parts them."""
    nodes: list[Static | Value | Choice] = []
    for node in program:
        last = nodes[-1] if nodes else None
        if isinstance(node, Static) and isinstance(last, Static):
            nodes[-1] = Static(last.text + node.text)
        elif isinstance(node, Choice):
            nodes.append(Choice(tuple((condition, _merged(body)) for condition, body in node.branches)))
        else:
            nodes.append(node)
    return tuple(nodes)


def _statics(program: Program) -> list[Static]:
    found: list[Static] = []
    for node in program:
        if isinstance(node, Static):
            found.append(node)
        elif isinstance(node, Choice):
            for _, body in node.branches:
                found += _statics(body)
    return found


def _size_bound(message: Iterable[Program], fields: Iterable[str]) -> int:
    """Octets on the wire at worst; `message` holds the encoded parts and the plain subject."""
    holes = dict.fromkeys(HoleContext, _WIRE_HOLE_BOUND)
    parts = sum(_bound(program, len, holes, _WIRE_HOLE_BOUND) for program in message)
    return parts + sum(map(len, fields)) + _RECIPIENT_HEADER_BOUND


def _bound(
    program: Program, static: Callable[[str], int], holes: Mapping[HoleContext, int], own_link: int
) -> int:
    total = 0
    for node in program:
        if isinstance(node, Static):
            total += static(node.text)
        elif isinstance(node, Choice):
            total += max(_bound(body, static, holes, own_link) for _, body in node.branches)
        else:
            total += own_link if node.expression.strip() in OWN_LINKS else holes[node.context]
    return total
