"""Texts that speak of the mailbox: full, switched off, moved, unknown; and of a domain that is none."""

from __future__ import annotations

from mailer.bounces.rules.row import Rule, phrases

FULL = (
    Rule(
        "mailbox-full",
        "mailboxfull",
        phrases("""
            mailbox full | mailbox is full | mail box is full | storage allocation exceeded |
            mailbox * is full | mailbox are full |
            mailbox * full; |
            inbox is full | inbox full | mail box full | mailfolder is full | maildir over quota |
            maildir delivery failed: *quota | over quota | overquota | over-quota | over the quota |
            over its quota | over their quota | over his quota | over disk quota | quota exceed |
            quota has been exceeded | quota is exceeded | exceeded quota | exceeds quota | exceed quota |
            exceeding quota | exceeded the quota | exceeded their quota | exceeded * quota |
            exceeds * quota |
            exceeding * quota | quota violation | quota limit | quota full | quota reached | disc quota |
            disk quota | disk full for user | storage quota | quotaexceeded | quota_exceeded |
            mailbox quota |
            account is over | overdrawn | mailbox has exceeded | mailbox exceeded |
            mailbox exceeds allowed size | mailbox size limit | mailbox for this user is full |
            mailbox would exceed | mailbox too large | mailbox is too large | exceeded storage |
            exceeded its storage | exceeded the storage | exceeded his/her storage |
            exceeded * disk space | disk space limit | storage exhausted |
            exceeded its maximum storage | exceeded maximum storage | exceeded maximum mailbox |
            out of storage | mailbox is out of | storage limit | not enough storage space |
            not enough free space in mailbox | insufficient disk quota | insufficient mailbox space |
            insufficient storage space in mailbox | account is full | account full | user is full |
            user's mailbox is full | user has too many messages on the server | has too many messages |
            too much mail data | mailbox space | no free space | free space left | no room in mailbox |
            not sufficient disk space |
            not enough disk space |
            message rejected: * would exceed * quota | recipient storage full |
            recipient's mailbox is full |
            recipient has exceeded | recipient reached disk quota | is using more than | mail quota |
            mx_full | mailbox_full | #5.2.2 | dd requested mail action aborted: exceeded storage
        """),
        unless=phrases("""
            sending quota | daily quota | hourly quota | message quota | outbound quota | sender quota |
            quota for sending
        """),
    ),
)

DISABLED = (
    Rule(
        "account-disabled",
        "suspend",
        phrases("""
            account disabled | account is disabled | account has been disabled | account * disabled |
            mailbox disabled | mailbox is disabled | mailbox has been disabled | mailbox * disabled |
            user disabled | user is disabled | recipient disabled | recipient is disabled |
            address disabled |
            address is disabled | address has been disabled | email disabled | disabled mailbox |
            disabled user | disabled account | delivery is disabled | disabled by | disabled due to |
            currently disabled | temporarily disabled | temporary locked | temporarily locked |
            disabled recipient | disabled or discontinued | tried to reach is disabled | account suspended |
            account is suspended | account has been suspended | account is currently suspended |
            account * suspended | mailbox suspended | mailbox * suspended | user suspended |
            user is suspended | user * suspended | domain suspended | domain is suspended |
            address has been suspended | is suspended | has been suspended | temporarily suspended |
            recipient suspend | suspended due to | account inactive | account is inactive |
            account is not active | account not active | account has been inactive | account not activated |
            inactive account | inactive user | user inactive | user is inactive | mailbox inactive |
            mailbox is inactive | inactive mailbox | recipient inactive | recipient is inactive |
            inactive recipient | tried to reach is inactive | mailbox is frozen | mailbox frozen |
            frozen mailbox | account deactivated | account is deactivated | account has been deactivated |
            mailbox deactivated | mailbox * deactivated | has been deactivated | is deactivated |
            account locked | account is locked | account * is locked | for inactivity |
            account has been locked | user locked | mailbox locked |
            mailbox is locked | user is locked | account is temporarily unavailable |
            account temporarily unavailable | account is unavailable | account expired |
            account has expired |
            account * has expired | mailbox expired | mailbox has expired | user expired |
            subscription expired | not been used for | has not logged in | has not been accessed |
            unused for | dormant | blocked due to inactivity | due to inactivity | extended inactivity |
            account on hold | mailbox unavailable for this user or account suspended | is not active |
            not accepting mail | currently not accepting | not accepting any mail | account is on hold |
            user is currently unavailable | isn't active | email account was suspended |
            is locked or | closed temporarily | temporarily closed | (deactivated) | mailbox is blocked |
            long-term inactive |
            lack of activity | not active for | account blocked | account is blocked |
            compte du destinataire est bloqu | account has been blocked | mailbox blocked |
            mailbox * is blocked | user blocked | recipient blocked
        """),
        unless=phrases("""
            sender * suspended | ip * has been suspended | delivery * temporarily suspended: conn |
            conversation with | delivery temporarily suspended | starttls * disabled |
            authentication * disabled | relay* disabled | user blocked your | not accepting mail from |
            not accepting mail with | currently not accepting mail from | not accepting messages from |
            by another | lock file | access * disabled | recipient blocked sender | sender account
        """),
    ),
)

MOVED = (
    Rule(
        "moved",
        "hasmoved",
        phrases("""
            has moved to | address has changed | address was changed | e-mail address has been changed |
            has a new address | new e-mail address is | new email address is | user has moved |
            recipient has moved | mailbox has moved | has been replaced by | user not local; please try |
            551 user not local; please forward | please update your address book
        """),
        unless=phrases("""
            user unknown
        """),
    ),
)

UNKNOWN = (
    Rule(
        "user-unknown",
        "userunknown",
        phrases("""
            user unknown | unknown user | user is unknown | user * unknown | unknown recipient |
            recipient unknown | recipient is unknown | recipient * unknown | unknown address |
            address unknown | address is unknown | address * unknown | unknown local | unknown mailbox |
            mailbox unknown | mailbox is unknown | unknown account | account unknown | account is unknown |
            unknown local-part | unknown local part | unknown email | unknown virtual | unknown rcpt |
            unknown or illegal | unknown alias | unknown to address | unknown in virtual |
            unknown in local |
            no such user | #5.1.0 address rejected | no such mailbox | no such recipient |
            no such address | no such account |
            no such person | no such local | no such email | no such e-mail | no such name |
            no such domain user | no such virtual | no such alias | no such addressee | no such mail |
            no such destination | nosuchuser | there is no such | there is no user | no user by that name |
            no mailbox here | no mailbox by that name | no mailbox found | no mailbox for |
            no mailbox exists | no account by that name | no account with | no local mailbox |
             no valid mailbox | no user here | no user found | no recipient by |
            no one here by that name | no record of | no longer a customer | not a customer |
            no account here | could not locate |
            unable to locate | cannot locate | address not recognized | recipient not recognized |
            user not recognized | address not recognised | recipient not recognised | line was cancelled |
            mailbox was cancelled | account was cancelled | no longer employed | does not work here |
            no account of | of this name here | no user of | no recipient of | never existed | gone for good |
            was deleted | were deleted | was removed | nobody here answers | not in our company |
            not in our organi | not with our company | name not found in | no one with | no one of that name |
            nonexistent mailbox |
            non-existent mailbox | nonexistent user | non-existent user | nonexistent address |
            non-existent address | not known on | is not known to | nobody by that name | nobody here by |
            no longer on server |
            no person with | user not found | user was not found | user * not found | user not known |
            user not exist | user doesn't exist | user does not exist | user dose not exist |
            user * does not exist | user doesnt exist | users does not exist | user not listed |
            user not local | user not in | recipient not in | not a user here | user no found |
            user isn't in | user invalid |
            user is invalid | invalid user | not a valid user | is not a valid user | user not valid |
            user (@) not | user reject the mail, no such | user does not have | user doesn't have |
            user has no | user nonexist | user non-exist | user terminated | user deleted | user removed |
            recipient not found | recipient was not found | recipient * not found | recipient not exist |
            recipient does not exist | recipient doesn't exist | recipient * does not exist |
            recipient not known | recipient is not valid | recipient not valid | recipient invalid |
            recipient is invalid | invalid recipient | not a valid recipient | recipient no longer |
            recipient does not have | recipient cannot be verified | recipient could not be verified |
            recipient verify failed | recipient verification failed | not our customer | recipnotfound |
            recipientnotfound | recipient not ok | bad recipient | bad destination mailbox |
            bad destination email | illegal recipient | illegal user | unrecognized recipient |
            unrecognised recipient | wrong recipient | recipient unrecognized | non-existent recipient |
            nonexistent recipient | recipient address does not exist | recipient address rejected: invalid |
            recipient address rejected: undeliverable | recipient address rejected: not found |
            recipient address rejected: no such | recipient address rejected: access denied |
            recipient address rejected: aliases | recipient address is not | not recognised as a valid |
            not recognized as a valid | address does not exist | address doesn't exist | address not exist |
            address not found | address couldn't be found | address could not be found |
            address wasn't found | address was not found | address * couldn't be found |
            address * wasn't found | address * not found | address * does not exist | address not known |
            address invalid | address is invalid | invalid address | address not valid |
            address is not valid | address is no longer valid | address no longer valid |
            address is no longer | address no longer | address has been removed | address has been deleted |
            address removed | address deleted | address deactivated permanently | not a valid mailbox |
            not a valid address | not a valid email | not a valid e-mail | no longer a valid |
            no longer valid | no longer exist | no longer available | no longer in use |
            no longer in service | no longer active | no longer works | no longer with |
            no longer employed |
            no longer here | no longer accepts mail | no longer accept mail | no longer being used |
            no longer receives | bad address | bad local | wrong address | account does not exist |
            account doesn't exist | account not found | account not exist | account * does not exist |
            account that you tried to reach does not exist | account has been deleted |
            account has been closed | account deleted | account closed | account is closed |
            account has been removed | account removed | account cancelled | account canceled |
            account terminated | account has been terminated | invalid account | account invalid |
            account is invalid | doesn't have a yahoo | does not have a mailbox | doesn't have an account |
            does not have an account | doesn't have a * account | this account is not allowed |
            mailbox does not exist | mailbox doesn't exist | mailbox not found | mailbox not exist |
            mailbox * does not exist | mailbox * not found | mailbox invalid | mailbox is invalid |
            invalid mailbox | mailbox unavailable or access denied | mailbox cannot be found |
            mailbox was not found | mailbox for * does not exist | mailbox not available |
            mailbox is not available | mailbox has been deleted | mailbox removed | mailbox deleted |
            mailbox closed | mailbox not local | mailbox isn't | mailbox name not allowed |
            email doesn't exist | email does not exist | email address does not | email address doesn't |
            email address not found | email account that you tried to reach does not | is not known here |
            not known at this | not known here | not listed in | isn't listed in | not our user |
            not one of our users | user name not found | local user not found | could not be found in |
            couldn't be found | not in directory | not in our directory | user not in directory |
            ambiguous in address book | is not unique | could not find a user | could not find user |
            could not find the recipient | cannot find user | can't find user | cannot find recipient |
            cannot find your recipient | can't create user output file. command output: no such user |
            does not exist here | doesn't exist here | is a deactivated mailbox permanently |
            ob user unknown | unknown_user | user_unknown | resolver.adr.recipnotfound |
            resolver.adr.exrecipnotfound | resolver.adr.recipientnotfound | adr.invalid |
            adr.invalidinsmtp |
            550 5.1.10  | unrouteable address | unroutable address | undeliverable address |
            all relevant mx records point to non-existent hosts; user | there is nobody | nobody with |
            nobody called | no one called | does not live here | doesn't live here | closed the account |
            closed his account | closed her account | closed their account | account was closed |
            account was deleted | unrecognisedorname | unrecognizedorname |
            recipients rejected: unknown | no mailbox named |
            no mailbox with | no account named | no account exists | no one by that name |
            left the company | left the organi | is not a known user |
            not a known user |  user isn't registered | user is not registered |
             delivery error: dd this user doesn't | requested user not found |
            invalid receiver | person not found | addressee unknown | addressee not |
            destination address unknown | delivery to this address is not possible |
            this address does not receive mail | doesn't accept mail for this | alias not found |
            not found in our directory | the email account does not | x-notes; user
        """),
        unless=phrases("""
            sender * user unknown | sender address * invalid | sender * not found | too many invalid |
            too many unknown | too many bad | many invalid | many unknown | number of invalid |
            number of unknown | harvest | dictionary attack | return address | return path |
            return-path | reverse-path | envelope sender | envelope from | mail from * unknown |
            mail from * not | your address * not | your domain | temporarily unable |
            unknown user agent | message was deleted | message was removed | mail was deleted |
            mail was removed |
            attachment was | content was | from address * not found |
            (temporar | temporary failure | temporarily |
            try again later | closed until | at this time | currently unable
        """),
    ),
    Rule(
        "mailbox-unavailable",
        "userunknown",
        phrases("""
            requested action not taken: mailbox unavailable |
            requested mail action not taken: mailbox unavailable |
            requested action not taken:mailbox unavailable | 550 mailbox unavailable |
            mailbox unavailable (in reply to rcpt | 5.1.1 mailbox unavailable
        """),
        unless=phrases("""
            ·5.7. | ·4. | 450· | 451· | 421  | end of data | mail from | blocked | reputation | policy |
            greylist | denied
        """),
    ),
)

DOMAIN = (
    Rule(
        "null-mx",
        "notaccept",
        phrases("""
            null mx | indicated no smtp service | nullmx | 5.1.10 recipient address has null mx |
            domain does not accept mail | does not accept mail (nullmx) | domain does not accept email |
            domain doesn't accept | host does not accept mail | host/domain does not accept mail |
            does not accept any mail |
            server does not accept mail | mail not accepted by host | there's no mail exchanger |
            we do not accept mail | name server: .: host not found | we don't accept mail |
            this domain never accepts | rfc 7504 | rfc7504 | rfc 7505 | rfc7505 | no mail is accepted |
            domain is not accepting mail
        """),
        unless=phrases("""
            accept mail from | from you | accept mail without
        """),
    ),
    Rule(
        "no-such-domain",
        "hostunknown",
        phrases("""
            host unknown | host @ not found | dns lookup failure: host * not found | unknown host |
            host * unknown (name server | domain not found |
            domain * not found | domain does not exist | domain doesn't exist | domain name not found |
            domain name does not exist | domain * does not exist | domain * couldn't be found |
            domain couldn't be found | domain is not valid |
            unknown domain | domain unknown | domain * unknown | bad destination host |
            bad destination system | no such domain | no such host | host or domain name not found |
            host not found | host does not exist | name or service not known |
            couldn't find any host named |
            couldn't find any host by that name | cannot find any host | could not find any host |
            nxdomain |
            non-existent domain | nonexistent domain | non-existent host | non existing domain |
            no mx or a |
            no mx record | no a or mx | unrouteable mail domain | unrouteable domain | domain must exist |
            not an internet host | illegal host/domain | invalid host | name does not resolve |
             destination server not found | dns error: domain name | domain nonexistent |
            hostunknown
        """),
        unless=phrases("""
            try again | temporar | sender | mail from | malformed | timed out | timeout | servfail |
            your domain | host name lookup | 4.4.3 | loop | recipient domain *not allowed |
            recipient domain * quarantine | reverse | helo
        """),
    ),
)
