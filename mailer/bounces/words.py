"""Words by which reports, their senders and other automatic mail are known, in the languages of the world: data."""

from __future__ import annotations

import re


def either(*texts: str) -> re.Pattern[str]:
    """A pattern of alternatives, written as a text with `¦` between them; case does not matter."""
    rows = [" ".join(one.split()) for text in texts for one in text.split("¦")]
    return re.compile("|".join(row for row in rows if row), re.IGNORECASE)


#: Names and addresses of senders that may be mail software.
DAEMONS = either(
    r"""
    mailer.?daemon ¦ mail delivery (?:sub)?system ¦ mail delivery service ¦ mail administrator ¦
    delivery (?:sub)?system ¦ post.?master ¦ mail system ¦ mdaemon ¦ mail.daemon ¦ system administrator ¦
    microsoft exchange ¦ microsoftexchange[0-9a-f]{32}@ ¦ scanmail ¦ interscan ¦ mailmarshal ¦
    mimesweeper ¦ mailsweeper ¦ gwava ¦ spam firewall ¦ mail server ¦ internet mail delivery ¦ bounce ¦
    delivery.?(?:notification|failure|status|report|error) ¦ returned mail ¦ systemadministrator ¦
    administrateur système ¦ administrador del sistema ¦ amministratore di sistema ¦
    administrador do sistema ¦ mail router ¦ mail gateway ¦ majordomo ¦ listserv ¦
    complaints@ ¦ mail.?admin ¦ mta\b ¦ mms-system ¦ autoresponder
    """
)

#: Of these, those that nobody else has.
SURE = either(
    r"""
    mailer.?daemon ¦ mail delivery (?:sub)?system ¦ microsoft exchange ¦ microsoftexchange[0-9a-f]{32}@ ¦
    system administrator
    """
)

#: Subjects of reports.
SUBJECTS = either(
    r"""
    undeliver ¦ errors? from ¦ failure notice ¦
    delivery (?:status )?(?:notification|failure|failed|report|error|problem) ¦
    delivery (?:has failed|incomplete|unsuccessful|warning|delayed|attempt) ¦
    mail delivery ¦ returned mail ¦ returned to sender ¦ mail fail ¦ failed mail ¦ failed delivery ¦
    non.?delivery ¦ nondeliverable ¦ not deliver ¦ notdeliver ¦ could ?n[o']t be delivered ¦
    message failure ¦ message not ¦ mail not ¦ mail status report ¦ unable to deliver ¦
    return(?:ed)? (?:mail|message) ¦ bounce ¦ delay(?:ed)? (?:mail|message) ¦
    warning: (?:could not|message) ¦ mail could not ¦ mail error ¦ mail system error ¦
    message (?:could|status|delay|undeliver|rejected|delivery) ¦ user unknown ¦ delivery delayed ¦
    email (?:delivery|rejected|not delivered) ¦ rejected ¦ problem delivering ¦ dsn: ¦ ndn: ¦
    system error ¦ error (?:sending|in mail) ¦ unzustellbar ¦ nicht zugestellt ¦ nicht zustellbar ¦
    zustellung ¦ fehlgeschlagen ¦ non remis ¦ non distribu ¦ échec ¦ avis de non ¦
    impossible de remettre ¦ no se (?:puede|ha podido|pudo|entreg) ¦ no entregad ¦ devuelto ¦
    error de entrega ¦ non recapitabil ¦ mancat[oa] (?:recapito|consegna) ¦ recapito ¦
    não (?:foi )?entregue ¦ não entregue ¦ falha na entrega ¦ devolvid ¦ onbestelbaar ¦
    niet (?:worden )?bezorgd ¦ недоставлен ¦ не доставлен ¦ не удалось ¦ возвращ ¦ ошибка доставки ¦
    niedostarcz ¦ nie można dostarczyć ¦ nie dostarczon ¦ zwrot ¦ olevererbar ¦ inte levererat ¦
    kan ikke leveres ¦ kunne ikke leveres ¦ ikke leveret ¦ ikke levert ¦ toimittaminen ¦
    ei voitu toimittaa ¦ nedoruč ¦ iletilemedi ¦ gönderilemedi ¦ teslim edilemedi ¦ kézbesíthetetlen ¦
    attachment blocked ¦ message blocked ¦ mail blocked ¦ impossible à remettre ¦ niedoręcz ¦
    не удается доставить ¦ det går inte att leverera ¦ ei voi toimittaa ¦ kan niet worden bezorgd ¦
    δεν είναι δυνατή η παράδοση ¦ 배달되지 않음 ¦ 전달되지 ¦ imposibil de livrat ¦ não é possível entregar ¦
    no se puede entregar ¦ nelivrat ¦ 配信不能 ¦ 配信できません ¦ 送信できません ¦ 戻ってきました ¦ エラーメール ¦
    届けられません ¦ 退信 ¦ 退件 ¦ 投递失败 ¦ 未送达 ¦ 无法投递 ¦
    系统退信 ¦ 傳遞失敗 ¦ 반송 ¦ 전송 실패 ¦ 발송 실패 ¦ 배달
    """
)

#: Words near the beginning of reports.
OPENINGS = either(
    r"""
    could not be delivered ¦ couldn't be delivered ¦ can't be delivered ¦ cannot be delivered ¦
    can not be delivered ¦ was not delivered ¦ not been delivered ¦ wasn't delivered ¦ unable to deliver ¦
    were unable to deliver ¦ unable to be delivered ¦
    delivery (?:to the following|has failed|failed|failure|problem|error|attempt) ¦ undeliverable ¦
    undelivered ¦ did not reach ¦ not reach ¦ returned to (?:you|sender) ¦ returning message to sender ¦
    fatal errors ¦ transcript of session ¦ message that you sent ¦ could not deliver ¦ couldn't deliver ¦
    cannot deliver ¦ failed to deliver ¦ fail to deliver ¦ unknown user ¦ user unknown ¦
    following address(?:es)? ¦ following recipient ¦ hi\. this is the ¦ i'm sorry to have to inform ¦
    i'm afraid i wasn't able ¦ sorry ¦ bounced ¦ delivery status notification ¦ rejected ¦
    has been delayed ¦ still (?:being )?(?:tried|retried) ¦ mail(?:box)? (?:is )?full ¦ over ?quota ¦
    delivery report ¦ recipient ¦ mailbox ¦ said: ¦ host unknown ¦ unknown address ¦ nicht zugestellt ¦
    nicht zustellen ¦ unzustellbar ¦ konnte nicht ¦ n'a pas (?:pu|été) ¦ n'ont pas ¦ impossible ¦
    no se (?:pudo|ha podido|puede) ¦ non è stato ¦ impossibile ¦ não (?:foi|pôde) ¦
    niet (?:worden )?(?:bezorgd|afgeleverd) ¦ не (?:было|может|удалось|доставлен) ¦
    nie (?:można|został|mogła) ¦ kunde inte ¦ kunne ikke ¦ ei voitu ¦ nelze ¦ nebyl ¦ iletilemedi ¦
    échec de la remise ¦ n'a pas été remis ¦ no se (?:pudo|puede) entregar ¦ il recapito non è riuscito ¦
    falha na entrega ¦ dostarczenie .{0,80} nie powiodło się ¦ сбой доставки ¦ levering .{0,80}mislyk ¦
    gick inte att leverera ¦ toimitus .{0,80}epäonnistui ¦ doručení .{0,80}nezdařilo ¦ teslim edilemedi ¦
    kézbesítés .{0,80}nem sikerült ¦ η παράδοση .{0,80}απέτυχε ¦ 失败 ¦ 失敗 ¦ не удалось ¦
    fehler bei der nachrichtenzustellung ¦ ulaştırılamadı ¦
    できません ¦ 届き ¦ 配信 ¦ 无法 ¦ 未能 ¦ 退回 ¦ 無法 ¦ 실패 ¦ 못했
    """
)

#: Subjects of notes of absence, receipts, challenges and tickets (A80).
AWAY = either(
    r"""
    out of (?:the )?office ¦ automatic reply ¦ auto.?reply ¦ auto.?respon ¦ autoreply ¦ vacation ¦
    away from ¦ on holiday ¦ on leave ¦ abwesenheit ¦ automatische antwort ¦ réponse automatique ¦
    absence du bureau ¦ respuesta automática ¦ fuera de (?:la )?oficina ¦ risposta automatica ¦
    fuori sede ¦ resposta automática ¦ automatisch antwoord ¦ afwezig ¦ автоматический ответ ¦ автоответ ¦
    autoodpowiedź ¦ automatyczna odpowiedź ¦ autosvar ¦ automatiskt svar ¦ automatisk svar ¦
    automaattinen vastaus ¦ automatická odpověď ¦ otomatik yanıt ¦ 不在 ¦ 自動応答 ¦ 自动回复 ¦
    自動回覆 ¦ 자동 회신 ¦ 부재중 ¦
    ^(?:read|gelesen|lu|leído|letto|lido|gelezen|прочитано|przeczytano|läst|lest|opened|not read|displayed)\s?[:：] ¦
    mimo kancel ¦ izvan ureda ¦ извън офиса ¦ nesu biure ¦ kontorist väljas ¦ поза офісом ¦ вне офиса ¦
    fora de l'oficina ¦ fraværende ¦ házon kívül ¦ poza biurem ¦ frånvaro ¦ εκτός γραφείου ¦ ofis dışında ¦
    休暇中 ¦ 正在休假 ¦ 휴가 중 ¦ odsoten ¦ ārpus biroja ¦ în afara biroului ¦
    read receipt ¦ return receipt ¦ disposition notification ¦ lesebestätigung ¦
    accusé de (?:lecture|réception) ¦ confirm(?:ation)? (?:your|of your|required) ¦ please confirm ¦
    verify your (?:email|message|address) ¦ boxbe ¦ challenge ¦ ticket ¦
    thank you for (?:your|contacting) ¦ we (?:have )?received your ¦ case \# ¦
    anti-?spam (?:verification|confirmation) ¦ sender verification
    """
)

#: Subjects and first words of reports that all is well.
ARRIVALS = either(
    r"""
    ^(?:delivered|relayed|expanded|zugestellt|remis|entregado|recapitato|entregue|afgeleverd|bezorgd|dostarczono
    |доставлено|levererat|leveret|配信済み|已送达|已送達|전달됨)\s?[:：] ¦
    delivery to these recipients or groups is complete ¦ successfully delivered ¦ (?<!un)successful delivery ¦
    successful mail delivery ¦ has been delivered to the following recipients ¦
    was delivered to the following recipients
    """
)

#: Words of warnings: the server still tries.
DELAY = either(
    r"""
    delayed ¦ delay\b ¦ warning: (?:message|could not) ¦ not yet been delivered ¦
    still (?:being |trying|be re) ¦ will (?:be retried|keep trying|continue) ¦
    temporar(?:y|ily) (?:problem|failure) delivering ¦ verzögert ¦ retard ¦ retraso ¦ in ritardo ¦
    atraso ¦ vertraagd ¦ отложен ¦ задерж ¦ opóźni ¦ försenad ¦ 遅延 ¦ 延迟 ¦ 지연 ¦
    you do not need to resend ¦
    do not resend
    """
)

#: Words that no warning has.
FINAL = either(
    r"""
    permanent ¦ giving up ¦ given up ¦ no longer ¦ returned ¦ failed permanently ¦ too long ¦
    could not be delivered for
    """
)

#: Lines that announce the returned message, without leading dashes.
ANNOUNCES = either(
    r"""
    this is a copy of the message ¦ this is a copy of your message ¦ this is the original message ¦
    this is a copy of ¦ below this line is a copy ¦ below this line is the original ¦
    below the next line is a copy ¦ original message follows ¦ original message header ¦
    original message text ¦ original message ¦ original mail ¦ unsent message ¦ undelivered message ¦
    returned message ¦ returned mail follows ¦ the body of the message is ¦ the header and top ¦
    the original message ¦ the message header ¦ message header ¦ message headers ¦ message text ¦
    header of the original ¦ headers of the original ¦ header of your message ¦ start of unsent ¦
    start of returned ¦ start of message ¦ start of the message ¦ begin message ¦ begin returned ¦
    your original message ¦ your message follows ¦ here is a copy of ¦ a copy of the message ¦
    a copy of your message ¦ contents of the message ¦ the following is a copy ¦ the first ¦
    text of the original ¦ message body follows ¦ the unsent message ¦ forwarded message ¦
    included is a copy ¦ included below is ¦ ursprüngliche nachricht ¦ originalnachricht ¦
    kopie der nachricht ¦ en-tête du message ¦ message original ¦ message d'origine ¦
    encabezados del mensaje ¦ mensaje original ¦ messaggio originale ¦ mensagem original ¦
    oorspronkelijk bericht ¦ исходное сообщение ¦ oryginalna wiadomość ¦ original mail header ¦
    元のメッセージ ¦
    原邮件 ¦ 原始邮件 ¦ 원본 메시지 ¦ 원본 메일
    """
)

#: Subjects of summaries that list addresses and replies of many messages.
SUMMARIES = either(
    r"""
    quarantin ¦ digest ¦ statistics ¦ newsletter ¦ summar(?:y|ies) ¦ logwatch ¦ pflogsumm ¦ logs? (?:for|of) ¦
    zusammenfassung ¦ résumé ¦ daily report ¦
    weekly
    """
)
