"""Files that hold secrets or people: nobody else may read them (D6, D28, D29)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailer.doctor.model import Finding, Unasked, Verdict
from mailer.doctor.scene import Scene
from mailer.keyring import forbidden_bits

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
#: What a stranger could do with it.
_HARM = {
    "secrets": "could forge every link",
    "password": "could send through your relay",
    "DKIM key": "could sign mail in your name",
    "database": "could read who your subscribers are",
    "data folder": "could reach the files in it",
}


@dataclass(frozen=True, slots=True)
class PathFacts:
    """One file or folder."""

    path: Path
    kind: str
    mode: int | None  #: None: it is not there
    forbidden: int = _OTHERS
    needed: bool = False  #: its absence is a fault


@dataclass(frozen=True, slots=True)
class FilesFacts:
    """All of them, and what the secrets file itself is refused for."""

    paths: tuple[PathFacts, ...]
    secrets_trouble: str


async def gather(scene: Scene) -> Sequence[FilesFacts | Unasked]:
    """The modes, now."""
    paths = [_look(path, kind, scene=scene, needed=needed) for path, kind, needed in _places(scene)]
    return [FilesFacts(tuple(paths), scene.secrets_trouble)]


def _places(scene: Scene) -> Iterator[tuple[Path, str, bool]]:
    root = scene.folder.root
    yield scene.folder.secrets_path, "secrets", True
    for relay in scene.settings.smtp.values():
        if relay.password_file is not None:
            yield root / relay.password_file, "password", True
    for key_file in scene.dkim_key_files:
        yield key_file, "DKIM key", True
    yield root / "data", "data folder", False
    if (database := scene.database_file) is not None:
        for path in sorted(database.parent.glob(f"{database.name}*")):
            yield path, "database", False


def _look(path: Path, kind: str, *, scene: Scene, needed: bool) -> PathFacts:
    forbidden = forbidden_bits(path, scene.folder.environ.get("CREDENTIALS_DIRECTORY"))
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
    except OSError:
        mode = None
    return PathFacts(path, kind, mode, forbidden, needed)


def judge(facts: FilesFacts) -> Iterator[Finding]:
    """One line when all is well; else one for each that is not."""
    open_to_others = [each for each in facts.paths if each.mode is not None and each.mode & each.forbidden]
    missing = [each for each in facts.paths if each.mode is None and each.needed]
    for each in open_to_others:
        reason = f"Its mode is {each.mode:04o}: others on this machine {_HARM[each.kind]}."
        mode = "700" if each.kind == "data folder" else "600"
        verdict = Verdict.WARNING if each.kind == "data folder" else Verdict.FAILURE
        yield Finding(str(each.path), verdict, reason, f"Run: chmod {mode} {each.path}")
    for each in missing:
        reason = f"The file of the {each.kind} is not there."
        yield Finding(str(each.path), Verdict.FAILURE, reason, "Put it there, or correct mailer.toml.")
    if facts.secrets_trouble and not open_to_others and not missing:
        yield Finding("secrets", Verdict.FAILURE, facts.secrets_trouble, "Restore it from its backup.")
    if not (open_to_others or missing or facts.secrets_trouble):
        there = [each for each in facts.paths if each.mode is not None]
        kinds = sorted({each.kind for each in there})
        yield Finding("", Verdict.OK, f"Closed to others: {', '.join(kinds)} ({len(there)} looked at).")
