"""A campaign folder is read, or every problem in it is named with its file and line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.campaigns.front_matter import HeadInvalid, split
from mailer.campaigns.source import MAX_BODY_BYTES, SourceInvalid, campaign_slugs, read_campaign
from mailer.settings.model import SendingSettings
from mailer.settings.values import MAX_GIVE_UP_HOURS
from tests.campaigns.conftest import GOOD

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def problems(site_folder, slug="week-48"):
    with pytest.raises(SourceInvalid) as refused:
        read_campaign(site_folder.campaigns, slug)
    return [(p.path, p.line, p.rule) for p in refused.value.problems]


def only_problem(site_folder, slug="week-48"):
    with pytest.raises(SourceInvalid) as refused:
        read_campaign(site_folder.campaigns, slug)
    (problem,) = refused.value.problems
    return problem


def test_a_campaign_is_read_with_everything_it_says(site_folder, write_campaign):
    text = GOOD.replace("list: weekly\n", "list: weekly\nlanguage: de\nlayout: plain\ngive_up_hours: 12\n")
    text = text.replace(
        "give_up_hours: 12\n", "give_up_hours: 12\ncampaign:\n  price: 4.20\n  when: 2026-12-24\n"
    )
    write_campaign("week-48", text)
    source = read_campaign(site_folder.campaigns, "week-48")

    assert source.subject == "Ten red LEDs for you"
    assert source.preheader.startswith("Clearance stock")
    assert (source.list_name, source.language, source.layout) == ("weekly", "de", "plain")
    assert source.give_up_hours == 12
    assert source.values == {"price": 4.2, "when": "2026-12-24"}  # a date stays the text it was
    assert source.body.kind == "markdown"
    assert source.body.text.startswith("\n# Ten red LEDs")
    assert source.path == "campaigns/week-48/campaign.md"
    assert source.lines["subject"] == 2


def test_the_body_knows_its_first_line_in_the_file(site_folder, write_campaign):
    write_campaign()
    body = read_campaign(site_folder.campaigns, "week-48").body
    assert GOOD.split("\n")[body.first_line - 1 :] == body.text.split("\n")


def test_an_mjml_campaign_has_the_same_front_matter(site_folder, write_campaign):
    folder = write_campaign()
    (folder / "campaign.md").rename(folder / "campaign.mjml")
    assert read_campaign(site_folder.campaigns, "week-48").body.kind == "mjml"


def test_an_authors_own_text_part_is_used(site_folder, write_campaign):
    write_campaign(**{"campaign.txt": "Hello.\r\nThis is it.\n"})
    text_body = read_campaign(site_folder.campaigns, "week-48").text_body
    assert text_body is not None
    assert (text_body.text, text_body.kind) == ("Hello.\nThis is it.\n", "text")
    assert text_body.path == "campaigns/week-48/campaign.txt"


def test_images_become_addresses_on_the_site_that_are_named_by_content(site_folder, write_campaign):
    write_campaign(**{"images/leds.png": PNG})
    source = read_campaign(site_folder.campaigns, "week-48")
    message = source.message_source(base_url="https://news.shop.example/", language="en")
    (image,) = source.images
    assert message.images == {"images/leds.png": f"https://news.shop.example/media/{image.hash}"}
    assert (image.content_type, image.size, len(image.hash)) == ("image/png", 28, 64)


def test_the_language_and_layout_are_the_sites_unless_the_campaign_says_so(site_folder, write_campaign):
    write_campaign()
    source = read_campaign(site_folder.campaigns, "week-48")
    message = source.message_source(base_url="https://news.shop.example", language="de")
    assert (message.language, message.layout) == ("de", "default")


@pytest.mark.parametrize("value", ["2026", "No", "1e3", "0x10", "null and void", "~tilde"])
def test_a_subject_is_text_whatever_yaml_would_make_of_it(site_folder, write_campaign, value):
    write_campaign("week-48", GOOD.replace("Ten red LEDs for you", value))
    assert read_campaign(site_folder.campaigns, "week-48").subject == value


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_the_line_ends_of_other_systems_are_read(site_folder, write_campaign, ending):
    write_campaign("week-48", GOOD.replace("\n", ending))
    source = read_campaign(site_folder.campaigns, "week-48")
    assert source.subject == "Ten red LEDs for you"
    assert "\r" not in source.body.text


def test_a_byte_order_mark_is_no_part_of_the_text(site_folder, write_campaign):
    write_campaign("week-48", "\ufeff" + GOOD)
    assert read_campaign(site_folder.campaigns, "week-48").subject == "Ten red LEDs for you"


# --- what is refused ---------------------------------------------------------------------------


def test_every_problem_is_told_at_once_in_order(site_folder, write_campaign):
    text = "---\nsubject:\nlist: weekly\nsubjekt: x\nsegment: buyers\ngive_up_hours: soon\n---\n\n"
    write_campaign("week-48", text, **{"images/logo.svg": b"<svg/>"})
    path = "campaigns/week-48/campaign.md"
    assert problems(site_folder) == [
        (path, 2, "front-matter"),
        (path, 4, "unknown-key"),
        (path, 5, "segment"),
        (path, 6, "front-matter"),
        (path, 8, "body-empty"),
        ("campaigns/week-48/images/logo.svg", None, "image-file"),
    ]


def test_an_unknown_key_gets_the_one_that_was_probably_meant(site_folder, write_campaign):
    write_campaign("week-48", GOOD.replace("preheader:", "prehaeder:"))
    problem = only_problem(site_folder)
    assert (problem.line, problem.remedy) == (3, "Did you mean `preheader`?")


def test_an_unknown_key_like_no_other_gets_the_list_and_the_place_for_own_values(site_folder, write_campaign):
    write_campaign("week-48", GOOD.replace("list: weekly", "list: weekly\nzodiac: leo"))
    assert "Values of your own go below `campaign:`" in only_problem(site_folder).remedy


def test_a_segment_is_refused_with_a_sentence(site_folder, write_campaign):
    write_campaign("week-48", GOOD.replace("list: weekly", "list: weekly\nsegment: buyers"))
    problem = only_problem(site_folder)
    assert problem.line == 5
    assert problem.message == "segments do not exist yet, so this campaign would go to the whole list"


@pytest.mark.parametrize(
    ("head", "line", "words"),
    [
        ("subject: a: b", 2, "not valid YAML"),
        ('subject: "open', 2, "not valid YAML"),
        ("subject: x\nsubject: y", 3, "given twice (first in line 2)"),
        ("- a list", 3, "not valid YAML"),
        ("subject: x\n  list: y", 3, "not valid YAML"),
        ("subject: {{ subscriber.first_name }}", 2, "begins with `{{` must stand in quotes"),
        ("subject: [a, b]", 2, "must be one line of text"),
        ("subject: &a x\nlist: *a", 3, "`*` at the start of a value"),
        ("subject: !!python/object:os.system x", 2, "not valid YAML"),
        ("[a]: b", 2, "a key is not plain text"),
        ("subject: x\x07y", 2, "invisible character (U+0007)"),
        ("subject: x\u2028y", 2, "invisible character (U+2028 line separator)"),
        ("subject: |\n  one\n  two", 2, "a line break"),
        ('subject: "a\\r\\nBcc: x@y.example"', 2, "invisible character (a line break)"),
        ('subject: "a\\u2028b"', 2, "U+2028 line separator"),
        ("language: klingon!", 2, "is not a language"),
        ("give_up_hours: 500", 2, "from 1 to 240"),
        ("give_up_hours: true", 2, "from 1 to 240"),
        ("campaign: 7", 2, "indented `name: value` lines"),
    ],
)
def test_a_broken_head_is_refused_with_its_line(site_folder, write_campaign, head, line, words):
    extra = "" if "subject" in head else "\nsubject: x"
    extra += "" if "list:" in head else "\nlist: weekly"
    write_campaign("week-48", f"---\n{head}{extra}\n---\n\nText.\n")
    with pytest.raises(SourceInvalid) as refused:
        read_campaign(site_folder.campaigns, "week-48")
    assert any(p.line == line and words in p.message for p in refused.value.problems), refused.value


@pytest.mark.parametrize("text", ["No fence at all.\n", "---\nsubject: x\n", "", "\n---\nsubject: x\n---\n"])
def test_a_file_without_front_matter_says_how_it_should_look(site_folder, write_campaign, text):
    write_campaign("week-48", text)
    problem = only_problem(site_folder)
    assert problem.rule == "front-matter"
    assert "two lines of `---`" in problem.remedy


def test_a_head_that_is_a_list_is_refused(site_folder, write_campaign):
    write_campaign("week-48", "---\n- subject\n---\nText.\n")
    assert "not a list of `key: value` lines" in only_problem(site_folder).message


def test_a_head_that_nests_without_end_is_refused(site_folder, write_campaign):
    write_campaign("week-48", "---\nsubject: " + "[" * 20_000 + "\n---\nText.\n")
    assert only_problem(site_folder).rule == "front-matter"


def test_a_head_that_is_far_too_long_is_refused(site_folder, write_campaign):
    write_campaign("week-48", "---\n" + "# x\n" * 30_000 + "---\nText.\n")
    assert "longer than" in only_problem(site_folder).message


@pytest.mark.rule("A36")
def test_a_body_of_ten_megabytes_is_refused_unread(site_folder, write_campaign):
    write_campaign("week-48", GOOD + "x" * (10 * MAX_BODY_BYTES))
    problem = only_problem(site_folder)
    assert problem.rule == "body-size"
    assert "the file is 10.0 MB; a message must stay below 1 MB" in problem.message


def test_a_text_that_is_not_utf8_is_refused_with_the_line(site_folder, write_campaign):
    folder = write_campaign()
    (folder / "campaign.md").write_bytes(GOOD.encode() + "Gr\u00fc\u00dfe".encode("latin-1"))
    problem = only_problem(site_folder)
    assert (problem.rule, problem.line) == ("encoding", GOOD.count("\n") + 1)


def test_a_binary_file_is_refused(site_folder, write_campaign):
    write_campaign("week-48", GOOD + "\0")
    assert "NUL" in only_problem(site_folder).message


def test_two_bodies_are_refused(site_folder, write_campaign):
    write_campaign(**{"campaign.mjml": "---\n---\n<mjml/>"})
    assert only_problem(site_folder).rule == "two-bodies"


def test_a_missing_campaign_says_which_was_probably_meant(site_folder, write_campaign):
    write_campaign("week-48")
    assert only_problem(site_folder, "week-84").remedy == "Did you mean `week-48`?"
    assert "mailer campaign new zzz" in only_problem(site_folder, "zzz").remedy


@pytest.mark.parametrize("slug", ["../secrets", "Week", "a b", "", "-x", "x" * 65, "a/b", "caf\u00e9", "x\n"])
def test_a_name_that_is_no_plain_folder_is_refused(site_folder, slug):
    assert only_problem(site_folder, slug).rule == "slug"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("images/x.svg", b"<svg></svg>", "not a PNG"),
        ("images/x.png", b"not a picture", "not a PNG"),
        ("images/x.jpg", b"\xff\xd8\xff" + bytes(3 * 1024 * 1024), "2 MB is the limit"),
    ],
)
def test_a_file_that_no_mail_program_shows_is_refused(site_folder, write_campaign, name, content, words):
    write_campaign(**{name: content})
    problem = only_problem(site_folder)
    assert (problem.path, problem.rule) == (f"campaigns/week-48/{name}", "image-file")
    assert words in problem.message


@pytest.mark.parametrize(
    "content",
    [PNG, b"\xff\xd8\xff\xe0", b"GIF89a", b"GIF87a", b"RIFF\x00\x00\x00\x00WEBPVP8 "],
)
def test_what_mail_programs_show_is_taken_by_its_bytes_not_its_name(site_folder, write_campaign, content):
    write_campaign(**{"images/picture": content})
    assert len(read_campaign(site_folder.campaigns, "week-48").images) == 1


def test_a_link_out_of_the_folder_is_not_followed(site_folder, write_campaign, tmp_path):
    folder = write_campaign()
    (tmp_path / "secret.png").write_bytes(PNG)
    (folder / "images").mkdir()
    (folder / "images" / "x.png").symlink_to(tmp_path / "secret.png")
    assert "leads out of the campaign's folder" in only_problem(site_folder).message


def test_hidden_files_of_the_system_are_left_alone(site_folder, write_campaign):
    write_campaign(**{"images/.DS_Store": b"\0\0"})
    assert read_campaign(site_folder.campaigns, "week-48").images == ()


def test_the_campaign_folders_are_listed(site_folder, write_campaign):
    write_campaign("week-49")
    write_campaign("week-48")
    (site_folder.campaigns / "notes").mkdir()
    assert campaign_slugs(site_folder.campaigns) == ["week-48", "week-49"]
    assert campaign_slugs(site_folder.root / "nowhere") == []


@given(text=st.text(max_size=300))
def test_any_text_at_all_is_read_or_refused_with_a_line(text):
    problem, lines = None, [2]
    try:
        head = split(f"---\n{text}\n---\nbody", "x.md")
        lines = [entry.line for entry in head.entries.values()]
    except HeadInvalid as refused:
        problem = refused.problem
    assert all(line >= 2 for line in lines)
    assert problem is None or (problem.message and problem.line is not None)


def test_a_campaign_may_be_tried_as_long_as_a_site_may(write_campaign, site_folder):
    """One limit for both: what a site may set, a campaign may repeat."""
    rules = SendingSettings.model_fields["give_up_hours"].metadata
    assert any(getattr(each, "le", None) == MAX_GIVE_UP_HOURS for each in rules)
    write_campaign(
        "week-48", GOOD.replace("list: weekly\n", f"list: weekly\ngive_up_hours: {MAX_GIVE_UP_HOURS}\n")
    )
    assert read_campaign(site_folder.campaigns, "week-48").give_up_hours == MAX_GIVE_UP_HOURS
