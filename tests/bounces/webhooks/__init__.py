"""Webhooks of mail providers, with payloads in the shape of their documentation."""
