"""Metrics, the log of what happened to devices, and the form of log lines: plain values in."""
