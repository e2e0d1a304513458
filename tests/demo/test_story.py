"""The parts of the demo's story that judge: a promise is only kept when the bytes say so."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

from mailer.demo import props
from mailer.demo.catcher import Caught
from mailer.demo.stage import DemoFailed, Stage, free_ports
from mailer.demo.story import _link, _title, asset_hosts, has_way_out
from mailer.demo.visitor import Page

LINK = "http://127.0.0.1:8025/u/uTOKEN.k1"


def mail(text: str, html: str = "", *headers: str) -> Caught:
    top = "".join(f"{header}\r\n" for header in headers)
    data = (
        f"{top}Subject: Week 47\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
        f"--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--b\r\nContent-Type: text/html\r\n\r\n{html}\r\n--b--\r\n"
    ).encode()
    return Caught("ada@example.net", "", data, Path("0001.eml"))


ONE_CLICK = (
    f"List-Unsubscribe: <mailto:x@y.example>, <{LINK}>",
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
)


@pytest.mark.rule("A1", "A2")
@pytest.mark.parametrize(
    ("text", "html", "headers", "kept"),
    [
        (f"Unsubscribe: {LINK}", f'<a href="{LINK}">Unsubscribe</a>', ONE_CLICK, True),
        (f"UNSUBSCRIBE {LINK}", f"unsubscribe {LINK}", ONE_CLICK, True),
        ("Unsubscribe by letter", f"Unsubscribe {LINK}", ONE_CLICK, False),
        (f"Unsubscribe {LINK}", "Unsubscribe by letter", ONE_CLICK, False),
        (f"Here: {LINK}", f"Unsubscribe {LINK}", ONE_CLICK, False),
        (f"Unsubscribe {LINK}", f"Unsubscribe {LINK}", ONE_CLICK[:1], False),
    ],
)
def test_a_way_out_is_one_in_both_parts_and_in_both_headers(
    text: str, html: str, headers: tuple[str, ...], kept: bool
) -> None:
    assert has_way_out(mail(text, html, *headers)) is kept


def test_the_one_click_address_is_the_web_address_among_several() -> None:
    assert mail("", "", *ONE_CLICK).one_click_url() == LINK


def test_a_campaign_is_known_by_the_header_that_only_campaigns_have() -> None:
    assert mail("", "", *ONE_CLICK).is_campaign
    assert not mail("", "", ONE_CLICK[0]).is_campaign


@pytest.mark.rule("D21")
@pytest.mark.parametrize(
    ("html", "hosts"),
    [
        ("<p>Hello</p>", set()),
        ('<a href="https://shop.example">shop</a>', set()),
        ('<img src="https://pixel.example/1.gif">', {"pixel.example"}),
        ("<td background='https://cdn.example/x'>", {"cdn.example"}),
        ("<style>p{background:url(https://a.example/x)}</style>", {"a.example"}),
        ('<style>@font-face{src:url( "http://f.example/x" )}</style>', {"f.example"}),
        ('<img SRC = "/local.png">', set()),
    ],
)
def test_what_a_mail_would_load_by_itself_is_seen_and_links_are_not(html: str, hosts: set[str]) -> None:
    assert asset_hosts(mail("", html)) == hosts


def test_a_confirmation_without_its_link_ends_the_demo_with_the_file_to_look_at() -> None:
    assert _link(mail("Press: http://127.0.0.1:1/confirm/cABC.k1 now"), "/confirm/") == (
        "http://127.0.0.1:1/confirm/cABC.k1"
    )
    with pytest.raises(DemoFailed, match="has no /confirm/ link") as failed:
        _link(mail("Nothing here"), "/confirm/")
    assert failed.value.facts == {"path": "0001.eml"}


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("<h1>You  are\n on it</h1>", "You are on it"),
        ('<h1 class="x">Hi</h1>', "Hi"),
        ("<p>no</p>", "status 500"),
    ],
)
def test_a_page_is_told_by_its_heading(text: str, title: str) -> None:
    assert _title(Page("http://127.0.0.1/", 500, text)) == title


# --- the props --------------------------------------------------------------------------------------


def test_the_old_tools_file_is_as_bad_as_such_files_are(tmp_path: Path) -> None:
    """Semicolons, a byte order mark, the same person twice, one who left, one without evidence, damage."""
    props.write_csv(tmp_path / "old.csv")
    assert (tmp_path / "old.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    with (tmp_path / "old.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    addresses = [row["Email"] for row in rows]
    assert set(props.NEVER) <= set(addresses)
    assert len({address.lower() for address in addresses}) == len(addresses) - 1
    confirmed = {
        row["Email"].lower() for row in rows if row["Confirmed at"] and row["Status"] == "subscribed"
    }
    reached = confirmed - {props.NEVER[2].lower()} | {props.ADA.address, props.BEN.address}
    assert len(reached) == props.EXPECTED_FIRST


def test_the_demos_campaigns_are_written_where_staff_would_write_them(tmp_path: Path) -> None:
    props.write_campaigns(tmp_path)
    for slug, subject in ((props.FIRST, props.FIRST_SUBJECT), (props.SECOND, props.SECOND_SUBJECT)):
        text = (tmp_path / "campaigns" / slug / "campaign.md").read_text(encoding="utf-8")
        assert f'subject: "{subject}"' in text and f"list: {props.LIST}" in text


def test_nobody_in_the_demo_could_be_real() -> None:
    """RFC 2606: names that belong to nobody."""
    for address in (*(person.address for person in props.PEOPLE), props.GONE, *props.NEVER[:2]):
        assert address.rpartition("@")[2] in ("example.com", "example.net", "example.org")


# --- the stage --------------------------------------------------------------------------------------


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage on which nothing was started; its programs find the package from any folder."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.delenv("MAILER_SITE", raising=False)
    return Stage(tmp_path, said.append)


said: list[str] = []


def test_ports_are_free_and_different() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5 and min(ports) > 1023


def test_a_command_that_fails_ends_the_demo_with_its_own_words(stage: Stage) -> None:
    with pytest.raises(DemoFailed, match=r"`mailer key list` ended with 1: mailer: There is no mailer\.toml"):
        stage.run("key", "list")
    assert said[-1] == "$ mailer key list"


def test_a_command_that_should_fail_and_does_not_ends_the_demo_too(stage: Stage) -> None:
    assert "No such command" in stage.run("nothing", fails=True)
    with pytest.raises(DemoFailed, match="ended with 0"):
        stage.run("--version", fails=True)


def test_a_quiet_command_is_not_told(stage: Stage) -> None:
    said.clear()
    assert stage.run("--version", quiet=True).startswith("mailer, version ")
    assert said == []


def test_waiting_tells_how_long_it_took_and_gives_up_with_a_reason(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 0 <= stage.wait(lambda: True, "nothing") < 1
    monkeypatch.setattr("mailer.demo.stage.PATIENCE_SECONDS", 0.1)
    with pytest.raises(DemoFailed, match="We waited 0 seconds for the mail; see .*up.log"):
        stage.wait(lambda: False, "the mail")


def test_a_program_that_ended_is_not_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.site.mkdir()
    failing = [sys.executable, "-c", "import sys; sys.exit('mailer: the port is taken.')"]
    monkeypatch.setattr(Stage, "_command", staticmethod(lambda *_words: failing))
    with pytest.raises(
        DemoFailed, match="ended while we waited for the site to answer: mailer: the port is taken"
    ):
        stage.start()
    assert stage.stop() == 1


def test_a_stage_that_was_never_started_can_be_left(stage: Stage) -> None:
    assert stage.stop() == 0
