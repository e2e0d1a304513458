"""The supervisor of `mailer up`, over small programs: starts, restarts, gives up, stops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailer import clock
from mailer.cli import up
from mailer.cli.up import Part, PartFailed, Supervisor

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)",
]


def _exits(code: int) -> list[str]:
    return ["sh", "-c", f"exit {code}"]


def _until(so: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def _run(parts: list[Part], is_ready: Callable[[], bool] = lambda: False) -> list[str]:
    """Supervise the parts to their end; what was announced."""
    said: list[str] = []
    Supervisor(parts, 5, is_ready=is_ready, announce=lambda: said.append("up")).run()
    return said


@pytest.fixture
def started() -> Iterator[Callable[..., Part]]:
    """A part that has been started; whatever is left of it ends with the test."""
    parts: list[Part] = []

    def start(command: list[str], **state: object) -> Part:
        part = Part("senders", command)
        part.start()
        for name, value in state.items():
            setattr(part, name, value)
        parts.append(part)
        return part

    yield start
    for part in parts:
        if part.process is not None and part.process.poll() is None:
            part.process.kill()
            part.process.wait()


def _ended(part: Part) -> Part:
    assert part.process is not None
    part.process.wait(20)
    return part


def test_a_running_part_is_left_alone(started: Callable[..., Part]) -> None:
    part = started(SLEEPS)
    before = part.process
    part.look()
    assert part.process is before
    assert not part.was_healthy


def test_a_part_that_refused_at_once_ends_everything(started: Callable[..., Part]) -> None:
    """A port in use, settings that are wrong: to try it again would not mend it."""
    part = _ended(started(_exits(1)))
    with pytest.raises(PartFailed, match="The senders did not start; the reason stands above") as failed:
        part.look()
    assert failed.value.facts == {"code": 1}


def test_a_part_that_was_killed_at_once_is_started_again(
    started: Callable[..., Part], capsys: pytest.CaptureFixture[str]
) -> None:
    part = started(SLEEPS)
    assert part.process is not None
    part.process.kill()
    _ended(part).look()
    assert part.process is None
    assert capsys.readouterr().err == "mailer: the senders ended with -9; starting again in 1 s.\n"


def test_a_part_that_was_well_and_then_failed_is_started_again(
    started: Callable[..., Part], capsys: pytest.CaptureFixture[str]
) -> None:
    _ended(started(_exits(3), was_healthy=True)).look()
    assert "the senders ended with 3; starting again in 1 s." in capsys.readouterr().err


def test_a_part_is_well_once_it_has_run_for_a_while(started: Callable[..., Part]) -> None:
    part = started(SLEEPS)
    part.started_at = clock.monotonic() - up.HEALTHY_SECONDS - 1
    part.look()
    assert part.was_healthy


@pytest.mark.parametrize(
    ("failures", "wait"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 30), (6, 30), (60, 30)]
)
def test_each_pause_is_twice_the_one_before_up_to_half_a_minute(
    started: Callable[..., Part], capsys: pytest.CaptureFixture[str], failures: int, wait: int
) -> None:
    part = _ended(started(_exits(1), was_healthy=True, failures=failures))
    before = clock.monotonic()
    part.look()
    assert f"starting again in {wait} s." in capsys.readouterr().err
    assert part.failures == failures + 1
    assert before + wait <= part.start_again_at <= clock.monotonic() + wait


def test_the_pause_is_kept_and_then_it_starts(started: Callable[..., Part]) -> None:
    part = _ended(started(SLEEPS[:2] + ["pass"], was_healthy=True))
    part.look()
    part.look()
    assert part.process is None
    part.start_again_at = clock.monotonic()
    part.look()
    assert part.process is not None
    _ended(part)


def test_after_a_calm_half_minute_the_pauses_are_short_again(started: Callable[..., Part]) -> None:
    part = started(SLEEPS, failures=4)
    part.started_at = clock.monotonic() - up.LAST_WAIT_SECONDS + 5
    part.look()
    assert part.failures == 4
    part.started_at = clock.monotonic() - up.LAST_WAIT_SECONDS - 1
    part.look()
    assert part.failures == 0


def test_a_part_that_is_asked_stops(started: Callable[..., Part]) -> None:
    part = started(SLEEPS)
    part.stop()
    part.wait(clock.monotonic() + 10)
    assert part.process is not None
    assert part.process.returncode == -signal.SIGTERM


def test_a_part_that_does_not_stop_in_time_is_killed_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    part = Part("web pages", STUBBORN)
    part.process = subprocess.Popen(STUBBORN, stdout=subprocess.PIPE)
    assert part.process.stdout is not None
    assert part.process.stdout.readline() == b"deaf\n"
    part.stop()
    part.wait(clock.monotonic() + 0.1)
    part.process.stdout.close()
    assert part.process.returncode == -signal.SIGKILL
    assert capsys.readouterr().err == "mailer: the web pages did not stop in time and was killed.\n"


def test_stopping_what_never_ran_or_has_ended_is_nothing(started: Callable[..., Part]) -> None:
    never = Part("senders", SLEEPS)
    never.stop()
    never.wait(0)
    over = _ended(started(_exits(0)))
    over.stop()
    over.wait(0)
    assert over.process is not None and over.process.returncode == 0


@pytest.fixture
def signals() -> Iterator[None]:
    """What signals did before; a supervisor takes them over."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_every_part(number: signal.Signals) -> None:
    parts = [Part("web pages", SLEEPS), Part("senders", SLEEPS)]

    def send() -> None:
        _until(lambda: all(part.process is not None for part in parts))
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=send)
    thread.start()
    _run(parts)
    thread.join()
    assert [part.process and part.process.returncode for part in parts] == [-signal.SIGTERM] * 2


@pytest.mark.usefixtures("signals")
def test_that_it_is_up_is_said_once_and_not_before_it_answers() -> None:
    parts = [Part("web pages", SLEEPS), Part("senders", SLEEPS)]
    answers = iter([False, False, True])

    def is_ready() -> bool:
        answer = next(answers)  # asked again after the yes, it would fail
        if answer:
            threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
        return answer

    assert _run(parts, is_ready) == ["up"]
    assert next(answers, None) is None


@pytest.mark.usefixtures("signals")
def test_nothing_is_up_when_a_part_refuses() -> None:
    said: list[str] = []
    supervisor = Supervisor(
        [Part("web pages", _exits(1))], 5, is_ready=lambda: False, announce=lambda: said.append("up")
    )
    with pytest.raises(PartFailed):
        supervisor.run()
    assert said == []


@pytest.mark.usefixtures("signals")
def test_when_one_part_refuses_the_other_is_stopped_too() -> None:
    good, bad = Part("web pages", SLEEPS), Part("senders", _exits(1))
    with pytest.raises(PartFailed, match="The senders did not start"):
        _run([good, bad])
    assert good.process is not None
    assert good.process.returncode == -signal.SIGTERM


def test_a_part_has_a_session_of_its_own_so_that_a_key_press_reaches_it_once(
    started: Callable[..., Part],
) -> None:
    part = started(SLEEPS)
    assert part.process is not None
    assert os.getsid(part.process.pid) == part.process.pid != os.getsid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells a child of its parent's death")
def test_a_part_dies_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom mailer.cli.up import Part\n"
        f"part = Part('senders', {SLEEPS!r})\npart.start()\nprint(part.process.pid, flush=True)\ntime.sleep(60)\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=root) as supervisor:
        assert supervisor.stdout is not None
        child = int(supervisor.stdout.readline())
        supervisor.kill()
    _until(lambda: not _alive(child))


def _alive(pid: int) -> bool:
    """Whether the process runs; one that nobody has collected yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("quiet", [False, True])
def test_a_part_is_the_same_program_on_the_same_site(tmp_path: Path, quiet: bool) -> None:
    line = up._mailer("work", tmp_path, quiet=quiet)
    assert line[1:6] == ["-m", "mailer", "work", "--site", str(tmp_path)]
    assert ("--quiet" in line) is quiet
