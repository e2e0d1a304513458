"""One word for one thing, the glossary's; nothing unfinished; every exception to a rule has its reason."""

from __future__ import annotations

import ast
import re

import pytest

from tests.house.tree import files, python_sources

#: The word, and the glossary's word for it.
AVOIDED = {
    "blacklist": "suppression",
    "blocklist": "suppression",
    "whitelist": "allowed",
    "blast": "campaign",
    "isp": "provider",
    "unsubscriber": "subscriber",
    "optin": "confirmed",
    "mailout": "campaign",
}
#: What other programs and standards call things.
BORROWED = frozenset({"blocklisted", "user_agent", "username"})
_UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK|WIP)\b")
_EXCUSED = re.compile(
    r"#\s*(?:type:\s*ignore(?:\[[\w, -]+\])?|noqa(?::\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?)(?P<reason>.*)"
)
# No address of a package index stands anywhere: whoever installs decides where from.
_INDEX_HOSTS = re.compile(r"pypi\.(?:org|python)|python" + r"hosted\.org|--(?:extra-)?index-url[ =]")


def _identifiers(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
    return names


def _words(identifier: str) -> set[str]:
    spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", identifier)
    return set(spaced.lower().strip("_").split("_")) | {identifier.lower()}


def test_names_are_the_glossary_s() -> None:
    for source in python_sources("mailer"):
        for identifier in _identifiers(source.tree) - BORROWED:
            for word in _words(identifier) & AVOIDED.keys():
                pytest.fail(f"{source.name}: {identifier}: say {AVOIDED[word]}, not {word}")


def test_nothing_is_left_for_later() -> None:
    sources = (*python_sources("mailer"), *python_sources("tests"), *python_sources("alembic"))
    own = __file__
    found = [
        f"{source.name}:{number}"
        for source in sources
        if str(source.path) != own
        for number, line in enumerate(source.text.splitlines(), 1)
        if _UNFINISHED.search(line)
    ]
    assert found == []


def test_every_exception_to_a_rule_says_why() -> None:
    """A linter or the type checker is silenced only with the reason on the same line."""
    found = [
        f"{source.name}:{number}"
        for source in (*python_sources("mailer"), *python_sources("tests"))
        if str(source.path) != __file__
        for number, line in enumerate(source.text.splitlines(), 1)
        if (match := _EXCUSED.search(line)) and len(match["reason"].strip(" #-()")) < 8
    ]
    assert found == []


def test_every_module_says_its_one_job() -> None:
    for source in (*python_sources("mailer"), *python_sources("tests"), *python_sources("alembic")):
        if source.lines:
            docstring = ast.get_docstring(source.tree)
            assert docstring, f"{source.name} has no docstring"
            assert (
                docstring.split("\n", 1)[0].rstrip().endswith((".", ":", "?", ";", ","))
                or len(docstring) < 200
            ), f"{source.name}: its first line is no sentence"


def test_what_is_public_is_explained() -> None:
    for source in python_sources("mailer"):
        for node in source.tree.body:
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                and node.name[0] != "_"
            ):
                assert ast.get_docstring(node), f"{source.name}:{node.lineno} {node.name}"


def test_no_file_names_a_package_index() -> None:
    for path in files():
        if path.suffix in {".png", ".ico", ".woff2", ".gz", ".gif", ".jpg"} or str(path) == __file__:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        assert not _INDEX_HOSTS.search(text), path


@pytest.mark.rule("D5")
def test_secret_values_are_compared_in_constant_time() -> None:
    """`==` on a signature tells by its duration how much of a guess was right."""
    secret = re.compile(r"signature|\bmac\b|_mac\b|hmac|stamp_tag|token_tag")
    for source in python_sources("mailer"):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
                compared = [ast.unparse(part) for part in (node.left, *node.comparators)]
                names = [text for text in compared if re.fullmatch(r"[\w.]+", text)]
                assert not any(secret.search(name) for name in names), f"{source.name}:{node.lineno}"
