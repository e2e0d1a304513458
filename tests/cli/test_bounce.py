"""`mailer bounce classify`: raw messages in, verdicts out, without a site."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import main
from tests.bounces.messages import READER, dsn, group


@pytest.fixture(autouse=True)
def _no_site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("no-site"))


def run(*words: str | Path) -> Result:
    """The command in a folder that is no site."""
    return CliRunner().invoke(main, ["bounce", "classify", *map(str, words)])


@pytest.fixture
def bounced(tmp_path: Path) -> Path:
    """One file with a bounce."""
    path = tmp_path / "one.eml"
    path.write_bytes(dsn(group("550 5.1.1 user unknown", status="5.1.1")))
    return path


def test_json_has_one_object_per_line_and_file(bounced: Path) -> None:
    (bounced.parent / "two.eml").write_bytes(b"Subject: hello\n\nhello\n")
    done = run(bounced.parent, "--json")
    assert done.exit_code == 0
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {
            "file": str(bounced),
            "kind": "bounce",
            "bounces": [
                {
                    "recipient": READER,
                    "status": "5.1.1",
                    "kind": "hard",
                    "reason": "userunknown",
                    "fault": "recipient",
                    "delayed": False,
                    "rule": "user-unknown",
                }
            ],
        },
        {"file": str(bounced.parent / "two.eml"), "kind": "none", "bounces": []},
    ]


def test_people_read_the_verdict_and_its_rule(bounced: Path) -> None:
    done = run(bounced)
    assert done.stdout.splitlines()[0] == f"{bounced}: bounce"
    for word in (
        READER,
        "5.1.1",
        "hard",
        "userunknown (bad_address)",
        "fault: recipient",
        "rule: user-unknown",
    ):
        assert word in done.stdout


def test_one_file_that_cannot_be_read_stops_nothing_and_is_said(bounced: Path) -> None:
    lost = bounced.parent / "0-lost.eml"
    lost.symlink_to(bounced.parent / "nowhere")
    done = run(bounced.parent, "--json")
    assert done.exit_code == 1
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one.get("error") for one in found] == ["No such file or directory", None]
    assert "1 files could not be read" in done.stderr


def test_a_path_that_is_not_there_is_a_wrong_use() -> None:
    assert run("nowhere.eml").exit_code == 2


@pytest.mark.rule("D26")
def test_a_hostile_message_cannot_paint_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "x.eml"
    path.write_bytes(dsn(group("550", recipient="a@b.example", status="5.1.1\x1b[2J")))
    assert "\x1b" not in run(path).stdout + run(path, "--json").stdout
