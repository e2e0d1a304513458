"""Classifies files, many at once: an endless folder in, one reading after the other out, whatever a file holds."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from mailer.bounces.model import Kind, Reading
from mailer.bounces.reading import classify

#: Octets of one file that are read; a report says it long before (A79).
MAX_FILE = 32 * 1024 * 1024
_CHUNK = 25
#: Fewer files than this are read here: starting processes would take longer.
_WORTH_PROCESSES = 200


@dataclass(frozen=True, slots=True)
class FileReading:
    """One file and what it is; `error` says in words why it could not be read."""

    file: str
    reading: Reading
    error: str = ""


def files_of(paths: Iterable[Path]) -> Iterator[Path]:
    """The files named, and those in the folders named and below them, each folder in the order of names."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders.sort()
            yield from (Path(folder, name) for name in sorted(names))


def classify_files(files: Iterable[Path], *, processes: int) -> Iterator[FileReading]:
    """Readings in the order of the files; memory does not grow with their number."""
    left = iter(files)
    few = list(islice(left, _WORTH_PROCESSES))
    if processes < 2 or len(few) < _WORTH_PROCESSES:
        yield from map(classify_file, chain(few, left))
        return
    yield from _side_by_side(chain(few, left), processes)


def _side_by_side(files: Iterator[Path], processes: int) -> Iterator[FileReading]:
    pool = ProcessPoolExecutor(processes)
    under_way: deque[tuple[list[Path], Future[list[FileReading]] | None]] = deque()
    try:
        while True:
            while len(under_way) < processes * 4 and (chunk := list(islice(files, _CHUNK))):
                under_way.append((chunk, _submitted(pool, chunk)))
            if not under_way:
                return
            chunk, done = under_way.popleft()
            try:
                readings = done.result() if done else None
            except BrokenProcessPool:
                readings = None
            if readings is not None:
                yield from readings
                continue
            # A process was killed: which file it was is found one by one, the others start anew.
            pool.shutdown(cancel_futures=True)
            yield from _one_by_one(chunk)
            pool = ProcessPoolExecutor(processes)
            under_way = deque((held, _submitted(pool, held)) for held, _ in under_way)
    finally:
        pool.shutdown(cancel_futures=True)


def _submitted(pool: ProcessPoolExecutor, chunk: list[Path]) -> Future[list[FileReading]] | None:
    """The readings of a chunk to come; None if the pool has just lost a process."""
    try:
        return pool.submit(_classify_chunk, chunk)
    except BrokenProcessPool:
        return None


def _one_by_one(chunk: list[Path]) -> Iterator[FileReading]:
    for path in chunk:
        with ProcessPoolExecutor(1) as pool:
            try:
                yield pool.submit(classify_file, path).result()
            except BrokenProcessPool:
                yield FileReading(str(path), Reading(Kind.NONE), "the process that read it was killed")


def _classify_chunk(chunk: list[Path]) -> list[FileReading]:
    return [classify_file(path) for path in chunk]


def classify_file(path: Path) -> FileReading:
    """One file; what cannot be read is a reading with an error."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for, for ever
            return FileReading(str(path), Reading(Kind.NONE), "no regular file")
        with path.open("rb") as stream:
            raw = stream.read(MAX_FILE)
    except OSError as error:
        return FileReading(str(path), Reading(Kind.NONE), error.strerror or type(error).__name__)
    try:
        return FileReading(str(path), classify(raw))
    except Exception as error:  # noqa: BLE001 - one message that breaks the reader must not end the run
        return FileReading(str(path), Reading(Kind.NONE), f"not understood ({type(error).__name__})")
