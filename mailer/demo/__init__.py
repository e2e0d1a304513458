"""`mailer demo`: the whole story on a temporary site, through real HTTP and real SMTP."""
