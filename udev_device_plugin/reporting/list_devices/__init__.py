"""What ``--list-devices`` shows: what each selector means on this host now, and what almost matches and why not.

It explains what `devices` has decided, and decides nothing about devices on offer itself. Pure but for `scan` and
`output`.
"""
