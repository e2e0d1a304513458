"""The file as bytes and text: its encoding, its limits, read once through before anything is written (D18)."""

from __future__ import annotations

import codecs
import hashlib
import io
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailer.subscribers.importing.errors import ImportRefused

MAX_BYTES = 512 * 1024 * 1024
MAX_LINES = 5_000_000
MAX_LINE_CHARACTERS = 1024 * 1024
_CHUNK = 256 * 1024

_BOMS = (
    (codecs.BOM_UTF32_LE, None),  # begins like UTF-16, so it is looked for first
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: What a damaged line shows once read leniently: lone surrogates, the replacement character, NUL.
BAD_TEXT = re.compile("[\ud800-\udfff\ufffd\0]")
_SAVE_AS_UTF8 = "Save the file as CSV in UTF-8"


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read through once and is within the limits."""

    path: Path
    encoding: str
    lenient: bool  #: undecodable bytes are kept as marks, for their rows to be rejected
    size: int  #: bytes
    lines: int
    sha256: str

    def open(self) -> io.TextIOWrapper:
        """The text from its beginning; every kind of line end reads as a newline."""
        return open(
            self.path, encoding=self.encoding, errors=_errors(self.encoding, self.lenient), newline=None
        )


def examine(path: Path, *, encoding: str | None = None, lenient: bool = False) -> Source:
    """Read the whole file once and check what no later row may surprise with.

    Raises ImportRefused: not a file, empty, too large, undecodable, NUL bytes, endless lines.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ImportRefused(f"{path} is not a regular file; it is read twice, so save it first.")
        if status.st_size > MAX_BYTES:
            raise ImportRefused(
                f"{path} has {status.st_size / 2**20:,.0f} MiB; at most {MAX_BYTES >> 20} MiB are read. Split the file."
            )
        with path.open("rb") as file:
            return _read_through(path, file, encoding, lenient=lenient)
    except OSError as error:
        raise ImportRefused(f"{path} cannot be read: {error.strerror}.") from error


def _read_through(path: Path, file: io.BufferedReader, encoding: str | None, *, lenient: bool) -> Source:
    encoding = _known(encoding) if encoding else _detect(path, file.peek(4096)[:4096])
    counter = _Counter(path, lenient=lenient)
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder(encoding)(_errors(encoding, lenient))
    size = 0
    for chunk in _chunks(file):
        size += len(chunk)
        digest.update(chunk)
        try:
            counter.add(decoder.decode(chunk))
        except UnicodeDecodeError as error:
            raise _undecodable(path, encoding, counter.lines, error) from None
    try:
        counter.add(decoder.decode(b"", final=True))
    except UnicodeDecodeError as error:
        raise _undecodable(path, encoding, counter.lines, error) from None
    if not size:
        raise ImportRefused(f"{path} is empty.")
    return Source(path, encoding, lenient, size, counter.lines + 1, digest.hexdigest())


class _Counter:
    """Counts lines and refuses what no list of subscribers contains."""

    def __init__(self, path: Path, *, lenient: bool) -> None:
        self._feeds = self._returns = 0
        self._path = path
        self._lenient = lenient
        self._run = 0  # characters since the last line end

    @property
    def lines(self) -> int:
        """Line ends so far; an old Mac ends its lines by CR alone, so it is one count or the other."""
        return max(self._feeds, self._returns)

    def add(self, text: str) -> None:
        """Take the next piece of text. Raises ImportRefused."""
        if "\0" in text and not self._lenient:
            line = self.lines + 1 + text.count("\n", 0, text.index("\0"))
            raise ImportRefused(
                f"Line {line} of {self._path} contains a NUL byte: the file is damaged or not text. "
                f"{_SAVE_AS_UTF8}, or leave such rows out with --bad-bytes reject."
            )
        feeds, returns = text.count("\n"), text.count("\r")
        if feeds or returns:
            first = min(place for place in (text.find("\n"), text.find("\r")) if place >= 0)
            self._refuse_endless(self._run + first)
            self._run = len(text) - 1 - max(text.rfind("\n"), text.rfind("\r"))
        else:
            self._run += len(text)
            self._refuse_endless(self._run)
        self._feeds += feeds
        self._returns += returns
        if self.lines > MAX_LINES:
            raise ImportRefused(f"{self._path} has more than {MAX_LINES:,} lines. Split the file.")

    def _refuse_endless(self, length: int) -> None:
        if length > MAX_LINE_CHARACTERS:
            raise ImportRefused(
                f"Line {self.lines + 1} of {self._path} is longer than {MAX_LINE_CHARACTERS:,} characters; "
                "no row about a person is. This is not the file you mean, or its line ends are lost."
            )


def _chunks(file: io.BufferedReader) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _errors(encoding: str, lenient: bool) -> str:
    if not lenient:
        return "strict"
    return "surrogateescape" if encoding.startswith("utf-8") else "replace"


def _known(encoding: str) -> str:
    try:
        info = codecs.lookup(encoding)
        b"a".decode(encoding, errors="replace")
    except LookupError:
        raise ImportRefused(
            f'"{encoding}" is not a text encoding; use a name such as utf-8 or cp1252.'
        ) from None
    # The plain name would take a byte order mark for part of the first heading.
    return "utf-8-sig" if info.name == "utf-8" else info.name


def _detect(path: Path, head: bytes) -> str:
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            if encoding is None:
                raise ImportRefused(f"{path} is in UTF-32. {_SAVE_AS_UTF8}.")
            return encoding
    even, odd = head[0::2].count(0), head[1::2].count(0)
    # Without a mark: Latin text in UTF-16 has a zero in every other byte, and then only there.
    if odd * 4 > len(head) and even * 20 < odd:
        return "utf-16-le"
    if even * 4 > len(head) and odd * 20 < even:
        return "utf-16-be"
    return "utf-8-sig"


def _undecodable(path: Path, encoding: str, lines: int, error: UnicodeDecodeError) -> ImportRefused:
    before = error.object[: error.start].decode(encoding.removesuffix("-sig"), errors="replace")
    name = "UTF-8" if encoding == "utf-8-sig" else encoding.upper()
    return ImportRefused(
        f"Line {lines + 1 + before.count(chr(10))} of {path} is not {name}. {_SAVE_AS_UTF8}, "
        "name its encoding (--encoding cp1252 for an older Excel), or leave such rows out with --bad-bytes reject."
    )
