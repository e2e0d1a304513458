"""Texts that speak of a server: programs that failed, full disks, loops, silence, time that ran out."""

from __future__ import annotations

from mailer.bounces.rules.row import Rule, phrases

PROGRAM = (
    Rule(
        "program-failed",
        "mailererror",
        phrases("""
            command output | command died | command failed | command time limit | pipe to | pipe failed |
            child process | procmail: | maildrop: | vacation: | program mode | x-unix;  | exit status |
            exit code | exited with | died with status | died on signal | unix mailer | mailer (" |
            mailer error | delivery agent | local delivery failed | can't create user output file |
            can't open mailbox | could not write to | smtp mailer | unknown mailer error | mailer returned |
            sieve | couldn't create "/var | prog mailer | service unavailable; command
        """),
        unless=phrases("""
            no such user here | usage:  | quota | delivery agent: unknown
        """),
    ),
)

LOOP = (
    Rule(
        "loop",
        "networkerror",
        phrases("""
            too many hops | mail loop | mail loops | mail forwarding loop | loops back to |
            lowest numbered mx record points to local | loop detected |
            routing loop | loop back | looping | hop count exceeded | hop count | maximum hop |
            possible mail loop | forwarding loop | delivered-to:  | message looping | in a loop |
            too many received | received headers | mail for * loops | hops exceeded |
            local configuration error
        """),
        unless=phrases("""
            quota
        """),
    ),
)

NETWORK = (
    Rule(
        "no-connection",
        "networkerror",
        phrases("""
            connection refused | connection reset | connection lost | lost connection | lost smtp |
            connection dropped | connection closed | connection failed | connection was closed |
            connect failed | connect to host | connection attempt |
            could not connect | couldn't connect | unable to connect | failed to connect | cannot connect |
            can't connect | establish an smtp connection | couldn't establish | no route to host |
            network is unreachable | network unreachable | network error | network problem |
            host is unreachable | host unreachable | host is down | host down | host unreach |
            communication error | communication failure | protocol error | broken pipe | dns error |
            dns failure | dns server | dns lookup | dns query | dns timeout | dns problem | dns soft |
            name service error | name server | nameserver | malformed or unexpected name server |
            hostname lookup | host name lookup | lookup failure | lookup failed | lookup fail |
            lookup error |
            servfail | temporary lookup | temporary name | all relevant mx records | no mx available |
            mx lookup | routing problem | route failure | no route | unreachable | remote host closed |
            remote server closed | remote server did not respond | remote server is not |
            remote host is not |
            host * not responding | not responding | did not respond | no response | no answer from host |
            bad connection | transport error | 5.4.1 [internal] connection | reading status |
            unable to resolve | destination host | all hosts | mx host | unable to deliver to | premature |
            wasn't able to establish |   i/o error | socket | tcp
        """),
        unless=phrases("""
            too many connections | retry timeout | for a long time | delivery time expired |
            temporary lookup failure |
            connection refused from
        """),
    ),
)

EXPIRED = (
    Rule(
        "ran-out-of-time",
        "expired",
        phrases("""
            retry timeout exceeded | delivery failed * attempts | retry time | retry timeout |
            delivery time expired | time expired |
            expired |    queue time |
            been failing for a long time | failing for a long time | message expired | timed out | timeout |
            time out | time-out | timing out | deadline | not been delivered for |
            could not be delivered for | could not be delivered within | cannot send message within |
            cannot send message for | unable to deliver your message after | after * days | for * days |
            for * hours | within * hours | within * days | undeliverable for | too many delivery attempts |
            too many attempts | delivery attempts | retries exceeded | maximum retries |
            delivery temporarily suspended | conversation with | message delayed | delivery delayed |
            delayed | was deferred | not yet been delivered | not been delivered yet | still trying |
            will be retried | will keep trying | continue to try | will continue | 4.4.7 | 5.4.7 |
            not able to deliver your message within | zeitüberschreitung | verzögert | délai |
            délai dépassé |
            tiempo de espera | tempo scaduto | tempo esgotado | превышено время | przekroczono czas |
            タイムアウト |
            超时 | 逾時 | 시간 초과 | 期限
        """),
        unless=phrases("""
            account | certificate | subscription | internal error | milter
        """),
    ),
    Rule(
        "in-the-queue-too-long",
        "expired",
        phrases("""
            has been in the queue | queue too long | too long on queue | been in the queue too long |
            not going to try again | giving up after | given up trying | temporary problem
        """),
    ),
)

SYSTEM = (
    Rule(
        "server-full",
        "systemfull",
        phrases("""
            insufficient system storage | insufficient system resources | insufficient system |
            insufficient disk | insufficient storage | no space left | out of disk | disk full |
            disk is full | not enough disk | low on disk | not enough space | disk space | out of memory |
            not enough memory | system storage | system full | filesystem | file system is full |
            server storage | 4.3.1 | 5.3.1
        """),
    ),
    Rule(
        "server-trouble",
        "systemerror",
        phrases("""
            internal error | internal server error | system error | system failure | system not |
            system problem | system config | system is not | system is temporarily | server error |
            server configuration | server is not | server misconfig | server busy | server is busy |
            server too busy | too busy | server down | server is down | server unavailable |
            server temporarily | temporary error | temporary failure | temporary local | temporary system |
            temporary server | temporary problem | temporarily unavailable | temporarily deferred |
            temporary lookup failure |
            transient | local error | local problem | local configuration | configuration error |
            config error | misconfigur | unexpected error | unexpected failure | service unavailable |
            service not available | service is unavailable | service currently | service temporarily |
            not available | try again later | please try later | try later | unable to load |
            could not load |
            unable to process | can't process | processing error | error in processing | backend |
            database |
            ldap | load average | overload | resources | resource temporarily | aliasing | alias loop |
            alias database | circular | cannot be opened | permission denied | no such file |
            mailbox is locked | mailbox locked | locked by another | mailbox is currently | mailbox busy |
            maintenance | queue file |
            critical error | out of service | operation not | system incapable | not currently accept |
            temporarily not | recipient verification service | callout | verification temporar |
            address verification in progress | unverified address | cannot open | couldn't open |
            could not open | unable to open | delivery not possible | can not accept | cannot accept |
            not accepting network messages | not accepting messages | i/o | shutting down | proxy |
            handling error | unable to create
        """),
        unless=phrases("""
            retry timeout
        """),
    ),
    Rule(
        "syntax",
        "syntaxerror",
        phrases("""
            syntax error | command not recognized | command unrecognized | unrecognized command |
            unknown command | command not implemented | not implemented | bad sequence | bad command |
            invalid command | command rejected | command not allowed | parameter not |
            unsupported parameter |
            invalid parameter | protocol:  | malformed address | missing domain | improper command |
            unexpected command | nested mail | nested rcpt
        """),
    ),
)
