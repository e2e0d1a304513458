"""Which style declarations reach which element of a final HTML part: HTML 5 parsing and the CSS cascade.

Enough of CSS for judging mail: selectors by cssselect2, importance, specificity and order, `style`
attributes, media by a predicate. Nothing is inherited here; that depends on the property.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any
from xml.etree import ElementTree

import tinycss2
from cssselect2 import ElementWrapper, Matcher, SelectorError, compile_selector_list
from justhtml import Element, JustHTML, Text

_Weight = tuple[bool, bool, tuple[int, ...], int]
_Declaration = tuple[str, str, bool]  # name, value, importance


def not_print(query: str) -> bool:
    """Every medium but paper."""
    return query != "print"


class Styles:
    """One HTML part and the declarations of the properties one is interested in."""

    def __init__(
        self, html: str, properties: Iterable[str], *, media: Callable[[str], bool] = not_print
    ) -> None:
        """`media` says of a media query, in small letters, whether its rules count."""
        self._properties = frozenset(properties)
        self._media = media
        self._matcher: Any = Matcher()
        document = JustHTML(html, sanitize=False, scripting_enabled=False).root
        root = next((child for child in document.children or () if isinstance(child, Element)), None)
        tree = ElementTree.Element("html") if root is None else _element(root)
        #: The `html` element, as cssselect2 walks it.
        self.root: Any = ElementWrapper.from_html_root(tree)
        for style in tree.iter("style"):
            self._add_rules(
                tinycss2.parse_stylesheet(style.text or "", skip_comments=True, skip_whitespace=True)
            )

    def declared(self, wrapper: Any) -> dict[str, str]:
        """Property -> value that wins on this element, in small letters."""
        won: dict[str, tuple[_Weight, str]] = {}
        for specificity, order, _, declarations in self._matcher.match(wrapper):
            for name, value, important in declarations:
                _consider(won, name, value, (important, False, specificity, order))
        for name, value, important in _of_attribute(
            wrapper.etree_element.attrib.get("style", ""), self._properties
        ):
            _consider(won, name, value, (important, True, (), 0))
        return {name: value for name, (_, value) in won.items()}

    def _add_rules(self, rules: list[Any]) -> None:
        for rule in rules:
            if rule.type == "qualified-rule":
                declarations = _declarations(rule.content, self._properties)
                if declarations:
                    self._add_selectors(rule.prelude, declarations)
            elif rule.type == "at-rule" and rule.content is not None:
                self._add_conditional(rule)

    def _add_conditional(self, rule: Any) -> None:
        query = tinycss2.serialize(rule.prelude).strip().lower()
        counts = rule.lower_at_keyword == "supports" or (
            rule.lower_at_keyword == "media" and self._media(query)
        )
        if counts:
            self._add_rules(tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True))

    def _add_selectors(self, prelude: list[Any], declarations: list[_Declaration]) -> None:
        try:
            selectors = compile_selector_list(prelude)
        except SelectorError:
            return  # a browser drops the rule as well
        add = partial(self._matcher.add_selector, payload=declarations)
        for selector in selectors:
            if selector.pseudo_element is None:
                add(selector)


@lru_cache(maxsize=4096)
def _of_attribute(style: str, properties: frozenset[str]) -> tuple[_Declaration, ...]:
    """Layout tools write the same few `style` attributes hundreds of times."""
    return tuple(_declarations(style, properties))


def _declarations(content: Any, properties: frozenset[str]) -> list[_Declaration]:
    nodes = tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True)
    return [
        (node.lower_name, tinycss2.serialize(node.value).strip().lower(), node.important)
        for node in nodes
        if node.type == "declaration" and node.lower_name in properties
    ]


def _consider(won: dict[str, tuple[_Weight, str]], name: str, value: str, weight: _Weight) -> None:
    if name not in won or won[name][0] <= weight:
        won[name] = (weight, value)


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
        elif isinstance(child, Element):
            last = _element(child)
            made.append(last)
    return made
