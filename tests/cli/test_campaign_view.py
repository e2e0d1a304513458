"""How campaigns look in a terminal: the bar, the numbers, the pace, the preview in a browser."""

from __future__ import annotations

import http.client
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console

from mailer.campaigns.findings import CheckReport, Finding, Severity
from mailer.campaigns.images import CampaignImage
from mailer.campaigns.preview import Preview
from mailer.campaigns.status import CampaignStatus, ReplyCount
from mailer.cli import campaign_watch
from mailer.cli.campaign_view import print_report, status_view
from mailer.cli.campaign_watch import Pace, watch_campaign
from mailer.cli.preview_server import PortTaken, make_server
from mailer.errors import MailerError
from mailer.store.vocabulary import CampaignState, DeliveryState

SENDING = CampaignStatus(
    id=1,
    slug="week-48",
    subject="Ten red LEDs",
    state=CampaignState.SENDING,
    reason=None,
    scheduled_at=datetime(2026, 11, 27, 8, 0, tzinfo=UTC),
    timezone="Europe/Berlin",
    started_at=datetime(2026, 11, 27, 8, 0, tzinfo=UTC),
    finished_at=None,
    artefact_hash="0" * 64,
    expected_count=1000,
    audience=1000,
    not_materialised=100,
    counts={
        DeliveryState.ACCEPTED: 600,
        DeliveryState.QUEUED: 250,
        DeliveryState.REJECTED: 1,
        DeliveryState.SKIPPED: 49,
    },
    skipped={"unsubscribed": 40, "suppressed": 9},
    replies=(ReplyCount(550, "5.1.1", "5.1.1 no such\nuser \x1b[31m", 1),),
)


def shown(status: CampaignStatus, note: str = "") -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(status_view(status, note))
    return console.export_text()


def test_every_number_of_the_status_is_shown_with_its_words():
    text = shown(SENDING)
    for words in ("600", "accepted", "250", "queued", "40 unsubscribed", "9 suppressed", "100", "to come"):
        assert words in text
    assert "65 % of 1,000" in text
    assert "started 2026-11-27 09:00 Europe/Berlin" in text


def test_one_refusal_among_a_thousand_still_has_its_cell_in_the_bar():
    (bar,) = [line for line in shown(SENDING).splitlines() if "█" in line]
    assert bar.count("█") + bar.count("░") == 48
    assert bar.count("░") == 48 - 29 - 1 - 2 - 12


def test_a_servers_words_are_shown_on_one_line_and_cannot_paint_the_terminal():
    text = shown(SENDING)
    assert "550 5.1.1" in text
    assert "no such user" in text
    assert "\x1b" not in text


def test_a_campaign_that_waits_says_when_it_leaves_and_shows_no_bar():
    text = shown(replace(SENDING, state=CampaignState.SCHEDULED, started_at=None, counts={}, replies=()))
    assert "leaves 2026-11-27 09:00 Europe/Berlin to about 1,000 people" in text
    assert "█" not in text


def test_a_held_campaign_says_why_and_an_ended_one_when():
    assert "typo" in shown(replace(SENDING, state=CampaignState.PAUSED, reason="typo"))
    over = replace(
        SENDING, state=CampaignState.FINISHED, finished_at=datetime(2026, 11, 27, 8, 5, tzinfo=UTC)
    )
    assert "ended 2026-11-27 09:05" in shown(over)


def test_an_empty_audience_is_done():
    assert "100 % of 0" in shown(replace(SENDING, audience=0, not_materialised=0, counts={}))


def test_warnings_alone_pass(tmp_path, capsys):
    finding = Finding(
        Severity.WARNING, "E12", "campaigns/x/campaign.md", 3, "the preheader is short", "Add words."
    )
    print_report(CheckReport.of("x", [finding], recipients_rendered=7), tmp_path)
    printed = capsys.readouterr().out
    assert "warning[E12] the preheader is short" in printed
    assert "x: no error, 1 warning. Rendered for 7 real subscribers." in printed


def test_one_reader_is_no_crowd(tmp_path, capsys):
    print_report(CheckReport.of("x", [], recipients_rendered=1), tmp_path)
    assert "Rendered for 1 real subscriber." in capsys.readouterr().out


def test_a_status_that_the_server_repeats_is_shown_once():
    reply = ReplyCount(550, "5.1.1", "5.1.1 No such user", 2)
    assert "550 5.1.1  No such user" in shown(replace(SENDING, replies=(reply,)))


def test_the_pace_is_that_of_the_last_seconds():
    pace = Pace()
    pace.note(0, 0.0)
    assert pace.per_second == 0
    pace.note(1000, 10.0)
    assert pace.per_second == 100
    pace.note(1000, 40.0)  # it stalled half a minute ago
    assert pace.per_second == 0


def test_watching_shows_the_pace_until_the_campaign_is_over(monkeypatch):
    console = Console(width=100, force_terminal=True, record=True, file=io.StringIO())
    steps = [
        SENDING,
        replace(SENDING, not_materialised=0, counts={DeliveryState.ACCEPTED: 800, DeliveryState.QUEUED: 200}),
        replace(
            SENDING, state=CampaignState.FINISHED, not_materialised=0, counts={DeliveryState.ACCEPTED: 1000}
        ),
    ]
    ticks = iter([0.0, 1.0, 2.0])
    notes: list[str] = []
    monkeypatch.setattr(campaign_watch, "console", lambda: console)
    monkeypatch.setattr(campaign_watch.clock, "monotonic", lambda: next(ticks))
    monkeypatch.setattr(campaign_watch.time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(
        campaign_watch, "status_view", lambda status, note: notes.append(note) or status_view(status, note)
    )

    watch_campaign(iter(steps).__next__)

    assert notes == [
        "Ctrl+C ends the watching, not the campaign.",
        "150 per second, about 0:01 to go. Ctrl+C ends the watching, not the campaign.",
        "",
    ]


# --- the preview in a browser ---------------------------------------------------------------------

IMAGE = CampaignImage("images/x.png", "image/png", b"\x89PNG", "ab" * 32)
PREVIEW = Preview(
    "week-48", "the sample reader", "LEDs <b>", "<p>hello</p>", "hello <you>", b"To: x\r\n\r\n", (IMAGE,)
)


@contextmanager
def serving(render) -> Iterator[int]:
    server = make_server(render, port=0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def get(port: int, path: str, host: str | None = None) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "content_type", "words"),
    [
        ("/", "text/html; charset=utf-8", b"LEDs &lt;b&gt;"),
        ("/mail.html", "text/html; charset=utf-8", b"<p>hello</p>"),
        ("/mail.txt", "text/plain; charset=utf-8", b"hello <you>"),
        ("/message.eml", "message/rfc822", b"To: x"),
        (f"/media/{IMAGE.hash}", "image/png", b"\x89PNG"),
    ],
)
def test_the_preview_serves_each_form(path, content_type, words):
    with serving(lambda: PREVIEW) as port:
        status, headers, body = get(port, path)
    assert (status, headers["Content-Type"]) == (200, content_type)
    assert words in body
    assert headers["Cache-Control"] == "no-store"


def test_the_mail_in_the_preview_may_run_nothing():
    with serving(lambda: PREVIEW) as port:
        _status, headers, _body = get(port, "/mail.html")
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_the_preview_answers_to_no_other_name():
    with serving(lambda: PREVIEW) as port:
        assert get(port, "/", host=f"evil.example:{port}")[0] == 421
        assert get(port, "/nothing")[0] == 404


def test_a_mistake_made_meanwhile_is_shown_in_the_browser_and_goes_away_when_it_is_mended():
    broken = [True]

    def render() -> Preview:
        if broken[0]:
            raise MailerError("campaigns/x/campaign.md:3: it is <wrong>")
        return PREVIEW

    with serving(render) as port:
        status, _headers, body = get(port, "/")
        assert status == 500
        assert b"campaigns/x/campaign.md:3: it is &lt;wrong&gt;" in body
        broken[0] = False
        assert get(port, "/")[0] == 200


def test_a_port_in_use_is_a_sentence():
    with serving(lambda: PREVIEW) as port, pytest.raises(PortTaken, match=f"Port {port} cannot be used"):
        make_server(lambda: PREVIEW, port=port)
