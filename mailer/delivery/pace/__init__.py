"""How fast each relay and mailbox provider is sent to: found from what they answer, shared by all workers.

The engine makes one `Paces` per worker and runs `paces.run()` beside its beat. For each message:

    rest(relay) > 0 or not may_connect(relay, open)   this relay takes nothing now: use another, or wait
    limit_for(relay)                                  the rate of that relay's turns, None: no limit
    gate(domain, system=...)                          0.0: go; else ask again after so many seconds
    heard(relay, domain, outcome)                     for every attempt that ended, ROUTE_DOWN as well
    give_back(claim)                                  for what the gate let through and nobody sent
    later(domain)                                     when a delivery that is put back should be due
"""

from mailer.delivery.pace.dns import MailServers, MxLookup, Silent
from mailer.delivery.pace.paces import Paces

__all__ = ["MailServers", "MxLookup", "Paces", "Silent"]
