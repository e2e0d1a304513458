"""Words beside a code that ends an address, which say that it lives: asked where no clear text speaks."""

from __future__ import annotations

from mailer.bounces.rules.row import Rule, phrases

DOUBT = (
    Rule(
        "doubt: room",
        "mailboxfull",
        phrases("""
            no capacity | no space | free space | no room | storage | cannot hold more | capacity left |
            its maximum | maximum reached | limit | reached the maximum
        """),
    ),
    Rule(
        "doubt: switched off",
        "suspend",
        phrases("""
            ·locked | payment | unpaid | not paid | billing | cut off | on hold | frozen | suspend |
            deactivat |
            disabled | gesperrt | vacation | holiday | until
        """),
    ),
    Rule(
        "doubt: content",
        "contenterror",
        phrases("""
            suspicious | your text | advert | unwanted content | content | hyperlink | link found |
            message looks | mail looks | machine-generated | junk | attach | signature
        """),
    ),
    Rule(
        "doubt: us",
        "rejected",
        phrases("""
            originator | sender | your ip | your range | your network | your server | your provider |
            your domain | your country | your region | geographic | geoip | geo filter | country | spf |
            dkim | dmarc | tls |
            certificate |
            authenticat | accepts mail from | accept mail from | only accepts | abgelehnt | bloqué |
            bloque votre | bloquead | bloccat | rechazad | refusé | rifiutat |
            odrzucon | отклон | preference | external |
            submit | access | newsletter |
            bulk | mass mail | unwelcome | not welcome | policy | blocked | blacklist
        """),
    ),
    Rule(
        "doubt: pace",
        "speeding",
        phrases("more than allowed | per hour | per day | per minute | too much mail"),
    ),
    Rule(
        "doubt: network",
        "networkerror",
        phrases("timed out | timeout | time out | unreachable | not respond | dns"),
    ),
    Rule(
        "doubt: not now",
        "systemerror",
        phrases(
            """
            temporar | try again | try later | retry later | maintenance | busy | overload | at the moment |
            at this time | right now | for now | currently | later | wait | not able to verify |
            cannot verify | could not verify | can't verify | unable to verify | our ldap | ldap server |
            ldap error | ldap is |
            vorübergehend | temporär | tijdelijk | czasowo | временно | wartung | mantenimiento |
            manutenzione | manutenção | directory service |
            backend | internal error
            """
        ),
    ),
)

#: What a text must name for a code beside it to end an address; otherwise it speaks of something else.
NAMED = Rule(
    "of the address",
    "userunknown",
    phrases("""
        recipient | user | mailbox | mail box | address | account | person | people | customer | subscriber |
        employee | colleague | member | student | staff | name | alias | domain | host | nobody | no one | anybody |
        no such | unknown | never | who is | him | her | she | konto | teilnehmer | benutzer | kunde |  not here
    """),
)
