"""How fast `mailer work` sends a campaign, against Postfix's smtp-source into the same smtp-sink.

Run: python -m benchmarks.send [recipients] [connections]
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import func, select

from mailer.application import Site, open_site
from mailer.store.schema import Campaign, Delivery
from mailer.store.vocabulary import DeliveryState
from mailer.subscribers.importing import Declaration, ImportOptions

SBIN = "/usr/sbin"
PARAGRAPH = "Capacitors, resistors and a good deal on oscilloscopes: 20 % off, only this week. "
CAMPAIGN = f"""---
subject: Week 47
preheader: A part that was gone for seven months is back, and one circuit for the weekend.
list: news
---

# Week 47

Hello {{{{ subscriber.first_name | default("there") }}}}, [a link](https://shop.example/a).

{(PARAGRAPH * 3 + chr(10) + chr(10)) * 2}
"""


def main(recipients: int = 20_000, connections: int = 20) -> None:
    """Print both rates and the ratio; says so when Postfix's tools are missing."""
    if not Path(SBIN, "smtp-source").exists():
        print("MISSING REAL PART: Postfix's smtp-source and smtp-sink, so sending was not measured")
        return
    with tempfile.TemporaryDirectory(prefix="mailer-bench-") as place:
        port = _free_port()
        root = _make_site(Path(place) / "site", port=port, connections=connections)
        site = open_site(root, os.environ)
        _fill(site, recipients)
        site.campaigns.schedule("bench", "now", expect=recipients)
        size = _message_size(site)
        with _sink(port) as sink:
            rate, cpu = _send(site, recipients)
            reference, reference_cpu = _smtp_source(port, recipients, connections, size)
            sink.terminate()
        site.close()
    print(
        f"message                 {size / 1000:8.1f} kB, {recipients} recipients, {connections} connections"
    )
    print(f"smtp-source -d          {reference:8.0f} messages/s, {reference_cpu:6.1f} µs CPU each")
    print(f"mailer work (SQLite)    {rate:8.0f} messages/s, {cpu:6.1f} µs CPU each")
    print(f"ratio                   {rate / reference:8.2f}, CPU {cpu / reference_cpu:.1f} times")


def _make_site(root: Path, *, port: int, connections: int) -> Path:
    _mailer("init", str(root), "--smtp-port", str(port))
    folder = root / "campaigns" / "bench"
    folder.mkdir()
    (folder / "campaign.md").write_text(CAMPAIGN)
    settings = root / "mailer.toml"
    text = settings.read_text().replace("#connections = 4", f"connections = {connections}", 1)
    settings.write_text(text)
    return root


def _fill(site: Site, recipients: int) -> None:
    path = site.folder.root / "people.csv"
    rows = (f"reader{n}@d{n % 50}.example,Reader {n},2024-03-01,192.0.2.7\n" for n in range(recipients))
    path.write_text("Email,First Name,Confirmed at,Confirm IP\n" + "".join(rows))
    site.imports.run(path, "news", options=ImportOptions(declaration=Declaration(by="the bench")))


def _message_size(site: Site) -> int:
    return len(site.campaigns.preview("bench").raw)


def _send(site: Site, recipients: int) -> tuple[float, float]:
    """Messages per second from the first to the last outcome, and CPU microseconds per message."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(
        [sys.executable, "-m", "mailer", "work", "--quiet"], cwd=site.folder.root
    ) as worker:
        while not _finished(site):
            time.sleep(0.25)
        worker.send_signal(signal.SIGTERM)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with site.store.read() as connection:
        first, last, accepted = connection.execute(
            select(func.min(Delivery.settled_at), func.max(Delivery.settled_at), func.count()).where(
                Delivery.state == DeliveryState.ACCEPTED
            )
        ).one()
    assert accepted == recipients, f"{accepted} of {recipients} accepted"
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return recipients / (last - first).total_seconds(), cpu / recipients * 1e6


def _finished(site: Site) -> bool:
    with site.store.read() as connection:
        return connection.scalar(select(Campaign.finished_at)) is not None


def _smtp_source(port: int, recipients: int, connections: int, size: int) -> tuple[float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    options = ["-d", "-s", str(connections), "-m", str(recipients), "-l", str(size)]
    subprocess.run([f"{SBIN}/smtp-source", *options, f"127.0.0.1:{port}"], check=True)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return recipients / seconds, cpu / recipients * 1e6


def _sink(port: int) -> subprocess.Popen[bytes]:
    sink = subprocess.Popen([f"{SBIN}/smtp-sink", "-u", "nobody", f"127.0.0.1:{port}", "1000"])
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return sink
        except ConnectionRefusedError:
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _mailer(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "mailer", *words], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
