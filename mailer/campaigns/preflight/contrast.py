"""Whether every text can be read on what is behind it, in light and in dark mail programs (E8)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, TypeAlias

from mailer.campaigns.draft import Draft
from mailer.campaigns.preflight.colours import (
    BLACK,
    WHITE,
    Colour,
    background_colour,
    contrast,
    parse_colour,
)
from mailer.campaigns.preflight.places import problem, shortened, specimens, visible
from mailer.campaigns.recipients import SAMPLE
from mailer.rendering.identity import Problem
from mailer.rendering.wire.cascade import Styles

ENOUGH, ENOUGH_LARGE = 4.5, 3.0
_PROPERTIES = (
    "color",
    "background",
    "background-color",
    "background-image",
    "font-size",
    "font-weight",
    "display",
)
_UNSEEN = frozenset({"head", "style", "script", "title", "template"})
_SIZE = re.compile(r"(\d*\.?\d+)(px|pt|em|rem|%)")
_HEADING_SIZES = {"h1": 32.0, "h2": 24.0, "h3": 18.7, "h4": 16.0, "h5": 13.3, "h6": 10.7}


_Weak: TypeAlias = tuple[str, tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class _Look:
    """What an element passes on to those inside; a colour that cannot be known is None."""

    text: Colour | None = BLACK
    behind: Colour | None = WHITE
    size: float = 16.0
    bold: bool = False

    @property
    def large(self) -> bool:
        """24 px, or 18.66 px in bold (WCAG 2.2: large scale)."""
        return self.size >= 24 or (self.size >= 18.66 and self.bold)


def light(draft: Draft) -> Iterator[Problem]:
    """Texts that hardly stand out in a light mail program, as far as colours are declared."""
    for specimen in specimens(draft, SAMPLE):
        for weak in _weak(specimen.html, "light").values():
            yield _told(draft, "contrast-light", weak)


def dark(draft: Draft) -> Iterator[Problem]:
    """Those that the rules for dark mail programs leave or make so, and that are fine in light ones."""
    for specimen in specimens(draft, SAMPLE):
        known = _weak(specimen.html, "light")
        for pair, weak in _weak(specimen.html, "dark").items():
            if pair not in known:
                yield _told(draft, "contrast-dark", weak)


def _told(draft: Draft, rule: str, weak: _Weak) -> Problem:
    text, on, ratio = weak
    return problem(
        draft, rule, f"`{shortened(text)}` is {on[0]} on {on[1]}, a contrast of {ratio:.1f}:1",
        f"It takes {ENOUGH}:1, or {ENOUGH_LARGE:.0f}:1 for large text.", at=(text, on[0]),
    )  # fmt: skip


@lru_cache(maxsize=8)
def _weak(html: str, scheme: str) -> dict[tuple[str, str], _Weak]:
    """The first text of each pair of colours that is too weak."""
    styles = Styles(html, _PROPERTIES, media=partial(_counts, scheme))
    shown = visible(html).text
    found: dict[tuple[str, str], _Weak] = {}
    for text, look in _texts(styles, styles.root, _Look()):
        if not (look.text and look.behind):
            continue
        pair = (str(look.text), str(look.behind))
        ratio = contrast(look.text, look.behind)
        if ratio < (ENOUGH_LARGE if look.large else ENOUGH) and pair not in found and text in shown:
            found[pair] = (text, pair, ratio)
    return found


def _counts(scheme: str, query: str) -> bool:
    """Rules of the screen; those for a colour scheme only in it."""
    wanted = re.search(r"prefers-color-scheme\s*:\s*(\w+)", query)
    return query != "print" and (wanted is None or wanted[1] == scheme)


def _texts(styles: Styles, wrapper: Any, outer: _Look) -> Iterator[tuple[str, _Look]]:
    element = wrapper.etree_element
    if element.tag in _UNSEEN:
        return
    declared = styles.declared(wrapper)
    if declared.get("display") == "none":
        return
    look = _seen_by(element, declared, outer)
    yield from _words(element.text, look)
    for child in wrapper.iter_children():
        yield from _texts(styles, child, look)
        yield from _words(child.etree_element.tail, look)


def _words(text: str | None, look: _Look) -> Iterator[tuple[str, _Look]]:
    words = " ".join((text or "").split())
    if any(character.isalnum() for character in words):
        yield words, look


def _seen_by(element: Any, declared: dict[str, str], outer: _Look) -> _Look:
    look = replace(
        outer, behind=_behind(element, declared, outer.behind), size=_size(element, declared, outer.size)
    )
    if element.tag == "a":
        look = replace(look, text=Colour(0.0, 0.0, 0.93))  # what browsers give a link without a colour
    written = declared.get("color") or element.get("color")
    if written and written not in ("inherit", "unset", "currentcolor"):
        look = replace(look, text=parse_colour(written))
    elif written:
        look = replace(look, text=outer.text)
    weight = declared.get("font-weight", "")
    if weight or element.tag in ("b", "strong", "th") or element.tag in _HEADING_SIZES:
        look = replace(
            look, bold=weight in ("", "bold", "bolder") or (weight.isdigit() and int(weight) >= 700)
        )
    return look


def _behind(element: Any, declared: dict[str, str], outer: Colour | None) -> Colour | None:
    if "url(" in declared.get("background", "") or "url(" in declared.get("background-image", ""):
        return None  # an image: nothing can be said of it
    if element.get("background"):
        return None
    for value in (declared.get("background-color"), declared.get("background"), element.get("bgcolor")):
        if value and value not in ("transparent", "none", "inherit", "initial", "unset"):
            return parse_colour(value) or background_colour(value) or (None if "(" in value else outer)
    return outer


def _size(element: Any, declared: dict[str, str], outer: float) -> float:
    found = _SIZE.match(declared.get("font-size", ""))
    if not found:
        return _HEADING_SIZES.get(element.tag, outer)
    number = float(found[1])
    factor = {"px": 1.0, "pt": 96 / 72, "rem": 16.0, "em": outer, "%": outer / 100}[found[2]]
    return number * factor
