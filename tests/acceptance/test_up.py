"""`mailer init . && mailer up`: a site from nothing, its pages answering, and a clean stop."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailer.settings import load_settings

PATIENCE_SECONDS = 40.0


def _mailer(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mailer", *words]
    return subprocess.run(
        command, cwd=cwd, env=_environ(), capture_output=True, text=True, check=False, timeout=60
    )


def _environ() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MAILER_")}
    return kept | {"PYTHONPATH": str(Path(__file__).parents[2])}


@contextmanager
def _running(command: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "mailer", command],
        cwd=folder,
        env=_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _status(port: int, path: str) -> int:
    """The status of a GET, asked until the site answers at all."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            assert time.monotonic() < deadline, "the site does not answer"
            time.sleep(0.2)
        finally:
            connection.close()


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path, port: int) -> Path:
    """An empty folder made a site, as the README says."""
    done = _mailer("init", ".", "--base-url", f"http://127.0.0.1:{port}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_a_new_site_answers_and_stops_when_asked(folder: Path, port: int) -> None:
    with _running("up", folder) as process:
        assert _status(port, "/readyz") == 200
        assert _status(port, "/subscribe/news") == 200
        assert _status(port, "/privacy") == 200
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, out
    assert "Traceback" not in out


def test_a_port_in_use_is_one_sentence(folder: Path, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = _mailer("serve", cwd=folder)
    assert done.returncode == 1
    assert str(port) in done.stderr and "Traceback" not in done.stderr


@pytest.mark.rule("F7", "C12")
def test_a_public_site_with_sample_values_does_not_start(folder: Path) -> None:
    settings = folder / "mailer.toml"
    text = settings.read_text(encoding="utf-8")
    url = load_settings(settings, {}).site.base_url
    settings.write_text(text.replace(f'"{url}"', '"https://news.shop.example"', 1), encoding="utf-8")
    for command in ("up", "serve", "work"):
        done = _mailer(command, cwd=folder)
        assert done.returncode == 1
        assert "still holds the sample value" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.rule("D6")
def test_a_site_with_a_sample_secret_does_not_start(folder: Path) -> None:
    secrets = folder / "secrets.toml"
    lines = [
        'address_key = "c2FtcGxlc2FtcGxlc2FtcGxlc2FtcGxlc2FtcGxlc2E="'
        if line.startswith("address_key")
        else line
        for line in secrets.read_text(encoding="utf-8").splitlines()
    ]
    secrets.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = _mailer("serve", cwd=folder)
    assert done.returncode == 1
    assert "address_key" in done.stderr and "c2FtcGxl" not in done.stderr
