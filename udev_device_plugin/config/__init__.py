"""Settings and device specs from text: frozen values, or a ``ConfigError`` with every fault at once.

No I/O but reading the one configuration file.
"""
