"""Texts that speak of the mailbox: full, switched off, moved, unknown; and of a domain that is none."""

from __future__ import annotations

from mailer.bounces.rules.row import Rule, phrases

FULL = (
    Rule(
        "mailbox-full",
        "mailboxfull",
        phrases("""
            mailbox full | mailbox is full | mailbox * is full | mailbox are full | mailbox * full; |
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
            exceeded its maximum storage | exceeded maximum storage | exceeded maximum mailbox |
            out of storage | mailbox is out of | storage limit | not enough storage space |
            not enough free space in mailbox | insufficient disk quota | insufficient mailbox space |
            insufficient storage space in mailbox | account is full | account full | user is full |
            user's mailbox is full | user has too many messages on the server | has too many messages |
            too much mail data | mailbox space | no room in mailbox | not sufficient disk space |
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
    Rule(
        "mailbox-full-localised",
        "mailboxfull",
        phrases("""
            postfach voll | boite pleine | boîte pleine | postfach ist voll | postfach * voll |
            postfachs * voll |
            speicherplatz * überschritten | kontingent | quota überschritten | boîte aux lettres * pleine |
            boite aux lettres * pleine | boîte * est pleine | bal pleine | boîte de réception * pleine |
            espace de stockage * saturé | quota dépassé | quota de stockage | buzón lleno | buzón * lleno |
            buzon * lleno | bandeja * llena | cuota excedida | cuota * superad | casella * piena |
            casella piena | quota superata | caixa de correio * cheia | caixa * cheia | cota excedida |
            quota excedida | postvak * vol | mailbox vol | postbus vol | ящик * переполнен |
            почтовый ящик переполнен | переполнен | превышена квота | skrzynka * pełna | przepełnion |
            brevlåda * full | brevlådan är full | postkasse * fuld | postkassen er fuld |
            postilaatikko * täynnä | schránka * plná | posta kutusu dolu | posta kutusu * dolu |
            メールボックスがいっぱい | メールボックスの容量 | 容量を超え | 容量がいっぱい |
            容量オーバー | 容量超過 | 邮箱已满 | 邮箱空间不足 | 邮箱容量 | 信箱已滿 | 信箱已满 |
            邮箱已超 | 空间已满 | 郵件箱已滿 | 용량이 초과 | 용량 초과 | 메일함이 가득 | 편지함 용량 |
            메일박스 용량 |
            postfach* überfüllt | kein speicherplatz | kein platz | speicherplatz* erschöpft |
            speicher* voll | boîte* saturée | boîte* remplie | espace disque* insuffisant |
            quota* dépassé | quota* atteint | buzón* saturado | sin espacio | cuota* excedid |
            casella* satura | spazio* esaurito | quota* superat | caixa* lotada | sem espaço |
            cota* excedid | quota* overschreden | postbus* vol | brievenbus* vol | ящик* полон |
            квот* превышен | превышен* квот | недостаточно места | переповнен | brak miejsca |
            skrzynk* pełn | limit* przekroczon | postlåda* full | inkorg* full | postboks* full |
            innboks* full | indbakke* fuld | sähköposti* täynnä | kvóta* překročen |
            schránk* přeplněn | kota* dol | kutusu* dolu | postafiók* megtelt | postaláda* megtelt |
            căsuța* plină | πλήρες | penuh | hộp thư* đầy | เต็ม | ممتلئ | מלאה | いっぱい | 満杯 | 容量不足 |
            已满 | 已滿 | 超出配额 | 配额*超 | 空间不足 | 空間不足 | 가득 | 용량 부족 | 용량이 부족
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
            account locked | account is locked | account has been locked | user locked | mailbox locked |
            mailbox is locked | user is locked | account is temporarily unavailable |
            account temporarily unavailable | account is unavailable | account expired |
            account has expired |
            account * has expired | mailbox expired | mailbox has expired | user expired |
            subscription expired | not been used for | has not logged in | has not been accessed |
            unused for | dormant | blocked due to inactivity | due to inactivity | extended inactivity |
            account on hold | mailbox unavailable for this user or account suspended | is not active |
            not accepting mail | currently not accepting | not accepting any mail | account is on hold |
            user is currently unavailable | isn't active | email account was suspended |
            account closed temporarily | account blocked | account is blocked |
            compte du destinataire est bloqu | account has been blocked | mailbox blocked |
            mailbox * is blocked | user blocked | recipient blocked | konto gesperrt | konto ist gesperrt |
            postfach gesperrt | postfach ist * gesperrt | postfach deaktiviert | konto deaktiviert |
            compte désactivé | compte suspendu | boîte * désactivée | compte * suspendu |
            compte * désactivé |
            cuenta suspendida | cuenta desactivada | cuenta * deshabilitada | cuenta inactiva |
            casella * disabilitata | casella * sospesa | account sospeso | account disattivato |
            conta desativada | conta inativa | conta suspensa | account opgeschort | account uitgeschakeld |
            ящик заблокирован | почтовый ящик заблокирован | аккаунт заблокирован | ящик * отключен |
            konto zablokowane | konto * nieaktywne | kontot är inaktiverat | hesap * devre dışı |
            账号已被停用 |
            帐号已停用 | 账户已冻结 | 帐户被冻结 | 帳號停用 | 휴면 | 정지된 계정 | 계정이 정지 |
            利用停止 | アカウントは停止 | 休止
        """),
        unless=phrases("""
            sender * suspended | ip * has been suspended | delivery * temporarily suspended: conn |
            conversation with | delivery temporarily suspended | starttls * disabled |
            authentication * disabled | relay* disabled | user blocked your | not accepting mail from |
            not accepting mail with | currently not accepting mail from | not accepting messages from |
            access * disabled | recipient blocked sender | sender account
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
            no one here by that name | nobody by that name | nobody here by | no longer on server |
            no person with | user not found | user was not found | user * not found | user not known |
            user not exist | user doesn't exist | user does not exist | user dose not exist |
            user * does not exist | user doesnt exist | users does not exist | user not listed |
            user not local | user not in | not a user here | user no found | user isn't in | user invalid |
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
            unknown user agent | from address * not found
        """),
    ),
    Rule(
        "user-unknown-localised",
        "userunknown",
        phrases("""
            benutzer unbekannt | unbekannter benutzer | empfänger unbekannt | unbekannter empfänger |
            adresse unbekannt | unbekannte adresse | empfänger existiert nicht | adresse existiert nicht |
            benutzer existiert nicht | postfach existiert nicht | postfach nicht gefunden |
            adresse * nicht gefunden | adresse * ist nicht * bekannt | empfänger * nicht gefunden |
            e-mail-adresse * ist ungültig | nicht im * adressbuch | kein postfach | kein solcher benutzer |
            konnte nicht gefunden werden | ist ungültig | utilisateur inconnu | destinataire inconnu |
            adresse inconnue | adresse invalide | adresse d'au moins un destinataire invalide |
            invalide. invalid recipient | boîte aux lettres inconnue | boite aux lettres inconnue |
            n'existe pas | n'a pas été trouvé | introuvable | aucun utilisateur | compte inexistant |
            usuario desconocido | destinatario desconocido | usuario no existe | no existe |
            cuenta inexistente | no se encontró | no se ha encontrado | no se encuentra |
            dirección * no válida | buzón inexistente | buzón no existe | utente sconosciuto |
            destinatario sconosciuto | indirizzo inesistente | utente inesistente | casella inesistente |
            casella di posta inesistente | non esiste | non è stato trovato | non trovato |
            indirizzo non valido | destinatario non valido | usuário desconhecido | usuario desconhecido |
            utilizador desconhecido | destinatário desconhecido | não existe | nao existe |
            não foi encontrado | não encontrado | endereço inválido | conta inexistente | inexistente |
            gebruiker onbekend | onbekende gebruiker | onbekend adres | adres onbekend |
            ontvanger onbekend |
            bestaat niet | niet gevonden | kan niet worden gevonden | ongeldig adres |
            пользователь не найден | неизвестный пользователь | нет такого пользователя |
            пользователь не существует | несуществующ | не существует | такого адреса нет | не найден |
            получатель не найден | такого пользователя нет | нет такого | użytkownik nieznany |
            nieznany użytkownik | nieznany adres | nie istnieje | nie ma takiego | nie znaleziono |
            nieznany odbiorca | brak takiego | okänd användare | användaren finns inte | finns inte |
            hittades inte | okänd mottagare | kunde inte hittas | okänd adress | ukendt bruger |
            ukendt modtager | findes ikke | blev ikke fundet | kunne ikke findes | ukjent bruker |
            finnes ikke | ble ikke funnet | tuntematon käyttäjä | tuntematon vastaanottaja | ei löydy |
            ei löytynyt | ei ole olemassa | neznámý uživatel | neznámý příjemce | neexistuje |
            nebyl nalezen |
            nebyla nalezena | uživatel nenalezen | kullanıcı bulunamadı | bilinmeyen kullanıcı |
            alıcı bulunamadı | bulunamadı | mevcut değil | geçersiz adres | ismeretlen felhasználó |
            nem létezik | utilizator necunoscut | άγνωστος | ユーザーが見つかりません |
            ユーザは存在しません | 存在しません | 存在しない |
            見つかりません | 該当するユーザ | 宛先不明 | 宛先が見つかり | アドレスが存在 | 用户不存在 |
            收件人不存在 | 帐号不存在 | 账号不存在 | 邮箱不存在 | 地址不存在 |
            不存在 | 未找到 | 找不到 | 查無此 | 無此 | 无此用户 | 没有此用户 | 没有找到 | 존재하지 않 |
            없는 사용자 | 사용자를 찾을 수 없 | 찾을 수 없 |
            등록되지 않은 | 수신자가 없 |
            konto* gelöscht | konto* geschlossen | postfach* gelöscht | compte* supprimé | compte* fermé |
            cuenta* eliminada | cuenta* cerrada | account* eliminato | conta* excluída | conta* encerrada |
            ящик* удален | ящик* удалён | аккаунт* удал | konto* usunięt | hesap* silin | hesap* kapat |
            няма такъв | не съществува | не існує | ne postoji | nema takvog | ne obstaja | neexistuj |
            empfänger* unbekannt | benutzer* unbekannt | adresse* unbekannt | postfach* unbekannt |
            empfänger* nicht vorhanden | postfach* nicht vorhanden | konto* existiert nicht |
            empfänger* existiert nicht | adresse* existiert nicht | kein benutzer |
            destinataire* inconnu | utilisateur* inconnu | adresse* inconnue | adresse* inexistante |
            boîte* inexistante | compte* inconnu | adresse* n'est pas valide | plus valide |
            usuario* desconocid | destinatario* desconocid | dirección* desconocida |
            usuario* inexistente | no hay ningún usuario | utente* sconosciut |
            destinatario* sconosciut | indirizzo* sconosciut | utente* inesistente |
            usuário* desconhecid | destinatário* desconhecid | endereço* desconhecido |
            utilizador* desconhecid | gebruiker* onbekend | ontvanger* onbekend | adres* onbekend |
            postvak* bestaat niet | пользовател* неизвест | получател* неизвест | адрес* неизвест |
            пользовател* отсутству | ящик* отсутству | користувач* не існує | не знайдено |
            użytkownik* nieznan | odbiorca* nieznan | adres* nieznan | nie odnaleziono |
            böyle bir kullanıcı | böyle bir* yok | alıcı* bulunamadı | kullanıcı* yok |
            mottagare* okänd | användare* okänd | adress* existerar inte | existerar inte |
            modtager* ukendt | bruger* ukendt | eksisterer ikke | mottaker* ukjent | bruker* ukjent |
            käyttäjä* tuntematon | vastaanottaja* tuntematon | uživatel* neznám | příjemce* neznám |
            címzett* ismeretlen | címzett* nem található | felhasználó* nem található |
            destinatar* necunoscut | nu există | δεν υπάρχει | δεν βρέθηκε | không tồn tại |
            tidak ditemukan | tidak ada | tidak dikenal | ไม่พบ | غير موجود | غير معروف | לא קיים | לא נמצא |
            宛先不明 | 受信者*不明 | ユーザー不明 | 無効なアドレス | 無效的收件 | 无效的收件 | 无效收件 | 無此帳號 |
            查无此 | 无此收件 | 没有该用户 | 无该用户 | 없는 계정 | 없는 메일 | 수신자*없
        """),
        unless=phrases("""
            domain | domän | domaine | dominio | domínio | домен | 域名 | ドメイン | 도메인 |
            server * nicht gefunden | zertifikat | certific | dns |
            absender | expéditeur | remitente | mittente | remetente | afzender | отправител | nadawc |
            avsändar | afsender | avsender | lähettäj | odesílatel | gönderen | feladó | 送信者 | 差出人 |
            发件人 | 發件人 | 寄件人 | 寄件者 | 발신자 | 보낸 사람 |
            host
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
            5.7. | 4. | 450  | 451  | 421  | end of data | mail from | blocked | reputation | policy |
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
            this domain never accepts | no mail is accepted | domain is not accepting mail
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
             domänen * wurde nicht gefunden | domain * nicht gefunden |
            domain existiert nicht |
            unbekannte domain | unbekannter host | domaine inconnu | domaine inexistant |
            dominio no existe |
            dominio desconocido | dominio inesistente | domínio não existe | domein bestaat niet |
            домен не найден | домен не существует | 域名不存在 | 找不到域 | ドメインが見つかりません |
            도메인을 찾을 수 없 | hostunknown
        """),
        unless=phrases("""
            try again | temporar | sender | mail from | malformed | timed out | timeout | servfail |
            your domain | host name lookup | 4.4.3 | loop | recipient domain *not allowed |
            recipient domain * quarantine | reverse | helo
        """),
    ),
)
