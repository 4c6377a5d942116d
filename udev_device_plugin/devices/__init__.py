"""What a resource offers: pure but for the store."""
