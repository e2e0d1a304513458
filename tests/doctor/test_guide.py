"""docs/deliverability.md keeps to the program: its commands, its checks, its settings, its records."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import pytest

from mailer.cli.main import main
from mailer.doctor.by_hand import ROLES
from mailer.doctor.dmarc import OBSOLETE, parse
from mailer.doctor.model import Verdict
from mailer.doctor.relay import SOON_DAYS
from mailer.doctor.spf import MAX_LOOKUPS, MAX_VOID
from mailer.doctor.spf import parse as parse_spf
from mailer.doctor.table import CHECKS
from mailer.settings.walk import section_at, setting_in

GUIDE = (Path(__file__).parents[2] / "docs" / "deliverability.md").read_text(encoding="utf-8")
NAMES = {check.name for check in CHECKS}
COMMANDS = re.findall(r"(?:^|`)mailer ([^`#\n]+)", GUIDE, re.MULTILINE)
RECORDS = re.findall(r"^(\S+\.)\s+(TXT|MX|A|PTR)\s+(.+)$", GUIDE, re.MULTILINE)


def test_the_table_at_the_end_names_every_check_and_no_other() -> None:
    table = GUIDE.rpartition("| check | looks at |")[2]
    listed = {
        name
        for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    }
    assert listed == NAMES


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_can_be_typed(words: str) -> None:
    """Down to its options; values and file names are the reader's."""
    command: click.Command = main
    context = click.Context(main)
    rest = words.split()
    while isinstance(command, click.Group) and rest:
        found = command.get_command(context, rest[0])
        assert found is not None, f"mailer {words}"
        command, rest = found, rest[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known


def test_every_check_that_is_named_in_a_command_exists() -> None:
    named = re.findall(r"--only ([a-z-]+)", GUIDE)
    assert len(named) > 10
    assert set(named) <= NAMES


def test_every_verdict_is_explained() -> None:
    assert all(f"**{verdict.value}**" in GUIDE for verdict in Verdict)


def test_every_setting_in_a_block_exists() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert len(blocks) >= 4
    for block in blocks:
        for section, values in tomllib.loads(block).items():
            nested = next(iter(values.items())) if section == "smtp" else ("", values)
            path = [section, nested[0]] if section == "smtp" else [section]
            for key in nested[1]:
                assert setting_in(section_at(path), key), f"[{section}] {key}"


def test_every_setting_in_the_text_exists() -> None:
    for section, key in re.findall(r"`\[([a-z]+)\]\s+([a-z_]+)`", GUIDE):
        assert setting_in(section_at([section]), key), f"[{section}] {key}"


def test_every_record_is_one_that_its_readers_take() -> None:
    assert {kind for _, kind, _ in RECORDS} == {"TXT", "MX", "A", "PTR"}
    texts = [value.strip('"') for _, kind, value in RECORDS if kind == "TXT"]
    assert len(texts) >= 4
    for text in texts:
        if text.startswith("v=spf1"):
            assert parse_spf(text)[0][-1].qualifier == "-"
        else:
            policy = parse(text)
            assert policy is not None
            assert policy.has_reports


@pytest.mark.rule("B22")
def test_the_registrations_are_listed_as_the_doctor_lists_them() -> None:
    for programme in ("Google Postmaster Tools", "Complaint Feedback Loop", "SNDS", "JMRP"):
        assert programme in GUIDE


@pytest.mark.rule("A24")
def test_the_mailboxes_are_those_that_the_doctor_names() -> None:
    assert all(f"`{role}@`" in GUIDE for role in ROLES)


def test_the_numbers_are_those_of_the_program() -> None:
    words = {10: "ten", 2: "two"}
    assert f"at most {words[MAX_LOOKUPS]}\nlookups" in GUIDE
    assert f"at most {words[MAX_VOID]} of them" in GUIDE
    assert f"within {SOON_DAYS} days" in GUIDE
    assert all(f"`{tag}`" in GUIDE for tag in OBSOLETE)
