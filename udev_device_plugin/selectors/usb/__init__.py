"""USB devices by vendor, product and serial number."""
