"""The environment over the file, the place of every problem, and the annotated file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from mailer.settings import Settings, SettingsInvalid, load_settings
from mailer.settings.annotate import annotated_toml, toml_value
from mailer.settings.load import parse_settings
from mailer.settings.problems import Problem, find_lines
from mailer.settings.walk import settings_of
from tests.ground.settings_text import GOOD, HERE, as_toml, problems, read

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
    name = {"smtp": "main", "lists": "weekly", "fields": "extra", "mailbox": "in"}.get(place[0])
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
            named = model.__name__ in ("FieldSettings", "MailboxSettings")
            secret = (setting.info.description or "").startswith("Never here")
            if default is PydanticUndefined or default is None or named or secret:
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
