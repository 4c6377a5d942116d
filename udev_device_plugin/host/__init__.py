"""What is on this machine: the host thread, which looks when something tells it to, and the inventory of what it saw.

Events are hints, and a look is the truth: whatever an event says, what counts is what the kernel, udev's database and
the links say at the moment of the look. See ``observer`` for the thread, ``inventory`` for what the rest of the
program reads.
"""
