"""What a reader of the HTML part sees: text and links that no attribute or style rule hides (F3, E3).

A small cascade over the properties that can hide, computed on the final HTML. It answers for
the Gate, so it shares nothing with the code that put the block there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from xml.etree import ElementTree

import tinycss2
from cssselect2 import ElementWrapper, Matcher, SelectorError, compile_selector_list
from justhtml import Comment, Element, JustHTML, Text

#: Elements whose content no reader sees as text.
_UNSEEN = frozenset(
    ("head", "title", "style", "script", "template", "noscript", "noembed", "noframes", "textarea", "select")
    + ("option", "iframe", "object", "audio", "video", "canvas", "svg", "math", "datalist", "dialog", "xmp")
    + ("plaintext",)
)
_INLINE = frozenset(
    ("a", "b", "i", "em", "strong", "span", "font", "u", "small", "sup", "sub", "bdi", "s", "code", "mark", "abbr")
)
_NUMBER = re.compile(r"(-?\d*\.?\d+)\s*(px|pt|em|rem|%|)")


def _tiny(value: str, *, below: float) -> bool:
    """Whether a length or share is (nearly) nothing; relative units are read as shares of 16 px."""
    match = _NUMBER.match(value)
    if match is None:
        return False
    factor = {"em": 16, "rem": 16, "%": 0.16}.get(match[2], 1)
    return float(match[1]) * factor < below


def _far_away(value: str) -> bool:
    match = _NUMBER.match(value)
    return match is not None and float(match[1]) <= -999


_Judge = Callable[[str], bool]
#: Property -> whether a value of it hides the element and everything below.
HIDES_BOX: Mapping[str, _Judge] = {
    "display": lambda value: value == "none",
    "opacity": lambda value: _tiny(value, below=0.1),
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
_Declared = dict[str, tuple[tuple[bool, bool, tuple[int, ...], int], str]]


@dataclass(slots=True)
class Seen:
    """What is visible: the text with single spaces, and each link with its text."""

    text: str = ""
    links: list[tuple[str, str]] = field(default_factory=list)


def seen(html: str) -> Seen:
    """Walk `html` as HTML 5 reads it and gather what is not hidden."""
    document = JustHTML(html, sanitize=False, scripting_enabled=False).root
    root = next((_element(child) for child in document.children or () if isinstance(child, Element)), None)
    if root is None:
        return Seen()
    matcher = _matcher(root)
    found = Seen()
    found.text = _squeezed("".join(_visible(ElementWrapper.from_html_root(root), matcher, {}, found)))
    return found


def _element(node: Element) -> ElementTree.Element:
    """The same element for cssselect2, which reads ElementTree."""
    made = ElementTree.Element(node.name, {name: value or "" for name, value in (node.attrs or {}).items()})
    last: ElementTree.Element | None = None
    for child in node.children or ():
        if isinstance(child, Text):
            if last is None:
                made.text = (made.text or "") + (child.data or "")
            else:
                last.tail = (last.tail or "") + (child.data or "")
        elif isinstance(child, Element) and not isinstance(child, Comment):
            last = _element(child)
            made.append(last)
    return made


def _visible(wrapper: Any, matcher: Any, inherited: Mapping[str, bool], found: Seen) -> Iterator[str]:
    element = wrapper.etree_element
    if element.tag in _UNSEEN or "hidden" in element.attrib:
        return
    declared = _declared(wrapper, matcher)
    if _box_hidden(declared):
        return
    hidden = _text_hidden(declared, inherited)
    shown = not any(hidden.values())
    pieces = [element.text or ""] if shown else []
    for child in wrapper.iter_children():
        pieces += _visible(child, matcher, hidden, found)
        if shown:
            pieces.append(child.etree_element.tail or "")
    inside = "".join(pieces)
    if element.tag == "a" and "href" in element.attrib:
        found.links.append((element.attrib["href"], _squeezed(inside)))
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


def _declared(wrapper: Any, matcher: Any) -> dict[str, str]:
    """The value of each property that can hide, after the cascade."""
    declared: _Declared = {}
    for specificity, order, _, declarations in matcher.match(wrapper):
        _cascade(declared, declarations, inline=False, specificity=specificity, order=order)
    style = wrapper.etree_element.attrib.get("style", "")
    inline = _declarations(tinycss2.parse_blocks_contents(style, skip_comments=True, skip_whitespace=True))
    _cascade(declared, inline, inline=True, specificity=(), order=0)
    return {name: value for name, (_, value) in declared.items()}


def _cascade(
    declared: _Declared, declarations: list[tuple[str, str, bool]], *, inline: bool,
    specificity: tuple[int, ...], order: int,
) -> None:  # fmt: skip
    for name, value, important in declarations:
        weight = (important, inline, specificity, order)
        if name not in declared or declared[name][0] <= weight:
            declared[name] = (weight, value)


def _declarations(content: list[Any]) -> list[tuple[str, str, bool]]:
    return [
        (*_longhand(node.lower_name, tinycss2.serialize(node.value).strip().lower()), node.important)
        for node in content
        if node.type == "declaration" and node.lower_name in _READ
    ]


def _longhand(name: str, value: str) -> tuple[str, str]:
    """The size in a `font`; other properties as they are."""
    if name != "font":
        return name, value
    size = _FONT_SIZE.search(value)
    return "font-size", size[1] if size else "inherit"


def _matcher(root: ElementTree.Element) -> Any:
    matcher = Matcher()
    for style in root.iter("style"):
        _add_rules(
            matcher, tinycss2.parse_stylesheet(style.text or "", skip_comments=True, skip_whitespace=True)
        )
    return matcher


def _add_rules(matcher: Any, rules: list[Any]) -> None:
    """Rules of every medium but paper count: what is hidden on a phone is hidden."""
    for rule in rules:
        if (
            rule.type == "at-rule"
            and rule.content is not None
            and rule.lower_at_keyword in ("media", "supports")
        ):
            if tinycss2.serialize(rule.prelude).strip().lower() != "print":
                _add_rules(
                    matcher, tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
                )
        elif rule.type == "qualified-rule":
            declarations = _declarations(tinycss2.parse_blocks_contents(rule.content))
            if declarations:
                _add_selectors(matcher, rule.prelude, declarations)


def _add_selectors(matcher: Any, prelude: list[Any], declarations: list[tuple[str, str, bool]]) -> None:
    try:
        selectors = compile_selector_list(prelude)
    except SelectorError:
        return  # a browser drops the rule as well
    add = partial(matcher.add_selector, payload=declarations)
    for selector in selectors:
        if selector.pseudo_element is None:
            add(selector)


def _squeezed(text: str) -> str:
    return re.sub(r"[\s\u200b\u200c\u200d\u2060\ufeff]+", " ", text).strip()
