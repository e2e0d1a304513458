"""Tell ops that something is wrong: by mail and by webhook, once per cause and hour."""

from mailer.alerts.model import Alert
from mailer.alerts.raising import Alerts

__all__ = ["Alert", "Alerts"]
