"""Texts that speak of this message: its size, its content, its form."""

from __future__ import annotations

from mailer.bounces.rules.row import Rule, phrases

SIZE = (
    Rule(
        "message-too-big",
        "mesgtoobig",
        phrases("""
            message size above | size violation | size above | message too big | message too large |
            bigger than |
            larger than | oversize |
            exceeds * mb | more than * mb | message is too large | message is too big |
            message size exceed | message size * exceed | message exceeds | message exceeded |
            message length exceed | message header size | message larger than | exceeds size limit |
            exceeds the size | exceeds maximum size | exceeds the maximum | exceeds fixed | exceeds limit |
            exceeds administrative | size limit exceeded | size exceeds | size limits | size too |
            size greater than | size limit | maximum message size | max message size | too large | too big |
            too large for | mail size | mail too | body too | rst.size | resolver.rst.recipsizelimit |
            resolver.rst.sendsizelimit | larger than the | line too long | line limit |
            message file too big |
            5.3.4 | 5.2.3 | nachricht * zu groß | zu groß | trop volumineux | trop grand |
            demasiado grande |
            supera el tamaño | troppo grande | supera le dimensioni | muito grande | te groot |
            слишком большо | превышает | zbyt duż | för stor | for stor | liian suuri | příliš velk |
            çok büyük | サイズが大き | サイズ制限 | サイズ超過 | 邮件过大 | 邮件太大 | 郵件過大 |
            大小超过 | 너무 큽 | 크기 초과
        """),
        unless=phrases("""
            number of recipients | score | mailbox | quota | too large a number | rate | recipients exceed
        """),
    ),
)

CONTENT = (
    Rule(
        "virus",
        "virusdetected",
        phrases("""
            virus | malware | trojan | infected | clamav | phishing | worm | eicar |
            message contains a threat | dangerous content | malicious
        """),
        unless=phrases("""
            antivirus server is unavailable | virus scanner unavailable | virus free |
            virus scanner problem |
            anti-virus scan | virus-free | antivirus gateway
        """),
    ),
    Rule(
        "spam",
        "spamdetected",
        phrases("""
            is spam | as spam | be spam | dt:spm | ofr_506 | spam message | message spam | spam content |
            spam detected |
            spam found | spam rejected | spam refused | spam score | spam filter | spam-filter | spam-like |
            spamlike | spam like | spam mail | spam engine | spam source | spam email | spam rule |
            spam reporting | spam. | spam) | spam; | spam_ | rejecting spam | reject spam |
            rejected as spam |
            detected spam | suspected spam | suspect spam | possible spam | probable spam | likely spam |
            appears to be spam | appears to be unsolicited | looks like spam | considered spam |
            considered unsolicited | identified as spam | classified as spam | marked as spam |
            high probability of spam | high spam | (spam | - spam | spam - | spam, | spamassassin |
            spamicity | antispam | anti-spam | unsolicited mail | unsolicited bulk | unsolicited email |
            unsolicited commercial | bulk mail | bulk email | junk mail | junk email | message
            message content rejected | content denied |  headers fail |
            content * rejected as | message rejected due to content | ·ube· |
            #ms-dnsbl | rejected by * content filter | listed in * uri | blacklisted url | url * blacklist |
            url listed | blocked url | uribl | blocked by spam | blocked for spam | bogofilter | rspamd |
            hit the spam | score exceeded | cloudmark | content filter | reject, id= | spam | junk |
            垃圾邮件 |
            スパム | 迷惑メール | 스팸 | спам | kein spam | courrier indésirable | correo no deseado
        """),
        unless=phrases("""
            spamhaus | spamcop | anti-spam policy | antispam policy | spam or * block list | ip * spam |
            spam * ip address | anti-spam blacklist | spam blacklist | blacklisted | spam policy |
            reputation | spam source | due to spam from | spam from your | spam * your ip | spam sources |
            blocklist |
            block list | rbl | sending spam | spam sent from | spam emission
        """),
    ),
    Rule(
        "content",
        "contenterror",
        phrases("""
            message content | contenido sospechoso | contenido * rechazad | contenu suspect |
            contenuto sospetto | conteúdo suspeito | verdächtige* inhalt | inhalt * abgelehnt |
            подозрительн | content rejected | content not | content refused | content blocked |
            bad content | attachment | file type | file extension | executable | forbidden content |
            prohibited content | banned content | banned name | banned file | invalid content |
            inappropriate content | message body | message contains | improper use of 8-bit | conversion |
            duplicate header | bare lf | bare linefeed | bare <cr> | bare cr | bare newline |
            stray newline |
            malformed mime | mime error | mime header | charset | illegal character | invalid character |
            header format | header is | headers not | missing header | header field |
            headers * not compliant | message-id | no from header | profanity | dlp | too many mime |
            mime parts | nested | message/partial | 8bit | 8-bit | smtputf8 | non-ascii | internationalized
        """),
        unless=phrases("""
            rfc 5322 | rfc5322 | rfc 2822 | rfc2822 | header * exceed
        """),
    ),
    Rule(
        "not-by-the-book",
        "notcompliantrfc",
        phrases("""
            rfc 5322 | rfc5322 | rfc 2822 | rfc2822 | not rfc | rfc compliant | rfc-compliant |
            not compliant with | non-compliant | 5.7.30 | missing * message-id | multiple from | 5.6.11
        """),
        unless=phrases("""
            rfc2821 | rfc821
        """),
    ),
    Rule(
        "too-many-recipients",
        "toomanyconn",
        phrases("""
            too many recipients | too many rcpt | recipients exceed | number of recipients |
            recipient limit |
            recipients limit | too many addressees | rcpt limit | toomanyrecip | too many to:
        """),
    ),
)

POLICY = (
    Rule(
        "policy",
        "policyviolation",
        phrases("""
            policy | policies | protocol violation | violat | not accepted for | delivery not authorized |
            not authorized | unauthorized | unauthorised | not authorised | prohibited |

               refused by |
            content policy | security reasons | disallowed | not acceptable | unacceptable | not permitted |
            forbidden | message not accepted | compliance | richtlinie | politique | política |
            ポリシー | 策略 |
            정책
        """),
        unless=phrases("""
            temporarily rejected
        """),
    ),
)

REFUSED = (
    Rule(
        "refused",
        "rejected",
        phrases("""
            reject | refuse | denied | not accept
        """),
    ),
)
