"""One message, now, past the queue: for mail about the queue itself; from one relay to the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from mailer.addresses import EmailAddress
from mailer.delivery.courier import BodyWithheld, Courier, Go, RouteDown
from mailer.delivery.model import Envelope, Outcome, OutcomeKind

#: A relay that hangs is left after so many seconds.
PATIENCE_SECONDS = 60.0


class _Single:
    """A parcel that keeps what became of it."""

    def __init__(self, envelope: Envelope, data: bytes) -> None:
        self.envelope = envelope
        self.data = data
        self.outcome: Outcome | None = None

    def before_body(self, go: Go) -> None:
        go(None)

    def ended(self, outcome: Outcome) -> None:
        self.outcome = outcome

    def withheld(self, reason: BodyWithheld) -> None:
        raise AssertionError("nothing holds this body back")


def deliver_now(
    couriers: Iterable[Callable[[], Courier]], to: EmailAddress, data: bytes, *, return_path: str
) -> str | None:
    """Offer a message to one relay after the other until one takes it, or may have taken it.

    Returns None then, or a sentence with every relay's reason. Blocks; not for an event loop's thread.
    """
    envelope = Envelope(return_path, to, "alert", to.needs_smtputf8)
    refusals = []
    for new_courier in couriers:
        refused = asyncio.run(_offer(new_courier(), envelope, data))
        if refused is None:
            return None
        refusals.append(refused)
    return " ".join(refusals) or "There is no relay."


async def _offer(courier: Courier, envelope: Envelope, data: bytes) -> str | None:
    parcel = _Single(envelope, data)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await courier.connect()
            await courier.deliver(parcel, lambda: None)
    except RouteDown as error:
        return str(error)
    except TimeoutError:
        if parcel.outcome is None:
            return f"The relay {courier.relay} did not answer in time."
    finally:
        await courier.close()
    outcome = parcel.outcome
    if outcome is not None and outcome.kind in (OutcomeKind.ACCEPTED, OutcomeKind.UNKNOWN):
        return None
    code = outcome.reply_code if outcome is not None else None
    return f"The relay {courier.relay} " + (f"answered {code}." if code else "closed the connection.")
