"""`mailer delivery settle`: an operator's word, a log, and what is said of each."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from mailer import clock
from tests.cli.delivery_desk import DeliveryDesk
from tests.delivery.settling.logs import MadeUpLog

RELAY = "mx.shop.example:25"
WHY = ("--why", "the relay's owner looked")


@pytest.fixture
def doubtful(desk: DeliveryDesk) -> DeliveryDesk:
    """Two of nobody knows; between them and around, what the relay took."""
    at = clock.now().replace(microsecond=0) - timedelta(hours=1)
    for number in range(8):
        known = number not in (2, 5)
        answer = {"state": "accepted", "reply_code": 250} if known else {"state": "unknown"}
        times = {"attempted_at": at, "settled_at": at}
        desk.add(attempts=1, relay=RELAY, message_id=f"n{number + 1}@shop.example", **times, **answer)
    return desk


@pytest.fixture
def log(doubtful: DeliveryDesk) -> MadeUpLog:
    """The relay's, with all that it is known to have taken."""
    log = MadeUpLog(at=clock.now().replace(microsecond=0) - timedelta(hours=2)).quiet().wait(hours=1)
    for number in (1, 2, 4, 5, 7, 8):
        log.accepted(f"n{number}@shop.example")
    return log


def written(log: MadeUpLog, path: Path) -> str:
    return str(log.quiet(minutes=45).write(path / "mail.log"))


# --- a log ----------------------------------------------------------------------------------------


def test_a_log_settles_what_it_can_and_says_why(
    doubtful: DeliveryDesk, log: MadeUpLog, tmp_path: Path
) -> None:
    queue_id = log.accepted("n3@shop.example")
    done = doubtful.run("settle", "--postfix-log", written(log, tmp_path))
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert f"3 accepted The relay's log has it in the queue as {queue_id} at" in said
    assert "6 sent again The relay's log covers the time of the attempt and does not name it." in said
    assert done.stdout.endswith("\n1 accepted, 1 to be sent again, 0 still unknown.\n")
    assert doubtful.states()[3] == "accepted" and doubtful.states()[6] == "deferred"
    (record,) = doubtful.recorded("settle")
    assert record == {"evidence": "postfix log", "relay": None, "accepted": [3], "resent": [6]}


def test_the_words_are_kept_in_the_place_of_the_reply(
    doubtful: DeliveryDesk, log: MadeUpLog, tmp_path: Path
) -> None:
    queue_id = log.accepted("n3@shop.example")
    doubtful.run("settle", "3", "--postfix-log", written(log, tmp_path))
    assert f"in the queue as {queue_id}" in " ".join(doubtful.run("show", "3").stdout.split())
    assert doubtful.states()[6] == "unknown", "only the one that was asked about"


def test_a_shell_may_spell_the_files_as_many_words(
    doubtful: DeliveryDesk, log: MadeUpLog, tmp_path: Path
) -> None:
    """`--postfix-log mail.log*`: the first belongs to the option, the others stand behind it."""
    early, late = tmp_path / "mail.log.1.gz", tmp_path / "mail.log"
    early = log.write(early)
    log.lines.clear()
    log.accepted("n3@shop.example")
    found = doubtful.json("settle", "--postfix-log", str(log.quiet(minutes=45).write(late)), str(early))
    assert [each["finding"] for each in found["verdicts"]] == ["accepted", "absent"]
    (record,) = doubtful.recorded("settle")
    assert (record["accepted"], record["resent"]) == ([3], [6])


def test_a_dry_run_says_what_would_be_and_does_nothing(
    doubtful: DeliveryDesk, log: MadeUpLog, tmp_path: Path
) -> None:
    before = doubtful.states()
    done = doubtful.run("settle", "--postfix-log", written(log, tmp_path), "--dry-run")
    assert "0 would be accepted, 2 sent again; 0 would stay unknown. Nothing was changed." in done.stdout
    assert doubtful.states() == before and doubtful.recorded("settle") == []


def test_a_doubt_is_told_with_what_would_end_it(
    doubtful: DeliveryDesk, log: MadeUpLog, tmp_path: Path
) -> None:
    short = str(log.write(tmp_path / "mail.log"))
    done = doubtful.run("settle", "--postfix-log", short)
    assert "must reach from" in " ".join(done.stdout.split())
    assert done.stdout.endswith("0 accepted, 0 to be sent again, 2 still unknown.\n")


def test_a_log_in_another_zone_is_noticed_and_named(
    doubtful: DeliveryDesk, log: MadeUpLog, tmp_path: Path
) -> None:
    log.old_form = True
    lines = [line.partition(" ") for line in log.lines]
    log.lines = [f"{clock.now() - timedelta(minutes=70):%b %e %H:%M:%S} {rest}" for _, _, rest in lines]
    path = written(log, tmp_path)
    asked = ("settle", "--postfix-log", path, "--dry-run")
    assert "name the log's time zone with --zone" in " ".join(
        doubtful.run(*asked, "--zone", "Asia/Tokyo").stdout.split()
    )
    assert "time zone" not in " ".join(doubtful.run(*asked, "--zone", "UTC").stdout.split())
    refused = doubtful.run(*asked, "--zone", "Mars/Base")
    assert refused.exit_code == 1 and "There is no time zone" in refused.stderr


def test_another_relay_s_log_is_refused_for_what_went_elsewhere(
    doubtful: DeliveryDesk, log: MadeUpLog, tmp_path: Path
) -> None:
    found = doubtful.json("settle", "--postfix-log", written(log, tmp_path), "--relay", "other.example:25")
    assert {each["words"] for each in found["verdicts"]} == {
        f"It went to {RELAY}: give the log of that relay."
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "The log is empty."), (b"hello\n", "is no mail log"), (None, "cannot be read: No such file")],
)
def test_what_is_no_log_gets_one_sentence(
    doubtful: DeliveryDesk, tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "mail.log"
    if content is not None:
        path.write_bytes(content)
    refused = doubtful.run("settle", "--postfix-log", str(path))
    assert refused.exit_code == 1
    assert said in refused.stderr and refused.stderr.count("\n") == 1


def test_of_many_the_first_are_shown(desk: DeliveryDesk, tmp_path: Path) -> None:
    desk.add(30, state="unknown", attempts=1, attempted_at=clock.now())
    log = str(MadeUpLog().quiet().write(tmp_path / "mail.log"))
    shown = desk.run("settle", "--postfix-log", log).stdout
    assert "and 10 more; --json has them all" in shown and "30 still unknown" in shown


# --- an operator's word ---------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "state"), [("--accept", "accepted"), ("--resend", "deferred")])
def test_an_operator_s_word_settles_and_goes_on_record(doubtful: DeliveryDesk, word: str, state: str) -> None:
    done = doubtful.run("settle", "3", word, *WHY, "--yes")
    assert done.exit_code == 0, done.output
    assert doubtful.states()[3] == state and doubtful.states()[6] == "unknown"
    (record,) = doubtful.recorded("settle")
    assert (record["evidence"], record["why"], record["ids"]) == ("operator", WHY[1], [3])
    assert f"operator's word: {WHY[1]}" in doubtful.json("show", "3")["reply"]


def test_it_is_asked_before_and_no_is_no(doubtful: DeliveryDesk) -> None:
    before = doubtful.states()
    asked = doubtful.run("settle", "--all", "--resend", *WHY, typed="n\n")
    assert "Send 2 again? Whoever has one already gets a second copy [y/N]" in asked.stderr
    assert asked.exit_code == 1 and doubtful.states() == before
    assert doubtful.run("settle", "--all", "--accept", *WHY, typed="y\n").exit_code == 0
    assert set(doubtful.states().values()) == {"accepted"}


def test_a_whole_campaign_can_be_meant(doubtful: DeliveryDesk) -> None:
    done = doubtful.run("settle", "--campaign", "week-48", "--accept", *WHY, "--yes", "--json")
    assert json.loads(done.stdout)["accepted"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Say what settles them: --postfix-log FILE..., --accept or --resend."),
        (("3",), "Say what settles them"),
        (("3", "--accept", "--resend"), "Say what settles them"),
        (("--accept", *WHY), "Say which: ids, all of a --campaign, or --all that are unknown."),
        (("3", "--accept"), "Say with --why how you know"),
        (("3", "--accept", "--why", " "), "Say with --why how you know"),
        (("three", "--accept", *WHY), "'three' is no id of a delivery."),
        ((str(2**63), "--accept", *WHY), "is no id of a delivery."),
    ],
)
def test_what_was_meant_must_be_said(doubtful: DeliveryDesk, words: tuple[str, ...], said: str) -> None:
    refused = doubtful.run("settle", *words)
    assert refused.exit_code == 2 and said in " ".join(refused.stderr.split())


def test_what_is_not_unknown_is_not_settled(doubtful: DeliveryDesk) -> None:
    refused = doubtful.run("settle", "1", "--resend", *WHY, "--yes")
    assert refused.exit_code == 1
    assert refused.stderr == "mailer: None of these deliveries is unknown: there is nothing to settle.\n"


def test_where_nothing_is_unknown_nothing_is_read(desk: DeliveryDesk) -> None:
    done = desk.run("settle", "--postfix-log", "/no/such/log")
    assert (done.exit_code, done.stdout) == (0, "No delivery is unknown: there is nothing to settle.\n")


def test_everything_shown_fits_80_columns_of_a_terminal(
    doubtful: DeliveryDesk, log: MadeUpLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("mailer.cli.output._is_terminal", lambda: True)
    for path in (written(log, tmp_path), str(MadeUpLog().quiet().write(tmp_path / "other.log"))):
        shown = doubtful.run("settle", "--postfix-log", path, "--dry-run").stdout
        assert max(len(line) for line in shown.splitlines()) <= 80
