"""Colours of CSS, and how well one reads on another (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import re
from typing import NamedTuple

import tinycss2.color3

#: What sRGB linearisation and relative luminance are made of (WCAG 2.2, definition of relative luminance).
_WEIGHTS = (0.2126, 0.7152, 0.0722)
_TOKEN = re.compile(r"#[0-9a-f]{3,8}\b|(?:rgba?|hsla?)\([^)]*\)|[a-z]+", re.IGNORECASE)


class Colour(NamedTuple):
    """Red, green and blue from 0 to 1; opaque."""

    red: float
    green: float
    blue: float

    def __str__(self) -> str:
        return "#" + "".join(f"{round(part * 255):02x}" for part in self)


WHITE = Colour(1.0, 1.0, 1.0)
BLACK = Colour(0.0, 0.0, 0.0)


def parse_colour(text: str) -> Colour | None:
    """An opaque colour; None for what is transparent in part, inherited, or none at all."""
    text = text.replace("!important", "").strip()
    if re.fullmatch(r"[0-9a-fA-F]{6}", text):
        text = f"#{text}"  # bgcolor="ffffff", which mail programs accept
    found = tinycss2.color3.parse_color(text)
    if found is None or isinstance(found, str) or found.alpha < 1:
        return None
    return Colour(found.red, found.green, found.blue)


def background_colour(value: str) -> Colour | None:
    """The colour in a `background` shorthand."""
    for token in _TOKEN.findall(re.sub(r"url\([^)]*\)", "", value)):
        colour = parse_colour(token)
        if colour is not None:
            return colour
    return None


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of WCAG: from 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return sum(weight * part for weight, part in zip(_WEIGHTS, linear, strict=True))
