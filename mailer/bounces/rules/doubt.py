"""Words beside a code that ends an address, which say that it lives: asked where no clear text speaks."""

from __future__ import annotations

from mailer.bounces.rules.row import Rule, phrases

DOUBT = (
    Rule(
        "doubt: room",
        "mailboxfull",
        phrases("no capacity | no space | free space | no room | storage | cannot hold more | capacity left"),
    ),
    Rule(
        "doubt: switched off",
        "suspend",
        phrases("locked | payment | unpaid | on hold | frozen | suspend | deactivat | disabled | gesperrt"),
    ),
    Rule(
        "doubt: content",
        "contenterror",
        phrases("suspicious | your text | advert | unwanted content | content | hyperlink | link found"),
    ),
    Rule(
        "doubt: us",
        "rejected",
        phrases("""
            originator | sender | your ip | your range | your network | your server | your provider |
            your domain | authenticat | accepts mail from | accept mail from | only accepts | newsletter |
            bulk | mass mail | unwelcome | not welcome | policy | blocked | blacklist
        """),
    ),
    Rule(
        "doubt: not now",
        "systemerror",
        phrases(
            "temporar | try again | try later | retry later | maintenance | busy | overload | at the moment"
        ),
    ),
)
