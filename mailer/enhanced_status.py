"""What an enhanced status says of a rejection: the address does not exist, or we are not welcome (RFC 3463)."""

from __future__ import annotations

#: A76: nobody is there. 5.1.10: the domain takes no mail (RFC 7505); 5.2.1: the mailbox is disabled.
_HARD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
#: RFC 3463 3.8: security or policy; they refuse us, not the address, and that can be mended.
_POLICY = "5.7."
#: Of these, the ones that speak of the mailbox: disabled (RFC 5248), in other hands (RFC 7293).
_OF_THE_MAILBOX = frozenset({"5.7.13", "5.7.17", "5.7.18"})


def is_hard(status: str | None) -> bool:
    """Whether a rejection was about the address: there is nobody to write to (A76)."""
    return status in _HARD


def is_policy(status: str | None) -> bool:
    """Whether a rejection was about us: a 5.7.x that does not speak of the mailbox (A77)."""
    return status is not None and status.startswith(_POLICY) and status not in _OF_THE_MAILBOX
