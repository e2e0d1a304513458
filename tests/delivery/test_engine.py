"""The engine against a real server, on both databases: everybody is served as their reply says, once."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

import pytest

from mailer import clock
from mailer.delivery.courier import BodyWithheld
from mailer.errors import MailerError
from mailer.store.vocabulary import (
    CampaignState,
    DeliveryKind,
    DeliveryState,
    SkipReason,
    SubscriptionState,
    SuppressionReason,
)
from tests.delivery.world import World, until
from tests.faults.smtp_server import Rule, Script, SmtpServer


def served(server: SmtpServer) -> list[str]:
    """Local parts the server took mail for."""
    return sorted(message.recipient.partition("@")[0] for message in server.accepted)


async def send(world: World, *rules: Rule, script: Script | None = None, **options: object) -> SmtpServer:
    """Send what is due through a server with these rules."""
    server = SmtpServer(script or Script(list(rules)))
    async with server.running() as port:
        await world.send_all(port, **options)
    return server


def test_everybody_gets_one_copy_and_the_row_says_what_left(world: World) -> None:
    """A57: claimed, sent, recorded; Message-ID, digest and Date of the bytes are kept."""
    world.build([f"p{i}" for i in range(30)])
    server = asyncio.run(send(world))
    assert served(server) == sorted(f"p{i}" for i in range(30))
    for row in world.rows():
        assert row.state is DeliveryState.ACCEPTED
        assert (row.attempts, row.reply_code, row.status, row.worker_id) == (1, 250, "2.0.0", None)
        (copy,) = [m for m in server.accepted if m.message_id == row.message_id]
        assert bytes(row.digest) == hashlib.sha256(copy.data).digest()
        assert row.settled_at is not None
        assert abs(row.attempted_at - clock.now()) < timedelta(minutes=1)


def test_each_reply_leads_to_its_own_state(world: World) -> None:
    """A53: 4yz deferred, 5yz rejected, at every verb, without touching the neighbours."""
    names = ["good", "later", "gone", "nodata", "nodot", "busydot", "fine"]
    world.build(names)
    rules = [
        Rule("rcpt", "450 4.2.0 greylisted", who="later"),
        Rule("rcpt", "550 5.7.1 no", who="gone"),
        Rule("data", "451 4.3.0 not now", who="nodata"),
        Rule("dot", "554 5.7.1 spam", who="nodot"),
        Rule("dot", "451 4.7.1 slow down", who="busydot"),
    ]
    server = asyncio.run(send(world, *rules))
    assert world.states() == {
        "good": "accepted",
        "fine": "accepted",
        "later": "deferred",
        "nodata": "deferred",
        "busydot": "deferred",
        "gone": "rejected",
        "nodot": "rejected",
    }
    assert served(server) == ["fine", "good"]


def test_a_deferred_message_waits_as_the_schedule_says(world: World) -> None:
    """A54."""
    world.build(["later"])
    before = clock.now()
    asyncio.run(send(world, Rule("rcpt", "451 4.7.1 later")))
    (row,) = world.rows()
    assert row.attempts == 1
    assert timedelta(minutes=30) <= row.next_attempt_at - before <= timedelta(minutes=31)
    assert (row.reply_code, row.status, row.reply) == (451, "4.7.1", "4.7.1 later")


def test_the_last_deferral_expires(world: World) -> None:
    """A54: given up at the end of its life, with the last reply kept."""
    world.build()
    id_ = world.queue(world.subscribe("late"), campaign_id=world.campaign_id, attempts=44)
    asyncio.run(send(world, Rule("rcpt", "451 4.7.1 later")))
    row = world.row(id_)
    assert (row.state, row.attempts, row.reply_code) == (DeliveryState.EXPIRED, 45, 451)
    assert [one.delivery_id for one in world.bounced] == [id_], "given up is a bounce as well"


def test_every_refusal_for_good_is_a_bounce_and_only_some_say_that_nobody_is_there(world: World) -> None:
    """5.1.1 and 5.1.10 at RCPT; a policy refusal is a bounce too, and nobody's blame (law 10)."""
    world.build(["ghost", "null", "disliked"])
    rules = [
        Rule("rcpt", "550 5.1.1 no such user", who="ghost"),
        Rule("rcpt", "556 5.1.10 null MX", who="null"),
        Rule("rcpt", "550 5.7.1 we do not like you", who="disliked"),
    ]
    asyncio.run(send(world, *rules))
    assert sorted(one.delivery_id for one in world.bounced) == [1, 2, 3]
    assert world.dead == [1, 2]


def test_a_lost_reply_to_the_dot_is_unknown_and_never_sent_again(world: World) -> None:
    """A56, law 2."""
    world.build(["maybe", "after"])
    server = asyncio.run(send(world, Rule("dot", "accept-close", who="maybe")))
    assert world.states() == {"maybe": "unknown", "after": "accepted"}
    world.make_due()
    asyncio.run(send(world))
    assert world.states()["maybe"] == "unknown"
    assert served(server) == ["after", "maybe"]


def test_a_connection_closed_after_every_second_message_loses_nobody(world: World) -> None:
    """A59: a peer that closes silently after N messages just means reconnect."""
    names = [f"p{i}" for i in range(12)]
    world.build(names)
    server = asyncio.run(send(world, Rule("mail", "close", every=3), seconds=20))
    assert served(server) == sorted(names)
    assert {row.attempts for row in world.rows()} == {1}


def test_421_at_mail_costs_nobody_an_attempt(world: World) -> None:
    """A59."""
    names = [f"p{i}" for i in range(8)]
    world.build(names)
    server = asyncio.run(send(world, Rule("mail", "421 4.3.2 closing", every=4), seconds=20))
    assert served(server) == sorted(names)
    assert {row.attempts for row in world.rows()} == {1}


def test_a_relay_that_is_away_takes_no_attempt_and_gets_everything_later(world: World) -> None:
    """A connection failure belongs to the route: the rows go back, the route is probed."""
    world.build(["a", "b", "c"])
    server = SmtpServer()

    async def story() -> None:
        async with server.running() as port:
            pass
        async with world.sending(port):
            await asyncio.sleep(0.5)
            await until(lambda: {row.state for row in world.rows()} == {DeliveryState.QUEUED})
            assert {row.attempts for row in world.rows()} == {0}
            async with server.running(port):
                await world.settled()

    asyncio.run(story())
    assert served(server) == ["a", "b", "c"]
    assert {row.attempts for row in world.rows()} == {1}


def test_a_relay_that_asks_for_a_login_is_the_routes_trouble(world: World) -> None:
    """530 to MAIL would fail everybody alike; nobody is rejected for it."""
    world.build(["a", "b"])

    async def story() -> None:
        async with SmtpServer(Script([Rule("mail", "530 5.7.0 sign in")])).running() as port:
            async with world.sending(port):
                await asyncio.sleep(0.8)

    asyncio.run(story())
    assert {(row.state, row.attempts) for row in world.rows()} == {(DeliveryState.QUEUED, 0)}


@pytest.mark.parametrize("verb", ["mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize("do", ["close", "stall", "nonsense"])
def test_a_server_gone_mad_at_one_recipient_leaves_the_others_alone(
    small_world: World, verb: str, do: str
) -> None:
    """A53, A56: right outcome for each, no spin, nobody lost."""
    small_world.build(["mad", "good1", "good2", "good3"])
    who = "" if verb == "mail" else "mad"
    rules = Script([Rule(verb, do, who=who, times=1)])
    server = asyncio.run(send(small_world, script=rules, seconds=15))
    expected = {"mail": "accepted", "rcpt": "deferred", "data": "deferred", "dot": "unknown"}[verb]
    states = small_world.states()
    assert {name: state for name, state in states.items() if name != "mad"} == {
        "good1": "accepted",
        "good2": "accepted",
        "good3": "accepted",
    }
    assert states["mad"] == expected
    assert server.connections <= 6


def test_replies_in_pieces_and_without_pipelining_mean_the_same(small_world: World) -> None:
    small_world.build(["good", "gone", "later"])
    rules = [Rule("rcpt", "550 5.7.1 no", who="gone"), Rule("rcpt", "450 4.2.0 x", who="later")]
    script = Script(rules, offers=(), split_replies=True)
    asyncio.run(send(small_world, script=script))
    assert small_world.states() == {"good": "accepted", "gone": "rejected", "later": "deferred"}


def test_two_replies_in_one_packet_are_never_paired_with_the_wrong_recipient(small_world: World) -> None:
    """A reply nobody asked for makes the connection worthless, not a recipient accepted."""
    small_world.build(["mad", "good", "gone"])
    rules = [Rule("rcpt", "two-replies", who="mad", times=1), Rule("rcpt", "550 5.7.1 no", who="gone")]
    asyncio.run(send(small_world, script=Script(rules, offers=()), connections=1))
    assert small_world.states() == {"mad": "deferred", "good": "accepted", "gone": "rejected"}


# --- leaving wins (law 3) ---------------------------------------------------------------------


def test_who_left_before_the_claim_is_skipped_with_the_reason(world: World) -> None:
    """F2, A58."""
    world.build(["stays", "left", "bounced", "pending"])
    world.leave("left")
    world.suppress("bounced", SuppressionReason.HARD_BOUNCE)
    pending = world.queue(world.subscribe("new", SubscriptionState.PENDING), campaign_id=world.campaign_id)
    server = asyncio.run(send(world))
    reasons = {row.id: row.skip_reason for row in world.rows()}
    assert list(reasons.values()) == [
        None,
        SkipReason.UNSUBSCRIBED,
        SkipReason.SUPPRESSED,
        None,
        SkipReason.STALE,
    ]
    assert reasons[pending] is SkipReason.STALE
    assert served(server) == ["pending", "stays"]


def test_who_leaves_between_two_attempts_gets_no_second_one(world: World) -> None:
    """A58."""
    world.build(["left"])
    asyncio.run(send(world, Rule("rcpt", "451 4.2.0 later")))
    assert world.states() == {"left": "deferred"}
    world.leave("left")
    world.make_due()
    server = asyncio.run(send(world))
    assert world.states() == {"left": "skipped"}
    assert server.accepted == []


def test_a_claim_read_long_ago_is_read_again_before_mail_from(world: World) -> None:
    """A58, law 3: with a slow relay the end of a batch waits; who left meanwhile is not mailed."""
    names = [f"p{i}" for i in range(8)]
    world.build(names)
    script = Script(delay_seconds=0.5)

    async def story() -> SmtpServer:
        server = SmtpServer(script)
        async with server.running() as port, world.sending(port, connections=1):
            await until(lambda: world.counts().get("attempting", 0) >= 6)
            for name in names[6:]:
                await asyncio.to_thread(world.leave, name)
            await world.settled(seconds=20)
        return server

    server = asyncio.run(story())
    assert served(server) == names[:6]
    assert world.states()["p7"] == "skipped"


def test_a_confirmation_goes_only_while_its_sign_up_is_alive(world: World) -> None:
    world.build()
    subscription = world.subscribe("gone", SubscriptionState.PENDING)
    id_ = world.queue(subscription, kind=DeliveryKind.CONFIRMATION)
    asyncio.run(send(world))
    assert world.row(id_).skip_reason is SkipReason.STALE


def test_a_delivery_whose_person_was_erased_is_skipped(world: World) -> None:
    world.build()
    id_ = world.queue(None, campaign_id=world.campaign_id)
    asyncio.run(send(world))
    assert world.row(id_).skip_reason is SkipReason.ERASED


# --- pause, cancel, trouble of our own --------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "rest"), [(CampaignState.PAUSED, "queued"), (CampaignState.CANCELLED, "skipped")]
)
def test_pause_and_cancel_are_obeyed_within_seconds(world: World, order: CampaignState, rest: str) -> None:
    """A89: unsent claims go back, or are skipped when there is nothing to go back to."""
    world.build([f"p{i}" for i in range(40)])

    async def story() -> None:
        async with SmtpServer(Script(delay_seconds=0.2)).running() as port:
            async with world.sending(port, connections=2):
                await until(lambda: world.counts().get("accepted", 0) >= 2)
                await asyncio.to_thread(world.set_campaign, order)
                await until(lambda: "attempting" not in world.counts(), seconds=5)
                assert world.counts()["accepted"] < 30

    asyncio.run(story())
    counts = world.counts()
    assert (
        set(counts) <= {"accepted", rest} if order is CampaignState.PAUSED else {"accepted", rest, "queued"}
    )
    assert sum(counts.values()) == 40


def test_a_message_that_cannot_be_made_is_skipped_in_words(world: World) -> None:
    world.build(["odd", "bug", "good"])
    world.messages.failing = {"odd": MailerError("The name cannot be encoded."), "bug": RuntimeError("oops")}
    server = asyncio.run(send(world))
    odd, bug, good = world.rows()
    assert (odd.skip_reason, odd.reply) == (SkipReason.UNRENDERABLE, "The name cannot be encoded.")
    assert (bug.skip_reason, bug.reply) == (SkipReason.UNRENDERABLE, "The message could not be made.")
    assert good.state is DeliveryState.ACCEPTED
    assert served(server) == ["good"]


def test_a_body_that_must_be_withheld_goes_back_unsent(small_world: World) -> None:
    """The campaign's artefact is gone: nobody is skipped for it, they wait."""
    small_world.build(["a"])
    small_world.messages.failing = {"a": BodyWithheld("The frozen message is not in the database.")}

    async def story() -> None:
        async with SmtpServer().running() as port, small_world.sending(port):
            await asyncio.sleep(0.5)

    asyncio.run(story())
    assert small_world.states() == {"a": "queued"}


def test_system_mail_leaves_at_once_during_a_campaign(world: World) -> None:
    """Within 5 s whatever campaign is running, also at a limited rate."""
    world.build([f"p{i}" for i in range(60)])

    async def story() -> float:
        async with SmtpServer(Script(delay_seconds=0.1)).running() as port:
            async with world.sending(port, connections=2, per_second=20.0):
                await until(lambda: world.counts().get("accepted", 0) >= 3)
                started = clock.monotonic()
                proof = await asyncio.to_thread(world.queue_proof)
                await until(lambda: world.row(proof).state is DeliveryState.ACCEPTED, seconds=5)
                return clock.monotonic() - started

    assert asyncio.run(story()) < 2.0


def test_stalled_campaign_mail_does_not_hold_system_mail_back(small_world: World) -> None:
    """One connection is kept for the stream that goes first."""
    small_world.build(["mad1", "mad2", "mad3", "mad4"])
    rules = Script([Rule("dot", "stall", who="mad")])

    async def story() -> None:
        async with SmtpServer(rules).running() as port, small_world.sending(port, connections=3):
            await until(lambda: small_world.counts().get("attempting", 0) >= 2)
            proof = await asyncio.to_thread(small_world.queue_proof)
            await until(lambda: small_world.row(proof).state is DeliveryState.ACCEPTED, seconds=3)

    asyncio.run(story())


def test_two_workers_share_a_campaign_and_nobody_gets_two_copies(world: World) -> None:
    """A89, law 2."""
    names = [f"p{i:03}" for i in range(120)]
    world.build(names)

    async def story() -> SmtpServer:
        server = SmtpServer()
        async with server.running() as port:
            async with world.sending(port, batch_size=7), world.sending(port, batch_size=5):
                await world.settled(seconds=20)
        return server

    assert served(asyncio.run(story())) == names


def test_a_stop_finishes_what_is_in_flight_and_gives_the_rest_back(world: World) -> None:
    """SIGTERM leaves no unknown that the server answers in time."""
    names = [f"p{i}" for i in range(30)]
    world.build(names)

    async def story() -> SmtpServer:
        server = SmtpServer(Script(delay_seconds=0.3))
        async with server.running() as port, world.sending(port, connections=3):
            await until(lambda: len(server.accepted) >= 4)
        return server

    server = asyncio.run(story())
    counts = world.counts()
    assert set(counts) == {"accepted", "queued"}
    assert counts["accepted"] == len(server.accepted)


def test_a_stop_names_what_the_server_never_answers(small_world: World) -> None:
    """What is still on the wire after stop_seconds is unknown, not guessed."""
    small_world.build(["mad"])

    async def story() -> None:
        server = SmtpServer(Script([Rule("dot", "stall")]))
        async with server.running() as port:
            async with small_world.sending(port, connections=1, stop_seconds=0.2):
                await until(lambda: small_world.counts().get("attempting", 0) == 1)
                await asyncio.sleep(0.3)

    asyncio.run(story())
    assert small_world.states() == {"mad": "unknown"}


def test_one_worker_of_a_host_sends_the_mail_that_goes_first(small_world: World) -> None:
    """The others have all their connections for campaigns."""
    small_world.build(["a", "b"])
    proof = small_world.queue_proof()

    async def story() -> None:
        async with SmtpServer().running() as port:
            async with small_world.sending(port, sends_system=False):
                await until(lambda: set(small_world.states().values()) == {"accepted"})
                await asyncio.sleep(0.5)
                assert small_world.row(proof).state is DeliveryState.QUEUED
            await small_world.send_all(port)

    asyncio.run(story())
    assert small_world.row(proof).state is DeliveryState.ACCEPTED
