"""What a reader of the HTML part sees: text and links that no attribute or style rule hides (F3, E3).

A small cascade over the properties that can hide, computed on the final HTML. It answers for
the Gate, so it shares nothing with the code that put the block there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mailer.rendering.wire.cascade import Styles

#: Elements whose content no reader sees as text.
_UNSEEN = frozenset(
    ("head", "title", "style", "script", "template", "noscript", "noembed", "noframes", "textarea", "select")
    + ("option", "iframe", "object", "audio", "video", "canvas", "svg", "math", "datalist", "dialog", "xmp")
    + ("plaintext",)
)
_INLINE = frozenset("a b i em strong span font u small sup sub bdi s code mark abbr".split())
_NUMBER = re.compile(r"(-?\d*\.?\d+)\s*(px|pt|em|rem|%|)")


def _tiny(value: str, *, below: float) -> bool:
    """Whether a length or share is (nearly) nothing; relative units are read as shares of 16 px."""
    match = _NUMBER.match(value)
    if match is None:
        return False
    factor = {"em": 16, "rem": 16, "%": 0.16}.get(match[2], 1)
    return float(match[1]) * factor < below


def _faint(value: str) -> bool:
    match = _NUMBER.match(value)
    return match is not None and float(match[1]) / (100 if match[2] == "%" else 1) < 0.1


def _far_away(value: str) -> bool:
    match = _NUMBER.match(value)
    return match is not None and float(match[1]) <= -999


_Judge = Callable[[str], bool]
#: Property -> whether a value of it hides the element and everything below.
HIDES_BOX: Mapping[str, _Judge] = {
    "display": lambda value: value == "none",
    "opacity": _faint,
    "max-height": lambda value: _tiny(value, below=2),
    "height": lambda value: _tiny(value, below=2),
    "max-width": lambda value: _tiny(value, below=2),
    "width": lambda value: _tiny(value, below=1),
    "mso-hide": lambda value: value == "all",
    "left": _far_away,
    "top": _far_away,
    "margin-left": _far_away,
    "margin-top": _far_away,
    "clip": lambda value: re.fullmatch(r"rect\(\s*[01](px)?(,?\s*[01](px)?){3}\s*\)", value) is not None,
    "clip-path": lambda value: value.startswith(("inset(50", "inset(100", "circle(0")),
    "transform": lambda value: "scale(0" in value.replace(" ", ""),
    "content-visibility": lambda value: value == "hidden",
}
#: Property -> whether a value hides the text of the element; children inherit it and may undo it.
HIDES_TEXT: Mapping[str, _Judge] = {
    "visibility": lambda value: value in ("hidden", "collapse"),
    "font-size": lambda value: _tiny(value, below=2),
    "line-height": lambda value: value == "0",
    "color": lambda value: (
        value == "transparent" or re.fullmatch(r"rgba\(.*,\s*0(\.0+)?\)", value) is not None
    ),
    "text-indent": _far_away,
}
#: A size of nothing hides only what is cut off at the edge.
_NEEDS_OVERFLOW = frozenset({"height", "max-height", "width", "max-width"})
_READ = {*HIDES_BOX, *HIDES_TEXT, "overflow", "font"}
_FONT_SIZE = re.compile(r"(?:^|\s)(\d*\.?\d+(?:px|pt|em|rem|%))")
_INHERIT = frozenset({"inherit", "unset", "revert", "revert-layer"})


@dataclass(slots=True)
class Seen:
    """What is visible: the text with single spaces, and each link with its text."""

    text: str = ""
    links: list[tuple[str, str]] = field(default_factory=list)


def seen(html: str, *, styled: bool = True) -> Seen:
    """Walk `html` as HTML 5 reads it and gather what is not hidden; unless `styled`, styles hide nothing."""
    styles = Styles(html, _READ if styled else ())
    found = Seen()
    found.text = squeezed("".join(_visible(styles.root, styles, {}, found)))
    return found


def _visible(wrapper: Any, styles: Styles, inherited: Mapping[str, bool], found: Seen) -> Iterator[str]:
    element = wrapper.etree_element
    if element.tag in _UNSEEN or "hidden" in element.attrib:
        return
    declared = _longhands(styles.declared(wrapper))
    if _box_hidden(declared):
        return
    hidden = _text_hidden(declared, inherited)
    shown = not any(hidden.values())
    pieces = [element.text or ""] if shown else []
    for child in wrapper.iter_children():
        pieces += _visible(child, styles, hidden, found)
        if shown:
            pieces.append(child.etree_element.tail or "")
    inside = "".join(pieces)
    if element.tag == "a" and "href" in element.attrib:
        found.links.append((element.attrib["href"], squeezed(inside)))
    yield inside
    if element.tag not in _INLINE:
        yield " "


def _box_hidden(declared: Mapping[str, str]) -> bool:
    open_edge = declared.get("overflow", "visible") == "visible"
    return any(
        HIDES_BOX[name](value)
        for name, value in declared.items()
        if name in HIDES_BOX and not (open_edge and name in _NEEDS_OVERFLOW)
    )


def _text_hidden(declared: Mapping[str, str], inherited: Mapping[str, bool]) -> dict[str, bool]:
    hidden = dict(inherited)
    for name, value in declared.items():
        if name not in HIDES_TEXT or value in _INHERIT:
            continue
        relative = name == "font-size" and value.endswith(("em", "%")) and not value.endswith("rem")
        hidden[name] = HIDES_TEXT[name](value) or (relative and inherited.get(name, False))
    return hidden


def _longhands(declared: Mapping[str, str]) -> dict[str, str]:
    """The size in a `font` as a size; where both are given, the longhand is taken."""
    font = declared.get("font")
    size = _FONT_SIZE.search(font) if font else None
    return {**({"font-size": size[1]} if size else {}), **declared}


def squeezed(text: str) -> str:
    """A text with single spaces, characters without width taken for spaces: how texts are compared."""
    return re.sub(r"[\s\u200b\u200c\u200d\u2060\ufeff]+", " ", text).strip()
