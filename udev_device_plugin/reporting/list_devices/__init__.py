"""``--list-devices``: what each selector selects on this host now, and what almost matches and why not.

It explains what `devices` decides, and decides nothing itself. Pure but for `scan` and `output`.
"""
