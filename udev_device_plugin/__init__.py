"""A Kubernetes device plugin for generic Linux devices, driven by udev events."""

__version__ = "0.1.0"
