"""The frozen form: canonical, complete, and readable by nothing but itself."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailer.rendering import ArtefactUnreadable, CompiledMessage
from mailer.rendering.program import HoleContext, Program
from mailer.rendering.wire.artefact import FORMAT, Artefact
from tests.rendering.wire.cast import compiled, recipient, text_foot
from tests.rendering.wire.programs import names, programs

slow = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=40)


@slow
@given(programs(), names)
def test_any_message_survives_freezing(program: Program, values: dict[str, Any]) -> None:
    message = compiled(text=(*program, *text_foot()))
    again = CompiledMessage.from_bytes(message.to_bytes())
    assert again.artefact == message.artefact
    assert again.to_bytes() == message.to_bytes()
    assert again.fill(recipient(values)) == message.fill(recipient(values))


@slow
@given(programs(HoleContext.TEXT), programs(HoleContext.TEXT))
def test_different_messages_have_different_hashes(one: Program, other: Program) -> None:
    first, second = (compiled(text=(*program, *text_foot())) for program in (one, other))
    assert (first.hash == second.hash) == (first.artefact == second.artefact)


@pytest.mark.rule("A90")
def test_the_bytes_are_canonical_json() -> None:
    data = compiled().to_bytes()
    content = json.loads(data)
    assert content["format"] == FORMAT
    assert json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() == data


def test_the_hash_is_of_the_bytes() -> None:
    message = compiled()
    changed = replace(message.artefact, must_show=("x",))
    assert CompiledMessage(changed).hash != message.hash


def test_warnings_are_no_part_of_what_is_frozen() -> None:
    message = compiled()
    assert CompiledMessage(message.artefact, warnings=()).hash == message.hash
    assert CompiledMessage.from_bytes(message.to_bytes()).warnings == ()


def _without(name: str) -> bytes:
    content = json.loads(compiled().to_bytes())
    del content[name]
    return json.dumps(content).encode()


@pytest.mark.parametrize("name", sorted(json.loads(compiled().to_bytes())))
def test_nothing_may_be_missing(name: str) -> None:
    with pytest.raises(ArtefactUnreadable):
        CompiledMessage.from_bytes(_without(name))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", FORMAT + 1),
        ("message_class", "advertising"),
        ("html", "no list"),
        ("html", [{"value": "x", "context": "nowhere"}]),
        ("html", [{"branches": 3}]),
        ("fields", [["a", "b"]]),
        ("unknown", 1),
    ],
)
def test_what_another_version_wrote_is_named(name: str, value: object) -> None:
    content = json.loads(compiled().to_bytes()) | {name: value}
    with pytest.raises(ArtefactUnreadable):
        Artefact.from_bytes(json.dumps(content).encode())


@given(st.binary(max_size=200))
def test_noise_is_no_artefact(noise: bytes) -> None:
    with pytest.raises(ArtefactUnreadable):
        Artefact.from_bytes(noise)


def test_a_cut_artefact_is_no_artefact() -> None:
    data = compiled().to_bytes()
    for length in range(0, len(data), 97):
        with pytest.raises(ArtefactUnreadable):
            Artefact.from_bytes(data[:length])
