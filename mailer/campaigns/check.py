"""The preflight of one campaign: every finding at once, on the path that its mails will take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailer.campaigns import queries
from mailer.campaigns.draft import Draft, as_findings, compile_source, identity_of, try_on
from mailer.campaigns.findings import CheckReport, Finding, Severity
from mailer.campaigns.preflight import run_preflight, weigh
from mailer.campaigns.recipients import Linker, Person, empty_person, person_of, sample_person, worst_person
from mailer.campaigns.source import CampaignSource, SourceInvalid, read_campaign
from mailer.rendering import CompiledMessage, Renderer, RenderError
from mailer.rendering.from_settings import field_specs
from mailer.settings import Settings
from mailer.store import Store
from mailer.wording import FALLBACK, LANGUAGES, wording

# Enough real people to meet an odd name, few enough to take no noticeable time.
REAL_RECIPIENTS = 20


@dataclass(frozen=True)
class Checked:
    """A report, and what was compiled on the way when it came that far."""

    report: CheckReport
    source: CampaignSource | None = None
    compiled: CompiledMessage | None = None


@dataclass(frozen=True)
class Checker:
    """Checks campaigns of one site."""

    store: Store
    settings: Settings
    campaigns: Path
    renderer: Renderer
    linker: Linker

    def check(self, slug: str, *, links: bool = False) -> Checked:
        """Read, compile, try on and judge one campaign; never raises for what its author wrote."""
        try:
            source = read_campaign(self.campaigns, slug)
            compiled = compile_source(source, self.settings, self.renderer)
        except (SourceInvalid, RenderError) as error:
            return Checked(CheckReport.of(slug, as_findings(error)))
        # What is judged is what will be frozen, so it is read back from its bytes first (law 9).
        frozen = CompiledMessage.from_bytes(compiled.to_bytes())
        findings = [Finding.of(problem, weigh(problem)) for problem in compiled.warnings]
        findings += _language(source)
        if frozen.hash != compiled.hash:
            findings.append(_unstable(source.path))
        made_up = list(self._made_up(source))
        people = [*made_up, *self._real_people(source)]
        specimens, failures = try_on(frozen, people, self.linker, path=source.path)
        labels = {person.label for person in made_up}
        draft = Draft(
            source,
            identity_of(source, self.settings),
            self.settings,
            compiled,
            {specimen.person.label: specimen for specimen in specimens if specimen.person.label in labels},
            ask_links=links,
        )
        findings += [*failures, *run_preflight(draft)]
        met = sum(specimen.person.label not in labels for specimen in specimens)
        return Checked(CheckReport.of(slug, findings, recipients_rendered=met), source, compiled)

    def _made_up(self, source: CampaignSource) -> Iterator[Person]:
        specs = field_specs(self.settings)
        language = source.language or self.settings.site.language
        yield sample_person(specs, language)
        yield worst_person(specs, language)
        yield empty_person(language)

    def _real_people(self, source: CampaignSource) -> Sequence[Person]:
        """Some of the audience, with links that act on nothing: these bytes never leave."""
        with self.store.read() as connection:
            row = queries.list_row(connection, source.list_name)
            rows = queries.sample_people(connection, row.id, REAL_RECIPIENTS) if row is not None else []
        return [person_of(row, harmless=True) for row in rows]


def _language(source: CampaignSource) -> list[Finding]:
    """Ask about a language in which the lines that every mail carries have no words (E4, E17)."""
    tag = source.language or FALLBACK
    if wording(tag).language == tag.split("-")[0].lower():
        return []
    message = f"there are no words in `{tag}` for how to leave the list; those lines will be in English"
    remedy = f"They can be in: {', '.join(LANGUAGES)}."
    return [Finding(Severity.WARNING, "language", source.path, source.lines.get("language"), message, remedy)]


def _unstable(path: str) -> Finding:
    return Finding(
        Severity.ERROR,
        "unstable",
        path,
        None,
        "the compiled message does not read back as it was written",
        "Please report this: nothing in a campaign can cause it.",
    )
