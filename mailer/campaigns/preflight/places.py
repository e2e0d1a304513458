"""Where in the author's files something stands, and the specimens most rules look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from mailer.campaigns.draft import Draft, Specimen
from mailer.campaigns.recipients import EMPTY, SAMPLE, WORST
from mailer.rendering.identity import Problem
from mailer.rendering.wire.cascade import Styles
from mailer.rendering.wire.visible import Seen, seen

_QUOTED = 60


def specimens(draft: Draft, *labels: str) -> Iterator[Specimen]:
    """The filled messages of these made-up readers, as far as they could be filled; all without labels."""
    for label in labels or (SAMPLE, EMPTY, WORST):
        if label in draft.specimens:
            yield draft.specimens[label]


def line_of(draft: Draft, *needles: str) -> tuple[str, int | None]:
    """The file and line where one of the texts stands first; the campaign's file when none is found."""
    bodies = [draft.source.body, *([draft.source.text_body] if draft.source.text_body else [])]
    for needle in needles:
        for body in bodies:
            at = body.text.find(needle) if needle else -1
            if at >= 0:
                return body.path, body.first_line + body.text.count("\n", 0, at)
    return draft.source.path, None


def problem(draft: Draft, rule: str, message: str, remedy: str, *, at: Iterable[str] = ()) -> Problem:
    """A problem in the text of the campaign, placed at the first of the texts `at` that is found."""
    path, line = line_of(draft, *at)
    return Problem(path, line, rule, message, remedy)


def in_head(draft: Draft, key: str, rule: str, message: str, remedy: str) -> Problem:
    """A problem with a key of the front matter."""
    return Problem(draft.source.path, draft.source.lines.get(key), rule, message, remedy)


def in_settings(rule: str, message: str, remedy: str) -> Problem:
    """A problem that no campaign can mend."""
    return Problem("mailer.toml", None, rule, message, remedy)


def shortened(text: str) -> str:
    """A text as a finding quotes it."""
    text = " ".join(text.split())
    return text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…"


@lru_cache(maxsize=16)
def visible(html: str) -> Seen:
    """What is seen of a part; several rules ask."""
    return seen(html)


@lru_cache(maxsize=16)
def everything(html: str) -> Seen:
    """What would be seen if no style hid anything."""
    return seen(html, styled=False)


@lru_cache(maxsize=16)
def tree(html: str) -> Styles:
    """The elements of a part, without any style."""
    return Styles(html, ())
