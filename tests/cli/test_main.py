"""The command itself: help is quick, errors are one sentence, completion is printed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from mailer import __version__
from mailer.cli.main import COMMANDS, Lazy, LazyGroup, main
from mailer.cli.output import print_json, print_table, printable
from mailer.errors import MailerError


@dataclass
class Row:
    """What a command prints."""

    target: str


def test_help_lists_every_command_without_importing_one() -> None:
    """Nobody who asks for help waits for a database library."""
    script = (
        "import sys\nfrom mailer.cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'sqlalchemy', 'rich', 'pydantic', 'starlette', 'jinja2', 'aiosmtplib'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout


def test_python_dash_m_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mailer", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"mailer, version {__version__}\n"


def test_an_unknown_command_is_a_matter_of_usage() -> None:
    done = CliRunner().invoke(main, ["sned"])
    assert done.exit_code == 2
    assert "No such command 'sned'" in done.stderr


def test_a_refusal_is_one_sentence_on_stderr_and_exit_code_1(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["key", "list", "--site", str(tmp_path)])
    assert done.exit_code == 1
    assert done.stdout == ""
    assert (
        done.stderr
        == f"mailer: {tmp_path} is no site: it holds no mailer.toml. Run: mailer init {tmp_path}\n"
    )


def test_a_refusal_deep_inside_a_group_ends_the_same_way() -> None:
    class TooMuch(MailerError):
        """This is too much."""

    @click.command()
    def fail() -> None:
        raise TooMuch

    group = LazyGroup("outer", lazy={})
    inner = click.Group("inner", commands={"fail": fail})
    group.lazy["inner"] = Lazy("click:Group", "")
    group.get_command = lambda _ctx, _name: inner  # type: ignore[method-assign]  # a stand-in for one import
    done = CliRunner().invoke(group, ["inner", "fail"])
    assert (done.exit_code, done.stderr) == (1, "mailer: This is too much.\n")


def test_a_site_is_found_from_the_environment(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["key", "list"], env={"MAILER_SITE": str(tmp_path)})
    assert done.exit_code == 1
    assert str(tmp_path) in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(shell: str) -> None:
    done = CliRunner().invoke(main, ["completion", shell])
    assert done.exit_code == 0
    assert f"_MAILER_COMPLETE={shell}_complete" in done.stdout


def test_the_completion_script_is_one_that_bash_accepts(tmp_path: Path) -> None:
    script = tmp_path / "mailer.bash"
    script.write_text(CliRunner().invoke(main, ["completion", "bash"]).stdout, encoding="utf-8")
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_completion_knows_the_commands() -> None:
    done = CliRunner().invoke(
        main,
        [],
        env={"_MAILER_COMPLETE": "bash_complete", "COMP_WORDS": "mailer in", "COMP_CWORD": "1"},
        prog_name="mailer",
    )
    assert "plain,init" in done.stdout


@pytest.mark.rule("D26")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("550 no\r\n250 ok", r"550 no\r\n250 ok"),
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("a\u2028b", r"a\u2028b"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("Zoë & Ünal, 部品", "Zoë & Ünal, 部品"),
    ],
)
def test_nothing_from_outside_can_paint_the_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.rule("D26")
def test_a_table_shows_hostile_text_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["reply", "count"], [["550\r\nfake [bold]row[/bold]", 12]])
    out = capsys.readouterr().out
    assert r"550\r\nfake [bold]row[/bold]" in out
    assert "\r" not in out


def test_json_is_plain_and_keeps_letters(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "Zoë", "path": Path("a"), "digest": b"\x01\xff", "row": Row("a:b")})
    assert '"Zoë"' in (out := capsys.readouterr().out)
    assert '"01ff"' in out and '"target": "a:b"' in out
