"""Getting into /ops, and everything that must not get in: forged forms, planted cookies, spoofed headers."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from mailer.application import Site
from mailer.site import SiteFolder
from mailer.store import Store
from mailer.web.ops.routes import FORMS, PAGES
from tests.web.client import Client
from tests.web.conftest import Desk, make_site
from tests.web.ops.conftest import OWN, PASSWORD, Office

pytestmark = pytest.mark.rule("D24")


def _path(route: str) -> str:
    return route.replace("{id:int}", "1").replace("{action}", "dismiss")


@pytest.mark.parametrize("route", PAGES)
def test_no_page_without_signing_in(office: Office, route: str) -> None:
    answer = office.desk.client.get(_path(route))
    assert (answer.status_code, answer.headers["location"]) == (303, "/ops/sign-in")


@pytest.mark.parametrize("route", FORMS)
def test_no_action_without_signing_in(office: Office, route: str) -> None:
    answer = office.desk.client.post(_path(route), data={"form": "x"}, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/ops/sign-in")
    assert office.desk.client.get(_path(route)).status_code == 405


@pytest.mark.parametrize("name", ["ada", "bob"])
@pytest.mark.parametrize("route", [route for route in PAGES if "{" not in route])
def test_both_roles_see_every_page(office: Office, route: str, name: str) -> None:
    answer = office.sign_in(name).get(route)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")


def test_the_cookie_on_a_loopback_site_is_strict_and_closed_to_scripts(office: Office) -> None:
    cookie = office.try_sign_in().headers["set-cookie"]
    assert cookie.startswith("mailer-ops=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize(
    "changed", [{"password": "wrong horse battery"}, {"code": "000000"}, {"name": "nobody"}], ids=str
)
def test_a_refusal_says_nothing_of_what_was_wrong(office: Office, changed: dict[str, str]) -> None:
    fields = {"name": "ada", "password": PASSWORD, "code": "123456"} | changed
    answer = office.desk.client.post("/ops/sign-in", data=fields, headers=OWN)
    assert answer.status_code == 403
    assert "the name, the password or the code is not right" in answer.text
    assert "set-cookie" not in answer.headers


def test_too_many_tries_are_told_when_to_come_back(office: Office) -> None:
    for _ in range(5):
        office.try_sign_in(password="wrong horse battery")
    answer = office.try_sign_in()
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "60"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8025"},
        {"origin": "null"},
        {"origin": "https://evil.example"},
    ],
)
def test_a_form_on_another_site_signs_nobody_in_and_does_nothing(
    office: Office, headers: dict[str, str]
) -> None:
    assert office.try_sign_in(headers=headers).status_code == 400
    office.desk.clock.shift(timedelta(seconds=30))
    number = office.keep_mail()
    browser = office.sign_in()
    assert browser.post("/ops/do/dismiss", target=str(number), headers=headers).status_code == 400
    assert office.desk.site.deciding.review().mails


def test_an_older_browser_is_known_by_the_origin_of_its_form(office: Office) -> None:
    assert office.try_sign_in(headers={"origin": "http://127.0.0.1:8025"}).status_code == 303


@pytest.mark.parametrize("form", ["", "0" * 64])
def test_a_form_without_its_token_does_nothing(office: Office, form: str) -> None:
    number = office.keep_mail()
    browser = office.sign_in()
    assert browser.post("/ops/do/dismiss", target=str(number), form=form).status_code == 400
    assert office.desk.site.deciding.review().mails


def test_a_form_s_token_of_somebody_else_does_nothing(office: Office) -> None:
    ada, bob = office.sign_in("ada"), office.sign_in("bob")
    assert ada.post("/ops/do/dismiss", target="1", form=bob.form()).status_code == 400


def test_a_planted_cookie_is_not_the_session_s(office: Office) -> None:
    planted = {"cookie": "mailer-ops=planted"}
    answer = office.try_sign_in(headers=OWN | planted)
    assert "planted" not in answer.headers["set-cookie"]
    assert office.desk.client.get("/ops", headers=planted).status_code == 303


def test_signing_out_ends_the_session_on_the_server_too(office: Office) -> None:
    browser = office.sign_in()
    answer = browser.post("/ops/sign-out")
    assert answer.headers["location"] == "/ops/sign-in"
    assert 'mailer-ops=""' in answer.headers["set-cookie"]
    assert browser.get("/ops").status_code == 303


def test_public_pages_set_no_cookie_even_for_staff(office: Office) -> None:
    browser = office.sign_in()
    for path in ("/", "/help", "/subscribe/weekly"):
        assert "set-cookie" not in browser.get(path).headers


@pytest.fixture
def proxied(web_folder: SiteFolder, sqlite_store: Store) -> Site:
    """A site behind a sign-in proxy at 10.0.0.2."""
    text = web_folder.settings_path.read_text(encoding="utf-8")
    extra = '\n[web]\ntrusted_proxies = ["10.0.0.2"]\n\n[ops]\nproxy_header = "X-Remote-User"\n'
    web_folder.settings_path.write_text(text + extra, encoding="utf-8")
    return make_site(web_folder, sqlite_store)


@pytest.mark.parametrize(
    ("peer", "headers", "status"),
    [
        ("10.0.0.2", [("x-remote-user", "ada")], 200),
        ("10.0.0.2", [("X-Remote-User", "ADA")], 200),
        ("10.0.0.3", [("x-remote-user", "ada")], 303),
        ("127.0.0.1", [("x-remote-user", "ada")], 303),
        ("10.0.0.2", [("x-remote-user", "mallory")], 303),
        ("10.0.0.2", [("x-remote-user", "")], 303),
        ("10.0.0.2", [("x-remote-user", "mallory"), ("x-remote-user", "ada")], 303),
        ("10.0.0.2", [("x-forwarded-user", "ada")], 303),
    ],
)
@pytest.mark.rule("D11", "D24")
def test_a_header_counts_from_a_trusted_proxy_and_for_whom_we_know(
    proxied: Site, office: Office, peer: str, headers: list[tuple[str, str]], status: int
) -> None:
    app = Desk.of(proxied, None).client.app
    assert Client(app, peer=peer).get("/ops", headers=headers).status_code == status


def test_forms_behind_a_proxy_need_their_token_too(proxied: Site, office: Office) -> None:
    client = Client(Desk.of(proxied, None).client.app, peer="10.0.0.2")
    named = {"x-remote-user": "ada"}
    number = office.keep_mail()
    fields = {"target": str(number), "why": "spam", "form": "0" * 64}
    assert client.post("/ops/do/dismiss", data=fields, headers=named | OWN).status_code == 400
    fields["form"] = proxied.entrance.form_token("proxy\0ada")
    assert client.post("/ops/do/dismiss", data=fields, headers=named | OWN).status_code == 200


def test_over_https_the_cookie_is_host_only_and_secure(
    web_folder: SiteFolder, sqlite_store: Store, office: Office
) -> None:
    text = web_folder.settings_path.read_text(encoding="utf-8")
    text = text.replace("http://127.0.0.1:8025", "https://news.shop.example")
    web_folder.settings_path.write_text(text, encoding="utf-8")
    desk = Desk.of(make_site(web_folder, sqlite_store), office.desk.clock)
    desk.client = Client(desk.client.app, base_url="https://news.shop.example")
    cookie = Office(desk, office.secrets).try_sign_in().headers["set-cookie"]
    assert cookie.startswith("__Host-mailer-ops=")
    assert "Secure" in cookie
    assert "Path=/;" in cookie + ";"


def test_ops_can_be_switched_off(web_folder: SiteFolder, sqlite_store: Store) -> None:
    text = web_folder.settings_path.read_text(encoding="utf-8") + "\n[ops]\nenabled = false\n"
    web_folder.settings_path.write_text(text, encoding="utf-8")
    client = Desk.of(make_site(web_folder, sqlite_store), None).client
    for path in ("/ops", "/ops/sign-in", "/ops/campaigns"):
        assert client.get(path).status_code == 404


def test_a_form_that_is_too_large_is_refused_before_it_is_read(office: Office) -> None:
    body = urlencode({"name": "ada", "password": "x" * 100_000, "code": "1"})
    sent = OWN | {"content-type": "application/x-www-form-urlencoded"}
    assert office.desk.client.post("/ops/sign-in", content=body, headers=sent).status_code == 413
