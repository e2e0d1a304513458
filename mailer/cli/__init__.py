"""The command line: parse, call one service, show. No SQL, no SMTP, no rules."""
