"""The pages at /ops, for staff who have signed in."""
