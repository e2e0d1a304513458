"""Read a campaign folder: `campaigns/<slug>/campaign.md` or `campaign.mjml`, text part, images."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mailer.campaigns.front_matter import Entry, Head, HeadInvalid, invisible, split
from mailer.campaigns.images import CampaignImage, read_images
from mailer.errors import MailerError
from mailer.rendering.identity import Body, MessageSource, Problem
from mailer.settings.values import MAX_GIVE_UP_HOURS

# The whole message must stay below 1 MB (A36) and its HTML below 95 KB (B17).
MAX_BODY_BYTES = 1024 * 1024
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_BODIES: Mapping[str, Literal["markdown", "mjml"]] = {"campaign.md": "markdown", "campaign.mjml": "mjml"}
_TEXT_PART = "campaign.txt"


class SourceInvalid(MailerError):
    """The campaign's files cannot be used."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True)
class CampaignSource:
    """What a campaign folder says, read once; nothing in it has been rendered."""

    slug: str
    folder: Path
    path: str  #: of the main file, as staff would type it from the site's folder
    subject: str
    preheader: str
    list_name: str
    language: str | None  #: None: the site's
    layout: str | None  #: None: the default
    give_up_hours: int | None
    values: Mapping[str, Any]
    body: Body
    text_body: Body | None
    images: tuple[CampaignImage, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)  #: front matter key -> line

    def message_source(self, *, base_url: str, language: str) -> MessageSource:
        """This campaign as the renderer takes it; images become addresses on the site."""
        media = base_url.rstrip("/") + "/media/"
        layout = {} if self.layout is None else {"layout": self.layout}
        return MessageSource(
            slug=self.slug,
            subject=self.subject,
            preheader=self.preheader,
            language=self.language or language,
            body=self.body,
            text_body=self.text_body,
            images={image.path: media + image.hash for image in self.images},
            image_sizes={image.path: image.pixels for image in self.images if image.pixels},
            campaign=self.values,
            **layout,
        )


def check_slug(slug: str) -> str:
    """Return the slug, or raise SourceInvalid: it names a folder, so it is kept plain."""
    if not _SLUG.fullmatch(slug):
        problem = Problem(
            f"campaigns/{slug[:80]!a}",
            None,
            "slug",
            "a campaign's name is made of small letters, digits and hyphens, 64 at most",
            "Name it `2026-week-48`, for example.",
        )
        raise SourceInvalid([problem])
    return slug


def read_campaign(campaigns: Path, slug: str) -> CampaignSource:
    """Read one campaign folder. Raises SourceInvalid with every problem found, each with its place."""
    folder = campaigns / check_slug(slug)
    path = _main_file(campaigns, folder)
    shown = f"{campaigns.name}/{slug}"
    head = _head(path, f"{shown}/{path.name}")
    reader = _Reader(f"{shown}/{path.name}", head.entries)
    images, problems = read_images(folder, shown)
    text_body = _text_body(folder, shown, reader.problems)
    source = CampaignSource(
        slug=slug,
        folder=folder,
        path=reader.path,
        subject=reader.text("subject", required=True),
        preheader=reader.text("preheader"),
        list_name=reader.text("list", required=True),
        language=reader.language(),
        layout=reader.text("layout") or None,
        give_up_hours=reader.hours("give_up_hours"),
        values=reader.mapping("campaign"),
        body=Body(head.body, _BODIES[path.name], reader.path, head.body_line),
        text_body=text_body,
        images=images,
        lines={key: entry.line for key, entry in head.entries.items()},
    )
    reader.refuse_unknown()
    if not head.body.strip():
        reader.fault(
            "body-empty", head.body_line, "the campaign has no text", "Write it below the front matter."
        )
    if reader.problems or problems:
        raise SourceInvalid(sorted([*reader.problems, *problems], key=lambda p: (p.path, p.line or 0)))
    return source


def campaign_slugs(campaigns: Path) -> list[str]:
    """The names of all campaign folders, in order."""
    if not campaigns.is_dir():
        return []
    return sorted(p.name for p in campaigns.iterdir() if any((p / name).is_file() for name in _BODIES))


def _main_file(campaigns: Path, folder: Path) -> Path:
    found = [folder / name for name in _BODIES if (folder / name).is_file()]
    if len(found) == 1:
        return found[0]
    shown = f"{campaigns.name}/{folder.name}"
    if found:
        problem = Problem(
            shown, None, "two-bodies", "there is both a campaign.md and a campaign.mjml", "Keep one."
        )
    else:
        near = difflib.get_close_matches(folder.name, campaign_slugs(campaigns), 1)
        remedy = f"Did you mean `{near[0]}`?" if near else f"`mailer campaign new {folder.name}` writes one."
        problem = Problem(shown, None, "no-campaign", "there is no campaign.md or campaign.mjml here", remedy)
    raise SourceInvalid([problem])


def _head(path: Path, shown: str) -> Head:
    try:
        return split(read_text(path, shown), shown)
    except HeadInvalid as error:
        raise SourceInvalid([error.problem]) from error


def _text_body(folder: Path, shown: str, problems: list[Problem]) -> Body | None:
    path = folder / _TEXT_PART
    if not path.is_file():
        return None
    try:
        return Body(read_text(path, f"{shown}/{_TEXT_PART}"), "text", f"{shown}/{_TEXT_PART}")
    except SourceInvalid as error:
        problems.extend(error.problems)
        return None


def read_text(path: Path, shown: str) -> str:
    """A file as text with LF line ends. Raises SourceInvalid: too big, not UTF-8, or not text."""
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MAX_BODY_BYTES else b""
    except OSError as error:
        raise _unreadable(
            shown, None, f"the file cannot be read: {error.strerror}", "Check its mode."
        ) from error
    if size > MAX_BODY_BYTES:
        message = f"the file is {size / 1_048_576:.1f} MB; a message must stay below 1 MB"
        raise _unreadable(
            shown, None, message, "Put pictures into images/ and shorten the text.", "body-size"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        remedy = "Save the file as UTF-8."
        raise _unreadable(shown, line, "the file is not UTF-8 text", remedy) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise _unreadable(
            shown, line, "the file holds a NUL character, so it is not text", "Save it as UTF-8."
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unreadable(
    path: str, line: int | None, message: str, remedy: str, rule: str = "encoding"
) -> SourceInvalid:
    return SourceInvalid([Problem(path, line, rule, message, remedy)])


class _Reader:
    """Takes typed values out of a head and gathers what is wrong with them."""

    def __init__(self, path: str, entries: Mapping[str, Entry]) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self._entries = entries

    def text(self, key: str, *, required: bool = False) -> str:
        """A line of text, as written: `subject: 2026` and `subject: No` are text as well."""
        entry = self._entries.get(key)
        text = "" if entry is None or entry.value is None else entry.text
        if text is None:
            self.fault(
                "front-matter",
                self._line(key),
                f"`{key}` must be one line of text",
                "Write it after the colon.",
            )
            return ""
        text = text.strip(" \t\n")
        if required and not text:
            self.fault("front-matter", self._line(key), f"`{key}` is missing", _REMEDIES.get(key, ""))
        hidden = (text.index("\n"), "a line break") if "\n" in text else invisible(text)
        if hidden is not None:
            message = f"`{key}` holds an invisible character ({hidden[1]})"
            self.fault(
                "one-line", self._line(key), message, "Write it on one line, without hidden characters."
            )
        return text

    def language(self) -> str | None:
        """A language tag (BCP 47), or None."""
        text = self.text("language")
        if text and not _LANGUAGE.fullmatch(text):
            message = f"`language: {text[:20]}` is not a language"
            self.fault("front-matter", self._line("language"), message, "Write a tag such as `en` or `de`.")
        return text or None

    def hours(self, key: str) -> int | None:
        """A whole number of hours, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        value = entry.value
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_GIVE_UP_HOURS:
            return value
        message = f"`{key}` must be a whole number of hours from 1 to {MAX_GIVE_UP_HOURS}"
        self.fault("front-matter", entry.line, message, "It is how long a deferred message is tried again.")
        return None

    def mapping(self, key: str) -> Mapping[str, Any]:
        """Further values, seen in the text as `campaign.<name>`."""
        entry = self._entries.get(key)
        if entry is None or entry.value is None:
            return {}
        if isinstance(entry.value, dict) and all(isinstance(name, str) for name in entry.value):
            return dict(entry.value)
        message = f"`{key}` must be a list of indented `name: value` lines"
        self.fault("front-matter", entry.line, message, "The text reads them as `{{ campaign.name }}`.")
        return {}

    def refuse_unknown(self) -> None:
        """Name every key that means nothing here, and the one that was probably meant."""
        for key, entry in self._entries.items():
            if key in _REFUSED:
                self.fault(key, entry.line, *_REFUSED[key])
            elif key not in KEYS:
                near = difflib.get_close_matches(key, KEYS, 1)
                remedy = f"Did you mean `{near[0]}`?" if near else f"Known keys: {', '.join(KEYS)}."
                remedy += "" if near else " Values of your own go below `campaign:`."
                self.fault("unknown-key", entry.line, f"there is no `{key}` in a campaign", remedy)

    def fault(self, rule: str, line: int | None, message: str, remedy: str) -> None:
        """Note one problem of the main file."""
        self.problems.append(Problem(self.path, line, rule, message, remedy))

    def _line(self, key: str) -> int:
        return self._entries[key].line if key in self._entries else 1


#: Every key of the front matter and what it is for.
KEYS: Mapping[str, str] = {
    "subject": "the subject line; merge fields work here",
    "preheader": "the grey line after the subject in an inbox; 40 to 130 characters",
    "list": "the list it goes to: a name under [lists] in mailer.toml",
    "language": "the language of the text, such as en or de; the site's when absent",
    "layout": "a file of templates/email/ without .mjml; default when absent",
    "give_up_hours": "how long a deferred message is tried again; the site's when absent",
    "campaign": "values of your own, which the text reads as {{ campaign.name }}",
}
_REMEDIES: Mapping[str, str] = {
    "subject": "Add `subject: What is in it`.",
    "list": "Add `list:` and the name of a list in mailer.toml.",
}
_REFUSED: Mapping[str, tuple[str, str]] = {
    "segment": (
        "segments do not exist yet, so this campaign would go to the whole list",
        "Remove `segment`, or send it to a smaller list.",
    ),
}
