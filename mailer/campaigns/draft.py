"""A campaign as it is on disk, compiled and tried on people, before anybody has approved it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from mailer.audit import Ledger
from mailer.campaigns.findings import Finding, Severity
from mailer.campaigns.recipients import Linker, Person, sample_person
from mailer.campaigns.source import CampaignSource, SourceInvalid, read_campaign
from mailer.errors import MailerError
from mailer.rendering import (
    CompiledMessage,
    FilledMessage,
    Gate,
    MessageClass,
    RecipientValues,
    Renderer,
    RenderError,
)
from mailer.rendering.from_settings import field_specs, list_identity
from mailer.rendering.identity import ListIdentity, Problem
from mailer.settings import Settings
from mailer.store import Store

if TYPE_CHECKING:
    from mailer.dkim.published import PublishedKeys


@dataclass(frozen=True)
class Workshop:
    """What the steps from a campaign's files to its freezing work with, for one site."""

    store: Store
    settings: Settings
    campaigns: Path
    renderer: Renderer
    ledger: Ledger
    linker: Linker
    published: PublishedKeys | None = None  #: what DNS says of the keys that sign; None: nobody is asked

    def read(self, slug: str) -> CampaignSource:
        """The campaign as it is on disk. Raises SourceInvalid."""
        return read_campaign(self.campaigns, slug)

    def compile(
        self, source: CampaignSource, *, message_class: MessageClass = MessageClass.CAMPAIGN
    ) -> CompiledMessage:
        """See compile_source."""
        return compile_source(source, self.settings, self.renderer, message_class=message_class)

    def language_of(self, source: CampaignSource) -> str:
        """The language of the campaign, else the site's."""
        return source.language or self.settings.site.language

    def sample_reader(self, source: CampaignSource) -> Person:
        """Somebody pleasant who reads the campaign's language."""
        return sample_person(field_specs(self.settings), self.language_of(source))


@dataclass(frozen=True)
class Specimen:
    """One filled message, as the bytes that would leave and as the parts a person sees."""

    person: Person
    values: RecipientValues
    filled: FilledMessage
    html: str
    text: str

    @cached_property
    def subject(self) -> str:
        """As a mail program would show it."""
        return subject_of(self.filled.data)


@dataclass(frozen=True)
class Draft:
    """Everything a preflight rule may look at."""

    source: CampaignSource
    list_: ListIdentity
    settings: Settings
    compiled: CompiledMessage
    specimens: Mapping[str, Specimen] = field(
        default_factory=dict
    )  #: by label: SAMPLE, WORST, EMPTY of recipients.py; one that could not be filled is absent
    ask_links: bool = False  #: whether links may be asked over the network (D19)
    published: PublishedKeys | None = None  #: of the keys that sign; None: DNS is not asked


def identity_of(source: CampaignSource, settings: Settings) -> ListIdentity:
    """The list the campaign names. Raises SourceInvalid, with the line, when there is none."""
    try:
        return list_identity(settings, source.list_name)
    except KeyError:
        near = difflib.get_close_matches(source.list_name, settings.lists, 1)
        remedy = f"Did you mean `{near[0]}`?" if near else f"mailer.toml has: {', '.join(settings.lists)}."
        problem = Problem(
            source.path,
            source.lines.get("list"),
            "unknown-list",
            f"there is no list `{source.list_name}` in mailer.toml",
            remedy,
        )
        raise SourceInvalid([problem]) from None


def compile_source(
    source: CampaignSource,
    settings: Settings,
    renderer: Renderer,
    *,
    message_class: MessageClass = MessageClass.CAMPAIGN,
) -> CompiledMessage:
    """Compile a campaign as it is on disk. Raises SourceInvalid or RenderError, problems placed."""
    identity = identity_of(source, settings)
    message = source.message_source(base_url=settings.site.base_url, language=settings.site.language)
    try:
        return renderer.compile(message, identity, message_class=message_class)
    except RenderError as error:
        raise RenderError(_placed(problem, source) for problem in error.findings) from error


def _placed(problem: Problem, source: CampaignSource) -> Problem:
    """A problem of no place in particular is of the layout that the front matter names."""
    if problem.path:
        return problem
    return replace(problem, path=source.path, line=source.lines.get("layout"))


def as_findings(error: SourceInvalid | RenderError) -> list[Finding]:
    """The problems that stopped a campaign on its way, as errors of the check."""
    problems = error.problems if isinstance(error, SourceInvalid) else error.findings
    return [Finding.of(problem, Severity.ERROR) for problem in problems]


def subject_of(data: bytes) -> str:
    """The subject of a filled message as a mail program would show it."""
    return str(BytesHeaderParser(EmailMessage, policy=policy.SMTP).parsebytes(data)["Subject"])


def try_on(
    compiled: CompiledMessage, people: Iterable[Person], linker: Linker, *, path: str
) -> tuple[list[Specimen], list[Finding]]:
    """Fill the message for each person and send the bytes through the gate (law 4).

    What fails is told once per reason, with the first person it failed for.
    """
    gate = Gate()
    specimens: list[Specimen] = []
    failures: dict[str, Finding] = {}
    for person in people:
        values = linker.values(person, links=compiled.links, campaign_tag=bytes(6))
        try:
            filled = compiled.fill(values)
            gate.check(filled, compiled.message_class, expected=compiled.expected(values))
        except MailerError as error:
            rule = "gate" if type(error).__name__ == "NoWayOut" else "unrenderable"
            finding = Finding(Severity.ERROR, rule, path, None, f"for {person.label}: {error}")
            failures.setdefault(f"{rule}: {error}", finding)
            continue
        specimens.append(Specimen(person, values, filled, compiled.html(values), compiled.text(values)))
    return specimens, list(failures.values())
