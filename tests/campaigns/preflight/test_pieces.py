"""The small parts of the preflight by themselves: colours, scripts, GIFs, the skeleton of a page."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.campaigns.draft import Draft
from mailer.campaigns.preflight.colours import BLACK, WHITE, Colour, background_colour, contrast, parse_colour
from mailer.campaigns.preflight.gif import measure
from mailer.campaigns.preflight.lookalike import lookalike_host, mixed_scripts
from mailer.campaigns.preflight.structure import document_head, language
from mailer.campaigns.recipients import SAMPLE
from tests.campaigns.preflight.conftest import Drafting
from tests.campaigns.preflight.gifs import gif

colours = st.builds(Colour, *[st.floats(0, 1)] * 3)


@given(colours, colours)
def test_contrast_is_symmetric_and_between_1_and_21(one: Colour, other: Colour) -> None:
    assert contrast(one, other) == contrast(other, one)
    assert 1 <= contrast(one, other) <= 21.001


def test_black_on_white_is_the_most() -> None:
    assert round(contrast(BLACK, WHITE), 2) == 21


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("#fff", "#ffffff"), ("red", "#ff0000"), ("rgb(1, 2, 3)", "#010203"), ("c0ffee", "#c0ffee"),
        ("#123456 !important", "#123456"), ("hsl(0, 100%, 50%)", "#ff0000"),
    ],
)  # fmt: skip
def test_colours_are_read(text: str, shown: str) -> None:
    assert str(parse_colour(text)) == shown


@pytest.mark.parametrize(
    "text", ["transparent", "inherit", "currentcolor", "rgba(0,0,0,.5)", "nonsense", "var(--x)"]
)
def test_what_is_no_opaque_colour_is_not_guessed(text: str) -> None:
    assert parse_colour(text) is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [("#fff url(x.png) no-repeat", "#ffffff"), ("url(red.png) 0 0 blue", "#0000ff"), ("no-repeat", "None")],
)
def test_the_colour_of_a_background_is_found(value: str, shown: str) -> None:
    assert str(background_colour(value)) == shown


@pytest.mark.rule("B14")
@pytest.mark.parametrize("text", ["pаypal", "Ohm Vоlt", "ΑBC", "раураl"])
def test_letters_of_two_alphabets_in_one_word_are_found(text: str) -> None:
    assert mixed_scripts(text)


@pytest.mark.parametrize("text", ["Łódź", "東京タワー", "Привет Berlin", "서울 Parts 漢字", "R2-D2", ""])
def test_words_of_one_language_are_left_alone(text: str) -> None:
    assert not mixed_scripts(text)


@pytest.mark.parametrize(
    ("host", "imitates"),
    [
        ("xn--pypal-4ve.example", True),
        ("shop.example", False),
        ("xn--bcher-kva.example", False),
        ("xn--!!", False),
    ],
)
def test_hosts_are_judged_as_they_are_shown(host: str, imitates: bool) -> None:
    assert lookalike_host(host) is imitates


@pytest.mark.rule("E13")
@pytest.mark.parametrize(
    ("content", "seconds", "endless"),
    [
        (gif(100, 100), 2.0, False),
        (gif(100, 100, loops=2), 6.0, False),
        (gif(100, 100, loops=0), 2.0, True),
        (gif(0, 1, 2), 0.22, False),
    ],
)
def test_the_motion_of_a_gif_is_measured(content: bytes, seconds: float, endless: bool) -> None:
    motion = measure(content)
    assert motion is not None
    assert (round(motion.seconds, 2), motion.endless) == (seconds, endless)


@given(st.binary(max_size=60))
def test_a_damaged_gif_is_no_motion(noise: bytes) -> None:
    whole = gif(100, 100)
    assert measure(b"\x89PNG" + noise) is None
    assert measure(whole[: len(noise)]) is None
    measure(whole[:30] + noise + whole[30:])


def with_html(draft: Draft, html: str) -> Draft:
    specimen = replace(draft.specimens[SAMPLE], html=html)
    return replace(draft, specimens={SAMPLE: specimen})


GOOD = (
    '<html lang="en" dir="ltr"><head><title>Parts</title><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
    '<body><div lang="en" dir="ltr">x</div></body></html>'
)


@pytest.mark.rule("E1", "E2")
@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        ("<title>Parts</title>", "<title> </title>", "title"),
        ('<meta charset="utf-8">', "", "charset"),
        ("initial-scale=1", "user-scalable=no", "zoom"),
        ("initial-scale=1", "maximum-scale=1.0", "zoom"),
        ('<html lang="en"', "<html", "language"),
        ('<div lang="en"', "<div", "language"),
        ('dir="ltr">x', ">x", "language"),
    ],
)
def test_the_skeleton_of_the_page(drafting: Drafting, before: str, after: str, rule: str) -> None:
    draft = with_html(drafting(), GOOD.replace(before, after))
    assert [found.rule for look in (language, document_head) for found in look(draft)] == [rule]
    whole = with_html(draft, GOOD)
    assert not [*language(whole), *document_head(whole)]
