"""The match part of udev rules."""
