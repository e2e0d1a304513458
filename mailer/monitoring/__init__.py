"""What programs ask of a site: figures for Prometheus, cheap on any table, and what grows too fast."""
