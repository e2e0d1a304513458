"""`python -m mailer` is the command `mailer`."""

from mailer.cli.main import main

main(prog_name="mailer")
