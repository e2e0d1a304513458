"""The unsubscribe block: written by the product, put last into every campaign, out of the author's reach.

Every declaration is inline and `!important`, which beats any rule of a style sheet; the few things
that could still cover or clip it are refused in authors' CSS (`css.py`). One dark panel with light
text serves light and dark mail programs alike: inline `!important` colours cannot follow a scheme.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Final

from mailer.rendering.authoring import dom
from mailer.rendering.authoring.text import WIDTH
from mailer.rendering.identity import ListIdentity, SiteIdentity
from mailer.wording import Wording, wording

#: Class of the block's outermost element, unknown to authors' CSS (which may not select it).
BLOCK_CLASS: Final = "mailer-way-out"
# Not "-- ", the signature mark of RFC 3676 4.3: mail programs grey out or fold away what follows it.
TEXT_RULE = "-" * 40
BACKGROUND: Final = "#262b33"
TEXT: Final = "#d9dee6"  # 10.5:1 on the background
LINK: Final = "#ffffff"  # 14.2:1

_RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "he", "ur", "yi", "ps", "sd", "ug", "dv", "ckb"})
FONT: Final = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"

#: What no style sheet may take away from any element of the block, nor from `html` and `body` around it.
_STAY: Final = (
    "visibility:visible;opacity:1;float:none;clip-path:none;transform:none;filter:none;height:auto;max-height:none;"
    "overflow:visible;animation:none;transition:none;"
)
_ANCESTOR: Final = f"display:block;position:static;{_STAY}"


#: `flow-root` keeps margins and floats inside; who does not know it takes the plain block.
_AROUND: Final = (
    f"display:block;display:flow-root;position:static;margin:0;padding:0;border:0;width:auto;{_STAY}"
)
#: What no font, line or spacing named for all paragraphs and links may change.
_READABLE: Final = "font-family:inherit;line-height:inherit;"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the block: words, then perhaps a link that may be a placeholder."""

    words: str
    label: str = ""
    href: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Links:
    """The placeholders of the recipient's links, one for each place they stand in."""

    unsubscribe: str
    view: str


def direction(language: str) -> str:
    """`rtl` or `ltr` of a language tag."""
    return "rtl" if language.replace("_", "-").split("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"


def campaign_lines(list_: ListIdentity, site: SiteIdentity, language: str, links: Links) -> list[Line]:
    """What every campaign says: why, how to leave, how to view, who sends, whom to ask."""
    words = wording(language)
    return [
        Line(words.text("block.why", list=list_.title, site=site.name)),
        Line(
            words.text("block.leave"),
            words.text("block.leave_link", list=list_.title),
            links.unsubscribe,
            strong=True,
        ),
        Line(words.text("block.view"), words.text("block.view_link"), links.view),
        *identity_lines(site, words),
    ]


def confirmation_lines(site: SiteIdentity, language: str, not_me: str) -> list[Line]:
    """What a confirmation mail says below its question: how to stop for good, who sends, whom to ask (C6, D10)."""
    words = wording(language)
    return [
        Line(words.text("mail.confirm.ignore")),
        Line(words.text("mail.confirm.not_me"), words.text("mail.confirm.not_me_link"), not_me),
        *identity_lines(site, words),
    ]


def identity_lines(site: SiteIdentity, words: Wording) -> list[Line]:
    """Who sends, by law: legal name, postal address, privacy contact, imprint (C12, C13, F7)."""
    lines = [
        Line(
            words.text(
                "block.sender", legal_name=site.legal_name, postal_address=", ".join(site.postal_lines)
            )
        ),
        Line(words.text("block.privacy"), site.privacy_contact, f"mailto:{site.privacy_contact}"),
    ]
    if site.imprint_url:
        lines.append(Line("", words.text("block.imprint_link"), site.imprint_url))
    return lines


def inject(document: dom.Node, lines: list[Line], language: str, *, name: str = "block.name") -> None:
    """Put the block last into the body, once, and make its ancestors show it."""
    for element in list(dom.elements(document)):
        if BLOCK_CLASS in dom.attributes(element).get("class", ""):
            dom.remove(element)
    body = dom.first(document, "body")
    html = dom.first(document, "html")
    assert body is not None  # an HTML5 parse always makes both
    assert html is not None
    for ancestor in (html, body):
        style = dom.attributes(ancestor).get("style", "").strip().rstrip(";")
        ancestor.attrs["style"] = (style + ";" if style else "") + _important(_ANCESTOR)
    _enclose(body, language)
    body.append_child(_panel(lines, language, name))


def _enclose(body: dom.Element, language: str) -> None:
    """Put all that was written into one box: margins below nothing in it can pull the block off the page."""
    attributes = {"lang": language, "dir": direction(language), "style": _important(_AROUND)}
    around = dom.make("div", attributes)
    for child in dom.children(body):
        body.remove_child(child)
        around.append_child(child)
    body.append_child(around)


def as_text(lines: list[Line]) -> str:
    """The block of the text part: each link alone on its line (E4, E11)."""
    out = [TEXT_RULE]
    for line in lines:
        if line.href.startswith("mailto:"):
            out += textwrap.wrap(f"{line.words} {line.label}", WIDTH)
        elif line.href:
            out += [
                "",
                *textwrap.wrap(line.words, WIDTH),
                *textwrap.wrap(f"{line.label}:", WIDTH),
                line.href,
            ]
        else:
            out += ["", *textwrap.wrap(line.words, WIDTH)]
    return "\n".join(out) + "\n"


def _panel(lines: list[Line], language: str, name: str) -> dom.Element:
    way = direction(language)
    panel = dom.make(
        "div",
        {
            "class": BLOCK_CLASS, "role": "contentinfo", "aria-label": wording(language).text(name),
            "lang": language, "dir": way,
            "style": _important(
                f"display:block;position:relative;z-index:2147483647;clear:both;direction:{way};margin:0;border:0;"
                f"padding:28px 20px 18px;width:auto;max-width:none;background:none;background-color:{BACKGROUND};"
                f"color:{TEXT};font:normal 13px/1.6 {FONT};text-align:center;text-indent:0;{_STAY}"
            ),
        },
    )  # fmt: skip
    for line in lines:
        panel.append_child(_paragraph(line))
    return panel


def _paragraph(line: Line) -> dom.Element:
    size = "15px" if line.strong else "13px"
    style = (
        "display:block;position:static;margin:0 auto 10px;padding:0;max-width:560px;background:none;"
        f"color:{TEXT};font-size:{size};text-decoration:none;"
    )
    if not line.href:
        style += "text-wrap:balance;"  # no last line of one word, where a program knows how
    paragraph = dom.make("p", {"style": _important(style + _READABLE + _STAY)})
    if line.words:
        paragraph.append_child(dom.Text(line.words + (" " if line.label else "")))
    if line.href:
        padding = "12px 4px" if line.strong else "3px 2px"
        style = (
            f"display:inline-block;position:static;padding:{padding};background:none;color:{LINK};font-size:{size};"
            f"font-weight:{'bold' if line.strong else 'normal'};text-decoration:underline;"
        )
        paragraph.append_child(
            dom.make("a", {"href": line.href, "style": _important(style + _READABLE + _STAY)}, line.label)
        )
    return paragraph


def _important(declarations: str) -> str:
    parts = [part.strip() for part in declarations.split(";") if part.strip()]
    return ";".join(f"{part}!important" for part in parts)
