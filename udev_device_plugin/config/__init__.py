"""Settings and device specs from text: frozen values, or a ``ConfigError`` with all faults at once."""
