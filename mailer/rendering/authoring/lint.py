"""What authors' MJML and HTML may hold: allow lists of elements and attributes, own hosts, tame CSS (D15, D16, F4).

Looks at each piece as its author wrote it, so that every problem has its file and line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mailer.rendering.authoring import css, dom
from mailer.rendering.authoring.addresses import Addresses, Verdict
from mailer.rendering.authoring.block import BLOCK_CLASS
from mailer.rendering.authoring.conditional import conditional_problem, is_conditional
from mailer.rendering.authoring.markup import Attribute, Element
from mailer.rendering.authoring.tags import Located, Origin, Placeholders
from mailer.rendering.identity import Problem, SiteIdentity

#: HTML elements an author may use.
ELEMENTS: Final = frozenset(
    "a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn div"
    " dl dt"
    " em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q s samp"
    " section small span strike strong style sub sup table tbody td tfoot th thead time tr tt u ul var wbr".split()
)
#: Attributes any of them may have, and those of single elements.
ATTRIBUTES: Final = frozenset(
    "align alt bgcolor border cellpadding cellspacing class color colspan dir face headers height id lang nowrap role"
    " rowspan scope size span style title valign width abbr datetime name hspace vspace vertical-align xml:lang".split()
)
_OF: Final[Mapping[str, frozenset[str]]] = {
    "a": frozenset({"href", "target", "rel", "hreflang"}),
    "img": frozenset({"src", "loading", "decoding"}),
    "ol": frozenset({"start", "type", "reversed"}),
    "ul": frozenset({"type"}),
    "li": frozenset({"value", "type"}),
    "style": frozenset({"type", "media"}),
    "table": frozenset({"background", "summary", "rules", "frame"}),
    "td": frozenset({"background"}),
    "th": frozenset({"background"}),
    "tr": frozenset({"background"}),
}
#: MJML attributes that load something, and those that hold no CSS.
_LOADING: Final = frozenset(
    "src background-url thumbnails-src left-icon right-icon icon-wrapped-url icon-unwrapped-url".split()
)
_FREE: Final = frozenset("href alt title css-class mj-class name rel target id path lang dir".split())
#: Widest that an image without a size of its own is shown, in pixels: Outlook knows no max-width.
_COLUMN: Final = 600
_SHRINKS: Final = "max-width:100%;height:auto"
#: What the MJML compiler takes the icons of social links from.
_ICONS: Final = "https://www.mailjet.com/images/theme/v1/icons/ico-social/"


class Lint:
    """Looks at one message; what it rewrites (addresses of images) it rewrites in place."""

    def __init__(
        self,
        site: SiteIdentity,
        images: Mapping[str, str],
        placeholders: Placeholders,
        *,
        sizes: Mapping[str, tuple[int, int]],
    ) -> None:
        self.addresses = Addresses(site, images, placeholders)
        self._sizes = {images[path]: size for path, size in sizes.items() if path in images}
        self.placeholders = placeholders
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []

    def say(
        self, origin: Origin, rule: str, message: str, remedy: str = "", *, warning: bool = False
    ) -> None:
        """Note one problem."""
        (self.warnings if warning else self.errors).append(origin.problem(rule, message, remedy))

    def verdict(self, verdict: Verdict, origin: Origin) -> str:
        """Note what a verdict says; the address to use."""
        if verdict.rule:
            self.say(origin, verdict.rule, verdict.message, verdict.remedy, warning=verdict.warning)
        return verdict.url

    # MJML

    def mjml(self, tree: Element) -> None:
        """The attributes and style sheets of an MJML document."""
        for element in list(tree.walk()):
            for child in list(element.children):
                if isinstance(child, Element) and child.name == "mj-font":
                    self._font(child)
                    element.children.remove(child)
            if element.name == "mj-style" and element.content is not None:
                self.sheet(element.content)
            if element.name == "mj-social-element":
                self._social(element)
            element.attributes = [self._mjml_attribute(element, each) for each in element.attributes]
            if element.name in ("mj-image", "mj-carousel-image") and element.get("alt") is None:
                element.attributes.append(Attribute("alt", "", element.origin))
                self.say(
                    element.origin, "image.alt", "An image has no alt text.",
                    'Say what it shows, or write alt="" if it is decoration.', warning=True,
                )  # fmt: skip

    def _social(self, element: Element) -> None:
        """The icon of a social link comes from elsewhere unless it is given; its words are the network's name."""
        name = getattr(element.get("name"), "value", "")
        if element.get("src") is None:
            self.verdict(self.addresses.asset(f"{_ICONS}{name}.png"), element.origin)
        if element.get("alt") is None:
            words = name.removesuffix("-noshare").replace("-", " ").title()
            element.attributes.append(Attribute("alt", words, element.origin))

    def _font(self, element: Element) -> None:
        """Web fonts are not sent: their style sheets are external, and few mail programs load them (D16, E13)."""
        href = element.get("href")
        if href is not None:
            self.verdict(self.addresses.asset(href.value), href.origin)
            self.say(
                element.origin, "font.web", "Web fonts are not sent; readers see the next font of the family.",
                "Name a common font after it.", warning=True,
            )  # fmt: skip

    def _mjml_attribute(self, element: Element, attribute: Attribute) -> Attribute:
        name, value = attribute.name.lower(), attribute.value
        if not attribute.quoted:
            for tag in self.placeholders.find(value):
                self.say(
                    attribute.origin, "hole.unquoted", f"`{tag.words}` stands in an attribute without quotes.",
                    f'Write {name}="…".',
                )  # fmt: skip
        if name.startswith("on") or re.search(r"[^a-zA-Z0-9:_-]", name):
            self.say(
                attribute.origin,
                "html.attribute",
                f"The attribute `{name[:40]}` is not available in messages.",
            )
        elif name in _LOADING and (value.strip() or name == "src"):
            value = self.verdict(self.addresses.asset(value), attribute.origin)
        elif name == "href":
            value = self.verdict(self.addresses.link(value), attribute.origin)
        elif name == "css-class" and BLOCK_CLASS in value:
            self.say(attribute.origin, "css.block", "This class belongs to the unsubscribe block.")
        elif name not in _FREE:
            self._mjml_value(element, name, value, attribute.origin)
        return Attribute(attribute.name, value, attribute.origin, attribute.quoted)

    def _mjml_value(self, element: Element, name: str, value: str, origin: Origin) -> None:
        if re.search(r"[;{}<>\\]|/\*|url\s*\(|expression\s*\(", value, re.IGNORECASE):
            self.say(
                origin, "mjml.attribute", f"`{value[:60]}` is not a value for {name} of <{element.name}>."
            )
            return
        findings, _ = css.check_inline(f"{name}:{value}")
        for finding in findings:
            self.say(origin, finding.rule, finding.message, finding.remedy)

    # HTML

    def fragment(self, root: dom.Node, content: Located) -> None:
        """Note the problems of a parsed piece of HTML."""
        for node in list(dom.walk(root)):
            origin = content.origin(getattr(node, "origin_line", None) or 1)
            if dom.is_comment(node):
                self._comment(node, origin)
            elif dom.is_element(node):
                self._element(node, origin, content)

    def _comment(self, node: dom.Node, origin: Origin) -> None:
        data = node.data or ""
        if self.placeholders.statement.fullmatch(data):
            return
        self._held(data, "a comment")
        if not is_conditional(data):
            dom.remove(node)
        elif problem := conditional_problem(node):
            self.say(origin, "html.conditional", problem, "Outlook would hide what follows; close it.")
        else:
            for found in re.finditer(
                r"""(?:src|background|href)\s*=\s*["']?([^"'\s>]+)|url\(\s*["']?([^"')]+)""", data
            ):
                self.verdict(self.addresses.asset(found[1] or found[2]), origin)

    def _element(self, element: dom.Element, origin: Origin, content: Located) -> None:
        name = element.name
        namespace = getattr(element, "namespace", None) or "html"
        if self._held(name, "the name of a tag"):
            return
        if name not in ELEMENTS or namespace != "html":
            self.say(
                origin, "html.element", f"<{name[:40]}> is not available in messages.",
                "Mail programs remove or block it; write it with text, tables and images.",
            )  # fmt: skip
            return
        if name == "style":
            first = max(0, (getattr(element, "origin_line", None) or 1) - 1)
            self.sheet(Located(dom.text_of(element), content.lines[first:] or content.lines))
        for key, value in dom.attributes(element).items():
            self._attribute(element, key, value, origin)
        if name == "img":
            self._image(element, origin)

    def _attribute(self, element: dom.Element, key: str, value: str, origin: Origin) -> None:
        if self._held(key, f"the name of an attribute of <{element.name}>"):
            return
        known = (
            key in ATTRIBUTES or key in _OF.get(element.name, ()) or re.fullmatch(r"(data|aria)-[\w-]+", key)
        )
        if not known:
            self.say(
                origin, "html.attribute",
                f"The attribute `{key[:40]}` of <{element.name}> is not available in messages.",
                "Remove it.",
            )  # fmt: skip
        elif key == "href":
            element.attrs[key] = self.verdict(self.addresses.link(value), origin)
        elif key in ("src", "background"):
            if not self._held(value, f"the attribute {key} of <{element.name}>"):
                element.attrs[key] = self.verdict(self.addresses.asset(value), origin)
        elif key == "class" and BLOCK_CLASS in value:
            self.say(
                origin, "css.block", "This class belongs to the unsubscribe block.", "Choose another name."
            )
        elif key == "style" and not self._held(value, f"the attribute style of <{element.name}>"):
            self._inline(element, value, origin)

    def _held(self, value: str, where: str) -> bool:
        tags = self.placeholders.find(value)
        self.errors += [tag.misplaced(where) for tag in tags]
        return bool(tags)

    def _inline(self, element: dom.Element, value: str, origin: Origin) -> None:
        findings, addresses = css.check_inline(value)
        for finding in findings:
            self.say(origin, finding.rule, finding.message, finding.remedy)
        for address in addresses:
            url = self.verdict(self.addresses.asset(address.url), origin)
            if url != address.url:
                element.attrs["style"] = dom.attributes(element)["style"].replace(address.url, url)
        if css.hides(value):
            self.say(
                origin, "html.hidden", "This text is hidden by its style.",
                "Providers take hidden text for spam (B15); remove it.", warning=True,
            )  # fmt: skip

    def _image(self, element: dom.Element, origin: Origin) -> None:
        attrs = dom.attributes(element)
        if "src" not in attrs:
            self.say(origin, "image.empty", "An image has no address.", "Name a file below images/.")
        if "alt" not in attrs:
            element.attrs["alt"] = ""
            self.say(
                origin, "image.alt", "An image has no alt text.",
                'Say what it shows, or write alt="" if it is decoration.', warning=True,
            )  # fmt: skip
        if attrs.get("width") in ("0", "1") and attrs.get("height") in ("0", "1"):
            self.say(origin, "image.pixel", "This image is one pixel: a tracking pixel (C26).", "Remove it.")
        self._reserve(element)

    def _reserve(self, element: dom.Element) -> None:
        """Give an image that says no size the one of its file, so that the mail does not jump while it loads."""
        attrs = dom.attributes(element)
        width, height = self._sizes.get(attrs.get("src", ""), (0, 0))
        own = attrs.get("style", "")
        if min(width, height) <= 1 or {"width", "height"} & set(attrs) or "width" in own or "height" in own:
            return
        shown = min(width, _COLUMN)
        element.attrs["width"] = str(shown)
        element.attrs["height"] = str(max(1, round(height * shown / width)))
        element.attrs["style"] = ";".join(each for each in (own.strip().rstrip(";"), _SHRINKS) if each)

    def sheet(self, content: Located) -> None:
        """A style sheet."""
        self._held(content.text, "a style sheet")
        findings, addresses = css.check_sheet(content.text)
        for finding in findings:
            self.say(content.origin(finding.line), finding.rule, finding.message, finding.remedy)
        for address in addresses:
            self.verdict(self.addresses.asset(address.url), content.origin(address.line))
        if re.search(r"</|<!--|-->", content.text):
            self.say(
                content.origin(1), "css.syntax", "This style sheet holds HTML.", "Close <style> before it."
            )
