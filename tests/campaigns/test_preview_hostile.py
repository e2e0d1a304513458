"""People whose values are attacks can be looked at and sent to: what they typed is shown and does nothing."""

from __future__ import annotations

from email import message_from_bytes, policy
from html.parser import HTMLParser

import pytest

from tests.campaigns.conftest import GOOD

HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "the end of a comment": "--></style></title><a href=https://evil.example>",
    "a template": "{{ 7*7 }}{% for a in b %}{# x #}",
    "an attribute": "\" onmouseover='steal()' x=\"",
    "a header": "Ada\r\nBcc: eve@example.org\r\n\r\n<p>",
    "a line separator": "Ada\u2028Bcc: eve@example.org",
    "another direction": "Ada\u202egnirts\u2066",
    "an encoded word": "=?utf-8?q?=0D=0ABcc:_eve@example.org?=",
    "a boundary": "\r\n--=_boundary\r\nContent-Type: text/html\r\n",
    "the end of the message": "\r\n.\r\nMAIL FROM:<eve@example.org>\r\n",
    "a placeholder of ours": "zq0c00000qz\ue002\ue003\ue004\ue005",
    "very long": "x" * 255,
    "nothing but spaces": "   \u00a0\u3000",
    "NULs": "a\0b\x07\x1b[31m",
}
TEXT = GOOD.replace("Ten red LEDs for you", "'{{ subscriber.first_name }} wins'").replace(
    "- A kit",
    "- [{{ subscriber.first_name }}](https://shop.example/?who={{ subscriber.first_name }})\n- A kit",
)


class Tags(HTMLParser):
    """The tags of a page with the names of their attributes, and where links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.hosts: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.hosts |= {
            (value or "").split("/")[2] for name, value in attrs if name == "href" and "//" in (value or "")
        }


@pytest.fixture
def seen(sqlite_campaigns, write_campaign):
    """A preview for a reader of that first name."""
    campaigns, crowd, _store = sqlite_campaigns
    write_campaign("week-48", TEXT)

    def look(name: str):
        number = crowd.joined
        crowd.join(1, first_name=name)
        return campaigns.preview("week-48", f"reader{number}@inbox{number % 3}.example")

    return look


@pytest.mark.rule("D14", "D16", "F3")
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_adds_no_tag_no_attribute_and_no_place_to_go(seen, name: str) -> None:
    plain, hostile = Tags(seen("Ada").html), Tags(seen(name).html)
    assert hostile.tags == plain.tags
    assert hostile.hosts == plain.hosts


@pytest.mark.rule("A29")
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_adds_no_header_no_part_and_no_line_that_ends_the_mail(seen, name: str) -> None:
    plain, hostile = (message_from_bytes(seen(each).raw, policy=policy.default) for each in ("Ada", name))
    assert not hostile.defects
    assert hostile.keys() == plain.keys()
    assert [part.get_content_type() for part in hostile.walk()] == [
        part.get_content_type() for part in plain.walk()
    ]
    assert hostile["To"].addresses[0].domain.startswith("inbox")


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_name_leaves_the_way_out_in_the_text_part(seen, name: str) -> None:
    text = seen(name).text
    assert "Unsubscribe from" in text
    assert text.count("http://127.0.0.1:8025/u/u") == 1


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_a_campaign_to_a_hostile_name_passes_its_check(sqlite_campaigns, write_campaign, name: str) -> None:
    """Who signed up with an attack for a name must not be able to stop the mail to everybody."""
    campaigns, crowd, _store = sqlite_campaigns
    write_campaign("week-48", TEXT)
    crowd.join(1, first_name=name)
    report = campaigns.check("week-48")
    assert (report.errors, report.recipients_rendered) == ((), 1)
