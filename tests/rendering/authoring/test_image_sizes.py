"""Images get the size of their file when their author gives none."""

from __future__ import annotations

import pytest

from mailer.rendering.authoring import dom
from tests.rendering.authoring.world import document, in_text, make

URL = "https://news.shop.example/media/" + "a" * 64
FILE = {"images": {"images/leds.png": URL}}
MARKDOWN = "# News\n\n![Ten red LEDs](images/leds.png)\n"


def image(text: str, kind: str = "markdown", *, size: tuple[int, int] = (480, 270)) -> dict[str, str]:
    """The attributes of the one image of a message whose file has this size."""
    parts = make(text, kind, image_sizes={"images/leds.png": size}, **FILE)
    (found,) = [each for each in dom.elements(document(parts), "img") if dom.attributes(each)["src"] == URL]
    return dom.attributes(found)


@pytest.mark.rule("E6")
def test_an_image_in_markdown_has_its_files_size_and_still_shrinks() -> None:
    attrs = image(MARKDOWN)
    assert (attrs["width"], attrs["height"]) == ("480", "270")
    assert "max-width:100%" in attrs["style"] and "height:auto" in attrs["style"]
    assert attrs["style"].count("max-width") == 1


def test_an_image_wider_than_the_column_keeps_its_shape() -> None:
    attrs = image(MARKDOWN, size=(2400, 1350))
    assert (attrs["width"], attrs["height"]) == ("600", "338")


def test_an_image_in_mjml_text_gets_it_too() -> None:
    attrs = image(in_text('<img src="images/leds.png" alt="LEDs">'), "mjml")
    assert (attrs["width"], attrs["height"], attrs["style"]) == ("480", "270", "max-width:100%;height:auto")


@pytest.mark.parametrize("own", ['width="90"', 'height="40"', 'style="width: 50%"', 'style="max-height:9em"'])
def test_what_the_author_says_of_a_size_is_left_alone(own: str) -> None:
    attrs = image(f'# News\n\n<img src="images/leds.png" alt="LEDs" {own}>\n')
    assert {"480", "270"}.isdisjoint({attrs.get("width"), attrs.get("height")})


def test_a_style_of_the_author_stays() -> None:
    attrs = image('# News\n\n<img src="images/leds.png" alt="LEDs" style="border: 1px solid #333;">\n')
    assert attrs["width"] == "480"
    assert "border:1px solid #333" in attrs["style"].replace(": ", ":")


def test_a_file_of_one_pixel_gets_none() -> None:
    assert "width" not in image(MARKDOWN, size=(1, 1))


def test_an_image_whose_size_is_not_known_stays_as_written() -> None:
    parts = make(MARKDOWN, **FILE)
    (found,) = [each for each in dom.elements(document(parts), "img") if dom.attributes(each)["src"] == URL]
    assert "width" not in dom.attributes(found)
