"""Command lines and bytes as the server's extensions allow them (RFC 1870, 6152, 6531, 3461)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mailer.delivery.model import Envelope
from mailer.errors import MailerError
from mailer.rendering.wire.wire_bytes import WireBytes

MAX_TEXT_LINE = 1000  #: octets with CRLF, RFC 5321 4.5.3.1.6
MAX_PATH = 256  #: with the angle brackets, 4.5.3.1.3
MAX_DOMAIN = 255  #: 4.5.3.1.2
MAX_COMMAND = 512  #: 4.5.3.1.4; each extension adds its own room, see _ROOM
MAX_ORCPT = 500  #: RFC 3461 4.2
# RFC 1870 3, RFC 6152 2, RFC 6531 3.4, RFC 3461 4.3 and 4.4; RFC 3461 5 for RCPT.
_MAIL_ROOM = {"size": 26, "8bitmime": 17, "smtputf8": 10, "dsn": 124}
_RCPT_ROOM = {"dsn": 500}

_XTEXT_UNSAFE = re.compile(r"[^!-*,-<>-~]")
_PATH = re.compile(r"[^\x00-\x20\x7f<>]*")
_END = b".\r\n"


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
    Bytes that the gate has proven are not read a second time.
    """
    if isinstance(data, WireBytes):
        return
    if not data.endswith(b"\r\n"):
        raise Unsendable("The message does not end with a line end.", status="5.6.0")
    lines = data.count(b"\r\n")
    if data.count(b"\n") != lines or data.count(b"\r") != lines:
        raise Unsendable("The message holds a bare carriage return or line feed.", status="5.6.0")
    if max(map(len, data.split(b"\r\n"))) + 2 > MAX_TEXT_LINE:
        raise Unsendable("The message holds a line longer than 998 octets.", status="5.6.0")


def stuffed(data: bytes) -> bytes:
    """The bytes as they follow 354: dots doubled at line starts, the end marker last (A50)."""
    if isinstance(data, WireBytes):
        return data + _END  # none of its lines begins with a dot
    if data.startswith(b"."):
        data = b"." + data
    return data.replace(b"\r\n.", b"\r\n..") + _END


def xtext(text: str) -> str:
    """RFC 3461 4: printable ASCII, with `+`, `=` and the rest as +HH."""
    return _XTEXT_UNSAFE.sub(lambda match: "".join(f"+{byte:02X}" for byte in match.group().encode()), text)


def mail_command(envelope: Envelope, extensions: Extensions, data: bytes) -> bytes:
    """MAIL FROM with the parameters this server offers. Raises Unsendable."""
    names, size = extensions.names, len(data)
    if extensions.size is not None and size > extensions.size:
        raise Unsendable(f"The message has {size} bytes, the server takes {extensions.size}.", status="5.3.4")
    parameters = f" SIZE={size}" if "size" in names else ""
    if not data.isascii():
        if "8bitmime" not in names:
            raise Unsendable("The message has 8-bit bytes, the server takes 7-bit ones only.", status="5.6.3")
        parameters += " BODY=8BITMIME"
    if envelope.smtputf8:
        if "smtputf8" not in names:
            raise Unsendable(
                "The address has letters outside ASCII, which the server does not take (SMTPUTF8).",
                status="5.6.7",
            )
        parameters += " SMTPUTF8"
    if "dsn" in names:
        parameters += f" RET=HDRS ENVID={xtext(envelope.envelope_id)}"
    return _command("MAIL FROM:", envelope.return_path, parameters, names, _MAIL_ROOM)


def rcpt_command(envelope: Envelope, extensions: Extensions) -> bytes:
    """RCPT TO with the parameters this server offers. Raises Unsendable."""
    address = str(envelope.recipient)
    if len(envelope.recipient.domain) > MAX_DOMAIN:
        raise Unsendable("The address's domain is longer than 255 octets.", status="5.1.3")
    parameters = ""
    if "dsn" in extensions.names:
        parameters = " NOTIFY=FAILURE,DELAY"
        original = f"ORCPT=rfc822;{xtext(address)}"
        if address.isascii() and len(original) <= MAX_ORCPT:
            parameters += f" {original}"
    return _command("RCPT TO:", address, parameters, extensions.names, _RCPT_ROOM)


def _command(
    verb: str, address: str, parameters: str, names: frozenset[str], room: Mapping[str, int]
) -> bytes:
    if not _PATH.fullmatch(address):
        raise Unsendable("The address holds a character that a command line cannot carry.", status="5.1.3")
    if len(address.encode()) + 2 > MAX_PATH:
        raise Unsendable("The address is longer than 254 octets.", status="5.1.3")
    line = f"{verb}<{address}>{parameters}\r\n".encode()
    if len(line) > MAX_COMMAND and len(line) > MAX_COMMAND + sum(room[name] for name in room.keys() & names):
        raise Unsendable("The command line would be longer than the server must take.", status="5.5.4")
    return line
