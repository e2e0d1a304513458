"""Secrets are strong, private, made once, and never dropped by accident (D2, D6)."""

from __future__ import annotations

import base64
import hmac
import os
import random
import stat
import threading
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.addresses import parse_address
from mailer.keyring import (
    Secrets,
    SecretsExist,
    SecretsInvalid,
    address_hash,
    create_secrets,
    keyed_mac,
    load_secrets,
    rotate_token_key,
)

GOOD_KEYS = [base64.urlsafe_b64encode(hmac.digest(b"test", bytes([n]), "sha256")).decode() for n in range(4)]


def write(
    path: Path, *, address: str = GOOD_KEYS[0], ledger: str = GOOD_KEYS[1], tokens: str | None = None
) -> Path:
    if tokens is None:
        tokens = f'[[token_keys]]\nid = "k1"\nsecret = "{GOOD_KEYS[2]}"\ncreated = 2026-01-02\n'
    path.write_text(f'address_key = "{address}"\nledger_key = "{ledger}"\n{tokens}')
    path.chmod(0o600)
    return path


def encoded(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).decode()


@given(st.binary(min_size=1, max_size=200), st.lists(st.binary(max_size=200), min_size=1, max_size=3))
def test_a_keyed_mac_is_the_hmac_of_each_message_alone(key: bytes, messages: list[bytes]) -> None:
    mac = keyed_mac(key)
    assert [mac(message) for message in messages] == [hmac.digest(key, m, "sha256") for m in messages]


@pytest.mark.rule("D6")
def test_new_secrets_are_256_bits_in_a_file_only_the_owner_reads(tmp_path: Path) -> None:
    secrets = create_secrets(tmp_path / "secrets.toml")
    assert stat.S_IMODE((tmp_path / "secrets.toml").stat().st_mode) == 0o600
    keys = {secrets.address_key, secrets.ledger_key, secrets.token_keys[0].secret}
    assert len(keys) == 3
    assert all(len(key) == 32 for key in keys)


def test_what_was_created_is_what_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    assert create_secrets(path) == load_secrets(path)


def test_creating_leaves_no_other_file_behind(tmp_path: Path) -> None:
    create_secrets(tmp_path / "secrets.toml")
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.toml"]


def test_an_existing_secrets_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    path.write_text("precious")
    with pytest.raises(SecretsExist, match="not overwritten"):
        create_secrets(path)
    assert path.read_text() == "precious"


def test_a_dangling_link_is_not_followed_when_creating(tmp_path: Path) -> None:
    (tmp_path / "secrets.toml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SecretsExist):
        create_secrets(tmp_path / "secrets.toml")
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SecretsInvalid, match="cannot be written"):
        create_secrets(tmp_path / "missing" / "secrets.toml")


@pytest.mark.rule("D6")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o666, 0o644])
def test_a_file_that_others_can_reach_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, mode: int
) -> None:
    path = write(tmp_path / "secrets.toml")
    path.chmod(mode)
    with pytest.raises(SecretsInvalid, match="chmod 600"):
        load_secrets(path)


def test_a_systemd_credential_may_show_its_acl_as_group_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "secrets.toml")
    path.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert load_secrets(path).token_keys[0].id == "k1"
    path.chmod(0o444)
    with pytest.raises(SecretsInvalid):
        load_secrets(path)


@pytest.mark.rule("D6")
@pytest.mark.parametrize(
    "weak",
    [
        encoded(bytes(32)),
        encoded(b"\xff" * 32),
        encoded(bytes(range(32))),
        encoded(bytes(range(0, 96, 3))),
        encoded(b"0123456789abcdef" * 2),
        encoded(b"correct horse battery staple and a few more words"),
        encoded(hmac.digest(b"x", b"y", "sha256")[:8] * 4),
    ],
)
@pytest.mark.parametrize("place", ["address", "ledger", "token"])
def test_a_sample_or_invented_key_is_refused(tmp_path: Path, weak: str, place: str) -> None:
    path = tmp_path / "secrets.toml"
    if place == "address":
        write(path, address=weak)
    elif place == "ledger":
        write(path, ledger=weak)
    else:
        write(path, tokens=f'[[token_keys]]\nid = "k1"\nsecret = "{weak}"\ncreated = 2026-01-02\n')
    with pytest.raises(SecretsInvalid, match="sample"):
        load_secrets(path)


@pytest.mark.rule("D6")
def test_a_key_below_256_bits_is_refused(tmp_path: Path) -> None:
    short = encoded(hmac.digest(b"x", b"y", "sha256")[:31])
    with pytest.raises(SecretsInvalid, match="256 bits"):
        load_secrets(write(tmp_path / "secrets.toml", address=short))


@given(st.binary(min_size=32, max_size=32).map(lambda seed: hmac.digest(b"random", seed, "sha256")))
def test_a_random_key_is_not_taken_for_an_invented_one(
    tmp_path_factory: pytest.TempPathFactory, key: bytes
) -> None:
    path = write(tmp_path_factory.mktemp("s") / "secrets.toml", address=encoded(key))
    assert load_secrets(path).address_key == key


def token_table(**changes: str) -> str:
    values = {
        "id": '"k1"',
        "secret": f'"{GOOD_KEYS[2]}"',
        "created": "2026-01-02",
        "retired": "false",
    } | changes
    return "[[token_keys]]\n" + "".join(f"{key} = {value}\n" for key, value in values.items() if value)


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        ("", "token_keys"),
        ("token_keys = []\n", "token_keys"),
        ("token_keys = 1\n", "token_keys"),
        (token_table(id='"K 1"'), "id of a token key"),
        (token_table(id='"waytoolong1"'), "id of a token key"),
        (token_table(created='"soon"'), "created"),
        (token_table(retired='"no"'), "retired"),
        (token_table(secret=""), "missing"),
        (token_table(secret='"not base64!"'), "base64"),
        (token_table(retired="true"), "nothing can be signed"),
        (token_table() + token_table(secret=f'"{GOOD_KEYS[3]}"'), "key id twice"),
        (token_table() + token_table(id='"k2"'), "key twice"),
        (token_table(secret=f'"{GOOD_KEYS[0]}"'), "key twice"),
    ],
)
def test_a_broken_secrets_file_is_refused_with_what_is_wrong(tmp_path: Path, tokens: str, said: str) -> None:
    with pytest.raises(SecretsInvalid, match=said):
        load_secrets(write(tmp_path / "secrets.toml", tokens=tokens))


def test_broken_toml_is_refused_without_quoting_it(tmp_path: Path) -> None:
    path = write(tmp_path / "secrets.toml", tokens='hush = "sekrit\n')
    with pytest.raises(SecretsInvalid) as caught:
        load_secrets(path)
    assert "sekrit" not in str(caught.value)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SecretsInvalid, match="Restore it from a backup"):
        load_secrets(tmp_path / "secrets.toml")


def test_a_folder_or_a_pipe_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretsInvalid, match="directory"):
        load_secrets(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(SecretsInvalid, match="regular file"):
        load_secrets(tmp_path / "pipe")


@pytest.mark.rule("D2")
def test_a_rotated_key_comes_last_and_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    first = create_secrets(path)
    key = rotate_token_key(path)
    second = load_secrets(path)
    assert second.token_keys == (*first.token_keys, key)
    assert (second.address_key, second.ledger_key) == (first.address_key, first.ledger_key)
    assert not any(key.retired for key in second.token_keys)


@pytest.mark.rule("D2")
def test_rotating_with_retirement_keeps_the_old_keys_but_retires_them(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    create_secrets(path)
    rotate_token_key(path)
    rotate_token_key(path, retire_old=True)
    assert [(key.id, key.retired) for key in load_secrets(path).token_keys] == [
        ("k1", True),
        ("k2", True),
        ("k3", False),
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_printed_secret_shows_no_key(tmp_path: Path) -> None:
    secrets = create_secrets(tmp_path / "secrets.toml")
    assert (
        repr(secrets) == f"Secrets(token_keys=(TokenKey(id='k1', created={date.today()!r}, retired=False),))"
    )


def secrets_with(address_key: bytes) -> Secrets:
    return Secrets((), address_key, b"")


@pytest.mark.rule("A69")
def test_an_address_hash_ignores_case_and_depends_on_the_key() -> None:
    ada = parse_address("Ada@Shop.example")
    assert address_hash(secrets_with(b"1"), ada) == address_hash(
        secrets_with(b"1"), parse_address("ada@shop.example")
    )
    assert address_hash(secrets_with(b"1"), ada) != address_hash(secrets_with(b"2"), ada)
    assert len(address_hash(secrets_with(b"1"), ada)) == 32


def _key_of(distinct: int) -> bytes:
    """32 bytes in no order, of so many different values."""
    drawn = random.Random(distinct).sample(range(256), distinct)
    mixed = [*drawn, *drawn[: 32 - distinct]]
    random.Random(7).shuffle(mixed)
    return bytes(mixed)


@pytest.mark.rule("D6")
def test_a_key_of_few_different_bytes_was_not_made_by_a_random_source(tmp_path: Path) -> None:
    """32 random bytes hold fewer than 20 different ones less than once in a hundred million keys."""
    assert load_secrets(write(tmp_path / "good.toml", address=encoded(_key_of(20))))
    with pytest.raises(SecretsInvalid, match="random source"):
        load_secrets(write(tmp_path / "bad.toml", address=encoded(_key_of(19))))


@pytest.mark.rule("D2")
def test_a_retired_key_stays_retired_after_a_plain_rotation(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    create_secrets(path)
    rotate_token_key(path, retire_old=True)
    rotate_token_key(path)
    assert [key.retired for key in load_secrets(path).token_keys] == [True, False, False]


@pytest.mark.rule("D2", "C10")
@given(st.lists(st.booleans(), max_size=6))
def test_any_row_of_rotations_keeps_every_key(
    tmp_path_factory: pytest.TempPathFactory, rotations: list[bool]
) -> None:
    path = tmp_path_factory.mktemp("keys") / "secrets.toml"
    made = [create_secrets(path).token_keys[0].secret]
    made += [rotate_token_key(path, retire_old=retire).secret for retire in rotations]
    keys = load_secrets(path).token_keys
    assert [key.secret for key in keys] == made
    assert len({key.id for key in keys}) == len(keys)
    assert not keys[-1].retired


@pytest.mark.rule("D2", "C10")
def test_two_rotations_at_once_lose_no_key(tmp_path: Path) -> None:
    """A key that has signed a mailed link must not be written over by a neighbour."""
    path = tmp_path / "secrets.toml"
    create_secrets(path)
    made: list[bytes] = []
    threads = [threading.Thread(target=lambda: made.append(rotate_token_key(path).secret)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key.secret for key in load_secrets(path).token_keys} >= set(made)
    assert len(made) == 6


def test_rotating_what_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "secrets.toml", address=encoded(bytes(32)))
    before = path.read_bytes()
    with pytest.raises(SecretsInvalid):
        rotate_token_key(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["secrets.toml"]
