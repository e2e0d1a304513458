"""The one GET there is: its TLS verified, its answer bounded, no redirect followed (F4, D19, D31)."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mailer.bounces.webhooks import NotNow
from mailer.bounces.webhooks.fetching import MAX_BYTES, fetch
from tests.bounces.webhooks.signing import rsa_key

NAME = "sns.eu-west-1.amazonaws.com"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def pem_for(name: str, folder: Path) -> Path:
    """A certificate with its key for a host, signed by itself."""
    key, now = rsa_key(), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return file


@contextmanager
def server(pem: Path, answer: Callable[[ssl.SSLSocket], None]) -> Iterator[tuple[int, list[bytes]]]:
    """A TLS server of one connection; yields its port and what it was asked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)

        def serve() -> None:
            with suppress(OSError):
                plain, _ = listener.accept()
                plain.settimeout(30)
                with context.wrap_socket(plain, server_side=True) as connection:
                    asked.append(connection.recv(4096))
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], asked
    thread.join(30)


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Fetches from a local server as if it were Amazon's."""
    real = socket.create_connection

    def near(address: tuple[str, int], *rest: Any, **options: Any) -> socket.socket:
        return real(("127.0.0.1", address[1]), *rest, **options)

    monkeypatch.setattr(socket, "create_connection", near)

    def call(answer: bytes | Callable[[ssl.SSLSocket], None], *, name: str = NAME, trust: bool = True) -> Any:
        pem = pem_for(name, tmp_path)
        tls = ssl.create_default_context(cafile=str(pem)) if trust else None
        act = answer if callable(answer) else lambda connection: connection.sendall(answer)
        with server(pem, act) as (port, asked):
            return fetch(NAME, "/x.pem", timeout=3, tls=tls, port=port), asked

    return call


def test_what_stands_there_is_returned(ask: Any) -> None:
    body, asked = ask(OK)
    assert body == b"hello"
    assert asked[0].startswith(b"GET /x.pem HTTP/1.1\r\nHost: sns.eu-west-1.amazonaws.com")


@pytest.mark.rule("D31")
def test_a_host_that_cannot_prove_its_name_is_not_believed(ask: Any) -> None:
    """So a name service that lies leads nowhere."""
    with pytest.raises(NotNow):
        ask(OK, trust=False)
    with pytest.raises(NotNow):
        ask(OK, name="evil.example")


@pytest.mark.rule("D19")
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 302 Found\r\nLocation: https://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_BYTES + 1),
        b"nonsense\r\n\r\n",
        b"",
    ],
    ids=["redirect", "missing", "too long", "nonsense", "nothing"],
)
def test_any_other_answer_is_none(ask: Any, answer: bytes) -> None:
    with pytest.raises(NotNow):
        ask(answer)


def test_an_answer_that_drips_in_ends(ask: Any) -> None:
    def drip(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        with suppress(OSError):
            while connection.send(b"x"):
                threading.Event().wait(0.2)

    with pytest.raises(NotNow):
        ask(drip)
