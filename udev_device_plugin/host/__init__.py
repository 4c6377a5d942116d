"""What is on this machine: the host thread, which looks at it after each event, and the inventory of what was found.

Level-triggered: an event says where to look; what counts is what the kernel, udev's database and the links say at the
moment of the look. ``observer`` starts the thread; the rest of the program reads ``inventory``.
"""
