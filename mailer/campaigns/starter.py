"""Write the first file of a new campaign: one that passes the check and shows what can be done."""

from __future__ import annotations

import difflib
from pathlib import Path

from mailer.campaigns.source import check_slug
from mailer.errors import MailerError
from mailer.settings import Settings


class CannotStart(MailerError):
    """The new campaign cannot be written."""


_TEXT = """\
---
subject: {title}
# Shown after the subject in an inbox: 40 to 130 characters that make somebody open it.
preheader: What this issue is about, in one sentence that goes on where the subject ends.
list: {list_name}
# Also possible: language, layout, give_up_hours, and `campaign:` with values of your own.
---

# {title}

{greeting}

Write the news here. *Markdown* works: **bold**, lists, headings, and links such as
[our shop]({base_url}/).

## One thing worth a closer look

Put a picture into the folder `images/` next to this file and show it like this, with a text for
those who do not see it: `![Ten red LEDs on a breadboard](images/leds.jpg)`

- A list
- of a few
- good reasons

How to leave the list, who sends this and why somebody gets it are added below on their own.
"""


def write_starter(campaigns: Path, slug: str, settings: Settings, *, list_name: str | None = None) -> Path:
    """Write campaigns/<slug>/campaign.md and return its path; an existing folder is never touched.

    Raises SourceInvalid (bad name) or CannotStart (exists, no such list, folder not writable).
    """
    folder = campaigns / check_slug(slug)
    text = _TEXT.format(
        title=slug.replace("-", " ").capitalize(),
        list_name=_list_name(settings, list_name),
        greeting=_greeting(settings),
        base_url=settings.site.base_url,
    )
    if folder.exists():
        raise CannotStart(
            f"{campaigns.name}/{slug} exists already. Choose another name, or edit it.", slug=slug
        )
    try:
        (folder / "images").mkdir(parents=True)
        (folder / "campaign.md").write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotStart(
            f"{campaigns.name}/{slug} cannot be written: {error.strerror}.", slug=slug
        ) from error
    return folder / "campaign.md"


def _list_name(settings: Settings, wanted: str | None) -> str:
    if wanted is None:
        return next(iter(settings.lists))
    if wanted in settings.lists:
        return wanted
    near = difflib.get_close_matches(wanted, settings.lists, 1)
    hint = f"Did you mean {near[0]}?" if near else f"There is: {', '.join(settings.lists)}."
    raise CannotStart(f"There is no list {wanted!a} in mailer.toml. {hint}")


def _greeting(settings: Settings) -> str:
    """A merge field in its natural place, if the site has one for it."""
    names = [name for name in ("first_name", "name") if name in settings.fields]
    return f'Hello {{{{ subscriber.{names[0]} | default("there") }}}},' if names else "Hello,"
