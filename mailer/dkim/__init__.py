"""Signatures that say which domain answers for a message (RFC 6376): keys, records, signing."""

from __future__ import annotations

from mailer.dkim.keys import DkimKey, DkimKeyExists, DkimKeyInvalid, KeyKind, create_key, load_key
from mailer.dkim.records import EXPLAINED, Standing, compare, parse_record, record_name, record_text
from mailer.dkim.signer import DkimSigner, Unaligned
from mailer.dkim.site import SiteKeys, SiteSigners, load_keys, site_signers

__all__ = [
    "EXPLAINED",
    "DkimKey",
    "DkimKeyExists",
    "DkimKeyInvalid",
    "DkimSigner",
    "KeyKind",
    "SiteKeys",
    "SiteSigners",
    "Standing",
    "Unaligned",
    "compare",
    "create_key",
    "load_key",
    "load_keys",
    "parse_record",
    "record_name",
    "record_text",
    "site_signers",
]
