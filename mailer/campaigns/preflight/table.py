"""The rules in the order they are read, and how they are run over one draft."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from mailer.campaigns.draft import Draft
from mailer.campaigns.findings import Finding, Severity
from mailer.campaigns.preflight import (
    asking,
    contrast,
    hidden,
    identity,
    links,
    signing,
    size,
    structure,
    subject,
    support,
    text_part,
)
from mailer.rendering.identity import Problem

ERROR, WARNING = Severity.ERROR, Severity.WARNING


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is looked for; what it finds carries the weight of the rule."""

    id: str
    requirement: str  #: the IDs in docs/requirements.md that it serves
    severity: Severity
    title: str
    look: Callable[[Draft], Iterable[Problem]]


#: Every rule of the check, beside what reading and compiling the campaign refuse by themselves.
RULES: tuple[Rule, ...] = (
    Rule("identity", "C12 C13 F7 E18", ERROR, "both parts say who sends and whom to ask", identity.identity_shown),
    Rule("imprint", "C13", WARNING, "German mail links to an imprint", identity.imprint),
    Rule("dkim-record", "A46 A39", ERROR, "the key that signs is the one in DNS", signing.dkim_record),
    Rule("subject-empty", "E18", ERROR, "the subject has words for everybody", subject.empty_subject),
    Rule("subject-reply", "B14", ERROR, "the subject pretends no answer", subject.false_reply),
    Rule("subject-long", "B14", WARNING, "the subject fits an inbox", subject.long_subject),
    Rule("preheader", "E12", WARNING, "there is a preheader of 40 to 130 characters", subject.preheader),
    Rule("sender-name", "B14", ERROR, "the sender's name is a plain name", subject.sender_name),
    Rule("sender-subject", "B14", WARNING, "the sender's name is no message", subject.sender_says_subject),
    Rule("unresolved-tag", "E18 E11", ERROR, "no merge tag is left over", text_part.unresolved_tag),
    Rule("text-empty", "E18 E11", ERROR, "the text part says something", text_part.empty_text),
    Rule("text-markup", "E11", ERROR, "the text part holds no markup", text_part.leftover_markup),
    Rule("text-equivalent", "E11", WARNING, "the text part says what the HTML says", text_part.equivalent),
    Rule("html-size", "B17 E18", ERROR, "the HTML stays below 95 KB", size.html_too_large),
    Rule("html-size-near", "B17 A36", WARNING, "the HTML stays below 85 KB", size.html_nearly_too_large),
    Rule("message-size", "A36 E18", ERROR, "the message stays below the limit", size.message_too_large),
    Rule("link-http", "E18", ERROR, "links are https", links.http_link),
    Rule("link-shortener", "E18", ERROR, "no link hides where it leads", links.shortened_link),
    Rule("link-lookalike", "B14", ERROR, "no host imitates another", links.lookalike_link),
    Rule("link-disguised", "B14", ERROR, "links lead where they say", links.says_another_host),
    Rule("link-words", "E4", WARNING, "links say what is behind them", links.vague_link),
    Rule("link-dead", "E18 D19", ERROR, "links work, when asked to look", asking.dead_links),
    Rule("hidden-text", "B15", WARNING, "no text is hidden", hidden.hidden_text),
    Rule("hidden-padding", "B15", WARNING, "no invisible characters are strung together", hidden.padding),
    Rule("language", "E1", ERROR, "the HTML says its language", structure.language),
    Rule("document-head", "E2", ERROR, "title, charset, zoom", structure.document_head),
    Rule("tables", "E5", WARNING, "tables are layout or data", structure.layout_tables),
    Rule("image-size", "E6", WARNING, "images have width and height", structure.image_sizes),
    Rule("image-words", "E6", WARNING, "images are described", structure.image_words),
    Rule("only-images", "E6", ERROR, "the message is text too", structure.only_images),
    Rule("headings", "E7", WARNING, "one main heading, no level left out", structure.headings),
    Rule("justified", "E7", WARNING, "no justified text", structure.justified),
    Rule("contrast-light", "E8", WARNING, "text stands out in light mail programs", contrast.light),
    Rule("contrast-dark", "E8", WARNING, "text stands out in dark mail programs", contrast.dark),
    Rule("support", "E13", WARNING, "mail programs show what is used", support.poor_support),
    Rule("background-image", "E13", WARNING, "no background depends on an image", support.background_only),
    Rule("moving-images", "E13", WARNING, "what moves comes to rest", support.moving_images),
)  # fmt: skip

#: What the renderer only warns of, because it can still be sent, and the check does not let pass.
STRICTER: Mapping[str, Severity] = {"link.http": ERROR}


def weigh(problem: Problem) -> Severity:
    """The weight that the check gives to a warning of the renderer."""
    return STRICTER.get(problem.rule, WARNING)


def run_preflight(draft: Draft) -> Iterator[Finding]:
    """Everything that every rule finds in one draft."""
    for rule in RULES:
        for problem in rule.look(draft):
            yield Finding.of(problem, rule.severity)
