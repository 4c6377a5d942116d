"""HID interfaces of USB devices by vendor, product, serial number and usage page."""
