"""Documents fail the build: commands, requirements, RFCs and the changelog say what is so."""

from __future__ import annotations

import re
import sys
import tomllib
from collections import Counter

import click
import pytest

from mailer import __version__
from mailer.cli.main import COMMANDS as LISTED
from tests.house.reference import REFERENCE, commands, reference
from tests.house.requirements import LEVELS, SECTIONS, STATUSES, TABLE, evidence, is_rule, named_tests, rows
from tests.house.tree import ROOT, files, python_sources

COMMANDS = dict(commands())
_RFC = re.compile(r"\bRFCs? (\d{3,5})\b")
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_every_option_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert command.help, f"{name} has no help"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts[0]} has no help"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_first_line_of_help_is_a_sentence(name: str) -> None:
    first = (COMMANDS[name].help or "").strip().split("\n\n", 1)[0]
    assert first[0].isupper() and first.rstrip().endswith((".", ":")), first


def test_commands_that_read_speak_json() -> None:
    reading = {"list", "show", "status", "verify", "check", "history"}
    for name, command in COMMANDS.items():
        if name.rsplit(" ", 1)[-1] in reading and not isinstance(command, click.Group):
            assert any("--json" in parameter.opts for parameter in command.params), name


def test_the_command_reference_is_the_commands_own_help() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == reference(), "run: make docs"


def test_the_newest_heading_of_the_changelog_is_the_version() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == __version__


def test_the_table_holds_all_210_requirements_once() -> None:
    counted = Counter(row.id for row in rows(TABLE.read_text(encoding="utf-8")))
    assert set(counted.values()) == {1}
    assert Counter(rule[0] for rule in counted) == SECTIONS


def test_every_row_has_a_level_a_status_and_where_needed_a_reason() -> None:
    for row in rows(TABLE.read_text(encoding="utf-8")):
        assert row.level in LEVELS, row.id
        assert row.status in STATUSES, row.id
        assert row.gist, row.id
        assert row.note or row.status in ("met", "not yet"), f"{row.id} is {row.status}: say why in the note"


def test_what_is_claimed_is_shown_by_a_test() -> None:
    """A rule is met when a test says so: the row names up to three, and each of them cites the rule."""
    shown = evidence()
    for row in rows(TABLE.read_text(encoding="utf-8")):
        named = named_tests(row)
        assert named or row.status != "met", f"{row.id} is met, but no test cites it"
        for name in named:
            assert name in shown[row.id], f"{row.id} names {name}, which does not cite it; run: make docs"


def test_tests_cite_rules_that_exist() -> None:
    for source in python_sources("tests"):
        for cited in re.findall(r"mark\.rule\(([^)]*)\)", source.text):
            for rule in re.findall(r"[\"']([^\"']+)[\"']", cited):
                assert is_rule(rule), f"{source.name} cites {rule}"


def test_every_rfc_the_code_obeys_is_in_the_index() -> None:
    index = (ROOT / "docs" / "rfcs.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| (\d{3,5}) \|", index, re.MULTILINE))
    cited = {number for source in python_sources("mailer", "alembic") for number in _RFC.findall(source.text)}
    assert cited <= listed, f"missing in docs/rfcs.md: {sorted(cited - listed)}"


def test_an_rfc_that_is_said_to_be_obeyed_is_cited_in_the_code() -> None:
    index = (ROOT / "docs" / "rfcs.md").read_text(encoding="utf-8")
    obeyed = set(re.findall(r"^\| (\d{3,5}) \| [^|]+ \| (?:yes|partly) \|", index, re.MULTILINE))
    cited = {number for source in python_sources("mailer", "tests") for number in _RFC.findall(source.text)}
    assert obeyed <= cited, f"nothing in the code cites: {sorted(obeyed - cited)}"


def test_links_between_documents_lead_somewhere() -> None:
    documents = [path for path in (*files(), *files("docs", "deploy")) if path.suffix == ".md"]
    for path in documents:
        for target in _LINK.findall(path.read_text(encoding="utf-8")):
            if "://" not in target and not target.startswith("mailto:"):
                assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} links to {target}"


def test_no_document_promises_a_command_that_there_is_not() -> None:
    documents = [path for path in (*files(), *files("docs", "deploy")) if path.suffix == ".md"]
    groups = {name.split()[1] for name in COMMANDS if len(name.split()) > 1}
    for path in documents:
        for command in re.findall(r"`mailer ([a-z]+)[ `]", path.read_text(encoding="utf-8")):
            assert command in groups, f"{path.relative_to(ROOT)} speaks of `mailer {command}`"


def test_the_package_asks_for_everything_it_imports() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = {re.split(r"[<>=\[;~! ]", line, maxsplit=1)[0] for line in project["dependencies"]}
    named = {
        "markdown_it": "markdown-it-py",
        "argon2": "argon2-cffi",
        "mjml": "mjml-python",
        "dns": "dnspython",
        "yaml": "pyyaml",
        "pydantic_core": "pydantic",
        "prometheus_client": "prometheus-client",
    }
    for source in python_sources("mailer"):
        for imported in re.findall(r"^\s*(?:from|import) ([a-z_0-9]+)", source.text, re.MULTILINE):
            if imported in sys.stdlib_module_names or imported == "mailer":
                continue
            assert named.get(imported, imported) in asked, f"{source.name} imports {imported}"


def test_the_list_of_commands_names_what_each_group_holds() -> None:
    """It is written beside the table so that help imports nothing; so it could go stale, were it not for this."""
    for name, lazy in LISTED.items():
        command = COMMANDS[f"mailer {name}"]
        if isinstance(command, click.Group):
            held = set(command.list_commands(click.Context(command)))
            assert held == {word.strip(" .") for word in lazy.help.rpartition(": ")[2].split(",")}, name
