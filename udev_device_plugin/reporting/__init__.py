"""What the plugin shows of itself: over HTTP, and as ``--list-devices``."""
