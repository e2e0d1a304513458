"""Codes that decide where no text does: enhanced statuses (RFC 3463, RFC 7505, RFC 7372), then reply codes."""

from __future__ import annotations

from collections.abc import Mapping

#: Statuses that say one thing; without their class digit where 4 and 5 mean the same.
CLEAR: Mapping[str, str] = {
    "1.1": "userunknown",
    "1.2": "hostunknown",
    "1.3": "userunknown",
    "1.6": "hasmoved",
    "1.7": "rejected",
    "1.8": "rejected",
    "1.10": "notaccept",
    "2.1": "suspend",
    "2.2": "mailboxfull",
    "2.3": "mesgtoobig",
    "2.4": "systemerror",
    "3.1": "systemfull",
    "3.4": "mesgtoobig",
    "4.6": "networkerror",
    "4.7": "expired",
    "5.3": "exceedlimit",
    "6.7": "contenterror",
    "7.8": "securityerror",
    "7.20": "authfailure",
    "7.21": "authfailure",
    "7.22": "authfailure",
    "7.23": "authfailure",
    "7.24": "authfailure",
    "7.25": "requireptr",
    "7.26": "authfailure",
    "7.28": "speeding",
    "7.515": "authfailure",
}
#: What the middle digit alone says.
BY_SUBJECT: Mapping[str, str] = {
    "1": "rejected",
    "2": "filtered",
    "3": "systemerror",
    "4": "networkerror",
    "5": "syntaxerror",
    "6": "contenterror",
    "7": "policyviolation",
}
#: Reply codes (RFC 5321 4.2.3). A bare 550 is given for anything, so it never ends an address.
BY_REPLY: Mapping[str, str] = {
    "421": "systemerror",
    "450": "systemerror",
    "451": "systemerror",
    "452": "systemfull",
    "454": "securityerror",
    "521": "notaccept",
    "523": "exceedlimit",
    "530": "securityerror",
    "535": "securityerror",
    "550": "filtered",
    "551": "filtered",
    "552": "mailboxfull",
    "553": "filtered",
    "554": "rejected",
    "556": "notaccept",
}
