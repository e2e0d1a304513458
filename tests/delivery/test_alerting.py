"""Alerts by mail: past the queue, by any relay that is up, and a test of them from the command line."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest
from click.testing import CliRunner

from mailer.addresses import Mailbox, parse_address
from mailer.alerts import Alert
from mailer.alerts.mail import mail, message
from mailer.alerts.model import Notice
from mailer.alerts.sending import NotTaken
from mailer.application import open_site
from mailer.cli.main import main
from mailer.delivery import direct
from mailer.delivery.alerting import alert_channels, webhook_key
from mailer.delivery.courier import Courier
from mailer.delivery.direct import deliver_now
from mailer.dkim import create_key
from mailer.keyring import Secrets, load_secrets
from mailer.settings import Settings, load_settings
from mailer.site import SiteFolder
from tests.delivery.world import courier
from tests.dkim.signing import tags, verdicts, zone
from tests.faults.running import free_port
from tests.faults.smtp_server import Rule, Script, SmtpServer

OPS = parse_address("ops@elsewhere.example")
NO_KEYS = Path("no-such-folder")
SENDER = Mailbox("Ohm & Volt", parse_address("news@shop.example"))
NOTICE = Notice(
    7,
    "campaign_paused",
    "The campaign größe was paused",
    "Everybody refused it.\n\nMend it.",
    {"campaign": 3, "breaker": "policy_rejections"},
    datetime(2026, 11, 22, 12, tzinfo=UTC),
)
DATA = message(NOTICE, OPS, SENDER, domain="shop.example")


def offer(*ports: int) -> str | None:
    """Offer the alert to relays on these ports."""
    couriers: list[Callable[[], Courier]] = [lambda port=port: courier(port) for port in ports]  # type: ignore[misc]  # mypy infers no type for a lambda with a default
    return deliver_now(couriers, OPS, DATA, return_path="bounce@bounce.shop.example")


def served_by(server: SmtpServer, *others: int) -> str | None:
    """Offer it to this server, after relays on other ports."""

    async def run() -> str | None:
        async with server.running() as port:
            return await asyncio.to_thread(offer, *others, port)

    return asyncio.run(run())


# --- the message ------------------------------------------------------------------------------------


def test_the_mail_says_what_the_alert_says_and_that_a_machine_wrote_it() -> None:
    parsed = message_from_bytes(DATA, EmailMessage, policy=SMTP)
    assert parsed["Subject"] == "[mailer] The campaign größe was paused"
    assert parsed["From"] == "Ohm & Volt <news@shop.example>"
    assert parsed["To"] == "ops@elsewhere.example"
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed.get_content().splitlines() == [
        "Everybody refused it.",
        "",
        "Mend it.",
        "",
        "campaign: 3",
        "breaker: policy_rejections",
    ]


@pytest.mark.rule("A25")
def test_the_bytes_are_what_any_relay_takes() -> None:
    assert DATA.isascii() and DATA.endswith(b"\r\n")
    assert b"\n" not in DATA.replace(b"\r\n", b"")
    assert max(map(len, DATA.split(b"\r\n"))) <= 78


@pytest.mark.rule("A56")
def test_another_try_carries_the_same_message_id() -> None:
    assert message(NOTICE, OPS, SENDER, domain="shop.example") == DATA
    parsed = message_from_bytes(DATA, EmailMessage, policy=SMTP)
    assert parsed["Message-ID"] == "<alert-7-20261122120000@shop.example>"


def test_a_subject_with_a_line_break_makes_no_second_header() -> None:
    evil = Notice(1, "k", "one\r\nBcc: everybody@shop.example", "text", {}, NOTICE.raised_at)
    parsed = message_from_bytes(message(evil, OPS, SENDER, domain="shop.example"), EmailMessage, policy=SMTP)
    assert parsed["Bcc"] is None


# --- by which relay ---------------------------------------------------------------------------------


def test_the_first_relay_that_takes_it_has_it() -> None:
    server = SmtpServer()
    assert served_by(server) is None
    (taken,) = server.accepted
    assert taken.recipient == "ops@elsewhere.example"
    assert b"Everybody refused it." in taken.data


def test_a_relay_that_is_down_is_passed_over() -> None:
    """The alert may be about that one."""
    server = SmtpServer()
    assert served_by(server, free_port(), free_port()) is None
    assert len(server.accepted) == 1


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("rcpt", "550 5.7.1 no"), "answered 550."),
        (Rule("dot", "451 4.3.0 later"), "answered 451."),
        (Rule("connect", "554 not you"), "answered 554"),
        (Rule("mail", "421 closing"), "answered 421."),
        (Rule("rcpt", "close"), "closed the connection."),
    ],
)
def test_a_relay_that_does_not_take_it_is_named_with_its_reason(rule: Rule, words: str) -> None:
    refused = served_by(SmtpServer(Script([rule])))
    assert refused is not None and "127.0.0.1" in refused and words in refused


@pytest.mark.parametrize("verb", ["connect", "mail", "rcpt", "data"])
def test_a_relay_that_hangs_is_left_for_the_next_one(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "PATIENCE_SECONDS", 0.3)
    hanging, healthy = SmtpServer(Script([Rule(verb, "stall")])), SmtpServer()

    async def run() -> str | None:
        async with hanging.running() as one, healthy.running() as two:
            return await asyncio.to_thread(offer, one, two)

    assert asyncio.run(run()) is None
    assert (len(hanging.accepted), len(healthy.accepted)) == (0, 1)


def test_a_site_without_a_relay_says_so() -> None:
    assert offer() == "There is no relay."


def test_when_none_takes_it_each_one_is_named() -> None:
    one, two = free_port(), free_port()
    refused = offer(one, two)
    assert refused is not None and f":{one} " in refused and f":{two} " in refused


@pytest.mark.rule("A56")
def test_a_connection_lost_after_the_final_dot_is_not_tried_elsewhere() -> None:
    """Two copies of an alert are no harm, but two in each hour of an outage are."""
    first, second = SmtpServer(Script([Rule("dot", "accept-close")])), SmtpServer()

    async def run() -> str | None:
        async with first.running() as one, second.running() as two:
            return await asyncio.to_thread(offer, one, two)

    assert asyncio.run(run()) is None
    assert (len(first.accepted), len(second.accepted)) == (1, 0)


def test_the_channel_refuses_in_the_relays_words() -> None:
    channel = mail(OPS, SENDER, domain="shop.example", deliver=lambda _to, _data: "It is down.")
    with pytest.raises(NotTaken, match="It is down"):
        channel(NOTICE)


# --- of a site --------------------------------------------------------------------------------------


def configure(folder: SiteFolder, *lines: str, port: int = 2525) -> Settings:
    """Write [alerts] into the site's settings."""
    text = folder.settings_path.read_text(encoding="utf-8").replace("port = 2525", f"port = {port}")
    folder.settings_path.write_text("\n".join([text, "[alerts]", *lines]), encoding="utf-8")
    return load_settings(folder.settings_path, {})


def test_nobody_is_told_unless_somebody_is_named(settings: Settings, secrets: Secrets) -> None:
    assert alert_channels(settings, secrets, dkim_keys=NO_KEYS) == {}


def test_each_way_in_the_settings_is_one(site_folder: SiteFolder, secrets: Secrets) -> None:
    settings = configure(site_folder, 'mail = "ops@x.example"', 'webhook = "https://hooks.x.example/a?b=c"')
    assert list(alert_channels(settings, secrets, dkim_keys=NO_KEYS)) == ["mail", "webhook"]


def test_the_key_of_the_webhook_is_the_sites_own_and_no_other_key(secrets: Secrets) -> None:
    assert webhook_key(secrets) == webhook_key(secrets)
    assert webhook_key(secrets) not in (secrets.address_key, secrets.ledger_key)


@contextmanager
def serving(server: SmtpServer) -> Iterator[int]:
    """The server on a loop of its own, while commands run in this thread."""
    loop = asyncio.new_event_loop()
    port = free_port()
    running = server.running(port)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result(5)
        yield port
        asyncio.run_coroutine_threadsafe(running.__aexit__(None, None, None), loop).result(5)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def mailer(root: Path, *words: str) -> tuple[int, str]:
    """Run a command; exit code and everything it says."""
    result = CliRunner().invoke(main, [*words, "--site", str(root)])
    return result.exit_code, result.output


def test_ops_can_try_whether_alerts_arrive(site_folder: SiteFolder) -> None:
    server = SmtpServer()
    with serving(server) as port:
        configure(site_folder, 'mail = "ops@x.example"', port=port)
        assert mailer(site_folder.root, "alerts", "test") == (0, "mail: sent; look whether it is there\n")
    (taken,) = server.accepted
    assert b"Subject: [mailer] Alerts of Ohm & Volt arrive" in taken.data


def test_a_test_that_fails_says_why_and_exits_with_1(site_folder: SiteFolder) -> None:
    port = free_port()
    configure(site_folder, 'mail = "ops@x.example"', port=port)
    code, said = mailer(site_folder.root, "alerts", "test")
    assert code == 1
    assert said.startswith(f"mail: The relay 127.0.0.1:{port} cannot be used")
    assert said.endswith("mailer: Not every alert would arrive.\n")


def test_a_site_that_names_nobody_is_told_what_to_write(site_folder: SiteFolder) -> None:
    code, said = mailer(site_folder.root, "alerts", "test")
    assert code == 1
    assert 'name yourself in mailer.toml, [alerts] mail = "ops@shop.example" or webhook.' in said


def test_a_test_as_json(site_folder: SiteFolder) -> None:
    configure(site_folder, f'webhook = "http://127.0.0.1:{free_port()}/"')
    _code, said = mailer(site_folder.root, "alerts", "test", "--json")
    (way,) = json.loads(said[: said.rindex("]") + 1])
    assert (way["channel"], way["taken"]) == ("webhook", False)


def test_what_was_told_is_listed_with_how_it_was_sent(site_folder: SiteFolder) -> None:
    server = SmtpServer()
    with serving(server) as port:
        configure(site_folder, 'mail = "ops@x.example"', port=port)
        site = open_site(site_folder.root, {})
        site.alerts.send(Alert("relay_down", "The relay main is down", "It answers nothing."))
        assert site.send_alerts() == 1
        site.close()
    _code, said = mailer(site_folder.root, "alerts", "list")
    assert "The relay main is down" in said and "mail sent" in said
    (shown,) = json.loads(mailer(site_folder.root, "alerts", "list", "--json")[1])
    assert shown["ways"] == [{"channel": "mail", "state": "sent", "tries": 1, "failure": None}]


def test_a_site_without_alerts_says_so(site_folder: SiteFolder) -> None:
    assert mailer(site_folder.root, "alerts", "list") == (0, "There was no alert.\n")


def test_the_key_is_printed_for_whoever_checks_the_signature(site_folder: SiteFolder) -> None:
    key = webhook_key(load_secrets(site_folder.secrets_path))
    assert mailer(site_folder.root, "alerts", "key") == (0, f"{key.hex()}\n")


def test_an_alert_is_signed_as_other_system_mail_is(site_folder: SiteFolder) -> None:
    """B16: by the key for system mail; where it cannot be signed it goes out all the same."""
    server = SmtpServer()
    key = create_key(site_folder.dkim_keys, "sys")
    create_key(site_folder.dkim_keys, "main")
    with serving(server) as port:
        configure(site_folder, 'mail = "ops@x.example"', port=port)
        with site_folder.settings_path.open("a") as file:
            file.write('\n[dkim]\nselector = "main"\nsystem_selector = "sys"\n')
        assert mailer(site_folder.root, "alerts", "test")[0] == 0
        assert key.path is not None
        key.path.unlink()
        assert mailer(site_folder.root, "alerts", "test")[0] == 0
    signed, unsigned = server.accepted
    assert verdicts(signed.data, zone(key)) == [True]
    assert tags(signed.data)["s"] == "sys"
    assert b"DKIM-Signature" not in unsigned.data
