"""Messages grown by hypothesis: parts in parts, fields that lie, texts of many languages; for tests and for fuzzing."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

_TEXTS = st.one_of(
    st.text(max_size=200),
    st.sampled_from(
        (
            "<anna@reader.example>: host mx said: 550 5.1.1 User unknown",
            "Das Postfach ist voll",
            "收件人：anna@reader.example 不存在",
            "Your message was automatically rejected:",
            "Feedback-Type: abuse\nVersion: 1\nOriginal-Rcpt-To: <anna@reader.example>",
            "Final-Recipient: rfc822;anna@reader.example\nAction: failed\nStatus: 5.1.1",
            "------ This is a copy of the message ------\n\nTo: anna@reader.example",
            '{"notificationType":"Bounce","bounce":{"bouncedRecipients":[{"emailAddress":"a@b.example"}]}}',
            "<p><a href='mailto:anna@reader.example'>anna</a><br>not found</p>",
            ">>> RCPT To:<anna@reader.example>\n<<< 550 5.1.1 no",
        )
    ),
)
_WORDS = st.lists(_TEXTS, max_size=6).map("\n".join)
_MEDIA = st.sampled_from(
    (
        "text/plain; charset=utf-8",
        "text/plain; charset=iso-2022-jp",
        'text/html; charset="?"',
        "message/delivery-status",
        "message/global-delivery-status",
        "message/feedback-report",
        "message/disposition-notification",
        "message/rfc822",
        "text/rfc822-headers",
        "application/json",
        "image/png",
        "/",
        "",
    )
)
_CODED = st.sampled_from(("", "base64", "quoted-printable", "7bit", "x-uuencode"))
_NAMES = st.sampled_from(
    (
        "From", "To", "Subject", "Return-Path", "Auto-Submitted", "X-Failed-Recipients", "List-Id", "Precedence",
        "In-Reply-To", "X-MS-Exchange-Message-Is-Ndr", "Message-ID", "Delivered-To",
    )
)  # fmt: skip
_VALUES = st.one_of(
    st.text(max_size=80),
    st.sampled_from(
        (
            "MAILER-DAEMON@mx.reader.example",
            "<>",
            "Undelivered Mail Returned to Sender",
            "=?utf-8?B?5pS25Lu25Lq6?=",
            "=?iso-2022-jp?Q?=1B$B?=",
            "Re: Automatic reply",
            "auto-replied",
            "a@b.example, c@d.example",
        )
    ),
)


def _leaf(media: str, coded: str, words: str) -> str:
    head = (f"Content-Type: {media}\n" if media else "") + (
        f"Content-Transfer-Encoding: {coded}\n" if coded else ""
    )
    return f"{head}\n{words}\n"


def _branch(boundary: str, kind: str, parts: Sequence[str]) -> str:
    inside = "".join(f"--{boundary}\n{part}" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n{inside}--{boundary}--\n'


_PARTS = st.recursive(
    st.builds(_leaf, _MEDIA, _CODED, _WORDS),
    lambda inner: st.builds(
        _branch,
        st.sampled_from(("a", "b", "a b", "=_1")),
        st.sampled_from(
            ("mixed", "alternative", "digest", "report; report-type=delivery-status", "report; report-type=x")
        ),
        st.lists(inner, max_size=5),
    ),
    max_leaves=12,
)


def _message(fields: Sequence[tuple[str, str]], body: str, ends: str) -> bytes:
    head = "".join(f"{name}: {value}\n" for name, value in fields)
    return (head + body).replace("\n", ends).encode("utf-8", "replace")


#: Raw messages, most of them nonsense that looks like a report.
messages = st.builds(
    _message,
    st.lists(st.tuples(_NAMES, _VALUES), max_size=8),
    _PARTS,
    st.sampled_from(("\n", "\r\n", "\r")),
)
