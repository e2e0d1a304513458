"""How each tool writes its export: which headings mean what, which words name which standing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mailer.subscribers.importing.options import Standing

_S = Standing


@dataclass(frozen=True, slots=True)
class Dialect:
    """The headings of one tool, in their normal form (`normal`)."""

    name: str
    marks: tuple[frozenset[str], ...]  #: sets of headings; the tool is recognised by any one, complete
    status: tuple[str, ...] = ("status",)
    consent_date: tuple[str, ...] = ()
    consent_ip: tuple[str, ...] = ()
    consent_note: tuple[str, ...] = ()
    request_date: tuple[str, ...] = ()
    request_ip: tuple[str, ...] = ()
    left_date: tuple[str, ...] = ()
    cleaned_date: tuple[str, ...] = ()
    attributes: str | None = None  #: a cell with a JSON object of further fields
    mixed: bool = False  #: one file holds people who left beside people who did not


EMAIL_HEADINGS = frozenset(
    {"email", "email address", "e mail", "e mail address", "mail", "mail address", "emailaddress"}
    | {"e mail adresse", "email adresse", "emailadresse", "mailadresse", "subscriber email", "subscriber"}
)
LANGUAGE_HEADINGS = frozenset({"language", "lang", "locale", "preferred language", "sprache"})

MAILCHIMP = Dialect(
    name="mailchimp",
    marks=(frozenset({"leid", "euid"}), frozenset({"optin time", "confirm time"})),
    # Mailchimp fills CONFIRM_TIME for addresses that staff uploaded, too; only a person leaves an address.
    consent_date=("confirm time",),
    consent_ip=("confirm ip",),
    request_date=("optin time",),
    request_ip=("optin ip",),
    left_date=("unsub time",),
    cleaned_date=("clean time",),
)
LISTMONK = Dialect(
    name="listmonk",
    marks=(frozenset({"uuid", "email", "attributes", "status"}),),
    attributes="attributes",
)
PLAIN = Dialect(
    name="spreadsheet",
    marks=(frozenset(),),
    status=("status", "state", "subscription status"),
    consent_date=(
        "consent date",
        "consent time",
        "confirmed at",
        "confirmed on",
        "opt in date",
        "optin date",
    ),
    consent_ip=("consent ip", "confirm ip", "confirmed ip", "opt in ip"),
    consent_note=("consent evidence", "evidence", "consent", "consent note"),
    request_date=("requested at", "signed up at", "signup date"),
    request_ip=("requested ip", "signup ip"),
    left_date=("unsubscribed at", "unsubscribed on", "unsub time", "left at", "opt out date", "unsubscribed")
    + ("opted out", "opt out", "optout", "left", "abgemeldet"),
    cleaned_date=("bounced at", "cleaned at", "clean time", "bounced", "cleaned", "hard bounce"),
    mixed=True,
)
DIALECTS = (MAILCHIMP, LISTMONK, PLAIN)

# "Blocked" covers a person's own no, a complaint and a click by staff, and the export does not say
# which; see decisions.SUPPRESSED_AS for what is made of each.
STATUS_WORDS: Mapping[str, Standing] = MappingProxyType(
    dict.fromkeys(("subscribed", "active", "enabled", "confirmed", "yes", "opted in"), _S.SUBSCRIBED)
    | dict.fromkeys(("pending", "unconfirmed", "non subscribed", "nonsubscribed", "new"), _S.UNCONFIRMED)
    | dict.fromkeys(("transactional",), _S.UNCONFIRMED)
    | dict.fromkeys(("unsubscribed", "left", "opted out", "optout", "opt out", "abgemeldet", "no"), _S.LEFT)
    | dict.fromkeys(("cleaned", "bounced", "hard bounce", "hard bounced", "undeliverable"), _S.CLEANED)
    | dict.fromkeys(("complained", "complaint", "spam", "spam complaint", "abuse"), _S.COMPLAINED)
    | dict.fromkeys(("blocklisted", "blacklisted", "blocked", "banned", "suppressed"), _S.BLOCKED)
    | dict.fromkeys(("disabled", "inactive", "paused", "deactivated"), _S.DISABLED)
)

#: What a cell under "unsubscribed" says when the person did not.
DENIALS = frozenset({"no", "n", "false", "0", "nein", "none", "never", "null", ""})
_TELLING = re.compile(
    r"unsub|\bopt(ed)? ?out|abgemeldet|abmeld|bounce|complain|\bspam|block|blacklist|do not|suppress"
)

# Mailchimp names the files of one export after what is in them.
_FILE_NAMES = (
    (re.compile(r"unsubscribed", re.I), _S.LEFT),
    (re.compile(r"non-?subscribed_", re.I), _S.UNCONFIRMED),
    (re.compile(r"cleaned_", re.I), _S.CLEANED),
)


def normal(heading: str) -> str:
    """A heading without case, punctuation and doubled spaces: `E-Mail_Address ` is `e mail address`."""
    return re.sub(r"[\W_]+", " ", heading.strip().casefold()).strip()


def recognise(headings: Iterable[str]) -> Dialect:
    """The tool that wrote these headings; PLAIN when nothing tells."""
    present = {normal(heading) for heading in headings}
    return next(dialect for dialect in DIALECTS if any(marks <= present for marks in dialect.marks))


def standing_of_file(name: str, headings: Iterable[str], dialect: Dialect) -> Standing | None:
    """Where everybody in a file stands, if its name or a heading says so.

    Where a tool exports those who left into a file of their own, a heading for the time of leaving
    marks it: a row of it whose time is empty must not come back to life.
    """
    present = {normal(heading) for heading in headings}
    if not dialect.mixed and present.isdisjoint(dialect.status):
        if not present.isdisjoint(dialect.left_date):
            return _S.LEFT
        if not present.isdisjoint(dialect.cleaned_date):
            return _S.CLEANED
    return next((standing for pattern, standing in _FILE_NAMES if pattern.match(name)), None)


def tells_of_a_no(heading: str, dialect: Dialect) -> bool:
    """Whether a column that is not read seems to say who must not be mailed."""
    return dialect.mixed and _TELLING.search(normal(heading)) is not None
