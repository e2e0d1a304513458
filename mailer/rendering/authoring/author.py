"""From a message source to its three programs: the one way in to the authoring side."""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from jinja2 import TemplateError
from markupsafe import Markup

from mailer.errors import MailerError
from mailer.rendering.authoring import block, css, dom, finish, holes, markdown, mjml, sandbox, text
from mailer.rendering.authoring.addresses import Addresses
from mailer.rendering.authoring.lint import Lint
from mailer.rendering.authoring.markup import Element, read_mjml
from mailer.rendering.authoring.tags import Located, Names, Origin, Placeholders, Tag, TagKind, lex, locate
from mailer.rendering.errors import RenderError
from mailer.rendering.identity import Body, FieldSpec, ListIdentity, MessageSource, Problem, SiteIdentity
from mailer.rendering.program import HoleContext, Parts
from mailer.wording import wording

#: Names known when a message is compiled.
COMPILE_TIME: Final = ("site", "list", "campaign", "content", "subject", "preheader", "language", "words")
CAMPAIGN_LINKS: Final = ("unsubscribe_url", "view_url")
CONFIRMATION_LINKS: Final = ("confirm_url", "not_me_url", "expires_at")
_CONFIRMATION: Final = "system/confirmation"
#: Characters of one source; a mail is stopped at 95 KB of HTML.
MAX_SOURCE: Final = 500_000
#: Characters no text is made of, and those our own marks are made of.
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ue000-\ue005]")
_LAYOUT_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class LayoutMissing(RenderError):
    """The layout a message names does not exist."""


@dataclass
class Authoring:
    """One compile: its names, its placeholders, and every problem found so far."""

    names: Names
    site: SiteIdentity
    language: str
    template_dirs: Sequence[Path]
    images: Mapping[str, str]
    values: dict[str, Any]
    image_sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    placeholders: Placeholders = field(default_factory=Placeholders)
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def stop_on_errors(self) -> None:
        """Raises RenderError when something was wrong so far."""
        if self.errors:
            found = {self.readable(each) for each in self.errors}
            raise RenderError(
                sorted(found, key=lambda each: (each.path, each.line or 0, each.rule, each.message))
            )

    def readable(self, problem: Problem) -> Problem:
        """The problem with tags as their author wrote them."""
        message, remedy = (self.placeholders.readable(words) for words in (problem.message, problem.remedy))
        return replace(problem, message=message, remedy=remedy)

    def rendered(self, body: Body, *, markup: bool) -> Located:
        """A source after compile-time Jinja, with placeholders for what is known per recipient."""
        if len(body.text) > MAX_SOURCE:
            kilobytes = len(body.text) // 1000
            self.errors.append(
                Problem(body.path, None, "source.size", f"The source has {kilobytes} KB.",
                        f"Keep it below {MAX_SOURCE // 1000} KB: mail programs cut off long messages.")
            )  # fmt: skip
            self.stop_on_errors()
        body = replace(body, text=body.text.replace("\r\n", "\n").replace("\r", "\n"))
        if bad := _CONTROL.search(body.text):
            line = body.first_line + body.text.count("\n", 0, bad.start())
            self.errors.append(
                Problem(body.path, line, "source.control",
                        f"The source holds a control character (U+{ord(bad[0]):04X}).",
                        "Remove it.")
            )  # fmt: skip
            return Located("", (Origin(body.path, line),))
        lexed = lex(body, self.names, self.placeholders)
        self.errors += lexed.problems
        if lexed.problems:
            return Located("", (Origin(body.path, body.first_line),))
        try:
            out = sandbox.render(lexed.template, self.values, autoescape=markup)
        except (
            TemplateError,
            MailerError,
            ArithmeticError,
            LookupError,
            TypeError,
            ValueError,
            RecursionError,
        ) as error:
            self.errors.append(_template_problem(error, body))
            out = ""
        return locate(out, body.path, self.placeholders, first_line=body.first_line)

    def line(self, value: str, name: str, path: str) -> str:
        """A subject or preheader: one line of text, with placeholders."""
        if bad := re.search("[\r\n\x00\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", value):
            self.errors.append(
                Problem(path, None, f"{name}.line-break", f"The {name} holds a line break (U+{ord(bad[0]):04X}).",
                        "Write it on one line.")
            )  # fmt: skip
            return ""
        return self.rendered(Body(value, "text", path), markup=False).text

    def link(self, name: str) -> str:
        """A placeholder of our own for one of the recipient's links."""
        return self.placeholders.add(Tag(TagKind.VALUE, name, Origin("", 1)))


def author(
    source: MessageSource,
    list_: ListIdentity,
    *,
    site: SiteIdentity,
    fields: Mapping[str, FieldSpec],
    template_dirs: Sequence[Path],
) -> Parts:
    """The programs of a campaign. Raises RenderError with every problem found."""
    work = _begin(
        list_, site, source.language, template_dirs, images=source.images, fields=tuple(fields),
        links=CAMPAIGN_LINKS, campaign={**source.campaign, "slug": source.slug},
    )  # fmt: skip
    work.image_sizes = source.image_sizes
    work.values["subject"] = subject = work.line(source.subject, "subject", source.body.path)
    work.values["preheader"] = work.line(source.preheader, "preheader", source.body.path)
    document = _compiled(source.body, source.layout, work)
    lines = _campaign_lines(list_, work)
    finish.finish(document, subject, work.language)
    block.inject(document, lines, work.language)
    text_lines = _campaign_lines(list_, work)
    if source.text_body is not None:
        plain = work.rendered(source.text_body, markup=False).text.strip("\n") + "\n"
    else:
        plain = text.to_text(document, work.placeholders, skip_class=block.BLOCK_CLASS)
    return _parts(document, plain + "\n" + block.as_text(text_lines), subject, work, lines)


def author_confirmation(
    *, language: str, list_: ListIdentity, site: SiteIdentity, template_dirs: Sequence[Path]
) -> Parts:
    """The programs of the mail that asks whether a sign-up was meant (C6): our words only, no advertising."""
    work = _begin(
        list_, site, language, template_dirs, images={}, fields=(), links=CONFIRMATION_LINKS, campaign={}
    )
    words = wording(language)
    said = {
        "list": list_.title,
        "site": site.name,
        "legal_name": site.legal_name,
        "frequency": list_.frequency,
    }
    said["expires"] = work.link("expires_at")
    keys = ("subject", "title", "why", "button", "expires", "what" if list_.frequency else "what_plain")
    work.values["words"] = texts = {
        key.removesuffix("_plain"): words.text(f"mail.confirm.{key}", **said) for key in keys
    }
    work.values["subject"] = texts["subject"]
    template = _template(_CONFIRMATION, template_dirs)
    if template is None:
        raise LayoutMissing(
            [Problem("", None, "layout.missing", "The template of confirmation mail is missing.")]
        )
    document = _compiled(template, "", work)
    if "confirm_url" not in {tag.expression for tag in work.placeholders.find(dom.serialise(document))}:
        work.errors.append(
            Problem(f"templates/email/{_CONFIRMATION}.mjml", None, "confirmation.link",
                    "The confirmation mail has no link to confirm.", "Link to {{ confirm_url }}.")
        )  # fmt: skip
    lines = block.confirmation_lines(site, language, work.link("not_me_url"))
    finish.finish(document, texts["subject"], language)
    block.inject(document, lines, language, name="mail.confirm.name")
    plain = text.to_text(document, work.placeholders, skip_class=block.BLOCK_CLASS)
    plain += "\n" + block.as_text(block.confirmation_lines(site, language, work.link("not_me_url")))
    return _parts(document, plain, texts["subject"], work, lines)


def _begin(
    list_: ListIdentity, site: SiteIdentity, language: str, template_dirs: Sequence[Path], *,
    images: Mapping[str, str], fields: tuple[str, ...], links: tuple[str, ...], campaign: Mapping[str, Any],
) -> Authoring:  # fmt: skip
    names = Names(fields, links, COMPILE_TIME)
    values: dict[str, Any] = {
        "site": _public(site),
        "list": {"name": list_.name, "title": list_.title, "description": list_.description,
                 "frequency": list_.frequency},
        "campaign": dict(campaign), "content": "", "subject": "", "preheader": "", "language": language,
        "words": {"view_link": wording(language).text("block.view_link")},
    }  # fmt: skip
    return Authoring(names, site, language, template_dirs, images, values)


def _public(site: SiteIdentity) -> dict[str, Any]:
    return {name: value for name, value in asdict(site).items() if name != "asset_hosts"}


def _compiled(body: Body, layout: str, work: Authoring) -> dom.Node:
    """The document of a body in its layout, checked and without the block."""
    tree = _tree(body, layout, work)
    work.stop_on_errors()
    lint = Lint(work.site, work.images, work.placeholders, sizes=work.image_sizes)
    lint.mjml(tree)
    inline = mjml.take_inline_sheets(tree)
    compiling = mjml.Compiling(work.placeholders, lint.fragment)
    html = compiling.compile(tree)
    work.errors += compiling.problems + lint.errors
    work.warnings += compiling.warnings + lint.warnings
    work.stop_on_errors()
    document = dom.parse_document(html)
    for sheet in inline:
        css.inline(document, sheet)
    return document


def _tree(body: Body, layout: str, work: Authoring) -> Element:
    located = work.rendered(body, markup=True)
    if body.kind == "markdown":
        return _in_layout(mjml.Content(html=markdown.to_html(located, work.placeholders)), layout, work)
    root, problems = read_mjml(located)
    work.errors += problems
    elements = tuple(child for child in root.children if isinstance(child, Element))
    whole = next((element for element in elements if element.name == "mjml"), None)
    return whole or _in_layout(mjml.Content(elements=elements), layout, work)


def _in_layout(content: mjml.Content, layout: str, work: Authoring) -> Element:
    mark = f"zq{work.placeholders.nonce}c00000qz"
    work.values["content"] = Markup(mark)  # noqa: S704 - letters and digits of our own
    body = _layout(layout, work.template_dirs)
    root, problems = read_mjml(work.rendered(body, markup=True))
    work.errors += problems
    work.stop_on_errors()
    tree = next(
        (child for child in root.children if isinstance(child, Element) and child.name == "mjml"), None
    )
    if tree is None:
        raise RenderError([Problem(body.path, 1, "layout.mjml", "The layout has no <mjml> element.")])
    if not mjml.place_content(tree, mark, content, work.errors):
        work.warnings.append(
            Problem(body.path, None, "layout.content", "The layout has no {{ content }}; the message was put last.",
                    "Write {{ content }} where it belongs.")
        )  # fmt: skip
        mjml.append_content(tree, content, work.errors)
    return tree


def _layout(name: str, template_dirs: Sequence[Path]) -> Body:
    """The source of a layout authors may name. Raises LayoutMissing."""
    found = _template(name, template_dirs) if _LAYOUT_NAME.fullmatch(name) else None
    if found is not None:
        return found
    known = sorted({path.stem for folder in template_dirs for path in (folder / "email").glob("*.mjml")})
    remedy = f"There are: {', '.join(known)}."
    raise LayoutMissing([Problem("", None, "layout.missing", f"There is no layout “{name}”.", remedy)])


def _template(name: str, template_dirs: Sequence[Path]) -> Body | None:
    """The template from the first folder that has it."""
    for folder in template_dirs:
        path = folder / "email" / f"{name}.mjml"
        if path.is_file():
            return Body(path.read_text(encoding="utf-8"), "mjml", f"templates/email/{name}.mjml")
    return None


def _campaign_lines(list_: ListIdentity, work: Authoring) -> list[block.Line]:
    links = block.Links(work.link("unsubscribe_url"), work.link("view_url"))
    return block.campaign_lines(list_, work.site, work.language, links)


def _parts(document: dom.Node, plain: str, subject: str, work: Authoring, lines: list[block.Line]) -> Parts:
    work.errors += holes.place(document, work.placeholders)
    work.stop_on_errors()
    html = dom.serialise(document)
    finish.verify(html, lines, Addresses(work.site, work.images, work.placeholders))
    return Parts(
        html=holes.build(html, work.placeholders, HoleContext.HTML),
        text=holes.build(plain, work.placeholders, HoleContext.TEXT),
        subject=holes.build(subject, work.placeholders, HoleContext.TEXT),
        warnings=tuple(dict.fromkeys(map(work.readable, work.warnings))),
    )


def _template_problem(error: Exception, body: Body) -> Problem:
    """The problem behind an exception of Jinja or the sandbox, with the template's line where it is known."""
    line: int | None = getattr(error, "lineno", None) or getattr(error, "line", None)
    if line is None:
        frames = [
            f for f in traceback.extract_tb(error.__traceback__) if f.filename in ("<template>", "<unknown>")
        ]
        line = frames[-1].lineno if frames else None
    message = str(error) or type(error).__name__
    message = message[0].upper() + message[1:]
    if not message.endswith((".", "!", "?")):
        message += "."
    return Problem(body.path, None if line is None else body.first_line + line - 1, "template.run", message)
