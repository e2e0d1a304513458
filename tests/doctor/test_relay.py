"""Each relay is visited: TLS, certificate, sign-in, QUIT; nothing is sent, no password in clear (A60-A62, B5)."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mailer.delivery.smtp import SmtpCourier
from mailer.doctor.certificates import Certificate
from mailer.doctor.model import Finding
from mailer.doctor.relay import RelayFacts, judge
from mailer.doctor.run import examine
from mailer.doctor.scene import Scene
from mailer.settings import SmtpSettings
from tests.delivery.certificates import Authority, Server
from tests.doctor.name_server import free_port
from tests.doctor.practice import Practice
from tests.faults.script import Rule, Script
from tests.faults.smtp_server import SmtpServer
from tests.real.postfix import running_postfix

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """A certificate authority of the test's own."""
    return Authority(tmp_path)


def visit(
    practice: Practice, script: Script, *, ca: Path | None = None, **relay: Any
) -> tuple[Finding, SmtpServer]:
    """What the doctor says of a scripted relay, and what the relay saw."""

    async def story() -> tuple[list[Finding], SmtpServer]:
        server = SmtpServer(script)
        async with server.running() as port:
            practice.port = port
            practice.smtp = "" if ca is None else f'ca_file = "{ca}"\n'
            scene = _with_password(practice.scene(), relay)
            lines = await examine(scene, only=["relay"])
        return [Finding(line.subject, line.verdict, line.reason, line.remedy) for line in lines], server

    findings, server = asyncio.run(story())
    return findings[0], server


def _with_password(scene: Scene, relay: dict[str, Any]) -> Scene:
    main = scene.settings.smtp["main"].model_copy(update=relay)
    settings = scene.settings.model_copy(update={"smtp": {"main": main}})
    return Scene(settings, scene.folder, scene.dns, tokens=scene.tokens)


LOGIN = {"username": "newsletter", "password": SecretStr("correct horse")}


@pytest.mark.rule("A61", "B5")
def test_a_sound_relay_is_named_with_protocol_and_days(practice: Practice, authority: Authority) -> None:
    practice.tls = "starttls"
    script = Script(tls=authority.server().context(), password="correct horse")
    finding, server = visit(practice, script, ca=authority.file, **LOGIN)
    assert finding.verdict.value == "ok", finding
    assert finding.reason == "TLSv1.3, certificate trusted for 29 more days, and it lets us in."
    assert [command.split()[0] for command in server.commands] == ["EHLO", "STARTTLS", "EHLO", "AUTH", "QUIT"]


def test_nothing_is_ever_sent(practice: Practice, authority: Authority) -> None:
    practice.tls = "starttls"
    _, server = visit(practice, Script(tls=authority.server().context()), ca=authority.file)
    assert server.accepted == []
    assert not server.counts.keys() & {"MAIL", "RCPT", "DATA"}


@pytest.mark.rule("A60")
def test_implicit_tls_is_sound_too(practice: Practice, authority: Authority) -> None:
    practice.tls = "implicit"
    script = Script(tls=authority.server().context(), implicit_tls=True)
    finding, _ = visit(practice, script, ca=authority.file)
    assert finding.verdict.value == "ok", finding


@pytest.mark.rule("A61")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"expired": True}, "expired"),
        ({"name": "other.test"}, "not valid for"),
        ({"self_signed": True}, "self-signed"),
    ],
)
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_certificate_that_is_not_sound_is_a_failure_with_its_reason(
    practice: Practice, authority: Authority, options: dict[str, Any], words: str, tls: str
) -> None:
    practice.tls = tls
    certificate: Server = authority.server(**options)
    script = Script(tls=certificate.context(), implicit_tls=tls == "implicit")
    finding, server = visit(practice, script, ca=authority.file, **LOGIN)
    assert finding.verdict.value == "failure"
    assert "certificate is not trusted" in finding.reason
    assert words in finding.reason
    assert "AUTH" not in server.counts


@pytest.mark.rule("A62")
def test_without_starttls_nothing_is_said_in_clear(practice: Practice, authority: Authority) -> None:
    practice.tls = "starttls"
    script = Script(tls=authority.server().context(), starttls_offered=False)
    finding, server = visit(practice, script, ca=authority.file, **LOGIN)
    assert finding.verdict.value == "failure"
    assert "does not offer STARTTLS" in finding.reason
    assert "AUTH" not in server.counts


@pytest.mark.rule("A61")
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
def test_an_outdated_tls_is_refused(practice: Practice, authority: Authority) -> None:
    practice.tls = "starttls"
    old = authority.server().context(newest=ssl.TLSVersion.TLSv1_1)
    finding, _ = visit(practice, Script(tls=old), ca=authority.file)
    assert finding.verdict.value == "failure"
    # Whether the alert or the end of the connection is seen first is the network's matter.
    assert any(words in finding.reason for words in ("TLS cannot be agreed on", "the connection was closed"))


def test_a_wrong_password_is_told_in_the_relay_s_words(practice: Practice, authority: Authority) -> None:
    practice.tls = "starttls"
    script = Script(tls=authority.server().context(), password="correct horse")
    wrong = {"username": "newsletter", "password": SecretStr("battery staple")}
    finding, _ = visit(practice, script, ca=authority.file, **wrong)
    assert finding.verdict.value == "failure"
    assert "535" in finding.reason
    assert "battery" not in f"{finding.reason}{finding.remedy}"


def test_a_password_that_is_not_known_here_is_a_warning(practice: Practice, authority: Authority) -> None:
    practice.tls = "starttls"
    script = Script(tls=authority.server().context(), password="correct horse")
    finding, server = visit(practice, script, ca=authority.file, username="newsletter")
    assert finding.verdict.value == "warning"
    assert "PASSWORD" in finding.remedy
    assert "AUTH" not in server.counts


def test_a_relay_that_refuses_us_at_the_door(practice: Practice) -> None:
    script = Script(rules=[Rule("connect", "554 5.7.1 go away\x1b[2J")])
    finding, _ = visit(practice, script)
    assert finding.verdict.value == "failure"


def test_nobody_there_is_a_failure_where_mail_is_meant(practice: Practice) -> None:
    practice.port = free_port()
    (line,) = practice.look("relay")
    assert line.verdict.value == "failure"
    assert "nothing listens there" in line.reason
    assert "firewall" in line.remedy


def test_nobody_there_is_fine_on_a_site_that_reaches_nobody(practice: Practice) -> None:
    practice.port, practice.base_url = free_port(), "http://127.0.0.1:8025"
    (line,) = practice.look("relay")
    assert line.verdict.value == "note"
    assert "while you look around" in line.remedy


def test_every_relay_in_use_is_visited(practice: Practice) -> None:
    practice.port = free_port()
    practice.smtp = f'\n[smtp.second]\nhost = "127.0.0.1"\nport = {free_port()}\ntls = "none"\n'
    lines = practice.look("relay")
    assert [line.subject.split()[0] for line in lines] == ["[smtp.main]", "[smtp.second]"]


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({}, "ok", "30 more days"),
        ({"days": 13}, "warning", "13 more days"),
        ({"clear_auth": True}, "note", "before TLS"),
        ({"size_limit": 100 * 1024, "our_limit": 1024 * 1024}, "warning", "up to 100 KiB, we may send 1024"),
        ({"size_limit": 2_000_000, "our_limit": 1024 * 1024}, "ok", "more days"),
    ],
)
def test_what_is_judged_of_a_relay_that_answers(changes: dict[str, Any], verdict: str, words: str) -> None:
    days = changes.pop("days", 30)
    certificate = Certificate(START + timedelta(days=days, hours=1), START, "TLSv1.3")
    findings = list(judge(RelayFacts("[smtp.main] x:587", "starttls", certificate=certificate, **changes)))
    assert findings[-1].verdict.value == verdict, findings
    assert words in findings[-1].reason


@pytest.mark.real
@pytest.mark.rule("A61", "B5")
def test_a_real_postfix_with_starttls_is_found_sound(practice: Practice, authority: Authority) -> None:
    certificate = authority.server()
    for path in (certificate.certificate, certificate.key):
        path.chmod(0o644)
    parameters = {
        "smtpd_tls_security_level": "may",
        "smtpd_tls_cert_file": str(certificate.certificate),
        "smtpd_tls_key_file": str(certificate.key),
    }
    with running_postfix(parameters) as postfix:
        practice.tls, practice.port = "starttls", postfix.port
        practice.smtp = f'ca_file = "{authority.file}"\n'
        (line,) = practice.look("relay")
        assert postfix.messages(0) == []
    assert line.verdict.value == "ok", line
    assert "TLSv1.3" in line.reason


def test_the_doctor_and_the_sender_agree_on_what_can_be_used(
    practice: Practice, authority: Authority
) -> None:
    """What the doctor passes, the courier opens."""

    async def story() -> None:
        server = SmtpServer(Script(tls=authority.server().context(), password="correct horse"))
        async with server.running() as port:
            relay = SmtpSettings(host="127.0.0.1", port=port, tls="starttls", ca_file=authority.file, **LOGIN)
            courier = SmtpCourier(relay, ehlo_name="mail.shop.test")
            await courier.connect()
            assert courier.is_open
            await courier.close()

    asyncio.run(story())
