"""A newsletter mailing-list manager: opt-in kept, opt-out at once, proven by what it writes down."""

__version__ = "0.1.0"
