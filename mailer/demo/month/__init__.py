"""`mailer demo --month`: a month of a newsletter, simulated from a seed, through the real code.

What is invented: the people, what their mailbox providers answer, and what comes back. What is real:
importing, scheduling, sending, reading, deciding, the breakers, the report.
"""
