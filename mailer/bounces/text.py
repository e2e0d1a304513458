"""Readable text of a part: transfer encoding, charset, encoded words and HTML undone, never more than is needed."""

from __future__ import annotations

import base64
import html
import quopri
import re

from mailer.bounces.mime import Part

MAX_TEXT = 64 * 1024  #: octets of one part that are decoded: a report says it at the beginning
# Only these: Python knows codecs that take quadratic time (punycode) or are no charsets at all.
_CHARSET = re.compile(
    r"(?:utf-?(?:8|16|16le|16be)|us-ascii|ascii|iso-?8859-\d{1,2}|(?:windows|cp)-?\d{3,4}|koi8-[ru]|gb2312|gbk"
    r"|gb18030|big5|euc-?(?:jp|kr|cn)|shift[_-]jis|sjis|iso-2022-(?:jp|kr)|ks_c_5601-1987|macintosh|tis-620)\Z"
)
_WORD = re.compile(r"=\?([\w-]{1,40})(?:\*[\w-]{0,20})?\?([bBqQ])\?([^?\s]{0,2000})\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s{1,80}(?==\?)")
_BREAK = re.compile(
    r"<(?:br|/?p|/?div|/?tr|/?li|/?table|/?h[1-6]|/?blockquote|/?pre)\b[^<>]{0,2000}>", re.IGNORECASE
)
_TAG = re.compile(r"</?[a-zA-Z!][^<>]{0,4000}>")
_ADDRESS_TAG = re.compile(r"<([^\s<>@\"'=]{1,64}@[^\s<>@\"'=]{1,255})>")
_UNSEEN = ("style", "script", "title")


def text_of(part: Part) -> str:
    """The text of a part, HTML as plain lines; at most MAX_TEXT octets of it."""
    raw = decoded(part)
    found = in_charset(raw, part.params.get("charset", ""))
    is_html = part.media == "text/html" or found.lstrip()[:15].lower().startswith(("<html", "<!doctype html"))
    return from_html(found) if is_html else found


def decoded(part: Part) -> bytes:
    """The first octets of a body with its transfer encoding undone (RFC 2045 6)."""
    encoding = part.first("content-transfer-encoding").strip().lower()
    if encoding == b"base64":
        return _base64(part.body[: MAX_TEXT * 4 // 3])
    if encoding == b"quoted-printable":
        return quopri.decodestring(part.body[: MAX_TEXT * 2])[:MAX_TEXT]
    return part.body[:MAX_TEXT]


def in_charset(raw: bytes, charset: str) -> str:
    """Bytes as text: in the charset named if it is one, else in the likeliest."""
    if b"\x1b$" in raw:  # ISO-2022-JP is 7-bit and often not named (RFC 1468)
        charset = "iso-2022-jp"
    elif raw.isascii():
        return raw.decode("ascii")
    if _CHARSET.match(charset.lower()) and charset.lower() not in ("us-ascii", "ascii"):  # which it is not
        try:
            return raw.decode(charset, "replace")
        except LookupError:
            pass
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def header_text(raw: bytes) -> str:
    """A header field as a person reads it (RFC 2047); raw 8-bit is taken as it comes."""
    text = in_charset(raw[:4000], "utf-8")
    if "=?" not in text:
        return text
    return _WORD.sub(_word, _BETWEEN_WORDS.sub(r"\1", text))


def from_html(source: str) -> str:
    """HTML as lines of text; nothing is run, loaded or trusted."""
    source = _ADDRESS_TAG.sub(r"&lt;\1&gt;", source)
    for name in _UNSEEN:
        source = _without(source, name)
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", source.replace("\n", " ")))).replace("\xa0", " ")


def _without(source: str, name: str) -> str:
    """All but the elements of that name; by search and not by pattern, so time stays linear."""
    low, kept, at = source.lower(), [], 0
    while (start := low.find(f"<{name}", at)) >= 0 and (end := low.find(f"</{name}", start)) >= 0:
        kept.append(source[at:start])
        at = end
    return "".join([*kept, source[at:]])


def _word(match: re.Match[str]) -> str:
    charset, how, payload = match.groups()
    raw = (
        _base64(payload.encode("ascii", "ignore"))
        if how in "bB"
        else quopri.decodestring(payload.encode("latin-1", "ignore"), header=True)
    )
    return in_charset(raw, charset)


def _base64(raw: bytes) -> bytes:
    clean = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    # A cut or broken tail costs its last group, not the text.
    return base64.b64decode(
        clean[: len(clean) // 4 * 4] if len(clean) % 4 == 1 else clean + b"=" * (-len(clean) % 4)
    )
