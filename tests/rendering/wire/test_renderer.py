"""From a source on disk to bytes that pass the gate: authoring and wire together."""

from __future__ import annotations

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import pytest

from mailer.addresses import Mailbox
from mailer.bundled import bundled
from mailer.rendering import CompiledMessage, Gate, Renderer, RenderError
from mailer.rendering.identity import Body, ListIdentity, MessageSource
from mailer.site import SiteFolder
from tests.rendering.wire.cast import FIELDS, SENDER, SITE, WEEKLY, recipient

MARKDOWN = """# Hello {{ subscriber.first_name | default("there") }}

New *parts* and [a circuit](https://shop.example/c?name={{ subscriber.city }}).

{% if subscriber.vip %}
Thank you for {{ subscriber.points }} points.
{% else %}
Collect points.
{% endif %}
"""


def source(
    body: str = MARKDOWN, *, subject: str = "Hi {{ subscriber.first_name }}", language: str = "en"
) -> MessageSource:
    return MessageSource(
        slug="week-47",
        subject=subject,
        preheader="What is new on the shelves, and one circuit worth building.",
        language=language,
        body=Body(body, "markdown", "campaigns/week-47/campaign.md", 6),
    )


@pytest.fixture
def renderer(tmp_path: Path) -> Renderer:
    folder = SiteFolder(tmp_path)
    return Renderer(template_dirs=[folder.templates, bundled("templates")], site=SITE, fields=FIELDS)


def passed(message: CompiledMessage, **fields: object) -> EmailMessage:
    who = recipient(dict(fields))
    filled = message.fill(who)
    Gate().check(filled, message.message_class, expected=message.expected(who))
    return BytesParser(EmailMessage, policy=policy.SMTP).parsebytes(filled.data)


@pytest.mark.rule("F3", "E3", "E4")
@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("vip", [True, False])
def test_a_campaign_passes_the_gate_in_every_language_and_branch(
    renderer: Renderer, language: str, vip: bool
) -> None:
    parsed = passed(renderer.compile(source(language=language), WEEKLY), first_name="Ada", vip=vip, points=7)
    text = parsed.get_body(("plain",))
    assert text is not None
    assert ("Thank you for 7 points." in text.get_content()) is vip
    assert parsed["Subject"] == "Hi Ada"
    assert parsed["Content-Language"] == language


@pytest.mark.rule("A90")
def test_a_proof_passes_its_own_check(renderer: Renderer) -> None:
    parsed = passed(renderer.compile(source(), WEEKLY, message_class="proof"), first_name="Ada")
    assert parsed["Subject"] == "[Proof] Hi Ada"


@pytest.mark.rule("C6", "D10")
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_confirmation_passes_the_gate(renderer: Renderer, language: str) -> None:
    parsed = passed(renderer.compile_confirmation(language=language, list_=WEEKLY))
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in parsed


@pytest.mark.rule("D15")
def test_a_merge_value_in_a_link_is_one_component(renderer: Renderer) -> None:
    message = renderer.compile(source(), WEEKLY)
    html = message.html(recipient({"city": 'a&b="/#?'}))
    assert 'href="https://shop.example/c?name=a%26b%3D%22%2F%23%3F"' in html


@pytest.mark.rule("A33")
def test_lines_of_plain_letters_need_no_soft_break(renderer: Renderer) -> None:
    """A text part that was filled to its width is read in the raw message as it was written."""
    body = "# News\n\n" + "Every word of this stands in a line that is as long as it may be. " * 20
    filled = renderer.compile(source(body, subject="News"), WEEKLY).fill(recipient())
    text = filled.data.decode().split("\r\n--=_")[1]
    lines = [line for line in text.split("\r\n") if "word" in line or "may be" in line]
    assert len(lines) > 10
    assert not [line for line in lines if line.endswith("=")]


def test_compiling_twice_gives_the_same_hash(renderer: Renderer) -> None:
    assert renderer.compile(source(), WEEKLY).hash == renderer.compile(source(), WEEKLY).hash


@pytest.mark.rule("A29")
def test_a_name_that_would_break_a_header_is_a_render_error(renderer: Renderer) -> None:
    broken = ListIdentity("weekly", "Ohm Weekly", "weekly.lists\r\nBcc: x", SENDER)
    with pytest.raises(RenderError, match="List-Id"):
        renderer.compile(source(), broken)
    sender = ListIdentity(
        "weekly", "Ohm Weekly", "weekly.lists.shop.example", Mailbox("a\r\nBcc: x", SENDER.address)
    )
    with pytest.raises(RenderError, match="From"):
        renderer.compile(source(), sender)


@pytest.mark.parametrize(
    "body",
    [
        "# {{ subscriber.shoe_size }}\n",
        "{{ subscriber }}\n",
        "{{ subscriber.city.__class__ }}\n",
        "{{ open }}",
    ],
)
def test_what_cannot_be_merged_is_refused_with_its_place(renderer: Renderer, body: str) -> None:
    with pytest.raises(RenderError) as error:
        renderer.compile(source(body), WEEKLY)
    assert error.value.findings[0].path == "campaigns/week-47/campaign.md"
    assert error.value.findings[0].line == 6
