"""Files, many at once: in order, without end, and whatever one of them holds."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from mailer.bounces import batch
from mailer.bounces.batch import classify_file, classify_files, files_of
from tests.bounces.messages import dsn, group


def _folder(where: Path, count: int) -> Path:
    for number in range(count):
        (where / f"{number:04}.eml").write_bytes(
            dsn(group("550 user unknown", recipient=f"r{number}@x.example"))
        )
    return where


_real = classify_file


def _deadly(path: Path) -> batch.FileReading:
    if path.name == "0120.eml":
        os.kill(os.getpid(), signal.SIGKILL)
    return _real(path)


def test_a_folder_is_walked_in_the_order_of_names_and_below(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("z.eml", "a.eml", "b/c.eml"):
        (tmp_path / name).write_bytes(b"")
    assert [str(path.relative_to(tmp_path)) for path in files_of([tmp_path])] == ["a.eml", "z.eml", "b/c.eml"]


@pytest.mark.parametrize("processes", [1, 2])
def test_readings_come_in_the_order_of_the_files(tmp_path: Path, processes: int) -> None:
    found = list(classify_files(files_of([_folder(tmp_path, 260)]), processes=processes))
    assert [one.reading.bounces[0].recipient for one in found] == [
        f"r{number}@x.example" for number in range(260)
    ]


def test_files_are_taken_as_readings_are_asked_for(tmp_path: Path) -> None:
    (one,) = files_of([_folder(tmp_path, 1)])
    taken: list[Path] = []

    def endless() -> Iterator[Path]:
        while True:
            taken.append(one)
            yield one

    found = list(islice(classify_files(endless(), processes=1), 250))
    assert len(found) == 250
    assert len(taken) < 300


def test_what_cannot_be_read_is_said_and_stops_nothing(tmp_path: Path) -> None:
    _folder(tmp_path, 1)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    found = {Path(one.file).name: one.error for one in classify_files(files_of([tmp_path]), processes=1)}
    assert found == {"0000.eml": "", "pipe": "no regular file", "lost": "No such file or directory"}


def test_a_process_that_is_killed_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "classify_file", _deadly)
    found = list(classify_files(files_of([_folder(tmp_path, 230)]), processes=2))
    assert len(found) == 230
    assert [one.file[-8:] for one in found if one.error] == ["0120.eml"]


def test_a_reader_that_breaks_is_an_error_of_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(raw: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(batch, "classify", broken)
    assert classify_file(_folder(tmp_path, 1) / "0000.eml").error == "not understood (ZeroDivisionError)"
