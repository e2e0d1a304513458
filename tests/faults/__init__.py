"""Faults on purpose: a server that misbehaves by script, processes that are killed."""
