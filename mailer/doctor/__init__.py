"""`mailer doctor`: is this site fit to be trusted with mail? Facts are gathered, then judged by pure functions."""
