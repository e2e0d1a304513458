"""No author can remove, hide or swallow the unsubscribe block (E3, F3): refuse with the place, or beat it."""

from __future__ import annotations

from functools import cache

import html5lib
import pytest

from mailer.rendering.authoring import dom
from mailer.rendering.authoring.block import BLOCK_CLASS, TEXT_RULE
from mailer.rendering.authoring.finish import outlook_view
from mailer.rendering.errors import RenderError
from mailer.rendering.program import Parts
from tests.rendering.authoring.hostile import CORPUS
from tests.rendering.authoring.world import SITE, UNSUBSCRIBE, VIEW, html, make, text

_XHTML = "{http://www.w3.org/1999/xhtml}"


@cache
def _made(name: str) -> Parts | RenderError:
    kind, source = CORPUS[name]
    try:
        return make(source, kind)
    except RenderError as error:
        return error


@pytest.mark.rule("E3", "F3")
@pytest.mark.parametrize("name", CORPUS)
def test_hostile_messages_are_refused_with_a_place_or_keep_their_block(name: str) -> None:
    made = _made(name)
    if isinstance(made, RenderError):
        first = made.findings[0]
        assert first.path.startswith("campaigns/w47/campaign."), str(first)
        assert first.line is not None, str(first)
        assert first.message.endswith("."), str(first)
        return
    for view in (html(made), outlook_view(html(made))):
        body = dom.first(dom.parse_document(view), "body")
        last = [child for child in dom.children(body) if dom.is_element(child)][-1]
        assert BLOCK_CLASS in dom.attributes(last)["class"]
        links = [dom.attributes(link)["href"] for link in dom.elements(last, "a")]
        assert links == [UNSUBSCRIBE, VIEW, "mailto:privacy@shop.example", SITE.imprint_url]


@pytest.mark.rule("E3")
@pytest.mark.parametrize("name", CORPUS)
def test_a_second_html5_parser_finds_the_block_in_the_same_place(name: str) -> None:
    made = _made(name)
    if isinstance(made, RenderError):
        return
    tree = html5lib.parse(html(made), treebuilder="etree")
    last = list(tree.find(f"{_XHTML}body"))[-1]
    assert last.get("class") == BLOCK_CLASS
    assert next(last.iter(f"{_XHTML}a")).get("href") == UNSUBSCRIBE


@pytest.mark.rule("F3", "E4")
@pytest.mark.parametrize("name", CORPUS)
def test_the_text_part_ends_with_the_block_whatever_the_html_was(name: str) -> None:
    made = _made(name)
    if isinstance(made, RenderError):
        return
    lines = text(made).splitlines()
    assert UNSUBSCRIBE in lines[lines.index(TEXT_RULE) :]


def test_no_hostile_message_ends_in_anything_but_findings() -> None:
    """A traceback would be an answer nobody can act on: `_made` lets nothing but RenderError through."""
    refused = [name for name in CORPUS if isinstance(_made(name), RenderError)]
    assert len(refused) > len(CORPUS) / 2
