"""Links are asked only on request, only by https, only at public addresses (D19)."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mailer.campaigns.preflight import asking
from mailer.campaigns.preflight.asking import NotAsked, fault_of, head, is_public
from tests.campaigns.preflight.conftest import Drafting, findings

HOST = "shop.example"


class Answering(BaseHTTPRequestHandler):
    """Answers by path, and remembers what it was asked."""

    asked: list[tuple[str, str]] = []  # noqa: RUF012 - shared by all requests of one test on purpose

    def do_HEAD(self) -> None:
        self.asked.append((self.command, self.path))
        self.send_response(int(self.path.strip("/").split("?")[0]))
        self.send_header("Location", "https://169.254.169.254/")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Be silent."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, ssl.SSLContext]]:
    """A TLS server on loopback for `shop.example`, and a context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem: Path = tmp_path_factory.mktemp("tls") / "both.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(pem)
    trusting = ssl.create_default_context(cafile=str(pem))
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as running:
        running.socket = served.wrap_socket(running.socket, server_side=True)
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running.server_address[1], trusting
        running.shutdown()
        thread.join()


@pytest.mark.rule("D19")
@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
     "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1", "2001:db8::1", "198.18.0.1"],
)  # fmt: skip
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"]
)
def test_addresses_of_the_network_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.rule("D19")
@pytest.mark.parametrize(
    ("url", "addresses"),
    [
        ("http://shop.example/", ["93.184.216.34"]),
        ("ftp://shop.example/", ["93.184.216.34"]),
        ("https:///path", ["93.184.216.34"]),
        ("https://user@shop.example/", ["93.184.216.34"]),
        ("https://shop.example/", ["127.0.0.1"]),
        ("https://shop.example/", ["93.184.216.34", "10.0.0.1"]),
        ("https://shop.example/", []),
    ],
)
def test_what_may_not_be_asked_is_not(url: str, addresses: list[str]) -> None:
    with pytest.raises(NotAsked):
        head(url, resolve=lambda host, port: addresses)


@pytest.mark.rule("D19")
@pytest.mark.parametrize("status", [200, 302, 404])
def test_a_link_is_asked_by_one_head_request_and_never_followed(
    server: tuple[int, ssl.SSLContext], status: int
) -> None:
    port, trusting = server
    Answering.asked.clear()
    answered = head(
        f"https://{HOST}:{port}/{status}?a=b",
        resolve=lambda host, port: ["127.0.0.1"],
        judge=lambda address: True,
        context=trusting,
    )
    assert answered == status
    assert Answering.asked == [("HEAD", f"/{status}?a=b")]


@pytest.mark.rule("D19")
def test_the_name_is_resolved_once_and_the_judged_address_is_used(server: tuple[int, ssl.SSLContext]) -> None:
    port, trusting = server
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    judged: list[str] = []
    head(
        f"https://{HOST}:{port}/200",
        resolve=lambda host, port: next(answers),
        judge=lambda address: not judged.append(address),  # type: ignore[func-returns-value]  # append says nothing
        context=trusting,
    )
    assert judged == ["127.0.0.1"]


def test_a_certificate_nobody_signed_is_a_fault(server: tuple[int, ssl.SSLContext]) -> None:
    port, _ = server
    with pytest.raises(ssl.SSLError):
        head(
            f"https://{HOST}:{port}/200", resolve=lambda host, port: ["127.0.0.1"], judge=lambda address: True
        )


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (TimeoutError(), "did not answer"),
        (ssl.SSLError(), "certificate"),
        (ConnectionRefusedError(), "cannot be reached"),
        (NotAsked("only https links are"), "was not asked: only https"),
    ],
)
def test_each_fault_has_its_words(monkeypatch: pytest.MonkeyPatch, raised: Exception, said: str) -> None:
    def fail(url: str) -> int:
        raise raised

    monkeypatch.setattr(asking, "head", fail)
    assert said in fault_of("https://shop.example/")


@pytest.mark.parametrize(
    ("status", "fault"),
    [(200, ""), (301, ""), (403, ""), (405, ""), (404, "answers 404"), (500, "answers 500")],
)
def test_a_status_is_a_fault_or_says_nothing(
    monkeypatch: pytest.MonkeyPatch, status: int, fault: str
) -> None:
    monkeypatch.setattr(asking, "head", lambda url: status)
    assert fault_of("https://shop.example/") == fault


@pytest.mark.rule("D19", "E18")
def test_nobody_is_asked_unless_staff_wants_it(drafting: Drafting, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(asking, "head", lambda url: asked.append(url) or 404)
    body = "# Parts\n\nSee [the new parts](https://shop.example/new) of this week.\n"
    assert findings(drafting(body), "link-dead") == []
    assert asked == []
    assert "answers 404" in findings(drafting(body, ask_links=True), "link-dead")[0]
    assert asked == ["https://shop.example/new"]
