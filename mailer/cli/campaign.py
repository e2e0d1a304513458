"""`mailer campaign`: from a new file to a finished sending."""

from __future__ import annotations

import click

from mailer.cli import campaign_send, campaign_write


@click.group(no_args_is_help=True)
def campaign() -> None:
    """Write, check, preview, prove, schedule and watch campaigns.

    A campaign is a folder: campaigns/SLUG/campaign.md (or campaign.mjml), images beside it.
    """


for _command in (
    campaign_write.new,
    campaign_write.check,
    campaign_write.preview,
    campaign_write.proof,
    campaign_send.schedule,
    campaign_send.pause,
    campaign_send.resume,
    campaign_send.cancel,
    campaign_send.status,
):
    campaign.add_command(_command)
