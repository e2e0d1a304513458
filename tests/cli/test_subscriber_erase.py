"""`mailer subscriber erase` in a terminal: asked twice, told what went, what stays and what is under way."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from mailer.addresses import parse_address
from mailer.application import Site, open_site
from mailer.cli.main import main
from mailer.cli.subscriber_erase import _told
from mailer.site import SiteFolder
from mailer.store.schema import Delivery, Subscriber
from mailer.store.vocabulary import DeliveryState, SuppressionReason
from mailer.subscribers.erasure import Erased

WHY = "letter of 20 November"
ADA = "Ada@example.net"


@pytest.fixture
def site(site_folder: SiteFolder) -> Iterator[Site]:
    """The site the commands work on, for looking behind them."""
    opened = open_site(site_folder.root, {})
    yield opened
    opened.close()


@pytest.fixture
def run(site: Site) -> Callable[..., Result]:
    """Type a `mailer` command in that site, and answer what it asks."""

    def type_in(*words: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(main, [*words, "--site", str(site.folder.root)], input=answer)

    return type_in


@pytest.fixture
def erase(run: Callable[..., Result]) -> Callable[..., Result]:
    """Invite Ada, then erase an address: hers unless told otherwise."""
    run("subscriber", "add", ADA, "--list", "weekly", "--asked", "at the counter")

    def command(*words: str, address: str = ADA, answer: str | None = None) -> Result:
        return run("subscriber", "erase", address, "--why", WHY, *words, answer=answer)

    return command


def people(site: Site) -> list[str]:
    with site.store.read() as connection:
        return list(connection.scalars(select(Subscriber.email)))


@pytest.mark.rule("C20")
def test_it_says_what_went_and_what_stays(erase: Callable[..., Result], site: Site) -> None:
    result = erase("--yes")
    assert (result.exit_code, result.output) == (
        0,
        "A…@example.net is erased: 1 subscription, 1 unsent message, 1 ledger record.\n"
        "What stays is a keyed hash of the address, so that nobody imports it again (unsubscribed).\n",
    )
    assert people(site) == []


def test_the_address_is_asked_for_again(erase: Callable[..., Result], site: Site) -> None:
    result = erase(answer="ada@EXAMPLE.net\n")
    assert result.exit_code == 0 and "Type the address again to erase it for good" in result.output
    assert people(site) == []


@pytest.mark.parametrize("answer", ["bob@example.org\n", "yes\n", ""])
def test_any_other_answer_erases_nothing(erase: Callable[..., Result], site: Site, answer: str) -> None:
    assert erase(answer=answer).exit_code == 1
    assert people(site) == [ADA]


def test_two_addresses_that_differ_are_named_as_the_reason(erase: Callable[..., Result]) -> None:
    assert "The two addresses differ; nothing was erased." in erase(answer="bob@example.org\n").output


def test_a_program_reads_numbers_and_no_address(erase: Callable[..., Result]) -> None:
    result = erase("--yes", "--json")
    assert json.loads(result.stdout) == {
        "found": True,
        "subscriptions": 1,
        "requests": 0,
        "skipped": 1,
        "in_flight": 0,
        "mails": 0,
        "deliveries": 1,
        "records": 1,
        "reasons": ["unsubscribed"],
        "overwritten": True,
    }
    assert "ada" not in result.output.lower()


def test_asking_does_not_spoil_the_json(erase: Callable[..., Result]) -> None:
    assert json.loads(erase("--json", answer=f"{ADA}\n").stdout)["found"] is True


def test_an_address_that_is_not_stored_is_no_failure(erase: Callable[..., Result], site: Site) -> None:
    result = erase("--yes", address="bob@example.org")
    assert (result.exit_code, result.output) == (
        0,
        "Nothing is stored about b…@example.org; nothing was changed.\n"
        "To keep it off every list all the same: mailer suppression add\n",
    )
    assert people(site) == [ADA]
    again = erase("--yes", "--json", address="bob@example.org")
    assert json.loads(again.stdout)["found"] is False


def test_the_second_time_only_the_hash_is_left_to_tell_of(erase: Callable[..., Result]) -> None:
    erase("--yes")
    output = erase("--yes").output
    assert "Nothing but a keyed hash is stored about A…@example.net (unsubscribed)" in output
    assert "Nothing was changed." in output and "What stays" not in output


@pytest.mark.rule("C20")
def test_a_message_under_way_is_named(erase: Callable[..., Result], site: Site) -> None:
    with site.store.write() as connection:
        connection.execute(update(Delivery).values(state=DeliveryState.ATTEMPTING, next_attempt_at=None))
    output = " ".join(erase("--yes").output.split())
    assert "1 message to this address is being handed over right now and may still arrive" in output


def test_bytes_that_could_not_be_overwritten_are_named() -> None:
    told = _told(parse_address(ADA), Erased(found=True, subscriptions=2, overwritten=False))
    assert "2 subscriptions" in told[0]
    assert told[-1].endswith("Run this command again when it is done.")


def test_notes_alone_are_something_too(run: Callable[..., Result], site: Site) -> None:
    site.suppressions.add(parse_address("zoe@example.net"), SuppressionReason.COMPLAINT, note="by phone")
    run("subscriber", "erase", "zoe@example.net", "--why", WHY, "--yes")
    output = run("subscriber", "show", "zoe@example.net").output
    assert "complaint" in output and "by phone" not in output


MISTAKES = [
    (("erase", ADA, "--yes"), 2, "Missing option '--why'"),
    (("erase", ADA, "--why", " ", "--yes"), 1, "Erasing needs a reason"),
    (("erase", ADA, "--why", f"{ADA} phoned", "--yes"), 1, "leave the address out of it"),
    (("erase", "ada@localhost", "--why", WHY, "--yes"), 1, "has no dot"),
]


@pytest.mark.parametrize(("words", "code", "sentence"), MISTAKES)
def test_a_mistake_is_one_sentence(
    run: Callable[..., Result], words: tuple[str, ...], code: int, sentence: str
) -> None:
    result = run("subscriber", *words)
    assert result.exit_code == code and sentence in result.output
    assert "Traceback" not in result.output


@pytest.mark.rule("D27")
def test_the_erasure_is_on_record_and_the_ledger_verifies(
    erase: Callable[..., Result], run: Callable[..., Result]
) -> None:
    erase("--yes")
    shown = json.loads(run("subscriber", "show", ADA, "--json").output)
    assert [record["event"] for record in shown["history"]] == ["requested", "erased"]
    assert [record["payload"] and record["payload"]["why"] for record in shown["history"]] == [None, WHY]
    assert (shown["fields"], shown["subscriptions"], shown["language"]) == ({}, [], None)
    assert run("audit", "verify").exit_code == 0


@pytest.mark.rule("D25")
def test_no_log_line_holds_the_address(
    erase: Callable[..., Result], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        erase("--yes")
    assert "subscriber erased" in caplog.text
    assert "ada@" not in caplog.text.lower()


def test_the_help_says_what_goes_what_stays_and_what_is_theirs_to_clean(run: Callable[..., Result]) -> None:
    output = " ".join(run("subscriber", "erase", "--help").output.split())
    for words in ("as a keyed hash", "may still arrive", "Backups and files you imported from"):
        assert words in output
