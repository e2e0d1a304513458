"""Records: written so that every receiver reads them, read as what they are, whatever they hold (A46, D36)."""

from __future__ import annotations

import dns.zone
import pytest
from dkim import KeyFormatError, evaluate_pk
from hypothesis import given
from hypothesis import strategies as st

from mailer.dkim import EXPLAINED, KeyKind, Standing, compare, parse_record, record_name, record_text
from mailer.dkim.records import STRING_OCTETS, strings, zone_lines
from tests.dkim.signing import keys

RSA, ED25519 = keys()[KeyKind.RSA], keys()[KeyKind.ED25519]


@pytest.mark.parametrize("kind", KeyKind)
def test_a_name_server_reads_the_printed_lines_as_the_whole_text(kind: KeyKind) -> None:
    """BIND's syntax, by dnspython: several strings of one record, joined without anything between."""
    made = keys()[kind]
    name = record_name(made.selector, "shop.example")
    text = "$ORIGIN shop.example.\n@ 60 IN SOA ns hostmaster 1 1 1 1 1\n@ 60 IN NS ns\n"
    zone = dns.zone.from_text(
        text + "\n".join(zone_lines(name, record_text(made))).replace(" IN ", " 60 IN "),
        "shop.example.",
        check_origin=False,
    )
    (record,) = zone.find_rdataset(f"{name}.", "TXT")
    assert max(map(len, record.strings)) <= STRING_OCTETS
    assert b"".join(record.strings).decode() == record_text(made)


@given(st.text(alphabet="abc=;/+", max_size=1200))
def test_a_text_is_cut_into_strings_that_fit(text: str) -> None:
    """RFC 1035 3.3.14."""
    assert "".join(strings(text)) == text
    assert all(0 < len(each) <= STRING_OCTETS for each in strings(text))


def test_dkimpy_reads_our_records() -> None:
    for key in (RSA, ED25519):
        _, size, kind, _ = evaluate_pk("name", record_text(key).encode())
        assert (size, kind) == (key.bits, key.kind.value.encode())
    with pytest.raises(KeyFormatError):
        evaluate_pk("name", b"v=DKIM1; k=rot13; p=YQ==")


@pytest.mark.rule("A46")
@pytest.mark.parametrize(
    ("texts", "standing"),
    [
        ([record_text(RSA)], Standing.FITS),
        ([f"p={RSA.public}"], Standing.FITS),
        (
            [f"v=DKIM1; h=sha256; k=rsa; s=email; t=s; n=news; p={RSA.public[:200]} \t{RSA.public[200:]};"],
            Standing.FITS,
        ),
        (["v=spf1 -all", record_text(RSA)], Standing.FITS),
        ([], Standing.MISSING),
        (["v=spf1 -all"], Standing.UNREADABLE),
        (["v=DKIM2; p=YQ=="], Standing.UNREADABLE),
        ([f"k=rsa; v=DKIM1; p={RSA.public}"], Standing.UNREADABLE),
        (["nonsense"], Standing.UNREADABLE),
        ([""], Standing.UNREADABLE),
        (["v=DKIM1; k=rsa; p="], Standing.REVOKED),
        (["v=DKIM1; p= ;"], Standing.REVOKED),
        ([record_text(ED25519)], Standing.OTHER_KEY),
        ([record_text(RSA)[:-40]], Standing.OTHER_KEY),
        ([record_text(RSA).replace("k=rsa", "k=ed25519")], Standing.OTHER_KEY),
        ([f"v=DKIM1; s=tlsrpt; p={RSA.public}"], Standing.NO_MAIL),
        ([f"v=DKIM1; h=sha1; p={RSA.public}"], Standing.NO_MAIL),
        ([f"v=DKIM1; t=y; p={RSA.public}"], Standing.TESTING),
        ([f"v=DKIM1; t=s:y; p={RSA.public}"], Standing.TESTING),
        ([record_text(RSA), record_text(RSA)], Standing.SEVERAL),
        ([record_text(RSA), "v=DKIM1; p="], Standing.SEVERAL),
    ],
)
def test_a_published_record_stands_to_the_key(texts: list[str], standing: Standing) -> None:
    assert compare(RSA, texts) is standing


@pytest.mark.rule("D36")
@given(st.lists(st.text(max_size=60) | st.text(alphabet="vkpt=;: D1y", max_size=30), max_size=3))
def test_any_text_at_all_is_judged_and_none_of_it_fits(texts: list[str]) -> None:
    assert compare(RSA, texts) is not Standing.FITS


@given(st.text(alphabet="vkpt=;: DKIM1\ty", max_size=40))
def test_any_text_is_a_record_or_none(text: str) -> None:
    published = parse_record(text)
    assert published is None or " " not in published.public


def test_every_standing_is_explained_and_all_but_one_say_what_to_do() -> None:
    assert set(EXPLAINED) == set(Standing)
    assert [standing for standing, (_, remedy) in EXPLAINED.items() if not remedy] == [Standing.FITS]
