"""The images of a campaign folder: found, judged by their bytes, named by their hash."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailer.campaigns.pixels import Pixels, pixels_of
from mailer.rendering.identity import Problem

FOLDER = "images"
# Every reader of every mail downloads it, many on a phone; a newsletter image is 50 to 300 KB.
MAX_IMAGE_BYTES = 2 * 1024 * 1024
MAX_IMAGES = 200
RULE = "image-file"

#: First bytes -> content type; what mail programs show. SVG is not among them: most do not.
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


@dataclass(frozen=True, slots=True)
class CampaignImage:
    """One image file of a campaign."""

    path: str  #: relative to the campaign's folder, as written in the text: `images/hero.png`
    content_type: str
    content: bytes
    hash: str  #: SHA-256, hex: its name under /media/

    @property
    def pixels(self) -> Pixels | None:
        """Width and height as it is shown; None when the file does not say."""
        return pixels_of(self.content)

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)


def read_images(folder: Path, shown: str) -> tuple[tuple[CampaignImage, ...], tuple[Problem, ...]]:
    """Every image below `folder`/images, and a problem for each file that cannot be one.

    `shown` is the folder's name in problems.
    """
    images: list[CampaignImage] = []
    problems: list[Problem] = []
    for number, path in enumerate(_files(folder / FOLDER)):
        name = path.relative_to(folder).as_posix()
        if number >= MAX_IMAGES:
            problems.append(_problem(shown, f"the folder holds more than {MAX_IMAGES} files", "Remove some."))
            break
        image = _read(path, folder, name)
        if isinstance(image, CampaignImage):
            images.append(image)
        else:
            problems.append(_problem(f"{shown}/{name}", *image))
    return tuple(images), tuple(problems)


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(p for p in folder.rglob("*") if not p.is_dir() and not p.name.startswith("."))


def _read(path: Path, folder: Path, name: str) -> CampaignImage | tuple[str, str]:
    try:
        if not path.resolve(strict=True).is_relative_to(folder.resolve()):
            return "the file is a link that leads out of the campaign's folder", "Copy the file here instead."
        if path.stat().st_size > MAX_IMAGE_BYTES:
            size = path.stat().st_size / 1_048_576
            said = f"the image is {size:.1f} MB; {MAX_IMAGE_BYTES // 1_048_576} MB is the limit"
            return said, "Scale it down."
        content = path.read_bytes()
    except OSError as error:
        return f"the file cannot be read: {error.strerror}", "Check its owner and mode."
    content_type = content_type_of(content)
    if content_type is None:
        return "the file is not a PNG, JPEG, GIF or WebP image", "Convert it, or move it out of images/."
    return CampaignImage(name, content_type, content, hashlib.sha256(content).hexdigest())


def content_type_of(content: bytes) -> str | None:
    """What the first bytes say an image is; a file's name is never believed."""
    for signature, content_type in _SIGNATURES:
        if content.startswith(signature):
            return content_type
    return "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


def _problem(path: str, message: str, remedy: str) -> Problem:
    return Problem(path, None, RULE, message, remedy)
