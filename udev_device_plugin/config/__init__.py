"""Configuration: text in, frozen values out, or a ``ConfigError`` with every fault at once.

The law of this room: no I/O but reading the one configuration file, nothing that runs, and nothing escapes
but ``ConfigError``, whatever the input.
"""
