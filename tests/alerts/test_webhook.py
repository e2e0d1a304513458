"""The webhook: signed, bounded, to the one address in the settings, and refused in words."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import time_machine

from mailer.alerts.model import Notice
from mailer.alerts.sending import NotTaken
from mailer.alerts.webhook import SIGNATURE, payload, signature, webhook
from tests.delivery.certificates import Authority

KEY = bytes(range(32))
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
NOTICE = Notice(7, "campaign_paused", "Größe „week-48“ was paused", "Mend it.", {"campaign": 3}, AT)


class Hook(BaseHTTPRequestHandler):
    """The other side: writes down what it gets, answers as told."""

    answer: ClassVar[int] = 204
    got: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        """A post."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, dict(self.headers), body))
        self.send_response(self.answer)
        if self.answer in (301, 302, 307, 308):
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_address[1]}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Silence."""


@contextmanager
def listening(answer: int = 204, *, authority: Authority | None = None) -> Iterator[int]:
    """A hook on loopback; gives the port."""
    Hook.answer, Hook.got = answer, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        if authority is not None:
            server.socket = authority.server().context().wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def test_it_posts_json_that_programs_and_chats_can_read() -> None:
    with listening() as port:
        webhook(f"http://127.0.0.1:{port}/hooks/mailer?team=ops", KEY)(NOTICE)
    ((path, headers, body),) = Hook.got
    assert path == "/hooks/mailer?team=ops"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {
        "id": 7,
        "kind": "campaign_paused",
        "subject": "Größe „week-48“ was paused",
        "text": "Größe „week-48“ was paused\nMend it.",
        "facts": {"campaign": 3},
        "raised_at": "2026-11-22T12:00:00+00:00",
    }


def test_the_signature_is_one_that_anybody_with_the_key_can_make() -> None:
    with time_machine.travel(AT, tick=False), listening() as port:
        webhook(f"http://127.0.0.1:{port}/", KEY)(NOTICE)
    ((_path, headers, body),) = Hook.got
    at = int(AT.timestamp())
    expected = hmac.new(KEY, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE] == f"t={at},v1={expected}"


def test_another_body_another_time_or_another_key_has_another_signature() -> None:
    body = payload(NOTICE)
    signed = {signature(KEY, body, at=1), signature(KEY, body + b" ", at=1), signature(KEY, body, at=2)}
    assert len(signed | {signature(bytes(32), body, at=1)}) == 4


@pytest.mark.parametrize("answer", [400, 403, 404, 429, 500, 503])
def test_any_other_answer_is_a_refusal_with_its_number(answer: int) -> None:
    with listening(answer) as port, pytest.raises(NotTaken, match=f"127.0.0.1 answered {answer}"):
        webhook(f"http://127.0.0.1:{port}/", KEY)(NOTICE)


@pytest.mark.parametrize("answer", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(answer: int) -> None:
    """What is posted goes to the address that the operator wrote, or nowhere."""
    with listening(answer) as port, pytest.raises(NotTaken, match=str(answer)):
        webhook(f"http://127.0.0.1:{port}/", KEY)(NOTICE)
    assert [path for path, _, _ in Hook.got] == ["/"]


def test_nobody_there_is_a_refusal_and_not_a_crash() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        with pytest.raises(NotTaken, match="cannot be reached"):
            webhook(f"http://127.0.0.1:{taken.getsockname()[1]}/", KEY)(NOTICE)


def test_one_that_never_answers_is_left_after_its_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(NotTaken, match="timed out"):
        webhook(f"http://127.0.0.1:{silent.getsockname()[1]}/", KEY, timeout=0.2)(NOTICE)


def test_one_whose_answer_drips_in_is_left_as_well() -> None:
    """Other alerts wait behind it."""
    left, gone = threading.Event(), threading.Event()

    def drip(server: socket.socket) -> None:
        peer, _ = server.accept()
        with peer:
            peer.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not gone.wait(0.05):
                try:
                    peer.sendall(b"x")
                except OSError:
                    left.set()
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        try:
            with pytest.raises(NotTaken, match="timed out"):
                webhook(f"http://127.0.0.1:{server.getsockname()[1]}/", KEY, timeout=0.5)(NOTICE)
            assert left.wait(60)
        finally:
            gone.set()
            thread.join()


def test_one_that_talks_nonsense_is_a_refusal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            client, _ = server.accept()
            with client:
                client.recv(65536)
                client.sendall(b"220 this is SMTP\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        with pytest.raises(NotTaken, match="cannot be reached"):
            webhook(f"http://127.0.0.1:{server.getsockname()[1]}/", KEY)(NOTICE)
        thread.join()


@pytest.mark.rule("A61")
def test_a_certificate_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with listening(authority=authority) as port, pytest.raises(NotTaken, match="certificate"):
        webhook(f"https://127.0.0.1:{port}/", KEY)(NOTICE)
    assert Hook.got == []


@pytest.mark.rule("A61")
def test_one_that_is_vouched_for_gets_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trusting = ssl.create_default_context(cafile=str(authority.file))
    with listening(authority=authority) as port:
        webhook(f"https://127.0.0.1:{port}/", KEY, tls=trusting)(NOTICE)
    assert len(Hook.got) == 1
