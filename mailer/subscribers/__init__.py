"""People and permission: joining, leaving, suppression, caps, and the evidence of each."""
