"""The check finds what is wrong on the very path that mails take, and never raises for an author's mistake."""

from __future__ import annotations

import pytest

from mailer.campaigns.findings import CheckReport, Finding, Severity
from mailer.campaigns.recipients import WORST_ADDRESS, empty_person, sample_person, worst_person
from mailer.rendering.identity import FieldSpec, Problem
from mailer.store.vocabulary import SubscriptionState
from tests.campaigns.conftest import GOOD


def rules(report):
    return [(found.rule, found.line) for found in report.errors]


def test_a_good_campaign_passes(campaigns, write_campaign):
    write_campaign()
    report = campaigns.check("week-48")
    assert report.passed
    assert report.errors == ()


@pytest.mark.rule("E18")
def test_twenty_real_subscribers_are_tried_from_both_ends_of_the_list(campaigns, crowd, write_campaign):
    crowd.join(50, first_name="Ada")
    crowd.join(5, state=SubscriptionState.PENDING)
    write_campaign()
    assert campaigns.check("week-48").recipients_rendered == 20


def test_a_list_of_three_is_tried_on_all_three(campaigns, crowd, write_campaign):
    crowd.join(3)
    write_campaign()
    assert campaigns.check("week-48").recipients_rendered == 3


def test_names_that_look_like_code_harm_nobody(campaigns, crowd, write_campaign):
    for name in ["<script>x</script>", "{{7*7}}", '"><a href=x>', "a\r\nBcc: x@y.example", "\u2028", "\x07"]:
        crowd.join(1, first_name=name)
    write_campaign()
    report = campaigns.check("week-48")
    assert report.passed
    assert report.recipients_rendered == 6


def test_a_problem_of_the_file_is_an_error_with_its_place(campaigns, write_campaign):
    write_campaign("week-48", GOOD.replace("list: weekly", "list: weekly\nsegment: x"))
    (found,) = campaigns.check("week-48").errors
    assert (found.place, found.rule) == ("campaigns/week-48/campaign.md:5", "segment")
    assert found.remedy


def test_a_list_that_does_not_exist_is_named_with_the_line_and_the_nearest(campaigns, write_campaign):
    write_campaign("week-48", GOOD.replace("list: weekly", "list: weakly"))
    (found,) = campaigns.check("week-48").errors
    assert (found.rule, found.line) == ("unknown-list", 4)
    assert found.remedy == "Did you mean `weekly`?"


def test_an_unknown_merge_field_is_an_error_with_its_line(campaigns, write_campaign):
    write_campaign("week-48", GOOD.replace("first_name", "fist_name"))
    errors = campaigns.check("week-48").errors
    assert [found.line for found in errors] == [9]
    assert "fist_name" in errors[0].message


def test_a_template_that_loops_for_ever_is_an_error(campaigns, write_campaign):
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}"
    write_campaign("week-48", GOOD + loop)
    assert not campaigns.check("week-48").passed


@pytest.mark.rule("F3")
@pytest.mark.parametrize("tail", ["\n<!-- open", "\n<style>a{color:red", "\n<textarea>", "\n<!--[if mso]>"])
def test_an_unclosed_tag_does_not_swallow_the_way_out(campaigns, write_campaign, tail):
    write_campaign("week-48", GOOD + tail)
    report = campaigns.check("week-48")
    if report.passed:
        shown = campaigns.preview("week-48")
        assert "/u/u" in shown.text


def test_an_expression_that_fails_for_somebody_is_told_with_who(campaigns, write_campaign, crowd):
    crowd.join(1, first_name="x")
    write_campaign("week-48", GOOD + "\n{{ 10 // (subscriber.first_name | length - 1) }}\n")
    report = campaigns.check("week-48")
    assert not report.passed


def test_a_campaign_that_is_not_there_is_an_error_not_an_exception(campaigns):
    assert rules(campaigns.check("nothing")) == [("no-campaign", None)]


def test_the_worst_case_is_as_long_as_the_grammar_allows_and_full_of_what_means_something():
    specs = {
        "name": FieldSpec("text"),
        "n": FieldSpec("number"),
        "b": FieldSpec("boolean"),
        "d": FieldSpec("date"),
    }
    worst = worst_person(specs, "en")
    assert len(str(WORST_ADDRESS)) == 254
    assert set("&\"'<>") < set(worst.fields["name"])
    assert len(worst.fields["name"]) == 255
    assert set(sample_person(specs, "en").fields) == set(specs)
    assert empty_person("en").fields == {}


def test_findings_are_sorted_errors_first_and_told_once():
    def found(severity, path, line):
        return Finding(severity, "r", path, line, "m")

    one = found(Severity.WARNING, "a", 1)
    two = found(Severity.ERROR, "b", 9)
    three = found(Severity.ERROR, "b", 2)
    report = CheckReport.of("x", [one, two, three, two])
    assert report.findings == (three, two, one)
    assert (len(report.errors), len(report.warnings), report.passed) == (2, 1, False)


def test_a_finding_keeps_what_the_renderer_said():
    problem = Problem("campaigns/x/campaign.md", 7, "E6", "an image has no text", "Write one.")
    found = Finding.of(problem, Severity.WARNING)
    assert found.place == "campaigns/x/campaign.md:7"
    assert found.as_json() == {
        "severity": "warning",
        "rule": "E6",
        "path": "campaigns/x/campaign.md",
        "line": 7,
        "message": "an image has no text",
        "remedy": "Write one.",
    }


@pytest.mark.rule("E4", "E17")
@pytest.mark.parametrize(
    ("language", "warned"), [("fr", True), ("de", False), ("de-AT", False), ("en", False)]
)
def test_a_language_without_words_for_leaving_is_asked_about(campaigns, write_campaign, language, warned):
    write_campaign("week-48", GOOD.replace("list: weekly", f"list: weekly\nlanguage: {language}"))
    found = [(one.rule, one.line) for one in campaigns.check("week-48").warnings if one.rule == "language"]
    assert found == ([("language", 5)] if warned else [])


def test_a_layout_that_does_not_exist_is_named_with_its_line(campaigns, write_campaign):
    write_campaign("week-48", GOOD.replace("list: weekly", "list: weekly\nlayout: nosuch"))
    (found,) = campaigns.check("week-48").errors
    assert found.place == "campaigns/week-48/campaign.md:5"
    assert "nosuch" in found.message
