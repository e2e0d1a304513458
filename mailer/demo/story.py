"""The story: people sign up, some confirm, a campaign goes out, one leaves, the next does not reach them."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from mailer import clock
from mailer.demo import props
from mailer.demo.catcher import Caught
from mailer.demo.promises import Evidence
from mailer.demo.stage import DemoFailed, Stage
from mailer.demo.visitor import Page, open_page, post, press

#: What a mail program would fetch by itself: images, backgrounds, fonts, styles.
_LOADED = re.compile(r"""(?:src|background)\s*=\s*["'](https?://[^"']+)|url\(\s*["']?(https?://[^"')]+)""")

#: A form that comes back faster than a person can type is shown again (D9).
_TYPING_SECONDS = 2.2
_ASK_SECONDS = 1.0


class Story:
    """The acts, in order; each narrates what it does and notes what it proves."""

    def __init__(self, stage: Stage, evidence: Evidence, say: Callable[[str], None]) -> None:
        self.stage = stage
        self.evidence = evidence
        self._say = say
        self._act = 0

    def play(self) -> None:
        """Every act; raises DemoFailed when one cannot go on."""
        for title, act in (
            ("A site is made and started", self.make_site),
            ("Four people sign up on the page", self.sign_up),
            ("Two confirm, one says: not me, one does nothing", self.confirm),
            ("The old tool's CSV is imported", self.import_csv),
            ("A campaign is checked and sent", self.send_first),
            ("Ada leaves with one click", self.leave),
            ("The next campaign does not reach her", self.send_second),
            ("What is on record", self.prove),
        ):
            self._act += 1
            self._say(f"\n{self._act}. {title}")
            act()

    def make_site(self) -> None:
        """`mailer init`, the demo's own settings, `mailer up`."""
        self._say(f"$ mailer init site --base-url {self.stage.url} --smtp-port {self.stage.catcher.port} …")
        ports = ("--base-url", self.stage.url, "--smtp-port", str(self.stage.catcher.port))
        self.stage.run("init", str(self.stage.site), *ports, *props.INIT_OPTIONS, quiet=True)
        props.write_campaigns(self.stage.site)
        self.stage.start()
        self._say(f"  The site answers at {self.stage.url}, every mail is kept in {self.stage.mail}")

    def sign_up(self) -> None:
        """Fill in the real form; the answer is the same for everybody."""
        url = f"{self.stage.url}/subscribe/{props.LIST}"
        pages = {person: open_page(url) for person in props.PEOPLE}
        time.sleep(_TYPING_SECONDS)
        answers = [press(page, email=person.address, consent="yes") for person, page in pages.items()]
        again = press(open_and_type(url), email=props.ADA.address, consent="yes")
        for person in props.PEOPLE:
            seconds = self.stage.wait(
                lambda who=person.address: bool(self.stage.mails(who)),  # type: ignore[misc]  # one per turn
                f"the confirmation mail to {person.name}",
            )
        title = _title(answers[0])
        self._say(f"  Everybody read the same page: “{title}”. The mails were there {seconds:.1f} s later.")
        same = {(page.status, page.text) for page in (*answers, again)}
        self.evidence.show(
            "guarded", "the form answers alike for known and unknown people", kept=len(same) == 1
        )

    def confirm(self) -> None:
        """GET changes nothing, POST confirms; "not me" blocks."""
        for person in (props.ADA, props.BEN):
            page = open_page(_link(self._first(person.address), "/confirm/"))
            done = press(page)
            self._say(f"  {person.name} pressed the button: “{_title(done)}”.")
        press(open_page(_link(self._first(props.EVE.address), "/not-me/")))
        self._say(f"  {props.EVE.name} never asked, and said so. {props.DORA.name} did nothing.")
        confirmations = [mail for mail in self.stage.catcher.caught if not mail.is_campaign]
        lone = len(confirmations) == len(props.PEOPLE)
        self.evidence.show(
            "opt-in", f"{len(confirmations)} sign-ups got one confirmation mail each", kept=lone
        )

    def import_csv(self) -> None:
        """Evidence per row, or the row only waits; nobody is mailed."""
        before = len(self.stage.catcher.caught)
        path = self.stage.site / "old-tool.csv"
        props.write_csv(path)
        self._say(self.stage.run("subscriber", "import", path.name, *props.IMPORT_OPTIONS).rstrip())
        silent = len(self.stage.catcher.caught) == before
        self.evidence.show("opt-in", "an import mailed nobody", kept=silent)

    def send_first(self) -> None:
        """check, plan, schedule --now with the stated count, wait for the end."""
        self._say(self.stage.run("campaign", "check", props.FIRST).rstrip())
        self._schedule(props.FIRST, expect=props.EXPECTED_FIRST)
        mails = self._campaign_mails(props.FIRST_SUBJECT)
        self._say(
            f"  {len(mails)} mails caught; {len(set(self.stage.catcher.refused))} address refused by the server."
        )
        reached = {mail.recipient for mail in mails}
        outsiders = reached & {props.DORA.address, props.EVE.address, *props.NEVER}
        self.evidence.show(
            "opt-in", f"the campaign reached {len(reached)} people and nobody unconfirmed", kept=not outsiders
        )
        complete = [mail for mail in mails if has_way_out(mail)]
        self.evidence.show(
            "instructions",
            f"{len(complete)} of {len(mails)} mails carry sentence and link in both parts and both headers",
            kept=bool(mails) and len(complete) == len(mails),
        )
        foreign = {host for mail in mails for host in asset_hosts(mail)} - {urlsplit(self.stage.url).netloc}
        self.evidence.show("no-third-party", "no mail loads anything from another host", kept=not foreign)

    def leave(self) -> None:
        """The one-click POST, taken from the mail that was caught."""
        mail = self._campaign_mails(props.FIRST_SUBJECT, props.ADA.address)[0]
        url = mail.one_click_url()
        looked = [open_page(url) for _ in range(3)]
        done = post(url, {"List-Unsubscribe": "One-Click"})
        self._say(f"  POST {urlsplit(url).path[:12]}… List-Unsubscribe=One-Click → {done.status}")
        kept = done.status == 200 and all(page.status == 200 for page in looked)
        self.evidence.show("opt-out", "one POST without login or cookie, answered 200", kept=kept)

    def send_second(self) -> None:
        """Everybody but Ada and the address that bounced."""
        self._schedule(props.SECOND, expect=props.EXPECTED_SECOND)
        mails = self._campaign_mails(props.SECOND_SUBJECT)
        reached = [mail.recipient for mail in mails]
        self._say(f"  {len(mails)} mails caught, none to Ada.")
        self.evidence.show(
            "opt-out", "the next campaign did not reach her", kept=props.ADA.address not in reached
        )
        once = all(
            len(set(caught)) == len(caught) == expected
            for caught, expected in (
                (reached, props.EXPECTED_SECOND),
                ([m.recipient for m in self._campaign_mails(props.FIRST_SUBJECT)], props.EXPECTED_FIRST - 1),
            )
        )
        self.evidence.show("nobody-twice", "both campaigns: one copy each, the count adds up", kept=once)

    def prove(self) -> None:
        """The ledger, the re-import, the policy."""
        self._say(self.stage.run("audit", "verify").rstrip())
        self.evidence.show("guarded", "the ledger verifies", kept=True)
        again = self.stage.site / "again.csv"
        with again.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["Email"], [props.ADA.address], [props.EVE.address]])
        self.stage.run("subscriber", "import", again.name, *props.IMPORT_OPTIONS, quiet=True)
        suppressed = {row["reason"] for row in self.stage.ask("suppression", "list")}
        kept = {"unsubscribed", "not_me", "held"} <= suppressed
        self.evidence.show("no-remembered", "importing Ada and Eve again brought neither back", kept=kept)
        policy = open_page(f"{self.stage.url}/privacy")
        asked = self.stage.ask("audit", "show", "--event", "requested")
        named = bool(asked) and all(entry["payload"].get("policy_version") for entry in asked)
        self.evidence.show(
            "policy-posted",
            "/privacy shows it, every request names its version",
            kept=policy.status == 200 and named,
        )

    def _schedule(self, slug: str, *, expect: int) -> None:
        self._say(self.stage.run("campaign", "schedule", slug, "--now", "--expect", str(expect)).rstrip())
        asked = 0.0

        def is_sent() -> bool:
            # Each question starts a program; a person would not ask more than once a second either.
            nonlocal asked
            if clock.monotonic() - asked < _ASK_SECONDS:
                return False
            state, asked = self._state(slug), clock.monotonic()
            return state == "finished"

        self.stage.wait(is_sent, f"the campaign {slug} to be sent")
        self._say(self.stage.run("campaign", "status", slug).rstrip())

    def _state(self, slug: str) -> str:
        state: str = self.stage.ask("campaign", "status", slug)["state"]
        if state in ("paused", "cancelled"):
            raise DemoFailed(f"The campaign {slug} is {state}; see `mailer campaign status {slug}`.")
        return state

    def _first(self, recipient: str) -> Caught:
        return self.stage.mails(recipient)[0]

    def _campaign_mails(self, subject: str, recipient: str | None = None) -> list[Caught]:
        mails = self.stage.catcher.caught if recipient is None else self.stage.mails(recipient)
        return [mail for mail in mails if mail.is_campaign and mail.message["Subject"] == subject]


def open_and_type(url: str) -> Page:
    """Open a form and take as long over it as a person does."""
    page = open_page(url)
    time.sleep(_TYPING_SECONDS)
    return page


def has_way_out(mail: Caught) -> bool:
    """Sentence and link in both parts, and both one-click headers, on the bytes that arrived."""
    url, headers = mail.one_click_url(), mail.message
    parts = [mail.part(subtype) for subtype in ("plain", "html")]
    in_both = all(url in part and "unsubscribe" in part.lower() for part in parts)
    return in_both and headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def asset_hosts(mail: Caught) -> set[str]:
    """The hosts that a mail program would load images, fonts or styles from."""
    found = _LOADED.findall(mail.part("html"))
    return {urlsplit(first or second).netloc for first, second in found}


def _link(mail: Caught, path: str) -> str:
    found = re.search(rf"https?://\S+{re.escape(path)}[A-Za-z0-9_.-]+", mail.part("plain"))
    if found is None:
        raise DemoFailed(
            f"The confirmation mail to {mail.recipient} has no {path} link.", path=str(mail.path)
        )
    return found.group(0)


def _title(page: Page) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.DOTALL)
    return re.sub(r"\s+", " ", found.group(1)).strip() if found else f"status {page.status}"
