"""Whatever is typed ends in one sentence and an exit code that tells: 1 the product says no, 2 it was mistyped."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import main
from mailer.cli.output import MOST_ROWS, print_json
from mailer.site import SiteFolder
from mailer.store import migrate

Run = Callable[..., Result]
HUGE = "99999999999999999999"


@pytest.fixture
def run(site_folder: SiteFolder, _sqlite_template: Path) -> Run:
    """Type a command in a site; `env` is laid over the environment."""
    shutil.copy(_sqlite_template, site_folder.data / "mailer.db")
    (site_folder.data / "mailer.db").chmod(0o600)

    def type_in(*words: str, env: dict[str, str] | None = None, text: str | None = None) -> Result:
        return CliRunner().invoke(main, [*words, "--site", str(site_folder.root)], env=env, input=text)

    return type_in


def refused(result: Result, code: int = 1) -> str:
    """The one sentence of a refusal; nothing else was printed and nothing else went wrong."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code, result.stdout) == (code, "")
    if code == 1:
        assert result.stderr.startswith("mailer: ") and result.stderr.endswith("\n")
    return result.stderr


# --- exit code 2: mistyped --------------------------------------------------------------------------

MISTYPED = [
    (("campaign", "new"), "Missing argument 'SLUG'"),
    (("campaign", "schedule"), "Missing argument 'SLUG'"),
    (("campaign", "schedule", "week-48", "--expect", "-1"), "is not in the range x>=0"),
    (("campaign", "schedule", "week-48", "--expect", "many"), "'many' is not a valid integer"),
    (("campaign", "preview", "week-48", "--part", "pdf"), "'pdf' is not one of 'text', 'html', 'raw'"),
    (("campaign", "preview", "week-48", "--serve", "--port", "99999"), "is not in the range 0<=x<=65535"),
    (("delivery", "show", "first"), "'first' is not a valid integer"),
    (("delivery", "show", "0"), "is not in the range"),
    (("delivery", "show", HUGE), "is not in the range"),
    (("delivery", "list", "--state", "lost"), "'lost' is not one of 'queued', 'attempting'"),
    (("delivery", "list", "--limit", "0"), "is not in the range"),
    (("delivery", "list", "--limit", HUGE), "is not in the range"),
    (("audit", "show", "--stream", "gossip"), "'gossip' is not one of 'consent', 'audit'"),
    (("audit", "show", "--limit", "0"), "is not in the range"),
    (("audit", "show", "--limit", HUGE), "is not in the range"),
    (("suppression", "add", "a@b.example", "--reason", "rude"), "'rude' is not one of"),
    (("suppression", "lift", "a@b.example", "--why", "x"), "Missing option '--reason'"),
    (("suppression", "lift", "a@b.example", "--reason", "manual"), "Missing option '--why'"),
    (("subscriber", "add", "a@b.example", "--list", "weekly"), "Missing option '--asked'"),
    (("subscriber", "import", "people.csv"), "Missing option '--list'"),
    (("subscriber", "import", "people.csv", "--list", "weekly", "--as", "friend"), "'friend' is not one of"),
    (
        ("subscriber", "import", "people.csv", "--list", "weekly", "--consent-date", "May"),
        "does not match the format",
    ),
    (
        ("subscriber", "import", "p.csv", "--list", "weekly", "--delimiter", "::"),
        "must be a single character, or tab",
    ),
    (
        ("subscriber", "import", "p.csv", "--list", "weekly", "--delimiter", '"'),
        "must be a single character, or tab",
    ),
    (
        ("subscriber", "import", "p.csv", "--list", "weekly", "--delimiter", ""),
        "must be a single character, or tab",
    ),
    (("serve", "--port", "0"), "is not in the range 1<=x<=65535"),
    (("key", "rotate", "--all"), "No such option '--all'"),
    (("db", "downgrade"), "No such command 'downgrade'"),
]


@pytest.mark.parametrize(
    ("words", "said"), MISTYPED, ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else ""
)
def test_what_is_mistyped_ends_with_2_and_says_what_was_meant(
    run: Run, words: tuple[str, ...], said: str
) -> None:
    sentence = refused(run(*words), code=2)
    assert said in sentence
    assert sentence.startswith("Usage: ")


@pytest.mark.parametrize("group", ["campaign", "subscriber", "suppression"])
def test_a_group_alone_shows_its_help(group: str) -> None:
    shown = CliRunner().invoke(main, [group])
    assert "Commands:" in shown.output
    assert shown.exit_code == 2


def test_completion_knows_three_shells_and_no_other() -> None:
    done = CliRunner().invoke(main, ["completion", "powershell"])
    assert done.exit_code == 2
    assert "'powershell' is not one of 'bash', 'zsh', 'fish'" in done.stderr


# --- exit code 1: the product says no ---------------------------------------------------------------

REFUSED = [
    (("campaign", "new", "Week 48"), "small letters, digits and hyphens"),
    (("campaign", "new", "../outside"), "small letters, digits and hyphens"),
    (("campaign", "new", "week-48", "--list", "monthly"), "monthly"),
    (("campaign", "preview", "week-48"), "week-48"),
    (("campaign", "proof", "week-48"), "No colleague is named yet"),
    (("campaign", "pause", "week-48"), "The campaign week-48 was never scheduled"),
    (("campaign", "resume", "week-48"), "The campaign week-48 was never scheduled"),
    (("campaign", "cancel", "week-48", "--yes"), "The campaign week-48 was never scheduled"),
    (("delivery", "show", "7"), "There is no delivery 7."),
    (("delivery", "list", "--campaign", "week-48"), "The campaign week-48 was never scheduled"),
    (("delivery", "retry", "--campaign", "week-48"), "The campaign week-48 was never scheduled"),
    (("delivery", "settle", "--campaign", "week-48", "--accept", "--why", "x"), "was never scheduled"),
    (("audit", "show", "--address", "nobody"), "no @ with something on both sides"),
    (("suppression", "add", "two@a.example,b@a.example"), "more than one address"),
    (("suppression", "add", "ada@127.0.0.1"), "is an IP address"),
    (("suppression", "add", "a@b.example", "--list", "monthly"), "the lists are: weekly, clearance"),
    (("subscriber", "show", "ada@example.net"), "Nobody with this address is stored"),
    (("subscriber", "import", "nowhere.csv", "--list", "weekly"), "No such file or directory"),
]


@pytest.mark.parametrize(
    ("words", "said"), REFUSED, ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else ""
)
def test_what_the_product_refuses_ends_with_1_and_one_sentence(
    run: Run, words: tuple[str, ...], said: str
) -> None:
    assert said in refused(run(*words))


def test_a_missing_schema_is_not_made_by_a_check(site_folder: SiteFolder) -> None:
    """`db check` looks at the database as it stands."""
    done = CliRunner().invoke(main, ["db", "check", "--json", "--site", str(site_folder.root)])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["faults"] == [
        f"The schema is missing, this version needs {migrate.newest_revision()}; run: mailer db upgrade"
    ]


def test_settings_that_are_wrong_stop_every_command_with_all_that_is_wrong(
    run: Run, site_folder: SiteFolder
) -> None:
    text = site_folder.settings_path.read_text(encoding="utf-8")
    site_folder.settings_path.write_text(
        text.replace('name = "Ohm & Volt"', 'nmae = "Ohm & Volt"').replace("port = 2525", "port = 0"),
        encoding="utf-8",
    )
    for words in (("audit", "verify"), ("db", "check"), ("delivery", "list"), ("key", "rotate")):
        lines = refused(run(*words)).splitlines()
        assert (
            lines[0]
            == f"mailer: The settings in {site_folder.settings_path} cannot be used; 3 things to mend:"
        )
        assert [line.split(" ")[2:5] for line in lines[1:]] == [
            ["mailer.toml:2:", "[site]", "name"],
            ["mailer.toml:3:", "[site]", "nmae"],
            ["mailer.toml:12:", "[smtp.main]", "port"],
        ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[site\n", "is not valid TOML"),
        (b"\xff\xfe", "is not UTF-8 text. Save it again as UTF-8."),
        (b"", "[site] is missing"),
    ],
)
def test_a_settings_file_that_cannot_be_read_is_named(
    run: Run, site_folder: SiteFolder, content: bytes, said: str
) -> None:
    site_folder.settings_path.write_bytes(content)
    sentence = refused(run("delivery", "list"))
    assert said in sentence and str(site_folder.settings_path) in sentence


@pytest.mark.rule("D6")
def test_secrets_that_others_can_read_stop_every_command(run: Run, site_folder: SiteFolder) -> None:
    site_folder.secrets_path.chmod(0o644)
    for words in (("key", "list"), ("delivery", "list"), ("audit", "verify")):
        assert f"run `chmod 600 {site_folder.secrets_path}`" in refused(run(*words))


def test_secrets_of_another_place_are_named_by_that_place(run: Run, tmp_path: Path) -> None:
    sentence = refused(run("key", "list", env={"MAILER_SECRETS_FILE": str(tmp_path / "elsewhere.toml")}))
    assert f"The secrets file {tmp_path / 'elsewhere.toml'} is missing" in sentence


DATABASES = [
    ("mysql://db/mailer", 'must begin with "sqlite:///" or "postgresql+psycopg://"'),
    ("sqlite:///:memory:", "names no file"),
    ("postgresql+psycopg://mailer@db:none/mailer", "has no number where its port should be"),
    ("postgresql+psycopg://mailer@db:99999/mailer", "has no number where its port should be"),
    ("postgresql+psycopg://mailer@127.0.0.1:9/mailer", "The database cannot be reached"),
    ("sqlite:////proc/nothing/mailer.db", "cannot be opened: No such file or directory"),
    ("sqlite:////", "cannot be opened: Is a directory"),
]


@pytest.mark.parametrize(("url", "said"), DATABASES)
def test_a_database_that_cannot_be_had_is_one_sentence(run: Run, url: str, said: str) -> None:
    assert said in refused(run("delivery", "list", env={"MAILER_DATABASE__URL": url}))


def test_a_damaged_database_is_one_sentence(run: Run, site_folder: SiteFolder) -> None:
    (site_folder.data / "mailer.db").write_bytes(b"this was a database once\n" * 200)
    assert "file is not a database" in refused(run("delivery", "list"))


def test_a_preview_that_cannot_be_written_is_one_sentence(run: Run, tmp_path: Path) -> None:
    run("campaign", "new", "week-48")
    (tmp_path / "file").touch()
    sentence = refused(run("campaign", "preview", "week-48", "--out", str(tmp_path / "file" / "look")))
    assert sentence == (
        f"mailer: The preview cannot be written to {tmp_path / 'file' / 'look'}: Not a directory. "
        "Choose a folder you may write to.\n"
    )


def test_a_site_in_an_unreadable_place_is_no_site(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["delivery", "list", "--site", str(tmp_path / "nowhere")])
    assert refused(done) == (
        f"mailer: {tmp_path / 'nowhere'} is no site: it holds no mailer.toml. Run: mailer init {tmp_path / 'nowhere'}\n"
    )


def test_the_site_is_the_one_the_command_is_typed_in(
    site_folder: SiteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MAILER_SITE", raising=False)
    monkeypatch.chdir(site_folder.campaigns)
    assert CliRunner().invoke(main, ["key", "list"]).exit_code == 0


def test_outside_of_any_site_the_way_in_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILER_SITE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert "Run `mailer init` to make a site" in refused(CliRunner().invoke(main, ["key", "list"]))


def test_the_option_wins_over_the_environment(run: Run, tmp_path: Path) -> None:
    assert run("key", "list", env={"MAILER_SITE": str(tmp_path / "nowhere")}).exit_code == 0


# --- what is quoted cannot act ----------------------------------------------------------------------

PAINT = "\x1b[2J\x9b31m\u202e"


def _harmless(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


@pytest.mark.rule("D26")
@pytest.mark.parametrize(
    "words",
    [
        ("campaign", "status", PAINT),
        ("campaign", "new", PAINT),
        ("campaign", "pause", PAINT),
        ("suppression", "add", "a@b.example", "--list", PAINT),
        ("subscriber", "import", f"{PAINT}.csv", "--list", "weekly"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_refusal_cannot_paint_the_terminal(run: Run, words: tuple[str, ...]) -> None:
    assert _harmless(refused(run(*words)))


@pytest.mark.rule("D26")
def test_a_key_of_the_settings_cannot_paint_the_terminal(run: Run, site_folder: SiteFolder) -> None:
    with site_folder.settings_path.open("a", encoding="utf-8") as file:
        file.write('\n[web]\n"\\u001b[2J" = 1\n')
    sentence = refused(run("delivery", "list"))
    assert _harmless(sentence)
    assert r"[web] \x1b[2J is no setting" in sentence


@pytest.mark.rule("D26")
@pytest.mark.parametrize("text", [PAINT, "\x7f", "\u2028", "\ud800", "\U000e0001", "a\nb\r\n", "\x00"])
def test_json_is_safe_to_show_and_reads_back_the_same(capsys: pytest.CaptureFixture[str], text: str) -> None:
    print_json({"reply": text, text: "name"})
    printed = capsys.readouterr().out
    assert _harmless(printed)
    assert json.loads(printed) == {"reply": text, text: "name"}


@pytest.mark.rule("D26")
@pytest.mark.parametrize("json_too", [False, True], ids=["table", "json"])
def test_a_note_cannot_paint_the_terminal(run: Run, json_too: bool) -> None:
    run("suppression", "add", "ada@example.net", "--note", f"letter {PAINT}")
    for words in (("suppression", "list"), ("subscriber", "show", "ada@example.net"), ("audit", "show")):
        shown = run(*words, *(["--json"] if json_too else []))
        assert shown.exit_code == 0 and _harmless(shown.stdout)


@pytest.mark.rule("D26")
def test_a_tampered_event_cannot_paint_the_terminal(run: Run, site_folder: SiteFolder) -> None:
    import sqlite3

    run("suppression", "add", "ada@example.net")
    with sqlite3.connect(site_folder.data / "mailer.db") as connection:
        connection.execute("DROP TRIGGER ledger_update")
        connection.execute("UPDATE ledger SET event = ?", (PAINT,))
    shown = run("audit", "verify")
    assert shown.exit_code == 1
    assert shown.stdout == "Row 1 (\\x1b[2J\\x9b31m\\u202e) was altered: its digest does not match.\n"


# --- limits -----------------------------------------------------------------------------------------


def test_the_highest_limit_and_the_highest_id_are_numbers_the_database_takes(run: Run) -> None:
    assert run("delivery", "list", "--limit", str(MOST_ROWS)).exit_code == 0
    assert run("audit", "show", "--limit", str(MOST_ROWS)).exit_code == 0
    assert "There is no delivery" in refused(run("delivery", "show", str(2**63 - 1)))


def test_a_limit_cuts_to_the_newest(run: Run) -> None:
    for name in ("ada", "bob", "cleo"):
        run("suppression", "add", f"{name}@example.net")
    shown = json.loads(run("audit", "show", "--limit", "2", "--json").stdout)
    assert [each["id"] for each in shown] == [3, 2]


def test_nothing_of_the_environment_but_its_own_names_changes_a_command(run: Run) -> None:
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("MAILER_")}
    assert run("key", "list", env=quiet | {"MAILERSITE": "x", "NO_MAILER__X": "y"}).exit_code == 0
