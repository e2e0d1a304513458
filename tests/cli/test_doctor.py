"""`mailer doctor` in a terminal: one page, JSON, exit codes; and what DNS says cannot paint it (D26, D36)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import main
from mailer.doctor import lookups
from mailer.doctor.table import CHECKS
from tests.doctor.name_server import NameServer, serving
from tests.doctor.practice import Practice
from tests.doctor.signing import MAIL
from tests.doctor.zones import GOOD


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """A name server that the command takes for the system's."""
    with serving(GOOD) as names:
        monkeypatch.setattr(lookups, "system_resolver", names.resolver)
        yield names


@pytest.fixture
def practice(tmp_path: Path) -> Practice:
    """A site that sends through a server of its own."""
    return Practice(tmp_path / "site")


def run(practice: Practice, *words: str) -> Result:
    """Type the command in the site."""
    practice.write()
    return CliRunner().invoke(main, ["doctor", "--site", str(practice.root), *words])


def as_json(result: Result) -> Any:
    """What it printed for programs."""
    return json.loads(result.stdout)


def test_a_page_has_groups_verdicts_reasons_and_remedies(practice: Practice, world: NameServer) -> None:
    result = run(practice, "--only", "spf", "--only", "dmarc", "--only", "roles")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "Your names in DNS" in lines
    assert any(line.startswith("  ok      spf           bounce.shop.test: One record") for line in lines)
    assert any(line.lstrip().startswith("→ Write to each") for line in lines)
    assert "1 note, 3 ok." in result.stdout


def test_a_failure_makes_the_exit_code_1(practice: Practice, world: NameServer) -> None:
    del world.zone["_dmarc.shop.test", "TXT"]
    result = run(practice, "--only", "dmarc")
    assert result.exit_code == 1
    assert "failure dmarc" in result.stdout
    assert 'Publish: _dmarc.shop.test. TXT "v=DMARC1;' in result.stdout


def test_a_warning_does_not(practice: Practice, world: NameServer) -> None:
    world.zone["_dmarc.shop.test", "TXT"] = ["v=DMARC1; p=none"]
    assert run(practice, "--only", "dmarc").exit_code == 0


def test_programs_get_every_field_of_every_line(practice: Practice, world: NameServer) -> None:
    page = as_json(run(practice, "--json", "--only", "spf"))
    assert page["verdicts"] == {"ok": 2}
    assert set(page["checks"][0]) == {"check", "group", "subject", "verdict", "reason", "remedy"}


def test_json_has_the_same_exit_code(practice: Practice, world: NameServer) -> None:
    del world.zone["_dmarc.shop.test", "TXT"]
    result = run(practice, "--json", "--only", "dmarc")
    assert result.exit_code == 1
    assert as_json(result)["verdicts"] == {"failure": 1}


@pytest.mark.rule("D36", "D26")
@pytest.mark.parametrize("words", [(), ("--json",)])
def test_what_dns_says_cannot_paint_the_terminal(
    practice: Practice, world: NameServer, words: tuple[str, ...]
) -> None:
    world.raw["bounce.shop.test"] = b"v=spf1 \x1b[2J\x1b]0;owned\x07\xe2\x80\xae\r\nfake -all"
    world.raw["_dmarc.shop.test"] = b"v=DMARC1; p=\x1b[31mnone; \x9b\xff=x; rua=mailto:d@shop.test"
    result = run(practice, *words, "--only", "spf", "--only", "dmarc")
    assert not any(character in result.output for character in "\x1b\x07\x9b\u202e\r")
    assert "spf" in result.stdout


@pytest.mark.rule("D36")
def test_a_message_cannot_paint_it_either(practice: Practice, world: NameServer, tmp_path: Path) -> None:
    proof = tmp_path / "proof.eml"
    proof.write_bytes(
        b"Authentication-Results: \x1b[2Jmx; spf=fail\r\nDKIM-Signature: d=\x1b[31m; s=\x07\r\n" + MAIL
    )
    result = run(practice, "--only", "proof", "--proof", str(proof))
    assert result.exit_code == 1
    assert not any(character in result.output for character in "\x1b\x07")


def test_a_wrong_name_is_told_with_the_right_ones(practice: Practice) -> None:
    result = run(practice, "--only", "spff")
    assert result.exit_code == 2
    assert all(check.name in result.stderr for check in CHECKS)


def test_a_proof_that_is_not_there_is_a_fault_of_usage(practice: Practice) -> None:
    assert run(practice, "--proof", "nowhere.eml").exit_code == 2


def test_a_proof_can_come_by_a_pipe(practice: Practice, world: NameServer) -> None:
    practice.write()
    words = ["doctor", "--site", str(practice.root), "--only", "proof", "--proof", "-"]
    result = CliRunner().invoke(main, words, input=MAIL)
    assert "no DKIM signature" in result.stdout


def test_a_mailbox_is_no_proof(practice: Practice, world: NameServer, tmp_path: Path) -> None:
    large = tmp_path / "mailbox"
    large.write_bytes(b"x" * 10_000_001)
    result = run(practice, "--proof", str(large))
    assert result.exit_code == 1
    assert "save one single message" in result.stderr


def test_offline_says_what_it_leaves_out_once_for_a_group(practice: Practice) -> None:
    result = run(practice, "--offline")
    assert result.exit_code == 0, result.output
    assert "spf, dkim, dmarc, alignment, bounce-mx, answer-mx" in result.stdout
    assert result.stdout.count("--offline was given") <= 6


def test_a_trial_site_reads_like_advice(practice: Practice, world: NameServer) -> None:
    """What `mailer init` makes: nothing fails, and the next steps are named."""
    site = practice.root.parent / "shop"
    CliRunner().invoke(main, ["init", str(site)])
    result = CliRunner().invoke(main, ["doctor", "--site", str(site)])
    assert result.exit_code == 0, result.output
    assert "failure" not in result.stdout
    assert "warning" not in result.stdout
    assert "This site has no public address yet." in result.stdout
    assert "docs/deliverability.md" in result.stdout


def test_settings_that_cannot_be_used_are_told_as_everywhere(practice: Practice) -> None:
    practice.write().settings_path.write_text("[site]\n")
    result = CliRunner().invoke(main, ["doctor", "--site", str(practice.root)])
    assert result.exit_code == 1
    assert "cannot be used" in result.stderr
