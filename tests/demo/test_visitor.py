"""The demo's visitor fills in forms as a browser does, and takes a redirect for what it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from mailer.demo.visitor import open_page, post, press

FORM = b"""<form method=post><input type=hidden name=stamp value=s1><input type=email name=email>
<input type=checkbox name=consent value=yes><button name=choice value=list>Leave</button>
<button name=choice value=all>Leave all</button></form><form><input name=other value=x></form>"""


class _Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(404 if self.path == "/missing" else 200, FORM)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/moved":
            self._answer(302, b"", location="/elsewhere")
        else:
            self._answer(200, body)

    def _answer(self, status: int, body: bytes, *, location: str | None = None) -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_first_form_is_filled_in_and_its_first_button_pressed(url: str) -> None:
    sent = press(open_page(f"{url}/form"), email="ada@example.net", consent="yes").text
    assert sent == "stamp=s1&email=ada%40example.net&choice=list&consent=yes"


def test_a_tick_nobody_made_is_not_sent(url: str) -> None:
    assert "consent" not in press(open_page(f"{url}/form")).text


def test_an_error_page_is_a_page(url: str) -> None:
    assert open_page(f"{url}/missing").status == 404


@pytest.mark.rule("A9")
def test_a_redirect_of_a_post_is_not_followed(url: str) -> None:
    assert post(f"{url}/moved", {"List-Unsubscribe": "One-Click"}).status == 302
