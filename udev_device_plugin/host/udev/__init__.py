"""The only package that imports pyudev; no pyudev object leaves the thread that made it."""
