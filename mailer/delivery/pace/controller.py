"""How fast one relay or provider may be sent to: a pure function of what it answered; times are seconds (B12).

The limit goes up by small even steps while it is used and nobody complains, and to 0.85 of itself when
the other side refuses; further only when it refuses again after it could feel that. Below the limit
last refused the steps are hundredths of it; far from it, where it tells little, they are larger.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mailer.delivery.pace.signals import Refusal, Says

BACK_OFF = 0.85
# However much less was taken than the limit: one refusal never does more than halve it.
MOST_BACK_OFF = 0.5
# Replies that only may be about speed count when so many of the mails get one, but for a row of limits
# that did not help: then it is something else, unless nearly all is refused.
MAYBE_COUNT = 3
MAYBE_SHARE = 0.02
HELPLESS_ROW = 6
HELPLESS_SHARE = 0.2
# Within this of the limit last refused the steps up are small.
NEAR = (0.8, 1.2)
FAR_STEP = 0.05
# However long nobody has refused: one step never does more.
MOST_STEP = 0.5
# Where little is sent a step waits for the messages of a minute, but for so many at least.
LEAST_MESSAGES = 5
MESSAGE_SECONDS = 60.0
# The first limit is a guess, made of a moment's rate: up to the next refusal it is searched, not probed.
SEARCH_STEP = 0.25
# A limit that less was sent than is not tried, and does not go up.
USED_SHARE = 0.7
# A window that has lasted for so many times its length was not used.
IDLE_WINDOWS = 4.0
# Only as many connections as it had when it was stopped are worth counting.
MOST_CONNECTIONS = 50


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers that differ between a relay and a mailbox provider."""

    floor: float = 0.01  #: messages per second, however much is refused: 36 in an hour
    feel_seconds: float = 10.0  #: the other side has felt a change after so long
    feel_messages: int = 5  #: and so many messages
    step_share: float = 0.01  #: of the limit last refused
    step_seconds: float = 5.0  #: a step takes at least so long
    step_messages: int = 80  #: and so many messages
    calm_seconds: float = 300.0  #: when nobody has refused for so long, steps grow with the time
    hold_seconds: float = 1.0  #: nothing is sent for so long after a refusal; twice that if it goes on
    most_hold_seconds: float = 60.0
    join_seconds: float = 60.0  #: between one more connection and the next (B11)
    forget_seconds: float = 30 * 86400.0  #: without a refusal, nothing of it is known any more


ROUTE = Rules()
# A provider tells late and seldom, and what it takes amiss it remembers for days.
PROVIDER = Rules(
    feel_seconds=60.0,
    step_seconds=30.0,
    calm_seconds=3600.0,
    hold_seconds=5.0,
    most_hold_seconds=120.0,
    forget_seconds=7 * 86400.0,
)


@dataclass(frozen=True, slots=True)
class Pace:
    """What is known of one relay or provider; the empty one: it never refused."""

    limit: float | None = None  #: messages per second; None: none
    connections: int | None = None  #: at once, of all hosts together; None: as many as there are
    cause: str | None = None  #: of the last refusal
    until: float = 0.0  #: nothing leaves before
    ceiling: float = 0.0  #: the limit that was last refused; 0.0: none yet
    since: float = 0.0  #: begin of the window that counts
    taken: int = 0  #: accepted in the window
    maybe: int = 0  #: refused in it, perhaps for our speed
    settled: bool = True  #: whether a whole window went well since the last time it was lowered
    row: int = 0  #: limits in a row that were lowered and did not help
    hold: float = 0.0  #: seconds of the last hold
    refused_at: float = 0.0
    lowered_at: float = 0.0
    joined_at: float = 0.0  #: when the last connection was added
    owed: bool = False  #: a report came while nobody knew the rate: lower it when it is known


@dataclass(frozen=True, slots=True)
class Heard:
    """What one worker heard since it last said so."""

    accepted: int = 0
    maybe: int = 0
    refusal: Refusal | None = None  #: the gravest
    rate: float = 0.0  #: messages per second of all workers, as far as one can tell


def step(pace: Pace, heard: Heard, *, now: float, rules: Rules) -> Pace:
    """What is known after that."""
    if pace.refused_at and now - pace.refused_at > rules.forget_seconds and heard.refusal is None:
        pace = Pace()
    pace = replace(pace, taken=pace.taken + heard.accepted, maybe=pace.maybe + heard.maybe)
    if heard.refusal is not None and heard.refusal.says > Says.MAYBE:
        return _refused(pace, heard.refusal, heard.rate, now, rules)
    if heard.refusal is not None and _too_many(pace) and (pace.settled or _is_felt(pace, now, rules)):
        row = pace.row + 1
        return replace(_refused(pace, heard.refusal, heard.rate, now, rules), row=row)
    if pace.owed and heard.rate:
        return _lower(replace(pace, owed=False), heard.rate, now, rules)
    return _went_well(pace, now, rules)


def _too_many(pace: Pace) -> bool:
    return _share(pace, HELPLESS_SHARE if pace.row >= HELPLESS_ROW else MAYBE_SHARE)


def _share(pace: Pace, share: float) -> bool:
    return pace.maybe >= max(MAYBE_COUNT, share * (pace.maybe + pace.taken))


def _refused(pace: Pace, refusal: Refusal, rate: float, now: float, rules: Rules) -> Pace:
    is_stop = refusal.says is Says.STOP
    if now < pace.until and not is_stop and not refusal.wait_seconds:
        # What was on its way when it was stopped.
        return replace(pace, refused_at=now)
    if refusal.lag_seconds and now - pace.lowered_at < refusal.lag_seconds:
        return replace(pace, refused_at=now)
    after = _lower(pace, rate, now, rules, says=refusal.says, lagging=bool(refusal.lag_seconds))
    if not refusal.lag_seconds:
        after = _held(after, refusal, now, rules)
    if is_stop:
        after = replace(after, connections=1, joined_at=after.until)
    return replace(after, cause=refusal.cause, refused_at=now)


def _held(pace: Pace, refusal: Refusal, now: float, rules: Rules) -> Pace:
    """Nothing leaves for a moment; twice as long when the last moment has not helped."""
    goes_on = pace.hold > 0 and now - pace.until < max(pace.hold, rules.hold_seconds)
    hold = min(rules.most_hold_seconds, 2 * pace.hold) if goes_on else rules.hold_seconds
    return replace(pace, hold=hold, until=max(pace.until, now + max(hold, refusal.wait_seconds)))


def _lower(
    pace: Pace, rate: float, now: float, rules: Rules, *, says: Says = Says.SLOWER, lagging: bool = False
) -> Pace:
    if pace.limit is None:
        if not rate:
            return replace(pace, owed=True)
        limit, ceiling = BACK_OFF * rate, 0.0
    elif lagging or pace.settled or _is_felt(pace, now, rules):
        limit, ceiling = BACK_OFF * pace.limit, pace.limit
        if not pace.settled and not lagging and says > Says.MAYBE:
            # It refuses still: what it took since then is nearer to what it takes.
            limit = max(MOST_BACK_OFF * pace.limit, min(limit, pace.taken / (now - pace.since)))
    else:
        return pace
    # With another limit the next hold is a short one again.
    return replace(
        pace, limit=max(rules.floor, limit), ceiling=ceiling,
        since=now, taken=0, maybe=0, settled=False, lowered_at=now, hold=0.0,
    )  # fmt: skip


def _is_felt(pace: Pace, now: float, rules: Rules) -> bool:
    return now - pace.since >= rules.feel_seconds and pace.taken >= rules.feel_messages


def _went_well(pace: Pace, now: float, rules: Rules) -> Pace:
    if now < pace.until:
        return pace
    if pace.connections is not None and pace.taken and now - pace.joined_at >= rules.join_seconds:
        joined = pace.connections + 1
        pace = replace(pace, connections=joined if joined < MOST_CONNECTIONS else None, joined_at=now)
    seconds = now - pace.since
    if pace.limit is None:
        return replace(pace, since=now, taken=0, maybe=0) if seconds >= rules.feel_seconds else pace
    messages = min(rules.step_messages, max(LEAST_MESSAGES, MESSAGE_SECONDS * pace.limit))
    usual = max(rules.step_seconds, messages / pace.limit)
    if seconds < rules.step_seconds or (pace.taken < messages and seconds < IDLE_WINDOWS * usual):
        return pace
    if _too_many(pace):
        return replace(pace, settled=True)  # the next of them lowers it
    limit = pace.limit
    if pace.taken >= messages and pace.taken >= USED_SHARE * limit * seconds:
        calm = max(1.0, (now - pace.refused_at) / rules.calm_seconds)
        limit += min(MOST_STEP * limit, calm * _step_up(limit, pace.ceiling, rules))
    row = pace.row if _share(pace, MAYBE_SHARE) else 0
    return replace(pace, limit=limit, since=now, taken=0, maybe=0, settled=True, row=row)


def _step_up(limit: float, ceiling: float, rules: Rules) -> float:
    if not ceiling:
        return SEARCH_STEP * limit
    near = NEAR[0] * ceiling <= limit <= NEAR[1] * ceiling
    return rules.step_share * ceiling if near else FAR_STEP * limit
