"""From a source to its parts: layouts, images, preheader, limits, and every mistake at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mailer.bundled import bundled
from mailer.rendering.authoring import dom
from mailer.rendering.authoring.author import LayoutMissing
from mailer.rendering.errors import RenderError
from mailer.rendering.identity import Body
from tests.rendering.authoring.world import (
    always,
    document,
    html,
    in_text,
    make,
    mjml,
    only,
    refused,
    rules,
    text,
)

IMAGES = {"images/reel.png": "https://news.shop.example/media/0a1b2c.png"}


def _layout(folder: Path, source: str, name: str = "own") -> Path:
    (folder / "email").mkdir(parents=True, exist_ok=True)
    (folder / "email" / f"{name}.mjml").write_text(source, encoding="utf-8")
    return folder


def test_markdown_lands_in_the_layout() -> None:
    written = html(make("# Hello\n\n**bold** words"))
    assert "<strong>bold</strong> words" in written
    assert "Ohm &amp; Volt Weekly</div>" in written


def test_the_styles_of_the_layout_are_written_into_the_elements() -> None:
    """Some mail programs drop <style>; the message must not need it (E10)."""
    heading = dom.first(document(make("# Hello")), "h1")
    assert heading is not None
    assert "font-size:28px" in dom.attributes(heading)["style"]


def test_the_preheader_is_visible_text_at_the_top() -> None:
    """B15: no hidden text."""
    made = make("# Hello", preheader="Short and true")
    assert text(made).startswith("Short and true\n")
    assert "display:none" not in html(make("# Hello")).replace("display:none!important", "")


@pytest.mark.rule("B15")
def test_the_preview_line_of_an_mjml_document_is_hidden_without_the_means_of_spam() -> None:
    """Letters in the colour of the page, one pixel high, fully transparent: filters count each."""
    source = mjml("<mj-section/>", "<mj-preview>Short and true</mj-preview>")
    (line,) = [
        each
        for each in dom.elements(document(make(source, "mjml")), "div")
        if dom.text_of(each) == "Short and true" and "display:none;" in dom.attributes(each).get("style", "")
    ]
    style = dom.attributes(line)["style"]
    assert "mso-hide:all" in style
    assert not [word for word in ("color", "opacity", "font-size", "line-height") if word in style]


@pytest.mark.rule("B15")
def test_the_preview_line_is_no_part_of_the_text() -> None:
    source = mjml(
        "<mj-section><mj-column><mj-text>Hello</mj-text></mj-column></mj-section>",
        "<mj-preview>Short and true</mj-preview>",
    )
    assert "Short and true" not in text(make(source, "mjml"))


def test_merge_fields_work_in_subject_and_preheader() -> None:
    made = make("x", subject="For {{ first_name }}", preheader="Dear {{ first_name }}")
    assert "Dear Ada" in html(made, always, **{"subscriber.first_name": "Ada"})
    assert "<title>For Ada</title>" in html(made, always, **{"subscriber.first_name": "Ada"})


def test_front_matter_is_known_as_campaign() -> None:
    made = make("{% for part in campaign.parts %}\n- {{ part.name }}: {{ part.price }} €\n{% endfor %}",
                campaign={"parts": [{"name": "10 k<Ω>", "price": 1}, {"name": "47 µF", "price": 2}]})  # fmt: skip
    assert "- 10 k<Ω>: 1 €\n- 47 µF: 2 €\n" in text(made)
    assert "10 k&lt;Ω&gt;" in html(made)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("site.name", "Ohm & Volt"), ("list.title", "Ohm & Volt Weekly"), ("list.frequency", "every Friday"),
     ("campaign.slug", "w47"), ("language", "en"), ("subject", "Week 47")],
)  # fmt: skip
def test_what_is_known_when_compiling(name: str, shown: str) -> None:
    assert f"<p>X{shown.replace('&', '&amp;')}X</p>" in html(make("X{{ " + name + " }}X")).replace(
        '<p style="margin:0 0 16px">', "<p>"
    )


def test_images_of_the_campaign_get_their_public_address() -> None:
    written = html(make("![A reel](images/reel.png)", images=IMAGES))
    assert 'src="https://news.shop.example/media/0a1b2c.png"' in written
    body = mjml("<mj-section background-url='images/reel.png'><mj-column><mj-image src='images/reel.png' alt='x'/>"
                "</mj-column></mj-section>")  # fmt: skip
    assert html(make(body, "mjml", images=IMAGES)).count("/media/0a1b2c.png") >= 2


def test_an_image_that_is_not_there_is_named_with_its_line() -> None:
    problem = only("one\n\n![x](images/real.png)", images=IMAGES)
    assert (problem.rule, problem.line, problem.remedy) == (
        "image.missing",
        3,
        "Did you mean images/reel.png?",
    )


def test_lines_count_from_the_front_matter() -> None:
    problem = only("one\n\n![x](images/nope.png)", first_line=9)
    assert problem.line == 11


# layouts


@pytest.mark.parametrize(
    "place",
    [
        "{{ content }}",
        "<mj-wrapper>{{ content }}</mj-wrapper>",
        "<mj-section>{{ content }}</mj-section>",
        "<mj-section><mj-column>{{ content }}</mj-column></mj-section>",
        "<mj-section><mj-column><mj-text>before {{ content }} after</mj-text></mj-column></mj-section>",
    ],
)
def test_content_may_stand_at_any_level_of_a_layout(place: str, tmp_path: Path) -> None:
    made = make("# WORDS", layout="own", dirs=(_layout(tmp_path, mjml(place)),))
    assert "<h1>WORDS</h1>" in html(made)
    assert made.warnings == ()


def test_a_layout_of_the_site_shadows_the_bundled_one(tmp_path: Path) -> None:
    top = "<mj-section><mj-column><mj-text>OURS</mj-text></mj-column></mj-section>"
    folder = _layout(tmp_path, mjml(f"{top}{{{{ content }}}}"), "default")
    assert "OURS" in html(make("x", dirs=(folder,)))


def test_a_layout_without_a_place_gets_the_content_last_and_a_warning(tmp_path: Path) -> None:
    folder = _layout(tmp_path, in_text("TOP"))
    made = make("WORDS", layout="own", dirs=(folder,))
    assert text(made).startswith("TOP\n\nWORDS\n")
    assert [each.rule for each in made.warnings] == ["layout.content"]


def test_a_whole_mjml_message_needs_no_layout() -> None:
    assert "Weekly</div>" not in html(make(in_text("words"), "mjml"))


def test_sections_of_mjml_go_between_the_sections_of_a_layout(tmp_path: Path) -> None:
    folder = _layout(
        tmp_path, mjml("{{ content }}<mj-section><mj-column><mj-text>END</mj-text></mj-column></mj-section>")
    )
    section = "<mj-section><mj-column><mj-text>WORDS</mj-text></mj-column></mj-section>"
    assert text(make(section, "mjml", layout="own", dirs=(folder,))).startswith("WORDS\n\nEND\n")


def test_sections_do_not_fit_into_a_text_of_a_layout() -> None:
    problems = refused("<mj-section></mj-section>", "mjml", layout="plain")
    assert rules(problems) == {"layout.content"}
    assert problems[0].path == "templates/email/plain.mjml"


def test_an_unknown_layout_is_answered_with_the_known_ones() -> None:
    with pytest.raises(LayoutMissing) as caught:
        make("x", layout="fancy")
    assert "There are: default, plain." in str(caught.value)


@pytest.mark.parametrize(
    "name", ["../secrets", "system/confirmation", "/etc/passwd", "a/../b", "", "Default", "x" * 99]
)
def test_a_layout_name_is_not_a_path(name: str) -> None:
    with pytest.raises(LayoutMissing):
        make("x", layout=name)


def test_problems_of_a_layout_name_the_layout(tmp_path: Path) -> None:
    folder = _layout(tmp_path, "<mjml>\n<mj-body>\n{{ nope }}{{ content }}</mj-body></mjml>")
    problem = only("x", layout="own", dirs=(folder,))
    assert (problem.path, problem.line) == ("templates/email/own.mjml", 3)


def test_a_layout_that_is_no_mjml_is_refused(tmp_path: Path) -> None:
    problem = only("x", layout="own", dirs=(_layout(tmp_path, "<!-- nothing -->"),))
    assert problem.rule == "layout.mjml"


@pytest.mark.parametrize("name", ["default", "plain"])
@pytest.mark.rule("E2", "E9", "E5", "E10")
def test_the_bundled_layouts_are_sound(name: str) -> None:
    made = make("# Hello\n\nwords", layout=name)
    root = document(made)
    metas = {
        dom.attributes(each).get("name", ""): dom.attributes(each).get("content")
        for each in dom.elements(root, "meta")
    }
    assert metas["color-scheme"] == metas["supported-color-schemes"] == "light dark"
    assert "user-scalable" not in str(metas["viewport"])
    assert "maximum-scale" not in str(metas["viewport"])
    assert {dom.attributes(each).get("role") for each in dom.elements(root, "table")} == {"presentation"}
    assert len(list(dom.elements(root, "h1"))) == 1
    assert "max-width:600px" in html(made)
    assert made.warnings == ()
    assert len(html(made).encode()) < 25_000


def test_there_are_two_layouts_and_one_system_message() -> None:
    folder = bundled("templates") / "email"
    assert sorted(path.stem for path in folder.glob("*.mjml")) == ["default", "plain"]
    assert [path.stem for path in (folder / "system").glob("*.mjml")] == ["confirmation"]


# bad input


def test_every_mistake_is_found_at_once() -> None:
    body = "{{ nope }}\n\n{% macro x() %}\n"
    assert {each.line for each in refused(body)} == {1, 3}
    body = "<script>x</script>\n\n![x](https://evil.example/a.png)\n\n<p onclick='x' style='position:fixed'>a</p>\n"
    assert rules(refused(body)) == {"html.element", "image.foreign-host", "html.attribute", "css.position"}


def test_a_finding_reads_like_a_compiler_s() -> None:
    with pytest.raises(RenderError) as caught:
        make("one\n\n{{ subscriber.frist_name }}")
    assert str(caught.value).startswith(
        "campaigns/w47/campaign.md:3: `subscriber.frist_name` is not a merge field"
    )
    assert str(caught.value).endswith("[template.merge-field]")


@pytest.mark.rule("D14")
def test_a_message_that_loops_for_ever_ends_with_one_sentence() -> None:
    started = time.monotonic()
    problem = only("x\n\n{% for a in range(20000) %}{% for b in range(20000) %}.{% endfor %}{% endfor %}")
    assert problem.message == "The template loops more than 20000 times. Shorten its loops."
    assert time.monotonic() - started < 10


def test_a_body_of_ten_megabytes_is_refused_at_once() -> None:
    started = time.monotonic()
    problem = only("word " * 2_000_000)
    assert problem.rule == "source.size"
    assert "10000 KB" in problem.message
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x0b", "\x1b", "\x85\x84", "\ue000", "\ue002"])
def test_control_characters_are_named_with_their_line(character: str) -> None:
    problem = only(f"one\ntwo {character}")
    assert (problem.rule, problem.line) == ("source.control", 2)


@pytest.mark.rule("A29")
@pytest.mark.parametrize("field", ["subject", "preheader"])
@pytest.mark.parametrize(
    "character", ["\r", "\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x00"]
)
def test_a_subject_or_preheader_is_one_line(field: str, character: str) -> None:
    problem = only("x", **{field: f"a{character}Bcc: b"})
    assert problem.rule == f"{field}.line-break"


def test_windows_line_ends_change_nothing() -> None:
    body = "# One\n\n{% if first_name %}\ntwo\n{% endif %}\n"
    assert make(body) == make(body.replace("\n", "\r\n"))


def test_a_value_that_is_missing_in_the_front_matter_is_named_with_its_line() -> None:
    problem = only("one\n\n{{ campaign.price }}", campaign={})
    assert (problem.rule, problem.line) == ("template.run", 3)
    assert "price" in problem.message


@pytest.mark.parametrize(
    "expression", ["1 // 0", "[1][5]", "'a' + 1", "campaign.slug | round", "'x' | int | sort"]
)
def test_an_expression_that_fails_is_a_finding_with_a_line(expression: str) -> None:
    problem = only("one\n\n{{ " + expression + " }}")
    assert (problem.rule, problem.line) == ("template.run", 3)


def test_broken_mjml_is_named_with_its_line() -> None:
    body = "<mjml>\n<mj-body>\n<mj-section>\n<mj-colum>\n</mj-colum>\n</mj-section>\n</mj-body>\n</mjml>"
    problem = only(body, "mjml")
    assert (problem.line, problem.remedy) == (4, "Did you mean <mj-column>?")


def test_html_inside_mj_text_need_not_be_xml() -> None:
    made = make(in_text("a<br>b & c <p>d<p>e <img src='images/reel.png'> 1 < 2"), "mjml", images=IMAGES)
    assert "a<br>b &amp; c" in html(made)
    assert "1 &lt; 2" in html(made)


def test_warnings_come_with_the_parts() -> None:
    made = make(
        "![](images/reel.png)\n\n<img src='images/reel.png'>\n\n[x](http://a.example/) [y](z)", images=IMAGES
    )
    assert [(each.rule, each.line) for each in made.warnings] == [
        ("image.alt", 3),
        ("link.http", 5),
        ("link.relative", 5),
    ]


def test_an_author_s_text_part_is_checked_like_the_rest() -> None:
    own = Body("fine\n{{ subscriber.nope }}", "text", "campaigns/w47/campaign.txt")
    problem = only("x", text_body=own)
    assert (problem.path, problem.line) == ("campaigns/w47/campaign.txt", 2)
