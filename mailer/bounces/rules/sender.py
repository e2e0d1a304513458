"""Texts that speak of us: our domain, our server's name and address, our speed, our rights."""

from __future__ import annotations

from mailer.bounces.rules.row import Rule, phrases

SENDER = (
    Rule(
        "google-group",  # it may not exist, or we may not write to it: they do not say which, in fifty languages
        "rejected",
        phrases("""
            groups.google.com/support | google groups
        """),
    ),
    Rule(
        "sender-refused",
        "rejected",
        phrases("""
            sender address rejected | sender rejected | sender verify failed | sender verification failed |
            could not verify sender | cannot verify sender | sender denied | but sender was rejected |
            does not like sender | sender is denied |
            sender unknown | unknown sender | sender not allowed | sender is not allowed |
            sender address is not | sender address has been blacklisted | sender domain |
            sender not permitted | sender * not authorized | not authorized to send | not allowed to send |
            not permitted to send | isn't authorized to send | only accept messages from people |
            sender is on * block | sender blocked | blocked sender | sender address is block |
            blacklisted sender | sender blacklisted | invalid sender | sender invalid | bad sender |
            sender could not | mail from * rejected | rejected: mail from | from address * not |
            invalid from | <> invalid sender | null sender | null reverse path | empty envelope sender |
            domain of sender address | sending to/from an address that has been blacklisted | restricted |
            you are not allowed to | not allowed to post | not a member | not subscribed | only members |
            nonmember | non-member | posting * not permitted | permission to post | moderat |
            resolver.rst. |
            not accepting messages from this sender | not accepting mail from this sender |
            not accepting mail from you | has blocked your | has blocked you | blocked your address |
            sender's address was blocked | recipient has rejected mail from |
            does not accept mail from you | has opted out | opted out of | only accepts mail from |
            accepts mail only from | contact list |
            only accept mail from | whitelist | white list | allow list | allowlist | address book only |
            doesn't accept messages from | refused by the recipient | rejected by the recipient |
            recipient blocked sender | user * blocked you | is on * personal blacklist | transport.rules |
            approval required | from address is | non autorisé à | nicht berechtigt | no tiene permiso |
            non è autorizzato | mailfrom domain | access denied, bad inbound connector | envelope blocked |
            rejected because sender | sender * unknown | return address |
            domain of the sender | sender's domain | sending domain | your return path | your sender |
            absender * abgelehnt | absender * gesperrt | expéditeur * refusé | expéditeur * bloqué |
            remitente * rechazado | remitente * bloqueado | mittente * rifiutato | mittente * bloccato |
            remetente * bloqueado | remetente * rejeitado | afzender * geweigerd | отправител * отклон |
            отправител * заблокирован | nadawc * odrzucon | nadawc * zablokowan | 发件人 * 拒 | 寄件者 * 拒 |
            bad sender's | authentication required | authentication is required | is not allowed to
        """),
        unless=phrases("""
            spf | dkim | dmarc | restricted * spam | sender * rate | sending rate
        """),
    ),
)

AUTHENTICATION = (
    Rule(
        "authentication-failed",
        "authfailure",
        phrases("""
            spf check | spf fail | spf: fail | spf record | spf records | spf softfail | failed spf |
            spf validation | spf policy | spf hard | spf -all | spf:  | sender policy framework |
            openspf.org | spf.pobox.com | spf sender | fails spf | by spf | spf) | not pass spf |
            dkim fail |
            dkim check | dkim signature | dkim validation | bad dkim | no dkim | failed dkim | dkim verif |
            dmarc policy | dmarc fail | dmarc check | fails dmarc | failed dmarc | dmarc record | dmarc |
            mi:spf | mi:dmc | mi:dkm | 5.7.26 | 5.7.515 | unauthenticated email | unauthenticated mail |
            not authenticated |
            is unauthenticated | authentication checks | authentication information |
            authentication check | authentication fail |
            sender authentication | email authentication | authentication results |
            didn't pass authentication | domain of the sender * does not designate |
            is not allowed to send mail from | not authorized to send mail on behalf |
            unable to verify that this message originated | domain owner | impersonat | spoof
        """),
        unless=phrases("""
            smtp authentication | 535  | authentication credentials | login authentication | 530 |
            virus | malware | infected
        """),
    ),
    Rule(
        "relay-wants-login",
        "securityerror",
        phrases("""
            authentication credentials | smtp authentication | authentication required | must authenticate |
            must issue a starttls | starttls | tls is required | tls required | encryption required |
            requires encryption | requires tls | must use tls | tls negotiation | tls handshake |
            certificate verif | untrusted certificate | cannot start tls | smtp auth | 535  | login failed |
            insecure mail relay | encryption needed | tlsa | ·dane· | server certificate |
            could not authenticate | you must check for new mail before | pop before smtp |
            account is subscription expired
        """),
    ),
)

SERVER_NAME = (
    Rule(
        "no-reverse-name",
        "requireptr",
        phrases("""
            reverse dns | mismatches client ip | rdns | ptr record | no ptr | ptr  | reverse lookup |
            reverse hostname | reverse name | reverse mapping | reverse-dns | without a valid reverse |
            cannot find your hostname | cannot find your reverse | client host rejected: cannot find |
            fcrdns | unresolvable | cannot resolve your address | can't resolve your |
            your ip address has no | does not have a reverse | no reverse | missing reverse |
            valid sender domain. fix
        """),
        unless=phrases("""
            sender address rejected
        """),
    ),
    Rule(
        "helo-refused",
        "blocked",
        phrases("""
            helo command rejected | helo rejected | helo/ehlo | invalid helo | my name was rejected |
            bad helo | helo name |
            ehlo argument | helo string | helo hostname | dynamic ip | dynamic address | dynamic pool |
            residential | dial-up | dialup | generic ptr | dynamic host
        """),
    ),
)

REPUTATION = (
    Rule(
        "reputation",
        "badreputation",
        phrases("""
            low reputation | poor reputation | bad reputation | reputation of | reputation is |
            reputation score | reputation too low | reputation filter | very low reputation | sender score |
            senderscore | senderbase | low sender reputation | domain reputation | ip reputation |
            has a poor | reputation
        """),
    ),
    Rule(
        "block-list",
        "blocked",
        phrases("""
            refused to talk to me | service refused | service refuse | (bl) | ip=* - a problem occurred |
            blacklist | black list |
            black-list | blocklist | block list |
            block-list | blocked list | denylist | deny list | on our list of | dnsbl | rbl | spamhaus |
            spamcop | barracudacentral | sorbs | uceprotect | abuseat | backscatterer | invaluement |
            surbl |
            njabl | proofpoint.com/ipcheck | ipcheck.proofpoint | cloudmark | csi.cloudmark | trend micro |
            mail-abuse. | client host blocked | client host * blocked | client host rejected |
            client rejected | host rejected | host blocked | ip blocked | blocked ip | ip address blocked |
            ip address is blocked | ip address has been blocked | ip address * blocked | ip * is blocked |
            ip * has been blocked | server ip | your ip | your host | your server | ip is banned | banned |
            banned sending ip | blocked using | blocked by | blocked due | blocked because | blocked for |
            blocked until | is blocked | been blocked | was blocked | were blocked | mail blocked |
            message blocked | email blocked | temporarily blocked | part of their network is on our |
            connection refused from | connections not accepted | connection not accepted |
            connection rejected | connection denied | connections from | not accept connections |
            refused connection from | refusing connection | access denied | access from ip |
            access not allowed | access is denied | denied by | administrative prohibition |
            administratively denied | mail from ip | from your ip | from your network |
            not accepting mail from | not accept mail from | we do not accept mail from | your network |
            your isp | greylist | graylist | greylisting | grey-list | grey listed |
            please try again later; greylisted | temporarily deferred due to | user complaints |
            unexpected volume or user complaints | exceeded * invalid recipients | postmaster.yahoo |
            you are not permitted | unsolicited | no ptr | tss0 | ts0 | ts1 | ph01 | 4.7.0 [ts | 5.7.1 [ph |
            rejecting messages from | s3140 | s3150 | banned sender
        """),
        unless=phrases("""
            blocked * attachment |  spam content | suspected spam | connection refused by |
            unsolicited mail originating from your ip address, * has been temporarily rate limited |
            rate limited | content blocked | url
        """),
    ),
)

PACE = (
    Rule(
        "too-fast",
        "speeding",
        phrases("""
            rate limit | rate-limit | ratelimit | rate exceeded | rate is exceeded | rate * exceeded |
            rate * limited | rate control | rate that | unusual rate | sending rate | too fast |
            too quickly |
            slow down | slowdown | throttl | too many messages | too many mails | too many emails |
            too many e-mails | too much mail | too many recipients from | receiving mail at a rate |
            receiving mail too quickly | exceeded the rate | message rate | sending quota | daily quota |
            daily limit | hourly limit | per hour | per day | per minute | maximum number of messages |
            max messages | message limit | sending limit | limit exceeded | sender quota |
            try again later * limit | mail count | too frequent | exceeded the maximum sending | 4.7.28 |
            451 4.7.650 | temporarily rate limited | try reducing | frequency | 超过发送 |
            发送过于频繁 | 频率
        """),
        unless=phrases("""
            due to ip reputation | size limit | storage limit | mailbox | hop | per message
        """),
    ),
    Rule(
        "provider-limit",
        "speeding",
        phrases("""
            send limit exceeded | 4.7.500 server busy | rp:trc | rp:drc | rp:cel | rp:qrc | rp:crc
        """),
    ),
    Rule(
        "too-many-connections",
        "toomanyconn",
        phrases("""
            too many connections | too many concurrent | concurrency | too many simultaneous |
            too many sessions |
            connection limit | connection rate | concurrent connections | concurrency limit |
            maximum connections | max connections | connections exceed | number of connections |
            too many open connections | too many smtp sessions | simultaneous connections |
            many connections |
            connection frequency
        """),
    ),
)

RELAY = (
    Rule(
        "no-relay",
        "norelaying",
        phrases("""
            relay access denied | relaying denied | relay denied | relay not permitted |
            relaying not permitted | relay not allowed | relaying not allowed | relay is not |
            relaying is not | relay operation | unable to relay | cannot relay | can't relay | not relay |
            no relay | relaying prohibited | relay prohibited | relaying to | relay rejected |
            relaying blocked | relay block | refuse to relay | relay disallowed | not allowed to relay |
            not permitted to relay | mail relay | relay mail | insecure mail relay | relay only |
            only relay |
            isn't in my control/locals | isn't in my list of allowed rcpthosts |
            in my list of allowed rcpthosts | rcpthosts | not a gateway | we do not relay | we don't relay |
            this system is not configured to relay | not local host | recipient domain not * allowed |
            domain isn't allowed to be relayed | not a local domain | not handled here |
            no such domain here |
            we don't handle mail for | does not handle mail for | not hosted here | relaying mail |
            local only
        """),
    ),
)
