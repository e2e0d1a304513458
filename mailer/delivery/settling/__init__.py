"""Deliveries whose end nobody saw: what a mail log, a report or an operator says of them, and nothing else."""
