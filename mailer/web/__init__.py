"""The public pages: join, confirm, leave, read, and see what is promised; no script, no cookie."""
