"""Authors' CSS: what could cover, clip or hide the unsubscribe block, or load something foreign, is refused.

The block itself is hardened inline; these rules keep away what inline style cannot answer: layers above
it, clipped ancestors, generated content over the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import tinycss2
from justhtml import SelectorError, matches

from mailer.rendering.authoring import dom
from mailer.rendering.authoring.block import BLOCK_CLASS, FONT

#: At-rules with rules inside that are looked at like any other, and those without any effect here.
_NESTING: Final = frozenset({"media", "supports"})
_HARMLESS: Final = frozenset({"charset", "keyframes", "-webkit-keyframes", "-ms-viewport", "viewport"})
#: Properties that lift a box out of the flow or draw it elsewhere; mail programs support few of them anyway.
_REFUSED: Final = re.compile(
    r"^(-webkit-|-moz-|-ms-|-o-)?(transform|translate|scale|rotate|perspective|offset(-.+)?|clip|clip-path|mask(-.+)?"
    r"|filter|backdrop-filter|mix-blend-mode|animation(-.+)?|transition(-.+)?|content-visibility|inset(-.+)?|z-index"
    r"|zoom|all|writing-mode|appearance|binding|behavior|top|right|bottom|left|anchor-name|position-anchor|view-transition-name)$"
)
#: Values that hide what they apply to.
_HIDING: Final[dict[str, Callable[[str], bool]]] = {
    "display": lambda value: value in ("none", "contents"),
    "visibility": lambda value: value in ("hidden", "collapse"),
    "opacity": lambda value: _number(value) < 0.6,
    "font-size": lambda value: _pixels(value) < 10,
    "font": lambda value: bool(re.match(r"(.*\s)?0(\.0*)?(px|pt|em|rem|%)?[/\s]", value)),
    "height": lambda value: _pixels(value) < 200,
    "max-height": lambda value: _pixels(value) < 200,
    "width": lambda value: _pixels(value) < 200,
    "max-width": lambda value: _pixels(value) < 200,
    "overflow": lambda value: value in ("hidden", "clip"),
    "overflow-y": lambda value: value in ("hidden", "clip"),
    "color": lambda value: value == "transparent" or bool(re.search(r"[,/]\s*0?\.?0+%?\s*\)$", value)),
    "-webkit-text-fill-color": lambda value: value == "transparent",
    "text-indent": lambda value: abs(_pixels(value, 0)) > 100,
    "line-height": lambda value: value == "0" or (_pixels(value) < 4 and not re.fullmatch(r"[\d.]+", value)),
    "pointer-events": lambda value: value == "none",
    "letter-spacing": lambda value: value != "normal" and not abs(_pixels(value)) <= 2,
    "word-spacing": lambda value: value != "normal" and not abs(_pixels(value)) <= 5,
    "text-size-adjust": lambda value: value not in ("none", "auto", "100%"),
    "min-width": lambda value: _away(value, 1200, percent=100),
}
#: Properties, and their longhands, that move the block aside when a box around it has much of them.
_ASIDE: Final = re.compile(r"^(margin|padding|border)(-.+)?$")
#: What a rule that could mean the block may say at all: CSS grows, and much of it hides text (`contain`,
#: `outline`, `-webkit-text-security`, ...), so what is not known to leave the block in sight is refused.
_TAME: Final = re.compile(
    r"^(--.+|mso-.+|-ms-.+|color|(supported-)?color-schemes?|background(-.+)?|margin(-.+)?|padding(-.+)?|border(-.+)?"
    r"|text-(align|decoration|transform|rendering|indent)|(-webkit-|-moz-)?(text-size-adjust|hyphens|box-sizing)"
    r"|text-decoration-(line|color|style)|font(-(family|size|style|weight))?|line-height|(letter|word)-spacing"
    r"|((min|max)-)?(width|height)|vertical-align|table-layout|word-(break|wrap)|overflow(-wrap|-x|-y)?|white-space"
    r"|display|visibility|opacity|position|top|right|bottom|left|z-index|cursor|user-select|pointer-events"
    r"|list-style(-.+)?|-webkit-(font-smoothing|tap-highlight-color)|-moz-osx-font-smoothing)$"
)
#: Functions whose result is known when a sheet is read.
_PLAIN_FUNCTIONS: Final = frozenset(
    {"rgb", "rgba", "hsl", "hsla", "url", "linear-gradient", "radial-gradient"}
)
#: What an `@font-face` may say: nothing that makes a font's letters vanish.
_FONT_FACE: Final = frozenset(
    {"font-family", "src", "font-style", "font-weight", "font-display", "unicode-range"}
)
#: `::first-line`, `::after` and their like: no style attribute answers them.
_PSEUDO_ELEMENT: Final = re.compile(r"::|:(before|after|first-line|first-letter)\b", re.IGNORECASE)
_NARROW: Final = "Give the elements you mean a class and select that."
_PREFIX: Final = re.compile(r"^-(webkit|moz|ms|o)-")
_SHARE: Final = re.compile(r"\+?(-?\d*\.?\d+)%")
#: Elements the block and its ancestors are made of.
_TARGETS: Final = frozenset({"*", "html", "body", "div", "p", "a"})
#: Pixels no box of a mail is high, wide or away.
_FAR: Final = 5000


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of a style sheet or attribute, by its 1-based line."""

    line: int
    rule: str
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """One `url()` and its line."""

    line: int
    url: str


def check_sheet(css: str) -> tuple[list[Finding], list[Address]]:
    """The faults of a style sheet, and what it loads."""
    nodes = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    findings = [finding for node in nodes for finding in _rule(node)]
    return findings, list(_addresses(nodes))


def check_inline(css: str) -> tuple[list[Finding], list[Address]]:
    """The faults of a `style` attribute, and what it loads."""
    nodes = tinycss2.parse_blocks_contents(css, skip_comments=True, skip_whitespace=True)
    return list(_declarations(nodes, everywhere=False)), list(_addresses(nodes))


def hides(css: str) -> bool:
    """Whether a `style` attribute hides its element (B15)."""
    nodes = tinycss2.parse_blocks_contents(css, skip_comments=True, skip_whitespace=True)
    found = {node.lower_name: _value(node) for node in nodes if node.type == "declaration"}
    hidden = found.get("display") == "none" or found.get("visibility") == "hidden"
    return hidden or found.get("opacity") in ("0", "0.0") or found.get("font-size") in ("0", "0px")


def declarations(css: str) -> list[tuple[str, str, bool]]:
    """The name, value and importance of each declaration of a `style` attribute or of a rule's block."""
    nodes = tinycss2.parse_blocks_contents(css, skip_comments=True, skip_whitespace=True)
    return [(node.lower_name, _value(node), node.important) for node in nodes if node.type == "declaration"]


def rules(css: str) -> list[tuple[str, str]]:
    """The selector and block of each plain rule of a style sheet."""
    nodes = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return [
        (tinycss2.serialize(node.prelude).strip(), tinycss2.serialize(node.content))
        for node in nodes
        if node.type == "qualified-rule"
    ]


def _rule(node: Any) -> Iterator[Finding]:
    if node.type == "error":
        yield Finding(node.source_line, "css.syntax", f"This CSS cannot be read: {node.message.rstrip('.')}.")
    elif node.type == "at-rule":
        yield from _at_rule(node)
    elif node.type == "qualified-rule":
        prelude = tinycss2.serialize(node.prelude)
        if any(token.type == "error" for token in node.prelude):
            yield Finding(node.source_line, "css.syntax", "This style rule has a bracket too many before it.")
        if BLOCK_CLASS[:6] in prelude:
            yield Finding(node.source_line, "css.block", "A style rule may not name the unsubscribe block.")
        everywhere = could_match(prelude)
        if everywhere and _PSEUDO_ELEMENT.search(prelude):
            yield Finding(
                node.source_line, "css.hides-block",
                "A part of every such element, drawn anew, could cover the unsubscribe link.", _NARROW,
            )  # fmt: skip
        content = tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True)
        yield from _declarations(content, everywhere=everywhere)


def _at_rule(node: Any) -> Iterator[Finding]:
    name = node.lower_at_keyword
    if name in _NESTING and node.content is not None:
        for inner in tinycss2.parse_rule_list(node.content, skip_comments=True, skip_whitespace=True):
            yield from _rule(inner)
    elif name == "import":
        yield Finding(
            node.source_line,
            "css.import",
            "@import loads a style sheet from elsewhere.",
            "Write the rules here.",
        )
    elif name == "font-face":
        yield from _font_face(node)
    elif name not in _HARMLESS:
        yield Finding(
            node.source_line, "css.at-rule", f"@{name} is not available in messages.", "Use @media."
        )


def _font_face(node: Any) -> Iterator[Finding]:
    for each in tinycss2.parse_blocks_contents(node.content or [], skip_comments=True, skip_whitespace=True):
        value = _value(each) if each.type == "declaration" else ""
        if each.type == "declaration" and (each.lower_name not in _FONT_FACE or "local(" in value):
            yield Finding(
                each.source_line, "css.font",
                f"`{each.lower_name}: {value}` could give other texts letters that nobody can read.",
                "Name the font in font-family where you want it.",
            )  # fmt: skip
        elif each.type == "declaration" and each.lower_name == "font-family" and _is_of_the_block(value):
            yield Finding(
                each.source_line, "css.font", f"{value} is a font of the unsubscribe block.",
                "Give your font another name.",
            )  # fmt: skip


def _is_of_the_block(family: str) -> bool:
    return family.strip("\"' ") in {each.strip("\"' ").lower() for each in FONT.split(",")}


def _declarations(nodes: Iterable[Any], *, everywhere: bool) -> Iterator[Finding]:
    for node in nodes:
        if node.type != "declaration":
            if node.type in ("qualified-rule", "at-rule"):
                yield Finding(node.source_line, "css.nesting", "Style rules cannot be nested in messages.")
            continue
        yield from _declaration(node.source_line, node.lower_name, _value(node), everywhere=everywhere)


def _declaration(line: int, name: str, value: str, *, everywhere: bool) -> Iterator[Finding]:
    if name == "position" and value not in ("static", "relative", "initial"):
        yield Finding(
            line, "css.position", f"`position: {value}` lifts a box over others.", "Use tables or columns."
        )
    elif name in ("top", "right", "bottom", "left", "z-index") and value in ("0", "auto", "0px"):
        return
    elif _REFUSED.match(name) and value not in ("none", "normal", "initial", "1"):
        yield Finding(
            line, "css.property", f"`{name}` is not available in messages: it can cover other content."
        )
    elif name == "display" and value in ("contents", "run-in"):
        yield Finding(line, "css.property", f"`display: {value}` lets a box's content out of it.")
    elif "margin" in name and any(_pulls(part) for part in value.split()):
        yield Finding(
            line, "css.margin", f"`{name}: {value}` pulls a box over others.", "Use at least -60px."
        )
    elif "border-radius" not in name and any(abs(_pixels(part, 0)) > _FAR for part in value.split()):
        yield Finding(
            line, "css.size", f"`{name}: {value}` is larger than any mail.", f"Stay below {_FAR}px."
        )
    elif re.search(r"expression\s*\(|javascript:|vbscript:", value, re.IGNORECASE):
        yield Finding(line, "css.script", f"`{name}` runs a script.", "Remove it.")
    elif name.startswith("--mailer"):
        yield Finding(line, "css.block", "A style rule may not speak to the unsubscribe block.")
    elif everywhere and _could_hide(name, value):
        yield Finding(
            line, "css.hides-block", f"`{name}: {value}` for every such element could hide the unsubscribe link.",
            _NARROW,
        )  # fmt: skip


def _could_hide(name: str, value: str) -> bool:
    """Whether a declaration for the block, or for a box around it, could take it out of sight."""
    if _TAME.match(name) is None or not _is_plain(value):
        return not name.startswith("--")
    if _ASIDE.match(name) and any(_away(part, 300, percent=25) for part in value.split()):
        return True
    if name in ("width", "height") and _away(value, 1200, percent=100):
        return True
    judge = _HIDING.get(_PREFIX.sub("", name))
    return judge is not None and judge(value)


def _is_plain(value: str) -> bool:
    return set(re.findall(r"([\w-]+)\(", value)) <= _PLAIN_FUNCTIONS


def _pulls(part: str) -> bool:
    """Whether one part of a margin reaches over a neighbour; what cannot be known here may do so."""
    known = part in ("auto", "inherit", "initial", "unset", "0") or _pixels(part) != float("inf")
    return _pixels(part, 0) < -60 or not (known or _SHARE.fullmatch(part))


def _away(value: str, pixels: float, *, percent: float) -> bool:
    share = _SHARE.fullmatch(value)
    return abs(float(share[1])) > percent if share else abs(_pixels(value, 0)) > pixels


def could_match(selectors: str) -> bool:
    """Whether a selector could mean an element of the block, or `html` or `body`; in doubt, yes."""
    return any(_one_could_match(selector) for selector in _split(selectors))


def _one_could_match(selector: str) -> bool:
    compound: list[Any] = []
    for token in tinycss2.parse_component_value_list(selector.strip(), skip_comments=True):
        if token.type == "whitespace" or (token.type == "literal" and token.value in (">", "+", "~")):
            compound = []
        else:
            compound.append(token)
    return _compound_could_match(compound)


def _compound_could_match(compound: list[Any]) -> bool:
    before = ""
    for token in compound:
        if token.type == "hash":
            return False
        if token.type == "ident" and before == ".":
            if token.value != BLOCK_CLASS:
                return False
        elif token.type == "ident" and before != ":" and token.value.lower() not in _TARGETS:
            return False
        before = token.value if token.type == "literal" else ""
    return True


def _split(selectors: str) -> list[str]:
    """The selectors of a list; a comma inside brackets or parentheses parts nothing."""
    out: list[str] = [""]
    for token in tinycss2.parse_component_value_list(selectors, skip_comments=True):
        if token.type == "literal" and token.value == ",":
            out.append("")
        else:
            out[-1] += token.serialize()
    return [each for each in out if each.strip()]


def _addresses(nodes: Iterable[Any]) -> Iterator[Address]:
    """Every `url()`, image function or imported text, however deep."""
    for node in nodes:
        kind = node.type
        if kind == "url":
            yield Address(node.source_line, node.value)
        elif kind == "function":
            if node.lower_name in ("url", "image", "image-set", "-webkit-image-set", "src", "cross-fade"):
                yield from (Address(a.source_line, a.value) for a in node.arguments if a.type == "string")
            yield from _addresses(node.arguments)
        elif kind == "at-rule":
            if node.lower_at_keyword == "import":
                yield from (Address(n.source_line, n.value) for n in node.prelude if n.type == "string")
            yield from _addresses(node.prelude)
            yield from _addresses(node.content or ())
        elif kind == "qualified-rule" or kind in ("() block", "[] block", "{} block"):
            yield from _addresses(node.content)
        elif kind == "declaration":
            yield from _addresses(node.value)


def _value(node: Any) -> str:
    return str(tinycss2.serialize(node.value)).strip().lower()


def _number(value: str) -> float:
    found = re.fullmatch(r"(-?\d*\.?\d+)(%?)", value)
    return 1.0 if found is None else float(found[1]) / (100 if found[2] else 1)


def _pixels(value: str, otherwise: float = float("inf")) -> float:
    """A length in pixels; `otherwise` for what is none (percentages of 10 and more, `auto`, …)."""
    found = re.fullmatch(
        r"\+?(-?\d*\.?\d+(?:e[+-]?\d+)?)(px|pt|em|rem|ex|ch|pc|in|cm|mm|vh|vw|vmin|vmax|q|%)?", value
    )
    if found is None:
        return otherwise
    number, unit = float(found[1]), found[2] or "px"
    if unit == "%":
        return otherwise if number >= 10 else number
    scale = {"em": 16, "rem": 16, "in": 96, "cm": 38, "mm": 3.8, "pc": 16, "vh": 8, "vw": 8, "vmin": 8, "vmax": 8,
             "pt": 1.33, "ex": 8, "ch": 8}.get(unit, 1)  # fmt: skip
    return number * scale


def inline(document: dom.Node, css: str) -> None:
    """Write the rules of a style sheet into the `style` of the elements they mean (`mj-style inline="inline"`).

    What an element says itself wins, unless the rule is important; selectors this cannot read are left out.
    """
    for selector, block in rules(css):
        try:
            # Not document.query(): justhtml 3.16 leaves out a `td` inside a `td` for the selector `.a td`.
            found = [element for element in dom.elements(document) if matches(element, selector)]
        except SelectorError:
            continue
        for element in found:
            element.attrs["style"] = _merged(dom.attributes(element).get("style", ""), block)


def _merged(own: str, added: str) -> str:
    kept = {name: (value, important) for name, value, important in declarations(own)}
    for name, value, important in declarations(added):
        if name not in kept or (important and not kept[name][1]):
            kept[name] = (value, important)
    return ";".join(
        f"{name}:{value}{'!important' if important else ''}" for name, (value, important) in kept.items()
    )
