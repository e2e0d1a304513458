"""Addresses are parsed once, strictly, into a type (D12, A52, A68, A69)."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailer.addresses import (
    FAULT_SENTENCES,
    MAX_ADDRESS_OCTETS,
    AddressFault,
    AddressInvalid,
    EmailAddress,
    Mailbox,
    parse_address,
    parse_mailbox,
)

GOOD = {
    "ada@shop.example": ("ada", "shop.example"),
    "  ada@shop.example\t": ("ada", "shop.example"),
    "Ada.Lovelace+news@Shop.EXAMPLE": ("Ada.Lovelace+news", "shop.example"),
    "!#$%&'*+/=?^_`{|}~-@shop.example": ("!#$%&'*+/=?^_`{|}~-", "shop.example"),
    "=1+1@shop.example": ("=1+1", "shop.example"),
    "1@2.3.example": ("1", "2.3.example"),
    "a@xn--fa-hia.example": ("a", "xn--fa-hia.example"),
    "a@XN--FA-HIA.example": ("a", "xn--fa-hia.example"),
    "a@faß.example": ("a", "xn--fa-hia.example"),
    "a@FAẞ.example": ("a", "xn--fa-hia.example"),
    "a@bücher.example": ("a", "xn--bcher-kva.example"),
    "a@bu\u0308cher.example": ("a", "xn--bcher-kva.example"),
    "a@例え.テスト": ("a", "xn--r8jz45g.xn--zckzah"),
    "jörg@shop.example": ("jörg", "shop.example"),
    "jo\u0308rg@shop.example": ("jörg", "shop.example"),
    "用户@例え.テスト": ("用户", "xn--r8jz45g.xn--zckzah"),
    "\u212aelvin@shop.example": ("Kelvin", "shop.example"),
    "a" * 64 + "@shop.example": ("a" * 64, "shop.example"),
}


@pytest.mark.rule("D12", "A68")
@pytest.mark.parametrize("text", GOOD)
def test_a_single_mailbox_is_read_with_its_local_part_as_typed(text: str) -> None:
    address = parse_address(text)
    assert (address.local, address.domain) == GOOD[text]


LONG_LABEL = "d" * 63
BAD = {
    # nothing, or not one mailbox
    "": AddressFault.EMPTY,
    "   ": AddressFault.EMPTY,
    "ada": AddressFault.NO_AT,
    "@": AddressFault.NO_AT,
    "@shop.example": AddressFault.NO_AT,
    "ada@": AddressFault.NO_AT,
    "a@shop.example,b@shop.example": AddressFault.SEVERAL,
    "a@shop.example;b@shop.example": AddressFault.SEVERAL,
    "a@shop.example b@shop.example": AddressFault.SEVERAL,
    "a@b@shop.example": AddressFault.SEVERAL,
    "a@shop.example,": AddressFault.SEVERAL,
    # readings on which two parsers differ (CVE-2023-27043 and its family)
    "alice@good.example)bob@evil.example": AddressFault.COMMENT,
    "alice@good.example]bob@evil.example": AddressFault.SEVERAL,
    "alice@good.example<bob@evil.example>": AddressFault.COMMENT,
    "<alice@good.example>bob@evil.example": AddressFault.COMMENT,
    "alice@good.example(<bob@evil.example>": AddressFault.COMMENT,
    "alice@good.example[bob@evil.example": AddressFault.SEVERAL,
    "Ada <ada@shop.example>": AddressFault.COMMENT,
    "ada(comment)@shop.example": AddressFault.COMMENT,
    "ada@(comment)shop.example": AddressFault.COMMENT,
    "@relay.example:ada@shop.example": AddressFault.NO_AT,
    "<@relay.example:ada@shop.example>": AddressFault.COMMENT,
    "relay.example!ada%shop@": AddressFault.NO_AT,
    "undisclosed-recipients:;@shop.example": AddressFault.SEVERAL,
    "group:ada@shop.example": AddressFault.LOCAL,
    "=?utf-8?q?eve=40evil.example=3e=00?=@shop.example": AddressFault.LOCAL,
    "ada=?utf-8?b?eA==?=@shop.example": AddressFault.LOCAL,
    '"ada"@shop.example': AddressFault.QUOTED,
    '"a@b"@shop.example': AddressFault.QUOTED,
    '"a\nb"@shop.example': AddressFault.CONTROL,
    '"a\r\n b"@shop.example': AddressFault.CONTROL,
    "=?utf-8?q?a=40evil.example=3e?=@shop .example": AddressFault.LOCAL,
    # characters
    "ada@shop.example\n": AddressFault.CONTROL,
    "ada@shop.example\r\nBcc: x@y.example": AddressFault.CONTROL,
    "\nada@shop.example": AddressFault.CONTROL,
    "a\x00da@shop.example": AddressFault.CONTROL,
    "ada@shop.example\x00": AddressFault.CONTROL,
    "ada\u2028@shop.example": AddressFault.CONTROL,
    "ada@shop\u200b.example": AddressFault.DOMAIN,
    "a\u202eda@shop.example": AddressFault.CONTROL,
    "\ufeffada@shop.example": AddressFault.CONTROL,
    "ada\u00a0@shop.example": AddressFault.CONTROL,
    "a\ud800da@shop.example": AddressFault.CONTROL,
    "a da@shop.example": AddressFault.LOCAL,
    "ada @shop.example": AddressFault.LOCAL,
    "a\\da@shop.example": AddressFault.LOCAL,
    ".ada@shop.example": AddressFault.LOCAL,
    "ada.@shop.example": AddressFault.LOCAL,
    "a..da@shop.example": AddressFault.LOCAL,
    "a\uff20evil.example@shop.example": AddressFault.LOCAL,
    "a\u2024\u2024b@shop.example": AddressFault.LOCAL,
    # domains
    "ada@localhost": AddressFault.DOTLESS,
    "ada@[127.0.0.1]": AddressFault.LITERAL,
    "ada@[IPv6:::1]": AddressFault.LITERAL,
    "ada@127.0.0.1": AddressFault.LITERAL,
    "ada@shop.123": AddressFault.LITERAL,
    "ada@shop.example.": AddressFault.DOMAIN,
    "ada@.shop.example": AddressFault.DOMAIN,
    "ada@shop..example": AddressFault.DOMAIN,
    "ada@-shop.example": AddressFault.DOMAIN,
    "ada@shop-.example": AddressFault.DOMAIN,
    "ada@sh_op.example": AddressFault.DOMAIN,
    "ada@shop.exa mple": AddressFault.DOMAIN,
    "ada@shop\u3002example": AddressFault.DOMAIN,
    "ada@good.example\uff0eevil.example": AddressFault.DOMAIN,
    "ada@xn--a.example": AddressFault.DOMAIN,
    "ada@xn--.example": AddressFault.DOMAIN,
    "ada@\u2100.example": AddressFault.DOMAIN,
    # lengths (RFC 5321 4.5.3.1)
    "a" * 65 + "@shop.example": AddressFault.LOCAL_TOO_LONG,
    "ö" * 33 + "@shop.example": AddressFault.LOCAL_TOO_LONG,
    f"ada@{LONG_LABEL}d.example": AddressFault.DOMAIN,
    "ada@" + ".".join([LONG_LABEL] * 4) + ".example": AddressFault.DOMAIN,
    "a" * 62 + "@" + ".".join([LONG_LABEL] * 3) + ".": AddressFault.DOMAIN,
    "a" * 64 + "@" + ".".join([LONG_LABEL] * 3): AddressFault.TOO_LONG,
    "a" * 1_000_000: AddressFault.TOO_LONG,
}


@pytest.mark.rule("D12", "A52")
@pytest.mark.parametrize("text", BAD, ids=lambda text: ascii(text)[:50])
def test_whatever_is_not_one_plain_mailbox_is_refused_with_its_reason(text: str) -> None:
    with pytest.raises(AddressInvalid) as caught:
        parse_address(text)
    assert caught.value.reason is BAD[text]
    assert str(caught.value) == FAULT_SENTENCES[BAD[text]]


def test_every_fault_has_a_sentence() -> None:
    assert set(FAULT_SENTENCES) == set(AddressFault)
    assert all(sentence.endswith(".") for sentence in FAULT_SENTENCES.values())


def test_an_address_error_carries_no_part_of_the_address() -> None:
    with pytest.raises(AddressInvalid) as caught:
        parse_address("sekrit person@shop.example")
    assert "sekrit" not in str(caught.value) + repr(caught.value.facts)


def test_the_longest_allowed_address_is_accepted_and_one_more_byte_is_not() -> None:
    domain = ".".join([LONG_LABEL] * 3)[: MAX_ADDRESS_OCTETS - 65]
    assert len(str(parse_address("a" * 64 + "@" + domain))) == MAX_ADDRESS_OCTETS
    with pytest.raises(AddressInvalid):
        parse_address("a" * 64 + "@" + domain + "d")


@pytest.mark.rule("A69")
def test_two_cases_of_one_address_share_a_key_and_keep_their_spelling() -> None:
    upper, lower = parse_address("Ada@Shop.Example"), parse_address("ada@shop.example")
    assert upper.key == lower.key == "ada@shop.example"
    assert str(upper) == "Ada@shop.example"
    assert upper != lower


@pytest.mark.rule("A69")
@pytest.mark.parametrize("other", ["a.da@shop.example", "ada+news@shop.example"])
def test_dots_and_plus_tags_make_another_address(other: str) -> None:
    assert parse_address(other).key != parse_address("ada@shop.example").key


@pytest.mark.rule("A69")
def test_non_ascii_local_parts_compare_by_lower_case_in_one_normal_form() -> None:
    assert parse_address("JÖRG@shop.example").key == parse_address("jo\u0308rg@shop.example").key


def test_smtputf8_is_needed_for_the_local_part_only() -> None:
    assert parse_address("jörg@shop.example").needs_smtputf8
    assert not parse_address("joerg@bücher.example").needs_smtputf8


def test_people_see_the_domain_in_their_own_letters() -> None:
    assert parse_address("a@bücher.example").unicode_domain == "bücher.example"
    assert parse_address("a@shop.example").unicode_domain == "shop.example"


def test_a_masked_address_shows_the_first_letter_and_the_domain() -> None:
    assert parse_address("ada@bücher.example").masked == "a…@bücher.example"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Parts & Co <news@shop.example>", "Parts & Co"),
        ('"Parts, Inc." <news@shop.example>', "Parts, Inc."),
        (r'"The \"Shop\"" <news@shop.example>', 'The "Shop"'),
        ("Bücher <news@shop.example>", "Bücher"),
        ("<news@shop.example>", ""),
        ("news@shop.example", ""),
        ("  Shop   <news@shop.example> ", "Shop"),
    ],
)
def test_a_mailbox_is_a_name_and_an_address(text: str, name: str) -> None:
    assert parse_mailbox(text) == Mailbox(name, EmailAddress("news", "shop.example"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Parts, Inc. <news@shop.example>", AddressFault.NAME),
        ("Shop <news@shop.example> x", AddressFault.NAME),
        ("a@b.example <news@shop.example>", AddressFault.NAME),
        ("Shop <a@b.example><news@shop.example>", AddressFault.NAME),
        ("Shop\r\nBcc: x <news@shop.example>", AddressFault.CONTROL),
        ("Shop\u2028 <news@shop.example>", AddressFault.CONTROL),
        ("Shop <news>", AddressFault.NO_AT),
        ("Shop <>", AddressFault.EMPTY),
    ],
)
def test_a_mailbox_with_two_readings_is_refused(text: str, reason: AddressFault) -> None:
    with pytest.raises(AddressInvalid) as caught:
        parse_mailbox(text)
    assert caught.value.reason is reason


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30))
def test_a_mailbox_printed_and_read_again_is_the_same(name: str) -> None:
    mailbox = parse_mailbox(str(Mailbox(name, EmailAddress("news", "shop.example"))))
    assert parse_mailbox(str(mailbox)) == mailbox


@given(st.text(max_size=80) | st.builds("{}@{}".format, st.text(max_size=20), st.text(max_size=30)))
@example("İ@shop.example")
@example("a@İ.example")
def test_any_text_is_an_address_that_reads_back_the_same_or_is_refused_as_invalid(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressInvalid:
        return
    assert parse_address(str(address)) == address
    assert address.domain.isascii()
    assert not set(str(address)) & set(' \r\n\t\0<>()[]",;:\\')


@given(st.emails())
def test_ordinary_addresses_survive_unchanged(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressInvalid as error:
        refused = error
    else:
        assert str(address).lower() == text.lower()
        return
    # The strategy makes names such as `a@1.2` or with an invalid xn-- label now and then.
    assert refused.reason in (AddressFault.LITERAL, AddressFault.DOMAIN)


@pytest.mark.rule("A69")
@given(st.emails(), st.integers(0, 2**64))
def test_the_case_of_an_ascii_address_never_makes_another_person(text: str, bits: int) -> None:
    """Comparison is by key: equal for every spelling, and a key is its own key."""
    mixed = "".join(c.upper() if bits >> place % 64 & 1 else c.lower() for place, c in enumerate(text))
    try:
        address, other = parse_address(text), parse_address(mixed)
    except AddressInvalid:
        return
    assert address.key == other.key == parse_address(address.key).key
    assert (address == other) is (address.local == other.local)


@given(st.emails(), st.emails())
def test_two_addresses_share_a_key_only_when_they_differ_in_case_alone(first: str, second: str) -> None:
    try:
        one, two = parse_address(first), parse_address(second)
    except AddressInvalid:
        return
    assert (one.key == two.key) is (str(one).lower() == str(two).lower())


@given(st.emails())
def test_a_masked_address_cannot_be_mailed_and_shows_one_letter(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressInvalid:
        return
    assert address.masked.startswith(f"{address.local[0]}…@")
    assert len(address.local) == 1 or address.local not in address.masked.partition("@")[0]


def test_a_very_long_text_is_too_long_whatever_else_it_lacks() -> None:
    with pytest.raises(AddressInvalid) as caught:
        parse_address("a" * (2 * MAX_ADDRESS_OCTETS + 1))
    assert caught.value.reason is AddressFault.TOO_LONG


def test_a_mailbox_without_a_name_prints_as_its_address() -> None:
    assert str(Mailbox("", EmailAddress("news", "shop.example"))) == "news@shop.example"
    assert str(Mailbox('A "B" \\ C', EmailAddress("n", "s.example"))) == '"A \\"B\\" \\\\ C" <n@s.example>'
