"""The real server: what a mailbox provider's POST meets on the wire, and a port that is taken."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from click.testing import CliRunner

from mailer.application import Site, open_site
from mailer.cli.main import main
from mailer.site import SiteFolder
from mailer.store import Store, migrate, open_store
from mailer.web.app import create_app
from mailer.web.listening import CannotListen, is_ready, listen
from mailer.web.server import build_server
from tests.web.client import Client
from tests.web.conftest import Desk


@pytest.fixture
def served(site: Site) -> Iterator[tuple[Desk, int]]:
    """The site on a free port of this machine, by uvicorn, on the real clock."""
    server, listener = build_server(site), listen("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Desk(site, None, Client(create_app(site))), listener.getsockname()[1]
    server.should_exit = True
    thread.join(10)


def exchange(port: int, raw: bytes) -> bytes:
    """Send bytes, read all that comes back."""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(raw)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


@pytest.mark.rule("A6", "A8", "A9")
def test_the_wire_form_of_the_requirements_unsubscribes(served: tuple[Desk, int]) -> None:
    desk, port = served
    token = desk.leave_token(desk.join("ada@example.net"))
    answer = exchange(
        port,
        f"POST /u/{token} HTTP/1.1\r\nHost: news.shop.example\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 26\r\nConnection: close\r\n\r\n"
        "List-Unsubscribe=One-Click".encode(),
    )
    head = answer.split(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"http/1.1 200 ok")
    assert b"\r\nlocation:" not in head
    assert b"\r\nset-cookie:" not in head
    assert b"\r\nserver:" not in head
    assert desk.state("ada@example.net") == "unsubscribed"


@pytest.mark.rule("A7")
@pytest.mark.parametrize("length", [b"99999999", b"-1", b"abc"])
def test_a_dishonest_length_changes_nothing(served: tuple[Desk, int], length: bytes) -> None:
    desk, port = served
    token = desk.leave_token(desk.join("ada@example.net"))
    answer = exchange(
        port,
        f"POST /u/{token} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n".encode()
        + b"Content-Length: "
        + length
        + b"\r\nConnection: close\r\n\r\nList-Unsubscribe=One-Click",
    )
    assert b" 4" in answer[:14] or answer == b""
    assert desk.state("ada@example.net") == "confirmed"


@pytest.mark.rule("A16")
def test_head_and_get_on_the_wire_change_nothing(served: tuple[Desk, int]) -> None:
    desk, port = served
    token = desk.leave_token(desk.join("ada@example.net"))
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        for method in ("HEAD", "GET", "OPTIONS"):
            connection.request(method, f"/u/{token}")
            connection.getresponse().read()
    assert desk.state("ada@example.net") == "confirmed"


def test_a_port_in_use_is_one_clear_sentence() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=rf"cannot listen on 127.0.0.1 port {port}. Another program"):
            listen("127.0.0.1", port)


def test_the_pages_are_ready_when_they_answer(served: tuple[Desk, int]) -> None:
    _, port = served
    assert is_ready("127.0.0.1", port)


def test_a_port_where_nobody_or_somebody_else_answers_is_not_ready() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]

        def answer() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"220 mail.shop.example ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert not is_ready("127.0.0.1", port)
        thread.join()
    assert not is_ready("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_an_address_of_another_machine_is_one_clear_sentence(host: str) -> None:
    with pytest.raises(CannotListen, match="cannot listen on"):
        listen(host, 0)


@pytest.fixture
def empty_site(site_folder: SiteFolder) -> SiteFolder:
    """A site whose database is where its settings say."""
    store: Store = open_store("sqlite:///data/mailer.db", root=site_folder.root)
    migrate.upgrade(store)
    store.dispose()
    return site_folder


def test_serve_says_that_its_port_is_taken_and_ends_with_1(empty_site: SiteFolder) -> None:
    with listen("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(main, ["serve", "--site", str(empty_site.root), "--port", port])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"mailer: The web pages cannot listen on 127.0.0.1 port {port}.")
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.rule("D25")
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_logs_no_token_and_stops_when_asked(
    empty_site: SiteFolder, stop: signal.Signals
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    process = _serve(empty_site, port)
    try:
        answer = _await_answer(port, b"GET /u/seeded-canary HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 404")
    finally:
        process.send_signal(stop)
        _, log = process.communicate(timeout=15)
    assert "request method=GET route=/u/{token} status=404" in log
    assert "canary" not in log
    assert process.returncode == 0


@pytest.mark.rule("A10")
def test_an_opt_out_that_was_answered_survives_a_kill(empty_site: SiteFolder) -> None:
    site = open_site(empty_site.root, {})
    desk = Desk(site, None, Client(create_app(site)))
    token = desk.leave_token(desk.join("ada@example.net"))
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    process = _serve(empty_site, port)
    try:
        _await_answer(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head = f"POST /u/{token} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        request = f"{head}Content-Length: 26\r\n\r\nList-Unsubscribe=One-Click".encode()
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(request)
            assert connection.recv(12) == b"HTTP/1.1 200"
            process.kill()
    finally:
        process.kill()
        process.communicate(timeout=15)
    assert desk.state("ada@example.net") == "unsubscribed"
    site.close()


def _serve(folder: SiteFolder, port: int) -> subprocess.Popen[str]:
    """`mailer serve` as a process of its own."""
    command = [sys.executable, "-m", "mailer", "serve", "--site", str(folder.root), "--port", str(port)]
    environ = {**os.environ, "PYTHONPATH": os.getcwd()}
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ)


def _await_answer(port: int, request: bytes) -> bytes:
    """The answer, as soon as somebody listens."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return exchange(port, request)
        except ConnectionError:
            assert time.monotonic() < deadline, "nobody has answered within 30 s"
            time.sleep(0.1)
