"""Each rule of the table: a campaign that breaks it, and one beside it that does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mailer.addresses import Mailbox
from mailer.campaigns.findings import Severity
from mailer.campaigns.preflight import RULES, run_preflight, weigh
from mailer.rendering.identity import Problem
from mailer.settings import Settings
from tests.campaigns.preflight.conftest import BODY, Drafting, findings, rule_ids
from tests.campaigns.preflight.gifs import gif

PLAIN = "# New parts\n\nHere is the week, with words enough for everybody.\n\n"
LONG = "Capacitors and resistors of every size, and a circuit for the weekend. "
KILOBYTE = "Resistors of every size for you " * 32 + "\n\n"
MOVES = PLAIN + '<img src="images/a.gif" alt="A blinking lamp" width="10" height="10">\n'


def site(**changes: Any) -> Callable[[Settings], Settings]:
    return lambda settings: settings.model_copy(update={"site": settings.site.model_copy(update=changes)})


def sender(name: str) -> Callable[[Settings], Settings]:
    def changed(settings: Settings) -> Settings:
        weekly = settings.lists["weekly"]
        box = Mailbox(name, weekly.from_mailbox.address)
        lists = {**settings.lists, "weekly": weekly.model_copy(update={"from_mailbox": box})}
        return settings.model_copy(update={"lists": lists})

    return changed


def limit(kilobytes: int) -> Callable[[Settings], Settings]:
    return lambda settings: settings.model_copy(
        update={"sending": settings.sending.model_copy(update={"max_message_kb": kilobytes})}
    )


def mjml(*content: str, head: str = "") -> dict[str, Any]:
    column = "".join(content) or "<mj-text>words</mj-text>"
    head = f"<mj-head><mj-title>Parts</mj-title>{head}</mj-head>"
    section = f"<mj-section><mj-column><mj-text><h1>Parts</h1></mj-text>{column}</mj-column></mj-section>"
    return {"body": f"<mjml>{head}<mj-body>{section}</mj-body></mjml>", "mjml": True}


def text(html: str, **attributes: str) -> str:
    written = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f"<mj-text{written}>{html}</mj-text>"


WHOLE = (
    "<mjml><mj-head><mj-preview>{{ preheader }}</mj-preview></mj-head><mj-body><mj-section><mj-column>"
    "<mj-text><h1>New parts</h1><p>Here is the week, with all that came in.</p></mj-text>"
    "</mj-column></mj-section></mj-body></mjml>\n"
)
Case = tuple[str, dict[str, Any], str]
#: Rule, a campaign that breaks it, and a part of what is said.
BREAKS: list[Case] = [
    ("imprint", {"language": "de"}, "names no imprint"),
    ("subject-empty", {"subject": "{{ subscriber.first_name }}"}, "without merge fields"),
    ("subject-empty", {"subject": "…! {{ subscriber.first_name }}"}, "empty"),
    ("subject-reply", {"subject": "Re: your order"}, "`Re:`"),
    ("subject-reply", {"subject": "FWD: news"}, "`FWD:`"),
    ("subject-reply", {"subject": "AW: Ihre Anfrage"}, "`AW:`"),
    ("subject-long", {"subject": "parts " * 30}, "179 characters"),
    ("preheader", {"preheader": None}, "no preheader"),
    ("preheader", {"preheader": "Short."}, "6 characters"),
    ("preheader", {"preheader": "long " * 30}, "149 characters"),
    ("preheader", {"mjml": True, "body": WHOLE.replace("{{ preheader }}", "")}, "stands nowhere"),
    ("sender-name", {"changed": sender("")}, "no display name"),
    ("sender-name", {"changed": sender("Ohm 🎉")}, "picture or mark"),
    ("sender-name", {"changed": sender("Ohm ✓")}, "picture or mark"),
    ("sender-name", {"changed": sender("Оhm & Volt")}, "several alphabets"),
    ("sender-name", {"changed": sender("ohm@shop.example")}, "not a name"),
    ("sender-subject", {"changed": sender("Ohm"), "subject": "Ohm"}, "repeats"),
    ("sender-subject", {"changed": sender("Ohm: sale today"), "subject": "Sale today"}, "repeats"),
    ("unresolved-tag", {"body": PLAIN + "Hello *|FNAME|*\n"}, "|FNAME|"),
    ("unresolved-tag", {"body": PLAIN + "{% raw %}{{ name }}{% endraw %}\n"}, "`{{ name }}`"),
    ("unresolved-tag", {"subject": "Hello %%first_name%%"}, "`%%first_name%%`"),
    ("unresolved-tag", {"body": PLAIN, "text": "Hello ${name} and all of you\n"}, "`${name}`"),
    ("text-empty", {"body": PLAIN, "text": "…\n"}, "says nothing"),
    ("text-markup", {"body": PLAIN, "text": "Hello <b>you</b>, here is the week\n"}, "`<b>`"),
    ("text-markup", {"body": PLAIN, "text": "Parts&nbsp;and words\n"}, "`&nbsp;`"),
    ("text-equivalent", {"body": PLAIN + LONG * 3, "text": "See the web page.\n"}, "leaves out"),
    ("html-size", {"body": PLAIN + KILOBYTE * 96}, "Gmail hides its end"),
    ("html-size-near", {"body": PLAIN + KILOBYTE * 74}, "refused above 95 KB"),
    ("message-size", {"changed": limit(16)}, "max_message_kb is 16"),
    ("link-http", {"body": PLAIN, "text": f"{PLAIN}http://shop.example/parts\n"}, "not encrypted"),
    ("link-shortener", {"body": PLAIN + "[Our sale](https://bit.ly/abc)\n"}, "hides where it leads"),
    ("link-shortener", {"body": PLAIN, "text": f"{PLAIN}https://www.tinyurl.com/x.\n"}, "hides where it leads"),
    ("link-lookalike", {"body": PLAIN + "[Bank](https://xn--pypal-4ve.example/)\n"}, "several alphabets"),
    ("link-disguised", {"body": PLAIN + "[https://bank.example/](https://evil.example/)\n"}, "evil.example"),
    ("link-disguised", {"body": PLAIN + "[www.bank.example](https://evil.example/)\n"}, "evil.example"),
    ("link-words", {"body": PLAIN + "[Click here](https://shop.example/a)\n"}, "Click here"),
    ("link-words", {"body": PLAIN + "[mehr …](https://shop.example/a)\n"}, "mehr"),
    ("hidden-text", {"body": f'{PLAIN}<div style="display:none">{LONG * 4}</div>\n'}, "hidden by styles"),
    ("hidden-line", {"body": f'{PLAIN}<div style="display:none">Win a house</div>\n'}, "Win a house"),
    ("hidden-padding", {"body": PLAIN + "&zwnj;&nbsp;" * 20 + "\n"}, "invisible characters"),
    ("table-layout", {"body": PLAIN + '<table role="presentation"><tr><th>A</th><td>1</td></tr></table>\n'}, "layout"),
    ("table-headers", {"body": PLAIN + "<table><tr><td>A</td><td>1</td></tr></table>\n"}, "neither layout nor data"),
    ("image-size", {"body": PLAIN + '<img src="images/a.gif" alt="A lamp">\n', "images": {"a.gif": gif(0)}}, "width"),
    ("image-alt-name", {"body": PLAIN + "![IMG_2231.jpg](images/a.gif)\n", "images": {"a.gif": gif(0)}}, "file name"),
    (
        "image-link-alt",
        {"body": PLAIN + "[![](images/a.gif)](https://shop.example/)\n", "images": {"a.gif": gif(0)}},
        "only an image",
    ),
    ("only-images", mjml() | {"body": "<mjml><mj-body><mj-section><mj-column><mj-image src='images/a.gif' alt=''/>"
     "</mj-column></mj-section></mj-body></mjml>", "images": {"a.gif": gif(0)}, "text": "Some words\n",
     "preheader": None}, "nothing of the message"),
    ("heading-main", {"body": "## New parts\n\nHere is the week.\n"}, "no main heading"),
    ("heading-main", {"body": "# New parts\n\nOne.\n\n# Old parts\n\nTwo.\n"}, "2 main headings"),
    ("heading-order", {"body": PLAIN + "### Small\n\nprint\n"}, "level 3 after level 1"),
    ("justified", {"body": PLAIN + '<p style="text-align: justify">To both edges.</p>\n'}, "justified"),
    ("contrast-light", mjml(text("Pale words", color="#999999")), "2.8:1"),
    ("contrast-light", mjml(text('<span style="color:#fff">White words</span>')), "1.0:1"),
    ("contrast-dark", mjml(text("Dark words", css_class="x", color="#222222"),
     head="<mj-style>@media (prefers-color-scheme: dark) { .x div { color: #222 !important; background: #111; } }"
     "</mj-style>"), "#222222 on #111111"),
    ("support", {"body": PLAIN + '<div style="display: flex">words</div>\n'}, "display: flex"),
    ("support", mjml(head="<mj-style>.a{width:calc(1px + 1em)}</mj-style>"), "calc()"),
    ("background-image", mjml() | {"body": "<mjml><mj-body><mj-section background-url='images/a.gif'><mj-column>"
     "<mj-text><h1>Parts</h1></mj-text></mj-column></mj-section></mj-body></mjml>", "images": {"a.gif": gif(0)}},
     "no colour behind it"),
    ("image-moves", {"body": MOVES, "images": {"a.gif": gif(50, 50, loops=0)}}, "for ever"),
    ("image-moves", {"body": MOVES, "images": {"a.gif": gif(300, 300)}}, "for 6 s"),
    ("image-flashes", {"body": MOVES, "images": {"a.gif": gif(5, 5, 5)}}, "20 times a second"),
]  # fmt: skip
#: Campaigns as near to breaking a rule as they may come.
KEEPS: list[tuple[str, dict[str, Any]]] = [
    ("imprint", {"language": "de", "changed": site(imprint_url="https://shop.example/imprint")}),
    ("subject-empty", {"subject": "{{ subscriber.first_name | default('Friend') }}"}),
    ("subject-reply", {"subject": "Reed relays: fwd voltage and more"}),
    ("subject-reply", {"subject": "Refurbished: 20 scopes"}),
    ("subject-long", {"subject": "x" * 150}),
    ("preheader", {"mjml": True, "body": WHOLE}),
    ("preheader", {"preheader": "Parts & more for {{ subscriber.first_name | default('you') }}, and one circuit"}),
    ("preheader", {"preheader": "x" * 40}),
    ("preheader", {"preheader": "x" * 130}),
    ("sender-name", {"changed": sender("Bücher-Ökostüble №1, Łódź")}),
    ("sender-name", {"changed": sender("東京の部品屋 Parts")}),
    ("sender-subject", {"changed": sender("Ohm"), "subject": "Ohm, sweet Ohm"}),
    ("unresolved-tag", {"body": PLAIN + "Use a { brace } and 100 % of it, *really*.\n"}),
    ("text-empty", {"body": PLAIN, "text": "Words.\n"}),
    ("text-markup", {"body": PLAIN, "text": "Is 3 < 4 > 2 & true? Write to <a@shop.example>.\n"}),
    ("text-equivalent", {"body": PLAIN, "text": PLAIN}),
    ("html-size", {"body": PLAIN + KILOBYTE * 74}),
    ("html-size-near", {"body": PLAIN + KILOBYTE * 60}),
    ("message-size", {"changed": limit(1024)}),
    ("link-http", {"body": PLAIN, "text": f"{PLAIN}https://shop.example/parts\nhttp://127.0.0.1:8025/x\n"}),
    ("link-shortener", {"body": PLAIN + "[Our sale](https://bit.ly.shop.example/abc)\n"}),
    ("link-lookalike", {"body": PLAIN + "[Shop](https://xn--bcher-kva.example/)\n"}),
    ("link-disguised", {"body": PLAIN + "[shop.example](https://www.shop.example/sale)\n"}),
    ("link-disguised", {"body": PLAIN + "[Version 2.0 of it](https://shop.example/)\n"}),
    ("link-words", {"body": PLAIN + "[Here is the list of parts](https://shop.example/a)\n"}),
    ("hidden-text", {"body": f'{PLAIN}<div style="display:none">Here is the week,</div>\n'}),
    ("hidden-line", {"body": f'{PLAIN}<div style="display:none">Here is the week,</div>\n'}),
    ("hidden-padding", {"body": PLAIN + "a&nbsp;b&nbsp;c&shy;d\n"}),
    ("table-layout", {"body": PLAIN + '<table role="presentation"><tr><td>A</td></tr></table>\n'}),
    ("table-headers", {"body": PLAIN + "| Part | Price |\n|---|---|\n| LM317 | 0.40 |\n"}),
    ("image-size", {"body": MOVES, "images": {"a.gif": gif(0)}}),
    ("image-alt-name", {"body": PLAIN + "![A lamp](images/a.gif)\n", "images": {"a.gif": gif(0)}}),
    ("image-link-alt", {"body": PLAIN + "[![The shop](images/a.gif)](https://shop.example/)\n",
                        "images": {"a.gif": gif(0)}}),
    ("only-images", {"body": MOVES, "images": {"a.gif": gif(0)}}),
    ("heading-main", {"body": PLAIN + "## Second\n\nwords\n"}),
    ("heading-order", {"body": PLAIN + "## Second\n\nwords\n\n### Third\n\nwords\n\n## Next\n\nwords\n"}),
    ("justified", {"body": PLAIN + '<p style="text-align: left">To one edge.</p>\n'}),
    ("contrast-light", mjml(text("Grey words", color="#767676"))),
    ("contrast-light", mjml(text("Large words", color="#949494", font_size="24px"))),
    ("contrast-light", mjml(text('<span style="color:#fff;background-color:#000">White words</span>'))),
    ("contrast-dark", mjml(text("Dark words"))),
    ("support", {"body": PLAIN + "Our display: flexible, and a calc( in words.\n"}),
    ("background-image", mjml() | {"body": "<mjml><mj-body><mj-section background-color='#ffffff'"
     " background-url='images/a.gif'><mj-column><mj-text><h1>Parts</h1></mj-text></mj-column></mj-section>"
     "</mj-body></mjml>", "images": {"a.gif": gif(0)}}),
    ("image-moves", {"body": MOVES, "images": {"a.gif": gif(50, 50, loops=3)}}),
    ("image-flashes", {"body": MOVES, "images": {"a.gif": gif(50, 50, loops=3)}}),
]  # fmt: skip


@pytest.mark.rule("E18", "B14", "B15", "B17", "E2", "E5", "E6", "E7", "E8", "E11", "E12", "E13")
@pytest.mark.parametrize(
    ("rule", "campaign", "said"), BREAKS, ids=[f"{rule}-{said}" for rule, _, said in BREAKS]
)
def test_what_breaks_a_rule_is_found(
    drafting: Drafting, rule: str, campaign: dict[str, Any], said: str
) -> None:
    found = findings(drafting(**campaign), rule)
    assert any(said in line for line in found), findings(drafting(**campaign))


@pytest.mark.parametrize(
    ("rule", "campaign"), KEEPS, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(KEEPS)]
)
def test_what_keeps_a_rule_is_left_alone(drafting: Drafting, rule: str, campaign: dict[str, Any]) -> None:
    assert findings(drafting(**campaign), rule) == []


def test_a_plain_campaign_has_nothing_to_be_told(drafting: Drafting) -> None:
    assert findings(drafting()) == []


def test_a_finding_points_at_the_line(drafting: Drafting) -> None:
    (found,) = run_preflight(drafting(PLAIN + "One.\n\n[Our sale](https://bit.ly/abc)\n"))
    assert (found.path, found.line) == ("campaigns/week-47/campaign.md", 12)
    assert found.severity is Severity.ERROR
    assert found.remedy


def test_a_finding_in_the_front_matter_points_there(drafting: Drafting) -> None:
    (found,) = run_preflight(drafting(BODY, subject="Re: your order"))
    assert (found.path, found.line) == ("campaigns/week-47/campaign.md", 2)


@pytest.mark.rule("C12", "F7")
def test_a_site_whose_name_is_not_in_the_mail_is_told(drafting: Drafting) -> None:
    draft = drafting()
    said = draft.settings.model_copy(
        update={"site": draft.settings.site.model_copy(update={"legal_name": "Another Ltd"})}
    )
    changed = type(draft)(draft.source, draft.list_, said, draft.compiled, draft.specimens)
    assert findings(changed, "identity") == [
        "identity mailer.toml the HTML part does not show the site's legal name",
        "identity mailer.toml the text part does not show the site's legal name",
    ]


@pytest.mark.rule("E1")
def test_without_a_specimen_nothing_is_judged_twice(drafting: Drafting) -> None:
    draft = drafting()
    bare = type(draft)(draft.source, draft.list_, draft.settings, draft.compiled, {})
    assert findings(bare) == []


@pytest.mark.rule("E18")
def test_a_warning_of_the_renderer_about_clear_text_links_stops_the_campaign(drafting: Drafting) -> None:
    draft = drafting(PLAIN + "[Parts](http://shop.example/)\n")
    weights = {problem.rule: weigh(problem) for problem in draft.compiled.warnings}
    assert weights == {"link.http": Severity.ERROR}
    assert weigh(Problem("x", 1, "image.alt", "")) is Severity.WARNING


def test_every_rule_has_a_name_a_requirement_and_a_title() -> None:
    assert len(rule_ids()) == len(RULES)
    assert all(rule.requirement and rule.title for rule in RULES)
