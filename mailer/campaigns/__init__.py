"""From a folder of text files to a frozen campaign, its audience, and its end.

A campaign is a folder that staff keep in git; scheduling freezes it by hash. From then on
only the database speaks: what was approved is what is sent (law 9), to whom it was
approved for, once.
"""
