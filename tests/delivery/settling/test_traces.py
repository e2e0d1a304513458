"""What a log holds of our messages, whatever else is in it and however it is cut into files."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.delivery.settling.files import LogUnreadable
from mailer.delivery.settling.traces import Evidence, Marks, Trace, search
from tests.delivery.settling.logs import START, MadeUpLog

TAG = "0f" * 16
MARKS = Marks({b"m1@b.example": 1, b"m2@b.example": 2}, {TAG.encode(): 1})


def read(*paths: Path, marks: Marks = MARKS) -> Evidence:
    return search(paths, marks, near=START, zone=UTC)


@pytest.fixture
def log() -> MadeUpLog:
    return MadeUpLog().quiet()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mail.log"


def test_a_message_whose_queue_id_became_active_was_taken(log: MadeUpLog, path: Path) -> None:
    queue_id = log.accepted("m1@b.example")
    found = read(log.write(path))
    assert found.trace(1) == Trace(queue_id, START, {queue_id}, set())
    assert found.trace(2) == Trace()
    assert found.lines == len(log.lines)


def test_the_message_id_alone_proves_nothing(log: MadeUpLog, path: Path) -> None:
    queue_id = log.client()
    log.names(queue_id, "m1@b.example")
    assert read(log.write(path)).trace(1) == Trace(None, None, {queue_id}, set())


def test_a_message_cut_off_in_the_middle_is_seen_to_be(log: MadeUpLog, path: Path) -> None:
    queue_id = log.cut("m1@b.example")
    assert read(log.write(path)).trace(1) == Trace(None, None, {queue_id}, {queue_id})


def test_cleanup_may_name_a_message_after_smtpd_said_that_it_was_cut(log: MadeUpLog, path: Path) -> None:
    """Seen with a real one: two processes, two lines, either first."""
    queue_id = log.client()
    log.cuts()
    log.names(queue_id, "m1@b.example")
    assert read(log.write(path)).trace(1).cut == {queue_id}


def test_the_return_path_is_a_trace_of_its_own(log: MadeUpLog, path: Path) -> None:
    """The line of cleanup was lost; relays may change the case of a local part."""
    queue_id = log.client()
    log.takes(queue_id, f"Bounce+{TAG.upper()}@b.example")
    assert read(log.write(path)).trace(1).taken_as == queue_id


def test_a_queue_id_that_is_used_again_is_another_message(log: MadeUpLog, path: Path) -> None:
    log.cut("m1@b.example")
    queue_id = log.lines[2].split()[3].rstrip(":")
    log.client(8, queue_id)
    log.names(queue_id, "stranger@else.example")
    log.takes(queue_id)
    assert read(log.write(path)).trace(1).taken_as is None


def test_the_next_message_of_a_session_may_be_the_one_that_was_cut(log: MadeUpLog, path: Path) -> None:
    first = log.accepted("m1@b.example")
    second = log.client()
    log.cuts()
    log.names(second, "m2@b.example")
    found = read(log.write(path))
    assert found.trace(1).taken_as == first and not found.trace(1).cut
    assert found.trace(2).cut == {second}


def test_the_same_process_number_on_two_hosts_is_two_sessions(log: MadeUpLog, path: Path) -> None:
    queue_id = log.client()
    log.names(queue_id, "m1@b.example")
    log.host = "mx2"
    log.client()
    log.cuts()
    assert not read(log.write(path)).trace(1).cut


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_rotated_files_are_read_in_the_order_of_their_time(order: tuple[int, ...], tmp_path: Path) -> None:
    """A shell lists mail.log before mail.log.1: the newest first."""
    log = MadeUpLog()
    queue_id = log.client()
    oldest = log.write(tmp_path / "mail.log.2.gz")
    log.lines.clear()
    log.wait(seconds=1)
    log.names(queue_id, "m1@b.example")
    middle = log.write(tmp_path / "mail.log.1")
    log.lines.clear()
    log.wait(seconds=1)
    log.takes(queue_id)
    newest = log.write(tmp_path / "mail.log")
    files = (oldest, middle, newest)
    found = read(*(files[number] for number in order))
    assert found.trace(1).taken_as == queue_id
    assert found.spans == [(START, START + timedelta(seconds=2))]


def test_a_hole_between_two_files_is_a_hole(tmp_path: Path) -> None:
    early = MadeUpLog().quiet().write(tmp_path / "early")
    late = MadeUpLog().quiet(hours=2).quiet(hours=1).write(tmp_path / "late")
    assert read(late, early).spans == [
        (START, START),
        (START + timedelta(hours=2), START + timedelta(hours=3)),
    ]


def test_a_log_without_years_crosses_new_year(path: Path) -> None:
    log = MadeUpLog(at=START.replace(month=12, day=31, hour=23, minute=59), old_form=True).quiet()
    first = log.at
    log.quiet(minutes=2)
    found = search([log.write(path)], MARKS, near=first, zone=UTC)
    assert found.spans == [(first, first + timedelta(minutes=2))]


def test_an_empty_file_of_a_rotation_is_left_out(log: MadeUpLog, path: Path, tmp_path: Path) -> None:
    (tmp_path / "fresh.log").write_bytes(b"")
    queue_id = log.accepted("m1@b.example")
    assert read(log.write(path), tmp_path / "fresh.log").trace(1).taken_as == queue_id


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The log is empty."),
        (b"id,email\n1,a\n", "is no mail log: its lines do not begin with a time"),
        (bytes(range(255, -1, -1)) * 16, "is no mail log|is damaged"),
        (b"\x1f\x8b\x08\x00 not gzip", "is damaged"),
        (b"x" * 200_000, "is no mail log"),
        (b"Nov 22 10:00:00 mx cron[1]: (root) CMD (true)\n", "holds nothing that a Postfix says"),
    ],
)
def test_what_is_no_mail_log_gets_one_sentence(path: Path, content: bytes, words: str) -> None:
    path.write_bytes(content)
    with pytest.raises(LogUnreadable, match=words):
        read(path)


def test_a_file_that_is_not_there_or_cut_off_gets_one_sentence(log: MadeUpLog, path: Path) -> None:
    with pytest.raises(LogUnreadable, match="cannot be read: No such file"):
        read(path)
    with pytest.raises(LogUnreadable, match="cannot be read: Is a directory"):
        read(path.parent)
    for _ in range(500):
        log.accepted("m1@b.example")
    packed = log.write(path.with_suffix(".gz"))
    packed.write_bytes(packed.read_bytes()[:-40])
    with pytest.raises(LogUnreadable, match="is damaged"):
        read(packed)


def test_memory_is_that_of_the_messages_asked_for(path: Path) -> None:
    """A hundred thousand strangers leave nothing behind."""
    log = MadeUpLog()
    for number in range(20_000):
        queue_id = log.client(number, f"{number:06X}AA")
        log.names(queue_id, f"{number}@else.example")
        log.cuts(number)
    log.accepted("m1@b.example")
    log.write(path)
    tracemalloc.start()
    found = read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert set(found.traces) == {1}
    assert peak < 8_000_000, "ten thousand cuts are remembered, and no more"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["take", "cut", "open"])), max_size=12))
def test_sessions_that_run_into_each_other_are_told_apart(
    tmp_path: Path, plan: list[tuple[int, str]]
) -> None:
    """Each message on its own session; all that happens is interleaved, and each gets its own verdict."""
    log = MadeUpLog().quiet()
    queue_ids = [log.client(100 + number) for number in range(len(plan))]
    order = sorted(range(len(plan)), key=lambda number: plan[number][0])
    for number in order:
        log.names(queue_ids[number], f"n{number}@b.example")
    for number in reversed(order):
        if plan[number][1] == "take":
            log.takes(queue_ids[number])
        elif plan[number][1] == "cut":
            log.cuts(100 + number)
    marks = Marks({f"n{number}@b.example".encode(): number for number in range(len(plan))}, {})
    found = read(log.write(tmp_path / "mail.log"), marks=marks)
    for number, (_, end) in enumerate(plan):
        trace = found.trace(number)
        assert (trace.taken_as is not None) == (end == "take")
        assert bool(trace.cut) == (end == "cut")
