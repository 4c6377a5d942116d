"""What ``--list-devices`` shows: what each selector means on this host now, and what almost matches and why not.

Floor 4. It explains what the rooms below have decided, and decides nothing about devices on offer itself. Pure but for
the drawing; knows neither sources nor the kubelet.
"""
