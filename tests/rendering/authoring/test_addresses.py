"""What a message may load and where it may link (F4, D15)."""

from __future__ import annotations

import dataclasses

import pytest

from mailer.rendering.authoring.addresses import Addresses
from mailer.rendering.authoring.tags import Placeholders
from tests.rendering.authoring.world import SITE

IMAGES = {"images/a.png": "https://news.shop.example/media/0a1b.png"}


def _addresses(*hosts: str, base: str = SITE.base_url) -> Addresses:
    site = dataclasses.replace(SITE, asset_hosts=hosts, base_url=base)
    return Addresses(site, IMAGES, Placeholders())


@pytest.mark.rule("F4")
@pytest.mark.parametrize(
    ("url", "becomes"),
    [
        ("images/a.png", "https://news.shop.example/media/0a1b.png"),
        ("./images/a.png", "https://news.shop.example/media/0a1b.png"),
        (" images/a.png ", "https://news.shop.example/media/0a1b.png"),
        ("https://news.shop.example/logo.png", "https://news.shop.example/logo.png"),
        ("https://cdn.shop.example/a.png", "https://cdn.shop.example/a.png"),
        ("https://CDN.shop.example./a.png", "https://CDN.shop.example./a.png"),
    ],
)
def test_own_and_declared_hosts_may_be_loaded_from(url: str, becomes: str) -> None:
    verdict = _addresses("cdn.shop.example").asset(url)
    assert (verdict.rule, verdict.url) == ("", becomes)


@pytest.mark.rule("F4")
@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://evil.example/a.png", "image.foreign-host"),
        ("//evil.example/a.png", "image.foreign-host"),
        ("https://news.shop.example.evil.example/a.png", "image.foreign-host"),
        ("https://news.shop.example@evil.example/a.png", "image.foreign-host"),
        ("https://evil.example\\@news.shop.example/a.png", "image.foreign-host"),
        ("https:evil.example/a.png", "image.foreign-host"),
        ("https://[::1", "image.address"),
        ("data:image/png;base64,AAAA", "image.scheme"),
        ("cid:a", "image.scheme"),
        ("javascript:alert(1)", "image.scheme"),
        ("java\nscript:alert(1)", "image.scheme"),
        ("file:///etc/passwd", "image.scheme"),
        ("images/b.png", "image.missing"),
        ("/etc/passwd", "image.missing"),
        ("", "image.empty"),
    ],
)
def test_nothing_else_may_be_loaded(url: str, rule: str) -> None:
    verdict = _addresses().asset(url)
    assert (verdict.rule, verdict.warning) == (rule, False)


def test_a_foreign_host_is_named_with_what_to_do() -> None:
    verdict = _addresses().asset("https://static.example/a.png")
    assert "static.example" in verdict.message
    assert '"static.example" to [privacy] asset_hosts' in verdict.remedy


def test_a_misspelt_image_is_answered_with_a_guess() -> None:
    assert _addresses().asset("images/aa.png").remedy == "Did you mean images/a.png?"


@pytest.mark.rule("F8")
def test_a_declared_host_is_loaded_by_https_even_when_written_without() -> None:
    verdict = _addresses("cdn.shop.example").asset("http://cdn.shop.example/a.png")
    assert (verdict.url, verdict.warning) == ("https://cdn.shop.example/a.png", True)


def test_a_site_on_this_machine_may_serve_its_own_images() -> None:
    verdict = _addresses(base="http://127.0.0.1:8025").asset("http://127.0.0.1:8025/media/x.png")
    assert (verdict.rule, verdict.url) == ("", "http://127.0.0.1:8025/media/x.png")


def test_an_address_cannot_end_the_style_it_is_put_into() -> None:
    verdict = _addresses().asset("https://news.shop.example/a'b);position:fixed(\".png")
    assert verdict.url == "https://news.shop.example/a%27b%29%3Bposition:fixed%28%22.png"


@pytest.mark.rule("D15")
@pytest.mark.parametrize(
    "url", ["https://a.example/", "mailto:a@b.example", "tel:+49301", "MAILTO:a@b.example"]
)
def test_links_lead_to_the_web_to_mail_or_to_a_telephone(url: str) -> None:
    assert _addresses().link(url).rule == ""


@pytest.mark.rule("D15")
@pytest.mark.parametrize(
    ("url", "rule", "warning"),
    [
        ("javascript:alert(1)", "link.scheme", False),
        (" JaVaScRiPt:alert(1)", "link.scheme", False),
        ("java\tscript:alert(1)", "link.scheme", False),
        ("\x01javascript:alert(1)", "link.scheme", False),
        ("vbscript:x", "link.scheme", False),
        ("data:text/html,x", "link.scheme", False),
        ("ftp://a.example/", "link.scheme", False),
        ("https://", "link.address", False),
        ("https://[x", "link.address", False),
        ("http://a.example/", "link.http", True),
        ("shop/index.html", "link.relative", True),
        ("//a.example/", "link.relative", True),
        ("#", "link.empty", True),
        ("", "link.empty", True),
    ],
)
def test_other_links_are_refused_or_noticed(url: str, rule: str, warning: bool) -> None:
    verdict = _addresses().link(url)
    assert (verdict.rule, verdict.warning) == (rule, warning)
