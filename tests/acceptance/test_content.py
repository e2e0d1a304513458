"""What a campaign may hold and what it never holds, seen from the command line: file in, mail out."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mailer.cli.main import main
from mailer.site import SiteFolder
from tests.house.tree import python_sources

HEAD = """\
---
subject: Ten red LEDs for you
preheader: Clearance stock, a new resistor kit, and one circuit that is worth building.
list: weekly
---

# Ten red LEDs

"""
LINK = "https://shop.example/parts?id=7&sort=price#stock"


@pytest.fixture(autouse=True)
def database(site_folder: SiteFolder, _sqlite_template: Path) -> None:
    """A migrated database, copied."""
    shutil.copy(_sqlite_template, site_folder.data / "mailer.db")


def _write(folder: SiteFolder, body: str) -> None:
    path = folder.campaigns / "week-48" / "campaign.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + body, encoding="utf-8")


def _run(folder: SiteFolder, *words: str) -> Result:
    return CliRunner().invoke(main, ["campaign", *words, "--site", str(folder.root)])


def _html(folder: SiteFolder) -> str:
    done = _run(folder, "preview", "week-48", "--part", "html")
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.rule("C26", "C28", "F4")
def test_a_mail_holds_no_pixel_and_its_links_are_the_author_s(site_folder: SiteFolder) -> None:
    """Nobody is told who opened what: no image that was not written, no link led through a counter."""
    _write(site_folder, f"See [the ten of them]({LINK}) on the shelf.\n")
    html = _html(site_folder)
    assert "<img" not in html.lower() and "background=" not in html.lower()
    targets = re.findall(r'href="([^"]+)"', html)
    assert LINK.replace("&", "&amp;") in targets
    hosts = {
        re.sub(r"^https?://([^/:]+).*", r"\1", target) for target in targets if target.startswith("http")
    }
    assert hosts == {"shop.example", "127.0.0.1"}


@pytest.mark.rule("C26", "C28")
def test_the_product_has_no_place_to_count_an_open_or_a_click() -> None:
    """Not switched off: not there."""
    for source in python_sources("mailer"):
        assert not re.search(
            r"\b(?:open|click)s?_(?:count|at|tracking)|tracking_pixel|track_(?:open|click)", source.text
        )


@pytest.mark.rule("D16")
@pytest.mark.parametrize(
    "active",
    [
        "<script>alert(1)</script>",
        "<form action='https://shop.example'><input name='a'></form>",
        "<iframe src='https://shop.example'></iframe>",
        "<object data='https://shop.example/a.swf'></object>",
        "<embed src='https://shop.example/a.swf'>",
        "<a href='https://shop.example' onclick='steal()'>parts</a>",
        "<img src='https://shop.example/a.png' alt='' onerror='steal()'>",
        "<link rel='stylesheet' href='https://shop.example/a.css'>",
        "<meta http-equiv='refresh' content='0;url=https://shop.example'>",
        "<style>@import url('https://shop.example/a.css');</style>",
        "<svg onload='steal()'></svg>",
        "<base href='https://shop.example/'>",
    ],
)
def test_active_content_is_refused_or_never_becomes_markup(site_folder: SiteFolder, active: str) -> None:
    """Either the check says where it stands, or it reaches the reader as letters, not as an element."""
    _write(site_folder, f"Look at these.\n\n{active}\n")
    checked = _run(site_folder, "check", "week-48")
    if checked.exit_code == 0:
        html = _html(site_folder).lower()
        assert not re.search(r"<(?:script|form|iframe|object|embed|svg|base|link)\b", html)
        assert not re.search(r"<[^>]+\son\w+\s*=", html)
        assert "http-equiv='refresh'" not in html and "@import" not in html
    else:
        assert re.search(r"campaign\.md:\d+", checked.output), checked.output


@pytest.mark.rule("D20")
def test_no_page_sends_anybody_elsewhere() -> None:
    """There is no redirect to sign or to list: staff are sent to two fixed pages, and nobody else anywhere."""
    for source in python_sources("mailer/web"):
        targets = set(re.findall(r"RedirectResponse\(([^,)]*)", source.text))
        is_staff = source.name.startswith("mailer/web/ops/")
        assert targets <= ({"SIGN_IN", '"/ops"'} if is_staff else set()), source.name
        assert not re.search(r"[\"']location[\"']\s*:", source.text, re.IGNORECASE), source.name


def test_the_campaign_of_this_repository_is_clean(tmp_path: Path) -> None:
    """What newcomers read first is what the checks would have them write."""
    root = Path(__file__).parents[2]
    site = tmp_path / "shop"
    site.mkdir()
    shutil.copy(root / "mailer.toml", site)
    shutil.copytree(root / "campaigns", site / "campaigns")
    assert CliRunner().invoke(main, ["init", str(site)]).exit_code == 0
    done = CliRunner().invoke(main, ["campaign", "check", "week-47", "--site", str(site)])
    assert done.exit_code == 0, done.output
