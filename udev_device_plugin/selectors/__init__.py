"""What a device spec selects on a host: paths, udev rules, USB devices. Pure."""
