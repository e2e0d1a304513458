"""Command lines and bytes as the server's extensions allow them (RFC 1870, 6152, 6531, 3461)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mailer.delivery.model import Envelope
from mailer.errors import MailerError

MAX_TEXT_LINE = 1000  #: octets with CRLF, RFC 5321 4.5.3.1.6
MAX_PATH = 256  #: with the angle brackets, 4.5.3.1.3
MAX_DOMAIN = 255  #: 4.5.3.1.2
MAX_COMMAND = 512  #: 4.5.3.1.4; each extension adds its own room, see _ROOM
MAX_ORCPT = 500  #: RFC 3461 4.2
# RFC 1870 3, RFC 6152 2, RFC 6531 3.4, RFC 3461 4.3 and 4.4; RFC 3461 5 for RCPT.
_MAIL_ROOM = {"size": 26, "8bitmime": 17, "smtputf8": 10, "dsn": 124}
_RCPT_ROOM = {"dsn": 500}

_XTEXT_UNSAFE = re.compile(r"[^!-*,-<>-~]")
_UNSAFE_PATH = re.compile(r"[\x00-\x20\x7f<>]")


class Unsendable(MailerError):
    """This message cannot go through this server; `status` is the RFC 3463 code that says why."""

    def __init__(self, message: str, *, status: str) -> None:
        super().__init__(message, status=status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Extensions:
    """What the latest EHLO offered; nothing else is used (A66)."""

    names: frozenset[str]
    size: int | None  #: largest message the server takes, in bytes; None: unsaid

    @classmethod
    def offered(cls, ehlo: Mapping[str, str]) -> Extensions:
        """Read aiosmtplib's parse of the EHLO reply."""
        limit = ehlo.get("size", "").strip()
        size = int(limit) if limit.isdigit() else 0
        return cls(frozenset(name.lower() for name in ehlo), size or None)

    @property
    def pipelining(self) -> bool:
        """RFC 2920."""
        return "pipelining" in self.names


def check_bytes(data: bytes) -> None:
    """Refuse what would not arrive as it was signed off. Raises Unsendable.

    A bare CR or LF could smuggle a second message past the relay (A51, CVE-2023-51764).
    """
    if not data.endswith(b"\r\n"):
        raise Unsendable("The message does not end with a line end.", status="5.6.0")
    lines = data.count(b"\r\n")
    if data.count(b"\n") != lines or data.count(b"\r") != lines:
        raise Unsendable("The message holds a bare carriage return or line feed.", status="5.6.0")
    if max(map(len, data.split(b"\r\n"))) + 2 > MAX_TEXT_LINE:
        raise Unsendable("The message holds a line longer than 998 octets.", status="5.6.0")


def stuffed(data: bytes) -> bytes:
    """The bytes as they follow 354: dots doubled at line starts, the end marker last (A50)."""
    if data.startswith(b"."):
        data = b"." + data
    return data.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def xtext(text: str) -> str:
    """RFC 3461 4: printable ASCII, with `+`, `=` and the rest as +HH."""
    return _XTEXT_UNSAFE.sub(lambda match: "".join(f"+{byte:02X}" for byte in match.group().encode()), text)


def mail_command(envelope: Envelope, extensions: Extensions, data: bytes) -> bytes:
    """MAIL FROM with the parameters this server offers. Raises Unsendable."""
    parameters = []
    if extensions.size is not None and len(data) > extensions.size:
        raise Unsendable(
            f"The message has {len(data)} bytes, the server takes {extensions.size}.", status="5.3.4"
        )
    if "size" in extensions.names:
        parameters.append(f"SIZE={len(data)}")
    if not data.isascii():
        if "8bitmime" not in extensions.names:
            raise Unsendable("The message has 8-bit bytes, the server takes 7-bit ones only.", status="5.6.3")
        parameters.append("BODY=8BITMIME")
    if envelope.smtputf8:
        if "smtputf8" not in extensions.names:
            raise Unsendable(
                "The address has letters outside ASCII, which the server does not take (SMTPUTF8).",
                status="5.6.7",
            )
        parameters.append("SMTPUTF8")
    if "dsn" in extensions.names:
        parameters += ["RET=HDRS", f"ENVID={xtext(envelope.envelope_id)}"]
    return _command("MAIL FROM:", envelope.return_path, parameters, extensions, _MAIL_ROOM)


def rcpt_command(envelope: Envelope, extensions: Extensions) -> bytes:
    """RCPT TO with the parameters this server offers. Raises Unsendable."""
    address = str(envelope.recipient)
    if len(envelope.recipient.domain) > MAX_DOMAIN:
        raise Unsendable("The address's domain is longer than 255 octets.", status="5.1.3")
    parameters = []
    if "dsn" in extensions.names:
        parameters.append("NOTIFY=FAILURE,DELAY")
        original = f"ORCPT=rfc822;{xtext(address)}"
        if address.isascii() and len(original) <= MAX_ORCPT:
            parameters.append(original)
    return _command("RCPT TO:", address, parameters, extensions, _RCPT_ROOM)


def _command(
    verb: str, address: str, parameters: list[str], extensions: Extensions, room: Mapping[str, int]
) -> bytes:
    if _UNSAFE_PATH.search(address):
        raise Unsendable("The address holds a character that a command line cannot carry.", status="5.1.3")
    path = f"<{address}>".encode()
    if len(path) > MAX_PATH:
        raise Unsendable("The address is longer than 254 octets.", status="5.1.3")
    line = b" ".join([verb.encode() + path, *(parameter.encode("ascii") for parameter in parameters)])
    limit = MAX_COMMAND + sum(extra for name, extra in room.items() if name in extensions.names)
    if len(line) + 2 > limit:
        raise Unsendable("The command line would be longer than the server must take.", status="5.5.4")
    return line + b"\r\n"
