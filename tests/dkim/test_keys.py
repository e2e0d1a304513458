"""Key files: made closed, read only closed, never too short, never overwritten (A37, A38)."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from mailer.dkim import DkimKeyExists, DkimKeyInvalid, KeyKind, create_key, load_key
from mailer.dkim.keys import selectors_in

RSA = generate_private_key(65537, 2048)


def put(folder: Path, content: bytes, *, mode: int = 0o600) -> Path:
    """A key file as somebody brought it."""
    path = folder / "s1.pem"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def pem(encryption: KeySerializationEncryption | None = None) -> bytes:
    """A good key."""
    return RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


@pytest.mark.rule("A37")
def test_a_key_is_rsa_of_2048_bits_unless_asked_otherwise(tmp_path: Path) -> None:
    made = create_key(tmp_path / "dkim", "s1")
    assert (made.kind, made.bits, made.algorithm) == (KeyKind.RSA, 2048, "rsa-sha256")
    assert load_key(tmp_path / "dkim", "s1").public == made.public


@pytest.mark.rule("A38")
def test_an_ed25519_key_is_made_when_asked_for(tmp_path: Path) -> None:
    made = create_key(tmp_path, "s1", kind=KeyKind.ED25519)
    assert (made.kind, made.algorithm, len(made.public)) == (KeyKind.ED25519, "ed25519-sha256", 44)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_key_is_made_closed_to_others_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        made = create_key(tmp_path / "dkim", "s1")
    finally:
        os.umask(before)
    assert made.path is not None
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777, 0o601])
def test_a_key_that_others_can_touch_is_refused_with_what_to_do(tmp_path: Path, mode: int) -> None:
    path = put(tmp_path, pem(), mode=mode)
    with pytest.raises(DkimKeyInvalid, match=f"chmod 600 {path}"):
        load_key(tmp_path, "s1")


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    first = create_key(tmp_path, "s1")
    with pytest.raises(DkimKeyExists, match="is not overwritten"):
        create_key(tmp_path, "S1")
    assert load_key(tmp_path, "s1").public == first.public


def test_of_many_who_make_one_key_at_once_one_succeeds(tmp_path: Path) -> None:
    """Nobody is shown a record whose key another has replaced."""

    def make(_number: int) -> str | None:
        try:
            return create_key(tmp_path / "dkim", "s1", kind=KeyKind.ED25519).public
        except DkimKeyExists:
            return None

    with ThreadPoolExecutor(8) as people:
        made = [public for public in people.map(make, range(16)) if public is not None]
    assert made == [load_key(tmp_path / "dkim", "s1").public]


@pytest.mark.rule("A37")
@pytest.mark.parametrize("bits", [512, 1023])
def test_a_key_under_1024_bits_is_refused(tmp_path: Path, bits: int) -> None:
    made = subprocess.run(["openssl", "genrsa", str(bits)], capture_output=True, check=True).stdout
    put(tmp_path, made)
    with pytest.raises(DkimKeyInvalid, match=f"{bits} bits|no private key"):
        load_key(tmp_path, "s1")


def test_a_key_of_1024_bits_is_taken_as_others_left_it(tmp_path: Path) -> None:
    made = subprocess.run(["openssl", "genrsa", "1024"], capture_output=True, check=True).stdout
    put(tmp_path, made)
    assert load_key(tmp_path, "s1").bits == 1024


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a key\n",
        pem()[:400],
        pem(BestAvailableEncryption(b"secret")),
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ),
    ],
    ids=["empty", "text", "cut", "with a passphrase", "elliptic curve"],
)
def test_what_is_no_key_is_refused_in_a_sentence_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = put(tmp_path, content)
    with pytest.raises(DkimKeyInvalid, match=f"{path} cannot be used: it is") as error:
        load_key(tmp_path, "s1")
    assert "not a key\n" not in str(error.value)


def test_a_missing_key_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(DkimKeyInvalid, match="mailer dkim new --selector s1"):
        load_key(tmp_path, "s1")


def test_a_pipe_in_its_place_is_refused_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "s1.pem", 0o600)
    with pytest.raises(DkimKeyInvalid, match="not a regular file"):
        load_key(tmp_path, "s1")


@pytest.mark.parametrize("selector", ["", "../s1", "a.b", "a" * 64, "-a", "a b", "ä"])
def test_a_selector_is_one_label(tmp_path: Path, selector: str) -> None:
    with pytest.raises(DkimKeyInvalid, match="is no selector"):
        create_key(tmp_path, selector)


def test_the_folder_lists_its_keys_by_name(tmp_path: Path) -> None:
    assert selectors_in(tmp_path / "none") == []
    for name in ("b", "a"):
        create_key(tmp_path, name, kind=KeyKind.ED25519)
    (tmp_path / "odd name.pem").touch()
    (tmp_path / "readme.txt").touch()
    assert selectors_in(tmp_path) == ["a", "b"]


def test_a_key_does_not_show_itself(tmp_path: Path) -> None:
    made = create_key(tmp_path, "s1")
    assert "sign" not in repr(made)
    assert "PRIVATE" not in repr(made)


def test_half_a_key_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full, or Ctrl-C comes: the next try finds the name free, and the folder empty."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def stopped(_descriptor: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as person:
        person.setattr(os, "fsync", stopped)
        with pytest.raises(KeyboardInterrupt):
            create_key(tmp_path / "dkim", "s1")
    assert list((tmp_path / "dkim").iterdir()) == []
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(DkimKeyInvalid, match="cannot be written: No space left"):
            create_key(tmp_path / "dkim", "s1")
    assert create_key(tmp_path / "dkim", "s1").selector == "s1"
