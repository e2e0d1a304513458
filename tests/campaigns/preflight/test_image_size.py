"""`image-size`: met by the files themselves, and named by the author's file where it still applies."""

from __future__ import annotations

import struct

import pytest

from mailer.campaigns.preflight import run_preflight
from tests.campaigns.preflight.conftest import BODY, Drafting
from tests.campaigns.preflight.gifs import gif

PICTURE = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 360) + b"\x08\x02\x00\x00\x00"
SHOWN = BODY + "\n![Ten red LEDs](images/leds.png)\n"


def findings(drafting: Drafting, content: bytes) -> list[tuple[str, int | None]]:
    draft = drafting(SHOWN, images={"leds.png": content})
    return [(each.message, each.line) for each in run_preflight(draft) if each.rule == "image-size"]


@pytest.mark.rule("E6")
def test_a_picture_written_in_markdown_raises_no_warning(drafting: Drafting) -> None:
    assert findings(drafting, PICTURE) == []


def test_the_warning_names_the_file_and_its_line(drafting: Drafting) -> None:
    ((message, line),) = findings(drafting, gif(0))
    assert message == "the image `images/leds.png` has no width and height"
    assert line is not None
