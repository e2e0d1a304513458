"""Real newsletters: every template of the corpus works as a campaign and as a layout."""

from __future__ import annotations

import re
from pathlib import Path

import html5lib
import pytest

from mailer.rendering.authoring import dom
from mailer.rendering.authoring.block import BLOCK_CLASS
from mailer.rendering.authoring.finish import outlook_view
from mailer.rendering.identity import FieldSpec
from mailer.rendering.program import Parts
from tests.newsletters import FIELDS as MERGED
from tests.newsletters import newsletters
from tests.rendering.authoring.world import FIELDS, UNSUBSCRIBE, document, html, make, refused, site, text

_TEMPLATES = newsletters()
_IDS = [path.stem for path in _TEMPLATES]

#: What the templates of the corpus load from.
HOSTS = (
    "static.mailjet.com", "www.mailjet.com", "github.com", "designspell.files.wordpress.com", "1.bp.blogspot.com",
    "fonts.googleapis.com",
)  # fmt: skip
_FIELDS = {**FIELDS, **{name: FieldSpec("text", "") for name in MERGED}}
_LOADED = re.compile(r"(?:src|background|url\()\s*=?\s*[\"'(]*(https?://[^\"')\s>]+)")


def test_the_corpus_is_there() -> None:
    if not _TEMPLATES:
        pytest.skip("MISSING: no MJML newsletters; set MAILER_MJML_CORPUS to a folder of real ones.")
    assert len(_TEMPLATES) >= 10


def _source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _campaign(path: Path, hosts: tuple[str, ...] = HOSTS) -> Parts:
    return make(_source(path), "mjml", site=site(asset_hosts=hosts), fields=_FIELDS)


def _layout(path: Path, folder: Path) -> Parts:
    (folder / "email").mkdir()
    (folder / "email" / "other.mjml").write_text(_source(path), encoding="utf-8")
    return make(
        "# NEWS-OF-THE-WEEK\n\nHello {{ first_name }}", site=site(asset_hosts=HOSTS), fields=_FIELDS, dirs=(folder,),
        layout="other",
    )  # fmt: skip


def _check_structure(made: Parts) -> None:
    written = html(made)
    for view in (written, outlook_view(written)):
        last = [
            each for each in dom.children(dom.first(dom.parse_document(view), "body")) if dom.is_element(each)
        ][-1]
        assert dom.attributes(last)["class"] == BLOCK_CLASS
    tree = html5lib.parse(written, treebuilder="etree", namespaceHTMLElements=False)
    assert list(tree.find("body"))[-1].get("class") == BLOCK_CLASS
    root = document(made)
    for image in dom.elements(root, "img"):
        assert {"src", "alt", "width"} <= set(dom.attributes(image))
    title = dom.first(root, "title")
    assert title is not None
    assert dom.text_of(title).strip()
    assert not list(dom.elements(root, "script", "form", "iframe", "object", "link"))
    assert UNSUBSCRIBE in text(made).split("\n")
    assert len(written.encode()) < 95_000


@pytest.mark.rule("F3", "E1", "E2", "E6", "B17")
@pytest.mark.parametrize("path", _TEMPLATES, ids=_IDS)
def test_a_real_newsletter_works_as_a_campaign(path: Path) -> None:
    _check_structure(_campaign(path))


@pytest.mark.rule("F3")
@pytest.mark.parametrize("path", _TEMPLATES, ids=_IDS)
def test_a_real_newsletter_works_as_a_layout(path: Path, tmp_path: Path) -> None:
    made = _layout(path, tmp_path)
    _check_structure(made)
    assert "NEWS-OF-THE-WEEK" in text(made)
    assert [each.rule for each in made.warnings].count("layout.content") == 1


@pytest.mark.rule("F4")
@pytest.mark.parametrize("path", _TEMPLATES, ids=_IDS)
def test_without_declared_hosts_each_foreign_host_is_named_with_its_line(path: Path) -> None:
    source = _source(path)
    wanted = {
        (line, host)
        for line, words in enumerate(source.split("\n"), start=1)
        for host in re.findall(r"(?:src|background-url)=\"https?://([^/\"]+)", words)
    }
    problems = refused(source, "mjml", fields=_FIELDS)
    named = {
        (each.line, host) for each in problems for host in re.findall(r"loaded from (\S+),", each.message)
    }
    assert {each.rule for each in problems} == {"image.foreign-host"}
    assert wanted <= named
    assert all(each.path == "campaigns/w47/campaign.mjml" for each in problems)


@pytest.mark.rule("F4")
@pytest.mark.parametrize("path", _TEMPLATES, ids=_IDS)
def test_what_comes_out_loads_from_own_and_declared_hosts_only(path: Path) -> None:
    hosts = {re.sub(r"https?://([^/]+).*", r"\1", url) for url in _LOADED.findall(html(_campaign(path)))}
    assert hosts <= set(HOSTS)


@pytest.mark.rule("E11")
@pytest.mark.parametrize("path", _TEMPLATES, ids=_IDS)
def test_the_text_part_holds_the_words_a_reader_sees(path: Path) -> None:
    made = _campaign(path)
    root = document(made)
    for hidden in [
        each for each in dom.elements(root) if "display:none" in dom.attributes(each).get("style", "")
    ]:
        dom.remove(hidden)
    words = " ".join(each.data or "" for each in dom.walk(dom.first(root, "body")) if dom.is_text(each))
    seen = set(re.findall(r"\w{3,}", words))
    said = set(re.findall(r"\w{3,}", text(made)))
    assert len(seen & said) >= 0.9 * len(seen)


def test_compiling_twice_gives_the_same() -> None:
    for path in _TEMPLATES[:3]:
        assert _campaign(path) == _campaign(path)
