"""What is read of udev and sysfs for rules, USB devices and the boot; the host itself is observed by ``host``."""
