"""`mailer demo`, whole: real programs, real HTTP, real SMTP."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from mailer.demo.promises import PROMISES
from mailer.demo.visitor import open_page


@pytest.mark.rule("F1", "F2", "F3", "F4")
def test_the_story_is_told_every_promise_is_kept_and_the_mails_stay_as_files(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mailer", "demo", "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "BROKEN" not in done.stdout
    assert sum(line.rstrip().endswith(" kept") for line in done.stdout.splitlines()) == len(PROMISES)
    mails = [
        message_from_bytes(path.read_bytes(), policy=policy.strict) for path in (tmp_path / "mail").iterdir()
    ]
    assert (
        len(mails) == 4 + 62 + 61
    )  # confirmations, everybody but the refused one, everybody but Ada and that one
    assert all(not mail.defects for mail in mails)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_kept_up_it_serves_the_caught_mails_and_ends_quietly_with_its_site(
    tmp_path: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "mailer", "demo", "--keep", "--folder", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as kept:
        assert kept.stdout is not None and kept.stderr is not None
        line = next(line for line in kept.stdout if line.startswith("The inbox is at "))
        url, site = line.split()[4].rstrip(","), line.split()[8].rstrip(";")
        for _ in range(100):
            try:
                index = open_page(url)
                break
            except OSError:
                time.sleep(0.1)
        assert "Week 48" in index.text and open_page(f"{url}/1").status == 200
        assert open_page(site).status == 200
        kept.send_signal(number)
        assert (kept.wait(30), kept.stderr.read()) == (0, "")
    with pytest.raises(OSError):
        open_page(site)


def test_a_demo_that_cannot_go_on_says_why_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "mailer.toml").write_text("this is no TOML")
    done = subprocess.run(
        [sys.executable, "-m", "mailer", "demo", "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("mailer: `mailer up` ended while we waited for the site to answer: ")
    assert "mailer.toml" in done.stderr
    assert "Traceback" not in done.stderr
