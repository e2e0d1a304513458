"""The mail that asks whether a sign-up was meant: complete, without any advertising (C6, D10)."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from mailer.bundled import bundled
from mailer.rendering.authoring import dom
from mailer.rendering.authoring.author import author_confirmation
from mailer.rendering.errors import RenderError
from mailer.rendering.program import Parts, values
from mailer.wording import wording
from tests.rendering.authoring.world import LINKS, SITE, WEEKLY, document, fill, html, text


def _parts(language: str = "en", *dirs: Path, frequency: str = "every Friday") -> Parts:
    list_ = dataclasses.replace(WEEKLY, frequency=frequency)
    return author_confirmation(
        language=language, list_=list_, site=SITE, template_dirs=[*dirs, bundled("templates")]
    )


@pytest.mark.rule("C6", "D10", "C2")
@pytest.mark.parametrize("language", ["en", "de"])
def test_it_says_who_why_what_until_when_and_how_to_stop_it(language: str) -> None:
    made = _parts(language)
    words = wording(language)
    said = {
        "list": WEEKLY.title,
        "site": SITE.name,
        "legal_name": SITE.legal_name,
        "frequency": "every Friday",
    }
    for part in (dom.text_of(dom.first(document(made), "body")), text(made)):
        squeezed = " ".join(part.split())
        for key in ("title", "why", "what", "button", "ignore", "not_me", "not_me_link"):
            assert words.text(f"mail.confirm.{key}", **said) in squeezed
        assert words.text("mail.confirm.expires", expires=LINKS["expires_at"]) in squeezed
        assert "Lötstraße 12, 10115 Berlin, Germany" in squeezed
        assert "privacy@shop.example" in squeezed


@pytest.mark.rule("C6")
def test_it_links_to_confirming_blocking_privacy_and_imprint_and_nothing_else() -> None:
    links = [dom.attributes(each)["href"] for each in dom.elements(document(_parts()), "a")]
    assert links == [
        LINKS["confirm_url"],
        LINKS["not_me_url"],
        "mailto:privacy@shop.example",
        SITE.imprint_url,
    ]


@pytest.mark.rule("C6")
def test_it_holds_no_picture_and_no_unsubscribe_link() -> None:
    made = _parts()
    assert not list(dom.elements(document(made), "img"))
    assert "unsubscribe_url" not in {hole.expression for hole in values(made.html)}


@pytest.mark.rule("E11")
def test_the_links_stand_alone_on_their_lines_in_the_text_part() -> None:
    lines = text(_parts()).split("\n")
    assert LINKS["confirm_url"] in lines
    assert LINKS["not_me_url"] in lines


def test_a_list_without_a_frequency_says_nothing_of_it() -> None:
    assert "()" not in text(_parts(frequency=""))


def test_the_subject_names_the_list() -> None:
    assert fill(_parts().subject) == "Please confirm: Ohm & Volt Weekly"
    assert fill(_parts("de").subject) == "Bitte bestätigen: Ohm & Volt Weekly"


@pytest.mark.rule("E10")
def test_the_button_is_large_enough_for_a_thumb() -> None:
    button = next(each for each in dom.elements(document(_parts()), "a"))
    style = dom.attributes(button)["style"]
    assert "padding:15px 26px" in style
    assert "font-size:17px" in style


def test_a_site_may_give_it_another_look(tmp_path: Path) -> None:
    own = tmp_path / "email" / "system"
    shutil.copytree(bundled("templates") / "email" / "system", own)
    path = own / "confirmation.mjml"
    path.write_text(path.read_text(encoding="utf-8").replace("#1f5fbf", "#0a7a4b"), encoding="utf-8")
    assert "#0a7a4b" in html(_parts("en", tmp_path))


def test_a_look_without_the_link_to_confirm_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "email" / "system"
    own.mkdir(parents=True)
    (own / "confirmation.mjml").write_text(
        "<mjml><mj-body><mj-section><mj-column><mj-text>{{ words.title }}</mj-text></mj-column></mj-section></mj-body>"
        "</mjml>"
    )
    with pytest.raises(RenderError, match="no link to confirm"):
        _parts("en", tmp_path)


@pytest.mark.parametrize("key", [key for key in wording("en").texts if key.startswith("mail.confirm.")])
def test_every_word_is_translated(key: str) -> None:
    assert wording("de").texts[key] != wording("en").texts[key]
