"""The supervisor of `mailer up` and `mailer work`, over small programs: starts, restarts, gives up, stops."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from mailer import clock, supervision
from mailer.supervision import Part, PartFailed, Supervisor

# The test runner may have threads; what is forked here only becomes another program.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

ROOT = Path(__file__).parents[2]


def _program(*words: str) -> Callable[[], None]:
    return partial(os.execvp, words[0], list(words))


SLEEPS = _program("sleep", "60")
DEAF = _program("sh", "-c", "trap '' TERM; while :; do sleep 1; done")


def _exits(code: int) -> Callable[[], None]:
    return _program("sh", "-c", f"exit {code}")


def _until(so: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def _state(pid: int) -> str:
    """R, S, Z...; empty when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def _alive(pid: int) -> bool:
    """Whether the process runs; one that nobody has collected yet does not."""
    return _state(pid) not in ("", "Z")


@pytest.fixture
def said() -> list[str]:
    """What was told to the operator."""
    return []


@pytest.fixture
def part(said: list[str]) -> Iterator[Callable[..., Part]]:
    """Makes parts; whatever is left of them ends with the test."""
    parts: list[Part] = []

    def make(body: Callable[[], None], name: str = "the senders") -> Part:
        parts.append(Part(name, body, said.append))
        return parts[-1]

    yield make
    for made in parts:
        made.kill()


@pytest.fixture
def started(part: Callable[..., Part]) -> Callable[..., Part]:
    """A part that has been started."""

    def start(body: Callable[[], None], **state: object) -> Part:
        made = part(body)
        made.start()
        for name, value in state.items():
            setattr(made, name, value)
        return made

    return start


def _ended(part: Part) -> Part:
    """Wait until the process is over, uncollected."""
    assert part.pid is not None
    pid = part.pid
    _until(lambda: not _alive(pid))
    return part


def test_a_running_part_is_left_alone(started: Callable[..., Part], said: list[str]) -> None:
    part = started(SLEEPS)
    before = part.pid
    part.look()
    assert part.pid == before
    assert said == []


def test_a_part_that_refused_at_once_ends_everything(started: Callable[..., Part]) -> None:
    """A port in use, settings that are wrong: to try it again would not mend it."""
    part = _ended(started(_exits(1)))
    with pytest.raises(PartFailed, match="The senders did not start; the reason stands above") as failed:
        part.look()
    assert failed.value.facts == {"code": 1}


def test_a_part_whose_moment_was_bad_is_started_again(started: Callable[..., Part], said: list[str]) -> None:
    """The database was locked by somebody who takes long."""
    _ended(started(_exits(supervision.NOT_NOW))).look()
    assert said == ["mailer: the senders ended with 75; starting again in 1 s."]


def test_a_part_that_was_killed_at_once_is_started_again(
    started: Callable[..., Part], said: list[str]
) -> None:
    part = started(SLEEPS)
    assert part.pid is not None
    os.kill(part.pid, signal.SIGKILL)
    _ended(part).look()
    assert part.pid is None
    assert said == ["mailer: the senders ended with -9; starting again in 1 s."]


def test_a_part_that_was_well_and_then_failed_is_started_again(
    started: Callable[..., Part], said: list[str]
) -> None:
    well = clock.monotonic() - supervision.HEALTHY_SECONDS - 1
    _ended(started(_exits(3), started_at=well)).look()
    assert said == ["mailer: the senders ended with 3; starting again in 1 s."]


def test_a_later_start_that_is_refused_is_waited_out(started: Callable[..., Part], said: list[str]) -> None:
    """A database that is away while a sender is replaced comes back."""
    _ended(started(_exits(1), starts=2)).look()
    assert said == ["mailer: the senders ended with 1; starting again in 1 s."]


@pytest.mark.parametrize(
    ("failures", "wait"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (6, 30), (6000, 30)]
)
def test_each_pause_is_twice_the_one_before_up_to_half_a_minute(
    started: Callable[..., Part], said: list[str], failures: int, wait: int
) -> None:
    part = _ended(started(_exits(1), starts=2, failures=failures))
    before = clock.monotonic()
    part.look()
    assert said[0].endswith(f"starting again in {wait} s.")
    assert part.failures == failures + 1
    assert before + wait <= part.start_again_at <= clock.monotonic() + wait


def test_the_pause_is_kept_and_then_it_starts(started: Callable[..., Part]) -> None:
    part = _ended(started(_exits(0)))
    part.look()
    part.look()
    assert part.pid is None
    part.start_again_at = clock.monotonic()
    part.look()
    assert part.pid is not None
    assert part.starts == 2


def test_after_a_calm_half_minute_the_pauses_are_short_again(started: Callable[..., Part]) -> None:
    part = started(SLEEPS, failures=4)
    part.started_at = clock.monotonic() - supervision.LAST_WAIT_SECONDS + 5
    part.look()
    assert part.failures == 4
    part.started_at = clock.monotonic() - supervision.LAST_WAIT_SECONDS - 1
    part.look()
    assert part.failures == 0


def test_a_system_without_room_for_a_process_is_asked_again_later(
    part: Callable[..., Part], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    made = part(SLEEPS)
    monkeypatch.setattr(os, "fork", refuse)
    made.look()
    assert said == [
        "mailer: the senders could not be started: Resource temporarily unavailable; starting again in 1 s."
    ]
    monkeypatch.undo()
    made.start_again_at = clock.monotonic()
    made.look()
    assert made.pid is not None
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_part_that_is_asked_stops(started: Callable[..., Part], said: list[str]) -> None:
    part = started(SLEEPS)
    part.ask_to_stop()
    _until(part.has_stopped)
    part.kill()
    assert said == []


def test_stopping_what_never_ran_or_has_ended_is_nothing(
    part: Callable[..., Part], started: Callable[..., Part], said: list[str]
) -> None:
    for made in (part(SLEEPS), _ended(started(_exits(0)))):
        made.ask_to_stop()
        assert made.has_stopped()
        made.kill()
    assert said == []


# --- the supervisor ---------------------------------------------------------------------------


@pytest.fixture
def supervise(part: Callable[..., Part], said: list[str]) -> Iterator[Callable[..., list[Part]]]:
    """Runs programs under a supervisor to their end; signals are afterwards what they were before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def run(*bodies: Callable[[], None], stop_seconds: float = 5, **options: object) -> list[Part]:
        names = ("the web pages", "the senders")
        parts = [part(body, name) for body, name in zip(bodies, names, strict=False)]
        Supervisor(parts, stop_seconds, said.append, **options).run()  # type: ignore[arg-type]  # as the test says
        return parts

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


def _signal_later(number: signal.Signals, seconds: float = 0.3) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sh", "-c", f"sleep {seconds}; kill -{number.value} {os.getpid()}"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_every_part(
    supervise: Callable[..., list[Part]], said: list[str], number: signal.Signals
) -> None:
    with _signal_later(number):
        parts = supervise(SLEEPS, SLEEPS)
    assert [(part.starts, part.pid) for part in parts] == [(1, None)] * 2
    assert said == []


def test_a_part_that_ends_is_replaced_while_the_other_goes_on(
    supervise: Callable[..., list[Part]], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "FIRST_WAIT_SECONDS", 0.1)
    with _signal_later(signal.SIGTERM, 1):
        pages, senders = supervise(SLEEPS, _exits(0))
    assert pages.starts == 1
    assert senders.starts >= 2
    assert all(line.startswith("mailer: the senders ended with 0; starting again in") for line in said)


def test_a_part_that_does_not_stop_in_time_is_killed_and_named(
    supervise: Callable[..., list[Part]], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "STOP_MARGIN_SECONDS", 0.1)
    with _signal_later(signal.SIGTERM, 0.5):
        supervise(DEAF, SLEEPS, stop_seconds=0.1)
    assert said == ["mailer: the web pages did not stop in time and was killed."]


def test_a_second_signal_is_answered_and_puts_nothing_in_doubt(
    supervise: Callable[..., list[Part]], said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks again is told how long it may take; the parts are left to finish."""
    monkeypatch.setattr(supervision, "STOP_MARGIN_SECONDS", 0.5)
    with _signal_later(signal.SIGINT, 0.4), _signal_later(signal.SIGINT, 0.7):
        supervise(DEAF, stop_seconds=0.5)
    assert said[0] == "mailer: finishing what is on the wire; at most 1 s more."
    assert len(said) == 2


def test_that_it_is_up_is_said_once_and_not_before_it_answers(supervise: Callable[..., list[Part]]) -> None:
    answers = iter([False, False, True])  # asked again after the yes, it would fail
    announced: list[str] = []
    with _signal_later(signal.SIGTERM, 0.8):
        supervise(SLEEPS, is_ready=lambda: next(answers), announce=lambda: announced.append("up"))
    assert announced == ["up"]
    assert next(answers, None) is None


def test_nothing_is_up_when_a_part_refuses(supervise: Callable[..., list[Part]]) -> None:
    announced: list[str] = []
    with pytest.raises(PartFailed, match="The web pages did not start"):
        supervise(_exits(1), is_ready=lambda: False, announce=lambda: announced.append("up"))
    assert announced == []


def test_when_one_part_refuses_the_other_is_stopped_too(
    supervise: Callable[..., list[Part]], tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    good = _program("sh", "-c", f"echo $$ > {note}; exec sleep 60")
    with pytest.raises(PartFailed, match="The senders did not start"):
        supervise(good, _program("sh", "-c", f"while [ ! -s {note} ]; do sleep 0.01; done; exit 1"))
    assert not _alive(int(note.read_text()))


# --- the fork ---------------------------------------------------------------------------------


def test_a_part_has_a_session_of_its_own_so_that_a_key_press_reaches_it_once(
    started: Callable[..., Part],
) -> None:
    part = started(SLEEPS)
    assert part.pid is not None
    pid = part.pid
    _until(lambda: os.getsid(pid) == pid)
    assert pid != os.getsid(0)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("None", 0),
        ("sys.exit()", 0),
        ("sys.exit(3)", 3),
        ("sys.exit('a reason')", 1),
        ("1 / 0", 1),
        ("os.kill(os.getpid(), 15)", -15),
    ],
)
def test_how_a_body_ends_is_how_its_process_ends(body: str, code: int) -> None:
    """Also with a signal that comes before the body has handlers of its own, and nothing runs twice."""
    script = (
        "import os, signal, sys\nfrom mailer.forking import fork\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('the parent’s handler'))\n"
        "print('once')\n"
        f"pid = fork(lambda: {body})\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.stdout == f"once\n{code}\n"
    assert ("ZeroDivisionError" in done.stderr) is ("/" in body)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells a child of its parent's death")
def test_a_part_dies_with_a_supervisor_that_was_killed() -> None:
    script = "import time\nfrom mailer.forking import fork\nprint(fork(lambda: time.sleep(60)), flush=True)\n"
    command = [sys.executable, "-c", script + "time.sleep(60)\n"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as supervisor:
        assert supervisor.stdout is not None
        child = int(supervisor.stdout.readline())
        supervisor.kill()
    _until(lambda: not _alive(child))
