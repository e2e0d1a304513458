"""The inbox page of the demo: shows what was caught, and nothing in a mail can act."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.demo.catcher import Caught
from mailer.demo.inbox import create_inbox
from tests.web.client import Client

SITE = "http://127.0.0.1:8025"


def mail(
    subject: str = "Week 47", *, recipient: str = "ada@example.net", html: str = "<p>Hello</p>"
) -> Caught:
    data = (
        f"Subject: {subject}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/alternative; boundary="=_b"\r\n\r\n'
        f"--=_b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello <b>Ada</b>\r\n"
        f"--=_b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--=_b--\r\n"
    ).encode()
    return Caught(recipient, "bounce+tag@shop.example", data, Path("0001.eml"))


@pytest.fixture
def caught() -> list[Caught]:
    """What the catcher holds; the page asks at each request."""
    return [mail()]


@pytest.fixture
def client(caught: list[Caught]) -> Client:
    """A browser in front of the inbox."""
    return Client(create_inbox(lambda: caught, site_url=SITE))


def test_the_newest_mail_stands_first(client: Client, caught: list[Caught]) -> None:
    caught.append(mail("Week 48", recipient="ben@example.org"))
    page = client.get("/").text
    assert page.index("Week 48") < page.index("Week 47")
    assert "to ben@example.org" in page
    assert f'href="{SITE}"' in page


def test_an_empty_inbox_is_a_page(client: Client, caught: list[Caught]) -> None:
    caught.clear()
    page = client.get("/")
    assert page.status_code == 200 and "<ul></ul>" in page.text


def test_mail_that_comes_later_is_there_at_the_next_look(client: Client, caught: list[Caught]) -> None:
    assert client.get("/2").status_code == 404
    caught.append(mail("Week 48"))
    assert client.get("/2").status_code == 200


def test_a_mail_shows_its_text_part_and_frames_its_html(client: Client) -> None:
    page = client.get("/1").text
    assert '<iframe src="/1/html" title="Week 47">' in page
    assert "Hello &lt;b&gt;Ada&lt;/b&gt;" in page
    assert "<h1>Week 47</h1>" in page


def test_the_html_part_is_served_as_it_came_and_may_run_nothing(client: Client) -> None:
    answer = client.get("/1/html")
    assert answer.text.strip() == "<p>Hello</p>"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox") and "default-src 'none'" in policy
    assert "script" not in policy and "allow-scripts" not in policy


def test_the_raw_message_is_the_bytes_that_came(client: Client, caught: list[Caught]) -> None:
    answer = client.get("/1/raw")
    assert answer.content == caught[0].data
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.rule("D21")
@pytest.mark.parametrize("path", ["/", "/1"])
def test_a_subject_and_a_recipient_are_text_not_markup(
    client: Client, caught: list[Caught], path: str
) -> None:
    caught[0] = mail('<script>"x"</script>', recipient="<i>@example.net")
    page = client.get(path).text
    assert "<script>" not in page and "<i>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.rule("D21")
@pytest.mark.parametrize("path", ["/", "/1"])
def test_the_pages_themselves_run_no_script(client: Client, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/0", "/2", "/-1", "/x", "/0/html", "/2/raw", "/1/other"])
def test_a_mail_that_there_is_not_is_a_404(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_mail_without_an_html_part_is_an_empty_frame(client: Client, caught: list[Caught]) -> None:
    caught[0] = Caught("a@b.example", "", b"Subject: Plain\r\n\r\nOnly text\r\n", Path("0001.eml"))
    assert client.get("/1/html").text == ""
    assert "Only text" in client.get("/1").text


def test_nothing_can_be_changed_from_the_inbox(client: Client) -> None:
    assert client.post("/").status_code == 405
    assert client.request("DELETE", "/1").status_code == 405
