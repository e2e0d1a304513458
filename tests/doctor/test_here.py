"""This machine: who may read its files, how its database is, what its clock says (D6, D28, D29)."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailer.doctor import database
from mailer.doctor import scene as scene_module
from mailer.doctor.clocks import ClockFacts
from mailer.doctor.clocks import gather as gather_clocks
from mailer.doctor.clocks import judge as judge_clock
from mailer.doctor.database import DatabaseFacts
from mailer.doctor.database import judge as judge_database
from mailer.doctor.lookups import Dns
from mailer.doctor.model import Unasked
from mailer.doctor.scene import Scene
from mailer.site import SiteFolder
from mailer.store import Store, migrate, open_store
from mailer.web.listening import listen
from tests.doctor.front import odd
from tests.doctor.name_server import NameServer, free_port
from tests.doctor.practice import Practice, only_one, said, verdicts


@pytest.fixture
def furnished(practice: Practice) -> SiteFolder:
    """A site whose database is made."""
    folder = practice.write()
    store = open_store("sqlite:///data/mailer.db", root=folder.root)
    migrate.upgrade(store)
    store.dispose()
    return folder


# --- files ------------------------------------------------------------------------------------


@pytest.mark.rule("D6", "D28")
def test_a_site_made_by_the_program_is_closed_to_others(practice: Practice, furnished: SiteFolder) -> None:
    line = only_one(practice.look("files"))
    assert line.verdict.value == "ok"
    assert "data folder, database, secrets" in line.reason


@pytest.mark.rule("D6", "D28", "D29")
@pytest.mark.parametrize(
    ("name", "mode", "verdict", "harm"),
    [
        ("secrets.toml", 0o640, "failure", "forge every link"),
        ("secrets.toml", 0o604, "failure", "forge every link"),
        ("data/mailer.db", 0o644, "failure", "who your subscribers are"),
        ("data", 0o755, "warning", "reach the files in it"),
    ],
)
def test_what_others_may_read_is_named_with_the_harm_and_the_command(
    practice: Practice, furnished: SiteFolder, name: str, mode: int, verdict: str, harm: str
) -> None:
    path = furnished.root / name
    path.chmod(mode)
    line = practice.look("files")[0]
    assert (line.subject, line.verdict.value) == (str(path), verdict)
    assert harm in line.reason
    assert line.remedy.startswith("Run: chmod ")
    path.chmod(int(line.remedy.split()[2], 8))
    assert practice.look("files")[0].verdict.value == "ok"


@pytest.mark.rule("D6")
def test_the_file_of_a_password_is_looked_at_too(practice: Practice) -> None:
    practice.tls, practice.smtp = "starttls", 'username = "me"\npassword_file = "relay.password"\n'
    password = practice.root / "relay.password"
    practice.root.mkdir()
    password.write_text("correct horse\n")
    password.chmod(0o600)
    assert only_one(practice.look("files")).verdict.value == "ok"


def test_a_missing_secrets_file_is_a_failure(practice: Practice) -> None:
    folder = practice.write()
    scene = practice.scene()
    folder.secrets_path.unlink()
    lines = _files_of(scene)
    assert [line.verdict.value for line in lines] == ["failure"]
    assert "is not there" in lines[0].reason


def _files_of(scene: Scene) -> list[Any]:
    from mailer.doctor import files

    facts = asyncio.run(files.gather(scene))
    return [finding for each in facts if not isinstance(each, Unasked) for finding in files.judge(each)]


def test_secrets_that_are_refused_are_told_in_the_words_of_the_refusal(practice: Practice) -> None:
    practice.write().secrets_path.write_text("no keys\n")
    line = only_one(practice.look("files"))
    assert line.verdict.value == "failure"
    assert "not valid TOML" in line.reason


def test_looking_makes_nothing(practice: Practice) -> None:
    folder = practice.write()
    before = sorted(path.name for path in folder.root.iterdir())
    practice.look("files", "database")
    assert sorted(path.name for path in folder.root.iterdir()) == before


# --- the database -----------------------------------------------------------------------------


def test_a_database_that_is_not_there_yet_is_no_fault(practice: Practice) -> None:
    line = only_one(practice.look("database"))
    assert line.verdict.value == "skipped"
    assert "mailer up" in line.remedy


def test_a_sound_database_is_told_with_its_schema(practice: Practice, furnished: SiteFolder) -> None:
    line = only_one(practice.look("database"))
    assert line.verdict.value == "ok", line
    assert f"schema {migrate.newest_revision()}" in line.reason


def test_an_older_schema_is_a_failure(practice: Practice, furnished: SiteFolder) -> None:
    store = open_store("sqlite:///data/mailer.db", root=furnished.root)
    migrate.downgrade(store, "0003")
    store.dispose()
    lines = practice.look("database")
    assert verdicts(lines) == ["failure"]
    assert "mailer db upgrade" in lines[0].remedy


def test_an_empty_file_has_no_schema(practice: Practice) -> None:
    data = practice.write().root / "data"
    data.mkdir(mode=0o700)
    (data / "mailer.db").touch(0o600)
    assert "Its schema is missing" in practice.look("database")[0].reason


def test_a_file_that_is_no_database_is_a_failure(practice: Practice) -> None:
    data = practice.write().root / "data"
    data.mkdir(mode=0o700)
    (data / "mailer.db").write_bytes(b"this was a database once, and now it is a letter to nobody" * 200)
    (data / "mailer.db").chmod(0o600)
    line = only_one(practice.look("database"))
    assert line.verdict.value == "failure"
    assert "cannot be used" in line.reason


@pytest.mark.parametrize("first", [5, 40])
def test_damage_is_found(practice: Practice, furnished: SiteFolder, first: int) -> None:
    """From page 5 on nothing can be read of it; from page 40 on, parts of it."""
    path = furnished.root / "data" / "mailer.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(path.read_bytes())
    page = 4096
    for at in range(first * page, len(content) - page, page):
        content[at : at + 400] = b"\xa5" * 400
    path.write_bytes(content)
    lines = practice.look("database")
    assert "failure" in verdicts(lines), said(lines)
    assert "Restore a backup" in said(lines)


def test_a_database_too_large_to_be_read_in_passing_is_left_to_another_hour(
    practice: Practice, furnished: SiteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_PATIENCE_SECONDS", -1.0)
    monkeypatch.setattr(database, "_STEPS", 1)
    line = only_one(practice.look("database"))
    assert line.verdict.value == "note"
    assert "mailer db check" in line.remedy


def test_looking_leaves_the_connection_as_it_was(
    practice: Practice, furnished: SiteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_PATIENCE_SECONDS", -1.0)
    monkeypatch.setattr(database, "_STEPS", 1)
    practice.look("database")
    store = open_store("sqlite:///data/mailer.db", root=furnished.root)
    store.ping()
    store.dispose()


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({"journal_mode": "delete"}, "warning", "not WAL"),
        ({"log_bytes": 3 << 30}, "warning", "3072 MiB"),
        ({"free_bytes": 5 << 20}, "warning", "5 MiB left"),
        ({"free_bytes": 2 << 30, "size_bytes": 3 << 30}, "warning", "2048 MiB left"),
        ({"free_bytes": 90 << 30, "size_bytes": 3 << 30}, "ok", "pages sound"),
        ({"trouble": "The database cannot be reached: refused."}, "failure", "refused"),
        ({"faults": ("row 5 missing from index",)}, "failure", "row 5 missing"),
    ],
)
def test_what_is_judged_of_a_database(changes: dict[str, Any], verdict: str, words: str) -> None:
    facts = replace(DatabaseFacts("sqlite", "0005", "0005"), **changes)
    finding = next(iter(judge_database(facts)))
    assert (finding.verdict.value, words in finding.reason) == (verdict, True), finding


@pytest.mark.real
def test_postgresql_is_asked_for_its_schema(practice: Practice, postgresql_store: Store) -> None:
    scene = replace(practice.scene(), store=postgresql_store)
    (facts,) = asyncio.run(database.gather(_elsewhere(scene)))
    assert isinstance(facts, DatabaseFacts)
    assert [finding.verdict.value for finding in judge_database(facts)] == ["ok"]


def _elsewhere(scene: Scene) -> Scene:
    """The scene with a URL that names no file."""
    url = "postgresql+psycopg://mailer@db.shop.test/mailer"
    settings = scene.settings.model_copy(
        update={"database": scene.settings.database.model_copy(update={"url": url})}
    )
    return replace(scene, settings=settings)


def test_a_database_that_takes_the_call_and_says_nothing_is_not_waited_for(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client would wait for minutes, in a thread that nobody can end."""
    monkeypatch.setattr(scene_module, "_CONNECT_SECONDS", 2)  # the least that the client knows
    with closing(listen("127.0.0.1", 0)) as deaf:
        port = deaf.getsockname()[1]
        practice.more += f'\n[database]\nurl = "postgresql+psycopg://mailer@127.0.0.1:{port}/mailer"\n'
        line = only_one(practice.look("database"))
    assert line.verdict.value == "failure"
    assert "cannot be reached" in line.reason


def test_a_database_that_is_away_is_a_failure_and_no_crash(practice: Practice) -> None:
    practice.more += f'\n[database]\nurl = "postgresql+psycopg://mailer@127.0.0.1:{free_port()}/mailer"\n'
    lines = practice.look("database", "files")
    assert verdicts(lines) == ["ok", "failure"]


# --- the clock --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "verdict", "words"),
    [
        (0.4, "ok", "agrees with the database to 0 s"),
        (-7.0, "ok", "to 7 s"),
        (42.0, "warning", "42 s ahead of the database"),
        (-42.0, "warning", "42 s behind the database"),
        (4000.0, "failure", "4000 s ahead"),
    ],
)
def test_a_clock_is_judged_by_how_far_it_is_off(ahead: float, verdict: str, words: str) -> None:
    (finding,) = judge_clock(ClockFacts("the database", ahead))
    assert (finding.verdict.value, words in finding.reason) == (verdict, True), finding


@pytest.mark.real
def test_the_clock_of_the_database_is_asked(practice: Practice, postgresql_store: Store) -> None:
    practice.base_url = "http://127.0.0.1:8025"
    scene = replace(practice.scene(), store=postgresql_store)
    (facts,) = asyncio.run(gather_clocks(scene))
    assert isinstance(facts, ClockFacts)
    assert facts.whose == "the database"
    assert abs(facts.ahead_seconds) < 60


@pytest.mark.parametrize(("ahead", "verdict"), [(0, "ok"), (-900, "failure"), (900, "failure")])
def test_the_clock_of_a_web_server_is_read_from_its_answer(
    practice: Practice, ahead: int, verdict: str
) -> None:
    with odd(ahead=ahead) as (port, _):
        scene = practice.scene()
        site = scene.settings.site.model_copy(update={"base_url": f"http://127.0.0.1:{port}"})
        public = _Public(scene.settings.model_copy(update={"site": site}), scene.folder, scene.dns)
        (facts,) = asyncio.run(gather_clocks(public))
    assert isinstance(facts, ClockFacts)
    (finding,) = judge_clock(facts)
    assert finding.verdict.value == verdict


class _Public(Scene):
    """A scene whose pages count as public although they are on loopback."""

    @property
    def is_local(self) -> bool:
        """Not this time."""
        return False


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Nov 2026 99:99:99 GMT", "x" * 5000])
def test_a_date_that_is_none_is_no_clock(practice: Practice, date: str) -> None:
    with odd(fields={"Date": date}) as (port, _):
        scene = practice.scene()
        site = scene.settings.site.model_copy(update={"base_url": f"http://127.0.0.1:{port}"})
        public = _Public(scene.settings.model_copy(update={"site": site}), scene.folder, scene.dns)
        facts = asyncio.run(gather_clocks(public))
    assert len(facts) == 1


def test_without_another_clock_the_command_to_ask_the_system_is_shown(practice: Practice) -> None:
    practice.base_url = "http://127.0.0.1:8025"
    line = only_one(practice.look("clock"))
    assert line.verdict.value == "skipped"
    assert "timedatectl" in line.remedy


def test_a_dns_that_is_not_needed_is_not_asked(practice: Practice, tmp_path: Path) -> None:
    names = NameServer({})
    scene = replace(practice.scene(), dns=Dns(names.resolver()))
    asyncio.run(database.gather(scene))
    assert names.asked == []
