"""Whatever is written: findings or a message with its block; and no choice of a reader's takes it away (F3, law 4)."""

from __future__ import annotations

import hashlib

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.rendering.authoring.block import BLOCK_CLASS
from mailer.rendering.authoring.finish import outlook_view
from mailer.rendering.errors import RenderError
from mailer.rendering.program import Parts
from tests.rendering.authoring.world import UNSUBSCRIBE, html, make, mjml, text

_HTML = [
    "<div>", "</div>", "<table>", "</table>", "<tr>", "<td>", "</td>", "<p>", "</p>", "<a href='https://a.example/'>",
    "</a>", "<b>", "</i>", "words ", "\n\n", "<!-- x -->", "<!--[if mso]>", "<![endif]-->", "<!--[if !mso]><!-->",
    "<!--<![endif]-->", "<style>.x{color:red}</style>", "<div style='display:none'>", "|a|b|\n|-|-|\n",
    "<div style='height:0;overflow:hidden'>", "- item\n", "> said\n", "# One\n", "`code`", "&lt;", "<br>", "<li>",
    "<ul>", "</ul>", "<center>", "<font size=1>",
]  # fmt: skip
_JINJA = [
    "{% if first_name %}", "{% elif country %}", "{% else %}", "{% endif %}", "{{ first_name }}", "{{ country }}",
    "{% for n in [1, 2] %}", "{% endfor %}", "{{ unsubscribe_url }}",
]  # fmt: skip
_MJML = [
    "<mj-section>", "</mj-section>", "<mj-column>", "</mj-column>", "<mj-text>", "</mj-text>", "<mj-raw>", "</mj-raw>",
    "<mj-wrapper>", "</mj-wrapper>", "<mj-table>", "</mj-table>", "<mj-button href='https://a.example/'>",
    "</mj-button>", "<mj-spacer />", "<mj-divider />", "<mj-group>", "</mj-group>", "<mj-hero>", "</mj-hero>",
]  # fmt: skip


def _made(body: str, kind: str) -> Parts | None:
    try:
        return make(body, kind)
    except RenderError as error:
        assert_findings(error)
        return None


def assert_findings(error: RenderError) -> None:
    """Each finding says something."""
    assert error.findings
    assert all(each.message for each in error.findings)


def _answer(seed: str, condition: str) -> bool:
    return hashlib.sha256(f"{seed}{condition}".encode()).digest()[0] % 2 == 0


def _has_block(written: str) -> bool:
    body = html5lib.parse(written, treebuilder="etree", namespaceHTMLElements=False).find("body")
    last = list(body)[-1]
    return last.get("class") == BLOCK_CLASS and next(last.iter("a")).get("href") == UNSUBSCRIBE


@pytest.mark.rule("E3", "F3")
@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(_HTML + _JINJA), max_size=20), st.text("ab", min_size=2, max_size=4))
def test_any_markdown_ends_in_findings_or_in_a_message_with_its_block(pieces: list[str], seed: str) -> None:
    made = _made("".join(pieces), "markdown")
    if made is None:
        return
    written = html(made, lambda condition: _answer(seed, condition), **{"subscriber.first_name": "A"})
    assert _has_block(written)
    assert _has_block(outlook_view(written))
    assert UNSUBSCRIBE in text(made, lambda condition: _answer(seed, condition)).split("\n")


@pytest.mark.rule("E3", "F3")
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(_MJML + _JINJA + _HTML[:14]), max_size=20), st.text("ab", min_size=2, max_size=4)
)
def test_any_mjml_ends_in_findings_or_in_a_message_with_its_block(pieces: list[str], seed: str) -> None:
    made = _made(mjml("".join(pieces)), "mjml")
    if made is None:
        return
    written = html(made, lambda condition: _answer(seed, condition))
    assert _has_block(written)
    assert _has_block(outlook_view(written))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["section", "column", "text"]), min_size=1, max_size=3))
def test_sound_mjml_with_choices_at_any_level_is_made(levels: list[str]) -> None:
    """The generators above mostly make nonsense; these are always whole."""
    inner = "<mj-text>WORDS</mj-text>"
    inner = f"{{% if first_name %}}{inner}{{% endif %}}" if "text" in levels else inner
    inner = f"<mj-column>{inner}</mj-column>"
    inner = f"{{% if country %}}{inner}{{% endif %}}" if "column" in levels else inner
    inner = f"<mj-section>{inner}</mj-section>"
    inner = f"{{% if orders > 1 %}}{inner}{{% endif %}}" if "section" in levels else inner
    made = make(mjml(inner), "mjml")
    assert "WORDS" in html(made)
    assert "WORDS" not in html(made, lambda condition: False)
    assert _has_block(outlook_view(html(made)))
    assert _has_block(outlook_view(html(made, lambda condition: False)))


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=80))
def test_any_plain_text_is_a_message(words: str) -> None:
    """Names and prose come from everywhere; only control characters and Jinja are refused."""
    made = _made(words, "markdown")
    if made is not None:
        assert _has_block(html(made))


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_subject_and_preheader_end_in_findings_or_in_a_message(subject: str, preheader: str) -> None:
    try:
        made = make("x", subject=subject, preheader=preheader)
    except RenderError as error:
        assert_findings(error)
        return
    assert _has_block(html(made))
