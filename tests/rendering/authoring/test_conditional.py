"""Comments that only Outlook reads: closed where they are opened, or refused."""

from __future__ import annotations

import pytest

from tests.rendering.authoring.world import html, make, only


@pytest.mark.parametrize(
    "comment",
    [
        "<!--[if mso]><table><tr><td>WORDS</td></tr></table><![endif]-->",
        "<!--[if gte mso 9]><v:rect fill='true'><v:fill type='tile'/></v:rect><![endif]-->",
        "<!--[if !mso]><!-->WORDS<!--<![endif]-->",
        "<!--[if mso]>&nbsp;<br><![endif]-->",
    ],
)
def test_closed_conditional_comments_are_kept(comment: str) -> None:
    assert "[if" in html(make(f"a\n\n<div>{comment}</div>"))


def test_other_comments_are_not_sent() -> None:
    assert "a note of ours" not in html(make("a <!-- a note of ours --> b"))


@pytest.mark.rule("E3")
@pytest.mark.parametrize(
    ("comment", "says"),
    [
        ("<!--[if mso]> words -->", "has no end"),
        ("<!--[if mso]><div><![endif]-->", "<div> is opened in a conditional comment and not closed there."),
        ("<!--[if mso]></div><![endif]-->", "</div> in a conditional comment closes nothing."),
        ("<!--[if mso]><style>p{}</style><![endif]-->", "<style> is not available in a conditional comment."),
        ("<!--[if mso]><p onclick='x'>a</p><![endif]-->", "holds a script"),
        ("<!--[if mso]><!--[if mso]>a<![endif]-->", "holds another"),
        ("<!--[if !mso]><!-->", "is not closed by"),
        ("<!--<![endif]-->", "closes nothing"),
        ("<!-- <![endif] words -->", "has no end"),
    ],
)
def test_what_outlook_would_go_on_hiding_is_refused(comment: str, says: str) -> None:
    problem = only(f"one\n\n<div>{comment}</div>")
    assert (problem.rule, problem.line) == ("html.conditional", 3)
    assert says in problem.message


@pytest.mark.rule("F4")
@pytest.mark.parametrize(
    "inner",
    [
        "<v:fill src='https://evil.example/a.png'/>",
        "<div style=\"background:url('https://evil.example/a')\"></div>",
    ],
)
def test_what_outlook_would_load_from_elsewhere_is_refused(inner: str) -> None:
    problem = only(f"<div><!--[if mso]>{inner}<![endif]--></div>")
    assert problem.rule == "image.foreign-host"
