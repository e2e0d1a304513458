"""Texts in other languages than English; written with or without their marks."""

from __future__ import annotations

from mailer.bounces.rules.row import Rule, phrases

FULL = (
    Rule(
        "mailbox-full-localised",
        "mailboxfull",
        phrases("""
            postfach* kapazität | postfach* limit erreicht | postfach* grenze erreicht | boîte* quota |
            plus de place |
            plus d'espace | espace insuffisant | sin más espacio | buzón* lleno | espacio* agotado |
            límite* superado |
            casella* quota | spazio insufficiente | espaço insuficiente | espaço* esgotado |
            limite* excedido |
            geen ruimte | opslaglimiet | onvoldoende ruimte | zapełnion | brak* miejsca |
            limit* pojemności |
            нет места | нет свободного места | исчерпан* | лимит* превышен | места нет | fullt | fyldt op |
            limit* überschritten | limite* dépassé | límite* excedid | limite* superato |
            limit* przekrocz |
            tele van |
            容量制限 | 空き容量がありません | 容量超 | 容量已用完 | 邮箱满 | 信箱滿 | 超出容量 | 超过容量 |
            超過配額 |
            용량이 부족 | 꽉 찼
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
            postfach* überfüllt | speicherlimit | speichergrenze | kein speicherplatz | kein platz |
            speicherplatz* erschöpft |
            speicher* voll | boîte* saturée | boîte* remplie | espace disque* insuffisant |
            quota* dépassé | quota* atteint | buzón* saturado | sin espacio | cuota* excedid |
            casella* satura | spazio* esaurito | quota* superat | caixa* lotada | sem espaço |
            cota* excedid | quota* overschreden | postbus* vol | brievenbus* vol | ящик* полон |
            квот* превышен | превышен* квот | недостаточно места | переповнен | brak miejsca |
            skrzynk* pełn | limit* przekroczon | postlåda* full | inkorg* full | postboks* full |
            innboks* full | indbakke* fuld | sähköposti* täynnä | kvóta* překročen |
            schránk* přeplněn | kota* dol | kutusu* dolu | postafiók* megtelt | postaláda* megtelt |
            căsuța* plină | πλήρες | penuh | hộp thư* đầy | เต็ม | ممتلئ | מלאה | いっぱい | 満杯 |
            容量不足 |
            已满 | 已滿 | 超出配额 | 配额*超 | 空间不足 | 空間不足 | 가득 | 용량 부족 | 용량이 부족
        """),
    ),
)

PACE = (
    Rule(
        "too-fast-localised",
        "speeding",
        phrases("""
            zu viele nachrichten | zu viele verbindungen | zu viele mails | zu viele e-mails | zu schnell |
            trop de messages | trop de connexions | trop d'envois | ralentissez | trop de courriels |
            demasiados mensajes | demasiadas conexiones | demasiados correos | troppi messaggi |
            troppe connessioni | muitas mensagens | muitas conexões | excesso de mensagens |
            te veel berichten |
            te veel verbindingen | zbyt wiele wiadomości | zbyt wiele połączeń | za dużo wiadomości |
            слишком много | слишком часто | för många | for mange | liian monta | příliš mnoho | çok fazla |
            短時間に大量 | 送信数の制限 | 送信制限 | 过于频繁 | 频繁 | 发送过多 | 连接过多 | 發送過多 |
            너무 많은
        """),
        unless=phrases("empfänger | destinataires | destinatarios | destinatari | получател"),
    ),
)

DISABLED = (
    Rule(
        "account-disabled-localised",
        "suspend",
        phrases("""
            konto gesperrt | konto ist gesperrt | postfach gesperrt | postfach ist * gesperrt |
            postfach deaktiviert | konto deaktiviert | compte désactivé | compte suspendu |
            boîte * désactivée | compte * suspendu | compte * désactivé | cuenta suspendida |
            cuenta desactivada | cuenta * deshabilitada | cuenta inactiva | casella * disabilitata |
            casella * sospesa | account sospeso | account disattivato | conta desativada |
            conta inativa | conta suspensa | account opgeschort | account uitgeschakeld |
            ящик заблокирован | почтовый ящик заблокирован | аккаунт заблокирован | ящик * отключен |
            konto zablokowane | konto * nieaktywne | kontot är inaktiverat | hesap * devre dışı |
            账号已被停用 | 帐号已停用 | 账户已冻结 | 帐户被冻结 | 帳號停用 | 휴면 | 정지된 계정 |
            계정이 정지 | konto * zablokowan | braku aktywności | kontot är avstängt | 利用停止 |
            アカウントは停止 | 休止 |
            konto* gesperrt | konto* deaktiviert | postfach* gesperrt | postfach* deaktiviert |
            postfach* stillgelegt |
            postfach* inaktiv | konto* inaktiv | benutzer* gesperrt | benutzer* deaktiviert |
            compte* désactivé |
            compte* suspendu | compte* bloqué | compte* inactif | boîte* désactivée | boîte* suspendue |
            boîte* bloquée | boîte* inactive | cuenta* suspendid | cuenta* bloquead | cuenta* desactivad |
            cuenta* inactiv | buzón* desactivad | buzón* bloquead | usuario* suspendid | usuario* bloquead |
            casella* sospesa | casella* disattivata | casella* bloccata | casella* inattiva |
            casella* disabilitata |
            account* sospeso | account* disattivato | account* bloccato | utente* disabilitato |
            utente* sospeso |
            conta* suspensa | conta* bloquead | conta* desativad | conta* inativ | caixa* desativad |
            caixa* bloquead |
            caixa* suspensa | account* geblokkeerd | account* gedeactiveerd | mailbox* geblokkeerd |
            postvak* geblokkeerd | mailbox* uitgeschakeld | konto* zawieszon | konto* zablokowan |
            konto* nieaktywn |
            skrzynk* zablokowan | skrzynk* nieaktywn | skrzynk* zawieszon | ящик* заблокирован |
            ящик* отключ |
            ящик* неактив | аккаунт* заблокирован | аккаунт* приостан | учетная запись* отключ |
            учетная запись* заблок | пользовател* заблокирован | kontot* spärrat | kontot* avstängt |
            kontoen* sperret |
            konto* spærret | účet* zablok | schránk* zablok | schránk* deaktiv | hesap* askıya |
            hesap* kapalı |
            hesap* devre | fiók* letilt | アカウント*停止 | アカウント*ロック | アカウント*無効 |
            利用が停止 | 利用停止 |
            已停用 | 帐号*停用 | 账号*停用 | 帐户*停用 | 账户*冻结 | 帐号*冻结 | 账号*冻结 | 帐号*锁定 |
            邮箱*停用 |
            邮箱*冻结 | 邮箱*禁用 |
            用户*锁定 | 用户*禁用 | 帳號*停用 | 信箱*停用 | 계정*정지 | 계정*차단 | 계정*잠 | 휴면
        """),
        unless=phrases(
            "absender | expéditeur | remitente | mittente | remetente | afzender | отправител | nadawc"
        ),
    ),
)

DOMAIN = (
    Rule(
        "no-such-domain-localised",
        "hostunknown",
        phrases("""
            domänen * wurde nicht gefunden | domain * nicht gefunden | domain existiert nicht |
            unbekannte domain | unbekannter host | domaine inconnu | domaine inexistant |
            dominio no existe | dominio desconocido | dominio inesistente | domínio não existe |
            domein bestaat niet | домен не найден | домен не существует | 域名不存在 | 找不到域 |
            ドメインが見つかりません | 도메인을 찾을 수 없 |
            domain unbekannt | domain* existiert nicht | domäne* existiert nicht | domaine introuvable |
            domaine* n'existe pas | dominio inexistente | dominio no encontrado | dominio* no existe |
            dominio non trovato | dominio sconosciuto | dominio* non esiste | domínio não encontrado |
            domínio* não existe | domínio inexistente | domínio desconhecido | domein niet gevonden |
            domein* bestaat niet | domena nie istnieje | domena* nie istnieje | nieznana domena |
            домен* не найден |
            домена не существует | domänen finns inte | domæne* findes ikke | doména neexistuje |
            alan adı bulunamadı |
            etki alanı bulunamadı | ドメインが存在 | ドメイン*見つかり | 域名不存在 | 网域不存在 |
            無此網域 | 도메인*없
        """),
        unless=phrases("""
            absender | expéditeur | remitente | mittente | remetente | afzender | отправител | nadawc |
            avsändar |
            afsender | 送信者 | 差出人 | 发件人 | 發件人 | 寄件者 | 발신자
        """),
    ),
)

UNKNOWN = (
    Rule(
        "user-unknown-localised",
        "userunknown",
        phrases("""
            nicht mehr gültig | nicht mehr bekannt | nicht mehr vorhanden | existiert nicht mehr |
            nicht bekannt |
            kein solches postfach | keine gültige adresse | postfach* aufgelöst | nicht angelegt |
            hat * verlassen |
            ungültige adresse | ungültiger empfänger | n'est pas connu | a quitté | n'existe plus |
            aucun destinataire | inexistant |
            aucune boîte | inconnu à cette | inconnu de nos | adresse erronée | résilié | clôturé |
            boîte* fermée |
            dado de baja | no está registrad | no corresponde a ningún | correo no existe |
            usuario no encontrado |
            no hay buzón | ya no trabaja | usuario no válido | cuenta no existe | no es válida |
            non risulta |
            casella chiusa | casella cancellata | non più valido | non più esistente | utente non trovato |
            nessun utente | destinatario non trovato | account inesistente | cessato | não consta |
            não cadastrado |
            não localizado | usuário inválido | usuario invalido | endereço não existe |
            destinatário inválido |
            conta cancelada | foi excluída | foi removida | niet bekend | geen geldig | geen gebruiker |
            ongeldige ontvanger | opgeheven | is verwijderd | niet bij ons bekend | niet * bekend |
            cuenta* cancelada | ya no utiliza |
            non è presente | удалил | gekündigt | a été fermé | a été supprim | nie ma konta |
            nieprawidłowy adres |
            adresat nieznany |
            zlikwidowan | nieistniejąc | brak odbiorcy | brak skrzynki | brak użytkownika | usunięte |
            нет такой | нет такого | не зарегистр | неверный адрес | неправильный адрес | ящика не |
            не обнаружен |
            ящик удал | запись удал | адресат не | неизвестен | такой адрес | такого ящика |
            käyttäjää ei | ingen sådan |
            ingen bruger | ingen bruker | neexistující | neznámá adresa | adresát neznámý |
            érvénytelen cím | geçersiz alıcı |
            geçersiz kullanıcı | δεν αναγνωρ | άγνωστη | 宛先が存在 | アドレスが無効 | アドレスが正しく |
            解約 | 退会 |
            使われておりません | 使用されていません | 宛先に誤り | 不明なユーザ | 見当たり | 无效用户 |
            无效地址 | 无效邮箱 |
            没有该邮箱 | 已注销 | 已删除 | 地址错误 | 地址有误 | 不是有效 | 無效的使用者 | 유효하지 않은 |
            잘못된 주소 |
            계정이 없 | 사용자가 없 | 탈퇴 | 삭제된
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
            nie można odnaleźć | nie udało się odnaleźć | не удалось найти |
            není k dispozici |
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
            tidak ditemukan | tidak ada | tidak dikenal | ไม่พบ | غير موجود | غير معروف | לא קיים |
            לא נמצא |
            宛先不明 | 受信者*不明 | ユーザー不明 | 無効なアドレス | 無效的收件 | 无效的收件 | 无效收件 |
            無此帳號 |
            查无此 | 无此收件 | 没有该用户 | 无该用户 | 없는 계정 | 없는 메일 | 수신자*없
        """),
        unless=phrases("""
            domain | domän | domaine | dominio | domínio | домен | 域名 | ドメイン | 도메인 |
            server * nicht gefunden | zertifikat | certific | dns |
            absender | expéditeur | remitente | mittente | remetente | afzender | отправител | nadawc |
            avsändar | afsender | avsender | lähettäj | odesílatel | gönderen | feladó | 送信者 | 差出人 |
            发件人 | 發件人 | 寄件人 | 寄件者 | 발신자 | 보낸 사람 |
            host nicht | host unbekannt | host inconnu | host introuvable | host n'existe | host descon |
            host no existe | host non | host onbekend | host niet | host bulunamadı | хост не
        """),
    ),
)

CONTENT = (
    Rule(
        "content-localised",
        "spamdetected",
        phrases("""
            als werbung | unerwünschte werbung | verdächtige* inhalt | unzulässige* inhalt |
            contenu suspect |
            contenu* refusé | contenu indésirable | correo basura | no solicitado | contenido sospechoso |
            contenido* rechazad | contenido no permitido | posta indesiderata | contenuto sospetto |
            contenuto non consentito | lixo eletrônico | conteúdo suspeito | conteúdo* rejeitad |
            ongewenste |
            ongewenste inhoud | niechcian | podejrzana treść | подозрительн | нежелательн | рекламн |
            skräppost |
            søppelpost | uønsket | roskaposti | nevyžádan | istenmeyen | kéretlen | 迷惑 | 垃圾 | 内容*拒 |
            内容违规 | 스팸
        """),
    ),
)

REPUTATION = (
    Rule(
        "block-list-localised",
        "blocked",
        phrases("""
            schwarze liste | schwarzen liste | sperrliste | ip-adresse* gesperrt | ip-adresse* blockiert |
            liste noire | adresse ip* bloqu | adresse ip* refus | lista negra | ip* bloquead | lista nera |
            ip* bloccat | zwarte lijst | ip-adres* geblokkeerd | czarnej li | adres ip* zablokowan |
            черном списке |
            чёрном списке | черный список | ip* заблокирован | svarta listan | sortliste | kara liste |
            mustalla listalla |
            ブラックリスト | 受信拒否 | 受信を拒否 | により*拒否 | 黑名单 | 黑名單 | 封禁 | 拒收 |
            블랙리스트 | 수신 거부 | 수신거부 |
            차단
        """),
    ),
)

NETWORK = (
    Rule(
        "no-connection-localised",
        "networkerror",
        phrases("""
            antwortet nicht | nicht erreichbar | unerreichbar | verbindung* fehlgeschlagen |
            verbindung* abgelehnt |
            ne répond pas | injoignable | connexion* refusée | connexion* échou | no responde | inalcanzable |
            conexión* rechazada | non risponde | irraggiungibile | não responde | inacessível |
            antwoordt niet |
            onbereikbaar | nie odpowiada | nieosiągaln | не отвечает | недоступен | соединени* не |
            svarar inte |
            svarer ikke | ei vastaa | neodpovídá | yanıt vermiyor | 応答がありません | 接続できません |
            无法连接 | 无响应 |
            連線失敗 | 응답이 없 | 연결할 수 없
        """),
    ),
)
