"""The message that `make bench` measures is the one it says it measures."""

from __future__ import annotations

from contextlib import closing
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from benchmarks.fill import claims
from benchmarks.sending import schedule
from benchmarks.stage import drop, stage
from mailer.delivery.esmtp import check_bytes
from mailer.return_path import decode_return_path


def test_the_example_is_what_the_benchmark_says() -> None:
    """Two parts, 10 to 12 kB, a name, three links and the reader's own, a return path of its own."""
    at = stage("SQLite", 3, connections=1)
    assert 10_000 < schedule(at, 3) < 12_500
    with closing(at.open()) as site:
        held = claims(site)
        letters = [site.messages.build(claim) for claim in held]
        for claim, letter in zip(held, letters, strict=True):
            assert decode_return_path(site.secrets, letter.envelope.return_path) == claim.id
            check_bytes(bytes(letter.data))
            message = BytesParser(EmailMessage, policy=policy.default).parsebytes(letter.data)
            for part in message.iter_parts():
                content = part.get_content()
                assert claim.fields["first_name"] in content
                assert content.count("https://shop.example/") == 3
                assert message["List-Unsubscribe"].strip("<>") in content
        assert len({letter.message_id for letter in letters}) == 3
    drop(at)
