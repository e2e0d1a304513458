"""What came back, counted and explained: totals, causes, what to do; charts and one person's timeline."""
