"""Metrics, the log of events on devices, and the format of log lines."""
