"""Which relays a file puts to use, with what share and for which mail."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailer.settings import SettingsInvalid, load_settings
from mailer.settings.relay import PasswordMissing, RelayInUse, relays_in_use, require_relay
from tests.conftest import SETTINGS

BOTH = frozenset(("campaign", "system"))


def in_use(tmp_path: Path, *relays: str, sending: str = "") -> tuple[RelayInUse, ...]:
    """What a file with these [smtp.NAME] sections means."""
    before, rest = SETTINGS.split("[smtp.main]")
    after = rest[rest.index("[sending]") :].replace("[sending]", f"[sending]\n{sending}")
    sections = "\n".join(
        f'[smtp.{relay.replace(";", chr(10))}\nhost = "127.0.0.1"\ntls = "none"' for relay in relays
    )
    file = tmp_path / "mailer.toml"
    file.write_text(f"{before}{sections}\n{after}")
    return relays_in_use(load_settings(file, {}))


def test_one_relay_takes_everything(tmp_path: Path) -> None:
    (relay,) = in_use(tmp_path, "main]")
    assert (relay.name, relay.address, relay.connections) == ("main", "127.0.0.1:587", 4)
    assert (relay.weight, relay.streams) == (1, BOTH)


def test_a_second_relay_stands_by_unless_it_is_given_a_weight(tmp_path: Path) -> None:
    """A file of before relays were shared sends as it did, and now has somebody to fall back on."""
    assert [relay.weight for relay in in_use(tmp_path, "main]", "backup]")] == [1, 0]
    assert [relay.weight for relay in in_use(tmp_path, "main];weight = 3", "other];weight = 2")] == [3, 2]


def test_the_first_relay_is_the_first_that_takes_campaigns(tmp_path: Path) -> None:
    relays = in_use(tmp_path, 'post];streams = ["system"]', "bulk]", "spare]")
    assert [(relay.name, relay.weight) for relay in relays] == [("post", 0), ("bulk", 1), ("spare", 0)]


def test_a_route_sends_everything_through_one_relay(tmp_path: Path) -> None:
    """Whatever the sections say: also the relay that else would be for one kind of mail."""
    relays = in_use(tmp_path, "main]", 'bulk];weight = 0;streams = ["campaign"]', sending='route = "bulk"')
    assert [(relay.name, relay.weight, relay.streams) for relay in relays] == [("bulk", 1, BOTH)]


def test_connections_are_a_relays_own_unless_sending_says_otherwise(tmp_path: Path) -> None:
    relays = ("main];connections = 7", "other]")
    assert [relay.connections for relay in in_use(tmp_path, *relays)] == [7, 4]
    assert [relay.connections for relay in in_use(tmp_path, *relays, sending="connections = 2")] == [2, 2]


@pytest.mark.rule("B16")
@pytest.mark.parametrize(("stream", "other"), [("campaign", "system"), ("system", "campaign")])
def test_mail_that_no_relay_takes_is_refused_with_the_remedy(tmp_path: Path, stream: str, other: str) -> None:
    with pytest.raises(
        SettingsInvalid, match=f'no relay for {stream} mail; add "{stream}" to the streams of'
    ):
        in_use(tmp_path, f'main];streams = ["{other}"]')


def test_a_relay_that_stands_by_needs_its_password_too(tmp_path: Path) -> None:
    """It would be asked for in the middle of an outage, when nobody has time to look for it."""
    in_use(tmp_path, "main]")
    file = tmp_path / "mailer.toml"
    backup = '[smtp.backup]\nhost = "smtp.shop.example"\nusername = "news"\n[sending]'
    file.write_text(
        file.read_text()
        .replace("[sending]", backup)
        .replace("http://127.0.0.1:8025", "https://news.shop.example")
    )
    with pytest.raises(PasswordMissing, match="MAILER_SMTP__BACKUP__PASSWORD"):
        require_relay(load_settings(file, {}))
