"""What single settings accept, and what the environment may lay over the file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from mailer.addresses import EmailAddress, Mailbox
from mailer.settings import Rate, Settings, SettingsInvalid, load_settings
from mailer.settings.annotate import annotated_toml, toml_value
from mailer.settings.load import parse_settings
from mailer.settings.problems import Problem, find_lines
from mailer.settings.walk import settings_of

GOOD: dict[str, Any] = {
    "site": {
        "name": "Ohm & Volt",
        "legal_name": "Ohm & Volt Electronics GmbH",
        "base_url": "https://news.shop.example",
        "postal_address": "Lötstraße 12, 10115 Berlin, Germany",
        "privacy_contact": "privacy@shop.example",
    },
    "smtp": {"main": {"host": "smtp.shop.example"}},
    "sending": {"return_path": "bounce@bounce.shop.example"},
    "lists": {
        "weekly": {
            "title": "Weekly",
            "from": "Ohm & Volt <news@shop.example>",
            "list_id": "weekly.lists.shop.example",
            "description": "New parts.",
            "frequency": "every Friday",
        }
    },
}
HERE = Path("/srv/shop/mailer.toml")


def read(environ: dict[str, str] | None = None, **sections: dict[str, Any]) -> Settings:
    """The settings of a file without a fault, with `sections` laid over it."""
    values = {name: dict(GOOD.get(name, {})) | sections.get(name, {}) for name in GOOD | sections}
    return parse_settings(as_toml(values), HERE, environ or {})


def as_toml(values: dict[str, Any]) -> str:
    lines = []
    for section, content in values.items():
        tables = {name: each for name, each in content.items() if isinstance(each, dict)}
        plain = {name: each for name, each in content.items() if name not in tables}
        lines += [f"[{section}]", *(f"{name} = {toml_value(each)}" for name, each in plain.items())]
        for name, table in tables.items():
            lines += [
                f"[{section}.{toml_value(name)}]",
                *(f"{key} = {toml_value(each)}" for key, each in table.items()),
            ]
    return "\n".join(lines)


def problems(environ: dict[str, str] | None = None, **sections: dict[str, Any]) -> list[str]:
    """What is wrong, each without its place."""
    with pytest.raises(SettingsInvalid) as refused:
        read(environ, **sections)
    return [f"{problem.key} {problem.sentence}" for problem in refused.value.problems]


# --- web addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://news.shop.example", "https://news.shop.example"),
        ("https://news.shop.example/", "https://news.shop.example"),
        ("https://shop.example/news/", "https://shop.example/news"),
        ("https://news.shop.example:8443", "https://news.shop.example:8443"),
        ("http://localhost:8025", "http://localhost:8025"),
        ("http://[::1]:8025/", "http://[::1]:8025"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://news.shop.example/a%20b", "https://news.shop.example/a%20b"),
    ],
)
def test_a_base_url_is_kept_without_its_last_slash(given: str, kept: str) -> None:
    assert read(site={"base_url": given}).site.base_url == kept


@pytest.mark.rule("F8")
@pytest.mark.parametrize(
    "given",
    [
        "news.shop.example",
        "ftp://news.shop.example",
        "https://",
        "https:///path",
        "https://news.shop.example:port",
        "https://news.shop.example:99999",
        "https://news.shop.example?a=1",
        "https://news.shop.example#top",
        "https://news.shop.example?",
        "https://bücher.example",
        "https://exa mple.com",
        "https://news.shop.example/<script>",
        'https://news"shop.example',
        "https://news.shop.example/\r\nBcc: x@y.example",
        "https://news\n.shop.example",
        "https://news.shop.example\t",
        "https://[::1",
        "https://-shop.example",
        "https://news..shop.example",
        "javascript:alert(1)",
        "",
    ],
)
def test_what_is_no_plain_web_address_is_refused(given: str) -> None:
    """It stands in every mail and in headers: no second line, no bracket, no space gets there."""
    assert problems(site={"base_url": given}) == [
        '[site] base_url must be a web address such as "https://news.shop.example", in plain ASCII.'
    ]


def test_a_password_in_a_web_address_is_refused() -> None:
    assert problems(site={"base_url": "https://me:secret@shop.example"}) == [
        "[site] base_url must not contain a user name or password."
    ]


@given(st.text(max_size=40).map("https://".__add__) | st.text(max_size=40))
def test_an_accepted_web_address_is_one_line_of_visible_ascii(text: str) -> None:
    try:
        kept = read(site={"base_url": text}).site.base_url
    except SettingsInvalid:
        return
    assert kept.isascii() and kept.isprintable() and not set(kept) & set(' <>"\\')


# --- hosts, ports, networks -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("SMTP.Shop.Example", "smtp.shop.example"),
        ("smtp.shop.example.", "smtp.shop.example"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
    ],
)
def test_a_host_is_kept_as_a_socket_takes_it(given: str, kept: str) -> None:
    assert read(smtp={"main": {"host": given}}).relay.host == kept


@pytest.mark.parametrize(
    "given",
    ["smtp.shop.example:587", "smtp://shop.example", "a b", "", "[::1", "-a.example", "a_b.example", "[x]"],
)
def test_what_is_no_host_name_is_refused(given: str) -> None:
    assert problems(smtp={"main": {"host": given}}) == [
        '[smtp.main] host must be a host name such as "smtp.shop.example", without scheme or port.'
    ]


@pytest.mark.rule("F8")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_clear_text_to_a_relay_on_this_machine_is_accepted(host: str) -> None:
    assert read(smtp={"main": {"host": host, "tls": "none"}}).relay.tls == "none"


def test_clear_text_to_another_machine_is_refused() -> None:
    assert problems(smtp={"main": {"host": "192.0.2.7", "tls": "none"}}) == [
        '[smtp.main] tls is "none", but 192.0.2.7 is not this machine: mail would travel in clear text.'
    ]


@pytest.mark.parametrize(
    ("given", "kept"), [("10.0.0.7/8", "10.0.0.0/8"), ("192.0.2.1", "192.0.2.1/32"), ("::1", "::1/128")]
)
def test_a_proxy_is_kept_as_a_network(given: str, kept: str) -> None:
    assert read(web={"trusted_proxies": [given]}).web.trusted_proxies == (kept,)


RANGES = [
    ("smtp.main", "port", 0, 65536, 1, 65535),
    ("smtp.main", "connections", 0, 101, 1, 100),
    ("sending", "batch_size", 0, 1001, 1, 1000),
    ("sending", "connections", 0, 101, 1, 100),
    ("sending", "max_message_kb", 15, 20481, 16, 20480),
    ("sending", "audience_drift", -0.01, 1.01, 0, 1),
    ("sending", "give_up_hours", 0, 241, 1, 240),
    ("privacy", "unconfirmed_days", 0, 31, 1, 30),
    ("privacy", "per_address_day", 0, 11, 1, 10),
    ("privacy", "per_address_month", 0, 31, 1, 30),
    ("web", "port", 0, 65536, 1, 65535),
]


def _with(section: str, key: str, value: object) -> dict[str, dict[str, Any]]:
    table, _, name = section.partition(".")
    return {table: {name: GOOD[table][name] | {key: value}} if name else {key: value}}


@pytest.mark.rule("C7")
@pytest.mark.parametrize(("section", "key", "low", "high", "least", "most"), RANGES)
def test_a_number_is_accepted_to_the_edge_and_not_beyond(
    section: str, key: str, low: float, high: float, least: float, most: float
) -> None:
    for value in (least, most):
        assert read(**_with(section, key, value))
    for value in (low, high):
        (problem,) = problems(**_with(section, key, value))
        assert problem.startswith(f"[{section}] {key} must be ")


@pytest.mark.parametrize("value", [0, 1, -0.1])
def test_the_share_for_confirmations_is_neither_nothing_nor_all(value: float) -> None:
    assert problems(sending={"system_share": value})[0].startswith("[sending] system_share must be ")


@pytest.mark.parametrize("key", ["first_retry_minutes", "retry_hours", "give_up_hours"])
def test_a_retry_time_of_nothing_is_refused(key: str) -> None:
    assert problems(sending={key: 0})[0].startswith(f"[sending] {key} must be greater than 0.")


# --- rates ------------------------------------------------------------------------------------------


@given(st.integers(1, 10**6), st.sampled_from(["s", "min", "h"]))
def test_a_rate_reads_as_it_was_written(count: int, unit: str) -> None:
    rate = read(sending={"rate": f"{count}/{unit}"}).sending.rate
    assert str(rate) == f"{count}/{unit}"
    assert rate.per_second == pytest.approx(count / {"s": 1, "min": 60, "h": 3600}[unit])


def test_a_rate_is_printed_as_text_when_settings_are_dumped() -> None:
    assert read(sending={"rate": "10/s"}).model_dump()["sending"]["rate"] == "10/s"


def test_no_rate_means_as_fast_as_the_relay_takes_them() -> None:
    assert read().sending.rate == Rate("unlimited", None)


# --- addresses, names, lists ------------------------------------------------------------------------


def test_an_address_is_kept_in_one_form() -> None:
    assert read(site={"privacy_contact": " Privacy@Bücher.EXAMPLE "}).site.privacy_contact == (
        "Privacy@xn--bcher-kva.example"
    )


def test_a_mailbox_is_read_into_name_and_address() -> None:
    assert read().lists["weekly"].from_mailbox == Mailbox("Ohm & Volt", EmailAddress("news", "shop.example"))


def test_colleagues_are_given_as_a_list_or_as_a_line_of_the_environment() -> None:
    both = ("mia@shop.example", "tom@shop.example")
    assert read(sending={"proof_addresses": list(both)}).sending.proof_addresses == both
    environ = {"MAILER_SENDING__PROOF_ADDRESSES": " mia@shop.example , ,tom@shop.example,"}
    assert read(environ).sending.proof_addresses == both


def test_one_bad_colleague_is_named() -> None:
    (problem,) = problems(sending={"proof_addresses": ["mia@shop.example", "tom"]})
    assert problem == (
        "[sending] proof_addresses is not a mail address. The address has no @ with something on both sides of it."
    )


@pytest.mark.parametrize("name", ["Weekly", "9lives", "weekly news", "wöchentlich", "a" * 65, "-a"])
def test_a_list_has_a_plain_name(name: str) -> None:
    (problem,) = problems(lists={name: GOOD["lists"]["weekly"] | {"list_id": "x.lists.shop.example"}})
    assert "must be a name of lower-case letters, digits, - and _" in problem


@pytest.mark.parametrize(
    "list_id", ["weekly", "weekly lists.shop.example", "<w.shop.example>", f"w.{'a' * 64}.example"]
)
def test_a_list_id_is_a_name_below_a_domain(list_id: str) -> None:
    (problem,) = problems(lists={"weekly": GOOD["lists"]["weekly"] | {"list_id": list_id}})
    assert "must be a name in a domain you own" in problem


def test_a_list_id_is_compared_in_small_letters() -> None:
    """RFC 2919 6: two that differ by case alone are one."""
    other = GOOD["lists"]["weekly"] | {"list_id": "WEEKLY.lists.shop.example"}
    assert problems(lists={"weekly": GOOD["lists"]["weekly"], "other": other}) == [
        "[lists] weekly and other have the same list_id; each needs its own."
    ]


@pytest.mark.parametrize("text", ["two\nlines", "tab\there", "a\x85b", "a\u2028b", "\x7f"])
def test_a_title_is_one_line(text: str) -> None:
    assert problems(lists={"weekly": GOOD["lists"]["weekly"] | {"title": text}}) == [
        "[lists.weekly] title must be one line."
    ]


def test_a_postal_address_may_have_several_lines() -> None:
    assert read(site={"postal_address": "Lötstraße 12\n10115 Berlin\n"}).site.postal_address.count("\n") == 1


# --- merge fields -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("text", "x", 1),
        ("number", 1.5, "1.5"),
        ("number", 3, True),
        ("boolean", True, 1),
        ("boolean", False, "no"),
    ],
)
def test_a_default_is_of_the_fields_type(kind: str, good: object, bad: object) -> None:
    assert read(fields={"extra": {"type": kind, "default": good}}).fields["extra"].default == good
    assert problems(fields={"extra": {"type": kind, "default": bad}}) == [
        f"[fields.extra] default is no {kind}, which this field holds."
    ]


@pytest.mark.parametrize(
    ("kind", "empty"), [("text", ""), ("number", None), ("boolean", False), ("date", None)]
)
def test_a_field_without_a_default_holds_nothing_of_its_type(kind: str, empty: object) -> None:
    assert read(fields={"extra": {"type": kind}}).fields["extra"].empty == empty


def test_a_default_is_what_the_field_holds_when_nobody_said() -> None:
    assert read(fields={"extra": {"type": "number", "default": 0}}).fields["extra"].empty == 0


@pytest.mark.parametrize("name", ["email", "language"])
def test_a_field_cannot_take_a_name_that_templates_have(name: str) -> None:
    assert problems(fields={name: {}}) == [
        f"[fields] {name} is a name that templates already have; choose another."
    ]


# --- derived values ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base_url", "domain"),
    [
        ("https://news.shop.example", "news.shop.example"),
        ("https://192.0.2.7", "bounce.shop.example"),
        ("https://intranet", "bounce.shop.example"),
        ("http://shop.localhost", "bounce.shop.example"),
        ("http://[::1]:80", "bounce.shop.example"),
    ],
)
@pytest.mark.rule("A26")
def test_message_ids_end_in_a_name_that_is_owned(base_url: str, domain: str) -> None:
    assert read(site={"base_url": base_url}).message_id_domain == domain


@pytest.mark.rule("A26")
def test_the_end_of_message_ids_can_be_said() -> None:
    assert read(sending={"message_id_domain": "Ids.Shop.Example"}).message_id_domain == "ids.shop.example"


def test_connections_are_those_of_the_relay_unless_sending_says_otherwise() -> None:
    assert read().connections == 4
    assert read(sending={"connections": 9}).connections == 9


# --- the environment --------------------------------------------------------------------------------

TEXTS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=30)


@given(TEXTS, TEXTS)
def test_a_text_of_the_environment_always_wins_over_the_file(in_file: str, in_environment: str) -> None:
    shown = read({"MAILER_SITE__LEGAL_NAME": in_environment}, site={"legal_name": in_file}).site.legal_name
    assert shown == in_environment


@given(st.integers(1, 65535))
def test_a_number_of_the_environment_is_the_number_in_the_file(port: int) -> None:
    assert read({"MAILER_WEB__PORT": str(port)}) == read(web={"port": port})


@pytest.mark.parametrize("text", ["true", "TRUE", "1", "yes", "on"])
def test_truth_of_the_environment_is_understood(text: str) -> None:
    assert read({"MAILER_LISTS__WEEKLY__PUBLIC": text}).lists["weekly"].public is True
    assert read({"MAILER_LISTS__WEEKLY__PUBLIC": "false"}).lists["weekly"].public is False


def test_a_whole_list_can_come_from_the_environment() -> None:
    environ = {
        f"MAILER_LISTS__CLEARANCE__{key.upper()}": str(value)
        for key, value in GOOD["lists"]["weekly"].items()
    }
    environ["MAILER_LISTS__CLEARANCE__LIST_ID"] = "clearance.lists.shop.example"
    assert list(read(environ).lists) == ["weekly", "clearance"]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MAILER_WEB__PORT", "eighty", "MAILER_WEB__PORT: [web] port must be a valid integer"),
        ("MAILER_WEB__PORT", "", "MAILER_WEB__PORT: [web] port must be a valid integer"),
        ("MAILER_SITE__NAME", " ", "MAILER_SITE__NAME: [site] name is empty."),
        ("MAILER_SITE__LANGUAGE", "fr", "MAILER_SITE__LANGUAGE: [site] language must be 'en' or 'de'."),
        ("MAILER_SITE__NAMES", "x", 'MAILER_SITE__NAMES: [site] names is no setting. Did you mean "name"?'),
        ("MAILER_SIGHT__NAME", "x", "mailer.toml: [sight] is no setting."),
        ("MAILER_SITE__NAME__FIRST", "x", "[site] name must be a valid string"),
        (
            "MAILER_SENDING__RATE",
            "10/day",
            'MAILER_SENDING__RATE: [sending] rate must be "unlimited" or a number',
        ),
        ("MAILER_LISTS__WEEKLY__PUBLIC", "perhaps", "[lists.weekly] public must be a valid boolean"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(variable: str, value: str, said: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        read({variable: value})
    assert any(said in str(problem) for problem in refused.value.problems), refused.value


def test_a_password_of_the_environment_wins_over_the_file_of_one(tmp_path: Path) -> None:
    (tmp_path / "relay").write_text("from the file", encoding="utf-8")
    (tmp_path / "relay").chmod(0o600)
    environ = {"MAILER_SMTP__MAIN__PASSWORD_FILE": str(tmp_path / "relay")}
    relay = read(environ).relay
    assert relay.password == SecretStr("from the file")
    assert read(environ | {"MAILER_SMTP__MAIN__PASSWORD": "typed"}).relay.password == SecretStr("typed")


@pytest.mark.parametrize(
    ("content", "said"), [(None, "which cannot be read: No such file"), (b"\xff\xfe", "it is not UTF-8 text")]
)
def test_a_password_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "relay").write_bytes(content)
        (tmp_path / "relay").chmod(0o600)
    (problem,) = problems({"MAILER_SMTP__MAIN__PASSWORD_FILE": str(tmp_path / "relay")})
    assert f"names {tmp_path / 'relay'}" in problem and said in problem


def test_files_of_a_relay_are_named_from_the_sites_folder() -> None:
    assert (
        read(smtp={"main": {"host": "a.example", "ca_file": "ca.pem"}}).relay.ca_file
        == HERE.parent / "ca.pem"
    )


# --- every problem has its place --------------------------------------------------------------------


def test_lines_of_sections_and_keys_are_found() -> None:
    text = '# a comment\n[site] # who\n"name" = "x"\n\n  [ lists . weekly ]\ntitle="y"\n[lists.weekly]\n'
    assert find_lines(text) == {
        ("site",): 2,
        ("site", "name"): 3,
        ("lists", "weekly"): 5,
        ("lists", "weekly", "title"): 6,
    }


def test_a_problem_names_the_line_of_its_key_or_else_of_its_section(tmp_path: Path) -> None:
    path = tmp_path / "mailer.toml"
    path.write_text(
        as_toml(GOOD).replace('return_path = "bounce@bounce.shop.example"', "rate = 5"), encoding="utf-8"
    )
    with pytest.raises(SettingsInvalid) as refused:
        load_settings(path, {})
    section = find_lines(path.read_text(encoding="utf-8"))["sending",]
    assert sorted(problem.place for problem in refused.value.problems) == [
        f"mailer.toml:{section}",
        f"mailer.toml:{section + 1}",
    ]


def test_one_problem_is_one_thing_to_mend() -> None:
    with pytest.raises(SettingsInvalid, match="one thing to mend") as refused:
        read(site={"timezone": "Mars"})
    assert refused.value.facts == {"path": str(HERE)}


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False), st.text(max_size=20)
).filter(lambda value: value is not None)
PLACES = [
    (section.key, setting.key)
    for section in settings_of(Settings)
    if section.section is not None
    for setting in settings_of(section.section)
]


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=300)
@given(
    st.sampled_from(PLACES),
    VALUES | st.lists(VALUES, max_size=3) | st.dictionaries(TEXTS, VALUES, max_size=2),
)
def test_any_value_anywhere_gives_settings_or_a_list_of_problems(place: tuple[str, str], value: Any) -> None:
    """Never a traceback: whoever mistypes a setting reads which, and what it should be."""
    raw = {name: {key: dict(each) if isinstance(each, dict) else each for key, each in section.items()}
           for name, section in GOOD.items()}  # fmt: skip
    name = {"smtp": "main", "lists": "weekly", "fields": "extra"}.get(place[0])
    section = raw.setdefault(place[0], {})
    (section.setdefault(name, {}) if name else section)[place[1]] = value
    try:
        text = _toml(raw)
        tomllib.loads(text)
        text.encode()
    except (UnicodeEncodeError, tomllib.TOMLDecodeError):
        return
    told: tuple[Problem, ...] = ()
    try:
        assert isinstance(parse_settings(text, HERE, {}), Settings)
    except SettingsInvalid as refused:
        told = refused.problems
    assert all(problem.sentence.endswith(".") or "chmod" in problem.sentence for problem in told)


def _toml(value: Any) -> str:
    """TOML with inline tables, for values of any shape."""
    lines = []
    for name, section in value.items():
        lines += [f"[{name}]", *(f"{key} = {_inline(each)}" for key, each in section.items())]
    return "\n".join(lines)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{toml_value(str(key))} = {_inline(each)}" for key, each in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return toml_value(value)


# --- the annotated file -----------------------------------------------------------------------------


def _models() -> list[type[BaseModel]]:
    return [setting.section for setting in settings_of(Settings) if setting.section is not None]


def test_a_setting_left_out_has_the_value_that_the_annotated_file_shows() -> None:
    shown = {
        line[1:] for line in annotated_toml(GOOD).splitlines() if line.startswith("#") and line[1:2] != " "
    }
    for model in _models():
        for setting in settings_of(model):
            default = setting.info.default
            if default is PydanticUndefined or default is None or "FieldSettings" in model.__name__:
                continue
            assert f"{setting.key} = {toml_value(default)}" in shown, setting.key


def test_no_line_of_the_annotated_file_is_wider_than_a_terminal_beside_another() -> None:
    assert max(map(len, annotated_toml(GOOD).splitlines())) <= 120


def test_each_named_section_is_explained_and_written() -> None:
    values = GOOD | {"smtp": GOOD["smtp"] | {"backup": {"host": "b.example"}}}
    text = annotated_toml(values)
    assert text.count("# The relay that takes your mail.") == 2
    assert "[smtp.main]\n" in text and "[smtp.backup]\n" in text


@given(st.dictionaries(st.sampled_from(["name", "legal_name", "postal_address"]), TEXTS, min_size=1))
def test_whatever_is_written_into_the_annotated_file_is_read_back(given_values: dict[str, str]) -> None:
    values = GOOD | {"site": GOOD["site"] | given_values}
    site = parse_settings(annotated_toml(values), HERE, {}).site
    assert {name: getattr(site, name) for name in given_values} == given_values
