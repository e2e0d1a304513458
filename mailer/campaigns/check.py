"""The preflight of one campaign: every finding at once, on the path that its mails will take."""

from __future__ import annotations

from dataclasses import dataclass

from mailer.campaigns import queries
from mailer.campaigns.draft import Draft, Workshop, as_findings, identity_of, try_on
from mailer.campaigns.findings import CheckReport, Finding, Severity
from mailer.campaigns.preflight import run_preflight, weigh
from mailer.campaigns.recipients import EMPTY, SAMPLE, WORST, Person, empty_person, person_of, worst_person
from mailer.campaigns.source import CampaignSource, SourceInvalid
from mailer.rendering import CompiledMessage, RenderError
from mailer.rendering.from_settings import field_specs
from mailer.subscribers.queries import active_list
from mailer.wording import FALLBACK, LANGUAGES, wording

# Enough real people to meet an odd name, few enough to take no noticeable time.
REAL_RECIPIENTS = 20


@dataclass(frozen=True)
class Checked:
    """A report, and what was compiled on the way when it came that far."""

    report: CheckReport
    source: CampaignSource | None = None
    compiled: CompiledMessage | None = None


def check_campaign(shop: Workshop, slug: str, *, links: bool = False) -> Checked:
    """Read, compile, try on and judge one campaign; never raises for what its author wrote."""
    try:
        source = shop.read(slug)
        compiled = shop.compile(source)
    except (SourceInvalid, RenderError) as error:
        return Checked(CheckReport.of(slug, as_findings(error)))
    # What is judged is what will be frozen, so it is read back from its bytes first (law 9).
    frozen = CompiledMessage.from_bytes(compiled.to_bytes())
    findings = [Finding.of(problem, weigh(problem)) for problem in compiled.warnings]
    findings += _language(source)
    if frozen.hash != compiled.hash:
        findings.append(_unstable(source.path))
    people = [*_made_up(shop, source), *_real_people(shop, source)]
    specimens, failures = try_on(frozen, people, shop.linker, path=source.path)
    by_label = {specimen.person.label: specimen for specimen in specimens}
    made_up = {label: by_label.pop(label) for label in (SAMPLE, WORST, EMPTY) if label in by_label}
    draft = Draft(
        source,
        identity_of(source, shop.settings),
        shop.settings,
        compiled,
        made_up,
        ask_links=links,
        published=shop.published,
    )
    findings += [*failures, *run_preflight(draft)]
    return Checked(CheckReport.of(slug, findings, recipients_rendered=len(by_label)), source, compiled)


def _made_up(shop: Workshop, source: CampaignSource) -> tuple[Person, ...]:
    specs, language = field_specs(shop.settings), shop.language_of(source)
    return shop.sample_reader(source), worst_person(specs, language), empty_person(language)


def _real_people(shop: Workshop, source: CampaignSource) -> list[Person]:
    """Some of the audience, with links that act on nothing: these bytes never leave."""
    with shop.store.read() as connection:
        list_ = active_list(connection, source.list_name)
        rows = queries.sample_people(connection, list_.id, REAL_RECIPIENTS) if list_ is not None else []
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
